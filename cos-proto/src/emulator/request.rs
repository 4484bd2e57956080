//! A request taken apart: the raw target decoded exactly once and never normalised.

use http::{HeaderMap, HeaderValue, Method, request::Parts};

use super::{
    OverTls, Received,
    clock::Moment,
    errors::{Code, Refusal},
    routing::Place,
};
use crate::verify::{Identity, Param, Plus, decode};

/// A request taken apart.
#[derive(Debug)]
pub(super) struct Request<'a> {
    pub(super) method: &'a Method,
    /// Decoded once, with its leading slash.
    pub(super) path: String,
    pub(super) params: Vec<Param>,
    /// Without those that the front end drops.
    pub(super) headers: HeaderMap,
    /// The host as it was addressed, with its port.
    pub(super) host: String,
    /// What the client may have signed as its host.
    pub(super) hosts: Vec<String>,
    pub(super) place: Place,
    pub(super) now: Moment,
    pub(super) tls: bool,
    pub(super) identity: Identity,
    pub(super) body: Received,
    /// What it copies is stored with a wrong byte.
    pub(super) damages_copy: bool,
    /// The number of a key that a multi-delete does not delete.
    pub(super) refuses_key: Option<usize>,
}

impl<'a> Request<'a> {
    /// Takes a request apart; `first` is the bucket that a bare address means.
    pub(super) fn parse(
        head: &'a Parts,
        body: Received,
        now: Moment,
        first: &str,
    ) -> Result<Self, Refusal> {
        let path = decode(head.uri.path(), Plus::Plus).ok_or(Code::InvalidUri)?;
        let query = head.uri.query().unwrap_or("");
        let params = Param::parse_query(query).ok_or(Code::InvalidUri)?;
        let hosts = hosts(head);
        let host = hosts.first().cloned().unwrap_or_default();
        let place = Place::find(&host, &path, first)?;
        Ok(Self {
            method: &head.method,
            path,
            params,
            headers: forwarded(&head.headers),
            host,
            hosts,
            place,
            now,
            tls: head.extensions.get::<OverTls>().is_some(),
            identity: Identity::Anonymous,
            body,
            damages_copy: false,
            refuses_key: None,
        })
    }

    pub(super) fn bucket(&self) -> &str {
        match &self.place {
            Place::Service => "",
            Place::Bucket(bucket) | Place::Object(bucket, _) => bucket,
        }
    }

    /// The key, or nothing for the bucket itself.
    pub(super) fn key(&self) -> &str {
        match &self.place {
            Place::Service | Place::Bucket(_) => "",
            Place::Object(_, key) => key,
        }
    }

    /// The first parameter of this name; COS does not care for its case (Go sends `VersionId`).
    pub(super) fn param(&self, name: &str) -> Option<&str> {
        let found = self.params.iter().find(|param| param.name.eq_ignore_ascii_case(name));
        found.map(|param| param.value.as_str())
    }

    /// The same, but an empty one counts as absent (SDKs send `marker=`).
    pub(super) fn filled_param(&self, name: &str) -> Option<&str> {
        self.param(name).filter(|value| !value.is_empty())
    }

    /// A header; an empty one counts as absent (Node sends `Cache-Control:`).
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let value = self.headers.get(name)?;
        std::str::from_utf8(value.as_bytes()).ok().filter(|value| !value.is_empty())
    }

    /// The same, as it came.
    pub(super) fn raw_header(&self, name: &str) -> Option<&HeaderValue> {
        self.headers.get(name).filter(|value| !value.is_empty())
    }

    /// What errors name: the host and the key.
    pub(super) fn resource(&self) -> String {
        let path = if self.path == "/" && !self.host.is_empty() { "" } else { &self.path };
        format!("{}{path}", self.host)
    }
}

/// The target's own authority first (a request to a proxy), then the Host header; each with and
/// without its port, since the Python SDK signs without and Go and Node with it.
fn hosts(head: &Parts) -> Vec<String> {
    let authority = head.uri.authority().map(|authority| authority.as_str().to_owned());
    let header = head.headers.get(http::header::HOST).and_then(|host| host.to_str().ok());
    let mut hosts = Vec::new();
    for host in authority.into_iter().chain(header.map(str::to_owned)) {
        let bare = without_port(&host).to_owned();
        for host in [host, bare] {
            if !hosts.contains(&host) {
                hosts.push(host);
            }
        }
    }
    hosts
}

/// A host without `:port`; brackets of an IPv6 address stay.
pub(super) fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

/// The front end drops header names with `_`, so that a signed one does not verify.
fn forwarded(headers: &HeaderMap) -> HeaderMap {
    let mut kept = headers.clone();
    for name in headers.keys().filter(|name| name.as_str().contains('_')) {
        kept.remove(name);
    }
    kept
}
