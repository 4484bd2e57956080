//! The core without a network: signing, requests, lists, checksums, stepping.

pub mod checksums;
pub mod lists;
pub mod measure;
#[cfg(feature = "peers")]
mod peers;
pub mod presigning;
pub mod requests;
mod sample;
pub mod signing;
pub mod stepping;

use crate::row::Rows;

/// Our name in a race.
const OURS: &str = "ours";

/// All rows of it.
pub fn rows(quick: bool) -> Rows {
    let effort = measure::Effort::new(quick);
    measure::check_counting()?;
    let parts = [
        signing::rows,
        presigning::rows,
        requests::rows,
        lists::rows,
        checksums::rows,
        stepping::rows,
    ];
    let mut rows = Vec::new();
    for part in parts {
        rows.extend(part(effort)?);
    }
    Ok(rows)
}
