//! A server of a few lines, for answers that no real server gives.
#![allow(dead_code, reason = "each test uses its part")]

use std::{
    io::{BufRead, BufReader, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use cos_blocking::{Client, ClientBuilder};
use cos_proto::{Attempt, Bucket, Credentials, Endpoint, Observer, Region, Session};

/// A request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    /// Which connection it came on, from 0.
    pub(crate) connection: usize,
    /// Method, target and version.
    pub(crate) line: String,
    /// Names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| &**value)
    }
}

/// What a handler does with the connection.
pub(crate) enum Then {
    KeepAlive,
    Close,
}

pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl Server {
    /// Serves each connection on its own thread until the process ends.
    pub(crate) fn start(
        handle: impl Fn(&Request, &mut TcpStream) -> Then + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (handle, log) = (Arc::new(handle), Arc::clone(&requests));
        thread::spawn(move || {
            for (number, stream) in listener.incoming().enumerate() {
                let (handle, log) = (Arc::clone(&handle), Arc::clone(&log));
                thread::spawn(move || serve(number, stream.unwrap(), &*handle, &log));
            }
        });
        Self { address, requests }
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }

    pub(crate) fn session(&self) -> Session {
        session(&format!("http://{}", self.address))
    }

    /// A client whose deadlines are short and that has credentials.
    pub(crate) fn client(&self) -> ClientBuilder {
        client(self.session())
    }
}

pub(crate) fn session(endpoint: &str) -> Session {
    let endpoint: Endpoint = endpoint.parse().unwrap();
    Session::new(Bucket::new("b-1").unwrap(), Region::new("ap-test").unwrap(), endpoint)
}

pub(crate) fn client(session: Session) -> ClientBuilder {
    Client::builder(session)
        .credentials(Credentials::new("id", "key"))
        .observer(())
        .connect_timeout(Duration::from_secs(5))
}

fn serve(
    connection: usize,
    mut stream: TcpStream,
    handle: &dyn Fn(&Request, &mut TcpStream) -> Then,
    log: &Mutex<Vec<Request>>,
) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    while let Some(request) = read_request(connection, &mut reader) {
        log.lock().unwrap().push(request.clone());
        match handle(&request, &mut stream) {
            Then::KeepAlive => {}
            Then::Close => return,
        }
    }
}

fn read_request(connection: usize, reader: &mut impl BufRead) -> Option<Request> {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|&length| length > 0)?;
        let line = line.trim_end().to_owned();
        if line.is_empty() {
            break;
        }
        lines.push(line);
    }
    let line = lines.remove(0);
    let headers: Vec<_> = lines
        .iter()
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    let mut request = Request { connection, line, headers, body: Vec::new() };
    let length = request.header("content-length").map_or(0, |length| length.parse().unwrap());
    request.body = vec![0; length];
    reader.read_exact(&mut request.body).ok()?;
    Some(request)
}

/// Answers with a status line's end, headers and a body of known length.
pub(crate) fn answer(stream: &mut TcpStream, status: &str, headers: &str, body: &[u8]) -> Then {
    let head = format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\n\r\n", body.len());
    let sent = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body));
    if sent.is_ok() { Then::KeepAlive } else { Then::Close }
}

/// Remembers everything it is told.
#[derive(Clone, Default)]
pub(crate) struct Recorder(Arc<Mutex<Recorded>>);

#[derive(Clone, Default)]
pub(crate) struct Recorded {
    pub(crate) attempts: Vec<Attempt>,
    pub(crate) permits_most: usize,
    pub(crate) permits_last: usize,
    pub(crate) buffered_most: u64,
    pub(crate) buffered_last: u64,
}

impl Recorder {
    pub(crate) fn recorded(&self) -> Recorded {
        self.0.lock().unwrap().clone()
    }
}

impl Observer for Recorder {
    fn attempt(&self, attempt: &Attempt) {
        self.0.lock().unwrap().attempts.push(attempt.clone());
    }

    fn buffered(&self, bytes: u64) {
        let mut recorded = self.0.lock().unwrap();
        recorded.buffered_most = recorded.buffered_most.max(bytes);
        recorded.buffered_last = bytes;
    }

    fn permits(&self, in_use: usize) {
        let mut recorded = self.0.lock().unwrap();
        recorded.permits_most = recorded.permits_most.max(in_use);
        recorded.permits_last = in_use;
    }
}

/// Waits for what another thread is about to do.
pub(crate) fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    for _ in 0..2000 {
        if holds() {
            return;
        }
        thread::sleep(Duration::from_millis(5));
    }
    panic!("{what}");
}
