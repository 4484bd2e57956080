//! The storage driver of a container registry, on paths: the rules of its contract on top of the
//! operations on keys (registry/storage/driver/storagedriver.go, base/base.go).
//!
//! A [`Driver`] is a value without I/O that both adapters share. A method checks its arguments and
//! gives the operation that does it, for the adapter to run:
//!
//! ```text
//! let operation = driver.stat(path)?;                              // refused before any request
//! let info = run(operation, driver.policy())                       // the adapter's part
//!     .map_err(|error| driver.error(path, error))?;                // names the driver and the path
//! let info = driver.file_info(path, &info);
//! ```
//!
//! | checked, in this order | by |
//! |---|---|
//! | offset not negative | `reader` |
//! | path in the grammar; `/` only for `stat`, `list` and `walk` | all |
//! | source, then destination | `rename` |

mod entry;
mod naming;
mod settings;

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::Method;

pub use self::{entry::FileInfo, naming::Naming, settings::DriverSettings};
use crate::{
    DriverPath, Error, ErrorKind, Key, MemoryBudget, Payload, Policy, Presign, PresignedUrl,
    Recent, Session, Ticks, UnixTime,
    api::{CopyOptions, GetOptions, MetadataDirective},
    config::Config,
    op::{
        Append, DeleteTree, Download, DownloadOptions, Fetch, ListChildren, Move, Put, Stat,
        StatInfo, Sweep, Upload, UploadOptions, Walk, WalkOptions,
    },
    path::is_driver_path,
};

/// The driver's name, which is in the text of every error of it.
pub const NAME: &str = "cos";

/// How long a redirect is valid unless the caller says otherwise, as in the registry's s3 driver.
pub const REDIRECT_EXPIRY: Duration = Duration::from_secs(20 * 60);

/// The storage driver without its I/O. Cloning is cheap: the clones share session, memory budget
/// and what was written lately.
#[derive(Clone, Debug)]
pub struct Driver(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    session: Session,
    settings: DriverSettings,
    budget: MemoryBudget,
    recent: Recent,
}

impl Driver {
    /// A driver of this configuration. The session is [`Config::session`], or one that shares its
    /// credentials with others.
    pub fn new(config: &Config, session: Session) -> Self {
        Self::with_settings(session, DriverSettings::from(config))
    }

    /// A driver on the bucket of `session`.
    pub fn with_settings(session: Session, settings: DriverSettings) -> Self {
        let budget = MemoryBudget::new(settings.memory_budget());
        let recent = Recent::new(&session);
        Self(Arc::new(Inner { session, settings, budget, recent }))
    }

    /// Its writers share `budget` with others, such as those of a client on keys, instead of having
    /// one of their own. Call it before the driver is shared.
    #[must_use]
    pub fn with_memory_budget(mut self, budget: MemoryBudget) -> Self {
        if let Some(inner) = Arc::get_mut(&mut self.0) {
            inner.budget = budget;
        }
        self
    }

    /// The driver's name, [`NAME`].
    pub fn name(&self) -> &'static str {
        NAME
    }

    /// The session that all its operations share.
    pub fn session(&self) -> &Session {
        &self.0.session
    }

    /// What it was set up with.
    pub fn settings(&self) -> &DriverSettings {
        &self.0.settings
    }

    /// The memory that its writers share.
    pub fn memory_budget(&self) -> &MemoryBudget {
        &self.0.budget
    }

    /// What it has written lately.
    pub fn recent(&self) -> &Recent {
        &self.0.recent
    }

    /// How most operations are delivered: as many calls at once as there are permits.
    pub fn policy(&self) -> Policy {
        let settings = &self.0.settings;
        let policy = Policy::default()
            .call_deadline(settings.call_deadline)
            .in_flight_max(settings.max_concurrency);
        #[cfg(feature = "sim")]
        let policy = policy.simulated(crate::sim::Simulated {
            planted: settings.planted,
            part_bytes_min: settings.part_bytes_min,
        });
        policy
    }

    /// How writers and other operations that move many bytes are delivered: one call fewer at once,
    /// if that leaves any.
    pub fn bulk_policy(&self) -> Policy {
        self.policy().in_flight_max(self.0.settings.bulk_concurrency())
    }

    /// How a [`rename`](Self::rename) is delivered.
    pub fn copy_policy(&self) -> Policy {
        let settings = &self.0.settings;
        self.policy().in_flight_max(settings.bulk_concurrency().min(settings.copy_concurrency))
    }

    /// Reads a whole object of at most [`DriverSettings::content_limit`] bytes.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidPath`]. Of the operation: [`ErrorKind::PathNotFound`],
    /// [`ErrorKind::TooLarge`].
    pub fn get_content(&self, path: &str) -> Result<Fetch, Error> {
        let key = self.key(path)?;
        Ok(Fetch::new(key, GetOptions::default(), self.0.settings.content_limit))
    }

    /// Creates or replaces an object.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidPath`].
    pub fn put_content(&self, path: &str, content: impl Into<Bytes>) -> Result<Put, Error> {
        let key = self.key(path)?;
        let options = self.0.settings.object_options.clone();
        let payload = Payload::from(content.into());
        Ok(Put::new(key, options, payload, Some(self.0.recent.clone())))
    }

    /// Reads an object from `offset` to its end; from beyond its end there is nothing to read.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidOffset`] if it is negative, [`ErrorKind::InvalidPath`]. Of the
    /// operation: [`ErrorKind::PathNotFound`].
    pub fn reader(&self, path: &str, offset: i64) -> Result<Download, Error> {
        let (key, options) = self.read_from(path, offset)?;
        Ok(Download::new(key, options))
    }

    /// What a [`reader`](Self::reader) reads, for one that is to read it in another way, such as
    /// [`ReadAhead`](crate::op::ReadAhead).
    ///
    /// # Errors
    /// [`ErrorKind::InvalidOffset`] if the offset is negative, [`ErrorKind::InvalidPath`].
    pub fn read_from(&self, path: &str, offset: i64) -> Result<(Key, DownloadOptions), Error> {
        let Ok(from) = u64::try_from(offset) else {
            let error = Error::new(ErrorKind::InvalidOffset { offset }, "must not be negative");
            return Err(error.in_driver(NAME, path));
        };
        Ok((self.key(path)?, DownloadOptions::default().offset(from)))
    }

    /// Writes an object: from nothing, or after what an earlier writer has closed.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidPath`], also if the resume record's key would be too long. Of the
    /// operation, when it appends: [`ErrorKind::PathNotFound`], [`ErrorKind::AlreadyCommitted`].
    pub fn writer(&self, path: &str, append: Append) -> Result<Upload, Error> {
        let key = self.key(path)?;
        let settings = &self.0.settings;
        let options = UploadOptions::new(self.0.budget.clone())
            .object(settings.object_options.clone())
            .chunk_size(settings.chunk_size)
            .recent(self.0.recent.clone());
        Upload::with_record(key, append, options).map_err(|error| error.in_driver(NAME, path))
    }

    /// Describes a file or directory; [`file_info`](Self::file_info) reads the answer.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidPath`]. Of the operation: [`ErrorKind::PathNotFound`].
    pub fn stat(&self, path: &str) -> Result<Stat, Error> {
        let directory = path_or_root(path)?;
        let key = if directory.is_root() { None } else { Some(self.key(path)?) };
        Ok(Stat::new(key, self.0.settings.root_directory.prefix_of(&directory)))
    }

    /// The answer of a [`stat`](Self::stat).
    pub fn file_info(&self, path: &str, info: &StatInfo) -> FileInfo {
        FileInfo::new(path, info)
    }

    /// Lists the direct children of a directory as full paths.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidPath`]. Of the operation: [`ErrorKind::PathNotFound`], except for `/`;
    /// [`ErrorKind::TooLarge`] beyond 256 MiB of paths.
    pub fn list(&self, path: &str) -> Result<ListChildren, Error> {
        let path = path_or_root(path)?;
        Ok(ListChildren::new(&self.0.settings.root_directory, path))
    }

    /// Moves a file; a file at the destination is replaced.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidPath`] of the source, then of the destination. Of the operation:
    /// [`ErrorKind::PathNotFound`] of the source, with the destination as it was.
    pub fn rename(&self, source: &str, destination: &str) -> Result<Move, Error> {
        let (from, to) = (self.key(source)?, self.key(destination)?);
        let object = &self.0.settings.object_options;
        // Options that describe objects are given to every object, so to the copy, too.
        let options = CopyOptions::new(object.clone(), MetadataDirective::Copy)
            .or_else(|_| CopyOptions::new(object.clone(), MetadataDirective::Replaced))
            .map_err(|error| error.in_driver(NAME, destination))?;
        let limits = self.0.settings.copy_limits;
        Ok(Move::new(from, to, options, limits).with_recent(self.0.recent.clone()))
    }

    /// Deletes a file or directory with everything below it and all unfinished uploads. `now` is
    /// the caller's monotonic clock: what was written lately is deleted although lists lag.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidPath`]. Of the operation: [`ErrorKind::PathNotFound`].
    pub fn delete(&self, now: Ticks, path: &str) -> Result<DeleteTree, Error> {
        Ok(DeleteTree::new(self.key(path)?).with_recent(self.0.recent.clone(), now))
    }

    /// Walks everything below a directory in the order of its keys.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidPath`].
    pub fn walk(&self, path: &str, options: &WalkOptions) -> Result<Walk, Error> {
        let path = path_or_root(path)?;
        Ok(Walk::new(&self.0.settings.root_directory, &path, options))
    }

    /// Aborts uploads below the root directory that are older than `age`, by the service's clock, and
    /// were not in use since, and deletes their records.
    pub fn sweep(&self, age: Duration) -> Sweep {
        Sweep::new(self.0.settings.root_directory.prefix(), age)
    }

    /// A URL by which a client reads the object itself, valid for GET or for HEAD, for `expires`
    /// or else [`REDIRECT_EXPIRY`]; `None` for any other method. Whether there is such an object is
    /// not checked.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidPath`]; [`ErrorKind::InvalidParameter`] for a time of no length;
    /// [`ErrorKind::Credentials`] while the session has none.
    pub fn redirect_url(
        &self,
        now: UnixTime,
        method: &Method,
        path: &str,
        expires: Option<Duration>,
    ) -> Result<Option<PresignedUrl>, Error> {
        let key = self.key(path)?;
        if !matches!(*method, Method::GET | Method::HEAD) {
            return Ok(None);
        }
        let expires = expires.unwrap_or(REDIRECT_EXPIRY);
        if expires < Duration::from_secs(1) {
            let error = Error::invalid_parameter(
                "expires",
                &format!("{expires:?}"),
                "a URL is valid for at least one second",
            );
            return Err(error.in_driver(NAME, path));
        }
        let presign = Presign::new(method.clone(), key).expires(expires);
        match self.0.session.presign(now, &presign) {
            Ok(url) => Ok(Some(url)),
            Err(error) => Err(error.in_driver(NAME, path)),
        }
    }

    /// An operation's error as the caller is to see it: with the driver's name and, instead of a
    /// key, the path that it stands for; `path` is the one that the caller named.
    pub fn error(&self, path: &str, error: Error) -> Error {
        if error.driver().is_some() {
            return error;
        }
        let named = error.path().and_then(|key| self.path_of(key));
        error.in_driver(NAME, named.as_deref().unwrap_or(path))
    }

    /// Names the errors of a handle that stands for `path`, as [`error`](Self::error) does.
    pub fn naming(&self, path: &str) -> Naming {
        Naming::path(self.clone(), path)
    }

    /// The path of a key, if it has one.
    pub fn path_of(&self, key: &str) -> Option<String> {
        self.0.settings.root_directory.path_of(key).filter(|path| is_driver_path(path))
    }

    fn key(&self, path: &str) -> Result<Key, Error> {
        DriverPath::new(path)
            .and_then(|path| self.0.settings.root_directory.key(&path))
            .map_err(|error| error.in_driver(NAME, path))
    }
}

fn path_or_root(path: &str) -> Result<DriverPath, Error> {
    DriverPath::or_root(path).map_err(|error| error.in_driver(NAME, path))
}

#[cfg(test)]
mod tests;
