//! A server that speaks as much of COS's protocol as the clients that are measured need, and does as
//! little as it can: no signatures, no MD5, and of large objects only size and CRC-64.
//!
//! | key | object |
//! |---|---|
//! | `generated/<n>` | always there: `n` bytes of [`content`](crate::content) |
//! | `flat-<n>/…`, `tree-<n>/…` | `n` keys, only to be listed |
//! | any other | what was put there; of more than 64 KiB the content is generated |
//!
//! `POST /~seed?prefix=…&count=…` puts many small objects at once, `GET /~seen` says what the server
//! has seen.

mod body;
mod delete;
mod keys;
mod list;
mod multipart;
mod object;
mod reply;
mod request;
mod route;
mod store;

use std::{convert::Infallible, io, net::SocketAddr, sync::Arc};

use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

use self::store::Store;

/// Serves on a free port of the loopback address until the runtime ends.
///
/// # Errors
/// When it cannot listen.
pub async fn start() -> io::Result<SocketAddr> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let address = listener.local_addr()?;
    let store = Arc::new(Store::default());
    tokio::spawn(async move {
        loop {
            let Ok((stream, _)) = listener.accept().await else { continue };
            let _ = stream.set_nodelay(true);
            let store = Arc::clone(&store);
            store.connections.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            let service = service_fn(move |request| {
                let store = Arc::clone(&store);
                async move { Ok::<_, Infallible>(route::answer(&store, request).await) }
            });
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        }
    });
    Ok(address)
}
