//! Whom HTTPS connections trust.

#![allow(clippy::unwrap_used, reason = "a test that panics is a test that fails")]

mod support;

use std::{
    env,
    error::Error as _,
    fs,
    io::Read,
    net::TcpListener,
    path::PathBuf,
    process::{self, Command},
    thread,
};

use cos_proto::{Credentials, ErrorKind, FailureKind, emulator::Settings};
use cos_tokio::emulator::{Listen, Server};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use support::{Recorder, answer, client, session};

/// A certificate for `localhost` and its key, made now.
fn certificate() -> (String, String) {
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    (cert.pem(), signing_key.serialize_pem())
}

fn server(certificate: &str, key: &str) -> Server {
    let settings = Settings {
        buckets: vec!["b-1".to_owned()],
        region: "ap-test".to_owned(),
        credentials: vec![Credentials::new("id", "key")],
        ..Settings::default()
    };
    let listen = Listen::default().tls(certificate.as_bytes(), key.as_bytes()).unwrap();
    Server::start_blocking(settings, listen).unwrap()
}

/// A file that is removed with the test.
struct PemFile(PathBuf);

impl PemFile {
    fn new(name: &str, pem: &str) -> Self {
        let path = env::temp_dir().join(format!("cos-blocking-{name}-{}.pem", process::id()));
        fs::write(&path, pem).unwrap();
        Self(path)
    }
}

impl Drop for PemFile {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

#[test]
fn a_root_from_the_file_is_trusted() {
    let (pem, key) = certificate();
    let server = server(&pem, &key);
    let file = PemFile::new("trusted", &pem);
    let endpoint = format!("https://localhost:{}", server.addr().port());
    let client = client(session(&endpoint)).root_ca(&file.0).build().unwrap();
    client.head_bucket().unwrap();
    let object = cos_proto::Key::new("k").unwrap();
    let body = vec![7; 3_000_000];
    client.put(object.clone(), cos_proto::api::ObjectOptions::new(), body.clone()).unwrap();
    let fetched = client.get(object, cos_proto::api::GetOptions::new(), 1 << 22).unwrap();
    assert!(fetched.body == body);
}

#[test]
fn a_wrong_certificate_is_not_tried_again() {
    let (pem, key) = certificate();
    let server = server(&pem, &key);
    let file = PemFile::new("other", &certificate().0);
    let recorder = Recorder::default();
    let endpoint = format!("https://localhost:{}", server.addr().port());
    let client =
        client(session(&endpoint)).root_ca(&file.0).observer(recorder.clone()).build().unwrap();
    let error = client.head_bucket().unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Transport);
    assert!(error.to_string().contains("invalid peer certificate"), "{error}");
    assert!(error.to_string().contains("rootca"), "{error}");
    assert!(error.source().is_some());
    assert!(error.remote().is_some_and(|remote| remote.attempts == 1 && !remote.maybe_done));
    let failures: Vec<_> = recorder.recorded().attempts.iter().map(|a| a.failure).collect();
    assert_eq!(failures, [Some(FailureKind::Tls)]);
}

#[test]
fn a_peer_without_tls_is_not_tried_again() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("https://localhost:{}", listener.local_addr().unwrap().port());
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 64]);
            answer(&mut stream, "400 Bad Request", "", b"");
        }
    });
    let file = PemFile::new("plain", &certificate().0);
    let recorder = Recorder::default();
    let client =
        client(session(&endpoint)).root_ca(&file.0).observer(recorder.clone()).build().unwrap();
    assert_eq!(*client.head_bucket().unwrap_err().kind(), ErrorKind::Transport);
    let failures: Vec<_> = recorder.recorded().attempts.iter().map(|a| a.failure).collect();
    assert_eq!(failures, [Some(FailureKind::Tls)]);
}

/// Runs only as a child of the test below, with an environment that has no roots.
#[test]
#[ignore = "run by no_root_at_all_is_an_error_that_names_rootca"]
fn child_without_roots() {
    let error = client(session("https://localhost:1")).build().unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::InvalidParameter);
    assert!(error.to_string().contains("rootca"), "{error}");
}

#[test]
fn no_root_at_all_is_an_error_that_names_rootca() {
    let empty = PemFile::new("empty", "");
    let status = Command::new(env::current_exe().unwrap())
        .args(["--exact", "child_without_roots", "--ignored"])
        .env("SSL_CERT_FILE", &empty.0)
        .env_remove("SSL_CERT_DIR")
        .status()
        .unwrap();
    assert!(status.success());
}
