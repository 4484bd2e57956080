//! PUT, GET, HEAD, DELETE and copy of one object.

use std::ops::Range;

use http::{Method, StatusCode, header};
use hyper::body::Incoming;

use super::{
    body::AnswerBody,
    reply::{self, Answer},
    request::{Asked, decode, receive},
    store::{MODIFIED_HTTP, MODIFIED_ISO, Object, Store},
};

pub(super) async fn put(
    store: &Store,
    asked: &Asked,
    body: Incoming,
) -> Result<Answer, hyper::Error> {
    let received = receive(body).await?;
    if let Some(source) = asked.header("x-cos-copy-source") {
        return Ok(copy(store, asked, source));
    }
    let object = Object::from(received);
    let answer = reply::written(&object);
    store.held().objects.insert(asked.key.clone(), object);
    Ok(answer)
}

fn copy(store: &Store, asked: &Asked, source: &str) -> Answer {
    let Some(object) = store.find(&source_key(source)) else { return reply::no_such_key() };
    let answer = reply::xml(format!(
        "<?xml version='1.0' encoding='utf-8' ?>\n<CopyObjectResult><ETag>\"{}\"</ETag>\
         <CRC64>{}</CRC64><LastModified>{MODIFIED_ISO}</LastModified></CopyObjectResult>",
        object.etag(),
        object.crc
    ));
    store.held().objects.insert(asked.key.clone(), object);
    answer
}

/// The key in `host/key`, or in the form of S3, `/bucket/key`.
pub(super) fn source_key(source: &str) -> String {
    let path = source.trim_start_matches('/').split('?').next().unwrap_or_default();
    decode(path.split_once('/').map_or("", |(_, key)| key))
}

/// GET and HEAD.
pub(super) fn get(store: &Store, asked: &Asked) -> Answer {
    let head_only = asked.head.method == Method::HEAD;
    let Some(object) = store.find(&asked.key) else {
        return if head_only { reply::empty(StatusCode::NOT_FOUND) } else { reply::no_such_key() };
    };
    let wanted = asked.header("if-match").map(|tag| tag.trim_matches('"'));
    if wanted.is_some_and(|tag| tag != object.etag()) {
        return reply::error(StatusCode::PRECONDITION_FAILED, "PreconditionFailed");
    }
    let range = asked.header("range").and_then(|text| parse_range(text, object.size));
    let (status, range) = match range {
        None => (StatusCode::OK, 0..object.size),
        Some(range) if range.is_empty() => {
            return reply::error(StatusCode::RANGE_NOT_SATISFIABLE, "InvalidRange");
        }
        Some(range) => (StatusCode::PARTIAL_CONTENT, range),
    };
    let mut answer = reply::with_body(status, cut(&object, &range));
    reply::describe(&mut answer, &object);
    let headers = answer.headers_mut();
    headers.insert(header::CONTENT_LENGTH, (range.end - range.start).into());
    headers.insert(header::LAST_MODIFIED, reply::value(MODIFIED_HTTP));
    headers.insert(header::ACCEPT_RANGES, reply::value("bytes"));
    headers.insert(header::CONTENT_TYPE, reply::value("application/octet-stream"));
    if status == StatusCode::PARTIAL_CONTENT {
        let range = format!("bytes {}-{}/{}", range.start, range.end - 1, object.size);
        headers.insert(header::CONTENT_RANGE, reply::value(&range));
    }
    answer
}

pub(super) fn delete(store: &Store, asked: &Asked) -> Answer {
    store.held().objects.remove(&asked.key);
    reply::empty(StatusCode::NO_CONTENT)
}

fn cut(object: &Object, range: &Range<u64>) -> AnswerBody {
    match &object.bytes {
        Some(bytes) => {
            let at = |place: u64| usize::try_from(place).unwrap_or(usize::MAX).min(bytes.len());
            AnswerBody::Whole(bytes.slice(at(range.start)..at(range.end)))
        }
        None => AnswerBody::Generated { offset: range.start, left: range.end - range.start },
    }
}

/// `bytes=a-b`, `a-` or `-n`; an empty range if there is nothing of it.
pub(super) fn parse_range(text: &str, size: u64) -> Option<Range<u64>> {
    let (first, last) = text.strip_prefix("bytes=")?.split_once('-')?;
    if first.is_empty() {
        let count: u64 = last.parse().ok()?;
        return Some(size.saturating_sub(count)..size);
    }
    let first: u64 = first.parse().ok()?;
    let end = if last.is_empty() { size } else { last.parse::<u64>().ok()?.checked_add(1)? };
    Some(first..end.min(size).max(first))
}
