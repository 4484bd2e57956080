//! Operations on any key.

use std::{fmt, sync::Arc, time::Duration};

use cos_proto::{
    CopySource, Error, ErrorKind, Key, ObjectMeta, Operation, Payload, Policy, Presign,
    PresignedUrl, Session, UploadId,
    api::{CopyOptions, GetOptions, ListOptions, ListUploadsOptions, ObjectOptions},
    driver::Naming,
    op::{
        AbortOutcome, AbortUpload, BucketInfo, Copy, CopyLimits, CopyOutcome, DeleteKeys,
        DeleteObject, DeleteOutcome, DeleteTree, DeletedCount, DownloadOptions, Fetch, Fetched,
        Head, HeadBucket, List, ListParts, ListUploads, Move, Paged, Put, PutOutcome, Sweep,
        SweepOutcome, Upload, UploadOptions, UploadState,
    },
};

use crate::{
    builder::ClientBuilder,
    pages::Pages,
    reader::Reader,
    shared::Shared,
    task::{Stopped, Task},
    writer::Writer,
};

/// A client of one bucket: operations on any key.
///
/// Cloning is cheap, and all clones share connections, permits, credentials and retry budget. A
/// method blocks its thread until it has its answer: for each call that it makes, no longer than the
/// call takes its turn and then the call deadline. A request that nothing else is in flight beside is
/// sent on the caller's thread.
///
/// Every error names the key, the call, COS's answer, its request id and the number of attempts.
#[derive(Clone)]
pub struct Client {
    pub(crate) shared: Arc<Shared>,
}

impl Client {
    /// A client of the session's bucket, to be configured.
    pub fn builder(session: Session) -> ClientBuilder {
        ClientBuilder::new(session)
    }

    /// Asks whether the bucket exists and may be used.
    ///
    /// # Errors
    /// [`ErrorKind::Denied`],
    /// [`ErrorKind::Service`] with status 404 if there is none.
    pub fn head_bucket(&self) -> Result<BucketInfo, Error> {
        self.run(HeadBucket::new())
    }

    /// Describes an object.
    ///
    /// # Errors
    /// [`ErrorKind::PathNotFound`].
    pub fn head(&self, key: Key, options: GetOptions) -> Result<ObjectMeta, Error> {
        self.run(Head::new(key, options))
    }

    /// Reads an object, or a range of it, of at most `limit` bytes.
    ///
    /// # Errors
    /// [`ErrorKind::PathNotFound`], [`ErrorKind::TooLarge`].
    pub fn get(&self, key: Key, options: GetOptions, limit: u64) -> Result<Fetched, Error> {
        self.run(Fetch::new(key, options, limit))
    }

    /// Reads an object as its bytes arrive; returns when its head is in.
    ///
    /// # Errors
    /// [`ErrorKind::PathNotFound`].
    pub fn reader(&self, key: Key, options: DownloadOptions) -> Result<Reader, Error> {
        Reader::open(self, key, options, Naming::KEY)
    }

    /// Lists objects, page by page, in the order of their keys' bytes.
    pub fn list(&self, options: ListOptions) -> Pages<List> {
        self.pages(List::new(options))
    }

    /// Lists unfinished multipart uploads, page by page. The list lags behind: use it to clean up,
    /// never to find an upload to resume.
    pub fn list_uploads(&self, options: ListUploadsOptions) -> Pages<ListUploads> {
        self.pages(ListUploads::new(options))
    }

    /// Lists the parts of a multipart upload, page by page.
    ///
    /// The first page is [`ErrorKind::UploadLost`] if there is no such upload.
    pub fn list_parts(&self, key: Key, upload: UploadId) -> Pages<ListParts> {
        self.pages(ListParts::new(key, upload))
    }

    /// Aborts a multipart upload and frees its parts. One that is gone is no error.
    ///
    /// # Errors
    /// [`ErrorKind::Denied`]; otherwise why COS could not be asked.
    pub fn abort_upload(&self, key: Key, upload: UploadId) -> Result<AbortOutcome, Error> {
        self.run(AbortUpload::new(key, upload))
    }

    /// Creates or replaces an object by one request.
    ///
    /// # Errors
    /// See [`Put`].
    pub fn put(
        &self,
        key: Key,
        options: ObjectOptions,
        payload: impl Into<Payload>,
    ) -> Result<PutOutcome, Error> {
        self.run(Put::new(key, options, payload.into(), None))
    }

    /// A writer of a new object. Nothing is sent before a chunk is full, or it ends.
    pub fn writer(&self, key: Key, options: ObjectOptions) -> Writer {
        self.write(Upload::start(key, self.upload_options(options)))
    }

    /// A writer that goes on from what [`Writer::state`] gave after a close.
    pub fn resume_writer(&self, key: Key, state: UploadState, options: ObjectOptions) -> Writer {
        self.write(Upload::resume(key, state, self.upload_options(options)))
    }

    fn write(&self, upload: Upload) -> Writer {
        Writer::new(self, upload, self.shared.bulk_policy(), Naming::KEY)
    }

    fn upload_options(&self, object: ObjectOptions) -> UploadOptions {
        UploadOptions::new(self.shared.budget.clone())
            .chunk_size(self.shared.chunk_size)
            .object(object)
    }

    /// Copies an object on the service, by parts if it is large.
    ///
    /// # Errors
    /// [`ErrorKind::PathNotFound`] of the source; see [`Copy`](struct@Copy).
    pub fn copy(
        &self,
        source: impl Into<CopySource>,
        destination: Key,
        options: CopyOptions,
    ) -> Result<CopyOutcome, Error> {
        self.run_bulk(Copy::new(source, destination, options, CopyLimits::default()))
    }

    /// Copies an object, then deletes its source; that stays if the copy fails.
    ///
    /// # Errors
    /// As [`copy`](Self::copy), or why the source could not be deleted.
    pub fn rename(
        &self,
        source: Key,
        destination: Key,
        options: CopyOptions,
    ) -> Result<CopyOutcome, Error> {
        self.run_bulk(Move::new(source, destination, options, CopyLimits::default()))
    }

    /// Deletes one object, or one version of it. An object that is not there is no error.
    ///
    /// # Errors
    /// [`ErrorKind::Denied`]; otherwise why COS could not be asked.
    pub fn delete(&self, key: Key, version: Option<String>) -> Result<(), Error> {
        self.run(DeleteObject::new(key, version))
    }

    /// Deletes objects, 1000 by a call.
    ///
    /// # Errors
    /// [`Error::failures`] names the keys that are left.
    pub fn delete_many(&self, keys: impl IntoIterator<Item = Key>) -> Result<DeletedCount, Error> {
        self.run_bulk(DeleteKeys::new(keys))
    }

    /// Deletes an object, everything below `key/`, and the unfinished uploads of all that.
    ///
    /// # Errors
    /// [`ErrorKind::PathNotFound`] if there was nothing at all; [`Error::failures`] names what is
    /// left.
    pub fn delete_tree(&self, key: Key) -> Result<DeleteOutcome, Error> {
        self.run_bulk(DeleteTree::new(key))
    }

    /// Aborts the unfinished uploads of keys with this prefix that are older than `age`, by the
    /// service's clock, and deletes their resume records.
    ///
    /// # Errors
    /// [`Error::failures`] names what could not be aborted or deleted.
    pub fn sweep(&self, prefix: &str, age: Duration) -> Result<SweepOutcome, Error> {
        self.run_bulk(Sweep::new(prefix, age))
    }

    /// Presigns a URL. Nothing is sent, but the credentials provider may be asked.
    ///
    /// # Errors
    /// [`ErrorKind::Credentials`].
    pub fn presign(&self, presign: &Presign) -> Result<PresignedUrl, Error> {
        self.shared.ensure_credentials();
        self.session().presign(self.shared.now().unix, presign)
    }

    /// Runs any operation of the core, one call at a time.
    ///
    /// # Errors
    /// The operation's own; [`ErrorKind::Misuse`] if it waits for its application.
    pub fn run<O, T>(&self, operation: O) -> Result<T, Error>
    where
        O: Operation<Output = Result<T, Error>>,
    {
        self.finish(operation, self.shared.policy.clone())
    }

    /// Runs a list of the core and takes its pages.
    pub fn pages<O: Paged>(&self, list: O) -> Pages<O> {
        Pages::new(self, list)
    }

    /// Runs an operation that has many calls in flight at once, as many as there are permits.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub fn run_bulk<O, T>(&self, operation: O) -> Result<T, Error>
    where
        O: Operation<Output = Result<T, Error>>,
    {
        self.finish(operation, self.shared.bulk_policy())
    }

    pub(crate) fn finish<O, T>(&self, operation: O, policy: Policy) -> Result<T, Error>
    where
        O: Operation<Output = Result<T, Error>>,
    {
        match Task::new(Arc::clone(&self.shared), operation, policy).run_until(|_| false) {
            Stopped::Done(result) => result,
            Stopped::Reached | Stopped::Idle => {
                Err(Error::new(ErrorKind::Misuse, "the operation waits for its application"))
            }
        }
    }

    /// The bucket's session.
    pub fn session(&self) -> &Session {
        &self.shared.session
    }

    /// How many permits are taken now.
    pub fn permits_in_use(&self) -> usize {
        self.shared.gate.in_use()
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Client").field("session", &self.shared.session).finish_non_exhaustive()
    }
}
