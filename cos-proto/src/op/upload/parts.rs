//! The bytes of an upload: one chunk filling, sealed parts on their way, parts acknowledged.
//!
//! Memory: the writer owns one chunk, filling or in flight. Every further sealed part has its bytes
//! from the driver's budget, taken with *try*; a writer that gets none lends its own chunk to the
//! part and accepts no more until that is acknowledged, or the budget has room for it after all.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::filling::{Filling, length};
use crate::{
    ETag, MemoryBudget, PartNumber, Payload, Verification, budget::OwnChunk, crc64::combine,
    op::PartRecord,
};

/// COS's largest part (436/7750).
const PART_BYTES_MAX: u64 = 5 * 1024 * 1024 * 1024;
/// Every so many parts the chunk doubles, so that 10 000 of them hold more than COS's largest
/// object does at the largest chunk, and a large layer at the smallest.
const PARTS_PER_SIZE: u16 = 2000;
/// Bytes given in smaller pieces are copied together; larger ones are shared.
const SHARED_BYTES_MIN: usize = 32 * 1024;

#[derive(Debug)]
pub(super) struct Parts {
    chunk_size: u64,
    budget: MemoryBudget,
    /// Counts as open for as long as this is here.
    _own: OwnChunk,
    filling: Filling,
    /// The number that the filling part gets; none after the last.
    next: Option<PartNumber>,
    sealed: BTreeMap<PartNumber, Sealed>,
    acknowledged: BTreeMap<PartNumber, PartRecord>,
    size: u64,
    unverified: u16,
    #[cfg(feature = "sim")]
    simulated: crate::sim::Simulated,
}

#[derive(Debug)]
struct Sealed {
    payload: Payload,
    crc64: u64,
    started: bool,
    memory: Memory,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Memory {
    OwnChunk,
    Budget,
}

impl Parts {
    pub(super) fn new(chunk_size: u64, budget: MemoryBudget) -> Self {
        Self {
            chunk_size,
            filling: Filling::new(&budget),
            _own: budget.open(chunk_size),
            budget,
            next: Some(PartNumber::FIRST),
            sealed: BTreeMap::new(),
            acknowledged: BTreeMap::new(),
            size: 0,
            unverified: 0,
            #[cfg(feature = "sim")]
            simulated: crate::sim::Simulated::default(),
        }
    }

    #[cfg(feature = "sim")]
    pub(super) fn simulate(&mut self, simulated: crate::sim::Simulated, chunk_size: u64) {
        self.simulated = simulated;
        self.chunk_size = chunk_size.max(simulated.part_bytes_min);
    }

    /// Goes on after the parts and the tail of an earlier writer.
    pub(super) fn resume(&mut self, parts: &[PartRecord], tail: Bytes) {
        let mut number = Some(PartNumber::FIRST);
        for part in parts {
            if let Some(at) = number {
                self.acknowledged.insert(at, part.clone());
                self.size = self.size.saturating_add(part.size);
                number = at.next();
            }
        }
        let again = planted!(self.simulated, PartsRenumbered);
        self.next = if again { Some(PartNumber::FIRST) } else { number };
        self.size = self.size.saturating_add(length(&tail));
        self.filling.share(tail);
    }

    /// Bytes that are there: acknowledged, on their way, and filling.
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// How many bytes fit before something must be acknowledged.
    pub(super) fn capacity(&self) -> u64 {
        if self.sealed.values().any(|part| part.memory == Memory::OwnChunk) {
            return 0;
        }
        self.chunk_limit().saturating_sub(self.filling.length())
    }

    /// Whether all part numbers are used up.
    pub(super) fn is_exhausted(&self) -> bool {
        self.next.is_none()
    }

    /// Takes what fits and gives the rest back.
    pub(super) fn push(&mut self, mut bytes: Bytes) -> Bytes {
        while !bytes.is_empty() && self.capacity() > 0 {
            let fits = usize::try_from(self.capacity()).unwrap_or(usize::MAX).min(bytes.len());
            let taken = bytes.split_to(fits);
            self.size = self.size.saturating_add(length(&taken));
            if taken.len() >= SHARED_BYTES_MIN {
                self.filling.share(taken);
            } else {
                self.filling.copy(&taken, self.chunk_limit());
            }
            self.seal_if_full();
        }
        bytes
    }

    /// Copies what fits and says how much that was.
    pub(super) fn push_slice(&mut self, bytes: &[u8]) -> usize {
        let mut rest = bytes;
        while !rest.is_empty() && self.capacity() > 0 {
            let fits = usize::try_from(self.capacity()).unwrap_or(usize::MAX).min(rest.len());
            let (taken, left) = rest.split_at(fits);
            self.size = self.size.saturating_add(length(taken));
            self.filling.copy(taken, self.chunk_limit());
            rest = left;
            self.seal_if_full();
        }
        bytes.len().saturating_sub(rest.len())
    }

    /// The bytes after the last sealed part.
    pub(super) fn tail(&self) -> u64 {
        self.filling.length()
    }

    /// Makes the tail a part, if there is one.
    pub(super) fn seal_tail(&mut self) {
        if self.filling.length() > 0 {
            self.seal();
        }
    }

    /// The tail as the body of a single PUT, and its CRC; it stays where it is.
    pub(super) fn whole(&self) -> (Payload, u64) {
        self.filling.body()
    }

    /// Whether there is any part, sealed or acknowledged.
    pub(super) fn any(&self) -> bool {
        !self.sealed.is_empty() || !self.acknowledged.is_empty()
    }

    /// Whether a sealed part waits to be sent.
    pub(super) fn has_unsent(&self) -> bool {
        self.sealed.values().any(|part| !part.started)
    }

    /// Whether a part is being sent.
    pub(super) fn has_started(&self) -> bool {
        self.sealed.values().any(|part| part.started)
    }

    /// Marks the next unsent part as started.
    pub(super) fn start(&mut self) -> Option<PartNumber> {
        let (number, part) = self.sealed.iter_mut().find(|(_, part)| !part.started)?;
        part.started = true;
        Some(*number)
    }

    pub(super) fn payload(&self, number: PartNumber) -> Payload {
        self.sealed.get(&number).map(|part| part.payload.clone()).unwrap_or_default()
    }

    pub(super) fn crc64(&self, number: PartNumber) -> u64 {
        self.sealed.get(&number).map_or(0, |part| part.crc64)
    }

    /// COS has the part; its memory is given back.
    pub(super) fn acknowledge(
        &mut self,
        number: PartNumber,
        etag: ETag,
        verification: Verification,
    ) {
        if let Some(part) = self.sealed.remove(&number) {
            if verification == Verification::Unverified {
                self.unverified = self.unverified.saturating_add(1);
            }
            let record = PartRecord::new(part.payload.len(), etag, part.crc64);
            self.acknowledged.insert(number, record);
        }
        self.take_chunk_back();
    }

    /// Forgets what is on its way: it will not be needed.
    pub(super) fn discard(&mut self, number: PartNumber) {
        self.sealed.remove(&number);
    }

    /// Forgets what was not sent yet.
    pub(super) fn discard_unsent(&mut self) {
        self.sealed.retain(|_, part| part.started);
        self.filling = Filling::new(&self.budget);
    }

    /// Lets go of all bytes: nothing will be sent any more.
    pub(super) fn discard_all(&mut self) {
        self.sealed.clear();
        self.filling = Filling::new(&self.budget);
    }

    /// What can be gone on from: the acknowledged parts up to the first that is not, for parts are
    /// answered in any order; and the tail, if it follows them and is too short for a part.
    pub(super) fn checkpoint(&self) -> (Vec<PartRecord>, Bytes) {
        let (mut parts, mut next) = (Vec::new(), Some(PartNumber::FIRST));
        for (&number, part) in &self.acknowledged {
            if next != Some(number) {
                break;
            }
            parts.push(part.clone());
            next = number.next();
        }
        let short = self.filling.length() < part_bytes_min!(self.simulated);
        let follows = next == self.next && short && !planted!(self.simulated, CloseDropsTail);
        (parts, if follows { self.filling.to_bytes() } else { Bytes::new() })
    }

    /// What Complete must name.
    pub(super) fn manifest(&self) -> Vec<(PartNumber, ETag)> {
        self.acknowledged.iter().map(|(&number, part)| (number, part.etag.clone())).collect()
    }

    /// The CRC-64 of all acknowledged parts together.
    pub(super) fn combined_crc64(&self) -> u64 {
        self.acknowledged.values().fold(0, |crc, part| combine(crc, part.crc64, part.size))
    }

    /// How many parts COS gave no CRC for.
    pub(super) fn unverified(&self) -> u16 {
        self.unverified
    }

    fn chunk_limit(&self) -> u64 {
        self.next.map_or(0, |number| part_size(self.chunk_size, number))
    }

    fn seal_if_full(&mut self) {
        if self.filling.length() >= self.chunk_limit() {
            self.seal();
        }
    }

    fn seal(&mut self) {
        let Some(number) = self.next else { return };
        let filling = std::mem::replace(&mut self.filling, Filling::new(&self.budget));
        let (payload, crc64) = filling.seal();
        let unpaid = planted!(self.simulated, MemoryBudgetIgnored);
        let memory = if unpaid { Memory::Budget } else { Memory::OwnChunk };
        self.sealed.insert(number, Sealed { payload, crc64, started: false, memory });
        self.next = number.next();
        self.take_chunk_back();
    }

    /// Has the budget pay for the part that the writer lent its own chunk, if it has room: such a
    /// part may stand last in the queue, and the writer would wait for all before it.
    fn take_chunk_back(&mut self) {
        let lent = self.sealed.values_mut().find(|part| part.memory == Memory::OwnChunk);
        if let Some(part) = lent
            && let Some(reservation) = self.budget.try_take(part.payload.len())
        {
            part.payload.reserve(reservation);
            part.memory = Memory::Budget;
        }
    }
}

/// How large part `number` is: the chunk, doubled every 2000 parts.
pub(super) fn part_size(chunk_size: u64, number: PartNumber) -> u64 {
    let doublings = number.get().saturating_sub(1) / PARTS_PER_SIZE;
    chunk_size.saturating_mul(1_u64 << doublings).min(PART_BYTES_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Crc64;

    const CHUNK: u64 = 1024 * 1024;

    fn parts(budget: u64) -> Parts {
        Parts::new(CHUNK, MemoryBudget::new(budget))
    }

    #[test]
    fn part_sizes_double_every_2000_parts() {
        let at = |number| part_size(CHUNK, PartNumber::new(number).expect("number"));
        assert_eq!([at(1), at(2000)], [CHUNK, CHUNK]);
        assert_eq!([at(2001), at(4001), at(6001), at(8001)], [2, 4, 8, 16].map(|n| n * CHUNK));
        assert_eq!(at(10_000), 16 * CHUNK);
        assert_eq!(part_size(u64::MAX, PartNumber::FIRST), PART_BYTES_MAX);
    }

    #[test]
    fn without_budget_a_writer_lends_its_chunk_and_accepts_no_more() {
        let mut parts = parts(0);
        let rest = parts.push(vec![1; 3 * CHUNK as usize / 2].into());
        assert_eq!((rest.len() as u64, parts.capacity()), (CHUNK / 2, 0));
        let number = parts.start().expect("sealed");
        parts.acknowledge(number, ETag::new("e"), Verification::Verified);
        assert_eq!(parts.capacity(), CHUNK);
        assert!(parts.push(rest).is_empty());
        assert_eq!((parts.size(), parts.tail()), (3 * CHUNK / 2, CHUNK / 2));
    }

    #[test]
    fn the_budget_is_taken_per_sealed_part_and_given_back() {
        let mut parts = parts(2 * CHUNK);
        let rest = parts.push(vec![1; 4 * CHUNK as usize].into());
        // Two parts from the budget, one by the own chunk.
        assert_eq!((rest.len() as u64, parts.budget.used()), (CHUNK, 2 * CHUNK));
        let first = parts.start().expect("sealed");
        let held = parts.payload(first);
        parts.acknowledge(first, ETag::new("e"), Verification::Verified);
        assert_eq!(parts.budget.used(), 2 * CHUNK, "the adapter still holds the body");
        assert_eq!(parts.capacity(), 0);
        drop(held);
        assert_eq!(parts.budget.used(), CHUNK);
        let second = parts.start().expect("sealed");
        parts.acknowledge(second, ETag::new("e"), Verification::Verified);
        assert_eq!((parts.budget.used(), parts.capacity()), (CHUNK, CHUNK), "the third's");
    }

    #[test]
    fn a_lent_chunk_comes_back_when_the_budget_has_room() {
        let mut parts = parts(2 * CHUNK);
        let rest = parts.push(vec![1; 4 * CHUNK as usize].into());
        assert_eq!((rest.len() as u64, parts.capacity()), (CHUNK, 0));
        let first = parts.start().expect("sealed");
        parts.acknowledge(first, ETag::new("e"), Verification::Verified);
        assert_eq!((parts.capacity(), parts.budget.used()), (CHUNK, 2 * CHUNK), "the third's");
        assert!(parts.push(rest).is_empty());
        assert_eq!((parts.capacity(), parts.budget.used()), (0, 2 * CHUNK), "lent again");
    }

    #[test]
    fn small_and_large_pieces_keep_their_order_and_their_crc() {
        let data: Vec<u8> = (0..200_000_u32).map(|n| (n % 251) as u8).collect();
        let mut parts = parts(0);
        let mut rest = &data[..];
        for size in [1, 40_000, 7, 33_000, 100_000, 30_000].into_iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let (piece, left) = rest.split_at(size.min(rest.len()));
            if size % 2 == 0 {
                assert!(parts.push(Bytes::copy_from_slice(piece)).is_empty());
            } else {
                assert_eq!(parts.push_slice(piece), piece.len());
            }
            rest = left;
        }
        let (payload, crc64) = parts.whole();
        assert_eq!(payload.to_bytes(), data);
        assert_eq!(crc64, Crc64::of(&data));
        assert_eq!(parts.checkpoint(), (Vec::new(), data.into()));
    }

    #[test]
    fn after_the_last_part_number_nothing_fits() {
        let mut parts = parts(0);
        let record = PartRecord::new(CHUNK, ETag::new("e"), 0);
        parts.resume(&vec![record; 9_999], Bytes::new());
        assert_eq!(parts.capacity(), 16 * CHUNK);
        parts.push(vec![0; 16 * CHUNK as usize].into());
        assert!(parts.is_exhausted());
        assert_eq!(parts.capacity(), 0);
    }
}
