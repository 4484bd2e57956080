//! The storage-driver suite on every target, side by side: in process, cos-tokio over TCP and over
//! TLS, cos-blocking over TCP, and both on a real bucket if `COS_SECRET_ID`, `COS_SECRET_KEY`,
//! `COS_BUCKET` and `COS_REGION` name one. `COS_TEST_LARGE=1` runs the full sizes.

#![allow(
    clippy::expect_used,
    clippy::print_stdout,
    clippy::indexing_slicing,
    unreachable_pub,
    reason = "a test that panics is a test that fails; the table is for people"
)]

mod blocking;
mod subject;
mod world;

use std::{collections::BTreeSet, io::Write as _, thread};

use blocking::Blocking;
use cos_proto::{
    conformance::{
        InProcess, Report, Request, Results, Subject, parity_requests, parity_script, run,
    },
    emulator::{Emulator, Settings},
};
use subject::Tokio;
use world::{World, options};

/// A target's name, and a driver on it.
type Target = (&'static str, fn() -> Box<dyn Subject>);

const LOCAL: [Target; 4] = [
    ("in process", || Box::new(InProcess::new(Settings::default()).expect("valid settings"))),
    ("tokio TCP", || Box::new(Tokio::new(World::tcp()))),
    ("tokio TLS", || Box::new(Tokio::new(World::tls()))),
    ("blocking TCP", || Box::new(Blocking::new(World::tcp()))),
];
const REAL: [Target; 2] = [
    ("tokio real", || Box::new(Tokio::new(World::real().expect("variables")))),
    ("blocking real", || Box::new(Blocking::new(World::real().expect("variables")))),
];

#[test]
fn every_target_passes_the_suite() {
    let mut targets = LOCAL.to_vec();
    if World::real().is_some() {
        targets.extend(REAL);
    } else {
        println!("no real bucket: COS_SECRET_ID and the others are not set");
    }
    // For one case: COS_TEST_CASE=Walk
    let filter = std::env::var("COS_TEST_CASE").unwrap_or_default();
    let suite = |(name, subject): Target| (name.to_owned(), run(options(), &filter, subject));
    // The full sizes are gigabytes in the emulator's memory, so one target at a time.
    let columns: Vec<(String, Results)> = if options().large {
        targets.into_iter().map(suite).collect()
    } else {
        at_once(targets, &suite)
    };
    let mut report = Report::new();
    for (name, results) in columns {
        report.add(name, results);
    }
    // Not by `println!`, which a passing test does not show.
    writeln!(std::io::stdout(), "{report}").expect("stdout");
    let failures = report.failures();
    let empty = |failure: &String| !filter.is_empty() && failure.ends_with(": not run");
    assert!(failures.iter().all(empty), "{failures:#?}");
}

fn at_once(
    targets: Vec<Target>,
    suite: &(impl Fn(Target) -> (String, Results) + Sync),
) -> Vec<(String, Results)> {
    thread::scope(|scope| {
        let running: Vec<_> = targets
            .into_iter()
            .map(|target| (target.0, scope.spawn(move || suite(target))))
            .collect();
        // A target that panics outside its cases leaves an empty column, and that fails.
        let joined = running.into_iter();
        let joined =
            joined.map(|(name, ended)| ended.join().unwrap_or((name.into(), Results::new())));
        joined.collect()
    })
}

#[test]
fn every_target_makes_the_same_requests() {
    let in_process = InProcess::new(Settings::default()).expect("valid settings");
    let expected = requests(&in_process);
    assert!(expected.len() > 40, "the script makes {} requests", expected.len());
    for (name, got) in [
        ("tokio", requests(&Tokio::new(World::tcp()))),
        ("blocking", requests(&Blocking::new(World::tcp()))),
    ] {
        let only = |one: &BTreeSet<Request>, other: &BTreeSet<Request>| {
            one.difference(other).cloned().collect::<Vec<_>>()
        };
        assert_eq!(only(&got, &expected), [], "only {name} makes these");
        assert_eq!(only(&expected, &got), [], "{name} does not make these");
    }
}

fn requests(subject: &dyn Subject) -> BTreeSet<Request> {
    parity_script(subject).expect("the script runs");
    let mut requests = BTreeSet::new();
    subject.with_emulator(&mut |emulator: &mut Emulator| requests = parity_requests(emulator));
    requests
}
