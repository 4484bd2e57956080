//! What goes over the wire, and what failures are told as.

#![allow(clippy::unwrap_used, reason = "a test that panics is a test that fails")]

mod support;

use std::{
    io::{Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::Duration,
};

use cos_proto::{
    CallKind, Error, ErrorKind, FailureKind, Key,
    api::{CopyOptions, GetOptions, ObjectOptions},
};
use support::{Recorder, Server, Then, answer, client, session};

fn key() -> Key {
    Key::new("a/b c").unwrap()
}

/// The failures of all attempts so far.
fn failures(recorder: &Recorder) -> Vec<Option<FailureKind>> {
    recorder.recorded().attempts.iter().map(|attempt| attempt.failure).collect()
}

fn assert_transport(error: &Error, text: &str) {
    assert_eq!(*error.kind(), ErrorKind::Transport, "{error}");
    assert!(error.to_string().contains(text), "{error}");
}

#[test]
fn requests_carry_only_the_headers_of_the_core_and_share_a_connection() {
    let server = Server::start(|_, stream| answer(stream, "200 OK", "", b""));
    let recorder = Recorder::default();
    let client = server.client().observer(recorder.clone()).build().unwrap();
    for _ in 0..3 {
        client.head_bucket().unwrap();
    }
    let requests = server.requests();
    for request in &requests {
        let mut names: Vec<_> = request.headers.iter().map(|(name, _)| &**name).collect();
        names.sort_unstable();
        assert_eq!(names, ["authorization", "host", "user-agent"]);
        assert_eq!(request.line, "HEAD / HTTP/1.1");
        assert_eq!(request.connection, 0, "a new connection was made");
        assert!(request.header("user-agent").unwrap().starts_with("cos-proto/"));
    }
    let told = recorder.recorded();
    assert_eq!((told.permits_most, told.permits_last), (1, 0));
    assert_eq!(told.attempts.len(), 3);
    assert_eq!(told.attempts[0].call, CallKind::HeadBucket);
    assert_eq!(told.attempts[0].status.unwrap().as_u16(), 200);
}

#[test]
fn a_body_is_sent_with_its_length_even_if_it_is_empty() {
    let server = Server::start(|_, stream| answer(stream, "200 OK", "ETag: \"e\"\r\n", b""));
    let client = server.client().build().unwrap();
    for content in [vec![], b"12345".to_vec(), vec![7; 300_000]] {
        client.put(key(), ObjectOptions::default(), content.clone()).unwrap();
        let request = server.requests().pop().unwrap();
        assert_eq!(request.line, "PUT /a/b%20c HTTP/1.1");
        assert_eq!(request.header("content-length").unwrap(), content.len().to_string());
        assert_eq!(request.header("transfer-encoding"), None);
        assert_eq!(request.body, content);
    }
}

#[test]
fn no_answer_is_a_time_out() {
    let server = Server::start(|_, stream| {
        // Until the client gives up.
        let _ = stream.read(&mut [0]);
        Then::Close
    });
    let recorder = Recorder::default();
    let deadline = Duration::from_millis(300);
    let client =
        server.client().observer(recorder.clone()).call_deadline(deadline).build().unwrap();
    let error = client.head_bucket().unwrap_err();
    assert_transport(&error, "");
    assert_eq!(failures(&recorder), [Some(FailureKind::Timeout)]);
    assert_eq!(client.permits_in_use(), 0);
}

#[test]
fn an_answer_that_stalls_is_a_time_out_long_before_the_deadline() {
    let tries = AtomicUsize::new(0);
    let server = Server::start(move |_, stream| {
        if tries.fetch_add(1, Ordering::SeqCst) > 0 {
            return answer(stream, "200 OK", "ETag: \"e\"\r\n", b"");
        }
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf").unwrap();
        let _ = stream.read(&mut [0]);
        Then::Close
    });
    let recorder = Recorder::default();
    let idle = Duration::from_millis(200);
    let client = server.client().observer(recorder.clone()).idle_timeout(idle).build().unwrap();
    client.put(key(), ObjectOptions::default(), "text".to_owned()).unwrap();
    assert_eq!(failures(&recorder), [Some(FailureKind::Timeout), None]);
}

/// An answer in whose body a space comes now and then before the rest.
fn spaces(
    stream: &mut TcpStream,
    headers: &str,
    count: usize,
    pause: Duration,
    rest: &str,
) -> Then {
    let length = count + rest.len();
    let head = format!("HTTP/1.1 200 OK\r\n{headers}Content-Length: {length}\r\n\r\n");
    let _ = stream.write_all(head.as_bytes());
    for _ in 0..count {
        thread::sleep(pause);
        if stream.write_all(b" ").is_err() {
            return Then::Close;
        }
    }
    let _ = stream.write_all(rest.as_bytes());
    Then::KeepAlive
}

#[test]
fn spaces_are_life_for_a_copy_and_not_for_other_calls() {
    const PAUSE: Duration = Duration::from_millis(30);
    const COPIED: &str = "<CopyObjectResult><ETag>\"e\"</ETag></CopyObjectResult>";
    let server = Server::start(|request, stream| {
        if request.line.starts_with("HEAD") {
            return answer(stream, "200 OK", "ETag: \"e\"\r\n", b"");
        }
        spaces(stream, "ETag: \"e\"\r\n", 40, PAUSE, COPIED)
    });
    let recorder = Recorder::default();
    // Much less than the answer takes; the idle time-out is less than a pause.
    let client = server
        .client()
        .observer(recorder.clone())
        .call_deadline(PAUSE * 20)
        .idle_timeout(PAUSE / 10)
        .build()
        .unwrap();
    client.copy(key(), Key::new("copy").unwrap(), CopyOptions::default()).unwrap();
    assert!(failures(&recorder).iter().all(Option::is_none), "{:?}", failures(&recorder));
    let client =
        server.client().observer(recorder.clone()).call_deadline(PAUSE * 20).build().unwrap();
    let error = client.put(key(), ObjectOptions::default(), "text".to_owned()).unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::OutcomeUnknown, "{error}");
    assert!(failures(&recorder).contains(&Some(FailureKind::Timeout)));
}

#[test]
fn a_refused_connection_is_told_as_one_and_retried() {
    // A port that nobody listens on any more.
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let recorder = Recorder::default();
    let client = client(session(&format!("http://{address}")))
        .observer(recorder.clone())
        .call_deadline(Duration::from_millis(600))
        .build()
        .unwrap();
    let error = client.head_bucket().unwrap_err();
    assert_transport(&error, "refused");
    let failures = failures(&recorder);
    assert!(failures.len() > 1, "{failures:?}");
    assert!(failures.iter().all(|failure| *failure == Some(FailureKind::Connect)));
}

#[test]
fn a_host_without_address_is_a_failed_connection() {
    let recorder = Recorder::default();
    let client = client(session("http://no-such-host.invalid"))
        .observer(recorder.clone())
        .call_deadline(Duration::from_millis(100))
        .build()
        .unwrap();
    client.head_bucket().unwrap_err();
    assert_eq!(failures(&recorder)[0], Some(FailureKind::Connect));
}

#[test]
fn a_connection_that_breaks_and_an_answer_that_is_not_http_are_told_apart() {
    for (sent, kind) in [
        (&b""[..], FailureKind::Broken),
        (b"HTTP/1.1 200 OK\r\n", FailureKind::Broken),
        (b"SSH-2.0-OpenSSH\r\n\r\n", FailureKind::Malformed),
    ] {
        let tries = AtomicUsize::new(0);
        let server = Server::start(move |_, stream| {
            if tries.fetch_add(1, Ordering::SeqCst) > 0 {
                return answer(stream, "200 OK", "", b"");
            }
            stream.write_all(sent).unwrap();
            stream.shutdown(Shutdown::Both).unwrap();
            Then::Close
        });
        let recorder = Recorder::default();
        let client = server.client().observer(recorder.clone()).build().unwrap();
        client.head_bucket().unwrap();
        assert_eq!(failures(&recorder), [Some(kind), None]);
    }
}

#[test]
fn a_connection_that_the_server_closed_meanwhile_is_not_used_again() {
    let server = Server::start(|_, stream| {
        answer(stream, "200 OK", "", b"");
        Then::Close
    });
    let recorder = Recorder::default();
    let client = server.client().observer(recorder.clone()).build().unwrap();
    client.head_bucket().unwrap();
    client.head_bucket().unwrap();
    assert_eq!(server.requests()[1].connection, 1);
    // If the end of the connection came too late to be noticed, the call was sent again.
    assert!(matches!(
        failures(&recorder)[..],
        [None, None] | [None, Some(FailureKind::Broken), None]
    ));
}

#[test]
fn an_answer_is_read_although_the_server_did_not_want_the_whole_request() {
    const ERROR: &[u8] = b"<Error><Code>AccessDenied</Code><Message>no</Message></Error>";
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            // Reads the head and a little more, answers and closes.
            let _ = stream.read(&mut [0; 4096]);
            answer(&mut stream, "403 Forbidden", "x-cos-request-id: r\r\n", ERROR);
            stream.shutdown(Shutdown::Read).unwrap();
        }
    });
    let client = client(session(&endpoint)).build().unwrap();
    let error = client.put(key(), ObjectOptions::default(), vec![0; 32 * 1024 * 1024]).unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Denied, "{error}");
    assert_eq!(error.request_id(), Some("r"));
}

#[test]
fn a_reply_that_is_too_large_is_not_read() {
    let server = Server::start(|_, stream| {
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", u64::MAX / 2);
        let _ = stream.write_all(head.as_bytes());
        Then::Close
    });
    let recorder = Recorder::default();
    let client = server.client().observer(recorder.clone()).build().unwrap();
    let error = client.get(key(), GetOptions::default(), 1000).unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::TooLarge { limit: 1000 });
    assert_eq!(failures(&recorder), [Some(FailureKind::ReplyTooLarge)]);
}
