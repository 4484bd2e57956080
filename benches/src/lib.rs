//! What the benches and the binary `compare` measure: each module gives rows of the table.
//!
//! ```sh
//! cargo run --release --manifest-path benches/Cargo.toml --features peers --bin compare
//! ```

#![forbid(unsafe_code)]

pub mod build;
pub mod content;
pub mod core;
pub mod line;
pub mod process;
pub mod row;
pub mod server;
pub mod table;
pub mod transfer;

// The signer is private to cos-proto; to be measured alone it is compiled here a second time, from
// the same files, which look for these two names in the root of their crate.
use cos_proto::{Credentials, UnixTime};

#[allow(dead_code, reason = "only a part of it is measured")]
#[path = "../../cos-proto/src/encode.rs"]
#[rustfmt::skip]
mod encode;
#[allow(dead_code, reason = "only a part of it is measured")]
#[path = "../../cos-proto/src/sign.rs"]
#[rustfmt::skip]
mod sign;
