//! Answers of a service that may be COS: plausible, wrong in one place, or anything.

use std::fmt::Write as _;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};

use super::{
    choice::Choice,
    headers::{NAMES, VALUES, header_map},
};
use crate::{CallKind, Crc64, Transmit, UploadId, op::UploadState};

const STATUSES: &[u16] =
    &[200, 200, 200, 200, 204, 206, 304, 400, 403, 404, 409, 412, 416, 429, 500, 502, 503];
const CODES: &[&str] = &[
    "InternalError",
    "SlowDown",
    "NoSuchKey",
    "NoSuchUpload",
    "InvalidPart",
    "InvalidUploadStatus",
    "EntityTooSmall",
    "PathConflict",
    "UploadConflict",
    "FileAlreadyExists",
    "AccessDenied",
    "ExpiredToken",
    "RequestTimeTooSkewed",
    "InvalidRange",
    "NoSuchBucket",
    "BadDigest",
    "UserNetworkTooSlow",
    "",
];
const KEYS: &[&str] = &["k", "k~upload", "k/a", "k/a/b", "k/a~upload", "k/", "other", "k/\u{7f}"];

/// An answer to this request.
pub(super) fn reply(choice: &mut Choice<'_>, to: &Transmit) -> Response<Bytes> {
    let status = StatusCode::from_u16(choice.pick(STATUSES)).unwrap_or_default();
    let body = match choice.byte() % 8 {
        0 => Bytes::copy_from_slice(choice.bytes(100)),
        1 => error(choice),
        _ if !status.is_success() => error(choice),
        _ => result(choice, to.call),
    };
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let length = response.body().len();
    plausible(choice, response.headers_mut(), to, length);
    response
}

/// The head of a streamed answer.
pub(super) fn head(choice: &mut Choice<'_>, to: &Transmit) -> Response<()> {
    let mut response = Response::new(());
    *response.status_mut() = StatusCode::from_u16(choice.pick(&[200, 206])).unwrap_or_default();
    let length = usize::from(choice.byte());
    plausible(choice, response.headers_mut(), to, length);
    if response.status() == StatusCode::PARTIAL_CONTENT {
        let first = usize::from(choice.byte());
        let range = format!("bytes {first}-{}/{}", first + length, first + length + 1);
        response.headers_mut().insert("content-range", value(&range));
    }
    response
}

/// The headers that COS sends, less those that the fuzzer replaces or drops.
fn plausible(choice: &mut Choice<'_>, headers: &mut HeaderMap, to: &Transmit, length: usize) {
    let sent = to.request.body().to_bytes();
    let crc = if sent.is_empty() { choice.number() } else { Crc64::of(&sent) };
    for (name, text) in [
        ("content-length", length.to_string()),
        ("etag", format!("\"{}\"", choice.pick(&["e", "f", "e-1"]))),
        ("date", "Fri, 20 Nov 2026 00:00:00 GMT".to_owned()),
        ("last-modified", "Fri, 20 Nov 2026 00:00:00 GMT".to_owned()),
        ("x-cos-request-id", "id".to_owned()),
        ("x-cos-hash-crc64ecma", crc.to_string()),
    ] {
        headers.insert(name, value(&text));
    }
    match choice.byte() % 4 {
        0 => headers.extend(header_map(choice)),
        1 => drop(headers.remove(choice.pick(NAMES))),
        2 => {
            let name = HeaderName::from_static(choice.pick(NAMES));
            headers.insert(name, value(choice.pick(VALUES)));
        }
        _ => {}
    }
}

fn value(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static(""))
}

fn error(choice: &mut Choice<'_>) -> Bytes {
    let code = choice.text_or(CODES, 10);
    format!("<Error><Code>{code}</Code><Message>m</Message></Error>").into()
}

/// What a call that went well answers, with any numbers and names in it.
fn result(choice: &mut Choice<'_>, call: CallKind) -> Bytes {
    let mut xml = String::new();
    match call {
        CallKind::GetObject => {
            return if choice.flag() { record(choice) } else { choice.bytes(200).to_vec().into() };
        }
        CallKind::GetBucket => list(choice, &mut xml),
        CallKind::ListMultipartUploads => uploads(choice, &mut xml),
        CallKind::ListParts => parts(choice, &mut xml),
        CallKind::InitiateMultipartUpload => {
            let id = choice.text_or(&["u1", "u2", ""], 10);
            let _ = write!(
                xml,
                "<InitiateMultipartUploadResult><UploadId>{id}</UploadId>\
                 </InitiateMultipartUploadResult>"
            );
        }
        CallKind::CompleteMultipartUpload => {
            let etag = choice.pick(&["e-1", "f", ""]);
            let _ = write!(
                xml,
                "<CompleteMultipartUploadResult><ETag>{etag}</ETag>\
                 </CompleteMultipartUploadResult>"
            );
        }
        CallKind::PutObjectCopy | CallKind::UploadPartCopy => {
            let root =
                if call == CallKind::PutObjectCopy { "CopyObjectResult" } else { "CopyPartResult" };
            let crc = choice.pick(&["0", "1", "x", "18446744073709551615"]);
            let _ = write!(
                xml,
                "<{root}><ETag>\"e\"</ETag><LastModified>2020-12-10T03:37:30.000Z</LastModified>\
                 <CRC64>{crc}</CRC64></{root}>"
            );
        }
        CallKind::DeleteMultipleObjects => deleted(choice, &mut xml),
        _ => {}
    }
    if choice.byte() % 8 == 1 {
        let cut = choice.below(xml.len() + 1);
        xml = xml.chars().take(cut).collect();
    }
    xml.into()
}

/// A resume record, its tail of the fuzzer's choice.
fn record(choice: &mut Choice<'_>) -> Bytes {
    let state = UploadState {
        session: choice.number(),
        upload: UploadId::new(choice.pick(&["", "u1"])).ok(),
        base: choice.flag().then(|| crate::ETag::new("e")),
        tail: choice.bytes(100).to_vec().into(),
        ..UploadState::default()
    };
    let mut bytes = state.to_bytes().to_vec();
    if choice.byte() % 4 == 1 {
        let at = choice.below(bytes.len());
        bytes[at] ^= 0x20;
    }
    bytes.into()
}

fn list(choice: &mut Choice<'_>, xml: &mut String) {
    let more = choice.byte() % 4 == 1;
    let _ = write!(xml, "<ListBucketResult><IsTruncated>{more}</IsTruncated>");
    if choice.flag() {
        let _ = write!(xml, "<NextMarker>{}</NextMarker>", choice.text_or(KEYS, 10));
    }
    for _ in 0..choice.below(5) {
        let (key, size) = (choice.text_or(KEYS, 10), choice.byte());
        let _ = write!(
            xml,
            "<Contents><Key>{key}</Key><LastModified>2020-12-10T03:37:30.000Z</LastModified>\
             <ETag>\"e\"</ETag><Size>{size}</Size></Contents>"
        );
    }
    for _ in 0..choice.below(3) {
        let prefix = choice.text_or(KEYS, 10);
        let _ = write!(xml, "<CommonPrefixes><Prefix>{prefix}</Prefix></CommonPrefixes>");
    }
    xml.push_str("</ListBucketResult>");
}

fn uploads(choice: &mut Choice<'_>, xml: &mut String) {
    let more = choice.byte() % 4 == 1;
    let _ = write!(xml, "<ListMultipartUploadsResult><IsTruncated>{more}</IsTruncated>");
    for _ in 0..choice.below(4) {
        let (key, id) = (choice.text_or(KEYS, 10), choice.pick(&["u1", "u2", ""]));
        let year = choice.pick(&["2020", "2026", "x"]);
        let _ = write!(
            xml,
            "<Upload><Key>{key}</Key><UploadId>{id}</UploadId>\
             <Initiated>{year}-12-10T03:37:30.000Z</Initiated></Upload>"
        );
    }
    xml.push_str("</ListMultipartUploadsResult>");
}

fn parts(choice: &mut Choice<'_>, xml: &mut String) {
    let more = choice.byte() % 4 == 1;
    let _ = write!(xml, "<ListPartsResult><IsTruncated>{more}</IsTruncated>");
    for _ in 0..choice.below(4) {
        let _ = write!(
            xml,
            "<Part><PartNumber>{}</PartNumber><ETag>\"e\"</ETag><Size>1</Size></Part>",
            choice.byte()
        );
    }
    xml.push_str("</ListPartsResult>");
}

fn deleted(choice: &mut Choice<'_>, xml: &mut String) {
    xml.push_str("<DeleteResult>");
    for _ in 0..choice.below(3) {
        let (key, code) = (choice.text_or(KEYS, 10), choice.text_or(CODES, 10));
        let _ =
            write!(xml, "<Error><Key>{key}</Key><Code>{code}</Code><Message>m</Message></Error>");
    }
    xml.push_str("</DeleteResult>");
}
