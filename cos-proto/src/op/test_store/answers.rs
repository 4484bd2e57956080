//! What the store's answers look like.

use std::{collections::BTreeMap, fmt::Write as _};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};

use super::Object;
use crate::{Call, CallError, CallKind, Crc64, Key, ServiceError, UnixTime, error::Cause};

pub(super) const CRC: HeaderName = HeaderName::from_static("x-cos-hash-crc64ecma");

/// A call in one line: what, of which key, which part or upload.
pub(super) fn describe(call: &Call) -> String {
    let mut line = format!("{} {}", call.kind.name(), call.key.as_ref().map_or("", Key::as_str));
    for (name, value) in &call.query {
        if matches!(&**name, "partNumber" | "uploadId" | "prefix") {
            let _ = write!(line, " {name}={value}");
        }
    }
    line
}

pub(super) fn sent(headers: &HeaderMap) -> BTreeMap<String, String> {
    let text = |value: &HeaderValue| value.to_str().expect("ASCII").to_owned();
    headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect()
}

pub(super) fn quoted(etag: &str) -> String {
    format!("\"{etag}\"")
}

pub(super) fn crc_element(object: &Object) -> String {
    if object.no_crc {
        String::new()
    } else {
        format!("<CRC64>{}</CRC64>", Crc64::of(&object.body))
    }
}

pub(super) fn describe_object(object: &Object, kind: CallKind) -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    let headers = response.headers_mut();
    for (name, value) in &object.headers {
        let name = HeaderName::from_bytes(name.as_bytes()).expect("name");
        headers.insert(name, value.parse().expect("value"));
    }
    headers.insert("etag", quoted(&object.etag()).parse().expect("etag"));
    headers.insert("content-length", object.body.len().into());
    let modified = UnixTime::from_secs(object.modified).to_http_date();
    headers.insert("last-modified", modified.parse().expect("date"));
    if !object.no_crc {
        headers.insert(CRC, Crc64::of(&object.body).into());
    }
    if kind == CallKind::GetObject {
        *response.body_mut() = object.body.clone();
    }
    response
}

pub(super) fn reply(status: u16, body: &str) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(body.to_owned()));
    *response.status_mut() = StatusCode::from_u16(status).expect("status");
    response
}

pub(crate) fn call_error(call: CallKind, cause: Cause, maybe_done: bool) -> CallError {
    CallError { cause, last: None, call, attempts: 1, maybe_done, asked_at: None }
}

pub(crate) fn refusal(call: CallKind, status: u16, code: &str) -> CallError {
    let error = ServiceError {
        status: StatusCode::from_u16(status).expect("status"),
        code: Some(code.into()),
        ..ServiceError::default()
    };
    call_error(call, Cause::Service(error), status >= 500)
}

/// A HEAD's answer has neither body nor code.
pub(super) fn head_404() -> CallError {
    let error = ServiceError { status: StatusCode::NOT_FOUND, ..ServiceError::default() };
    call_error(CallKind::HeadObject, Cause::Service(error), false)
}
