//! The core of a storage driver for Tencent Cloud COS, without any I/O.
//!
//! An [`Operation`] says *which* calls it makes, in what order, and what their replies mean; a
//! [`Machine`] delivers them: it signs, retries, waits and bounds. Neither opens a socket, reads a
//! clock, starts a thread or draws a random number. An adapter does that, in a loop of a few lines;
//! `cos-tokio` and `cos-blocking` are two.
//!
//! # The contract
//!
//! *Feed at most one event, then poll until [`Output::Wait`], [`Output::Idle`] or
//! [`Output::Done`].*
//!
//! 1. [`Output::Send`]: start this request and poll again. When its answer is there, hand it in by
//!    [`Machine::handle`] under its id. The answer to a streamed call comes in pieces:
//!    [`Event::Head`], then data by [`Machine::handle_data`], then [`Event::End`].
//! 2. [`Output::NeedCredentials`]: fetch them and call [`Machine::handle_credentials`].
//! 3. [`Output::Wait`]: drained. Wait for an answer, for the application, or until that time.
//! 4. [`Output::Idle`]: only the application can make progress: it pushes bytes, takes a page …
//! 5. [`Output::Done`]: over; drop what is still in flight.
//!
//! Extra polls are harmless, unknown and late ids are ignored, and bytes from the network never
//! panic.
//!
//! ```
//! use cos_proto::{
//!     Bucket, Credentials, Endpoint, Event, Key, Machine, Now, Output, Policy, Region, Session,
//!     Ticks, UnixTime, op,
//! };
//!
//! let (bucket, region) = (Bucket::new("examplebucket-1250000000")?, Region::new("ap-guangzhou")?);
//! let endpoint = Endpoint::of(&bucket, &region, true);
//! let session = Session::new(bucket, region, endpoint)
//!     .with_credentials(Credentials::new("AKIDexample", "example"));
//!
//! let put = op::Put::new(Key::new("hello.txt")?, Default::default(), "hello".to_owned().into(), None);
//! let mut machine = Machine::new(put, session, Policy::default(), 0);
//! let mut unsent = Vec::new();
//! let outcome = loop {
//!     // What a real adapter reads from its clocks.
//!     let now = Now { ticks: Ticks::ZERO, unix: UnixTime::from_secs(1_700_000_000) };
//!     match machine.poll_output(now) {
//!         Output::Send(transmit) => unsent.push(transmit),
//!         Output::Wait(_) => {
//!             // What a real adapter gets from its socket.
//!             let transmit = unsent.pop().expect("a machine waits only for something");
//!             assert_eq!(transmit.request.method(), "PUT");
//!             assert_eq!(transmit.request.uri().path(), "/hello.txt");
//!             assert_eq!(transmit.request.body().len(), 5);
//!             let answer = http::Response::builder()
//!                 .header("etag", "\"5d41402abc4b2a76b9719d911017c592\"")
//!                 .header("x-cos-hash-crc64ecma", cos_proto::Crc64::of(b"hello"))
//!                 .body(bytes::Bytes::new())?;
//!             machine.handle(now, transmit.id, Event::Reply(Box::new(answer)));
//!         }
//!         Output::Done(outcome) => break outcome?,
//!         Output::NeedCredentials | Output::Idle => unreachable!("a put with credentials"),
//!     }
//! };
//! assert_eq!(outcome.etag.as_str(), "5d41402abc4b2a76b9719d911017c592");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What is here
//!
//! * [`op`]: the operations, on keys.
//! * [`driver`]: the storage driver on paths, as container registries use it.
//! * [`config`]: the driver's parameters.
//! * [`api`]: options of the COS calls, and the pages that lists answer.
//! * [`Session`]: what the machines of a driver share.
//!
//! # Features
//!
//! * `tracing`: an [`Observer`] that logs by the `tracing` crate.
//! * `emulator`: the service's end of the protocol as a pure, strict value.
//! * `conformance`: the storage-driver suite as generic functions.
//! * `sim`: whole histories under faults, in virtual time.
//! * `fuzz`: the bodies of the fuzz targets.
//!
//! All but the first are for tests and outside semantic versioning.

#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![warn(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::as_conversions,
    clippy::wildcard_enum_match_arm,
    clippy::disallowed_methods,
    clippy::disallowed_types
)]
#![cfg_attr(
    test,
    allow(
        clippy::arithmetic_side_effects,
        clippy::indexing_slicing,
        clippy::as_conversions,
        clippy::cast_possible_truncation,
        clippy::unchecked_time_subtraction,
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::wildcard_enum_match_arm,
        reason = "a test that panics is a test that fails"
    )
)]

#[macro_use]
mod plant;

pub mod api;
mod budget;
mod call;
pub mod config;
#[cfg(feature = "conformance")]
#[cfg_attr(docsrs, doc(cfg(feature = "conformance")))]
pub mod conformance;
mod crc64;
mod credentials;
pub mod driver;
#[cfg(feature = "emulator")]
pub mod emulator;
mod encode;
mod error;
#[cfg(feature = "fuzz")]
#[cfg_attr(docsrs, doc(cfg(feature = "fuzz")))]
pub mod fuzz;
mod machine;
mod object;
mod observe;
pub mod op;
mod operation;
mod path;
mod payload;
mod recent;
mod session;
mod short_text;
mod sign;
#[cfg(feature = "sim")]
#[cfg_attr(docsrs, doc(cfg(feature = "sim")))]
pub mod sim;
mod split_mix;
mod time;
#[cfg(feature = "emulator")]
mod verify;
mod xml;

#[cfg(feature = "tracing")]
#[cfg_attr(docsrs, doc(cfg(feature = "tracing")))]
pub use crate::observe::TracingObserver;
pub use crate::{
    budget::{MemoryBudget, Reservation},
    call::{Call, CallKind, ERROR_BODY_MAX, Lane, Replay, Reply, ReplyMode, XML_BODY_MAX},
    crc64::{Crc64, Reported, Verification, combine},
    credentials::{Credentials, CvmMetadata, Secret},
    error::{
        CallError, CredentialsFailed, Error, ErrorKind, Failure, FailureKind, KeyFailure, Reason,
        Remote, ServiceError,
    },
    machine::{Event, Machine, Output, Policy, RequestId, TimeLimits, Transmit},
    object::{ETag, ObjectMeta, PartNumber, UploadId},
    observe::{Attempt, Observer},
    operation::{Next, Operation, Rejected},
    path::{DriverPath, KEY_BYTES_MAX, Key, RootDirectory},
    payload::Payload,
    recent::{Recent, RecentMark},
    session::{Bucket, CopySource, Endpoint, Presign, PresignedUrl, Region, Session},
    time::{Now, Ticks, UnixTime},
};
