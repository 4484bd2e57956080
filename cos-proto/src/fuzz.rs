//! The bodies of the fuzz targets: what holds for any bytes at all.
//!
//! A target takes the fuzzer's bytes and panics if they show a mistake. `fuzz/` runs them under
//! libFuzzer; `tests/fuzz_corpus.rs` replays on stable what was found so far.
//!
//! Outside semver, as is all behind the feature `fuzz`.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    clippy::expect_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test tool: a panic here is a finding, or a mistake of the target"
)]

mod choice;
mod config;
mod emulator;
mod headers;
mod history;
mod machine;
mod paths;
mod record;
mod replies;
mod signature;
mod stream;
mod xml;

/// What is done with a fuzzer's bytes.
pub type Target = fn(&[u8]);

/// Every target by its name, which is also that of its corpus.
pub const TARGETS: &[(&str, Target)] = &[
    ("config", config::config),
    ("emulator", emulator::emulator),
    ("headers", headers::headers),
    ("history", history::history),
    ("machine", machine::machine),
    ("paths", paths::paths),
    ("record", record::record),
    ("signature", signature::signature),
    ("stream", stream::stream),
    ("xml", xml::xml),
];

/// Runs the target of this name.
///
/// # Panics
/// If there is no such target, or the bytes show a mistake.
pub fn run(target: &str, data: &[u8]) {
    let found = TARGETS.iter().find(|(name, _)| *name == target);
    found.expect("a target of this name").1(data);
}
