//! Requests in flight and bytes in memory stay within their bounds, whatever the writers do.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test that panics is a test that fails"
)]

mod common;

use std::{
    collections::BTreeSet,
    num::NonZeroUsize,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use common::{Recorder, Reply, Request, SHORT, Served, response};
use cos_proto::{Crc64, ErrorKind, Key, api::ObjectOptions};
use tokio::task::JoinSet;

const MIB: usize = 1 << 20;
const WRITERS: usize = 12;
const CONCURRENCY: usize = 4;
const PARTS: usize = 3;

/// As much of COS as uploads need. Every part is throttled once, so that all writers back off.
#[derive(Default)]
struct Uploads {
    throttled: Mutex<BTreeSet<String>>,
    uploads: AtomicU64,
}

impl Uploads {
    fn answer(&self, request: &Request) -> Reply {
        let target = request.line.split(' ').nth(1).unwrap_or_default();
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let crc = |bytes: &[u8]| {
            let mut crc = Crc64::new();
            crc.update(bytes);
            format!("x-cos-hash-crc64ecma: {}\r\netag: \"e\"\r\n", crc.value())
        };
        let bytes = if query.starts_with("uploads") {
            let id = self.uploads.fetch_add(1, Ordering::SeqCst);
            let body = format!(
                "<InitiateMultipartUploadResult><Bucket>b-1</Bucket><Key>{path}</Key>\
                 <UploadId>upload{id}</UploadId></InitiateMultipartUploadResult>"
            );
            response(200, "", &body)
        } else if query.contains("partNumber=") {
            if self.throttled.lock().expect("lock").insert(target.to_owned()) {
                let body = "<Error><Code>SlowDown</Code><Message>slow down</Message></Error>";
                return Reply::Raw(response(503, "x-cos-request-id: r\r\n", body));
            }
            return Reply::Later(Duration::from_millis(5), response(200, &crc(&request.body), ""));
        } else {
            let body = "<CompleteMultipartUploadResult><ETag>\"e-3\"</ETag>\
                        </CompleteMultipartUploadResult>";
            response(200, &crc(&content()), body)
        };
        Reply::Raw(bytes)
    }
}

/// Two chunks and a half.
fn content() -> Vec<u8> {
    (0..MIB * 5 / 2).map(|at| u8::try_from(at % 251).unwrap_or(0)).collect()
}

fn key(name: &str) -> Key {
    Key::new(name).expect("key")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_writers_that_back_off_at_once_stay_within_permits_and_memory() {
    let uploads = Arc::new(Uploads::default());
    let answering = Arc::clone(&uploads);
    let server = Served::start(move |_, request| answering.answer(request)).await;
    let recorder = Recorder::default();
    let client = server
        .client()
        .max_concurrency(NonZeroUsize::new(CONCURRENCY).expect("positive"))
        .chunk_size(MIB as u64)
        .observer(recorder.clone())
        .build()
        .expect("client");
    let content = Bytes::from(content());
    let mut running = JoinSet::new();
    for number in 0..WRITERS {
        let (client, content) = (client.clone(), content.clone());
        running.spawn(async move {
            let mut writer = client.writer(key(&format!("object{number}")), ObjectOptions::new());
            for piece in content.chunks(300_000) {
                writer.write(content.slice_ref(piece)).await.expect("written");
            }
            assert_eq!(writer.size(), content.len() as u64);
            writer.commit().await.expect("committed")
        });
    }
    while let Some(outcome) = running.join_next().await {
        assert_eq!(outcome.expect("joined").size, content.len() as u64);
    }
    let seen = recorder.recorded();
    assert!(seen.permits_max <= CONCURRENCY, "{} permits", seen.permits_max);
    assert!(seen.permits_max > 1, "nothing ran at once");
    let bound = ((WRITERS + CONCURRENCY) * MIB) as u64;
    assert!(seen.buffered_max <= bound, "{} of {bound} bytes", seen.buffered_max);
    assert_eq!((seen.permits_now, seen.buffered_now), (0, 0));
    assert_eq!(client.permits_in_use(), 0);
    let throttled = seen.attempts.iter().filter(|a| a.code.as_deref() == Some("SlowDown"));
    assert_eq!(throttled.count(), WRITERS * PARTS);
    assert_eq!(uploads.uploads.load(Ordering::SeqCst), WRITERS as u64);
}

#[tokio::test]
async fn a_dropped_writer_frees_its_permits_and_memory() {
    let server = Served::start(|_, request| {
        if request.line.contains("?uploads") {
            let body = "<InitiateMultipartUploadResult><UploadId>u</UploadId>\
                        </InitiateMultipartUploadResult>";
            Reply::ok(body)
        } else if request.line.contains("partNumber") {
            Reply::Silence
        } else {
            Reply::ok("")
        }
    })
    .await;
    let recorder = Recorder::default();
    let client = server
        .client()
        .max_concurrency(NonZeroUsize::MIN)
        .chunk_size(MIB as u64)
        .observer(recorder.clone())
        .build()
        .expect("client");
    let mut writer = client.writer(key("object"), ObjectOptions::new());
    let written = writer.write(Bytes::from(vec![0; 3 * MIB]));
    tokio::select! {
        outcome = written => panic!("a part has no answer, but: {outcome:?}"),
        () = server.reached(2) => {}
    }
    assert_eq!(client.permits_in_use(), 1);
    assert!(recorder.recorded().buffered_now >= MIB as u64);
    drop(writer);
    client.head_bucket().await.expect("the only permit is free");
    assert_eq!(client.permits_in_use(), 0);
    // The connection's task has to end before the last byte is gone.
    let freed = async {
        while recorder.recorded().buffered_now > 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), freed).await.expect("all memory is free");
}

#[tokio::test]
async fn a_writer_refuses_what_comes_after_its_end() {
    let server = Served::start(|_, request| {
        let mut crc = Crc64::new();
        crc.update(&request.body);
        let headers = format!("etag: \"e\"\r\nx-cos-hash-crc64ecma: {}\r\n", crc.value());
        Reply::Raw(response(200, &headers, ""))
    })
    .await;
    let client = server.client().build().expect("client");
    let mut writer = client.writer(key("object"), ObjectOptions::new());
    writer.write(Bytes::from_static(b"hello")).await.expect("written");
    let outcome = writer.commit().await.expect("committed");
    assert_eq!(outcome.size, 5);
    for again in [
        writer.write(Bytes::from_static(b"more")).await,
        writer.commit().await.map(drop),
        writer.cancel().await,
    ] {
        assert_eq!(again.expect_err("over").kind(), &ErrorKind::Misuse);
    }
    writer.close().await.expect("close after commit is fine, once");
    assert_eq!(writer.close().await.expect_err("twice").kind(), &ErrorKind::Misuse);
    assert_eq!(server.requests().len(), 1);
    assert_eq!(server.requests()[0].body, b"hello");
}

#[tokio::test]
async fn a_failed_part_fails_the_write_and_all_that_follows() {
    let server = Served::start(|_, request| {
        if request.line.starts_with("DELETE") {
            Reply::Raw(response(204, "", ""))
        } else if request.line.contains("?uploads") {
            let body = "<InitiateMultipartUploadResult><UploadId>u</UploadId>\
                        </InitiateMultipartUploadResult>";
            Reply::ok(body)
        } else {
            let body = "<Error><Code>AccessDenied</Code><Message>no</Message></Error>";
            Reply::Raw(response(403, "x-cos-request-id: r\r\n", body))
        }
    })
    .await;
    let recorder = Recorder::default();
    let client = server
        .client()
        .chunk_size(MIB as u64)
        .call_deadline(SHORT * 50)
        .observer(recorder.clone())
        .build()
        .expect("client");
    let mut writer = client.writer(key("object"), ObjectOptions::new());
    let mut outcome = Ok(());
    for _ in 0..50 {
        outcome = writer.write(Bytes::from(vec![0; MIB])).await;
        if outcome.is_err() {
            break;
        }
    }
    let error = outcome.expect_err("denied");
    assert_eq!((error.kind(), error.code()), (&ErrorKind::Denied, Some("AccessDenied")));
    assert_eq!(error.path(), Some("object"));
    let error = writer.commit().await.expect_err("still failed");
    assert_eq!(error.kind(), &ErrorKind::Denied);
    assert_eq!(recorder.recorded().buffered_now, 0);
    let requests = server.requests();
    let aborts = requests.iter().filter(|request| request.line.starts_with("DELETE"));
    assert_eq!(aborts.count(), 1, "the upload that it began is aborted");
}
