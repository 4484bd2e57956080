//! Whole histories under faults, in virtual time, all from one seed.
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

mod dice;

pub use self::dice::Dice;
