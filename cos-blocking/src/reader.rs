//! A reader: an object's bytes, into the caller's buffer.

use std::{
    fmt,
    io::{self, Read},
    sync::Arc,
};

use cos_proto::{
    ETag, Error, ErrorKind, ObjectMeta, UnixTime, Verification,
    driver::Naming,
    op::{Download, DownloadOutcome},
};

use crate::{
    client::Client,
    task::{Stopped, Task},
};

/// Reads an object, over as many requests as it takes.
///
/// A dropped connection is resumed where it broke, on the same object or not at all. What is wrong
/// with the bytes, a checksum too, is an error in place of the end, and stays. An error of [`Read`]
/// holds the [`Error`]: `error.get_ref()` can be downcast to it.
///
/// The permit of its request was given back when the head arrived, so a slow reader holds up nobody.
/// A connection that brings nothing while somebody reads ends by the client's idle time-out; the
/// time between two reads does not count. Dropping it closes its connection.
pub struct Reader {
    task: Task<Download>,
    naming: Naming,
    end: Option<Result<DownloadOutcome, Error>>,
}

impl Reader {
    /// Begins to read: returns when the head is in.
    pub(crate) fn open(client: &Client, download: Download, naming: Naming) -> Result<Self, Error> {
        let shared = Arc::clone(&client.shared);
        let policy = shared.policy.clone();
        let mut reader = Self { task: Task::new(shared, download, policy), naming, end: None };
        let stopped = reader.task.run_until(|download| download.meta().is_some());
        if let Stopped::Done(result) = stopped {
            reader.end = Some(Ok(result.map_err(|error| reader.naming.error(error))?));
        }
        Ok(reader)
    }

    /// Reads into `buffer` and says how many bytes; 0 is the end, or an empty buffer. It is
    /// [`Read::read`] with the error itself.
    ///
    /// # Errors
    /// [`ErrorKind::Changed`] if the object was replaced meanwhile, [`ErrorKind::Corrupt`] instead of
    /// the end if its checksum is another; otherwise why the rest could not be had.
    pub fn read_bytes(&mut self, buffer: &mut [u8]) -> Result<usize, Error> {
        while !buffer.is_empty() {
            if let Some(end) = &self.end {
                return end.clone().map(|_| 0);
            }
            match self.task.run_until(|_| false) {
                Stopped::Done(result) => {
                    self.end = Some(result.map_err(|error| self.naming.error(error)));
                }
                Stopped::Reached | Stopped::Idle => match self.task.read_body(buffer) {
                    Some(0) => {}
                    Some(length) => return Ok(length),
                    None => {
                        let error = Error::new(ErrorKind::Misuse, "the download waits for nothing");
                        return Err(self.naming.error(error));
                    }
                },
            }
        }
        Ok(0)
    }

    /// The size of the whole object in bytes. `None` only if the offset was beyond its end and COS
    /// did not say where that is.
    pub fn size(&self) -> Option<u64> {
        match (self.meta(), &self.end) {
            (Some(meta), _) => Some(meta.size),
            (None, Some(Ok(outcome))) => outcome.size,
            (None, _) => None,
        }
    }

    /// The object's entity tag; `None` if the offset was at or beyond its end.
    pub fn etag(&self) -> Option<&ETag> {
        self.meta().map(|meta| &meta.etag)
    }

    /// When the object was written.
    pub fn last_modified(&self) -> Option<UnixTime> {
        self.meta()?.last_modified
    }

    /// All that COS says about the object; `None` if the offset was at or beyond its end.
    pub fn meta(&self) -> Option<&ObjectMeta> {
        self.task.operation().meta()
    }

    /// The place in the object of the next byte.
    pub fn offset(&self) -> u64 {
        self.task.operation().offset()
    }

    /// Whether all bytes have come and have been compared with COS's CRC-64 of the object.
    pub fn is_verified(&self) -> bool {
        matches!(&self.end, Some(Ok(outcome)) if outcome.verification == Verification::Verified)
    }
}

impl Read for Reader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        Ok(self.read_bytes(buffer)?)
    }
}

impl fmt::Debug for Reader {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Reader")
            .field("size", &self.size())
            .field("offset", &self.offset())
            .field("end", &self.end)
            .finish_non_exhaustive()
    }
}
