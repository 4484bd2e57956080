//! The storage-driver suite as generic functions: for our adapters, and for anyone else's.
//!
//! A [`Subject`] is one driver with what the suite needs around it: another driver on the same
//! bucket, time, a plain HTTP client, and the emulator where there is one. [`run`] runs every
//! [`Case`] on it, and a [`Report`] puts several subjects side by side; an empty cell fails.
//!
//! The cases are those of the registry's suites (`registry/storage/driver/testsuites`, the
//! store-independent ones of `s3-aws/s3_test.go`, and of `walk_test.go`), what those leave out, and
//! what goes wrong on a network. After each, nothing may be left: no path, and on the emulator no
//! object, record or upload.
//!
//! # Left out
//! Each with its reason in [`LEFT_OUT`].
//!
//! Outside semver, as is all behind the feature `conformance`.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::needless_pass_by_value,
    clippy::panic,
    reason = "a test suite: a panic is caught and fails one case, not a user"
)]

mod case;
mod cases;
mod content;
mod in_process;
mod parity;
mod report;
mod subject;
mod trial;

pub use self::{
    case::{Case, Outcome, Stop},
    cases::{LEFT_OUT, LeftOut, cases},
    content::Random,
    in_process::InProcess,
    parity::{Request, parity_requests, parity_script},
    report::{Cell, Report, Results, run, run_case},
    subject::{Fetched, Job, Options, Provider, Reader, Subject, Visit, WalkError, Writer},
    trial::Trial,
};
