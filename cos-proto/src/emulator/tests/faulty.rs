//! Faults, and the clock.

use std::time::Duration;

use super::*;
use crate::{CallKind, Crc64};

#[test]
fn errors_are_answered_without_acting() {
    let mut client = Client::new();
    let id = client.emulator.inject(Fault {
        matching: Matching { call: Some(CallKind::PutObject), ..Matching::default() },
        times: 2,
        effect: Effect::Error {
            status: 503,
            code: "SlowDown".into(),
            message: "Please reduce your request rate.".into(),
            retry_after: Some(3),
        },
    });
    assert_eq!(client.get("/k").outcome(), "404 NoSuchKey");
    for _ in 0..2 {
        let got = client.put("/k", b"x");
        assert_eq!(got.outcome(), "503 SlowDown");
        assert_eq!(got.header("retry-after"), "3");
    }
    assert!(client.emulator.keys(BUCKET).is_empty());
    assert_eq!(client.put("/k", b"x").status, 200);
    assert_eq!(client.emulator.fired(id), 2);
    let log = client.emulator.request_log();
    assert_eq!(log.iter().filter(|logged| logged.fault.is_some()).count(), 2);
    assert_eq!((log[1].status, log[1].code.as_deref()), (503, Some("SlowDown")));
}

#[test]
fn faults_meet_the_requests_they_match() {
    let mut client = Client::new();
    let fault = Fault::on(CallKind::PutObject, Effect::internal_error());
    client.emulator.inject(fault.clone().key_contains("x").nth(2).times(1));
    let statuses = ["/a", "/x1", "/x2", "/x3"].map(|target| client.put(target, b"").status);
    assert_eq!(statuses, [200, 200, 500, 200]);
    let id = client.initiate("m");
    client.emulator.inject(
        Fault::on(CallKind::UploadPart, Effect::slow_down()).query_contains("partNumber=2"),
    );
    let statuses = [1, 2, 2]
        .map(|number| client.put(&format!("/m?partNumber={number}&uploadId={id}"), b"").status);
    assert_eq!(statuses, [200, 503, 200]);
    let forever = client.emulator.inject(fault.times(u32::MAX));
    assert_eq!(client.put("/k", b"").status, 500);
    client.emulator.clear_faults();
    assert_eq!(client.put("/k", b"").status, 200);
    assert_eq!(client.emulator.fired(forever), 1);
}

#[test]
fn a_lost_reply_acts_and_a_refused_request_does_not() {
    for (effect, acted) in [(Effect::LostReply, true), (Effect::RefuseBefore, false)] {
        let mut client = Client::new();
        client.emulator.inject(Fault::next(effect));
        let got = client.put("/k", b"x");
        assert_eq!(got.delivery, Delivery::NoReply);
        assert_eq!(client.emulator.keys(BUCKET).len(), usize::from(acted));
        assert_eq!(client.emulator.request_log()[0].status, 0);
    }
    let mut client = Client::new();
    client.emulator.inject(Fault::next(Effect::ActThenError));
    assert_eq!(client.put("/k", b"x").outcome(), "500 InternalError");
    assert_eq!(client.get("/k").text(), "x");
}

#[test]
fn a_200_can_carry_an_error_or_nothing() {
    for (effect, acted, text) in [
        (Effect::ErrorIn200 { code: "InternalError".into() }, false, "<Code>InternalError</Code>"),
        (Effect::ActThenErrorIn200 { code: "SlowDown".into() }, true, "<Code>SlowDown</Code>"),
        (Effect::EmptyResult, true, "<CompleteMultipartUploadResult></"),
    ] {
        let mut client = Client::new();
        let id = client.initiate("k");
        let one = client.part("k", &id, 1, b"x");
        client.emulator.inject(Fault::on(CallKind::CompleteMultipartUpload, effect.clone()));
        let got = client.complete("k", &id, &[(1, &one)]);
        assert_eq!(got.status, 200);
        assert!(got.text().contains(text), "{effect:?}: {}", got.text());
        assert!(matches!(got.delivery, Delivery::Chunked { .. }));
        assert!(!got.text().contains("ETag"));
        assert_eq!(client.emulator.keys(BUCKET).len(), usize::from(acted), "{effect:?}");
        let again = client.complete("k", &id, &[(1, &one)]).outcome();
        assert_eq!(again, if acted { "404 NoSuchUpload" } else { "200" });
    }
}

#[test]
fn bodies_are_cut_delayed_and_corrupted() {
    let mut client = Client::new();
    client.put("/k", b"0123456789");
    for (effect, delivery) in [
        (Effect::CutBody(4), Delivery::CutAfter(4)),
        (Effect::CutBody(99), Delivery::CutAfter(9)),
        (Effect::LeadingSpaces(5), Delivery::Chunked { leading_spaces: 5 }),
        (
            Effect::Trickle { bytes: 0, pause: Duration::from_millis(1) },
            Delivery::Trickle { bytes: 1, pause: Duration::from_millis(1) },
        ),
    ] {
        client.emulator.inject(Fault::on(CallKind::GetObject, effect));
        let got = client.get("/k");
        assert_eq!(got.delivery, delivery);
        assert_eq!(got.text(), "0123456789");
    }
    client.emulator.inject(Fault::on(CallKind::GetObject, Effect::CorruptBody));
    let got = client.get("/k");
    assert_eq!(got.text(), "0123446789");
    assert_eq!(got.header("x-cos-hash-crc64ecma"), Crc64::of(b"0123456789").to_string());
    // Upwards, the service stores and states what it received.
    client.emulator.inject(Fault::on(CallKind::PutObject, Effect::CorruptBody));
    let put = client.put("/k", b"0123456789");
    assert_eq!(put.header("x-cos-hash-crc64ecma"), Crc64::of(b"0123446789").to_string());
    assert_eq!(client.get("/k").text(), "0123446789");
}

#[test]
fn stated_crcs_can_be_wrong_or_missing() {
    let mut client = Client::new();
    let crc = Crc64::of(b"x");
    let header = "x-cos-hash-crc64ecma";
    client.emulator.inject(Fault::on(CallKind::PutObject, Effect::WrongCrc));
    assert_eq!(client.put("/k", b"x").header(header), (crc ^ 1).to_string());
    client.emulator.inject(Fault::on(CallKind::PutObject, Effect::NoCrc));
    assert_eq!(client.put("/k", b"x").header(header), "");
    assert_eq!(client.get("/k").header(header), crc.to_string());
    let from = format!("{HOST}/k");
    let from = [("x-cos-copy-source", from.as_str())];
    client.emulator.inject(Fault::on(CallKind::PutObjectCopy, Effect::WrongCrc));
    let got = client.send("PUT", "/c", &from, b"");
    assert_eq!(got.element("CRC64"), (crc ^ 1).to_string());
    client.emulator.inject(Fault::on(CallKind::PutObjectCopy, Effect::NoCrc));
    let got = client.send("PUT", "/c", &from, b"");
    assert!(!got.text().contains("CRC64") && !got.element("ETag").is_empty());
}

#[test]
fn a_gateway_answers_html_without_an_id() {
    let mut client = Client::new();
    client.emulator.inject(Fault::next(Effect::Gateway502));
    let got = client.put("/k", b"x");
    assert_eq!((got.status, got.header("content-type")), (502, "text/html"));
    assert!(!got.headers.contains_key("x-cos-request-id"));
    assert!(client.emulator.keys(BUCKET).is_empty());
}

#[test]
fn random_faults_follow_rate_and_seed() {
    let run = |fault_rate: f64, seed: u64| {
        let mut client = Client::with(Settings { fault_rate, seed, ..Settings::default() });
        for n in 0..400 {
            client.put(&format!("/{n}"), b"x");
            client.get(&format!("/{n}"));
        }
        let faults: Vec<_> =
            client.emulator.request_log().into_iter().map(|logged| logged.fault).collect();
        let fired = faults.iter().flatten().count();
        assert_eq!(fired as u64, client.emulator.random_faults());
        (fired, faults)
    };
    assert_eq!(run(0.0, 1).0, 0);
    assert_eq!(run(1.0, 1).0, 800);
    let (fired, faults) = run(0.2, 1);
    assert!((80..240).contains(&fired), "{fired}");
    assert_eq!(faults, run(0.2, 1).1);
    assert_ne!(faults, run(0.2, 2).1);
    let has = |wanted: fn(&Effect) -> bool| faults.iter().flatten().any(wanted);
    assert!(has(|effect| *effect == Effect::LostReply));
    assert!(has(|effect| *effect == Effect::Gateway502));
    assert!(has(|effect| *effect == Effect::slow_down()));
    assert!(has(|effect| matches!(effect, Effect::CutBody(_))));
}

#[test]
fn the_clock_is_the_callers_plus_skew_and_advances() {
    let mut client = Client::with(Settings { skew_seconds: 60, ..Settings::default() });
    assert_eq!(client.get("/k").header("date"), "Fri, 20 Nov 2026 00:01:00 GMT");
    client.emulator.advance(Duration::from_secs(120));
    assert_eq!(client.get("/k").header("date"), "Fri, 20 Nov 2026 00:03:00 GMT");
}

#[test]
fn ids_are_reproducible_and_differ() {
    let ids = |seed| {
        let mut client = Client::with(Settings { seed, ..Settings::default() });
        let ids = [client.initiate("k"), client.initiate("k")];
        assert_ne!(ids[0], ids[1]);
        let first = client.get("/k").header("x-cos-request-id").to_owned();
        assert_ne!(first, client.get("/k").header("x-cos-request-id"));
        (ids, first)
    };
    assert_eq!(ids(1), ids(1));
    assert_ne!(ids(1), ids(2));
}

#[test]
fn settings_are_checked() {
    for settings in [
        Settings { buckets: vec![], ..Settings::default() },
        Settings { buckets: vec!["noappid".into()], ..Settings::default() },
        Settings { region: String::new(), ..Settings::default() },
        Settings { fault_rate: 1.5, ..Settings::default() },
        Settings { fault_rate: f64::NAN, ..Settings::default() },
        Settings { part_bytes_min: 0, ..Settings::default() },
        Settings { page_entries_max: 0, ..Settings::default() },
        Settings { page_entries_max: 1001, ..Settings::default() },
    ] {
        let error = Emulator::new(settings).unwrap_err();
        assert!(matches!(error.kind(), crate::ErrorKind::InvalidParameter), "{error}");
    }
}

#[test]
fn a_damaged_copy_has_the_crc_of_what_is_stored() {
    let mut client = Client::new();
    client.put("/s", b"abc");
    client.emulator.inject(Fault::on(CallKind::PutObjectCopy, Effect::CorruptCopy));
    let source = format!("{BUCKET}.cos.ap-guangzhou.myqcloud.com/s");
    let crcs: Vec<String> = (0..2)
        .map(|_| {
            let got = client.send("PUT", "/d", &[("x-cos-copy-source", &source)], b"");
            assert_eq!(
                got.element("CRC64"),
                Crc64::of(client.get("/d").text().as_bytes()).to_string()
            );
            got.element("CRC64")
        })
        .collect();
    assert_ne!(crcs[0], crcs[1]);
    assert_eq!(client.get("/d").text(), "abc");
}
