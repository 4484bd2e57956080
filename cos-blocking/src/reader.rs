//! A reader: an object's bytes, into the caller's buffer.

mod source;

use std::{
    fmt,
    io::{self, Read},
};

use cos_proto::{
    ETag, Error, Key, ObjectMeta, UnixTime, Verification,
    driver::Naming,
    op::{DownloadOptions, DownloadOutcome},
};

use self::source::Source;
use crate::client::Client;

/// Reads an object, over as many requests as it takes.
///
/// A dropped connection is resumed where it broke, on the same object or not at all. What is wrong
/// with the bytes, a checksum too, is an error in place of the end, and stays. An error of [`Read`]
/// holds the [`Error`]: `error.get_ref()` can be downcast to it.
///
/// The permit of its request was given back when the head arrived, so a slow reader holds up nobody.
/// A connection that brings nothing while somebody reads ends by the client's idle time-out; the
/// time between two reads does not count. With [`DownloadOptions::read_ahead`] it has several requests
/// for ranges, which are held until their turn comes. Dropping it closes its connection; ranges that are
/// under way arrive for nobody.
pub struct Reader {
    source: Source,
    naming: Naming,
    end: Option<Result<DownloadOutcome, Error>>,
}

impl Reader {
    /// Begins to read: returns when the head is in.
    pub(crate) fn open(
        client: &Client,
        key: Key,
        options: DownloadOptions,
        naming: Naming,
    ) -> Result<Self, Error> {
        let mut source = Source::new(client, key, options);
        let end = match source.begin() {
            None => None,
            Some(output) => Some(Ok(output.map_err(|error| naming.error(error))?)),
        };
        Ok(Self { source, naming, end })
    }

    /// Reads into `buffer` and says how many bytes; 0 is the end, or an empty buffer. It is
    /// [`Read::read`] with the error itself.
    ///
    /// # Errors
    /// [`Changed`](cos_proto::ErrorKind::Changed) if the object was replaced meanwhile,
    /// [`Corrupt`](cos_proto::ErrorKind::Corrupt) instead of the end if its checksum is another;
    /// otherwise why the rest could not be had.
    pub fn read_bytes(&mut self, buffer: &mut [u8]) -> Result<usize, Error> {
        if buffer.is_empty() {
            return Ok(0);
        }
        if self.end.is_none() {
            match self.source.read(buffer) {
                Ok(length) => return Ok(length),
                Err(output) => self.end = Some(output.map_err(|error| self.naming.error(error))),
            }
        }
        match &self.end {
            Some(Err(error)) => Err(error.clone()),
            _ => Ok(0),
        }
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
        self.source.meta()
    }

    /// The place in the object of the next byte.
    pub fn offset(&self) -> u64 {
        self.source.offset()
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
