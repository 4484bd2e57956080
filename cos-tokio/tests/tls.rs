//! Whom HTTPS connections trust.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test that panics is a test that fails"
)]

mod common;

use std::{error::Error as StdError, path::PathBuf, sync::Arc};

use common::{Recorder, Reply, Served, client_of};
use cos_proto::{ErrorKind, FailureKind, op::HeadBucket};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        self, ServerConfig,
        pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
    },
};

/// A certificate for `localhost`, made now, and a server's configuration with it.
fn certificate() -> (String, TlsAcceptor) {
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(["localhost".to_owned()]).expect("certificate");
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(signing_key.serialize_der()));
    let config =
        ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(vec![cert.der().clone()], key)
            .expect("key");
    (cert.pem(), TlsAcceptor::from(Arc::new(config)))
}

/// A file that is removed with the test.
struct PemFile(PathBuf);

impl PemFile {
    fn new(name: &str, pem: &str) -> Self {
        let path =
            std::env::temp_dir().join(format!("cos-tokio-{name}-{}.pem", std::process::id()));
        std::fs::write(&path, pem).expect("written");
        Self(path)
    }
}

impl Drop for PemFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

#[tokio::test]
async fn a_root_from_the_file_is_trusted() {
    let (pem, acceptor) = certificate();
    let server = Served::start_tls(Some(acceptor), |_, _| Reply::ok("")).await;
    let file = PemFile::new("trusted", &pem);
    let client = client_of(&format!("https://localhost:{}", server.address.port()))
        .root_ca(&file.0)
        .build()
        .expect("client");
    client.run(HeadBucket::new()).await.expect("trusted");
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn a_wrong_certificate_is_not_tried_again() {
    let (_, acceptor) = certificate();
    let (other, _) = certificate();
    let server = Served::start_tls(Some(acceptor), |_, _| Reply::ok("")).await;
    let file = PemFile::new("other", &other);
    let recorder = Recorder::default();
    let client = client_of(&format!("https://localhost:{}", server.address.port()))
        .root_ca(&file.0)
        .observer(recorder.clone())
        .build()
        .expect("client");
    let error = client.run(HeadBucket::new()).await.expect_err("not trusted");
    assert_eq!(error.kind(), &ErrorKind::Transport);
    assert!(error.to_string().contains("invalid peer certificate"), "{error}");
    assert!(error.source().is_some());
    assert!(error.remote().is_some_and(|remote| remote.attempts == 1 && !remote.maybe_done));
    let failures: Vec<_> = recorder.recorded().attempts.iter().map(|a| a.failure).collect();
    assert_eq!(failures, [Some(FailureKind::Tls)]);
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn a_peer_without_tls_is_not_tried_again() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("bound");
    let port = listener.local_addr().expect("address").port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut hello = [0; 64];
            let _ = stream.read(&mut hello).await;
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
        }
    });
    let (pem, _) = certificate();
    let file = PemFile::new("plain", &pem);
    let recorder = Recorder::default();
    let client = client_of(&format!("https://localhost:{port}"))
        .root_ca(&file.0)
        .observer(recorder.clone())
        .build()
        .expect("client");
    let error = client.run(HeadBucket::new()).await.expect_err("no TLS");
    assert_eq!(error.kind(), &ErrorKind::Transport, "{error}");
    let failures: Vec<_> = recorder.recorded().attempts.iter().map(|a| a.failure).collect();
    assert_eq!(failures, [Some(FailureKind::Tls)]);
}

#[test]
fn a_root_file_that_cannot_be_read_is_named() {
    let error = client_of("https://localhost:1").root_ca("/absent/roots.pem").build();
    let error = error.expect_err("absent");
    assert_eq!(error.kind(), &ErrorKind::InvalidParameter);
    let text = error.to_string();
    assert!(text.contains("rootca") && text.contains("/absent/roots.pem"), "{text}");
}
