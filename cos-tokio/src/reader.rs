//! A reader: an object's bytes as they arrive.

mod source;

use std::{
    fmt,
    future::poll_fn,
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::{Buf, Bytes};
use cos_proto::{
    ETag, Error, Key, ObjectMeta, UnixTime, Verification,
    driver::Naming,
    op::{DownloadOptions, DownloadOutcome},
};
use futures_core::Stream;
use tokio::io::{AsyncRead, ReadBuf};

use self::source::Source;
use crate::client::Client;

/// Reads an object, over as many requests as it takes.
///
/// A dropped connection is resumed where it broke, on the same object or not at all. The bytes come
/// as a [`Stream`] of [`Bytes`] or by [`chunk`](Self::chunk), without being copied, or as
/// [`AsyncRead`]. What is wrong with them, a checksum too, is an error in place of the end; it stays
/// for [`AsyncRead`] and `chunk`, and comes once in the stream.
///
/// The permit of its request was given back when the head arrived, so a slow reader holds up nobody.
/// With [`DownloadOptions::read_ahead`] it has several requests for ranges, which are held until their
/// turn comes. Dropping it closes its connections and blocks nothing.
pub struct Reader {
    source: Source,
    naming: Naming,
    end: Option<Result<DownloadOutcome, Error>>,
    error_told: bool,
    /// What [`AsyncRead`] has not had room for.
    rest: Bytes,
}

impl Reader {
    /// Begins to read: returns when the head is in.
    pub(crate) async fn open(
        client: &Client,
        key: Key,
        options: DownloadOptions,
        naming: Naming,
    ) -> Result<Self, Error> {
        let mut source = Source::new(client, key, options);
        let end = match poll_fn(|cx| source.poll_begun(cx)).await {
            None => None,
            Some(output) => Some(Ok(output.map_err(|error| naming.error(error))?)),
        };
        Ok(Self { source, naming, end, error_told: false, rest: Bytes::new() })
    }

    /// The next bytes; `None` at the end.
    ///
    /// # Errors
    /// [`Changed`](cos_proto::ErrorKind::Changed) if the object was replaced meanwhile,
    /// [`Corrupt`](cos_proto::ErrorKind::Corrupt) instead of the end if its checksum is another;
    /// otherwise why the rest could not be had.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, Error> {
        poll_fn(|cx| self.poll_chunk(cx)).await
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
        let ahead = u64::try_from(self.rest.len()).unwrap_or(u64::MAX);
        self.source.offset().saturating_sub(ahead)
    }

    /// Whether all bytes have come and have been compared with COS's CRC-64 of the object.
    pub fn is_verified(&self) -> bool {
        matches!(&self.end, Some(Ok(outcome)) if outcome.verification == Verification::Verified)
    }

    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Bytes>, Error>> {
        if !self.rest.is_empty() {
            return Poll::Ready(Ok(Some(std::mem::take(&mut self.rest))));
        }
        let end = match &self.end {
            Some(end) => end,
            None => match ready!(self.source.poll_data(cx)) {
                Ok(data) => return Poll::Ready(Ok(Some(data))),
                Err(output) => self.end.insert(output.map_err(|error| self.naming.error(error))),
            },
        };
        Poll::Ready(end.clone().map(|_| None))
    }
}

impl Stream for Reader {
    type Item = Result<Bytes, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.error_told {
            return Poll::Ready(None);
        }
        let chunk = ready!(self.poll_chunk(cx)).transpose();
        self.error_told = matches!(chunk, Some(Err(_)));
        Poll::Ready(chunk)
    }
}

impl AsyncRead for Reader {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if buf.remaining() == 0 {
            return Poll::Ready(Ok(()));
        }
        if let Some(mut chunk) = ready!(self.poll_chunk(cx))? {
            let fits = chunk.len().min(buf.remaining());
            buf.put_slice(chunk.get(..fits).unwrap_or_default());
            chunk.advance(fits);
            self.rest = chunk;
        }
        Poll::Ready(Ok(()))
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
