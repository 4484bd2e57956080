//! A wire tap before a server: what really went out.

use std::{
    io::{Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

/// Forwards connections and keeps what their clients sent. It ends with the process.
pub struct Tap {
    pub address: SocketAddr,
    sent: Arc<Mutex<Vec<u8>>>,
}

impl Tap {
    pub fn before(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        let sent = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&sent);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let Ok(server) = TcpStream::connect(server) else { return };
                let (to_client, from_server) = (client.try_clone(), server.try_clone());
                let kept = Arc::clone(&kept);
                thread::spawn(move || {
                    forward(client, server, |data| {
                        kept.lock().expect("not poisoned").extend_from_slice(data);
                    });
                });
                if let (Ok(to_client), Ok(from_server)) = (to_client, from_server) {
                    thread::spawn(move || forward(from_server, to_client, |_| ()));
                }
            }
        });
        Self { address, sent }
    }

    /// The lines that clients have sent so far; what is no text in them is replaced.
    pub fn sent(&self) -> String {
        let sent = self.sent.lock().expect("not poisoned");
        let lines = sent.split_inclusive(|byte| *byte == b'\n');
        // Bodies hold no secret that their heads do not.
        lines.filter(|line| line.len() < 10_000).map(String::from_utf8_lossy).collect()
    }
}

fn forward(mut from: TcpStream, mut to: TcpStream, mut keep: impl FnMut(&[u8])) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(read @ 1..) = from.read(&mut buffer) {
        keep(&buffer[..read]);
        if to.write_all(&buffer[..read]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Write);
}
