//! A request body that can be sent again: a length and shared chunks, never a stream.

use std::{
    fmt,
    sync::{Arc, OnceLock},
};

use bytes::Bytes;

use crate::budget::{Held, Reservation};

/// A replayable body. Cloning shares the chunks; nothing is copied.
///
/// Opaque on purpose: a later version may hold a file range as well.
#[derive(Clone, Default)]
pub struct Payload(Option<Arc<Inner>>);

struct Inner {
    chunks: Vec<Bytes>,
    length: u64,
    /// What the bytes count as until the last clone is dropped: held by the driver's writers,
    held: Option<Held>,
    /// and taken from the driver's budget.
    reserved: OnceLock<Reservation>,
}

impl Drop for Inner {
    fn drop(&mut self) {
        if let Some(held) = self.held.take() {
            held.release(std::mem::take(&mut self.chunks));
        }
    }
}

impl Payload {
    /// The empty body.
    pub const EMPTY: Self = Self(None);

    /// The chunks in order as one body.
    pub fn from_chunks(chunks: impl IntoIterator<Item = Bytes>) -> Self {
        Self::build(chunks.into_iter().collect(), None)
    }

    /// The same, and its bytes count as held until the last clone is dropped.
    pub(crate) fn held(chunks: Vec<Bytes>, held: Held) -> Self {
        Self::build(chunks, Some(held))
    }

    /// Its bytes were taken from a budget, and are given back when the last clone is dropped.
    pub(crate) fn reserve(&self, reservation: Reservation) {
        if let Some(inner) = &self.0 {
            // It is asked for once; a second one would be given back at once.
            let _ = inner.reserved.set(reservation);
        }
    }

    fn build(mut chunks: Vec<Bytes>, held: Option<Held>) -> Self {
        chunks.retain(|chunk| !chunk.is_empty());
        if chunks.is_empty() {
            return Self::EMPTY;
        }
        let length =
            chunks.iter().map(|chunk| u64::try_from(chunk.len()).unwrap_or(u64::MAX)).sum();
        Self(Some(Arc::new(Inner { chunks, length, held, reserved: OnceLock::new() })))
    }

    /// The length in bytes.
    pub fn len(&self) -> u64 {
        self.0.as_ref().map_or(0, |inner| inner.length)
    }

    /// Whether the body has no bytes.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The chunks, none of them empty.
    pub fn chunks(&self) -> &[Bytes] {
        self.0.as_ref().map_or(&[], |inner| &inner.chunks)
    }

    /// All bytes in one piece: shared when there is one chunk, copied when there are more.
    pub fn to_bytes(&self) -> Bytes {
        match self.chunks() {
            [] => Bytes::new(),
            [one] => one.clone(),
            many => many.concat().into(),
        }
    }
}

impl From<Bytes> for Payload {
    fn from(chunk: Bytes) -> Self {
        Self::from_chunks([chunk])
    }
}

impl From<Vec<u8>> for Payload {
    fn from(bytes: Vec<u8>) -> Self {
        Bytes::from(bytes).into()
    }
}

impl From<String> for Payload {
    fn from(text: String) -> Self {
        Bytes::from(text).into()
    }
}

impl From<&'static [u8]> for Payload {
    fn from(bytes: &'static [u8]) -> Self {
        Bytes::from_static(bytes).into()
    }
}

impl FromIterator<Bytes> for Payload {
    fn from_iter<I: IntoIterator<Item = Bytes>>(chunks: I) -> Self {
        Self::from_chunks(chunks)
    }
}

impl fmt::Debug for Payload {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Payload({} bytes in {} chunks)", self.len(), self.chunks().len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_chunks_and_drops_empty_ones() {
        let payload = Payload::from_chunks([
            Bytes::from_static(b"ab"),
            Bytes::new(),
            Bytes::from_static(b"cde"),
        ]);
        assert_eq!((payload.len(), payload.chunks().len()), (5, 2));
        assert_eq!(payload.to_bytes(), "abcde");
        assert!(Payload::from(Vec::new()).is_empty());
        assert_eq!(Payload::EMPTY.to_bytes(), "");
    }

    #[test]
    fn one_chunk_is_shared_not_copied() {
        let chunk = Bytes::from(vec![7; 64]);
        let payload = Payload::from(chunk.clone());
        assert_eq!(payload.clone().to_bytes().as_ptr(), chunk.as_ptr());
    }
}
