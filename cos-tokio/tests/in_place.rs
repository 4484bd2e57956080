//! Operations whose exchanges go on where they are polled, while nobody polls them.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test that panics is a test that fails"
)]

mod common;

use std::{
    num::NonZeroUsize,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use common::{Recorder, Reply, SHORT, Served, response};
use cos_proto::{
    Attempt, Key, Observer,
    api::{CopyOptions, GetOptions, ObjectOptions},
};
use cos_tokio::Client;
use tokio::{task::JoinSet, time::timeout};

const LONG: Duration = Duration::from_secs(30);

fn client(server: &Served, permits: usize, observer: impl Observer + 'static) -> Client {
    let permits = NonZeroUsize::new(permits).expect("positive");
    server.client().max_concurrency(permits).observer(observer).build().expect("client")
}

fn key(name: &str) -> Key {
    Key::new(name).expect("key")
}

#[tokio::test]
async fn operations_that_nobody_polls_hold_up_nobody() {
    let server = Served::start(|_, request| {
        if request.line.starts_with("HEAD /rests") {
            Reply::Later(SHORT / 2, response(200, "etag: \"e\"\r\n", ""))
        } else {
            Reply::ok("")
        }
    })
    .await;
    for permits in [1, 2] {
        let recorder = Recorder::default();
        let client = client(&server, permits, recorder.clone());
        let before = server.requests().len();
        let mut first = pin!(client.head(key("rests1"), GetOptions::new()));
        let mut second = pin!(client.head(key("rests2"), GetOptions::new()));
        tokio::select! {
            biased;
            _ = &mut first => panic!("answered later"),
            _ = &mut second => panic!("answered later"),
            () = server.reached(before + permits) => {}
        }
        assert_eq!(client.permits_in_use(), permits);
        // Nobody polls the two meanwhile.
        timeout(LONG, client.head_bucket()).await.expect("not held up").expect("answered");
        timeout(LONG, async { (first.await.expect("first"), second.await.expect("second")) })
            .await
            .expect("they go on");
        let seen = recorder.recorded();
        assert!(seen.permits_max <= permits && seen.permits_now == 0);
        assert_eq!(seen.attempts.len(), 3, "nothing is sent twice");
    }
}

#[tokio::test]
async fn an_operation_that_rested_has_all_its_time_for_the_next_call() {
    let server = Served::start(|_, request| {
        let crc = "x-cos-hash-crc64ecma: 0\r\n";
        if request.line.starts_with("PUT") {
            let copied = "<CopyObjectResult><ETag>\"e\"</ETag></CopyObjectResult>";
            return Reply::Raw(response(200, crc, copied));
        }
        let reply = response(200, &format!("etag: \"e\"\r\n{crc}"), "");
        let first = request.line.starts_with("HEAD /from");
        if first { Reply::Later(SHORT / 2, reply) } else { Reply::Raw(reply) }
    })
    .await;
    let client = server.client().max_concurrency(NonZeroUsize::MIN).call_deadline(DEADLINE);
    let client = client.build().expect("client");
    let mut moving = pin!(client.rename(key("from"), key("to"), CopyOptions::default()));
    tokio::select! {
        biased;
        _ = &mut moving => panic!("answered later"),
        () = server.reached(1) => {}
    }
    // It gets a task, is answered there, and nobody polls it meanwhile.
    client.head_bucket().await.expect("answered");
    tokio::time::sleep(DEADLINE * 3 / 2).await;
    moving.await.expect("moved");
    let sent = server.requests().into_iter().map(|request| request.line);
    let methods: Vec<String> =
        sent.filter_map(|line| Some(line.split_once(' ')?.0.to_owned())).collect();
    assert_eq!(methods, ["HEAD", "HEAD", "PUT", "DELETE"], "the copy was not given up");
}

/// Far more than an answer takes here.
const DEADLINE: Duration = Duration::from_secs(2);

#[tokio::test]
async fn writers_are_not_held_up_either() {
    let server = Served::start(|_, request| {
        let mut crc = cos_proto::Crc64::new();
        crc.update(&request.body);
        let headers = format!("etag: \"e\"\r\nx-cos-hash-crc64ecma: {}\r\n", crc.value());
        let reply = response(200, &headers, "");
        if request.line.starts_with("HEAD") {
            Reply::Later(SHORT / 2, reply)
        } else {
            Reply::Raw(reply)
        }
    })
    .await;
    let client = client(&server, 1, Recorder::default());
    let mut resting = pin!(client.head(key("rests"), GetOptions::new()));
    tokio::select! {
        _ = &mut resting => panic!("answered later"),
        () = server.reached(1) => {}
    }
    let mut writer = client.writer(key("object"), ObjectOptions::new());
    writer.write("text").await.expect("written");
    timeout(LONG, writer.commit()).await.expect("not held up").expect("committed");
    resting.await.expect("answered");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operation_that_loses_its_place_is_woken_by_its_answer() {
    let server = Served::start(|number, _| match number % 3 {
        0 => Reply::Later(Duration::from_millis(2), response(200, "", "")),
        _ => Reply::ok(""),
    })
    .await;
    for permits in [1, 3] {
        let recorder = Recorder::default();
        let client = client(&server, permits, recorder.clone());
        let mut running = JoinSet::new();
        for _ in 0..12 {
            let client = client.clone();
            running.spawn(async move {
                for _ in 0..20 {
                    client.head_bucket().await.expect("answered");
                }
            });
        }
        let all =
            async { while running.join_next().await.transpose().expect("joined").is_some() {} };
        timeout(LONG, all).await.expect("all are woken");
        let seen = recorder.recorded();
        assert!(seen.permits_max <= permits, "{} of {permits}", seen.permits_max);
        assert_eq!((client.permits_in_use(), seen.attempts.len()), (0, 240));
    }
}

#[tokio::test]
async fn an_operation_that_lost_its_place_and_is_dropped_gives_its_permit_back() {
    let server = Served::start(|number, _| match number {
        0 => Reply::Silence,
        _ => Reply::ok(""),
    })
    .await;
    let client = client(&server, 1, Recorder::default());
    let mut waiting = Box::pin(client.head_bucket());
    {
        let mut resting = pin!(client.head_bucket());
        tokio::select! {
            _ = &mut resting => panic!("nobody answers"),
            () = server.reached(1) => {}
        }
        let refused = timeout(SHORT, &mut waiting).await;
        assert!(refused.is_err(), "the only permit is taken");
    }
    timeout(LONG, waiting).await.expect("free").expect("answered");
    assert_eq!(client.permits_in_use(), 0);
}

/// Panics when it is told of the first attempts.
#[derive(Clone, Default)]
struct Panics(Arc<AtomicUsize>);

impl Observer for Panics {
    fn attempt(&self, _: &Attempt) {
        assert!(self.0.fetch_add(1, Ordering::SeqCst) > 0, "the observer's own fault");
    }
}

#[tokio::test]
async fn an_observer_that_panics_is_a_failed_attempt_and_takes_no_permit_along() {
    let server = Served::start(|_, _| Reply::ok("")).await;
    let panics = Panics::default();
    let client = client(&server, 1, panics.clone());
    client.head_bucket().await.expect("sent again");
    assert_eq!((client.permits_in_use(), panics.0.load(Ordering::SeqCst)), (0, 2));
    let server = Served::start(|_, _| Reply::Silence).await;
    let client = self::client(&server, 1, Panics::default());
    {
        let mut dropped = pin!(client.head_bucket());
        tokio::select! {
            _ = &mut dropped => panic!("nobody answers"),
            () = server.reached(1) => {}
        }
    }
    assert_eq!(client.permits_in_use(), 0, "no panic where the operation is dropped");
}
