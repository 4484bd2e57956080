//! Request bodies, hashed while they are received.

use bytes::Bytes;
use md5::{Digest as _, Md5};

use crate::{Crc64, Payload};

/// Collects a request body without copying it, and hashes it on the way.
#[derive(Debug, Default)]
pub struct BodyHasher {
    chunks: Vec<Bytes>,
    md5: Md5,
    crc64: Crc64,
}

/// A request body with its digests.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "plain data; `BodyHasher` fills it")]
pub struct Received {
    /// The bytes.
    pub body: Payload,
    /// Their MD5.
    pub md5: [u8; 16],
    /// Their CRC-64/XZ.
    pub crc64: u64,
}

impl BodyHasher {
    /// Of no bytes yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends a chunk.
    pub fn update(&mut self, chunk: Bytes) {
        self.md5.update(&chunk);
        self.crc64.update(&chunk);
        self.chunks.push(chunk);
    }

    /// The body.
    pub fn finish(self) -> Received {
        Received {
            body: Payload::from_chunks(self.chunks),
            md5: self.md5.finalize().into(),
            crc64: self.crc64.value(),
        }
    }
}

impl Received {
    /// No body.
    pub fn empty() -> Self {
        BodyHasher::new().finish()
    }
}

impl From<Payload> for Received {
    fn from(body: Payload) -> Self {
        let mut hasher = BodyHasher::new();
        for chunk in body.chunks() {
            hasher.update(chunk.clone());
        }
        hasher.finish()
    }
}

impl From<Bytes> for Received {
    fn from(body: Bytes) -> Self {
        Payload::from(body).into()
    }
}
