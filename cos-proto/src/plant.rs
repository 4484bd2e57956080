//! Where simulations reach into the driver: bugs are planted to see that they are found, and sizes
//! are smaller so that a world costs little.
//!
//! A site reads `if planted!(self.simulated, CommitNotVerified) { … }`. Without the feature `sim`
//! there is neither the field nor its type: the macros do not compile their arguments.

/// Whether this bug is planted here, and the condition (if one is given) holds.
macro_rules! planted {
    ($simulated:expr, $bug:ident $(, $condition:expr)?) => {{
        #[cfg(feature = "sim")]
        let planted = $simulated.planted == crate::sim::Planted::$bug $(&& $condition)?;
        #[cfg(not(feature = "sim"))]
        let planted = false;
        planted
    }};
}

/// The least size of a part that is not the last.
macro_rules! part_bytes_min {
    ($simulated:expr) => {{
        #[cfg(feature = "sim")]
        let bytes = $simulated.part_bytes_min;
        #[cfg(not(feature = "sim"))]
        let bytes = crate::op::record::PART_BYTES_MIN;
        bytes
    }};
}
