//! A reader: an object's bytes as they arrive.

use std::{
    fmt,
    future::poll_fn,
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::{Buf, Bytes};
use cos_proto::{
    ETag, Error, ErrorKind, ObjectMeta, UnixTime, Verification,
    driver::Naming,
    op::{Download, DownloadOutcome},
};
use futures_core::Stream;
use tokio::io::{AsyncRead, ReadBuf};

use crate::{
    client::Client,
    drive::{Drive, Step},
};

/// Reads an object, over as many requests as it takes.
///
/// A dropped connection is resumed where it broke, on the same object or not at all. The bytes come
/// as a [`Stream`] of [`Bytes`] or by [`chunk`](Self::chunk), without being copied, or as
/// [`AsyncRead`]. What is wrong with them, a checksum too, is an error in place of the end; it stays
/// for [`AsyncRead`] and `chunk`, and comes once in the stream.
///
/// The permit of its request was given back when the head arrived, so a slow reader holds up nobody.
/// Dropping it closes its connection and blocks nothing.
pub struct Reader {
    drive: Drive<Download>,
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
        download: Download,
        naming: Naming,
    ) -> Result<Self, Error> {
        let drive = client.drive(download, client.shared.policy.clone());
        let mut reader = Self { drive, naming, end: None, error_told: false, rest: Bytes::new() };
        poll_fn(|cx| reader.poll_head(cx)).await?;
        Ok(reader)
    }

    fn poll_head(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        while self.drive.operation().meta().is_none() {
            match ready!(self.drive.poll_step(cx)) {
                Step::Fed => {}
                Step::Idle => {
                    let error = Error::new(ErrorKind::Misuse, "the download waits for nothing");
                    return Poll::Ready(Err(error));
                }
                Step::Done(output) => {
                    let outcome = output.map_err(|error| self.naming.error(error))?;
                    self.end = Some(Ok(outcome));
                    break;
                }
            }
        }
        Poll::Ready(Ok(()))
    }

    /// The next bytes; `None` at the end.
    ///
    /// # Errors
    /// [`ErrorKind::Changed`] if the object was replaced meanwhile, [`ErrorKind::Corrupt`] instead of
    /// the end if its checksum is another; otherwise why the rest could not be had.
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
        self.drive.operation().meta()
    }

    /// The place in the object of the next byte.
    pub fn offset(&self) -> u64 {
        let ahead = u64::try_from(self.rest.len()).unwrap_or(u64::MAX);
        self.drive.operation().offset().saturating_sub(ahead)
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
            None => match ready!(self.drive.poll_data(cx)) {
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
