//! Replies and steps for tests that play an operation by hand, without a machine.

use std::fmt::Write as _;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Response, StatusCode};

use crate::{
    Call, CallError, CallKind, Failure, FailureKind, Key, Next, Operation, Reply, ServiceError,
    error::Cause,
};

/// A key, or a failed test.
pub(crate) fn key(text: &str) -> Key {
    Key::new(text).expect("a key")
}

/// A collected reply.
pub(crate) fn reply(status: u16, headers: &[(&str, &str)], body: impl Into<Bytes>) -> Reply {
    Reply::new(head(status, headers).map(|()| body.into()), false)
}

/// The head of a streamed reply.
pub(crate) fn head(status: u16, headers: &[(&str, &str)]) -> Response<()> {
    let mut response = Response::new(());
    *response.status_mut() = StatusCode::from_u16(status).expect("a status");
    for (name, value) in headers {
        let name = HeaderName::from_bytes(name.as_bytes()).expect("a name");
        response.headers_mut().append(name, HeaderValue::from_str(value).expect("a value"));
    }
    response
}

/// COS has refused; `code` may be empty, as after a HEAD.
pub(crate) fn refused(status: u16, code: &str) -> CallError {
    failed(Cause::Service(service(status, code)))
}

pub(crate) fn service(status: u16, code: &str) -> ServiceError {
    ServiceError {
        status: StatusCode::from_u16(status).expect("a status"),
        code: Some(code.to_owned()).filter(|code| !code.is_empty()),
        ..ServiceError::default()
    }
}

/// All attempts are spent, and one may have been executed.
pub(crate) fn lost() -> CallError {
    let failure = Failure::new(FailureKind::Timeout, "no answer");
    CallError { maybe_done: true, ..failed(Cause::Transport(failure)) }
}

pub(crate) fn failed(cause: Cause) -> CallError {
    CallError {
        cause,
        last: None,
        call: CallKind::PutObject,
        attempts: 3,
        maybe_done: false,
        asked_at: None,
    }
}

/// A page of a list; it is truncated if there is a next marker.
pub(crate) fn page(objects: &[(&str, u64)], prefixes: &[&str], next: Option<&str>) -> Reply {
    let mut xml = String::from("<?xml version='1.0' encoding='utf-8' ?><ListBucketResult>");
    let text = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;");
    write!(xml, "<IsTruncated>{}</IsTruncated>", next.is_some()).expect("write");
    if let Some(next) = next {
        write!(xml, "<NextMarker>{}</NextMarker>", text(next)).expect("write");
    }
    for (key, size) in objects {
        write!(
            xml,
            "<Contents><Key>{}</Key><LastModified>2020-12-10T03:37:30.000Z</LastModified>\
             <ETag>&quot;e&quot;</ETag><Size>{size}</Size><StorageClass>STANDARD</StorageClass>\
             </Contents>",
            text(key)
        )
        .expect("write");
    }
    for prefix in prefixes {
        write!(xml, "<CommonPrefixes><Prefix>{}</Prefix></CommonPrefixes>", text(prefix))
            .expect("write");
    }
    xml.push_str("</ListBucketResult>");
    reply(200, &[], xml)
}

/// What the machine would do with an operation's steps.
pub(crate) trait Steps: Operation {
    /// The call it starts now.
    fn starts(&mut self) -> Self::Tag
    where
        Self::Output: std::fmt::Debug,
    {
        match self.next() {
            Next::Call(tag) => tag,
            other => panic!("no call but {other:?}"),
        }
    }

    /// What it ends with.
    fn ends(&mut self) -> Self::Output
    where
        Self::Output: std::fmt::Debug,
    {
        match self.next() {
            Next::Done(output) => output,
            other => panic!("no end but {other:?}"),
        }
    }

    /// Whether it waits for a call under way.
    fn is_pending(&mut self) -> bool {
        matches!(self.next(), Next::Pending)
    }

    /// Whether it waits for the application.
    fn is_idle(&mut self) -> bool {
        matches!(self.next(), Next::Idle)
    }
}

impl<O: Operation> Steps for O {}

/// A query parameter of a call.
pub(crate) fn query<'a>(call: &'a Call, name: &str) -> Option<&'a str> {
    call.query.iter().find(|(own, _)| own == name).map(|(_, value)| &**value)
}

/// A header field of a call.
pub(crate) fn header<'a>(call: &'a Call, name: &str) -> Option<&'a str> {
    call.headers.get(name).map(|value| value.to_str().expect("ASCII"))
}
