//! The ureq agent of a client: connections, proxy, trust, and what ureq must leave alone.

mod connect;
mod pace;
mod proxy;
mod tls;
mod veil;

use std::{num::NonZeroUsize, path::PathBuf, time::Duration};

use cos_proto::{Endpoint, Error};
use ureq::{Agent, config::AutoHeaderValue, tls::TlsConfig};

use self::connect::{Connect, ResolveOnConnect};
pub use self::proxy::Proxy;
pub(crate) use self::{connect::ConnectFailed, pace::Pace, veil::veiled};

/// How long an idle connection is kept; COS closes its side later than that.
const IDLE_AGE: Duration = Duration::from_secs(15);

/// How connections are made.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    pub(crate) connect_timeout: Duration,
    /// How many idle ones are kept at most.
    pub(crate) connections: NonZeroUsize,
    pub(crate) root_ca: Option<PathBuf>,
    pub(crate) proxy: Proxy,
}

/// An agent for requests to `endpoint`.
///
/// # Errors
/// `rootca` cannot be read, or there is no root certificate at all; the proxy's URL is wrong.
pub(crate) fn agent(endpoint: &Endpoint, options: &Options) -> Result<Agent, Error> {
    let tls = if endpoint.is_secure() {
        tls::config(options.root_ca.as_deref())?
    } else {
        TlsConfig::default()
    };
    let proxy = options.proxy.of(endpoint)?;
    Ok(plain(tls, proxy, options.connect_timeout, options.connections))
}

/// An agent for other services than COS: no proxy, no HTTPS.
pub(crate) fn direct_agent(connect_timeout: Duration) -> Agent {
    plain(TlsConfig::default(), None, connect_timeout, NonZeroUsize::MIN)
}

/// An agent that sends requests as they are and gives answers as they come: COS's signatures,
/// checksums and lengths are of the bytes on the wire.
fn plain(
    tls: TlsConfig,
    proxy: Option<ureq::Proxy>,
    connect_timeout: Duration,
    connections: NonZeroUsize,
) -> Agent {
    let config = Agent::config_builder()
        .tls_config(tls)
        .proxy(proxy)
        .http_status_as_error(false)
        .max_redirects(0)
        .accept(AutoHeaderValue::None)
        .accept_encoding(AutoHeaderValue::None)
        .user_agent(AutoHeaderValue::None)
        .timeout_connect(Some(connect_timeout))
        .max_idle_connections(connections.get())
        .max_idle_connections_per_host(connections.get())
        .max_idle_age(IDLE_AGE)
        .build();
    Agent::with_parts(config, Connect::default(), ResolveOnConnect)
}
