//! Requests that get no answer, a bad one, or one from a connection that went stale.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test that panics is a test that fails"
)]

mod common;

use std::{num::NonZeroUsize, time::Duration};

use common::{Recorder, Reply, SHORT, Served, client_of, response};
use cos_proto::{
    CallKind, ErrorKind, FailureKind, Key,
    api::{CopyOptions, ListOptions, ObjectOptions},
    op::{DownloadOptions, HeadBucket},
};

#[tokio::test]
async fn a_server_that_never_answers_is_a_timeout() {
    let server = Served::start(|_, _| Reply::Silence).await;
    let recorder = Recorder::default();
    let client = server.client().call_deadline(SHORT).observer(recorder.clone()).build();
    let client = client.expect("client");
    let error = client.run(HeadBucket::new()).await.expect_err("no answer");
    assert_eq!(error.kind(), &ErrorKind::Transport);
    assert!(error.to_string().contains("no answer within 0.1 s"), "{error}");
    assert!(error.remote().is_some_and(|remote| remote.maybe_done));
    let attempt = recorder.recorded().attempts.remove(0);
    assert_eq!((attempt.call, attempt.attempt), (CallKind::HeadBucket, 1));
    assert_eq!((attempt.status, attempt.failure), (None, Some(FailureKind::Timeout)));
    assert_eq!(client.permits_in_use(), 0);
}

#[tokio::test]
async fn no_server_is_a_failure_before_anything_was_sent() {
    let port = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("bound");
        listener.local_addr().expect("address").port()
    };
    let recorder = Recorder::default();
    let client = client_of(&format!("http://127.0.0.1:{port}"))
        .call_deadline(SHORT)
        .observer(recorder.clone())
        .build()
        .expect("client");
    let error = client.run(HeadBucket::new()).await.expect_err("no server");
    assert_eq!(error.kind(), &ErrorKind::Transport);
    assert!(error.remote().is_some_and(|remote| !remote.maybe_done), "{error}");
    assert_eq!(recorder.recorded().attempts[0].failure, Some(FailureKind::Connect));
}

#[tokio::test]
async fn an_answer_that_is_not_http_is_malformed() {
    let server = Served::start(|_, _| Reply::Last(b"220 mail.example ESMTP\r\n".to_vec())).await;
    let recorder = Recorder::default();
    let client = server.client().call_deadline(SHORT).observer(recorder.clone()).build();
    client.expect("client").run(HeadBucket::new()).await.expect_err("not HTTP");
    let failure = recorder.recorded().attempts[0].failure;
    assert_eq!(failure, Some(FailureKind::Malformed));
}

#[tokio::test]
async fn a_connection_closed_in_the_pool_is_no_error() {
    let server = Served::start(|number, _| match number {
        0 => Reply::Last(response(200, "", "")),
        _ => Reply::ok(""),
    })
    .await;
    let recorder = Recorder::default();
    let client = server.client().observer(recorder.clone()).build().expect("client");
    for _ in 0..3 {
        client.run(HeadBucket::new()).await.expect("answered");
    }
    assert_eq!(server.requests().len(), 3);
}

#[tokio::test]
async fn a_failed_attempt_is_sent_again_and_both_are_observed() {
    let server = Served::start(|number, _| match number {
        0 => Reply::Raw(response(503, "x-cos-request-id: one\r\n", "")),
        _ => Reply::Raw(response(200, "x-cos-request-id: two\r\n", "")),
    })
    .await;
    let recorder = Recorder::default();
    let client = server.client().observer(recorder.clone()).build().expect("client");
    client.run(HeadBucket::new()).await.expect("answered at last");
    let attempts = recorder.recorded().attempts;
    let seen: Vec<_> = attempts
        .iter()
        .map(|a| (a.attempt, a.status.map(|s| s.as_u16()), a.request_id.as_deref()))
        .collect();
    assert_eq!(seen, [(1, Some(503), Some("one")), (2, Some(200), Some("two"))]);
    assert_eq!(recorder.recorded().permits_max, 1);
    assert_eq!(recorder.recorded().permits_now, 0);
}

#[tokio::test]
async fn a_dropped_operation_gives_its_permit_back_and_is_observed() {
    let server = Served::start(|number, _| match number {
        0 => Reply::Silence,
        _ => Reply::ok(""),
    })
    .await;
    let recorder = Recorder::default();
    let client = server
        .client()
        .max_concurrency(NonZeroUsize::MIN)
        .observer(recorder.clone())
        .build()
        .expect("client");
    {
        let running = client.run(HeadBucket::new());
        tokio::select! {
            _ = running => panic!("nobody answers"),
            () = server.reached(1) => {}
        }
    }
    client.run(HeadBucket::new()).await.expect("the only permit is free");
    assert_eq!(client.permits_in_use(), 0);
    let first = recorder.recorded().attempts.remove(0);
    assert_eq!((first.status, first.failure), (None, None), "dropped, not failed");
}

#[tokio::test]
async fn requests_are_signed_and_name_their_host() {
    let server = Served::start(|_, _| Reply::ok("")).await;
    let client = server.client().build().expect("client");
    client.run(HeadBucket::new()).await.expect("answered");
    let request = server.requests().remove(0);
    assert_eq!(request.line, "HEAD / HTTP/1.1");
    assert_eq!(request.header("host"), Some(server.address.to_string().as_str()));
    let authorization = request.header("authorization").expect("signed");
    assert!(authorization.contains("q-ak=AKIDtest"), "{authorization}");
    assert!(request.header("user-agent").is_some_and(|agent| agent.starts_with("cos-")));
}

#[tokio::test]
async fn an_answer_that_is_too_long_is_refused_unread() {
    let announced = b"HTTP/1.1 200 X\r\netag: \"e\"\r\ncontent-length: 900000000\r\n\r\n";
    let endless = b"HTTP/1.1 200 X\r\ntransfer-encoding: chunked\r\n\r\n\
                    3000000\r\n";
    for head in [announced.to_vec(), endless.to_vec()] {
        let server = Served::start(move |_, _| {
            let mut bytes = head.clone();
            bytes.resize(bytes.len() + (9 << 20), b' ');
            Reply::Raw(bytes)
        })
        .await;
        let recorder = Recorder::default();
        let client = server.client().observer(recorder.clone()).build().expect("client");
        let mut pages = client.list(ListOptions::new(""));
        let error = pages.next_page().await.expect("an error").expect_err("too long");
        assert_eq!(error.kind(), &ErrorKind::Malformed, "{error}");
        assert!(pages.next_page().await.is_none(), "the error comes once");
        let attempts = recorder.recorded().attempts;
        assert_eq!(attempts.len(), 1, "sending it again cannot help");
        assert_eq!(attempts[0].failure, Some(FailureKind::ReplyTooLarge));
        assert!(attempts[0].bytes_received < 10 << 20, "{}", attempts[0].bytes_received);
    }
}

#[tokio::test]
async fn the_page_of_an_error_is_cut_but_its_status_counts() {
    let server =
        Served::start(|_, _| Reply::Raw(response(502, "", &"<html>gateway</html>".repeat(10_000))))
            .await;
    let recorder = Recorder::default();
    let client = server.client().call_deadline(SHORT).observer(recorder.clone()).build();
    let client = client.expect("client");
    client.delete(Key::new("k").expect("key"), None).await.expect_err("502");
    let attempts = recorder.recorded().attempts;
    for attempt in attempts {
        assert_eq!((attempt.status.map(|s| s.as_u16()), attempt.failure), (Some(502), None));
        assert!(attempt.bytes_received < 1 << 20);
    }
}

#[tokio::test]
async fn a_body_that_stops_is_a_timeout_while_somebody_reads_and_is_resumed() {
    let server = Served::start(|_, request| match request.header("range") {
        None => {
            let mut head = response(200, "etag: \"e\"\r\n", "0123456789");
            head.truncate(head.len() - 6);
            Reply::Raw(head)
        }
        Some(range) => {
            assert_eq!(range, "bytes=4-");
            let headers = "etag: \"e\"\r\ncontent-range: bytes 4-9/10\r\n";
            Reply::Raw(response(206, headers, "456789"))
        }
    })
    .await;
    let recorder = Recorder::default();
    let client = server.client().idle_timeout(SHORT).observer(recorder.clone()).build();
    let client = client.expect("client");
    let key = Key::new("object").expect("key");
    let mut reader = client.reader(key, DownloadOptions::new()).await.expect("opened");
    assert_eq!(reader.chunk().await.expect("data").as_deref(), Some(&b"0123"[..]));
    // Nobody reads meanwhile, so no time-out runs.
    tokio::time::sleep(SHORT * 3).await;
    assert_eq!(server.requests().len(), 1);
    assert_eq!(reader.chunk().await.expect("resumed").as_deref(), Some(&b"456789"[..]));
    assert_eq!(reader.chunk().await.expect("the end"), None);
    let failures: Vec<_> = recorder.recorded().attempts.iter().map(|a| a.failure).collect();
    assert_eq!(failures, [Some(FailureKind::Timeout), None]);
}

#[tokio::test]
async fn spaces_are_life_for_a_copy_and_not_for_other_calls() {
    const PAUSE: Duration = Duration::from_millis(30);
    const SPACES: u32 = 40;
    let server = Served::start(|_, request| {
        if request.line.starts_with("HEAD") {
            return Reply::Raw(response(200, "etag: \"e\"\r\n", ""));
        }
        let body = "<CopyObjectResult><ETag>\"e\"</ETag></CopyObjectResult>";
        Reply::Spaces(SPACES, PAUSE, "etag: \"e\"\r\n", body.to_owned())
    })
    .await;
    let recorder = Recorder::default();
    // Much less than the answer takes; the idle time-out is less than a pause.
    let client = server
        .client()
        .observer(recorder.clone())
        .call_deadline(PAUSE * 20)
        .idle_timeout(PAUSE / 10)
        .build()
        .expect("client");
    let (from, to) = (Key::new("from").expect("key"), Key::new("to").expect("key"));
    client.copy(from, to.clone(), CopyOptions::default()).await.expect("copied");
    let failures = || recorder.recorded().attempts.iter().map(|a| a.failure).collect::<Vec<_>>();
    assert!(failures().iter().all(Option::is_none), "{:?}", failures());
    let client = server.client().observer(recorder.clone()).call_deadline(PAUSE * 20).build();
    let client = client.expect("client");
    let error = client.put(to, ObjectOptions::default(), "text".to_owned()).await;
    assert_eq!(error.expect_err("too late").kind(), &ErrorKind::OutcomeUnknown);
    assert!(failures().contains(&Some(FailureKind::Timeout)));
}
