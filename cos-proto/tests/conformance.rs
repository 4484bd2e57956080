//! The storage-driver suite in process: every case on the core against the emulator, no sockets.

#![allow(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a test that panics is a test that fails; the table is for people"
)]

use cos_proto::{
    conformance::{InProcess, Options, Report, run},
    emulator::Settings,
};

/// The short mode: the full sizes are run by the adapters, where they go over sockets.
#[test]
fn the_driver_passes_the_suite_in_process() {
    let mut report = Report::new();
    report.add(
        "in process",
        run(Options::new(), "", || {
            Box::new(InProcess::new(Settings::default()).expect("valid settings"))
        }),
    );
    println!("{report}");
    assert_eq!(report.failures(), Vec::<String>::new());
}
