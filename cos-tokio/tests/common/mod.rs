//! A small HTTP server that answers as a test says, and clients of it.

#![allow(dead_code, unreachable_pub, reason = "every test file uses its own part of this")]
#![allow(clippy::expect_used, reason = "a test that panics is a test that fails")]

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use cos_proto::{Attempt, Bucket, Credentials, Observer, Region, Session};
use cos_tokio::{Client, ClientBuilder, Proxy};
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader},
    net::TcpListener,
    sync::watch,
};

/// What the server does with a request.
pub enum Reply {
    /// Writes this and keeps the connection.
    Raw(Vec<u8>),
    /// Writes this, then closes the connection.
    Last(Vec<u8>),
    /// Writes this after a while and keeps the connection.
    Later(Duration, Vec<u8>),
    /// Writes a 200 with these headers and so many spaces, each after a pause, before this body.
    Spaces(u32, Duration, &'static str, String),
    /// Says nothing and keeps the connection.
    Silence,
}

impl Reply {
    pub fn ok(body: &str) -> Self {
        Self::Raw(response(200, "", body))
    }
}

pub fn response(status: u16, headers: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 {status} X\r\ncontent-length: {length}\r\n{headers}\r\n{body}").into_bytes()
}

/// One request as it came.
#[derive(Clone, Debug, Default)]
pub struct Request {
    pub line: String,
    /// Lower-case names.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Request {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }
}

/// A server on a free port of the loopback interface; it ends with the test's runtime.
pub struct Served {
    pub address: SocketAddr,
    requests: Arc<Mutex<Vec<Request>>>,
    count: watch::Receiver<usize>,
}

impl Served {
    pub async fn start(answer: impl Fn(usize, &Request) -> Reply + Send + Sync + 'static) -> Self {
        Self::start_tls(None, answer).await
    }

    pub async fn start_tls(
        tls: Option<tokio_rustls::TlsAcceptor>,
        answer: impl Fn(usize, &Request) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("bound");
        let address = listener.local_addr().expect("address");
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (counted, count) = watch::channel(0);
        let served = Self { address, requests: Arc::clone(&requests), count };
        let answer = Arc::new(answer);
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.expect("accepted");
                let (tls, answer, requests) =
                    (tls.clone(), Arc::clone(&answer), Arc::clone(&requests));
                let counted = counted.clone();
                tokio::spawn(async move {
                    match tls {
                        None => serve(stream, &*answer, &requests, &counted).await,
                        Some(tls) => {
                            if let Ok(stream) = tls.accept(stream).await {
                                serve(stream, &*answer, &requests, &counted).await;
                            }
                        }
                    }
                });
            }
        });
        served
    }

    pub fn requests(&self) -> Vec<Request> {
        self.requests.lock().expect("lock").clone()
    }

    /// Waits until so many requests have come.
    pub async fn reached(&self, count: usize) {
        self.count.clone().wait_for(|came| *came >= count).await.expect("server runs");
    }

    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// A client of this server over plain HTTP.
    pub fn client(&self) -> ClientBuilder {
        client_of(&self.endpoint())
    }
}

async fn serve(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    answer: &(impl Fn(usize, &Request) -> Reply + ?Sized),
    requests: &Mutex<Vec<Request>>,
    counted: &watch::Sender<usize>,
) {
    let mut stream = BufReader::new(stream);
    while let Some(request) = read_request(&mut stream).await {
        let number = {
            let mut requests = requests.lock().expect("lock");
            requests.push(request.clone());
            requests.len() - 1
        };
        counted.send_replace(number + 1);
        let reply = match answer(number, &request) {
            Reply::Later(after, bytes) => {
                tokio::time::sleep(after).await;
                Reply::Raw(bytes)
            }
            Reply::Spaces(count, pause, headers, body) => {
                let length = body.len() + usize::try_from(count).expect("fits");
                let head = format!("HTTP/1.1 200 X\r\ncontent-length: {length}\r\n{headers}\r\n");
                if stream.write_all(head.as_bytes()).await.is_err() {
                    return;
                }
                for _ in 0..count {
                    let _ = stream.flush().await;
                    tokio::time::sleep(pause).await;
                    if stream.write_all(b" ").await.is_err() {
                        return;
                    }
                }
                Reply::Raw(body.into_bytes())
            }
            reply => reply,
        };
        match reply {
            Reply::Raw(bytes) => {
                if stream.write_all(&bytes).await.is_err() {
                    return;
                }
                let _ = stream.flush().await;
            }
            Reply::Last(bytes) => {
                let _ = stream.write_all(&bytes).await;
                let _ = stream.shutdown().await;
                return;
            }
            Reply::Silence | Reply::Later(..) | Reply::Spaces(..) => {}
        }
    }
}

pub async fn read_request(stream: &mut (impl AsyncBufReadExt + Unpin)) -> Option<Request> {
    let mut request = Request::default();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await.ok()? == 0 {
            return None;
        }
        let line = line.trim_end();
        if line.is_empty() {
            break;
        }
        match line.split_once(": ") {
            Some((name, value)) if !request.line.is_empty() => {
                request.headers.push((name.to_ascii_lowercase(), value.to_owned()));
            }
            _ => line.clone_into(&mut request.line),
        }
    }
    let length = request.header("content-length").and_then(|text| text.parse().ok()).unwrap_or(0);
    request.body = vec![0; length];
    stream.read_exact(&mut request.body).await.ok()?;
    Some(request)
}

/// A session of bucket `b-1`, with an endpoint of our own.
pub fn session(endpoint: &str) -> Session {
    let bucket = Bucket::new("b-1").expect("bucket");
    let region = Region::new("ap-x").expect("region");
    Session::new(bucket, region, endpoint.parse().expect("endpoint"))
}

pub fn client_of(endpoint: &str) -> ClientBuilder {
    Client::builder(session(endpoint))
        .credentials(Credentials::new("AKIDtest", "hush"))
        .proxy(Proxy::Direct)
}

/// A deadline that tests can wait for.
pub const SHORT: Duration = Duration::from_millis(100);

/// Keeps what it is told.
#[derive(Clone, Default)]
pub struct Recorder(Arc<Mutex<Recorded>>);

#[derive(Clone, Default)]
pub struct Recorded {
    pub attempts: Vec<Attempt>,
    pub permits_max: usize,
    pub permits_now: usize,
    pub buffered_max: u64,
    pub buffered_now: u64,
}

impl Recorder {
    pub fn recorded(&self) -> Recorded {
        self.0.lock().expect("lock").clone()
    }
}

impl Observer for Recorder {
    fn attempt(&self, attempt: &Attempt) {
        self.0.lock().expect("lock").attempts.push(attempt.clone());
    }

    fn buffered(&self, bytes: u64) {
        let mut recorded = self.0.lock().expect("lock");
        recorded.buffered_now = bytes;
        recorded.buffered_max = recorded.buffered_max.max(bytes);
    }

    fn permits(&self, in_use: usize) {
        let mut recorded = self.0.lock().expect("lock");
        recorded.permits_now = in_use;
        recorded.permits_max = recorded.permits_max.max(in_use);
    }
}
