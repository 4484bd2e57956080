//! Credentials from providers.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test that panics is a test that fails"
)]

mod common;

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use common::{Reply, Served, response, session};
use cos_proto::{Credentials, CredentialsFailed, ErrorKind, Key, op::HeadBucket};
use cos_tokio::{Client, CredentialsProvider, CvmRole, ProvidedCredentials, Proxy};
use tokio::sync::Semaphore;

/// Answers when it is let, with numbered credentials.
#[derive(Clone, Debug)]
struct Slow {
    calls: Arc<AtomicUsize>,
    gate: Arc<Semaphore>,
}

impl Slow {
    fn new(open: usize) -> Self {
        Self { calls: Arc::default(), gate: Arc::new(Semaphore::new(open)) }
    }
}

impl CredentialsProvider for Slow {
    fn credentials(&self) -> ProvidedCredentials<'_> {
        Box::pin(async {
            let call = self.calls.fetch_add(1, Ordering::SeqCst);
            self.gate.acquire().await.map_err(|_| CredentialsFailed::new("closed"))?.forget();
            Ok(Credentials::new(format!("AKID{call}"), "hush").with_token(format!("token{call}")))
        })
    }
}

fn client(server: &Served, provider: impl CredentialsProvider + 'static) -> Client {
    let builder = Client::builder(session(&server.endpoint())).proxy(Proxy::Direct);
    builder.credentials(provider).build().expect("client")
}

#[tokio::test]
async fn operations_that_need_credentials_at_once_share_one_call() {
    let server = Served::start(|_, _| Reply::ok("")).await;
    let provider = Slow::new(0);
    let client = client(&server, provider.clone());
    let mut running: Vec<_> = (0..20)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move { client.run(HeadBucket::new()).await })
        })
        .collect();
    // The first to ask is gone before the answer is there; the call goes on without it.
    while provider.calls.load(Ordering::SeqCst) == 0 {
        tokio::task::yield_now().await;
    }
    running.remove(0).abort();
    provider.gate.add_permits(1);
    for task in running {
        task.await.expect("joined").expect("answered");
    }
    assert_eq!(provider.calls.load(Ordering::SeqCst), 1);
    let tokens: Vec<_> = server
        .requests()
        .iter()
        .map(|request| request.header("x-cos-security-token").map(str::to_owned))
        .collect();
    assert!(tokens.iter().all(|token| token.as_deref() == Some("token0")), "{tokens:?}");
}

#[tokio::test]
async fn credentials_that_cos_refuses_are_replaced() {
    let refusal = "<Error><Code>ExpiredToken</Code><Message>old</Message></Error>";
    let server = Served::start(move |_, request| match request.header("x-cos-security-token") {
        Some("token0") => Reply::Raw(response(403, "x-cos-request-id: r\r\n", refusal)),
        _ => Reply::Raw(response(204, "", "")),
    })
    .await;
    let provider = Slow::new(2);
    let client = client(&server, provider.clone());
    for _ in 0..2 {
        let key = Key::new("object").expect("key");
        client.delete(key, None).await.expect("signed anew");
    }
    assert_eq!(provider.calls.load(Ordering::SeqCst), 2);
    assert_eq!(server.requests().len(), 3, "one refusal, then fresh credentials for all");
}

#[tokio::test]
async fn a_provider_that_fails_or_panics_fails_the_operation() {
    #[derive(Debug)]
    struct Broken(bool);
    impl CredentialsProvider for Broken {
        fn credentials(&self) -> ProvidedCredentials<'_> {
            Box::pin(async {
                assert!(!self.0, "the provider's bug");
                Err(CredentialsFailed::new("the vault is sealed"))
            })
        }
    }
    let server = Served::start(|_, _| Reply::ok("")).await;
    for (panics, text) in [(false, "the vault is sealed"), (true, "task has ended")] {
        let client = client(&server, Broken(panics));
        for _ in 0..2 {
            let error = client.run(HeadBucket::new()).await.expect_err("no credentials");
            assert_eq!(error.kind(), &ErrorKind::Credentials);
            assert!(error.to_string().contains(text), "{error}");
        }
    }
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn without_a_provider_the_error_says_so() {
    let server = Served::start(|_, _| Reply::ok("")).await;
    let client = Client::builder(session(&server.endpoint())).build().expect("client");
    let error = client.run(HeadBucket::new()).await.expect_err("no credentials").to_string();
    assert!(error.contains("neither credentials nor a provider"), "{error}");
}

const DOCUMENT: &str = r#"{"TmpSecretId":"AKIDcvm","TmpSecretKey":"hush","ExpiredTime":32503680000,
    "Expiration":"3000-01-01T00:00:00Z","Token":"cvm-token","Code":"Success"}"#;

#[tokio::test]
async fn the_role_of_an_instance_signs_requests() {
    let metadata = Served::start(|_, request| match request.line.as_str() {
        "GET /latest/meta-data/cam/security-credentials HTTP/1.1" => Reply::ok("the-role\n"),
        "GET /latest/meta-data/cam/security-credentials/the-role HTTP/1.1" => Reply::ok(DOCUMENT),
        _ => Reply::Raw(response(404, "", "")),
    })
    .await;
    let server = Served::start(|_, _| Reply::ok("")).await;
    let client = client(&server, CvmRole::at(format!("{}/", metadata.endpoint())));
    for _ in 0..2 {
        client.run(HeadBucket::new()).await.expect("signed");
    }
    let request = server.requests().remove(0);
    assert_eq!(request.header("x-cos-security-token"), Some("cvm-token"));
    assert!(request.header("authorization").is_some_and(|text| text.contains("AKIDcvm")));
    assert_eq!(metadata.requests().len(), 2, "one list and one document serve both");
}

#[tokio::test]
async fn a_metadata_service_without_a_role_or_with_nonsense_is_an_error() {
    for (status, body, text) in [
        (404, String::new(), "none bound"),
        (500, String::new(), "status 500"),
        (200, "\n".to_owned(), "names no role"),
        (200, "x".repeat(100_000), "length limit"),
    ] {
        let answer = response(status, "", &body);
        let metadata = Served::start(move |_, _| Reply::Raw(answer.clone())).await;
        let provider = CvmRole::at(metadata.endpoint());
        let error = provider.credentials().await.expect_err(text).to_string();
        assert!(error.contains(text), "{error}");
    }
}
