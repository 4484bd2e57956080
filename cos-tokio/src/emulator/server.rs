//! The listening end and its life.

use std::{fmt, io, net::SocketAddr, sync::Arc, sync::Mutex, time::Duration};

use cos_proto::{
    Error,
    emulator::{Emulator, Settings},
};
use rustls::ServerConfig;
use tokio::{
    net::TcpListener,
    runtime::{Builder, Handle, Runtime},
    sync::watch,
    task::{JoinHandle, JoinSet},
    time::{sleep, timeout},
};

use super::{
    connection::{Shared, serve, stopped},
    listen::Listen,
    spelling::spelling,
};

/// How long [`Server::shutdown`] waits for answers that are on their way.
const GRACE: Duration = Duration::from_secs(2);

/// How long a failed accept (no more file descriptors) is waited out.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// A running emulator. Dropping it closes its port and all connections.
pub struct Server {
    shared: Arc<Shared>,
    address: SocketAddr,
    scheme: &'static str,
    stop: watch::Sender<bool>,
    accepting: JoinHandle<()>,
    /// Its own, if it was started by [`Server::start_blocking`].
    runtime: Option<Runtime>,
}

impl Server {
    /// Starts an emulator. It listens when this returns.
    ///
    /// # Errors
    /// [`StartError::Settings`] if the settings break a rule, [`StartError::Listen`] if the address
    /// cannot be had.
    pub async fn start(settings: Settings, listen: Listen) -> Result<Self, StartError> {
        let emulator = Emulator::new(settings).map_err(StartError::Settings)?;
        let refused = |error| StartError::Listen(listen.address, error);
        let listener = TcpListener::bind(listen.address).await.map_err(refused)?;
        let address = listener.local_addr().map_err(refused)?;
        let scheme = if listen.tls.is_some() { "https" } else { "http" };
        let spelling = spelling().await.map_err(refused)?;
        let emulator = Mutex::new(emulator);
        let shared = Arc::new(Shared { emulator, recorder: listen.recorder, spelling });
        let (stop, stopped) = watch::channel(false);
        let accepting = tokio::spawn(accept(listener, listen.tls, Arc::clone(&shared), stopped));
        Ok(Self { shared, address, scheme, stop, accepting, runtime: None })
    }

    /// Starts an emulator on a thread of its own, for tests that are not asynchronous.
    ///
    /// # Errors
    /// As [`Server::start`]; [`StartError::Listen`] also if there can be no thread.
    ///
    /// # Panics
    /// When called from asynchronous code.
    pub fn start_blocking(settings: Settings, listen: Listen) -> Result<Self, StartError> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("cos-emulator")
            .enable_all()
            .build()
            .map_err(|error| StartError::Listen(listen.address, error))?;
        let mut server = runtime.block_on(Self::start(settings, listen))?;
        server.runtime = Some(runtime);
        Ok(server)
    }

    /// The address it listens at.
    pub fn addr(&self) -> SocketAddr {
        self.address
    }

    /// Its base URL, `http://127.0.0.1:<port>` or `https://…`; as a client's endpoint it means the
    /// first bucket.
    pub fn endpoint(&self) -> String {
        format!("{}://{}", self.scheme, self.address)
    }

    /// Looks at or changes the emulator. Requests wait meanwhile, so `look` must not wait for one.
    pub fn with<T>(&self, look: impl FnOnce(&mut Emulator) -> T) -> T {
        look(&mut self.shared.emulator())
    }

    /// Moves the emulator's clock forward.
    pub fn advance(&self, by: Duration) {
        self.with(|emulator| emulator.advance(by));
    }

    /// Closes the port, lets answers that are on their way end (for at most 2 s), closes all
    /// connections, and returns when that is done.
    pub async fn shutdown(mut self) {
        self.stop.send_replace(true);
        // It only fails if it panicked, which the panic's own message tells.
        let _ = (&mut self.accepting).await;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.accepting.abort();
        if let Some(runtime) = self.runtime.take() {
            // Asynchronous code must not block; elsewhere the port is closed when this returns.
            if Handle::try_current().is_ok() {
                runtime.shutdown_background();
            } else {
                runtime.shutdown_timeout(GRACE);
            }
        }
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Server").field("endpoint", &self.endpoint()).finish_non_exhaustive()
    }
}

/// Owns all connections: aborted, it takes them along.
async fn accept(
    listener: TcpListener,
    tls: Option<Arc<ServerConfig>>,
    shared: Arc<Shared>,
    stop: watch::Receiver<bool>,
) {
    let mut connections = JoinSet::new();
    let mut stopping = stop.clone();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    let connection = serve(stream, tls.clone(), Arc::clone(&shared), stop.clone());
                    connections.spawn(connection);
                }
                Err(_) => sleep(ACCEPT_PAUSE).await,
            },
            Some(_) = connections.join_next() => {}
            () = stopped(&mut stopping) => break,
        }
    }
    drop(listener);
    let _ = timeout(GRACE, async { while connections.join_next().await.is_some() {} }).await;
    connections.shutdown().await;
}

/// Why an emulator cannot be started.
#[derive(Debug)]
#[non_exhaustive]
pub enum StartError {
    /// The settings break a rule.
    Settings(Error),
    /// The address cannot be listened at.
    Listen(SocketAddr, io::Error),
    /// The TLS certificate chain cannot be used.
    Certificate(String),
    /// The TLS private key cannot be used, or not with the certificate.
    Key(String),
}

impl fmt::Display for StartError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Settings(_) => out.write_str("the emulator's settings break a rule"),
            Self::Listen(address, _) => write!(out, "cannot listen at {address}"),
            Self::Certificate(why) => write!(out, "the TLS certificate cannot be used: {why}"),
            Self::Key(why) => write!(out, "the TLS private key cannot be used: {why}"),
        }
    }
}

impl std::error::Error for StartError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Settings(error) => Some(error),
            Self::Listen(_, error) => Some(error),
            Self::Certificate(_) | Self::Key(_) => None,
        }
    }
}
