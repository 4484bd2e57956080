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
/// Together with what is held they are no more than has been held at once since nothing was, so that
/// they never add to the peak; and no more than their budget and the open writers may hold.
#[derive(Default)]
pub(super) struct Segments {
    idle: Vec<BytesMut>,
    /// The most that was held at once since nothing was.
    peak: u64,
}

impl Segments {
    /// An empty one.
    pub(super) fn take(&mut self) -> Option<BytesMut> {
        self.idle.pop()
    }

    /// Some more; [`fit`](Self::fit) says which of all are too many.
    pub(super) fn put(&mut self, segments: Vec<BytesMut>) {
        self.idle.extend(segments);
    }

    /// So many bytes are held now, and may be held; gives back what is to be freed.
    pub(super) fn fit(&mut self, held: u64, bound: u64) -> Vec<BytesMut> {
        self.peak = if held == 0 { 0 } else { self.peak.max(held) };
        let most = self.peak.min(bound).saturating_sub(held) / BYTES;
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        if most < self.idle.len() { self.idle.split_off(most) } else { Vec::new() }
    }
}

#[cfg(test)]
impl Segments {
    pub(super) fn count(&self) -> usize {
        self.idle.len()
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
    fn what_is_kept_and_what_is_held_never_exceed_the_peak_nor_the_bound() {
        for (before, bound, held, kept) in
            [(8, 99, 8, 0), (8, 99, 6, 2), (8, 99, 1, 7), (8, 99, 0, 0), (8, 5, 1, 4), (8, 5, 6, 0)]
        {
            let (mut pool, bound) = (Segments::default(), bound * BYTES);
            assert_eq!(pool.fit(before * BYTES, bound).len(), 0);
            pool.put(segments(8));
            let freed = pool.fit(held * BYTES, bound).len();
            assert_eq!((pool.count(), freed), (kept, 8 - kept), "{held} of {before}");
            assert_eq!(pool.fit(before * BYTES, bound).len(), kept, "all is held again");
            assert!(pool.take().is_none());
        }
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
