//! Memory that writers copy small pieces into, used again for as long as they hold bytes.
//!
//! The threads that fill segments and those that let go of them differ; so an allocator with an
//! arena for each thread would keep far more memory than was ever in use at once.

use bytes::{Bytes, BytesMut};

/// How much is allocated at once for copies.
pub(crate) const SEGMENT_BYTES: usize = 256 * 1024;
const BYTES: u64 = 256 * 1024;

/// Segments that are in no use.
///
/// Together with what is held they are no more than has been held at once lately, so that they never
/// add to the peak; and there are none while nothing is held.
#[derive(Default)]
pub(super) struct Segments {
    idle: Vec<BytesMut>,
    held: u64,
    /// The most that was held at once in this period, and in the one before.
    peaks: [u64; 2],
    /// How many bytes came to be held in this period.
    came: u64,
}

/// A period lasts until so many times its peak has come to be held: long enough for a writer to reach
/// again what it reaches at all.
const PERIOD: u64 = 4;

impl Segments {
    /// An empty one.
    pub(super) fn take(&mut self) -> Option<BytesMut> {
        self.idle.pop()
    }

    /// Keeps those that can be used again; gives back what is to be freed.
    pub(super) fn put(&mut self, segments: Vec<BytesMut>) -> Vec<BytesMut> {
        self.idle.extend(segments);
        self.surplus()
    }

    /// So many bytes are held now; gives back what is to be freed.
    pub(super) fn fit(&mut self, held: u64) -> Vec<BytesMut> {
        self.came = self.came.saturating_add(held.saturating_sub(self.held));
        self.held = held;
        let [peak, before] = self.peaks.map(|peak| peak.max(held));
        self.peaks = if held == 0 {
            [0, 0]
        } else if self.came < peak.saturating_mul(PERIOD) {
            [peak, before]
        } else {
            self.came = 0;
            [held, peak]
        };
        self.surplus()
    }

    fn surplus(&mut self) -> Vec<BytesMut> {
        let peak = self.peaks.into_iter().max().unwrap_or_default();
        let most = usize::try_from(peak.saturating_sub(self.held) / BYTES).unwrap_or(usize::MAX);
        if most < self.idle.len() { self.idle.split_off(most) } else { Vec::new() }
    }
}

/// Those chunks as segments that are whole, and that nobody else has a part of.
pub(super) fn unused(chunks: Vec<Bytes>) -> Vec<BytesMut> {
    let segment = |chunk: Bytes| {
        let mut segment = chunk.try_into_mut().ok()?;
        segment.clear();
        (segment.capacity() == SEGMENT_BYTES).then_some(segment)
    };
    chunks.into_iter().filter_map(segment).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segments(count: usize) -> Vec<BytesMut> {
        (0..count).map(|_| BytesMut::with_capacity(SEGMENT_BYTES)).collect()
    }

    #[test]
    fn what_is_kept_and_what_is_held_never_exceed_the_peak() {
        for (before, held, kept) in [(8, 8, 0), (8, 6, 2), (8, 1, 7), (8, 0, 0)] {
            let mut pool = Segments::default();
            assert_eq!(pool.fit(before * BYTES).len(), 0);
            assert_eq!(pool.fit(held * BYTES).len(), 0);
            let freed = pool.put(segments(8)).len();
            assert_eq!((pool.idle.len(), freed), (kept, 8 - kept), "{held} of {before}");
            assert_eq!(pool.fit(before * BYTES).len(), kept, "all is held again");
            assert!(pool.take().is_none());
        }
    }

    #[test]
    fn a_peak_that_is_not_reached_again_is_forgotten() {
        let mut pool = Segments::default();
        pool.fit(8 * BYTES);
        pool.fit(BYTES);
        assert_eq!(pool.put(segments(7)).len(), 0);
        let (mut kept, mut came) = (vec![pool.idle.len()], 0);
        while pool.idle.len() > 1 {
            pool.fit(2 * BYTES);
            pool.fit(BYTES);
            came += 1;
            kept.push(pool.idle.len());
        }
        assert!((8 * PERIOD..=16 * PERIOD).contains(&came), "{came}");
        assert!(kept.is_sorted_by(|one, next| one >= next), "{kept:?}");
    }

    #[test]
    fn only_whole_chunks_that_nobody_shares_are_segments() {
        let full = || {
            let mut segment = segments(1).remove(0);
            segment.resize(SEGMENT_BYTES, 7);
            segment.freeze()
        };
        let (shared, mut cut) = (full(), full());
        let begins_later = cut.split_off(1);
        drop(cut);
        let foreign = vec![Bytes::from_static(&[7; 9]), Bytes::from(vec![7; 9]), begins_later];
        let chunks = foreign.into_iter().chain([shared.clone(), full()]).collect();
        let found = unused(chunks);
        assert_eq!(found.len(), 1);
        assert!(found.iter().all(|one| one.is_empty() && one.capacity() == SEGMENT_BYTES));
        assert_eq!(shared.len(), SEGMENT_BYTES);
    }
}
