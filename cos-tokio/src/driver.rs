//! The storage driver: operations on paths.

use std::{env, time::Duration};

use bytes::Bytes;
use cos_proto::{
    Error, Operation, Policy, PresignedUrl,
    config::Config,
    driver::{self, FileInfo},
    op::{Append, ReadAheadOptions, SweepOutcome, WalkControl, WalkEntry, WalkOptions},
};
use http::Method;

use crate::{builder::ClientBuilder, client::Client, reader::Reader, walk::Walk, writer::Writer};

/// The storage driver of a container registry, by the contract of CNCF Distribution.
///
/// Paths are absolute: `/` and components of `a-z A-Z 0-9 . _ -`, separated by single slashes. Every
/// error names the driver and the caller's path. Cloning is cheap; clones share everything.
///
/// ```no_run
/// # async fn example() -> Result<(), cos_proto::Error> {
/// use cos_tokio::{Append, Driver};
///
/// let driver = Driver::from_env()?;
/// driver.put_content("/greeting", "hello").await?;
/// let mut writer = driver.writer("/blob", Append::No).await?;
/// writer.write("a large blob").await?;
/// writer.commit().await?;
/// let mut reader = driver.reader("/blob", 2).await?;
/// while let Some(bytes) = reader.chunk().await? {
///     println!("{} bytes", bytes.len());
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Driver {
    core: driver::Driver,
    client: Client,
}

impl Driver {
    /// A driver with these parameters.
    ///
    /// # Errors
    /// As [`ClientBuilder::build`].
    pub fn from_config(config: &Config) -> Result<Self, Error> {
        Self::from_builder(config, ClientBuilder::from_config(config))
    }

    /// A driver with the parameters in the environment variables `REGISTRY_STORAGE_COS_*`, or, if
    /// there is none of them, in `COS_SECRET_ID`, `COS_SECRET_KEY`, `COS_BUCKET` and `COS_REGION`.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidParameter`](cos_proto::ErrorKind::InvalidParameter) naming the parameter;
    /// otherwise as [`ClientBuilder::build`].
    pub fn from_env() -> Result<Self, Error> {
        // A name or a value that is no text cannot be a parameter.
        let variables = env::vars_os().filter_map(|(name, value)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        });
        Self::from_config(&Config::from_environment_pairs(variables)?)
    }

    /// A driver with these parameters on a client that is configured further: another provider of
    /// credentials, an observer, a proxy.
    ///
    /// # Errors
    /// As [`ClientBuilder::build`].
    pub fn from_builder(config: &Config, builder: ClientBuilder) -> Result<Self, Error> {
        let client = builder.build()?;
        let core = driver::Driver::new(config, client.session().clone())
            .with_memory_budget(client.shared.budget.clone());
        Ok(Self { core, client })
    }

    /// The driver's name, `cos`.
    pub fn name(&self) -> &'static str {
        self.core.name()
    }

    /// The client below it, for operations on keys.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Reads a whole file of at most 64 MiB.
    ///
    /// # Errors
    /// [`PathNotFound`](cos_proto::ErrorKind::PathNotFound), also for a directory;
    /// [`TooLarge`](cos_proto::ErrorKind::TooLarge).
    pub async fn get_content(&self, path: &str) -> Result<Bytes, Error> {
        let fetched = self.run(path, self.core.get_content(path)?, self.core.policy()).await?;
        Ok(fetched.body)
    }

    /// Creates or replaces a file.
    ///
    /// # Errors
    /// [`InvalidPath`](cos_proto::ErrorKind::InvalidPath); otherwise as
    /// [`Put`](cos_proto::op::Put).
    pub async fn put_content(&self, path: &str, content: impl Into<Bytes>) -> Result<(), Error> {
        let put = self.core.put_content(path, content);
        self.run(path, put?, self.core.policy()).await.map(drop)
    }

    /// Reads a file from `offset` to its end; from beyond its end there is nothing to read.
    ///
    /// # Errors
    /// [`InvalidOffset`](cos_proto::ErrorKind::InvalidOffset) if it is negative,
    /// [`PathNotFound`](cos_proto::ErrorKind::PathNotFound).
    pub async fn reader(&self, path: &str, offset: i64) -> Result<Reader, Error> {
        let (key, options) = self.core.read_from(path, offset)?;
        Reader::open(&self.client, key, options, self.core.naming(path)).await
    }

    /// The same, several ranges at once: faster where a connection is slower than the line. See
    /// [`ReadAheadOptions`] for what it may hold.
    ///
    /// # Errors
    /// As for [`reader`](Self::reader).
    pub async fn reader_ahead(
        &self,
        path: &str,
        offset: i64,
        ahead: ReadAheadOptions,
    ) -> Result<Reader, Error> {
        let (key, options) = self.core.read_from(path, offset)?;
        let options = options.read_ahead(ahead);
        Reader::open(&self.client, key, options, self.core.naming(path)).await
    }

    /// Writes a file: from nothing, or after what an earlier writer has closed.
    ///
    /// # Errors
    /// When it appends, [`PathNotFound`](cos_proto::ErrorKind::PathNotFound) if there is nothing to
    /// go on from, and [`AlreadyCommitted`](cos_proto::ErrorKind::AlreadyCommitted) if there is a
    /// finished file with content.
    pub async fn writer(&self, path: &str, append: Append) -> Result<Writer, Error> {
        let upload = self.core.writer(path, append)?;
        let drive = self.client.drive(upload, self.core.bulk_policy());
        Writer::new(drive, self.core.naming(path)).open().await
    }

    /// Describes a file or directory.
    ///
    /// # Errors
    /// [`PathNotFound`](cos_proto::ErrorKind::PathNotFound).
    pub async fn stat(&self, path: &str) -> Result<FileInfo, Error> {
        let info = self.run(path, self.core.stat(path)?, self.core.policy()).await?;
        Ok(self.core.file_info(path, &info))
    }

    /// Lists the direct children of a directory as full paths.
    ///
    /// # Errors
    /// [`PathNotFound`](cos_proto::ErrorKind::PathNotFound), except for `/`;
    /// [`TooLarge`](cos_proto::ErrorKind::TooLarge) beyond 256 MiB of paths: walk such a directory.
    pub async fn list(&self, path: &str) -> Result<Vec<String>, Error> {
        self.run(path, self.core.list(path)?, self.core.policy()).await
    }

    /// Moves a file; a file at the destination is replaced.
    ///
    /// # Errors
    /// [`PathNotFound`](cos_proto::ErrorKind::PathNotFound) of the source.
    pub async fn rename(&self, source: &str, destination: &str) -> Result<(), Error> {
        let rename = self.core.rename(source, destination);
        self.run(source, rename?, self.core.copy_policy()).await.map(drop)
    }

    /// Deletes a file or directory with everything below it and all unfinished uploads there.
    ///
    /// # Errors
    /// [`PathNotFound`](cos_proto::ErrorKind::PathNotFound) if there is nothing at all;
    /// [`Error::failures`] names what could not be deleted.
    pub async fn delete(&self, path: &str) -> Result<(), Error> {
        let delete = self.core.delete(self.client.shared.now().ticks, path);
        self.run(path, delete?, self.core.policy()).await.map(drop)
    }

    /// Walks everything below a directory. A directory that does not exist has no entries.
    ///
    /// # Errors
    /// [`InvalidPath`](cos_proto::ErrorKind::InvalidPath).
    pub fn walk(&self, path: &str, options: &WalkOptions) -> Result<Walk, Error> {
        let walk = self.core.walk(path, options)?;
        Ok(Walk::new(&self.client, walk, self.core.bulk_policy(), self.core.naming(path)))
    }

    /// Walks everything below a directory and gives every entry to `visit`, which says how to go on.
    ///
    /// # Errors
    /// The first that `visit` returns, or the walk's own.
    pub async fn walk_with<E: From<Error>>(
        &self,
        path: &str,
        options: &WalkOptions,
        visit: impl FnMut(WalkEntry) -> Result<WalkControl, E>,
    ) -> Result<(), E> {
        self.walk(path, options)?.visit(visit).await
    }

    /// A URL by which a client reads the file itself, valid for GET or for HEAD, for 20 minutes
    /// unless `expires` says otherwise; `None` for any other method. Whether there is such a file is
    /// not checked, and nothing is sent, but the credentials provider may be asked.
    ///
    /// # Errors
    /// [`Credentials`](cos_proto::ErrorKind::Credentials) if there are none.
    pub async fn redirect_url(
        &self,
        method: &Method,
        path: &str,
        expires: Option<Duration>,
    ) -> Result<Option<PresignedUrl>, Error> {
        self.client.fresh_credentials().await;
        self.core.redirect_url(self.client.shared.now().unix, method, path, expires)
    }

    /// Aborts the uploads below the root directory that are older than `age`, by the service's
    /// clock, and deletes their records.
    ///
    /// # Errors
    /// [`Error::failures`] names what could not be aborted or deleted.
    pub async fn sweep(&self, age: Duration) -> Result<SweepOutcome, Error> {
        self.run("/", self.core.sweep(age), self.core.policy()).await
    }

    async fn run<O, T>(&self, path: &str, operation: O, policy: Policy) -> Result<T, Error>
    where
        O: Operation<Output = Result<T, Error>>,
    {
        let mut drive = self.client.drive_to_its_end(operation, policy);
        drive.finish().await.map_err(|error| self.core.error(path, error))
    }
}
