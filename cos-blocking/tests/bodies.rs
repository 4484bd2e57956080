//! Bodies that stop, dribble, or are read slowly.

#![allow(clippy::unwrap_used, reason = "a test that panics is a test that fails")]

mod support;

use std::{
    io::{Read, Write},
    net::TcpStream,
    num::NonZeroUsize,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::Duration,
};

use cos_proto::{CallKind, ErrorKind, FailureKind, Key, api::ObjectOptions, op::DownloadOptions};
use support::{Recorder, Request, Server, Then, answer};

const IDLE: Duration = Duration::from_millis(200);

fn key() -> Key {
    Key::new("k").unwrap()
}

/// Answers a GET of an object, from where its Range begins, by `body` instead of all that is left.
fn part_of(request: &Request, stream: &mut TcpStream, object: &[u8], sent: usize) {
    let first: usize = request.header("range").map_or(0, |range| {
        range.strip_prefix("bytes=").unwrap().trim_end_matches('-').parse().unwrap()
    });
    let (size, last) = (object.len(), object.len() - 1);
    let head = if first == 0 {
        format!("HTTP/1.1 200 OK\r\nETag: \"e\"\r\nContent-Length: {size}\r\n\r\n")
    } else {
        format!(
            "HTTP/1.1 206 Partial Content\r\nETag: \"e\"\r\nContent-Length: {}\r\n\
             Content-Range: bytes {first}-{last}/{size}\r\n\r\n",
            size - first
        )
    };
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(&object[first..size.min(first.saturating_add(sent))]).unwrap();
}

#[test]
fn a_body_that_stalls_times_out_and_is_resumed() {
    let object: Vec<u8> = (0..50_000_u32).map(|at| u8::try_from(at % 251).unwrap()).collect();
    let (content, tries) = (object.clone(), AtomicUsize::new(0));
    let server = Server::start(move |request, stream| {
        let first = tries.fetch_add(1, Ordering::SeqCst) == 0;
        part_of(request, stream, &content, if first { 20_000 } else { usize::MAX });
        if first {
            // Until the client gives up.
            let _ = stream.read(&mut [0]);
        }
        Then::KeepAlive
    });
    let recorder = Recorder::default();
    let client = server.client().observer(recorder.clone()).idle_timeout(IDLE).build().unwrap();
    let mut read = Vec::new();
    client.reader(key(), DownloadOptions::new()).unwrap().read_to_end(&mut read).unwrap();
    assert!(read == object);
    let attempts = recorder.recorded().attempts;
    let failures: Vec<_> = attempts.iter().map(|attempt| attempt.failure).collect();
    assert_eq!(failures, [Some(FailureKind::Timeout), None]);
    assert_eq!((attempts[0].bytes_received, attempts[1].bytes_received), (20_000, 30_000));
    assert_eq!(server.requests()[1].header("if-match"), Some("\"e\""));
}

#[test]
fn a_body_that_is_read_slowly_does_not_time_out() {
    // More than the buffers of both ends hold, so that the server waits for the reader.
    let object = vec![7; 16 << 20];
    let content = object.clone();
    let server = Server::start(move |request, stream| {
        part_of(request, stream, &content, usize::MAX);
        Then::KeepAlive
    });
    let recorder = Recorder::default();
    let client = server
        .client()
        .observer(recorder.clone())
        .idle_timeout(IDLE)
        .call_deadline(IDLE)
        .build()
        .unwrap();
    let mut reader = client.reader(key(), DownloadOptions::new()).unwrap();
    let mut read = Vec::new();
    for _ in 0..2 {
        thread::sleep(2 * IDLE);
        reader.by_ref().take(1 << 20).read_to_end(&mut read).unwrap();
    }
    reader.read_to_end(&mut read).unwrap();
    assert!(read == object);
    assert_eq!(recorder.recorded().attempts.len(), 1);
}

#[test]
fn a_reader_that_is_dropped_mid_body_leaves_the_connection_to_nobody() {
    let object = vec![7; 1 << 20];
    let content = object.clone();
    let server = Server::start(move |request, stream| {
        part_of(request, stream, &content, usize::MAX);
        Then::KeepAlive
    });
    let client = server.client().max_concurrency(NonZeroUsize::MIN).build().unwrap();
    for _ in 0..3 {
        let mut reader = client.reader(key(), DownloadOptions::new()).unwrap();
        reader.read_exact(&mut [0; 10]).unwrap();
        assert_eq!(client.permits_in_use(), 0);
    }
    let connections: Vec<_> = server.requests().iter().map(|request| request.connection).collect();
    assert_eq!(connections, [0, 1, 2]);
}

#[test]
fn the_spaces_that_keep_a_completion_alive_are_life() {
    let server = Server::start(|request, stream| {
        if request.line.contains("?uploads") {
            let body = "<InitiateMultipartUploadResult><UploadId>u</UploadId>\
                        </InitiateMultipartUploadResult>";
            return answer(stream, "200 OK", "", body.as_bytes());
        }
        if request.line.contains("partNumber") {
            return answer(stream, "200 OK", "ETag: \"p\"\r\n", b"");
        }
        if request.line.starts_with("HEAD") {
            return answer(stream, "200 OK", "ETag: \"e-1\"\r\n", b"");
        }
        stream.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").unwrap();
        // Longer than the deadline in all, but never silent for as long.
        for _ in 0..6 {
            thread::sleep(Duration::from_millis(200));
            stream.write_all(b"1\r\n \r\n").unwrap();
        }
        let body = "<CompleteMultipartUploadResult><ETag>\"e-1\"</ETag>\
                    </CompleteMultipartUploadResult>";
        let chunk = format!("{:x}\r\n{body}\r\n0\r\n\r\n", body.len());
        stream.write_all(chunk.as_bytes()).unwrap();
        Then::KeepAlive
    });
    let recorder = Recorder::default();
    let client = server
        .client()
        .observer(recorder.clone())
        .chunk_size(1 << 20)
        .call_deadline(Duration::from_secs(1))
        .build()
        .unwrap();
    let mut writer = client.writer(key(), ObjectOptions::new());
    writer.write_bytes(vec![0; 3 << 19]).unwrap();
    writer.commit().unwrap();
    let attempts = recorder.recorded().attempts;
    let completions: Vec<_> = attempts
        .iter()
        .filter(|attempt| attempt.call == CallKind::CompleteMultipartUpload)
        .map(|attempt| attempt.failure)
        .collect();
    assert_eq!(completions, [None]);
}

#[test]
fn a_collected_answer_that_dribbles_ends_by_the_deadline() {
    let server = Server::start(|_, stream| {
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n").unwrap();
        while stream.write_all(b"x").is_ok() {
            thread::sleep(Duration::from_millis(10));
        }
        Then::Close
    });
    let client = server.client().call_deadline(Duration::from_millis(300)).build().unwrap();
    let error = client.get(key(), cos_proto::api::GetOptions::new(), 1 << 20).unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Transport, "{error}");
}
