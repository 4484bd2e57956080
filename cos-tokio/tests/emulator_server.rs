//! The emulator's server: HTTP framing, deliveries, concurrency and its life.

#![cfg(feature = "emulator")]
#![allow(clippy::expect_used, reason = "a test that panics is a test that fails")]

use std::{
    io::{ErrorKind, Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use cos_proto::{
    Bucket, CallKind, Credentials, Key, Presign, Region, Session, UnixTime, op::HeadBucket,
};
use cos_tokio::{
    Client, Proxy,
    emulator::{Effect, Fault, Listen, Server, Settings, StartError},
};
use http::Method;
use rcgen::{CertifiedKey, generate_simple_self_signed};

const BUCKET: &str = "examplebucket-1250000000";
const HOST: &str = "examplebucket-1250000000.cos.ap-guangzhou.myqcloud.com";

fn start() -> Server {
    Server::start_blocking(Settings::default(), Listen::default()).expect("started")
}

fn session(endpoint: &str) -> Session {
    let [credentials] = &Settings::default().credentials[..] else { panic!("one") };
    Session::new(
        Bucket::new(BUCKET).expect("bucket"),
        Region::new("ap-guangzhou").expect("region"),
        endpoint.parse().expect("endpoint"),
    )
    .with_credentials(credentials.clone())
}

/// The request target of a presigned URL.
fn target(method: Method, key: &str) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("now").as_secs();
    let now = UnixTime::from_secs(i64::try_from(now).expect("now"));
    let presign = Presign::new(method, Key::new(key).expect("key"));
    let url = session(&format!("http://{HOST}")).presign(now, &presign).expect("presigned");
    url.as_str().strip_prefix(&format!("http://{HOST}")).expect("host").to_owned()
}

/// A connection that speaks HTTP/1.1 by hand.
struct Raw(TcpStream);

/// An answer as it came.
#[derive(Debug)]
struct Answered {
    head: String,
    body: Vec<u8>,
}

impl Answered {
    fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (n, value) = line.split_once(": ")?;
            n.eq_ignore_ascii_case(name).then_some(value)
        })
    }

    fn status(&self) -> &str {
        self.head.split(' ').nth(1).unwrap_or("")
    }
}

impl Raw {
    fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).expect("connected");
        stream.set_read_timeout(Some(Duration::from_secs(30))).expect("timeout");
        Self(stream)
    }

    fn send(&mut self, line: &str, headers: &str, body: &[u8]) {
        let head = format!("{line} HTTP/1.1\r\nHost: {HOST}\r\n{headers}\r\n");
        self.0.write_all(head.as_bytes()).expect("sent");
        self.0.write_all(body).expect("sent");
    }

    fn put(&mut self, key: &str, body: &[u8]) {
        let length = format!("Content-Length: {}\r\n", body.len());
        self.send(&format!("PUT {}", target(Method::PUT, key)), &length, body);
        assert_eq!(self.answer().status(), "200");
    }

    fn ask(&mut self, method: &Method, key: &str) {
        self.send(&format!("{method} {}", target(method.clone(), key)), "", b"");
    }

    fn head(&mut self) -> String {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            self.0.read_exact(&mut byte).expect("head");
            head.push(byte[0]);
        }
        String::from_utf8(head).expect("head")
    }

    /// An answer with a `Content-Length`.
    fn answer(&mut self) -> Answered {
        let mut answered = Answered { head: self.head(), body: Vec::new() };
        let length = answered.header("content-length").and_then(|n| n.parse().ok()).unwrap_or(0);
        answered.body.resize(length, 0);
        self.0.read_exact(&mut answered.body).expect("body");
        answered
    }

    /// All until the end.
    fn rest(&mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        match self.0.read_to_end(&mut rest) {
            Err(error) if error.kind() != ErrorKind::ConnectionReset => panic!("{error}"),
            _ => rest,
        }
    }
}

#[test]
fn a_connection_is_kept_for_request_after_request() {
    let server = start();
    let mut raw = Raw::connect(server.addr());
    raw.put("a", b"hello");
    raw.ask(&Method::HEAD, "a");
    let head = raw.head();
    assert!(head.contains(" 200 ") && head.contains("\r\nContent-Length: 5\r\n"), "{head}");
    raw.ask(&Method::HEAD, "absent");
    assert!(raw.head().contains(" 404 "));
    // Had a HEAD answer brought a body, it would be in front of this one.
    raw.ask(&Method::GET, "a");
    assert_eq!(raw.answer().body, b"hello");
    raw.ask(&Method::DELETE, "a");
    assert!(raw.head().contains(" 204 "));
    raw.ask(&Method::GET, "a");
    let absent = raw.answer();
    assert_eq!(absent.status(), "404");
    assert!(String::from_utf8_lossy(&absent.body).contains("NoSuchKey"));
}

#[test]
fn header_names_are_spelt_as_by_cos() {
    let server = start();
    let mut raw = Raw::connect(server.addr());
    raw.put("a", b"hello");
    raw.ask(&Method::HEAD, "a");
    let head = raw.head();
    for name in ["ETag", "Content-Length", "Content-Type", "Last-Modified", "Date", "Server"] {
        assert!(head.contains(&format!("\r\n{name}: ")), "{name}: {head}");
    }
    assert!(head.contains("\r\nx-cos-hash-crc64ecma: "), "{head}");
}

#[test]
fn a_chunked_upload_is_stored_joined() {
    let server = start();
    let mut raw = Raw::connect(server.addr());
    let put = format!("PUT {}", target(Method::PUT, "a"));
    raw.send(&put, "Transfer-Encoding: chunked\r\n", b"3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n");
    assert_eq!(raw.answer().status(), "200");
    let stored = server.with(|emulator| emulator.object(BUCKET, "a")).expect("stored");
    assert_eq!(stored.body.to_bytes(), "abcdefg");
}

#[test]
fn who_expects_100_is_told_to_continue() {
    let server = start();
    let mut raw = Raw::connect(server.addr());
    let put = format!("PUT {}", target(Method::PUT, "a"));
    raw.send(&put, "Content-Length: 2\r\nExpect: 100-continue\r\n", b"");
    assert!(raw.head().starts_with("HTTP/1.1 100 "));
    raw.0.write_all(b"hi").expect("sent");
    assert_eq!(raw.answer().status(), "200");
}

#[test]
fn the_target_reaches_the_emulator_undamaged_in_both_forms() {
    let server = start();
    let mut raw = Raw::connect(server.addr());
    // Keys that a URL library would normalise; the signature covers the decoded path.
    let signed = target(Method::PUT, "a//b/./../c/d+e %/");
    let path = "/a//b/./../c%2fd+e%20%25/";
    let query = signed.split_once('?').expect("query").1;
    raw.send(&format!("PUT {path}?{query}"), "Content-Length: 1\r\n", b"x");
    assert_eq!(raw.answer().status(), "200");
    raw.send(&format!("PUT http://{HOST}{path}?{query}"), "Content-Length: 1\r\n", b"y");
    assert_eq!(raw.answer().status(), "200");
    let (keys, log) = server.with(|emulator| (emulator.keys(BUCKET), emulator.request_log()));
    assert_eq!(keys, ["a//b/./../c/d+e %/"]);
    assert_eq!(log.iter().map(|logged| &*logged.path).collect::<Vec<_>>(), [path, path]);
}

#[test]
fn leading_spaces_come_as_chunks_of_their_own() {
    let server = start();
    let mut raw = Raw::connect(server.addr());
    raw.put("a", b"hello");
    server.with(|emulator| emulator.inject(Fault::next(Effect::LeadingSpaces(3))));
    raw.ask(&Method::GET, "a");
    let head = raw.head();
    assert!(head.contains("transfer-encoding: chunked\r\n") && !head.contains("Content-Length"));
    let mut body = [0; 33];
    raw.0.read_exact(&mut body).expect("body");
    let space = "1\r\n \r\n";
    let expected = format!("{space}{space}{space}5\r\nhello\r\n0\r\n\r\n");
    assert_eq!(String::from_utf8_lossy(&body), expected);
    raw.ask(&Method::GET, "a");
    assert_eq!(raw.answer().body, b"hello");
}

#[test]
fn a_cut_body_ends_after_exactly_so_many_bytes() {
    let server = start();
    let large = vec![7; 3 << 20];
    Raw::connect(server.addr()).put("a", &large);
    for cut in [0, 1, 65_536, (2 << 20) + 1] {
        let fault = Fault::on(CallKind::GetObject, Effect::CutBody(cut));
        server.with(|emulator| emulator.inject(fault));
        let mut raw = Raw::connect(server.addr());
        raw.ask(&Method::GET, "a");
        assert!(raw.head().contains("Content-Length: 3145728\r\n"));
        assert_eq!(raw.rest().len() as u64, cut);
    }
}

#[test]
fn no_reply_is_a_closed_connection_whether_or_not_it_acted() {
    let server = start();
    for (effect, acted) in [(Effect::RefuseBefore, false), (Effect::LostReply, true)] {
        server.with(|emulator| emulator.inject(Fault::next(effect)));
        let mut raw = Raw::connect(server.addr());
        let put = format!("PUT {}", target(Method::PUT, "a"));
        raw.send(&put, "Content-Length: 2\r\n", b"hi");
        assert_eq!(raw.rest(), b"");
        assert_eq!(server.with(|emulator| emulator.object(BUCKET, "a")).is_some(), acted);
    }
}

#[test]
fn a_slow_body_delays_nobody() {
    let server = start();
    let mut slow = Raw::connect(server.addr());
    slow.send(&format!("PUT {}", target(Method::PUT, "slow")), "Content-Length: 4\r\n", b"ab");
    Raw::connect(server.addr()).put("fast", b"done");
    slow.0.write_all(b"cd").expect("sent");
    assert_eq!(slow.answer().status(), "200");
    assert_eq!(server.with(|emulator| emulator.keys(BUCKET)), ["fast", "slow"]);
}

#[test]
fn a_body_that_is_cut_short_changes_nothing() {
    let server = start();
    let mut raw = Raw::connect(server.addr());
    raw.send(&format!("PUT {}", target(Method::PUT, "a")), "Content-Length: 4\r\n", b"ab");
    raw.0.shutdown(Shutdown::Write).expect("shut down");
    raw.rest();
    assert!(server.with(|emulator| emulator.keys(BUCKET)).is_empty());
}

#[test]
fn a_trickled_body_is_whole() {
    let server = start();
    let mut raw = Raw::connect(server.addr());
    raw.put("a", b"hello");
    let effect = Effect::Trickle { bytes: 2, pause: Duration::from_millis(1) };
    server.with(|emulator| emulator.inject(Fault::next(effect)));
    raw.ask(&Method::GET, "a");
    assert_eq!(raw.answer().body, b"hello");
    raw.ask(&Method::GET, "a");
    assert_eq!(raw.answer().body, b"hello");
}

#[test]
fn its_clock_advances_on_demand() {
    let server = start();
    let mut raw = Raw::connect(server.addr());
    raw.put("a", b"hello");
    server.advance(Duration::from_secs(3600));
    raw.ask(&Method::GET, "a");
    let answered = raw.answer();
    assert_eq!(answered.status(), "403");
    assert!(String::from_utf8_lossy(&answered.body).contains("Request has expired"));
}

#[test]
fn a_request_for_a_tunnel_is_refused() {
    let server = start();
    let mut raw = Raw::connect(server.addr());
    raw.send(&format!("CONNECT {HOST}:443"), "", b"");
    let head = raw.head();
    assert!(head.starts_with("HTTP/1.1 4"), "{head}");
}

#[test]
fn dropping_it_closes_port_and_connections() {
    let server = start();
    let address = server.addr();
    let mut idle = Raw::connect(address);
    idle.put("a", b"hello");
    drop(server);
    assert_eq!(idle.rest(), b"");
    let refused = TcpStream::connect(address).expect_err("closed");
    assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
}

#[tokio::test(flavor = "multi_thread")]
async fn shutting_down_lets_an_answer_end() {
    let server = Server::start(Settings::default(), Listen::default()).await.expect("started");
    let address = server.addr();
    server.with(|emulator| {
        emulator.put_raw(BUCKET, "a", vec![7; 1000]);
        let effect = Effect::Trickle { bytes: 10, pause: Duration::from_millis(1) };
        emulator.inject(Fault::next(effect));
    });
    let (begun, begins) = tokio::sync::oneshot::channel();
    let reader = tokio::task::spawn_blocking(move || {
        let mut raw = Raw::connect(address);
        raw.ask(&Method::GET, "a");
        let head = raw.head();
        begun.send(()).expect("awaited");
        (head, raw.rest().len())
    });
    begins.await.expect("begun");
    server.shutdown().await;
    let (head, length) = reader.await.expect("read");
    assert!(head.contains(" 200 "), "{head}");
    assert_eq!(length, 1000);
    assert!(TcpStream::connect(address).is_err());
}

#[tokio::test]
async fn https_serves_who_trusts_its_certificate() {
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(["localhost".to_owned()]).expect("certificate");
    let listen = Listen::default()
        .tls(cert.pem().as_bytes(), signing_key.serialize_pem().as_bytes())
        .expect("certificate");
    let server = Server::start(Settings::default(), listen).await.expect("started");
    assert!(server.endpoint().starts_with("https://127.0.0.1:"));
    let root =
        std::env::temp_dir().join(format!("cos-tokio-emulator-root-{}.pem", std::process::id()));
    std::fs::write(&root, cert.pem()).expect("written");
    let session = session(&format!("https://localhost:{}", server.addr().port()));
    let client = Client::builder(session).proxy(Proxy::Direct).root_ca(&root).build();
    std::fs::remove_file(&root).expect("removed");
    client.expect("client").run(HeadBucket::new()).await.expect("served");
    server.shutdown().await;
}

#[test]
fn what_cannot_be_started_says_why() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("bound");
    let listen = Listen::at(taken.local_addr().expect("address"));
    let refused = Server::start_blocking(Settings::default(), listen).expect_err("taken");
    assert!(matches!(refused, StartError::Listen(..)), "{refused:?}");

    let settings = Settings { buckets: vec!["no appid".to_owned()], ..Settings::default() };
    let refused = Server::start_blocking(settings, Listen::default()).expect_err("settings");
    assert!(matches!(refused, StartError::Settings(_)), "{refused:?}");

    let pair = || generate_simple_self_signed(["localhost".to_owned()]).expect("certificate");
    let (one, other) = (pair(), pair());
    let (chain, key) = (one.cert.pem(), other.signing_key.serialize_pem());
    let refused = |chain: &str, key: &str| {
        Listen::default().tls(chain.as_bytes(), key.as_bytes()).expect_err("refused")
    };
    assert!(matches!(refused("", &key), StartError::Certificate(_)));
    assert!(matches!(refused(&chain, ""), StartError::Key(_)));
    assert!(matches!(refused(&chain, &key), StartError::Key(_)));
}

#[test]
fn an_empty_authorization_is_none() {
    let server = start();
    let mut raw = Raw::connect(server.addr());
    raw.send("GET /a", "Authorization:\r\n", b"");
    let answered = raw.answer();
    assert_eq!(answered.status(), "403");
    assert!(String::from_utf8_lossy(&answered.body).contains("<Code>AccessDenied</Code>"));
}

#[test]
fn only_the_credentials_that_it_was_given_are_accepted() {
    let settings =
        Settings { credentials: vec![Credentials::new("AKIDother", "x")], ..Settings::default() };
    let server = Server::start_blocking(settings, Listen::default()).expect("started");
    let mut raw = Raw::connect(server.addr());
    raw.ask(&Method::GET, "a");
    let answered = raw.answer();
    assert_eq!(answered.status(), "403");
    assert!(String::from_utf8_lossy(&answered.body).contains("InvalidAccessKeyId"));
}
