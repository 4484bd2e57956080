//! Requests in flight and bytes in memory stay within their bounds, whatever the writers do.

#![allow(clippy::unwrap_used, reason = "a test that panics is a test that fails")]

mod support;

use std::{
    collections::BTreeSet,
    io::{Read, Write},
    net::TcpStream,
    num::NonZeroUsize,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use bytes::Bytes;
use cos_proto::{CallKind, Crc64, ErrorKind, Key, api::ObjectOptions};
use support::{Recorder, Request, Server, Then, answer, eventually};

const MIB: usize = 1 << 20;
const WRITERS: usize = 12;
const CONCURRENCY: usize = 4;
const PARTS: usize = 7;

/// As much of COS as uploads need. Every part is throttled once, so that all writers back off.
#[derive(Default)]
struct Uploads {
    throttled: Mutex<BTreeSet<String>>,
    begun: AtomicU64,
}

impl Uploads {
    fn answer(&self, request: &Request, stream: &mut TcpStream) -> Then {
        let target = request.line.split(' ').nth(1).unwrap();
        let query = target.split_once('?').map_or("", |(_, query)| query);
        let crc =
            |bytes: &[u8]| format!("x-cos-hash-crc64ecma: {}\r\nETag: \"e\"\r\n", Crc64::of(bytes));
        if query.starts_with("uploads") {
            let id = self.begun.fetch_add(1, Ordering::SeqCst);
            answer(stream, "200 OK", "", initiated(&format!("upload{id}")).as_bytes())
        } else if query.contains("partNumber=") {
            if self.throttled.lock().unwrap().insert(target.to_owned()) {
                let body = b"<Error><Code>SlowDown</Code><Message>slow down</Message></Error>";
                return answer(stream, "503 Slow Down", "x-cos-request-id: r\r\n", body);
            }
            answer(stream, "200 OK", &crc(&request.body), b"")
        } else {
            let body = b"<CompleteMultipartUploadResult><ETag>\"e-7\"</ETag>\
                         </CompleteMultipartUploadResult>";
            answer(stream, "200 OK", &crc(&content()), body)
        }
    }
}

fn initiated(id: &str) -> String {
    format!(
        "<InitiateMultipartUploadResult><Bucket>b-1</Bucket><Key>k</Key>\
         <UploadId>{id}</UploadId></InitiateMultipartUploadResult>"
    )
}

/// Six chunks and a half.
fn content() -> Vec<u8> {
    (0..MIB * 13 / 2).map(|at| u8::try_from(at % 251).unwrap()).collect()
}

fn key(name: &str) -> Key {
    Key::new(name).unwrap()
}

#[test]
fn many_writers_that_back_off_at_once_stay_within_permits_and_memory() {
    let uploads = Uploads::default();
    let server = Server::start(move |request, stream| uploads.answer(request, stream));
    let recorder = Recorder::default();
    let client = server
        .client()
        .max_concurrency(NonZeroUsize::new(CONCURRENCY).unwrap())
        .chunk_size(MIB as u64)
        .observer(recorder.clone())
        .build()
        .unwrap();
    let content = Bytes::from(content());
    thread::scope(|scope| {
        for number in 0..WRITERS {
            let (client, content) = (&client, &content);
            scope.spawn(move || {
                let mut writer =
                    client.writer(key(&format!("object{number}")), ObjectOptions::default());
                for piece in content.chunks(300_000) {
                    if number % 2 == 0 {
                        writer.write_bytes(content.slice_ref(piece)).unwrap();
                    } else {
                        writer.write_all(piece).unwrap();
                    }
                }
                assert_eq!(writer.size(), content.len() as u64);
                assert_eq!(writer.commit().unwrap().size, content.len() as u64);
            });
        }
    });
    let told = recorder.recorded();
    assert!(told.permits_most <= CONCURRENCY, "{} permits", told.permits_most);
    assert!(told.permits_most > 1, "nothing ran at once");
    let bound = ((WRITERS + CONCURRENCY) * MIB) as u64;
    assert!(told.buffered_most <= bound, "{} of {bound} bytes", told.buffered_most);
    assert_eq!((told.permits_last, told.buffered_last), (0, 0));
    assert_eq!(client.permits_in_use(), 0);
    let throttled = told.attempts.iter().filter(|a| a.code.as_deref() == Some("SlowDown"));
    assert_eq!(throttled.count(), WRITERS * PARTS);
    let begun = told.attempts.iter().filter(|a| a.call == CallKind::InitiateMultipartUpload);
    assert_eq!(begun.count(), WRITERS);
}

#[test]
fn a_dropped_writer_frees_its_memory_and_what_it_is_sending_within_the_time_out() {
    let server = Server::start(|request, stream| {
        if request.line.contains("?uploads") {
            answer(stream, "200 OK", "", initiated("u").as_bytes())
        } else if request.line.contains("partNumber") {
            // Never answers.
            let _ = stream.read(&mut [0]);
            Then::Close
        } else {
            answer(stream, "200 OK", "", b"")
        }
    });
    let recorder = Recorder::default();
    let client = server
        .client()
        .max_concurrency(NonZeroUsize::MIN)
        .chunk_size(MIB as u64)
        .call_deadline(Duration::from_secs(1))
        .observer(recorder.clone())
        .build()
        .unwrap();
    let parts = || server.requests().iter().filter(|r| r.line.contains("partNumber")).count();
    let mut writer = client.writer(key("object"), ObjectOptions::default());
    // The part in flight, one that waits for its permit, and a tail.
    writer.write_bytes(vec![0; 2 * MIB]).unwrap();
    eventually("a part is sent", || {
        // Takes in the answer to the Create.
        writer.flush().unwrap();
        parts() == 1
    });
    assert_eq!(client.permits_in_use(), 1);
    assert_eq!(recorder.recorded().buffered_last, 2 * MIB as u64);
    drop(writer);
    assert_eq!(recorder.recorded().buffered_last, MIB as u64, "only the part that is being sent");
    // Queues for the only permit, and gets it when the part has timed out.
    client.head_bucket().unwrap();
    assert_eq!(parts(), 1, "a part of a dropped writer was sent");
    assert_eq!(recorder.recorded().buffered_last, 0);
    assert_eq!(client.permits_in_use(), 0);
}

#[test]
fn a_writer_refuses_what_comes_after_its_end() {
    let server = Server::start(|_, stream| answer(stream, "200 OK", "ETag: \"e\"\r\n", b""));
    let client = server.client().build().unwrap();
    let misuse = |error: cos_proto::Error| assert_eq!(*error.kind(), ErrorKind::Misuse, "{error}");
    let mut writer = client.writer(key("object"), ObjectOptions::default());
    writer.write_bytes("text").unwrap();
    writer.commit().unwrap();
    misuse(writer.write_bytes("more").unwrap_err());
    misuse(writer.commit().unwrap_err());
    misuse(writer.cancel().unwrap_err());
    writer.close().unwrap();
    misuse(writer.close().unwrap_err());
    let error = writer.write(b"more").unwrap_err();
    let inner = error.get_ref().unwrap().downcast_ref::<cos_proto::Error>().unwrap();
    assert_eq!(*inner.kind(), ErrorKind::Misuse);
}

#[test]
fn a_writer_that_fails_aborts_what_it_began_before_it_says_so() {
    let server = Server::start(|request, stream| {
        if request.line.contains("?uploads") {
            answer(stream, "200 OK", "", initiated("u").as_bytes())
        } else if request.line.starts_with("DELETE") {
            answer(stream, "204 No Content", "", b"")
        } else {
            answer(stream, "403 Forbidden", "", b"<Error><Code>AccessDenied</Code></Error>")
        }
    });
    let client = server.client().chunk_size(MIB as u64).build().unwrap();
    let mut writer = client.writer(key("object"), ObjectOptions::default());
    let error = loop {
        if let Err(error) = writer.write_bytes(vec![0; MIB / 2]) {
            break error;
        }
    };
    assert_eq!(*error.kind(), ErrorKind::Denied, "{error}");
    assert!(server.requests().last().unwrap().line.starts_with("DELETE /object?uploadId=u "));
    assert_eq!(*writer.commit().unwrap_err().kind(), ErrorKind::Denied);
}
