//! Ids and random faults, reproducible from a seed.

use std::fmt;

use base64::{Engine as _, prelude::BASE64_STANDARD_NO_PAD};

use crate::split_mix::SplitMix64;

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

#[derive(Clone, Debug)]
pub(super) struct Random(SplitMix64);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self(SplitMix64::new(seed))
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0.next()
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
