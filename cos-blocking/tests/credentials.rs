//! Where credentials come from, and how often.

#![allow(clippy::unwrap_used, reason = "a test that panics is a test that fails")]

mod support;

use std::{
    net::TcpStream,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use cos_blocking::{Client, CredentialsProvider, CvmRole};
use cos_proto::{Credentials, CredentialsFailed, ErrorKind, Key, Presign, UnixTime};
use support::{Request, Server, Then, answer};

/// Gives another id at each call.
#[derive(Default)]
struct Counting(AtomicUsize);

impl CredentialsProvider for Counting {
    fn credentials(&self) -> Result<Credentials, CredentialsFailed> {
        let call = self.0.fetch_add(1, Ordering::SeqCst);
        Ok(Credentials::new(format!("id{call}"), "key"))
    }
}

#[test]
fn all_operations_that_begin_at_once_share_one_call_of_the_provider() {
    let server = Server::start(|_, stream| answer(stream, "200 OK", "", b""));
    let provider = Arc::new(Counting::default());
    let client = server.client().credentials(Arc::clone(&provider)).build().unwrap();
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| client.head_bucket().unwrap());
        }
    });
    assert_eq!(provider.0.load(Ordering::SeqCst), 1);
}

#[test]
fn credentials_that_cos_refuses_are_replaced_once() {
    let server = Server::start(|request, stream| {
        let authorization = request.header("authorization").unwrap();
        if authorization.contains("q-ak=id1&") {
            answer(stream, "200 OK", "ETag: \"e\"\r\n", b"")
        } else {
            answer(stream, "403 Forbidden", "", b"<Error><Code>InvalidAccessKeyId</Code></Error>")
        }
    });
    let client = server.client().credentials(Counting::default()).build().unwrap();
    client
        .put(Key::new("a").unwrap(), cos_proto::api::ObjectOptions::default(), b"text".as_slice())
        .unwrap();
    assert_eq!(server.requests().len(), 2);
}

#[test]
fn a_provider_that_fails_is_told_as_such_and_nothing_is_sent() {
    struct Failing;
    impl CredentialsProvider for Failing {
        fn credentials(&self) -> Result<Credentials, CredentialsFailed> {
            Err(CredentialsFailed::new("the vault is sealed"))
        }
    }
    let server = Server::start(|_, stream| answer(stream, "200 OK", "", b""));
    for client in [
        server.client().credentials(Failing).build().unwrap(),
        Client::builder(server.session()).build().unwrap(),
    ] {
        let error = client.head_bucket().unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::Credentials, "{error}");
        let presign = Presign::new(http::Method::GET, Key::new("a").unwrap());
        assert_eq!(*client.presign(&presign).unwrap_err().kind(), ErrorKind::Credentials);
    }
    assert!(server.requests().is_empty());
}

#[test]
fn presigning_asks_the_provider() {
    let server = Server::start(|_, stream| answer(stream, "200 OK", "", b""));
    let client = server.client().credentials(Counting::default()).build().unwrap();
    let url = client.presign(&Presign::new(http::Method::GET, Key::new("a").unwrap())).unwrap();
    assert!(url.as_str().contains("q-ak=id0&"), "{url:?}");
    assert!(server.requests().is_empty());
}

const FOLDER: &str = "/latest/meta-data/cam/security-credentials";

/// The metadata service of an instance with a role, whose credentials have expired by `expires`.
fn metadata(request: &Request, stream: &mut TcpStream) -> Then {
    let target = request.line.split(' ').nth(1).unwrap();
    let role = r#"{"TmpSecretId":"role-id","TmpSecretKey":"role-key","ExpiredTime":4000000000,
        "Expiration":"2096-10-02T07:06:40Z","Token":"role-token","Code":"Success"}"#;
    match target.strip_prefix(FOLDER) {
        Some("") => answer(stream, "200 OK", "", b"my-role\n"),
        Some("/my-role") => answer(stream, "200 OK", "", role.as_bytes()),
        Some("/endless") => {
            use std::io::Write;
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
            while stream.write_all(&[b' '; 4096]).is_ok() {}
            Then::Close
        }
        _ => answer(stream, "404 Not Found", "", b""),
    }
}

#[test]
fn a_cvm_role_gives_temporary_credentials() {
    let service = Server::start(metadata);
    let base = format!("http://{}/", service.address);
    let expected = Credentials::new("role-id", "role-key")
        .with_token("role-token")
        .expiring(UnixTime::from_secs(4_000_000_000));
    assert_eq!(CvmRole::at(&base).credentials().unwrap(), expected);
    assert_eq!(CvmRole::at(&base).role("my-role").credentials().unwrap(), expected);
    assert_eq!(service.requests().len(), 3);

    let server = Server::start(|_, stream| answer(stream, "200 OK", "", b""));
    let client = server.client().credentials(CvmRole::at(&base)).build().unwrap();
    client.head_bucket().unwrap();
    let request = server.requests().pop().unwrap();
    assert!(request.header("authorization").unwrap().contains("q-ak=role-id&"));
    assert_eq!(request.header("x-cos-security-token"), Some("role-token"));
}

#[test]
fn a_metadata_service_that_does_not_answer_well_is_named() {
    let service = Server::start(metadata);
    let base = format!("http://{}", service.address);
    let failed = |role: &str| CvmRole::at(&base).role(role).credentials().unwrap_err().to_string();
    assert!(failed("other").contains("no such role"), "{}", failed("other"));
    assert!(failed("endless").contains("too long"));
    let nobody = Server::start(|_, _| Then::Close);
    let error = CvmRole::at(format!("http://{}", nobody.address)).credentials().unwrap_err();
    assert!(error.to_string().contains("CVM metadata service"), "{error}");
}
