//! What a simulation changes in the driver itself.

use super::Planted;
use crate::op::record::PART_BYTES_MIN;

/// What a simulation changes in the operations that it runs. A [`Machine`](crate::Machine) hands it
/// from its policy to its operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "outside semver")]
pub struct Simulated {
    /// The bug to find.
    pub planted: Planted,
    /// The service's least size of a part that is not the last. COS's is 1 MiB; a world that is to
    /// cost no more than milliseconds has parts of a few hundred bytes.
    pub part_bytes_min: u64,
}

impl Default for Simulated {
    /// The driver as it is.
    fn default() -> Self {
        Self { planted: Planted::Nothing, part_bytes_min: PART_BYTES_MIN }
    }
}
