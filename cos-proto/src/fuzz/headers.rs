//! Every header of a reply that is read, and the texts that are written as well as read.

use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};

use super::choice::Choice;
use crate::{
    ETag, Reported, Ticks, UnixTime,
    api::{self, get_object, multipart, object_meta},
};

pub(super) fn headers(data: &[u8]) {
    let mut choice = Choice::of(data);
    match choice.byte() % 4 {
        0 => texts(choice.rest()),
        1 => times(choice.signed()),
        _ => {
            let headers = header_map(&mut choice);
            replies(&headers);
        }
    }
}

pub(super) const NAMES: &[&str] = &[
    "content-length",
    "content-range",
    "etag",
    "date",
    "retry-after",
    "last-modified",
    "x-cos-hash-crc64ecma",
    "x-cos-object-type",
    "x-cos-storage-class",
    "x-cos-version-id",
    "x-cos-request-id",
    "x-cos-meta-a",
    "x-cos-server-side-encryption",
    "content-type",
    "cache-control",
    "expires",
];
pub(super) const VALUES: &[&str] = &[
    "0",
    "1",
    "3",
    "10",
    "18446744073709551615",
    "18446744073709551616",
    "-1",
    "+1",
    " 7 ",
    "bytes 0-9/10",
    "bytes 3-9/10",
    "bytes 0-18446744073709551614/18446744073709551615",
    "bytes 9-0/10",
    "bytes */10",
    "bytes */",
    "\"e\"",
    "\"\"",
    "\"\"e\"\"",
    "W/\"e\"",
    "\"d41d8cd98f00b204e9800998ecf8427e-3\"",
    "Sun, 06 Nov 1994 08:49:37 GMT",
    "Fri, 31 Dec 9999 23:59:59 GMT",
    "appendable",
    "MAZ_STANDARD_IA",
    "",
];

/// Fields with known names, and known or any values.
pub(super) fn header_map(choice: &mut Choice<'_>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for _ in 0..choice.below(12) {
        let name = HeaderName::from_static(choice.pick(NAMES));
        let index = choice.below(VALUES.len() + 2);
        let value = match VALUES.get(index) {
            Some(known) => known.as_bytes(),
            None => choice.bytes(255),
        };
        if let Ok(value) = HeaderValue::from_bytes(value) {
            headers.append(name, value);
        }
    }
    headers
}

fn replies(headers: &HeaderMap) {
    let _ = (object_meta::decode(headers, 7), object_meta::Written::decode(headers));
    let _ = (api::date(headers), get_object::unsatisfied_size(headers));
    for status in [StatusCode::OK, StatusCode::PARTIAL_CONTENT] {
        let mut response = Response::new(());
        *response.status_mut() = status;
        response.headers_mut().clone_from(headers);
        let Ok(head) = get_object::head(&response) else { continue };
        assert!(!head.meta.etag.as_str().is_empty());
        if let Some(range) = head.range {
            assert!(range.first <= range.last && range.last < head.meta.size, "{range:?}");
            assert!(range.length() >= 1 && range.length() <= head.meta.size);
        }
        let conditions = api::Conditions::new().if_match(head.meta.etag.clone());
        assert!(conditions.hold_for(&head.meta));
    }
    let mut refused = Response::new(bytes::Bytes::new());
    *refused.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    refused.headers_mut().clone_from(headers);
    let error = api::service_error(&refused, false).expect("a 503 is an error");
    if let Some(after) = error.retry_after {
        // Whatever COS asks for can be added to a time.
        let _ = Ticks::new(after) + after;
    }
    let id = error.request_id.unwrap_or_default();
    assert!(id.chars().count() <= 128 && !id.chars().any(char::is_control));
    if let Reported::Invalid(text) = object_meta::crc64(headers) {
        assert!(text.chars().count() <= 40);
    }
    let part = Response::new(bytes::Bytes::new());
    let (mut parts, body) = part.into_parts();
    parts.headers.clone_from(headers);
    let reply = crate::Reply::new(Response::from_parts(parts, body), false);
    let written = multipart::upload_part::decode(&reply);
    assert_eq!(written.is_ok(), object_meta::etag(headers).is_ok());
}

fn texts(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if let Some(time) = UnixTime::parse_http_date(&text) {
        assert_eq!(UnixTime::parse_http_date(&time.to_http_date()), Some(time), "{text:?}");
        assert_eq!(time.to_http_date(), text.trim(), "read as another date than it is");
    }
    if let Some(time) = UnixTime::parse_iso8601(&text) {
        let written = time.to_iso8601();
        assert_eq!(UnixTime::parse_iso8601(&written), Some(time), "{text:?}");
        assert_eq!(written.get(..19), text.trim().get(..19), "read as another date than it is");
    }
    let etag = ETag::new(&text);
    assert_eq!(ETag::new(&etag.quoted()), etag);
    match Reported::parse(Some(&text)) {
        Reported::Value(crc) => assert!(
            text.trim().trim_start_matches('0').ends_with(crc.to_string().trim_start_matches('0'))
        ),
        Reported::Invalid(shown) => assert!(shown.chars().count() <= 40),
        Reported::Absent => panic!("there is one"),
    }
}

fn times(seconds: i64) {
    let time = UnixTime::from_secs(seconds);
    let (http, iso) = (time.to_http_date(), time.to_iso8601());
    // The years that both forms can write.
    if (-62_167_219_200..=253_402_300_799).contains(&seconds) {
        assert_eq!(UnixTime::parse_http_date(&http), Some(time), "{http}");
        assert_eq!(UnixTime::parse_iso8601(&iso), Some(time), "{iso}");
    }
}
