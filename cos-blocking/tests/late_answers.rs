//! Answers that COS works on for longer than a call's deadline, and keeps alive byte by byte.

#![allow(clippy::unwrap_used, reason = "a test that panics is a test that fails")]

mod support;

use std::time::Duration;

use cos_blocking::{ClientBuilder, Driver, Proxy};
use cos_proto::{
    CallKind, ErrorKind, FailureKind,
    config::Config,
    emulator::{Effect, Fault, Settings},
};
use cos_tokio::emulator::{Listen, Server};
use support::Recorder;

/// With a deadline of a second; `threshold` says from which size on a copy goes in parts.
fn driver(server: &Server, threshold: u32, recorder: &Recorder) -> Driver {
    let settings = Settings::default();
    let config = Config::from_parameters([
        ("secretid", settings.credentials[0].secret_id()),
        ("secretkey", settings.credentials[0].secret_key().expose()),
        ("bucket", &settings.buckets[0]),
        ("region", &settings.region),
        ("multipartcopythresholdsize", &threshold.to_string()),
        ("calldeadline", "1s"),
        ("endpoint", &server.endpoint()),
    ])
    .unwrap();
    let builder =
        ClientBuilder::from_config(&config).proxy(Proxy::Direct).observer(recorder.clone());
    Driver::from_builder(&config, builder).unwrap()
}

/// More than a second for any answer with a body worth the name.
fn slowly() -> Effect {
    Effect::Trickle { bytes: 5, pause: Duration::from_millis(60) }
}

#[test]
fn each_byte_gives_a_completion_and_a_copy_another_deadline() {
    for (call, threshold) in [
        (CallKind::CompleteMultipartUpload, 0),
        (CallKind::UploadPartCopy, 0),
        (CallKind::PutObjectCopy, 1 << 30),
    ] {
        let server = Server::start_blocking(Settings::default(), Listen::default()).unwrap();
        let recorder = Recorder::default();
        let driver = driver(&server, threshold, &recorder);
        driver.put_content("/from", "content").unwrap();
        let fault = server.with(|emulator| emulator.inject(Fault::on(call, slowly())));
        driver.rename("/from", "/to").unwrap();
        assert_eq!(server.with(|emulator| emulator.fired(fault)), 1);
        let attempts = recorder.recorded().attempts;
        let of_call: Vec<_> = attempts.iter().filter(|a| a.call == call).collect();
        assert_eq!((of_call.len(), of_call[0].failure), (1, None), "{call:?}");
        assert!(of_call[0].duration > Duration::from_secs(1), "it ended before its deadline");
        assert_eq!(driver.get_content("/to").unwrap(), "content");
    }
}

#[test]
fn an_answer_of_another_call_ends_by_the_deadline() {
    let server = Server::start_blocking(Settings::default(), Listen::default()).unwrap();
    let recorder = Recorder::default();
    let driver = driver(&server, 0, &recorder);
    driver.put_content("/d/file", "content").unwrap();
    server.with(|emulator| emulator.inject(Fault::on(CallKind::GetBucket, slowly()).times(9)));
    let error = driver.list("/d").unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::Transport, "{error}");
    let last = recorder.recorded().attempts.pop().unwrap();
    assert_eq!((last.call, last.failure), (CallKind::GetBucket, Some(FailureKind::Timeout)));
}
