//! The memory of all writers of a driver: what they hold, and what they may share beyond their own
//! chunk.

mod segments;

use std::{
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use bytes::{Bytes, BytesMut};

pub(crate) use self::segments::SEGMENT_BYTES;
use self::segments::Segments;
use crate::Observer;

/// Bytes that may be held by sealed parts of all writers together. Taken with *try*, never awaited,
/// so nobody who holds memory ever waits for more.
///
/// It also counts what its writers hold in all, their own chunks included: from the moment that
/// bytes are pushed until the last request that sends them has let go of them, also when the writer
/// is gone by then. With `n` open writers that is at most `n` chunks more than the limit.
#[derive(Clone)]
pub struct MemoryBudget(Arc<Counter>);

struct Counter {
    limit: u64,
    used: AtomicU64,
    memory: Mutex<Memory>,
    #[cfg(feature = "sim")]
    held_max: AtomicU64,
    observer: Arc<dyn Observer>,
}

#[derive(Default)]
struct Memory {
    held: u64,
    /// The chunks of all open writers.
    own: u64,
    segments: Segments,
}

impl MemoryBudget {
    /// A budget of `limit` bytes.
    pub fn new(limit: u64) -> Self {
        Self::observed(limit, Arc::new(()))
    }

    /// A budget of `limit` bytes whose observer is told what is held whenever that changes, in the
    /// order of the changes.
    pub fn observed(limit: u64, observer: Arc<dyn Observer>) -> Self {
        Self(Arc::new(Counter {
            limit,
            used: AtomicU64::new(0),
            memory: Mutex::default(),
            #[cfg(feature = "sim")]
            held_max: AtomicU64::new(0),
            observer,
        }))
    }

    /// The bytes that are taken now.
    pub fn used(&self) -> u64 {
        self.0.used.load(Ordering::Acquire)
    }

    /// The bytes that may be taken in all.
    pub fn limit(&self) -> u64 {
        self.0.limit
    }

    /// The bytes that all writers hold in memory now.
    pub fn held(&self) -> u64 {
        self.0.lock().held
    }

    /// The most bytes that all writers have held in memory at once.
    #[cfg(feature = "sim")]
    #[doc(hidden)]
    pub fn held_max(&self) -> u64 {
        self.0.held_max.load(Ordering::Acquire)
    }

    /// Takes `bytes` if that many are free.
    pub fn try_take(&self, bytes: u64) -> Option<Reservation> {
        let limit = self.0.limit;
        self.0
            .used
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |used| {
                used.checked_add(bytes).filter(|&total| total <= limit)
            })
            .ok()
            .map(|_| Reservation { budget: self.clone(), bytes })
    }

    /// A writer is open, which owns a chunk of so many bytes.
    pub(crate) fn open(&self, chunk: u64) -> OwnChunk {
        let mut memory = self.0.lock();
        memory.own = memory.own.saturating_add(chunk);
        OwnChunk { budget: self.clone(), bytes: chunk }
    }

    /// Begins to count bytes that are held together.
    pub(crate) fn hold(&self) -> Held {
        Held(Arc::new(Holding { budget: self.clone(), bytes: AtomicU64::new(0) }))
    }
}

impl Counter {
    fn change(&self, change: impl FnOnce(u64) -> u64) {
        let mut memory = self.lock();
        let held = change(memory.held);
        memory.held = held;
        let freed = memory.fit(self.limit);
        #[cfg(feature = "sim")]
        self.held_max.fetch_max(held, Ordering::AcqRel);
        // Told under the lock, so that the last value told is the last one there was.
        self.observer.buffered(held);
        drop(memory);
        drop(freed);
    }

    fn lock(&self) -> MutexGuard<'_, Memory> {
        // An observer that panics does so after the change.
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Memory {
    /// Gives back the segments that are to be freed.
    fn fit(&mut self, limit: u64) -> Vec<BytesMut> {
        self.segments.fit(self.held, limit.saturating_add(self.own))
    }
}

impl fmt::Debug for MemoryBudget {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("MemoryBudget")
            .field("limit", &self.limit())
            .field("used", &self.used())
            .finish_non_exhaustive()
    }
}

/// Bytes taken from a [`MemoryBudget`]; dropping gives them back.
#[derive(Debug)]
pub struct Reservation {
    budget: MemoryBudget,
    bytes: u64,
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.budget.0.used.fetch_sub(self.bytes, Ordering::AcqRel);
    }
}

/// The chunk that an open writer has beside the budget.
#[derive(Debug)]
pub(crate) struct OwnChunk {
    budget: MemoryBudget,
    bytes: u64,
}

impl Drop for OwnChunk {
    fn drop(&mut self) {
        let mut memory = self.budget.0.lock();
        memory.own = memory.own.saturating_sub(self.bytes);
        let freed = memory.fit(self.budget.limit());
        drop(memory);
        drop(freed);
    }
}

/// Bytes that are held together; they count until the last clone is dropped.
#[derive(Clone, Debug)]
pub(crate) struct Held(Arc<Holding>);

#[derive(Debug)]
struct Holding {
    budget: MemoryBudget,
    bytes: AtomicU64,
}

impl Held {
    /// So many bytes more.
    pub(crate) fn add(&self, bytes: u64) {
        self.0.bytes.fetch_add(bytes, Ordering::AcqRel);
        self.0.budget.0.change(|held| held.saturating_add(bytes));
    }

    /// Empty memory for [`SEGMENT_BYTES`] of copies: used before, if there is such.
    pub(crate) fn segment(&self) -> BytesMut {
        let used = self.0.budget.0.lock().segments.take();
        used.unwrap_or_else(|| BytesMut::with_capacity(SEGMENT_BYTES))
    }

    /// Lets go of what these chunks were, and of their memory if it cannot be used again.
    pub(crate) fn release(self, chunks: Vec<Bytes>) {
        let budget = self.0.budget.clone();
        // First, so that they do not count twice.
        drop(self);
        let unused = segments::unused(chunks);
        if !unused.is_empty() {
            let mut memory = budget.0.lock();
            memory.segments.put(unused);
            let freed = memory.fit(budget.limit());
            drop(memory);
            drop(freed);
        }
    }
}

impl Drop for Holding {
    fn drop(&mut self) {
        let bytes = *self.bytes.get_mut();
        if bytes > 0 {
            self.budget.0.change(|held| held.saturating_sub(bytes));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn never_hands_out_more_than_the_limit_and_takes_it_back_on_drop() {
        let budget = MemoryBudget::new(10);
        let six = budget.try_take(6).expect("free");
        assert!(budget.try_take(5).is_none());
        let four = budget.try_take(4).expect("just fits");
        assert_eq!(budget.used(), 10);
        drop(six);
        assert_eq!(budget.used(), 4);
        drop(four);
        assert_eq!((budget.used(), budget.limit()), (0, 10));
        assert!(budget.try_take(u64::MAX).is_none());
    }

    fn full(budget: &MemoryBudget) -> (Held, Bytes) {
        let held = budget.hold();
        let mut segment = held.segment();
        segment.resize(SEGMENT_BYTES, 7);
        held.add(SEGMENT);
        (held, segment.freeze())
    }

    const SEGMENT: u64 = 256 * 1024;

    #[test]
    fn a_segment_that_was_let_go_of_is_used_again_while_others_are_held() {
        let budget = MemoryBudget::new(2 * SEGMENT);
        let (one, two) = (full(&budget), full(&budget));
        let memory = one.1.as_ptr();
        one.0.release(vec![one.1]);
        let again = full(&budget);
        assert_eq!(again.1.as_ptr(), memory);
        again.0.release(vec![again.1]);
        two.0.release(vec![two.1]);
        assert!(budget.0.lock().segments.take().is_none(), "nothing is held any more");
    }

    #[test]
    fn idle_segments_stay_within_the_bound_of_the_writers_that_are_left() {
        let budget = MemoryBudget::new(2 * SEGMENT);
        let mut writers: Vec<_> = (0..9).map(|_| budget.open(SEGMENT)).collect();
        let mut parts: Vec<_> = (0..11).map(|_| full(&budget)).collect();
        let last = parts.pop();
        for (held, bytes) in parts {
            held.release(vec![bytes]);
        }
        let idle = || budget.0.lock().segments.count();
        assert_eq!(idle(), 10);
        writers.truncate(3);
        assert_eq!(idle(), 4, "three writers may hold five segments, and one is held");
        drop((writers, last));
        assert_eq!(idle(), 0);
    }

    #[test]
    fn what_is_held_counts_until_its_last_clone_is_gone() {
        #[derive(Default)]
        struct Told(Mutex<Vec<u64>>);
        impl Observer for Told {
            fn buffered(&self, bytes: u64) {
                self.0.lock().unwrap().push(bytes);
            }
        }
        let told = Arc::new(Told::default());
        let budget = MemoryBudget::observed(0, Arc::<Told>::clone(&told) as _);
        let one = budget.hold();
        one.add(3);
        let (two, again) = (budget.hold(), one.clone());
        two.add(4);
        one.add(1);
        assert_eq!(budget.held(), 8);
        drop(one);
        assert_eq!(budget.held(), 8);
        drop(again);
        drop(two);
        #[cfg(feature = "sim")]
        assert_eq!(budget.held_max(), 8);
        assert_eq!((budget.held(), &*told.0.lock().unwrap()), (0, &vec![3, 7, 8, 4, 0]));
    }
}
