//! The HTTP client below everything: one pool of connections to the endpoint.

use std::{mem, path::PathBuf, time::Duration};

use cos_proto::{Endpoint, Error, ErrorKind, Failure, Payload};
use http::{HeaderValue, Request, Response, Uri, header::PROXY_AUTHORIZATION, uri::Authority};
use hyper::body::Incoming;
use hyper_util::{
    client::legacy,
    rt::{TokioExecutor, TokioTimer},
};
use rustls::RootCertStore;

use crate::{
    body::PayloadBody,
    connect::{Connector, Proxy},
    failure, tls,
};

/// How to reach the endpoint.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    pub(crate) connect_timeout: Duration,
    pub(crate) connections: usize,
    pub(crate) root_ca: Option<PathBuf>,
    pub(crate) proxy: Proxy,
}

/// Sends requests over pooled connections.
pub(crate) struct Transport {
    http: legacy::Client<Connector, PayloadBody>,
    /// Whether a proxy reads the requests themselves.
    forwarded: bool,
    /// For that proxy.
    proxy_authorization: Option<HeaderValue>,
}

/// Shorter than the idle time-outs of load balancers, so that a connection is rarely closed under a
/// request.
const POOL_IDLE: Duration = Duration::from_secs(20);

impl Transport {
    /// # Errors
    /// [`ErrorKind::InvalidParameter`] naming `rootca` or the proxy.
    pub(crate) fn new(endpoint: &Endpoint, options: &Options) -> Result<Self, Error> {
        let uri: Uri = endpoint.to_string().parse().map_err(|error| {
            Error::new(ErrorKind::InvalidParameter, format!("endpoint: {error}"))
        })?;
        let secure = endpoint.is_secure();
        let proxy = options.proxy.on_the_way_to(&uri)?;
        let proxy_secure = proxy.as_ref().is_some_and(|p| p.uri().scheme_str() == Some("https"));
        let tls = if secure || proxy_secure {
            tls::client_config(options.root_ca.as_deref())?
        } else {
            // Never used: it trusts nobody.
            tls::trusting(RootCertStore::empty())?
        };
        let connector = Connector::new(uri, tls, proxy.as_ref(), options.connect_timeout);
        let http = legacy::Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(POOL_IDLE)
            .pool_max_idle_per_host(options.connections)
            .set_host(false)
            .build(connector);
        let forwarding = proxy.filter(|_| !secure);
        Ok(Self {
            http,
            forwarded: forwarding.is_some(),
            proxy_authorization: forwarding.and_then(|proxy| proxy.basic_auth().cloned()),
        })
    }

    /// Sends one request and waits for the head of its answer.
    ///
    /// A pooled connection that turns out to be closed before anything was written is replaced
    /// without a word.
    pub(crate) fn send(
        &self,
        request: Request<Payload>,
    ) -> impl Future<Output = Result<Response<Incoming>, Failure>> + use<> {
        let mut request = request.map(PayloadBody::from);
        if !self.forwarded {
            abbreviate(request.uri_mut());
        }
        if let Some(authorization) = &self.proxy_authorization {
            request.headers_mut().insert(PROXY_AUTHORIZATION, authorization.clone());
        }
        // hyper boxes what it does, so that the request is not moved again.
        let sending = self.http.request(request);
        async move { sending.await.map_err(failure::of_request) }
    }
}

/// Shortens the URI's authority, by which hyper knows its connections: it hashes it three times for
/// each request, byte by byte, and all of ours go to the connector's endpoint. The path is all of
/// the URI that it sends then.
fn abbreviate(uri: &mut Uri) {
    let mut parts = mem::take(uri).into_parts();
    parts.authority = Some(const { Authority::from_static("e") });
    // An absolute URI with a path is one.
    *uri = Uri::from_parts(parts).unwrap_or_default();
}
