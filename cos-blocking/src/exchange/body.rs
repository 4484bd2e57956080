//! Bodies on their way: a payload as ureq reads it, and a streamed reply as its reader reads it.

use std::{
    fmt,
    io::{self, Read},
    sync::Arc,
    time::Instant,
};

use bytes::{Buf, Bytes};
use cos_proto::{Attempt, Failure, Observer, Payload};

use super::classify;
use crate::transport::Pace;

/// A payload as a reader that fills the buffer across the chunks.
pub(super) struct PayloadReader {
    payload: Payload,
    /// The chunk that is being read, and where the next one stands.
    chunk: Bytes,
    next: usize,
}

impl PayloadReader {
    pub(super) fn new(payload: Payload) -> Self {
        Self { payload, chunk: Bytes::new(), next: 0 }
    }
}

impl Read for PayloadReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut filled = 0;
        while filled < buffer.len() {
            if self.chunk.is_empty() {
                let Some(chunk) = self.payload.chunks().get(self.next) else { break };
                self.chunk = chunk.clone();
                self.next += 1;
            }
            let rest = &mut buffer[filled..];
            let length = rest.len().min(self.chunk.len());
            self.chunk.copy_to_slice(&mut rest[..length]);
            filled += length;
        }
        Ok(filled)
    }
}

/// The body of a streamed reply. Its attempt is over when it is, or when it is dropped.
pub(crate) struct Body {
    reader: ureq::BodyReader<'static>,
    pace: Pace,
    attempt: Attempt,
    started: Instant,
    observer: Arc<dyn Observer>,
}

impl Body {
    pub(super) fn new(
        body: ureq::Body,
        pace: Pace,
        attempt: Attempt,
        started: Instant,
        observer: Arc<dyn Observer>,
    ) -> Self {
        Self { reader: body.into_reader(), pace, attempt, started, observer }
    }

    /// Reads into `buffer`, which is not empty; 0 is the end. Nothing may be read after a failure.
    pub(crate) fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Failure> {
        match self.pace.keep(|| self.reader.read(buffer)) {
            Ok(length) => {
                self.attempt.bytes_received += length as u64;
                Ok(length)
            }
            Err(error) => {
                let failure = classify::io_failure(error);
                self.attempt.failure = Some(failure.kind);
                Err(failure)
            }
        }
    }
}

impl Drop for Body {
    fn drop(&mut self) {
        self.attempt.duration = self.started.elapsed();
        self.observer.attempt(&self.attempt);
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Body({:?})", self.attempt)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payload_is_read_across_its_chunks() {
        let payload: Payload = ["ab", "", "c", "defg"]
            .map(|text| Bytes::from_static(text.as_bytes()))
            .into_iter()
            .collect();
        for step in 1..9 {
            let (mut reader, mut all) = (PayloadReader::new(payload.clone()), Vec::new());
            let mut buffer = vec![0; step];
            loop {
                let length = reader.read(&mut buffer).unwrap();
                if length == 0 {
                    break;
                }
                assert!(length == step || all.len() + length == 7, "only the last may be short");
                all.extend_from_slice(&buffer[..length]);
            }
            assert_eq!(all, b"abcdefg");
        }
    }
}
