//! The bytes of the part that is filling: shared where they are large, copied together where small.

use bytes::{Bytes, BytesMut};

use crate::{
    Crc64, MemoryBudget, Payload,
    budget::{Held, SEGMENT_BYTES},
};

/// Bytes that will be the next part.
#[derive(Debug)]
pub(super) struct Filling {
    chunks: Vec<Bytes>,
    /// Small pieces are collected here before they become a chunk.
    copied: BytesMut,
    length: u64,
    crc64: Crc64,
    held: Held,
}

impl Filling {
    pub(super) fn new(budget: &MemoryBudget) -> Self {
        Self {
            chunks: Vec::new(),
            copied: BytesMut::new(),
            length: 0,
            crc64: Crc64::default(),
            held: budget.hold(),
        }
    }

    /// How many bytes there are.
    pub(super) fn length(&self) -> u64 {
        self.length
    }

    /// Appends bytes without copying them.
    pub(super) fn share(&mut self, bytes: Bytes) {
        if bytes.is_empty() {
            return;
        }
        self.flush();
        self.count(&bytes);
        self.chunks.push(bytes);
    }

    /// Appends a copy of bytes to a part of at most `limit` bytes, so that no more is allocated than
    /// it will hold.
    pub(super) fn copy(&mut self, mut bytes: &[u8], limit: u64) {
        let unfilled = limit.saturating_sub(self.length);
        let mut unfilled = usize::try_from(unfilled).unwrap_or(usize::MAX);
        self.count(bytes);
        while !bytes.is_empty() {
            let room = self.copied.capacity().saturating_sub(self.copied.len());
            if room == 0 {
                self.flush();
                self.copied = if unfilled < SEGMENT_BYTES {
                    BytesMut::with_capacity(unfilled.max(1))
                } else {
                    self.held.segment()
                };
                continue;
            }
            let (taken, left) = bytes.split_at(room.min(bytes.len()));
            self.copied.extend_from_slice(taken);
            unfilled = unfilled.saturating_sub(taken.len());
            bytes = left;
        }
    }

    /// All of it as a body, and its CRC-64.
    pub(super) fn seal(mut self) -> (Payload, u64) {
        self.flush();
        (Payload::held(self.chunks, self.held), self.crc64.value())
    }

    /// The same, and it stays where it is.
    pub(super) fn body(&self) -> (Payload, u64) {
        (Payload::held(self.all_chunks(), self.held.clone()), self.crc64.value())
    }

    pub(super) fn to_bytes(&self) -> Bytes {
        self.all_chunks().concat().into()
    }

    /// Notes bytes that come next.
    fn count(&mut self, bytes: &[u8]) {
        let length = length(bytes);
        self.crc64.update(bytes);
        self.length = self.length.saturating_add(length);
        self.held.add(length);
    }

    fn flush(&mut self) {
        if !self.copied.is_empty() {
            self.chunks.push(self.copied.split().freeze());
        }
    }

    fn all_chunks(&self) -> Vec<Bytes> {
        let mut chunks = self.chunks.clone();
        if !self.copied.is_empty() {
            chunks.push(Bytes::copy_from_slice(&self.copied));
        }
        chunks
    }
}

pub(super) fn length(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}
