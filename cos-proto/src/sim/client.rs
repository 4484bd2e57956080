//! The driver's operations as programs call them: what `Driver` and `Writer` of an adapter are.

use std::{
    future::poll_fn,
    num::NonZeroUsize,
    rc::Rc,
    task::{Poll, ready},
    time::Duration,
};

use bytes::Bytes;

use super::{
    drive::{Drive, Step},
    process::{OpenWriter, Process},
    reader::Reader,
};
use crate::{
    Error, ErrorKind, Key, Operation, Policy,
    driver::FileInfo,
    op::{
        Append, ReadAheadOptions, SweepOutcome, Upload, UploadOptions, UploadOutcome, UploadState,
        WalkControl, WalkEntry, WalkOptions,
    },
};

/// The operations of one process.
#[derive(Clone)]
pub(super) struct Client(pub(super) Rc<Process>);

impl Client {
    /// Runs an operation on a path.
    async fn on_path<O, T>(&self, path: &str, operation: O, policy: Policy) -> Result<T, Error>
    where
        O: Operation<Output = Result<T, Error>>,
    {
        let named = |error| self.0.driver().error(path, error);
        self.run(operation, policy).await.map_err(named)
    }

    /// Runs an operation on a key.
    pub(super) async fn run<O, T>(&self, operation: O, policy: Policy) -> Result<T, Error>
    where
        O: Operation<Output = Result<T, Error>>,
    {
        self.output(operation, policy).await
    }

    /// Runs an operation that needs nothing to its end.
    pub(super) async fn output<O: Operation>(&self, operation: O, policy: Policy) -> O::Output {
        Drive::new(Rc::clone(&self.0), operation, policy).finish().await
    }

    pub(super) fn policy(&self) -> Policy {
        self.0.driver().policy()
    }

    pub(super) async fn get(&self, path: &str) -> Result<Bytes, Error> {
        let fetch = self.0.driver().get_content(path)?;
        Ok(self.on_path(path, fetch, self.policy()).await?.body)
    }

    pub(super) async fn put(&self, path: &str, content: Bytes) -> Result<(), Error> {
        let put = self.0.driver().put_content(path, content)?;
        self.on_path(path, put, self.policy()).await.map(drop)
    }

    pub(super) async fn stat(&self, path: &str) -> Result<FileInfo, Error> {
        let stat = self.0.driver().stat(path)?;
        let info = self.on_path(path, stat, self.policy()).await?;
        Ok(self.0.driver().file_info(path, &info))
    }

    pub(super) async fn list(&self, path: &str) -> Result<Vec<String>, Error> {
        let list = self.0.driver().list(path)?;
        self.on_path(path, list, self.policy()).await
    }

    pub(super) async fn rename(&self, from: &str, to: &str) -> Result<(), Error> {
        let rename = self.0.driver().rename(from, to)?;
        self.on_path(from, rename, self.0.driver().copy_policy()).await.map(drop)
    }

    pub(super) async fn delete(&self, path: &str) -> Result<(), Error> {
        let delete = self.0.driver().delete(self.0.now().ticks, path)?;
        self.on_path(path, delete, self.policy()).await.map(drop)
    }

    pub(super) async fn sweep(&self, age: Duration) -> Result<SweepOutcome, Error> {
        self.run(self.0.driver().sweep(age), self.policy()).await
    }

    /// All entries by so many lists, without what is below the directories that `skip` names.
    pub(super) async fn walk(
        &self,
        from: &str,
        skip: &[String],
        lists: usize,
    ) -> Result<Vec<WalkEntry>, Error> {
        let lists = NonZeroUsize::new(lists).unwrap_or(NonZeroUsize::MIN);
        let walk = self.0.driver().walk(from, &WalkOptions::new().parallel(lists))?;
        let policy = self.0.driver().bulk_policy();
        let mut drive = Drive::new(Rc::clone(&self.0), walk, policy);
        let mut entries = Vec::new();
        let ended = poll_fn(|_| {
            loop {
                while let Some(entry) = drive.operation_mut().next_entry() {
                    if skip.contains(&entry.path) {
                        drive.operation_mut().go_on(WalkControl::Skip, &entry);
                    }
                    entries.push(entry);
                }
                if let Step::Done(output) = ready!(drive.poll_step()) {
                    return Poll::Ready(output);
                }
            }
        });
        ended.await.map_err(|error| self.0.driver().error(from, error))?;
        Ok(entries)
    }

    pub(super) async fn reader(
        &self,
        path: &str,
        offset: u64,
        ahead: Option<ReadAheadOptions>,
    ) -> Result<Reader, Error> {
        Reader::open(self, path, offset, ahead).await
    }

    pub(super) async fn writer(&self, path: &str, append: Append) -> Result<Writer, Error> {
        let upload = self.0.driver().writer(path, append)?;
        let drive = Drive::new(Rc::clone(&self.0), upload, self.0.driver().bulk_policy());
        let writer = Writer { drive, path: path.to_owned(), _open: self.0.writer_opened() };
        writer.open().await
    }

    /// A writer on a key that remembers its own state.
    pub(super) fn key_writer(&self, key: Key, state: Option<UploadState>) -> Writer {
        let mut options = UploadOptions::new(self.0.driver().memory_budget().clone());
        options.chunk_size = self.0.driver().settings().chunk_size;
        let path = key.as_str().to_owned();
        let upload = match state {
            Some(state) => Upload::resume(key, state, options),
            None => Upload::start(key, options),
        };
        let drive = Drive::new(Rc::clone(&self.0), upload, self.0.driver().bulk_policy());
        Writer { drive, path, _open: self.0.writer_opened() }
    }
}

/// Writes an object in pieces.
pub(super) struct Writer {
    drive: Drive<Upload>,
    path: String,
    _open: OpenWriter,
}

impl Writer {
    async fn open(mut self) -> Result<Self, Error> {
        poll_fn(|_| {
            while !self.drive.operation().is_open() {
                match ready!(self.drive.poll_step()) {
                    Step::Done(Err(error)) => return Poll::Ready(Err(error)),
                    Step::Done(Ok(_)) | Step::Idle => break,
                    Step::Fed | Step::Data(_) => {}
                }
            }
            Poll::Ready(Ok(()))
        })
        .await
        .map_err(|error| self.named(error))?;
        Ok(self)
    }

    fn named(&self, error: Error) -> Error {
        self.drive.process().driver().error(&self.path, error)
    }

    pub(super) fn size(&self) -> u64 {
        self.drive.operation().size()
    }

    /// How many requests it has sent.
    pub(super) fn requests(&self) -> u64 {
        self.drive.requests()
    }

    pub(super) fn state(&self) -> UploadState {
        self.drive.operation().state()
    }

    /// Writes all of it; waits only when the writer's share of memory is full.
    pub(super) async fn write(&mut self, content: Bytes) -> Result<(), Error> {
        let mut rest = content;
        let written = poll_fn(|_| {
            loop {
                let upload = self.drive.operation_mut();
                if let Err(refused) = upload.check_writable() {
                    ready!(self.poll_over())?;
                    return Poll::Ready(Err(refused));
                }
                rest = upload.push(std::mem::take(&mut rest));
                // Parts that are full go off now, whether or not anybody has to wait.
                let under_way = self.advance()?;
                if rest.is_empty() {
                    return Poll::Ready(Ok(()));
                }
                if self.drive.operation().capacity() == 0 {
                    if under_way {
                        return Poll::Pending;
                    }
                    let text = "the writer takes no bytes";
                    return Poll::Ready(Err(Error::new(ErrorKind::Misuse, text)));
                }
            }
        })
        .await;
        written.map_err(|error| self.named(error))
    }

    fn advance(&mut self) -> Result<bool, Error> {
        loop {
            return match self.drive.poll_step() {
                Poll::Ready(Step::Fed | Step::Data(_)) => continue,
                Poll::Ready(Step::Idle) => Ok(false),
                Poll::Ready(Step::Done(output)) => output.map(|_| false),
                Poll::Pending => Ok(true),
            };
        }
    }

    pub(super) async fn close(&mut self) -> Result<(), Error> {
        self.end(Upload::close).await.map(drop)
    }

    pub(super) async fn commit(&mut self) -> Result<UploadOutcome, Error> {
        let outcome = self.end(Upload::commit).await?;
        outcome.ok_or_else(|| Error::new(ErrorKind::Misuse, "the writer has ended before"))
    }

    pub(super) async fn cancel(&mut self) -> Result<(), Error> {
        self.end(Upload::cancel).await.map(drop)
    }

    async fn end(
        &mut self,
        request: fn(&mut Upload) -> Result<(), Error>,
    ) -> Result<Option<UploadOutcome>, Error> {
        let requested = request(self.drive.operation_mut());
        let over = poll_fn(|_| self.poll_over()).await;
        requested.and(over).map_err(|error| self.named(error))
    }

    fn poll_over(&mut self) -> Poll<Result<Option<UploadOutcome>, Error>> {
        loop {
            return Poll::Ready(match ready!(self.drive.poll_step()) {
                Step::Fed | Step::Data(_) => continue,
                Step::Idle => Ok(None),
                Step::Done(output) => output.map(Some),
            });
        }
    }
}
