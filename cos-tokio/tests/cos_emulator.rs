//! The real binary `cos-emulator`, started as a program.

#![cfg(all(feature = "emulator", unix))]
#![allow(clippy::expect_used, reason = "a test that panics is a test that fails")]

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    path::PathBuf,
    process::{Child, Command, Output, Stdio},
    time::Duration,
};

use cos_proto::{
    Bucket, Credentials, Key, Region, Session,
    api::{GetOptions, ListOptions, ObjectOptions},
};
use cos_tokio::{Client, Proxy};
use rcgen::{CertifiedKey, generate_simple_self_signed};

const REQUIRED: [&str; 8] = [
    "--bucket",
    "examplebucket-1250000000",
    "--region",
    "ap-guangzhou",
    "--secret-id",
    "AKIDtest",
    "--secret-key",
    "the-secret-key",
];

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cos-emulator"));
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// A running emulator; killed with the test.
struct Running {
    child: Child,
    url: String,
}

impl Running {
    fn start(arguments: &[&str]) -> Self {
        let mut child =
            command(&[&REQUIRED[..], arguments].concat()).spawn().expect("program starts");
        let mut line = String::new();
        let stdout = child.stdout.take().expect("piped");
        BufReader::new(stdout).read_line(&mut line).expect("a line");
        let url = line.trim_end().strip_prefix("listening on ").unwrap_or_default().to_owned();
        assert!(!url.is_empty(), "{line:?}");
        Self { child, url }
    }

    /// The status line of the answer to a request with this head.
    fn ask(&self, head: &str) -> String {
        let address = self.url.split_once("://").expect("scheme").1;
        let mut stream = TcpStream::connect(address).expect("connected");
        stream.set_read_timeout(Some(Duration::from_secs(30))).expect("timeout");
        write!(stream, "{head}\r\nHost: h\r\nConnection: close\r\n\r\n").expect("sent");
        let mut answer = String::new();
        // A fault may reset the connection.
        let _ = stream.read_to_string(&mut answer);
        answer.lines().next().unwrap_or_default().to_owned()
    }

    /// Sends a signal; the exit code and what was logged.
    fn signal(mut self, signal: &str) -> (Option<i32>, String) {
        let sent = Command::new("kill")
            .args([format!("-{signal}"), self.child.id().to_string()])
            .status()
            .expect("kill runs");
        assert!(sent.success());
        let code = self.child.wait().expect("ended").code();
        let mut log = String::new();
        self.child.stderr.take().expect("piped").read_to_string(&mut log).expect("log");
        (code, log)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It has ended already unless the test failed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn fails(arguments: &[&str]) -> (Option<i32>, String) {
    let Output { status, stderr, stdout } = command(arguments).output().expect("program runs");
    assert!(stdout.is_empty(), "{}", String::from_utf8_lossy(&stdout));
    (status.code(), String::from_utf8(stderr).expect("text"))
}

#[test]
fn it_serves_logs_and_ends_when_told_to() {
    for signal in ["TERM", "INT"] {
        let running = Running::start(&["--listen", "127.0.0.1:0"]);
        let status = running.ask("GET /some/key?acl&sign=hush-hush&q-signature=0123abcd HTTP/1.1");
        assert!(status.starts_with("HTTP/1.1 4"), "{status}");
        let (code, log) = running.signal(signal);
        assert_eq!(code, Some(0), "{log}");
        let line = log.lines().next().unwrap_or_default();
        assert!(line.contains(" GET /some/key?acl&sign&q-signature 4"), "{log:?}");
        assert!(line.contains(" in=0 out=") && line.ends_with("ms"), "{log:?}");
        assert!(!log.contains("hush") && !log.contains("0123abcd") && log.lines().count() == 1);
    }
}

#[test]
fn an_idle_connection_does_not_keep_it_alive() {
    let running = Running::start(&[]);
    let address = running.url.split_once("://").expect("scheme").1.to_owned();
    let idle = TcpStream::connect(address).expect("connected");
    assert_eq!(running.signal("TERM").0, Some(0));
    drop(idle);
}

#[test]
fn with_a_certificate_it_speaks_https() {
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(["localhost".to_owned()]).expect("certificate");
    let file = |name: &str, text: String| -> PathBuf {
        let path =
            std::env::temp_dir().join(format!("cos-emulator-{}-{name}.pem", std::process::id()));
        std::fs::write(&path, text).expect("written");
        path
    };
    let (chain, key) = (file("chain", cert.pem()), file("key", signing_key.serialize_pem()));
    let text = |path: &PathBuf| path.to_str().expect("text").to_owned();
    let running = Running::start(&["--tls-cert", &text(&chain), "--tls-key", &text(&key)]);
    assert!(running.url.starts_with("https://127.0.0.1:"), "{}", running.url);
    assert_eq!(running.signal("TERM").0, Some(0));

    // The key is no certificate, and the other way round.
    let swapped = ["--tls-cert", &text(&key), "--tls-key", &text(&chain)];
    let (code, message) = fails(&[&REQUIRED[..], &swapped].concat());
    assert_eq!(code, Some(2));
    assert!(message.contains("--tls-cert"), "{message}");
    for path in [chain, key] {
        std::fs::remove_file(path).expect("removed");
    }
}

#[test]
fn bad_arguments_are_named() {
    let cases: [(&[&str], &str); 13] = [
        (&["--bucket", "Upper-1"], "--bucket"),
        (&["--bucket", "no-appid-"], "--bucket"),
        (&["--listen", "nowhere"], "--listen"),
        (&["--fault-rate", "1.5"], "--fault-rate"),
        (&["--fault-rate", "-0.5"], "--fault-rate"),
        (&["--fault-rate", "often"], "--fault-rate"),
        (&["--list-lag-ms", "-1"], "--list-lag-ms"),
        (&["--seed", "x"], "--seed"),
        (&["--skew-seconds", "1h"], "--skew-seconds"),
        (&["--token", ""], "--token"),
        (&["--tls-cert", "a.pem"], "--tls-key"),
        (&["--tls-key", "/nonexistent/k", "--tls-cert", "/nonexistent/c"], "--tls-cert"),
        (&["--verbose"], "--verbose"),
    ];
    for (arguments, named) in cases {
        let (code, message) = fails(&[&REQUIRED[..], arguments].concat());
        assert_eq!(code, Some(2), "{arguments:?}: {message}");
        assert!(message.contains(named), "{arguments:?}: {message}");
        assert!(!message.contains("the-secret-key"), "{message}");
    }
    for missing in (0..REQUIRED.len()).step_by(2) {
        let mut arguments = REQUIRED.to_vec();
        let name = arguments.remove(missing);
        arguments.remove(missing);
        let (code, message) = fails(&arguments);
        assert!(code == Some(2) && message.contains(name), "{message}");
    }
}

/// A client of the second bucket, which a bare address does not mean.
fn client_of_second(running: &Running, credentials: Credentials) -> Client {
    let session = Session::new(
        Bucket::new("second-1250000000").expect("bucket"),
        Region::new("ap-guangzhou").expect("region"),
        "http://second-1250000000.cos.ap-guangzhou.myqcloud.com".parse().expect("endpoint"),
    );
    let proxy = Proxy::Url(running.url.clone());
    Client::builder(session).credentials(credentials).proxy(proxy).build().expect("client")
}

#[tokio::test]
async fn its_options_take_effect() {
    let running = Running::start(&[
        "--bucket",
        "second-1250000000",
        "--token",
        "the-token",
        "--list-lag-ms",
        "3600000",
        "--skew-seconds",
        "7200",
    ]);
    let permanent = Credentials::new("AKIDtest", "the-secret-key");
    let client = client_of_second(&running, permanent.clone());
    client.head_bucket().await.expect_err("there is a token to be sent");

    let client = client_of_second(&running, permanent.with_token("the-token"));
    let key = Key::new("some/key").expect("key");
    client
        .put(key.clone(), ObjectOptions::default(), b"hello".as_slice())
        .await
        .expect("stored, skew and all");
    let head = client.head(key, GetOptions::default()).await.expect("there");
    let now = std::time::SystemTime::now();
    let now = now.duration_since(std::time::UNIX_EPOCH).expect("now").as_secs();
    let ahead = head.last_modified.expect("a date").as_secs() - i64::try_from(now).expect("now");
    assert!((7000..=7300).contains(&ahead), "{ahead} s ahead");
    let page = client.list(ListOptions::default()).next_page().await;
    let page = page.expect("a page").expect("listed");
    assert_eq!(page.objects, [], "the list lags");
    let (code, log) = running.signal("TERM");
    assert_eq!(code, Some(0));
    assert!(log.contains(" PUT /some/key 200 in=5 out=0 "), "{log}");
    assert!(!log.contains("the-token"), "{log}");
}

#[test]
fn the_same_seed_gives_the_same_faults() {
    let outcomes = |seed| {
        let running = Running::start(&["--fault-rate", "0.5", "--seed", seed]);
        (0..24).map(|_| running.ask("GET /a HTTP/1.1")).collect::<Vec<_>>()
    };
    let first = outcomes("7");
    assert_eq!(first, outcomes("7"));
    let refusals = first.iter().filter(|line| line.contains(" 404 ")).count();
    assert!(refusals > 0 && refusals < first.len(), "{first:?}");
}

#[test]
fn a_negative_skew_is_a_number() {
    let running = Running::start(&["--skew-seconds", "-3600", "--fault-rate", "0.5"]);
    assert_eq!(running.signal("TERM").0, Some(0));
}

#[test]
fn an_address_in_use_is_an_error_that_names_it() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("bound");
    let address = taken.local_addr().expect("address").to_string();
    let (code, message) = fails(&[&REQUIRED[..], &["--listen", &address]].concat());
    assert_eq!(code, Some(1));
    assert!(message.contains("--listen") && message.contains(&address), "{message}");
}
