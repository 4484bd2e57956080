//! How a client is configured.

use std::{fmt, num::NonZeroUsize, path::PathBuf, sync::Arc, time::Duration};

use cos_proto::{
    CredentialsFailed, Error, MemoryBudget, Observer, Policy, Session, TracingObserver,
    config::{self, Config, CredentialsSource},
};

use crate::{
    client::Client,
    connect::Proxy,
    credentials::{CredentialsProvider, CvmRole, Environment, ProvidedCredentials, SingleFlight},
    permits::Permits,
    shared::{Clock, Seeds, Shared},
    transport::{Options, Transport},
};

/// Configures a [`Client`].
#[derive(Clone)]
#[must_use]
pub struct ClientBuilder {
    session: Session,
    max_concurrency: NonZeroUsize,
    idle_timeout: Duration,
    call_deadline: Duration,
    provider: Arc<dyn CredentialsProvider>,
    observer: Arc<dyn Observer>,
    chunk_size: u64,
    options: Options,
}

impl ClientBuilder {
    pub(crate) fn new(session: Session) -> Self {
        Self {
            session,
            max_concurrency: config::DEFAULT_MAX_CONCURRENCY,
            idle_timeout: config::DEFAULT_IDLE_TIMEOUT,
            call_deadline: config::DEFAULT_CALL_DEADLINE,
            provider: Arc::new(NoProvider),
            observer: Arc::new(TracingObserver),
            chunk_size: config::DEFAULT_CHUNK_SIZE,
            options: Options {
                connect_timeout: config::DEFAULT_CONNECT_TIMEOUT,
                connections: 0,
                root_ca: None,
                proxy: Proxy::Environment,
            },
        }
    }

    /// As a driver's parameters say.
    pub fn from_config(config: &Config) -> Self {
        let mut builder = Self::new(config.session())
            .max_concurrency(config.max_concurrency())
            .chunk_size(config.chunk_size())
            .connect_timeout(config.connect_timeout())
            .idle_timeout(config.idle_timeout())
            .call_deadline(config.call_deadline());
        if let Some(path) = config.root_ca() {
            builder = builder.root_ca(path);
        }
        match config.credentials_source() {
            CredentialsSource::Static(credentials) => builder.credentials(credentials.clone()),
            CredentialsSource::Environment => builder.credentials(Environment),
            CredentialsSource::CvmRole => builder.credentials(CvmRole::new()),
            // The program's provider is its to give.
            _ => builder,
        }
    }

    /// Where credentials come from. Without it only a session that has credentials can sign.
    pub fn credentials(mut self, provider: impl CredentialsProvider + 'static) -> Self {
        self.provider = Arc::new(provider);
        self
    }

    /// Who is told about attempts, memory and permits, instead of [`TracingObserver`].
    pub fn observer(mut self, observer: impl Observer + 'static) -> Self {
        self.observer = Arc::new(observer);
        self
    }

    /// How many requests run at once, over all operations; 10 unless given.
    pub fn max_concurrency(mut self, requests: NonZeroUsize) -> Self {
        self.max_concurrency = requests;
        self
    }

    /// Bytes per part of an upload, 1 MiB at least; 16 MiB unless given. All writers together hold
    /// one chunk each, and `max_concurrency` chunks besides.
    pub fn chunk_size(mut self, bytes: u64) -> Self {
        self.chunk_size = bytes;
        self
    }

    /// How long connecting may take: name, TCP, proxy and TLS; 10 s unless given.
    pub fn connect_timeout(mut self, time: Duration) -> Self {
        self.options.connect_timeout = time;
        self
    }

    /// How long the body of an answer may bring nothing while somebody waits for it; 60 s unless
    /// given. A reader that takes its time with what it has does not count, nor do the calls that COS
    /// may work on for minutes. [`TimeLimits`](cos_proto::TimeLimits) has the whole table.
    pub fn idle_timeout(mut self, time: Duration) -> Self {
        self.idle_timeout = time;
        self
    }

    /// How long one call may take over all its attempts and pauses, without the time it waits for a
    /// permit and, of a download, without its body; 300 s unless given.
    pub fn call_deadline(mut self, time: Duration) -> Self {
        self.call_deadline = time;
        self
    }

    /// A PEM file of root certificates that are trusted beside the system's.
    pub fn root_ca(mut self, path: impl Into<PathBuf>) -> Self {
        self.options.root_ca = Some(path.into());
        self
    }

    /// Which proxy to use; that of the environment unless given.
    pub fn proxy(mut self, proxy: Proxy) -> Self {
        self.options.proxy = proxy;
        self
    }

    /// Makes the client. Nothing is connected yet.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidParameter`](cos_proto::ErrorKind::InvalidParameter) naming `rootca`, if it
    /// cannot be read or there is no root certificate at all, or naming the proxy.
    pub fn build(self) -> Result<Client, Error> {
        let session = self.session.with_call_deadline(self.call_deadline);
        let options = Options { connections: self.max_concurrency.get(), ..self.options };
        let chunks = u64::try_from(self.max_concurrency.get()).unwrap_or(u64::MAX);
        let shared = Shared {
            transport: Transport::new(session.endpoint(), &options)?,
            permits: Permits::new(self.max_concurrency.get(), Arc::clone(&self.observer)),
            credentials: SingleFlight::new(self.provider, session.clone()),
            budget: MemoryBudget::observed(self.chunk_size.saturating_mul(chunks), self.observer),
            idle_timeout: self.idle_timeout,
            policy: Policy::default().call_deadline(self.call_deadline),
            max_concurrency: self.max_concurrency,
            chunk_size: self.chunk_size,
            clock: Clock::new(),
            seeds: Seeds::new(),
            session,
        };
        Ok(Client { shared: Arc::new(shared) })
    }
}

/// Stands for a provider where none was given.
#[derive(Debug)]
struct NoProvider;

impl CredentialsProvider for NoProvider {
    fn credentials(&self) -> ProvidedCredentials<'_> {
        let failed =
            CredentialsFailed::new("the client was given neither credentials nor a provider");
        Box::pin(std::future::ready(Err(failed)))
    }
}

impl fmt::Debug for ClientBuilder {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("ClientBuilder")
            .field("session", &self.session)
            .field("max_concurrency", &self.max_concurrency)
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}
