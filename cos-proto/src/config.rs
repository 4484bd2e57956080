//! The driver's parameters: from a string map, from environment variables that the caller reads, or
//! set one by one.
//!
//! | parameter | default | rule |
//! |---|---|---|
//! | `secretid`, `secretkey` | required | only with `credentials` = `static` |
//! | `sessiontoken` | none | of temporary credentials |
//! | `credentials` | `static` | `static`, `environment` or `cvmrole` |
//! | `region` | required | such as `ap-guangzhou` |
//! | `bucket` | required | `name-appid` |
//! | `rootdirectory` | empty | any spelling of slashes |
//! | `chunksize` | 16777216 | bytes, 5242880 (5 MiB) to 104857600 (100 MiB) |
//! | `maxconcurrency` | 10 | requests in flight, 1 to 10000 |
//! | `secure` | `true`, or by the scheme of `endpoint` | `false`: HTTP |
//! | `endpoint` | `<bucket>.cos.<region>.myqcloud.com` | `[http[s]://]host[:port]` of the bucket |
//! | `redirectendpoint` | none | the same, for presigned URLs only |
//! | `storageclass` | the bucket's | a COS storage class, in any case |
//! | `encrypt` | `false` | server-side encryption: SSE-COS, with `keyid` SSE-KMS |
//! | `keyid` | none | a key of the key management service; needs `encrypt` |
//! | `multipartcopythresholdsize` | 1073741824 (1 GiB) | larger objects are copied in parts; 0 to 5 GiB |
//! | `multipartcopychunksize` | 134217728 (128 MiB) | bytes, 5 MiB to 5 GiB |
//! | `multipartcopymaxconcurrency` | 10 | part copies in flight per copy, 1 to 10000 |
//! | `useragent` | `cos-proto/<version>` | the header `User-Agent` |
//! | `rootca` | none | a PEM file with more certificates to trust |
//! | `connecttimeout` | 10s | 1ms to 24h |
//! | `idletimeout` | 60s | 1ms to 24h |
//! | `calldeadline` | 300s | 1s to 24h |
//!
//! Names are those of the registry's s3 driver where it has one, and are spelled exactly so; an
//! unknown name is refused. Values may be text, integers or booleans; numbers and booleans in text
//! are read as the Go registry reads them (`0x1000000`, `16_777_216`, `T`), durations as whole
//! seconds or as Go writes them (`1m30s`).

mod builder;
mod defaults;
mod names;
mod parameters;
mod spelling;
mod value;
mod variables;

#[cfg(test)]
mod tests;

use std::{num::NonZeroUsize, time::Duration};

pub use self::{
    builder::Builder,
    defaults::{
        DEFAULT_CALL_DEADLINE, DEFAULT_CHUNK_SIZE, DEFAULT_CONNECT_TIMEOUT, DEFAULT_IDLE_TIMEOUT,
        DEFAULT_MAX_CONCURRENCY,
    },
    value::Value,
};
use crate::{
    Bucket, Credentials, Endpoint, Error, Region, RootDirectory, Session,
    api::{Encryption, ObjectOptions, StorageClass},
};

/// Checked parameters of a driver; see the [module](self) for each of them.
///
/// `Debug` shows no secret.
#[derive(Clone, Debug)]
pub struct Config {
    credentials: CredentialsSource,
    bucket: Bucket,
    region: Region,
    endpoint: Endpoint,
    redirect_endpoint: Option<Endpoint>,
    root_directory: RootDirectory,
    chunk_size: u64,
    max_concurrency: NonZeroUsize,
    storage_class: Option<StorageClass>,
    encryption: Encryption,
    copy_threshold: u64,
    copy_part_size: u64,
    copy_concurrency: NonZeroUsize,
    user_agent: Option<String>,
    root_ca: Option<String>,
    connect_timeout: Duration,
    idle_timeout: Duration,
    call_deadline: Duration,
}

/// Where a driver's credentials come from.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CredentialsSource {
    /// The parameters `secretid`, `secretkey` and `sessiontoken`.
    Static(Credentials),
    /// Environment variables, which the adapter reads.
    Environment,
    /// The role of the CVM instance, from its metadata service.
    CvmRole,
    /// A provider that the program passes to the adapter.
    Program,
}

impl Config {
    /// Reads parameters by name, such as a configuration file gives them. Of a name that comes
    /// twice the last value counts.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidParameter`](crate::ErrorKind::InvalidParameter): an unknown name, a
    /// missing parameter (all of them are named), or a value that breaks its rule. The message
    /// names the parameter, the value unless it is a secret, and the rule.
    pub fn from_parameters<N, V>(
        parameters: impl IntoIterator<Item = (N, V)>,
    ) -> Result<Self, Error>
    where
        N: Into<String>,
        V: Into<Value>,
    {
        Self::builder().parameters(parameters).build()
    }

    /// Sets parameters one by one.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// A new session with the endpoints, the User-Agent, the deadline and, where they are static,
    /// the credentials.
    pub fn session(&self) -> Session {
        let mut session =
            Session::new(self.bucket.clone(), self.region.clone(), self.endpoint.clone())
                .with_call_deadline(self.call_deadline);
        if let Some(redirect) = &self.redirect_endpoint {
            session = session.with_redirect(redirect.clone());
        }
        if let Some(user_agent) = &self.user_agent {
            session = session.with_user_agent(user_agent.clone());
        }
        match &self.credentials {
            CredentialsSource::Static(credentials) => session.with_credentials(credentials.clone()),
            CredentialsSource::Environment
            | CredentialsSource::CvmRole
            | CredentialsSource::Program => session,
        }
    }

    /// Where the credentials come from.
    pub fn credentials_source(&self) -> &CredentialsSource {
        &self.credentials
    }

    /// `bucket`.
    pub fn bucket(&self) -> &Bucket {
        &self.bucket
    }

    /// `region`.
    pub fn region(&self) -> &Region {
        &self.region
    }

    /// Where requests go: `endpoint`, or the bucket's default host.
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// `redirectendpoint`.
    pub fn redirect_endpoint(&self) -> Option<&Endpoint> {
        self.redirect_endpoint.as_ref()
    }

    /// Whether requests go by HTTPS: `secure`, or the scheme of `endpoint`.
    pub fn is_secure(&self) -> bool {
        self.endpoint.is_secure()
    }

    /// `rootdirectory`.
    pub fn root_directory(&self) -> &RootDirectory {
        &self.root_directory
    }

    /// `chunksize` in bytes.
    pub fn chunk_size(&self) -> u64 {
        self.chunk_size
    }

    /// `maxconcurrency`: how many requests are in flight at most.
    pub fn max_concurrency(&self) -> NonZeroUsize {
        self.max_concurrency
    }

    /// The bytes that all writers together may hold beyond one chunk each: `maxconcurrency` ×
    /// `chunksize`.
    pub fn memory_budget(&self) -> u64 {
        let writers = u64::try_from(self.max_concurrency.get()).unwrap_or(u64::MAX);
        self.chunk_size.saturating_mul(writers)
    }

    /// `storageclass`; `None` leaves it to the bucket.
    pub fn storage_class(&self) -> Option<&StorageClass> {
        self.storage_class.as_ref()
    }

    /// `encrypt` and `keyid`.
    pub fn encryption(&self) -> &Encryption {
        &self.encryption
    }

    /// The options of every object that the driver writes.
    pub fn object_options(&self) -> ObjectOptions {
        let options = ObjectOptions::new().encryption(self.encryption.clone());
        match &self.storage_class {
            Some(class) => options.storage_class(class.clone()),
            None => options,
        }
    }

    /// `multipartcopythresholdsize` in bytes: larger objects are copied in parts.
    pub fn multipart_copy_threshold(&self) -> u64 {
        self.copy_threshold
    }

    /// `multipartcopychunksize` in bytes.
    pub fn multipart_copy_part_size(&self) -> u64 {
        self.copy_part_size
    }

    /// `multipartcopymaxconcurrency`: part copies of one copy in flight.
    pub fn multipart_copy_concurrency(&self) -> NonZeroUsize {
        self.copy_concurrency
    }

    /// `useragent`.
    pub fn user_agent(&self) -> Option<&str> {
        self.user_agent.as_deref()
    }

    /// `rootca`: the path of a PEM file.
    pub fn root_ca(&self) -> Option<&str> {
        self.root_ca.as_deref()
    }

    /// `connecttimeout`.
    pub fn connect_timeout(&self) -> Duration {
        self.connect_timeout
    }

    /// `idletimeout`.
    pub fn idle_timeout(&self) -> Duration {
        self.idle_timeout
    }

    /// `calldeadline`: how long one call may take over all its attempts.
    pub fn call_deadline(&self) -> Duration {
        self.call_deadline
    }
}
