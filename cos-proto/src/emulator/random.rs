//! Ids and random faults, reproducible from a seed.

use std::fmt;

use base64::{Engine as _, prelude::BASE64_STANDARD_NO_PAD};

/// An id that few answers show; so it is only written for those.
#[derive(Clone, Copy, Debug)]
pub(super) struct TraceId([u64; 3]);

impl fmt::Display for TraceId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [first, second, third] = self.0;
        let raw = format!("{first:016x}{second:016x}{third:016x}");
        out.write_str(&BASE64_STANDARD_NO_PAD.encode(raw))
    }
}

/// SplitMix64.
#[derive(Clone, Debug)]
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// Below `bound`, or 0.
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.next().checked_rem(bound).unwrap_or(0)
    }

    /// True for a share of `rate`, 0 to 1, of the calls.
    pub(super) fn happens(&mut self, rate: f64) -> bool {
        // 53 bits are what an f64 holds exactly.
        #[expect(clippy::cast_precision_loss, reason = "53 bits fit")]
        let draw = (self.next() >> 11) as f64 / (1_u64 << 53) as f64;
        draw < rate
    }

    /// 32 hex digits.
    pub(super) fn hex32(&mut self) -> String {
        format!("{:016x}{:016x}", self.next(), self.next())
    }

    /// As `x-cos-request-id` looks: base64 of time, place and count.
    pub(super) fn request_id(&mut self, unix: i64) -> String {
        let raw = self.next();
        BASE64_STANDARD_NO_PAD.encode(format!(
            "{:08x}_{:08x}_{:x}_{:x}",
            unix,
            raw >> 32,
            (raw >> 12) & 0xf_ffff,
            raw & 0xfff
        ))
    }

    /// For `x-cos-trace-id`.
    pub(super) fn trace_id(&mut self) -> TraceId {
        TraceId([self.next(), self.next(), self.next()])
    }

    /// As upload ids look: the time in seconds, then hex.
    pub(super) fn upload_id(&mut self, unix: i64) -> String {
        format!("{unix}{}{}", self.hex32(), self.hex32())
    }
}
