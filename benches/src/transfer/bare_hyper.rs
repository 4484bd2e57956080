//! The floor of `cos-tokio`: hyper-util's client and nothing else; large bodies are checked by
//! CRC-64.

use std::{
    convert::Infallible,
    net::SocketAddr,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
};

use bytes::Bytes;
use cos_proto::Crc64;
use http::{Method, Request, Response};
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper_util::{
    client::legacy::{self, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use tokio::task::JoinSet;

use super::{
    client::{
        Checked, Client, Failed, PARTS_IN_FLIGHT, SMALL, ensure, generated, small, small_content,
    },
    parts::{Part, complete_document, crc_header, parts, upload_id},
};
use crate::content;

#[derive(Clone, Debug)]
pub(super) struct BareHyper {
    pub(super) http: legacy::Client<HttpConnector, Sent>,
    pub(super) server: SocketAddr,
    parts_in_flight: usize,
}

impl BareHyper {
    pub(super) fn new(server: SocketAddr, in_flight: usize) -> Self {
        let mut tcp = HttpConnector::new();
        tcp.set_nodelay(true);
        let http = legacy::Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_max_idle_per_host(in_flight.max(10))
            .build(tcp);
        Self { http, server, parts_in_flight: PARTS_IN_FLIGHT }
    }

    /// As it is, but one part after the other.
    pub(super) fn serial(self) -> Self {
        Self { parts_in_flight: 1, ..self }
    }

    pub(super) async fn send(
        &self,
        method: Method,
        key: &str,
        body: Sent,
    ) -> Result<Response<Incoming>, Failed> {
        let uri = format!("http://{}/{key}", self.server);
        let request = Request::builder().method(method).uri(uri).body(body)?;
        let response = self.http.request(request).await?;
        ensure(response.status().is_success(), response.status().as_str())?;
        Ok(response)
    }

    /// Sends a part with its CRC-64 and answers its ETag.
    async fn send_part(&self, path: String, part: Part) -> Result<(u64, String), Failed> {
        let crc = Arc::new(AtomicU64::new(0));
        let body = Sent::counted(part.offset, part.size, Arc::clone(&crc));
        let response = self.send(Method::PUT, &path, body).await?;
        let sent = crc.load(Ordering::Acquire).to_string();
        ensure(crc_of(&response) == Some(&*sent), "part")?;
        let etag = response.headers().get("etag").ok_or("no ETag")?.to_str()?.to_owned();
        response.into_body().collect().await?;
        Ok((part.number, etag))
    }

    async fn send_parts(&self, key: &str, id: &str, size: u64) -> Result<Vec<String>, Failed> {
        let (mut running, mut etags) = (JoinSet::new(), vec![String::new(); parts(size).count()]);
        let mut waiting = parts(size);
        loop {
            while running.len() < self.parts_in_flight
                && let Some(part) = waiting.next()
            {
                let path = format!("{key}?partNumber={}&uploadId={id}", part.number);
                let client = self.clone();
                running.spawn(async move { client.send_part(path, part).await });
            }
            let Some(done) = running.join_next().await else { return Ok(etags) };
            let (number, etag) = done??;
            etags[usize::try_from(number - 1)?] = etag;
        }
    }
}

impl Client for BareHyper {
    async fn get(&self) -> Checked {
        let response = self.send(Method::GET, "generated/1024", Sent::empty()).await?;
        let content = response.into_body().collect().await?.to_bytes();
        ensure(content == small_content(), "small object")
    }

    async fn put(&self, number: usize) -> Checked {
        let response = self.send(Method::PUT, &small(number), Sent::plain(SMALL)).await?;
        let stored = crc_of(&response).is_some();
        response.into_body().collect().await?;
        ensure(stored, "small object")
    }

    async fn download(&self, size: u64) -> Checked {
        let response = self.send(Method::GET, &generated(size), Sent::empty()).await?;
        let expected = crc_of(&response).unwrap_or_default().to_owned();
        let (mut body, mut read, mut crc) = (response.into_body(), 0, Crc64::new());
        while let Some(frame) = body.frame().await {
            let Ok(data) = frame?.into_data() else { continue };
            read += data.len() as u64;
            crc.update(&data);
        }
        ensure(read == size && crc.value().to_string() == expected, "download")
    }

    async fn upload(&self, key: &str, size: u64) -> Checked {
        let begun = self.send(Method::POST, &format!("{key}?uploads"), Sent::empty()).await?;
        let begun = begun.into_body().collect().await?.to_bytes();
        let id = upload_id(std::str::from_utf8(&begun)?).ok_or("no upload id")?.to_owned();
        let etags = self.send_parts(key, &id, size).await?;
        let document = Sent::document(complete_document(&etags));
        let path = format!("{key}?uploadId={id}");
        let response = self.send(Method::POST, &path, document).await?;
        let whole = crc_of(&response) == Some(&*crc_header(size));
        response.into_body().collect().await?;
        ensure(whole, "upload")
    }
}

fn crc_of(response: &Response<Incoming>) -> Option<&str> {
    response.headers().get("x-cos-hash-crc64ecma")?.to_str().ok()
}

/// The body of a request.
#[derive(Debug)]
pub(super) enum Sent {
    Whole(Bytes),
    Generated { offset: u64, left: u64, crc: Crc64, total: Arc<AtomicU64> },
}

impl Sent {
    pub(super) fn empty() -> Self {
        Self::Whole(Bytes::new())
    }

    pub(super) fn plain(size: u64) -> Self {
        Self::Whole(content::piece(0, size))
    }

    pub(super) fn document(text: String) -> Self {
        Self::Whole(text.into())
    }

    /// Says in the end which CRC-64 its bytes had.
    fn counted(offset: u64, left: u64, total: Arc<AtomicU64>) -> Self {
        Self::Generated { offset, left, crc: Crc64::new(), total }
    }

    fn left(&self) -> u64 {
        match self {
            Self::Whole(bytes) => bytes.len() as u64,
            Self::Generated { left, .. } => *left,
        }
    }
}

impl Body for Sent {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let data = match &mut *self {
            Self::Whole(bytes) => std::mem::take(bytes),
            Self::Generated { offset, left, crc, total } => {
                let data = content::piece(*offset, *left);
                crc.update(&data);
                *offset += data.len() as u64;
                *left -= data.len() as u64;
                if *left == 0 {
                    total.store(crc.value(), Ordering::Release);
                }
                data
            }
        };
        Poll::Ready((!data.is_empty()).then(|| Ok(Frame::data(data))))
    }

    fn is_end_stream(&self) -> bool {
        self.left() == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left())
    }
}
