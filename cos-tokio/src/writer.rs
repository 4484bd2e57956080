//! A writer: bytes in, an object (or a resumable upload) out.

use std::{
    fmt,
    future::poll_fn,
    io,
    mem::take,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use cos_proto::{
    Error, ErrorKind,
    driver::Naming,
    op::{Upload, UploadOutcome, UploadState},
};
use tokio::io::AsyncWrite;

use crate::drive::{Drive, Step};

/// Writes one object.
///
/// Parts are sent while more is written: every call also does what can be done without waiting. The
/// bytes become an object by [`commit`](Self::commit) and by nothing else; [`close`](Self::close)
/// makes them durable, so that another writer can go on. After either, or after
/// [`cancel`](Self::cancel), or after an error, writing is an error; a close after commit or cancel
/// is fine, once.
///
/// As [`AsyncWrite`], `poll_shutdown` is **close, not commit**, and `poll_flush` does nothing: COS
/// takes no part below 1 MiB but the last.
///
/// Dropping it stops its requests, frees its memory and blocks nothing. What an earlier close made
/// durable stays so; what was written since is lost.
pub struct Writer {
    drive: Drive<Upload>,
    naming: Naming,
    /// What has become of the close that `poll_shutdown` asked for.
    shutdown: Option<Result<(), Error>>,
}

impl Writer {
    pub(crate) fn new(drive: Drive<Upload>, naming: Naming) -> Self {
        Self { drive, naming, shutdown: None }
    }

    /// Waits until bytes may be written: a resumed upload has been found.
    pub(crate) async fn open(mut self) -> Result<Self, Error> {
        poll_fn(|cx| {
            while !self.drive.operation().is_open() {
                match ready!(self.drive.poll_step(cx)) {
                    Step::Done(Err(error)) => return Poll::Ready(Err(self.naming.error(error))),
                    Step::Done(Ok(_)) | Step::Idle => break,
                    Step::Fed => {}
                }
            }
            Poll::Ready(Ok(()))
        })
        .await?;
        Ok(self)
    }

    /// Writes all of `bytes`, without copying a large piece.
    ///
    /// Waits only when the writer's share of memory is full. Should the future be dropped, a part of
    /// `bytes` may have been written: see [`size`](Self::size).
    ///
    /// # Errors
    /// [`ErrorKind::Misuse`](cos_proto::ErrorKind::Misuse) after close, commit or cancel; otherwise
    /// why a part could not be sent, now and from then on.
    pub async fn write(&mut self, bytes: impl Into<Bytes>) -> Result<(), Error> {
        let mut bytes = bytes.into();
        poll_fn(|cx| {
            self.poll_push(cx, |upload| {
                bytes = upload.push(take(&mut bytes));
                bytes.is_empty().then_some(())
            })
        })
        .await
    }

    /// The bytes there were when it opened and those written since.
    pub fn size(&self) -> u64 {
        self.drive.operation().size()
    }

    /// Makes everything written durable, so that another writer can go on from here; publishes
    /// nothing.
    ///
    /// # Errors
    /// [`ErrorKind::Misuse`](cos_proto::ErrorKind::Misuse) after a close, or a second time after
    /// commit or cancel; otherwise why it could not be done.
    pub async fn close(&mut self) -> Result<(), Error> {
        self.end(Upload::close).await.map(drop)
    }

    /// Publishes everything written as the object and says what it is.
    ///
    /// # Errors
    /// [`ErrorKind::Misuse`](cos_proto::ErrorKind::Misuse) after close, commit or cancel. See
    /// [`UploadLost`](cos_proto::ErrorKind::UploadLost),
    /// [`Overwritten`](cos_proto::ErrorKind::Overwritten),
    /// [`OutcomeUnknown`](cos_proto::ErrorKind::OutcomeUnknown) and
    /// [`Corrupt`](cos_proto::ErrorKind::Corrupt).
    pub async fn commit(&mut self) -> Result<UploadOutcome, Error> {
        let outcome = self.end(Upload::commit).await?;
        outcome.ok_or_else(|| Error::new(ErrorKind::Misuse, "the writer has ended before"))
    }

    /// Drops everything written, what earlier writers have closed included.
    ///
    /// # Errors
    /// [`ErrorKind::Misuse`](cos_proto::ErrorKind::Misuse) after close, commit or cancel.
    pub async fn cancel(&mut self) -> Result<(), Error> {
        self.end(Upload::cancel).await.map(drop)
    }

    /// What [`Client::resume_writer`](crate::Client::resume_writer) needs to go on from; complete after a close.
    pub fn state(&self) -> UploadState {
        self.drive.operation().state()
    }

    async fn end(
        &mut self,
        request: fn(&mut Upload) -> Result<(), Error>,
    ) -> Result<Option<UploadOutcome>, Error> {
        let requested = request(self.drive.operation_mut());
        let over = poll_fn(|cx| self.poll_over(cx)).await;
        requested.map_err(|error| self.naming.error(error))?;
        over
    }

    /// Drives a requested end, or the clean-up after a failure, to its outcome; `None` if there is
    /// nothing left to do.
    fn poll_over(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<UploadOutcome>, Error>> {
        loop {
            let step = ready!(self.drive.poll_step(cx));
            return Poll::Ready(match step {
                Step::Fed => continue,
                Step::Idle => Ok(None),
                Step::Done(output) => output.map(Some).map_err(|error| self.naming.error(error)),
            });
        }
    }

    /// Pushes until `push` has something to say; `None` from it means that nothing fits.
    fn poll_push<T>(
        &mut self,
        cx: &mut Context<'_>,
        mut push: impl FnMut(&mut Upload) -> Option<T>,
    ) -> Poll<Result<T, Error>> {
        loop {
            let upload = self.drive.operation_mut();
            if let Err(refused) = upload.check_writable() {
                ready!(self.poll_over(cx))?;
                return Poll::Ready(Err(self.naming.error(refused)));
            }
            let pushed = push(upload);
            // Parts that are full go off now, whether or not anybody has to wait.
            let under_way = self.advance(cx)?;
            match pushed {
                Some(pushed) => return Poll::Ready(Ok(pushed)),
                None if self.drive.operation().capacity() > 0 => {}
                None if under_way => return Poll::Pending,
                None => {
                    let error = Error::new(ErrorKind::Misuse, "the writer takes no bytes");
                    return Poll::Ready(Err(self.naming.error(error)));
                }
            }
        }
    }

    /// Does what can be done without waiting; whether there is something to wait for.
    fn advance(&mut self, cx: &mut Context<'_>) -> Result<bool, Error> {
        loop {
            let step = self.drive.poll_step(cx);
            return match step {
                Poll::Ready(Step::Fed) => continue,
                Poll::Ready(Step::Idle) => Ok(false),
                Poll::Ready(Step::Done(output)) => {
                    output.map(|_| false).map_err(|error| self.naming.error(error))
                }
                Poll::Pending => Ok(true),
            };
        }
    }
}

impl AsyncWrite for Writer {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let pushed = ready!(self.poll_push(cx, |upload| {
            let taken = upload.push_slice(bytes);
            (taken > 0 || bytes.is_empty()).then_some(taken)
        }));
        Poll::Ready(pushed.map_err(Into::into))
    }

    /// Does nothing: see [`Writer`].
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    /// [`close`](Writer::close), not commit. Once it has begun, later calls only wait for it.
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let requested = match &this.shutdown {
            Some(requested) => requested.clone(),
            None => this.drive.operation_mut().close().map_err(|error| this.naming.error(error)),
        };
        this.shutdown = Some(requested.clone());
        let over = ready!(this.poll_over(cx)).map(drop);
        let outcome = requested.and(over);
        this.shutdown = Some(outcome.clone());
        Poll::Ready(outcome.map_err(Into::into))
    }
}

impl fmt::Debug for Writer {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Writer").field("size", &self.size()).finish_non_exhaustive()
    }
}
