//! Conditional requests: If-Match and its three kin, of a request or of a copy's source.

use super::{request::Request, world::Object};
use crate::UnixTime;

/// What the conditions come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Holds,
    /// If-None-Match or If-Modified-Since failed.
    NotModified,
    /// If-Match or If-Unmodified-Since failed.
    Failed,
}

/// Evaluates the conditions in RFC 9110's order; a date beside an ETag does not count. `prefix`
/// is empty, or `x-cos-copy-source-`.
pub(super) fn evaluate(request: &Request<'_>, prefix: &str, object: &Object) -> Outcome {
    let condition = |name: &str| request.header(&format!("{prefix}{name}"));
    // Dates have whole seconds.
    let modified = object.modified.unix();
    let date = |name| condition(name).and_then(UnixTime::parse_http_date);
    if let Some(tags) = condition("if-match") {
        if !matches(tags, &object.etag) {
            return Outcome::Failed;
        }
    } else if date("if-unmodified-since").is_some_and(|date| modified > date) {
        return Outcome::Failed;
    }
    if let Some(tags) = condition("if-none-match") {
        if matches(tags, &object.etag) {
            return Outcome::NotModified;
        }
    } else if date("if-modified-since").is_some_and(|date| modified <= date) {
        return Outcome::NotModified;
    }
    Outcome::Holds
}

/// With or without quotes, one or several, or `*`.
fn matches(tags: &str, etag: &str) -> bool {
    tags.split(',').map(|tag| tag.trim().trim_matches('"')).any(|tag| tag == "*" || tag == etag)
}
