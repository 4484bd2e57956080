//! What an implementer provides.

use std::{collections::BTreeMap, num::NonZeroUsize, time::Duration};

use bytes::Bytes;
use http::Method;

use crate::{
    Credentials, CredentialsFailed, Error, ObjectMeta,
    config::{Config, Value},
    driver::FileInfo,
    emulator::Emulator,
    op::{Append, ReadAheadOptions, SweepOutcome, UploadOutcome, WalkEntry},
};

/// One driver, synchronously, and the world around it. Another [`open`](Self::open)ed one stands
/// for another process on the same bucket.
pub trait Subject: Sync {
    /// What the driver was set up with.
    fn config(&self) -> &Config;

    /// `get_content` of the driver.
    fn get_content(&self, path: &str) -> Result<Bytes, Error>;

    /// `put_content` of the driver.
    fn put_content(&self, path: &str, content: Bytes) -> Result<(), Error>;

    /// `reader` of the driver, with its first answer there: an absent object is an error here.
    fn reader(&self, path: &str, offset: i64) -> Result<Box<dyn Reader + '_>, Error>;

    /// `reader_ahead` of the driver, as [`reader`](Self::reader).
    fn reader_ahead(
        &self,
        path: &str,
        offset: i64,
        ahead: ReadAheadOptions,
    ) -> Result<Box<dyn Reader + '_>, Error>;

    /// `writer` of the driver, open.
    fn writer(&self, path: &str, append: Append) -> Result<Box<dyn Writer + '_>, Error>;

    /// `stat` of the driver.
    fn stat(&self, path: &str) -> Result<FileInfo, Error>;

    /// `list` of the driver.
    fn list(&self, path: &str) -> Result<Vec<String>, Error>;

    /// `rename` of the driver.
    fn rename(&self, source: &str, destination: &str) -> Result<(), Error>;

    /// `delete` of the driver.
    fn delete(&self, path: &str) -> Result<(), Error>;

    /// `walk` of the driver with a callback.
    fn walk(
        &self,
        from: &str,
        start_after: Option<&str>,
        visit: &mut dyn FnMut(&WalkEntry) -> Visit,
    ) -> Result<(), WalkError>;

    /// `walk` of the driver as a stream or iterator, to its end.
    fn walk_entries(&self, from: &str, start_after: Option<&str>) -> Result<Vec<WalkEntry>, Error>;

    /// The same with several lists under way at once.
    fn walk_parallel(&self, from: &str, lists: NonZeroUsize) -> Result<Vec<WalkEntry>, Error>;

    /// `redirect_url` of the driver.
    fn redirect_url(
        &self,
        method: &Method,
        path: &str,
        expires: Option<Duration>,
    ) -> Result<Option<String>, Error>;

    /// `sweep` of the driver: aborts uploads that are older.
    fn sweep(&self, age: Duration) -> Result<SweepOutcome, Error>;

    /// Puts an object at a raw key of the bucket, such as a console does.
    fn put_key(&self, key: &str, content: Bytes) -> Result<(), Error>;

    /// What a HEAD says about a raw key.
    fn head_key(&self, key: &str) -> Result<ObjectMeta, Error>;

    /// Deletes a raw key; an absent one is no error.
    fn delete_key(&self, key: &str) -> Result<(), Error>;

    /// Another driver on the same bucket, with these parameters changed.
    fn open(&self, changed: &[(&str, Value)]) -> Result<Box<dyn Subject + '_>, Error>;

    /// Another driver on the same bucket, with credentials from a provider.
    fn open_with_provider(&self, provider: Provider) -> Result<Box<dyn Subject + '_>, Error>;

    /// Runs jobs on this one driver, at the same time where the adapter can, and gives their
    /// results in the order of the jobs.
    fn concurrently(&self, jobs: Vec<Job<'_>>) -> Vec<super::Outcome>;

    /// Lets time pass: on the emulator's clock, or really.
    fn advance(&self, by: Duration);

    /// Lets requests arrive whose writer or reader has been dropped, where that takes time.
    fn settle(&self);

    /// Fetches a URL by an HTTP client that knows nothing of COS.
    fn fetch(&self, method: &Method, url: &str) -> Result<Fetched, String>;

    /// Looks into the emulator; `false`, without a call, if this is a real bucket.
    fn with_emulator(&self, look: &mut dyn FnMut(&mut Emulator)) -> bool;
}

/// A driver's reader.
pub trait Reader {
    /// The next bytes; 0 at the end.
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Error>;

    /// The object's metadata: there once it is open, unless the offset is beyond its end.
    fn meta(&self) -> Option<ObjectMeta>;

    /// Whether everything was read and its CRC-64 compared.
    fn is_verified(&self) -> bool;
}

/// A driver's writer. Dropping it is what a crash of its process leaves behind.
pub trait Writer {
    /// Writes all bytes.
    fn write(&mut self, content: &[u8]) -> Result<(), Error>;

    /// The bytes there were when it opened and those written since.
    fn size(&self) -> u64;

    /// Makes everything durable without publishing it.
    fn close(&mut self) -> Result<(), Error>;

    /// Publishes the object.
    fn commit(&mut self) -> Result<UploadOutcome, Error>;

    /// Drops everything.
    fn cancel(&mut self) -> Result<(), Error>;
}

/// Where a driver gets credentials from when it has none that work.
pub type Provider = Box<dyn FnMut() -> Result<Credentials, CredentialsFailed> + Send>;

/// Something to do with a driver while others do something, too.
pub type Job<'a> = Box<dyn FnOnce(&dyn Subject) -> super::Outcome + Send + 'a>;

/// What a walk's callback wants next.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "implementers must handle all")]
pub enum Visit {
    /// The next entry.
    Continue,
    /// Nothing below this directory.
    Skip,
    /// No more, and success.
    Stop,
    /// No more, and failure.
    Fail(String),
}

/// How a walk failed.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_enums, reason = "there is no third party")]
pub enum WalkError {
    /// The driver's error.
    Driver(Error),
    /// The callback's.
    Callback(String),
}

impl From<Error> for WalkError {
    fn from(error: Error) -> Self {
        Self::Driver(error)
    }
}

/// The answer to a plain request.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "implementers build it")]
pub struct Fetched {
    /// The status.
    pub status: u16,
    /// The header fields by lower-case name.
    pub headers: BTreeMap<String, String>,
    /// The body.
    pub body: Bytes,
}

/// How much the suite does.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct Options {
    /// The full sizes of the source suite, in gigabytes.
    pub large: bool,
    /// What contents and names are made from.
    pub seed: u64,
}

impl Options {
    /// The source suite's short mode.
    pub fn new() -> Self {
        Self::default()
    }

    /// The full sizes, or not.
    #[must_use]
    pub fn large(mut self, large: bool) -> Self {
        self.large = large;
        self
    }

    /// Other contents and names; needed where several runs share a bucket.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }
}
