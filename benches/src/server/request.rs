//! What a request asks, and its body.

use bytes::{Bytes, BytesMut};
use cos_proto::Crc64;
use http::request::Parts;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;

/// What is kept of a body; larger ones are only measured.
pub(super) const STORED_MAX: u64 = 64 * 1024;

/// A request without its body.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) head: Parts,
    /// Without the slash before it.
    pub(super) key: String,
    query: Vec<(String, String)>,
}

impl Asked {
    pub(super) fn new(head: Parts) -> Self {
        let key = decode(head.uri.path().trim_start_matches('/'));
        let query = head.uri.query().unwrap_or_default().split('&').filter(|pair| !pair.is_empty());
        let query = query
            .map(|pair| {
                let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
                (decode(name), decode(value))
            })
            .collect();
        Self { head, key, query }
    }

    /// A parameter of the query; empty if it has no value.
    pub(super) fn param(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(n, _)| n == name).map(|(_, value)| &**value)
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.head.headers.get(name)?.to_str().ok()
    }
}

/// Undoes percent-encoding.
pub(super) fn decode(text: &str) -> String {
    if !text.contains('%') {
        return text.to_owned();
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let escaped = tail.get(..2).filter(|_| *first == b'%');
        let escaped = escaped.and_then(|hex| std::str::from_utf8(hex).ok());
        if let Some(byte) = escaped.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            bytes.push(byte);
            rest = &tail[2..];
        } else {
            bytes.push(*first);
            rest = tail;
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// What came as a body.
#[derive(Debug)]
pub(super) struct Received {
    pub(super) size: u64,
    pub(super) crc: u64,
    /// If it is small enough.
    pub(super) bytes: Option<Bytes>,
}

/// Reads a body to its end and keeps it if it is small.
pub(super) async fn receive(body: Incoming) -> Result<Received, hyper::Error> {
    read(body, STORED_MAX).await
}

/// Reads a document, which is kept whatever its size.
pub(super) async fn receive_document(body: Incoming) -> Result<String, hyper::Error> {
    let received = read(body, u64::MAX).await?;
    Ok(String::from_utf8_lossy(&received.bytes.unwrap_or_default()).into_owned())
}

async fn read(mut body: Incoming, kept_max: u64) -> Result<Received, hyper::Error> {
    let (mut size, mut crc, mut first, mut kept) = (0, Crc64::new(), None, BytesMut::new());
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame?.into_data() else { continue };
        size += data.len() as u64;
        crc.update(&data);
        match &first {
            None => first = Some(data),
            Some(_) if size > kept_max => kept = BytesMut::new(),
            Some(begin) => {
                if kept.is_empty() {
                    kept.extend_from_slice(begin);
                }
                kept.extend_from_slice(&data);
            }
        }
    }
    let whole = if kept.is_empty() { first.unwrap_or_default() } else { kept.freeze() };
    // A copy, so that a small object does not hold on to the connection's buffer.
    let bytes = (size <= kept_max).then(|| Bytes::copy_from_slice(&whole));
    Ok(Received { size, crc: crc.value(), bytes })
}
