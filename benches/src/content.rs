//! The content of large objects: bytes that follow from their offset, so that nobody has to store
//! them.

use std::sync::OnceLock;

use bytes::Bytes;
use cos_proto::{Crc64, combine};

/// The content repeats so. A prime, so that no two parts of an object are alike.
const PERIOD: usize = 1_048_573;

/// The bytes from `offset` to the end of the period, `max` of them at most.
pub fn piece(offset: u64, max: u64) -> Bytes {
    let start = usize::try_from(offset % PERIOD as u64).unwrap_or(0);
    let left = usize::try_from(max).unwrap_or(PERIOD).min(PERIOD - start);
    period().slice(start..start + left)
}

/// All `length` bytes from `offset`, copied into one buffer.
pub fn copied(offset: u64, length: usize) -> Vec<u8> {
    let mut copy = Vec::with_capacity(length);
    while copy.len() < length {
        let piece = piece(offset + copy.len() as u64, (length - copy.len()) as u64);
        copy.extend_from_slice(&piece);
    }
    copy
}

/// The CRC-64 of the first `size` bytes.
pub fn crc(size: u64) -> u64 {
    let (whole, rest) = (size / PERIOD as u64, size % PERIOD as u64);
    let rest_crc = Crc64::of(&piece(0, rest));
    combine(periods_crc(whole), rest_crc, rest)
}

/// The CRC-64 of the `length` bytes from `offset`.
pub fn crc_of_range(offset: u64, length: u64) -> u64 {
    crc(offset + length) ^ combine(crc(offset), 0, length)
}

/// The CRC-64 of so many periods, by doubling.
fn periods_crc(count: u64) -> u64 {
    static ONE: OnceLock<u64> = OnceLock::new();
    let one = *ONE.get_or_init(|| Crc64::of(&period()));
    let (mut all, mut power, mut length, mut left) = (0, one, PERIOD as u64, count);
    while left > 0 {
        if left & 1 == 1 {
            all = combine(all, power, length);
        }
        left >>= 1;
        if left > 0 {
            power = combine(power, power, length);
            length *= 2;
        }
    }
    all
}

fn period() -> Bytes {
    static BYTES: OnceLock<&'static [u8]> = OnceLock::new();
    Bytes::from_static(BYTES.get_or_init(|| Vec::leak(noise())))
}

fn noise() -> Vec<u8> {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let step = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    };
    std::iter::repeat_with(step).take(PERIOD).collect()
}
