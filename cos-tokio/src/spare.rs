//! Memory of ranges that have been read, for those that are still to come.
//!
//! Another thread than the one that allocated them frees them; what it frees, the arena of an
//! allocator would keep for a thread that may never ask again.

use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::{Bytes, BytesMut};

/// Of one reader: with what it has in use these are no more than it ever had in use at once.
#[derive(Debug, Default)]
pub(crate) struct Spare(Mutex<Vec<BytesMut>>);

impl Spare {
    /// Keeps the memory of a body that nobody else has a part of, if it has room for so many bytes.
    pub(crate) fn keep(&self, body: Bytes, bytes_min: u64) {
        if let Ok(mut memory) = body.try_into_mut()
            && memory.capacity() as u64 >= bytes_min
        {
            memory.clear();
            self.lock().push(memory);
        }
    }

    /// Empty memory with room for so many bytes, if there is such.
    pub(crate) fn take(&self, bytes: usize) -> Option<BytesMut> {
        let mut kept = self.lock();
        let at = kept.iter().position(|memory| memory.capacity() >= bytes)?;
        Some(kept.swap_remove(at))
    }

    fn lock(&self) -> MutexGuard<'_, Vec<BytesMut>> {
        // A list of memory is whole whatever has panicked.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_used_again_once_nobody_has_a_part_of_it() {
        let spare = Spare::default();
        let body = Bytes::from(vec![7; 64]);
        let part = body.slice(1..2);
        spare.keep(body, 64);
        assert!(spare.take(1).is_none(), "the caller still has a part of it");
        spare.keep(part, 64);
        assert!(spare.take(1).is_none(), "a part is not the whole");
        let body = Bytes::from(vec![7; 64]);
        let at = body.as_ptr();
        spare.keep(body, 64);
        assert!(spare.take(65).is_none());
        let memory = spare.take(64).expect("kept");
        assert_eq!((memory.as_ptr(), memory.len()), (at, 0));
        assert!(spare.take(1).is_none());
    }

    #[test]
    fn memory_that_is_too_small_for_a_range_is_not_kept() {
        let spare = Spare::default();
        spare.keep(Bytes::from(vec![7; 63]), 64);
        spare.keep(Bytes::from_static(&[7; 64]), 64);
        assert!(spare.take(1).is_none());
    }
}
