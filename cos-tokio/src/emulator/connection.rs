//! One connection: requests received and hashed, answered by the emulator.

use std::{
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{SystemTime, UNIX_EPOCH},
};

use cos_proto::emulator::{BodyHasher, Emulator, OverTls, Received};
use http::{Extensions, Request, Response};
use http_body_util::BodyExt;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use rustls::ServerConfig;
use tokio::{net::TcpStream, sync::watch};
use tokio_rustls::TlsAcceptor;

use super::{
    barrier::{Barrier, Flushing},
    record::{Pending, Recorder},
    reply::{Cut, ReplyBody},
};

/// What all connections of a server share.
pub(super) struct Shared {
    pub(super) emulator: Mutex<Emulator>,
    pub(super) recorder: Option<Recorder>,
    /// Has hyper write header names as COS does.
    pub(super) spelling: Extensions,
}

impl Shared {
    /// The emulator; locked for a look or one request at a time, never while a body is on its way.
    pub(super) fn emulator(&self) -> MutexGuard<'_, Emulator> {
        self.emulator.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Which kind of connection a request came by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scheme {
    Http,
    Https,
}

/// Serves a connection until either side closes it, or `stop` changes and its request is answered.
pub(super) async fn serve(
    stream: TcpStream,
    tls: Option<Arc<ServerConfig>>,
    shared: Arc<Shared>,
    stop: watch::Receiver<bool>,
) {
    // A failure to set it costs time, nothing else.
    let _ = stream.set_nodelay(true);
    match tls {
        None => exchange(stream, Scheme::Http, shared, stop).await,
        Some(config) => {
            // A client that does not trust the certificate goes away; that is its business.
            if let Ok(stream) = TlsAcceptor::from(config).accept(stream).await {
                exchange(stream, Scheme::Https, shared, stop).await;
            }
        }
    }
}

/// Returns when the server is to stop.
pub(super) async fn stopped(stop: &mut watch::Receiver<bool>) {
    // An error means that the server is gone, which is a stop, too.
    let _ = stop.wait_for(|stop| *stop).await;
}

async fn exchange<C>(
    connection: C,
    scheme: Scheme,
    shared: Arc<Shared>,
    mut stop: watch::Receiver<bool>,
) where
    C: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
{
    let barrier = Barrier::default();
    let io = TokioIo::new(Flushing { connection, barrier: barrier.clone() });
    let service = service_fn(|request| answer(request, scheme, &shared, barrier.clone()));
    let mut serving = pin!(http1::Builder::new().serve_connection(io, service));
    // Both errors mean that the connection is gone, be it by a fault that was asked for.
    let ended = tokio::select! {
        _ = serving.as_mut() => true,
        () = stopped(&mut stop) => false,
    };
    if !ended {
        serving.as_mut().graceful_shutdown();
        let _ = serving.await;
    }
}

async fn answer(
    request: Request<Incoming>,
    scheme: Scheme,
    shared: &Shared,
    barrier: Barrier,
) -> Result<Response<ReplyBody>, Cut> {
    let (mut head, body) = request.into_parts();
    let mut record = Pending::open(&head, shared.recorder.as_ref());
    // A client that stops in the middle of its body gets no answer, as it would not read one.
    let received = receive(body).await?;
    record.received(received.body.len());
    if scheme == Scheme::Https {
        head.extensions.insert(OverTls);
    }
    let mut answer = shared.emulator().handle(unix_millis(), &head, received);
    answer.response.extensions_mut().extend(shared.spelling.clone());
    ReplyBody::respond(answer, barrier, record)
}

async fn receive(mut body: Incoming) -> Result<Received, Cut> {
    let mut hasher = BodyHasher::new();
    while let Some(frame) = body.frame().await {
        // Trailers are of no use to COS.
        if let Ok(data) = frame.map_err(|_| Cut)?.into_data() {
            hasher.update(data);
        }
    }
    Ok(hasher.finish())
}

fn unix_millis() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(now.as_millis()).unwrap_or(i64::MAX)
}
