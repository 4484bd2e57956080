//! CRC-64 on the data path, and the CRC of joined parts.

use std::{error::Error, hint::black_box};

use cos_proto::{Crc64, combine};

use super::{
    OURS,
    measure::{Effort, Race, ensure},
};
use crate::row::{Bound, Row, Rows};

/// Does not fit into the caches that are near.
const BYTES: usize = 16 * 1024 * 1024;

pub fn rows(effort: Effort) -> Rows {
    let mut rows = Vec::new();
    // As long as parts are, and as short as frames of a body.
    for piece in [BYTES, 16 * 1024] {
        rows.push(update(effort, piece)?);
    }
    rows.push(join(effort)?);
    Ok(rows)
}

fn update(effort: Effort, piece: usize) -> Result<Row, Box<dyn Error>> {
    let data = content();
    let crc = Crc64::of(&data);
    let mut race = Race::new(effort);
    race.add(OURS, || {
        let mut digest = Crc64::new();
        data.chunks(piece).for_each(|part| digest.update(part));
        ensure(digest.value() == crc, "another CRC")
    });
    race.add("crc64fast", || {
        let mut digest = crc64fast::Digest::new();
        data.chunks(piece).for_each(|part| digest.write(part));
        ensure(digest.sum64() == crc, "another CRC")
    });
    race.add("crc-fast", || {
        let mut digest = crc_fast::Digest::new(crc_fast::CrcAlgorithm::Crc64Xz);
        data.chunks(piece).for_each(|part| digest.update(part));
        ensure(digest.finalize() == crc, "another CRC")
    });
    let portable = crc::Crc::<u64, crc::Table<16>>::new(&crc::CRC_64_XZ);
    race.add("crc", || {
        let mut digest = portable.digest();
        data.chunks(piece).for_each(|part| digest.update(part));
        ensure(digest.finalize() == crc, "another CRC")
    });
    let costs = race.run()?;

    let per_gib = |name| Ok::<_, Box<dyn Error>>(costs.of(name)?.nanoseconds * 64.0 / 1e9);
    let ours = per_gib(OURS)?;
    Ok(Row::new(format!("CRC-64 in pieces of {} KiB", piece / 1024), "CPU-s/GiB", ours)
        .peer("crc-fast", per_gib("crc-fast")?)
        .floor("crc64fast", per_gib("crc64fast")?)
        .target("ours", ours, Bound::AtMost(0.1))
        .note(format!("portable tables (crc): {:.3}", per_gib("crc")?)))
}

fn join(effort: Effort) -> Result<Row, Box<dyn Error>> {
    let data = content();
    let (head, tail) = data.split_at(BYTES / 3);
    let (one, other, both) = (Crc64::of(head), Crc64::of(tail), Crc64::of(&data));
    let length = tail.len() as u64;
    let mut race = Race::new(effort);
    race.add(OURS, || {
        ensure(combine(black_box(one), black_box(other), black_box(length)) == both, "another CRC")
    });
    race.add("crc-fast", || {
        let (one, other, length) = (black_box(one), black_box(other), black_box(length));
        let algorithm = crc_fast::CrcAlgorithm::Crc64Xz;
        let crc = crc_fast::checksum_combine(algorithm, one, other, length);
        ensure(crc == both, "another CRC")
    });
    let costs = race.run()?;
    let (ours, fast) = (costs.of(OURS)?.nanoseconds / 1e3, costs.of("crc-fast")?.nanoseconds / 1e3);
    Ok(Row::new("combine two CRC-64", "µs", ours).peer("crc-fast", fast).target(
        "ours",
        ours,
        Bound::AtMost(2.0),
    ))
}

/// Bytes without a pattern.
fn content() -> Vec<u8> {
    let mut state = 1_u64;
    let mut bytes = Vec::with_capacity(BYTES);
    while bytes.len() < BYTES {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes
}
