//! How a large object is cut for copying, and which parts are copied.

use std::{collections::BTreeMap, ops::RangeInclusive};

use crate::{ETag, Error, ErrorKind, PartNumber, Reported, api::copy_object::Copied, combine};

/// COS's largest part, and largest object that is copied by one call.
pub(super) const PART_BYTES_MAX: u64 = 5 * 1024 * 1024 * 1024;

/// The parts of one copy: all of `part_size` but the last.
#[derive(Debug)]
pub(super) struct CopyParts {
    size: u64,
    part_size: u64,
    /// The next part to start; none after the last.
    next: Option<PartNumber>,
    in_flight: usize,
    copied: BTreeMap<PartNumber, (ETag, Reported)>,
}

impl CopyParts {
    /// Cuts an object of `size` bytes, not 0, into at most 10 000 parts of at least `part_size`.
    /// `least` is COS's least size of a part that is not the last (436/8287), and the step of part
    /// sizes where more than `part_size` is needed.
    ///
    /// # Errors
    /// [`ErrorKind::TooLarge`] beyond 10 000 parts of 5 GiB.
    pub(super) fn cut(size: u64, part_size: u64, least: u64) -> Result<Self, Error> {
        let needed = size.div_ceil(PartNumber::MAX.into()).next_multiple_of(least);
        let part_size = part_size.clamp(least, PART_BYTES_MAX).max(needed);
        if part_size > PART_BYTES_MAX {
            let limit = PART_BYTES_MAX.saturating_mul(PartNumber::MAX.into());
            return Err(Error::new(ErrorKind::TooLarge { limit }, "more than parts can hold"));
        }
        let next = Some(PartNumber::FIRST);
        Ok(Self { size, part_size, next, in_flight: 0, copied: BTreeMap::new() })
    }

    /// The next part to copy.
    pub(super) fn start(&mut self) -> Option<PartNumber> {
        let number = self.next?;
        self.next = number.next().filter(|&next| self.offset(next) < self.size);
        self.in_flight = self.in_flight.saturating_add(1);
        Some(number)
    }

    pub(super) fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// Which bytes of the source a part is.
    pub(super) fn range(&self, number: PartNumber) -> RangeInclusive<u64> {
        let first = self.offset(number);
        first..=first.saturating_add(self.length(number)).saturating_sub(1)
    }

    pub(super) fn copied(&mut self, number: PartNumber, copied: Copied) {
        self.in_flight = self.in_flight.saturating_sub(1);
        self.copied.insert(number, (copied.etag, copied.crc64));
    }

    pub(super) fn failed(&mut self) {
        self.in_flight = self.in_flight.saturating_sub(1);
    }

    /// What Complete must name.
    pub(super) fn etags(&self) -> Vec<(PartNumber, ETag)> {
        self.copied.iter().map(|(&number, (etag, _))| (number, etag.clone())).collect()
    }

    /// The CRC of all parts together, if COS gave one for each.
    pub(super) fn crc64(&self) -> Option<u64> {
        self.copied.iter().try_fold(0, |crc, (&number, (_, part))| match part {
            Reported::Value(part) => Some(combine(crc, *part, self.length(number))),
            Reported::Absent | Reported::Invalid(_) => None,
        })
    }

    fn offset(&self, number: PartNumber) -> u64 {
        u64::from(number.get()).saturating_sub(1).saturating_mul(self.part_size)
    }

    fn length(&self, number: PartNumber) -> u64 {
        self.size.saturating_sub(self.offset(number)).min(self.part_size)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::op::record::PART_BYTES_MIN;

    const MIB: u64 = 1024 * 1024;

    #[test]
    fn parts_cover_the_object_without_gap_and_keep_the_limits() {
        for (size, part_size, count) in [
            (1, MIB, 1),
            (MIB, MIB, 1),
            (MIB + 1, MIB, 2),
            (10 * MIB, 0, 10),
            (10 * MIB, 4 * MIB, 3),
            (10_000 * MIB, MIB, 10_000),
            (10_000 * MIB + 1, MIB, 5_001),
            (7 * 1024 * 1024 * MIB, 32 * MIB, 9_987),
            (20 * 1024 * MIB, u64::MAX, 4),
            (50_000 * 1024 * MIB, 32 * MIB, 10_000),
        ] {
            let mut parts = CopyParts::cut(size, part_size, PART_BYTES_MIN).expect("cut");
            let (mut next, mut seen) = (0, 0_u64);
            while let Some(number) = parts.start() {
                let range = parts.range(number);
                let length = range.end() - range.start() + 1;
                assert_eq!(*range.start(), next, "{size} {part_size} {number}");
                assert!(length <= PART_BYTES_MAX, "{length}");
                assert!(length >= PART_BYTES_MIN || range.end() + 1 == size, "{length}");
                next = range.end() + 1;
                seen += 1;
            }
            assert_eq!((next, seen), (size, count), "{size} {part_size}");
        }
    }

    #[test]
    fn an_object_larger_than_all_parts_is_refused() {
        let error =
            CopyParts::cut(50_000 * 1024 * MIB + 1, MIB, PART_BYTES_MIN).expect_err("too large");
        assert!(matches!(error.kind(), ErrorKind::TooLarge { .. }), "{error}");
    }

    #[test]
    fn the_crc_of_all_parts_needs_every_one_and_their_order() {
        let mut parts = CopyParts::cut(2 * MIB, MIB, PART_BYTES_MIN).expect("cut");
        let halves = [vec![1; 1024 * 1024], vec![2; 1024 * 1024]];
        let numbers: Vec<_> = std::iter::from_fn(|| parts.start()).collect();
        let copied =
            |crc64| Copied { etag: ETag::new("e"), crc64, last_modified: None, version_id: None };
        parts.copied(numbers[1], copied(Reported::Value(crate::Crc64::of(&halves[1]))));
        parts.copied(numbers[0], copied(Reported::Value(crate::Crc64::of(&halves[0]))));
        assert_eq!(parts.crc64(), Some(crate::Crc64::of(&halves.concat())));
        parts.copied(numbers[0], copied(Reported::Absent));
        assert_eq!(parts.crc64(), None);
    }
}
