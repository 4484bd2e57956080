//! A peer that answers as badly as a case wants, and remembers what it got and what it got rid of.

use std::{
    io::{self, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// What a peer does with a connection.
pub type Behaviour = Arc<dyn Fn(&mut Connection) + Send + Sync>;

/// A server on a free port; its threads end when the clients are gone.
pub struct Peer {
    pub address: SocketAddr,
    pub seen: Arc<Seen>,
    over: Arc<AtomicBool>,
}

/// What a peer has seen, over all connections.
#[derive(Default)]
pub struct Seen {
    /// The most bytes that one connection's client took.
    pushed: AtomicU64,
    /// First lines of whole requests.
    lines: Mutex<Vec<String>>,
}

impl Seen {
    pub fn lines(&self) -> Vec<String> {
        self.lines.lock().expect("lock").clone()
    }

    pub fn pushed(&self) -> u64 {
        self.pushed.load(Ordering::Acquire)
    }
}

impl Peer {
    pub fn start(tls: Option<Arc<ServerConfig>>, behaviour: Behaviour) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let seen = Arc::new(Seen::default());
        let over = Arc::new(AtomicBool::new(false));
        let (told, ended) = (Arc::clone(&seen), Arc::clone(&over));
        thread::spawn(move || {
            for stream in listener.incoming() {
                if ended.load(Ordering::Acquire) {
                    return;
                }
                let stream = stream.expect("a connection");
                let (tls, behaviour, seen) =
                    (tls.clone(), Arc::clone(&behaviour), Arc::clone(&told));
                thread::spawn(move || {
                    let tcp = stream.try_clone().expect("a second handle");
                    let _ = tcp.set_nodelay(true);
                    let wire: Box<dyn Wire> = match tls {
                        None => Box::new(stream),
                        Some(config) => {
                            let tls = ServerConnection::new(config).expect("a configuration");
                            Box::new(StreamOwned::new(tls, stream))
                        }
                    };
                    behaviour(&mut Connection { wire, tcp, seen, pushed: 0 });
                });
            }
        });
        Self { address, seen, over }
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Release);
        // Wakes the listener's thread.
        let _ = TcpStream::connect(self.address);
    }
}

pub trait Wire: Read + Write {}
impl<T: Read + Write> Wire for T {}

/// One connection.
pub struct Connection {
    wire: Box<dyn Wire>,
    pub tcp: TcpStream,
    seen: Arc<Seen>,
    pushed: u64,
}

impl Connection {
    /// Reads a whole request and gives its first line; `None` when the client is gone.
    pub fn request(&mut self) -> Option<String> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            match self.wire.read(&mut byte) {
                Ok(1) => head.push(byte[0]),
                _ => return None,
            }
        }
        let head = String::from_utf8_lossy(&head).to_ascii_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let length = length.map_or(0, |length| length.parse().expect("a length"));
        let mut body = vec![0; length];
        self.wire.read_exact(&mut body).ok()?;
        let line = head.lines().next().unwrap_or_default().to_owned();
        self.seen.lines.lock().expect("lock").push(line.clone());
        Some(line)
    }

    /// Sends this; false when the client is gone.
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        let bytes = bytes.as_ref();
        let sent = self.wire.write_all(bytes).and_then(|()| self.wire.flush());
        if sent.is_ok() {
            self.pushed += bytes.len() as u64;
            self.seen.pushed.fetch_max(self.pushed, Ordering::AcqRel);
        }
        sent.is_ok()
    }

    /// Sends this for as long as the client takes it.
    pub fn flood(&mut self, piece: impl AsRef<[u8]>) {
        let piece = piece.as_ref();
        let many = piece.repeat((16 << 10) / piece.len() + 1);
        while self.send(&many) {}
    }

    /// Sends this again and again, with a pause before each.
    pub fn drip(&mut self, piece: &str, pause: Duration) {
        while self.send(piece) {
            thread::sleep(pause);
        }
    }

    /// Does nothing until the client goes.
    pub fn idle(&mut self) {
        let mut sink = [0; 4096];
        while self.wire.read(&mut sink).is_ok_and(|length| length > 0) {}
    }

    /// Answers every request so, on this connection.
    pub fn answer_all(&mut self, answer: impl AsRef<[u8]>) {
        while self.request().is_some() {
            if !self.send(answer.as_ref()) {
                return;
            }
        }
    }

    /// Closes without the end that TLS has.
    pub fn cut(&self) {
        let _: io::Result<()> = self.tcp.shutdown(std::net::Shutdown::Both);
    }
}

/// An answer whose length is known.
pub fn answer(status: &str, headers: &str, body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\n{headers}\r\n{body}")
}
