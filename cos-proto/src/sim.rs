//! Whole histories under faults, in virtual time, all from one seed.
//!
//! A [world](run) is a few client processes that play random programs of driver operations on one
//! bucket: they write, close, crash, go on elsewhere, read, move, delete, walk and sweep, at the same
//! time and at the same paths. Between them and the [emulator](crate::emulator) is a network that
//! loses, delays, doubles, cuts and damages what passes it. A reference model is told of every call
//! and of what came of it; it knows which outcomes the design allows and nothing of how the driver
//! works. At the end the faults stop, and what is left is audited.
//!
//! | file | holds |
//! |---|---|
//! | `world.rs`, `audit.rs` | a world from its beginning to its end; what must be true of what is left |
//! | `program.rs`, `paths.rs` | what clients do, and where |
//! | `client.rs`, `drive.rs`, `process.rs`, `executor.rs` | an adapter in virtual time |
//! | `network.rs` | the faulty network, a machine without I/O like the rest |
//! | `model.rs` | the reference model |
//! | `planted.rs` | bugs to be planted in the core, to see that the simulation finds them |
//! | `dice.rs` | every choice, from a seed or from a fuzzer's bytes |
//!
//! Outside semver, as is all behind the feature `sim`.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    clippy::wildcard_enum_match_arm,
    reason = "a test tool: a panic here fails a simulation, not a user"
)]

mod audit;
mod client;
mod dice;
mod drive;
mod executor;
mod model;
pub mod network;
mod open_once;
mod paths;
mod planted;
mod process;
mod program;
mod reader;
mod report;
mod service;
mod simulated;
mod world;

pub use self::{
    dice::Dice,
    open_once::{OpenOnce, OpenedOnce},
    planted::Planted,
    report::{Counts, Report},
    simulated::Simulated,
    world::{Options, run},
};

/// The command that runs the world of a seed again and tells its story.
pub fn replay(seed: u64, planted: Planted) -> String {
    let planted = match planted {
        Planted::Nothing => String::new(),
        planted => format!(" --planted {planted:?}"),
    };
    format!(
        "cargo run --release -p cos-proto --features sim --example sim -- --from {seed} --trace{planted}"
    )
}
