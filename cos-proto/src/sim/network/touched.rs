//! Which keys a request changes, and whether it may come late.

use http::{Request, Uri};

use crate::{
    CallKind, Payload,
    verify::{Plus, decode},
};

/// What a request does to which keys.
#[derive(Debug)]
pub(super) struct Touched {
    /// The key addressed; empty for the bucket.
    pub(super) key: String,
    /// Other keys: the source of a copy, the keys of a multi-delete.
    pub(super) others: Vec<String>,
    pub(super) lateness: Lateness,
}

/// What a request that comes late may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lateness {
    /// It may come whenever it likes: it changes no object, or the ids and ETags that it names
    /// must catch it.
    Free,
    /// Only until something later was done to one of its keys: the service cannot refuse an older
    /// write, so nobody could help against it.
    UntilOvertaken,
}

impl Touched {
    pub(super) fn of(call: CallKind, request: &Request<Payload>) -> Self {
        let key = key_of(request.uri());
        let others = match call {
            CallKind::PutObjectCopy | CallKind::UploadPartCopy => {
                source(request).into_iter().collect()
            }
            CallKind::DeleteMultipleObjects => keys_in(&request.body().to_bytes()),
            _ => Vec::new(),
        };
        Self { key, others, lateness: lateness(call) }
    }

    /// Whose objects it changes or depends on.
    pub(super) fn keys(&self) -> impl Iterator<Item = &String> {
        Some(&self.key).filter(|key| !key.is_empty()).into_iter().chain(&self.others)
    }

    /// The source of a copy.
    pub(super) fn source(&self) -> Option<&str> {
        self.others.first().map(String::as_str)
    }
}

/// Whether a call changes an object.
pub(super) fn changes_objects(call: CallKind) -> bool {
    lateness(call) == Lateness::UntilOvertaken
}

/// Whether a call changes what lists of uploads show.
pub(super) fn changes_uploads(call: CallKind) -> bool {
    matches!(
        call,
        CallKind::InitiateMultipartUpload
            | CallKind::CompleteMultipartUpload
            | CallKind::AbortMultipartUpload
    )
}

fn lateness(call: CallKind) -> Lateness {
    match call {
        CallKind::PutObject
        | CallKind::PutObjectCopy
        | CallKind::CompleteMultipartUpload
        | CallKind::DeleteObject
        | CallKind::DeleteMultipleObjects => Lateness::UntilOvertaken,
        _ => Lateness::Free,
    }
}

fn key_of(uri: &Uri) -> String {
    let path = uri.path();
    let path = path.strip_prefix('/').unwrap_or(path);
    decode(path, Plus::Plus).unwrap_or_else(|| path.to_owned())
}

fn source(request: &Request<Payload>) -> Option<String> {
    let text = request.headers().get("x-cos-copy-source")?.to_str().ok()?;
    let place = text.split_once('?').map_or(text, |(place, _)| place);
    let (_, key) = place.trim_start_matches('/').split_once('/')?;
    decode(key, Plus::Plus)
}

/// The keys of a multi-delete's document.
fn keys_in(document: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(document);
    let keys = text.split("<Key>").skip(1).filter_map(|rest| rest.split_once("</Key>"));
    keys.map(|(key, _)| unescaped(key)).collect()
}

fn unescaped(text: &str) -> String {
    if !text.contains('&') {
        return text.to_owned();
    }
    let entities =
        [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&apos;", "'"), ("&amp;", "&")];
    entities.iter().fold(text.to_owned(), |text, (entity, plain)| text.replace(entity, plain))
}

/// The value of a parameter, as it came.
pub(super) fn param<'a>(uri: &'a Uri, name: &str) -> Option<&'a str> {
    let pairs = uri.query()?.split('&').filter_map(|pair| pair.split_once('='));
    pairs.into_iter().find(|(found, _)| *found == name).map(|(_, value)| value)
}
