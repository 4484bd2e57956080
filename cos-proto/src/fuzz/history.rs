//! Whole histories in a simulated world, every choice made by the fuzzer as long as its bytes last.

use crate::sim::{self, Dice, Options};

pub(super) fn history(data: &[u8]) {
    let report = sim::run(Dice::of_bytes(data), &Options::new());
    assert!(report.violation.is_none(), "{}", report.violation.unwrap_or_default());
}
