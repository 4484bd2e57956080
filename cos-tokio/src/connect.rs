//! Connections to the endpoint: direct, or through the proxy that the environment names.

use std::{
    error::Error as StdError,
    fmt,
    future::poll_fn,
    io,
    net::IpAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use cos_proto::Error;
use http::{HeaderValue, Uri, uri::Scheme};
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_rustls::{HttpsConnector, MaybeHttpsStream};
use hyper_util::{
    client::{
        legacy::connect::{Connected, Connection, HttpConnector, proxy::Tunnel},
        proxy::matcher::{Intercept, Matcher},
    },
    rt::TokioIo,
};
use rustls::ClientConfig;
use tokio::net::TcpStream;
use tower_service::Service;

type BoxError = Box<dyn StdError + Send + Sync>;
type Connecting<T> = Pin<Box<dyn Future<Output = Result<T, BoxError>> + Send>>;

/// Which proxy requests go through.
#[derive(Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Proxy {
    /// What `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY` (or their lower-case forms) say
    /// for the endpoint when the client is made. A loopback address is never proxied.
    #[default]
    Environment,
    /// None, whatever the environment says.
    Direct,
    /// This one, whatever the environment says: `http://[user:password@]host:port`, or `https://`.
    Url(String),
}

impl fmt::Debug for Proxy {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Environment => out.write_str("Environment"),
            Self::Direct => out.write_str("Direct"),
            // It may hold a password.
            Self::Url(_) => out.write_str("Url(..)"),
        }
    }
}

impl Proxy {
    /// The proxy between us and `endpoint`, if there is one.
    ///
    /// # Errors
    /// The proxy's URL is none, or its scheme is neither `http` nor `https`.
    pub(crate) fn on_the_way_to(&self, endpoint: &Uri) -> Result<Option<Intercept>, Error> {
        let matched = match self {
            Self::Direct => None,
            Self::Environment if is_loopback(endpoint) => None,
            Self::Environment => Matcher::from_env().intercept(endpoint),
            Self::Url(url) => {
                let matched = Matcher::builder().all(url.as_str()).build().intercept(endpoint);
                Some(matched.ok_or_else(|| unsupported("(given)"))?)
            }
        };
        match matched {
            Some(proxy) if !matches!(proxy.uri().scheme_str(), Some("http" | "https")) => {
                Err(unsupported(&proxy.uri().to_string()))
            }
            matched => Ok(matched),
        }
    }
}

fn unsupported(url: &str) -> Error {
    Error::invalid_parameter("proxy", url, "must be http://host:port or https://host:port")
}

fn is_loopback(uri: &Uri) -> bool {
    let host = uri.host().unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost" || host.parse().is_ok_and(|address: IpAddr| address.is_loopback())
}

/// Connects to the endpoint, whatever the request's URI says, within a time limit, TLS included.
///
/// Small: hyper clones it and moves it about for every request, also if a connection is there.
#[derive(Clone)]
pub(crate) struct Connector(Arc<Way>);

struct Way {
    endpoint: Uri,
    tls: HttpsConnector<Route>,
    time_limit: Duration,
}

/// The way to the endpoint, without its TLS.
#[derive(Clone)]
enum Route {
    Direct(HttpConnector),
    /// Plain HTTP: the proxy gets the request itself, its target in absolute form.
    Forward {
        proxy: Uri,
        connector: HttpsConnector<HttpConnector>,
    },
    /// HTTPS: the proxy opens a tunnel by CONNECT.
    Tunnel(Tunnel<HttpsConnector<HttpConnector>>),
}

impl Connector {
    pub(crate) fn new(
        endpoint: Uri,
        tls: Arc<ClientConfig>,
        proxy: Option<&Intercept>,
        time_limit: Duration,
    ) -> Self {
        let secure = endpoint.scheme() == Some(&Scheme::HTTPS);
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_keepalive(Some(KEEPALIVE));
        // Shared out among the addresses of the host, so that a dead one leaves time for another.
        tcp.set_connect_timeout(Some(time_limit));
        let route = match proxy {
            None => Route::Direct(tcp),
            Some(proxy) => {
                let connector = HttpsConnector::from((tcp, Arc::clone(&tls)));
                let address = proxy.uri().clone();
                match (secure, proxy.basic_auth()) {
                    (false, _) => Route::Forward { proxy: address, connector },
                    (true, None) => Route::Tunnel(Tunnel::new(address, connector)),
                    (true, Some(auth)) => Route::Tunnel(
                        Tunnel::new(address, connector).with_auth(HeaderValue::clone(auth)),
                    ),
                }
            }
        };
        Self(Arc::new(Way { endpoint, tls: HttpsConnector::from((route, tls)), time_limit }))
    }
}

/// A peer that is gone without a word is noticed so.
const KEEPALIVE: Duration = Duration::from_secs(60);

impl Service<Uri> for Connector {
    type Response = MaybeHttpsStream<Wire>;
    type Error = BoxError;
    type Future = Connecting<Self::Response>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        let way = Arc::clone(&self.0);
        Box::pin(async move {
            let (mut tls, time_limit) = (way.tls.clone(), way.time_limit);
            let connecting = async {
                poll_fn(|cx| tls.poll_ready(cx)).await?;
                tls.call(way.endpoint.clone()).await
            };
            tokio::time::timeout(time_limit, connecting).await.unwrap_or_else(|_| {
                Err(format!("not connected within {} s", time_limit.as_secs_f32()).into())
            })
        })
    }
}

impl Service<Uri> for Route {
    type Response = Wire;
    type Error = BoxError;
    type Future = Connecting<Wire>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        match self {
            Self::Direct(tcp) => tcp.poll_ready(cx).map_err(Into::into),
            Self::Forward { connector, .. } => connector.poll_ready(cx),
            Self::Tunnel(tunnel) => tunnel.poll_ready(cx).map_err(Into::into),
        }
    }

    fn call(&mut self, endpoint: Uri) -> Self::Future {
        match self {
            Self::Direct(tcp) => {
                let connecting = tcp.call(endpoint);
                Box::pin(
                    async move { Ok(Wire { stream: connecting.await?.into(), forwarded: false }) },
                )
            }
            Self::Forward { proxy, connector } => {
                let connecting = connector.call(proxy.clone());
                Box::pin(async move { Ok(Wire { stream: connecting.await?, forwarded: true }) })
            }
            Self::Tunnel(tunnel) => {
                let connecting = tunnel.call(endpoint);
                Box::pin(async move { Ok(Wire { stream: connecting.await?, forwarded: false }) })
            }
        }
    }
}

/// A connection, and whether a proxy reads the requests on it: then hyper writes absolute targets.
pub(crate) struct Wire {
    stream: MaybeHttpsStream<TokioIo<TcpStream>>,
    forwarded: bool,
}

impl Connection for Wire {
    fn connected(&self) -> Connected {
        self.stream.connected().proxy(self.forwarded)
    }
}

impl Read for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl Write for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, data)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, data)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_is_not_proxied_and_a_proxy_url_must_be_http() {
        for host in ["localhost", "127.0.0.1", "127.1.2.3", "[::1]"] {
            assert!(is_loopback(&format!("http://{host}:80/").parse().expect("URI")), "{host}");
        }
        assert!(!is_loopback(&Uri::from_static("http://b-1.cos.r.myqcloud.com/")));
        let to = Uri::from_static("https://b-1.cos.r.myqcloud.com/");
        for url in ["", "socks5://h:1", "ftp://h"] {
            let error = Proxy::Url(url.to_owned()).on_the_way_to(&to).expect_err(url).to_string();
            assert!(error.contains("parameter proxy"), "{error}");
        }
        let proxy = Proxy::Url("http://u:p@h:3128".to_owned());
        assert_eq!(format!("{proxy:?}"), "Url(..)");
        let matched = proxy.on_the_way_to(&to).expect("valid").expect("proxied");
        assert_eq!(matched.uri().to_string(), "http://h:3128/");
        assert!(Proxy::Direct.on_the_way_to(&to).expect("valid").is_none());
    }
}
