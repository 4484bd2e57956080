//! A writer: bytes in, an object or a resumable upload out.

use std::{fmt, io, sync::Arc};

use bytes::Bytes;
use cos_proto::{
    Error, ErrorKind, Policy,
    driver::Naming,
    op::{Upload, UploadOutcome, UploadState},
};

use crate::{
    client::Client,
    task::{Stopped, Task},
};

/// Writes an object of any size.
///
/// Parts travel on other threads while the caller goes on writing; a write waits only when the
/// writer may hold no more memory. What it holds is at most one chunk, and for further parts what it
/// gets of the memory that all writers of a client share.
///
/// Nothing is visible before [`commit`](Self::commit). [`close`](Self::close) keeps what was written
/// for a later writer that appends; [`cancel`](Self::cancel) drops it. After one of them every call
/// is an error, but one close after a commit or a cancel. A writer that is dropped without them ends
/// its work and blocks nothing; what was written since the last close is lost.
pub struct Writer {
    task: Task<Upload>,
    outcome: Option<UploadOutcome>,
    naming: Naming,
}

impl Writer {
    pub(crate) fn new(client: &Client, upload: Upload, policy: Policy, naming: Naming) -> Self {
        let shared = &client.shared;
        let task = Task::new(Arc::clone(shared), upload, policy);
        Self { task, naming, outcome: None }
    }

    /// Waits until bytes may be written: a resumed upload has been found.
    pub(crate) fn open(mut self) -> Result<Self, Error> {
        self.run_until(Upload::is_open)?;
        Ok(self)
    }

    /// Writes all of `bytes`, sharing instead of copying them where they are large.
    ///
    /// This is `write` of the asynchronous writer, by another name: here that one is
    /// [`io::Write`]'s.
    ///
    /// # Errors
    /// [`ErrorKind::Misuse`] after an end; otherwise what made the upload fail. A writer that has
    /// failed stays so.
    pub fn write_bytes(&mut self, bytes: impl Into<Bytes>) -> Result<(), Error> {
        let mut rest = bytes.into();
        self.check()?;
        loop {
            rest = self.task.operation_mut().push(rest);
            self.pump()?;
            if rest.is_empty() {
                return Ok(());
            }
            self.await_room()?;
        }
    }

    /// The bytes that were there when it opened, and those written since.
    pub fn size(&self) -> u64 {
        self.task.operation().size()
    }

    /// Makes everything durable without publishing it, so that a writer that appends can go on, in
    /// another process too. After a commit or a cancel it does nothing, once.
    ///
    /// # Errors
    /// As [`write_bytes`](Self::write_bytes).
    pub fn close(&mut self) -> Result<(), Error> {
        self.end(Upload::close).map(drop)
    }

    /// Publishes everything written as the object and says what it is.
    ///
    /// # Errors
    /// [`ErrorKind::Misuse`] after close, commit or cancel. See [`ErrorKind::UploadLost`],
    /// [`ErrorKind::Overwritten`], [`ErrorKind::OutcomeUnknown`] and [`ErrorKind::Corrupt`].
    pub fn commit(&mut self) -> Result<UploadOutcome, Error> {
        self.end(Upload::commit)
    }

    /// Drops everything written, what earlier writers have closed included.
    ///
    /// # Errors
    /// [`ErrorKind::Misuse`] after close, commit or cancel.
    pub fn cancel(&mut self) -> Result<(), Error> {
        self.end(Upload::cancel).map(drop)
    }

    /// What [`Client::resume_writer`] needs to go on from; complete after a close.
    pub fn state(&self) -> UploadState {
        self.task.operation().state()
    }

    fn end(
        &mut self,
        request: fn(&mut Upload) -> Result<(), Error>,
    ) -> Result<UploadOutcome, Error> {
        let requested = request(self.task.operation_mut());
        self.finish()?;
        requested.map_err(|error| self.naming.error(error))?;
        // Without an outcome and without an error the upload would wait for ever.
        let stuck = || self.naming.error(Error::new(ErrorKind::Misuse, "the upload does not end"));
        self.outcome.clone().ok_or_else(stuck)
    }

    /// Refuses to write after an end or a failure; a failure has cleaned up by then.
    fn check(&mut self) -> Result<(), Error> {
        let Err(refused) = self.task.operation().check_writable() else { return Ok(()) };
        self.finish()?;
        Err(self.naming.error(refused))
    }

    /// Runs a requested end, or the clean-up after a failure, to its outcome.
    fn finish(&mut self) -> Result<(), Error> {
        self.run_until(|_| false)
    }

    fn run_until(&mut self, reached: impl Fn(&Upload) -> bool) -> Result<(), Error> {
        let stopped = self.task.run_until(reached);
        self.settle(stopped)
    }

    /// Starts and takes in what it can without waiting.
    fn pump(&mut self) -> Result<(), Error> {
        let stopped = self.task.pump();
        self.settle(stopped)
    }

    fn await_room(&mut self) -> Result<(), Error> {
        self.run_until(|upload| upload.capacity() > 0)?;
        self.check()?;
        if self.task.operation().capacity() == 0 {
            let error = Error::new(ErrorKind::Misuse, "the writer takes no bytes");
            return Err(self.naming.error(error));
        }
        Ok(())
    }

    fn settle(&mut self, stopped: Stopped<Result<UploadOutcome, Error>>) -> Result<(), Error> {
        match stopped {
            Stopped::Done(Ok(outcome)) => self.outcome = Some(outcome),
            Stopped::Done(Err(error)) => return Err(self.naming.error(error)),
            Stopped::Reached | Stopped::Idle => {}
        }
        Ok(())
    }
}

impl io::Write for Writer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.check()?;
        loop {
            let taken = self.task.operation_mut().push_slice(bytes);
            self.pump()?;
            if taken > 0 || bytes.is_empty() {
                return Ok(taken);
            }
            self.await_room()?;
        }
    }

    /// Sends what can be sent, without waiting: only [`Writer::close`] makes bytes durable.
    fn flush(&mut self) -> io::Result<()> {
        self.check()?;
        Ok(self.pump()?)
    }
}

impl fmt::Debug for Writer {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Writer")
            .field("size", &self.size())
            .field("outcome", &self.outcome)
            .finish_non_exhaustive()
    }
}
