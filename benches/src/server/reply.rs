//! Answers.

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Response, StatusCode, header};

use super::{body::AnswerBody, store::Object};

pub(super) type Answer = Response<AnswerBody>;

pub(super) const CRC: HeaderName = HeaderName::from_static("x-cos-hash-crc64ecma");

/// An answer without a body.
pub(super) fn empty(status: StatusCode) -> Answer {
    with_body(status, AnswerBody::Whole(Bytes::new()))
}

pub(super) fn xml(text: String) -> Answer {
    let mut answer = with_body(StatusCode::OK, AnswerBody::Whole(text.into()));
    answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/xml"));
    answer
}

/// An error's document.
pub(super) fn error(status: StatusCode, code: &str) -> Answer {
    let mut answer = xml(format!(
        "<?xml version='1.0' encoding='utf-8' ?>\n<Error><Code>{code}</Code>\
         <Message>{code}</Message><Resource/><RequestId>bench</RequestId><TraceId/></Error>"
    ));
    *answer.status_mut() = status;
    answer
}

pub(super) fn no_such_key() -> Answer {
    error(StatusCode::NOT_FOUND, "NoSuchKey")
}

/// What a PUT of an object or part is answered with.
pub(super) fn written(object: &Object) -> Answer {
    let mut answer = empty(StatusCode::OK);
    describe(&mut answer, object);
    answer
}

/// Adds ETag and CRC-64.
pub(super) fn describe(answer: &mut Answer, object: &Object) {
    let headers = answer.headers_mut();
    headers.insert(header::ETAG, value(&format!("\"{}\"", object.etag())));
    headers.insert(CRC, value(&object.crc.to_string()));
}

pub(super) fn with_body(status: StatusCode, body: AnswerBody) -> Answer {
    let mut answer = Response::new(body);
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    headers.insert(header::SERVER, HeaderValue::from_static("tencent-cos"));
    headers
        .insert("x-cos-request-id", HeaderValue::from_static("NWU5MDNkZDRfMmJlMDJhMDlfYmVuY2g="));
    answer
}

/// The text of a header, made of digits, letters and quotes.
pub(super) fn value(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static(""))
}
