//! Calls become signed requests here: the only place that joins endpoint, credentials and time.

use std::{borrow::Cow, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Request, Uri,
    header::{AUTHORIZATION, CONTENT_LENGTH, HOST, USER_AGENT},
    uri::PathAndQuery,
};

use super::{Generation, Session, State};
use crate::{
    Call, Error, ErrorKind, Key, Payload, UnixTime,
    encode::{encode_into, encode_key_into},
    sign::{self, KeyTime, Place, SignKey, Signed},
};

/// `x-cos-security-token`, as a header and as a query parameter.
pub(crate) const TOKEN: &str = "x-cos-security-token";
const COPY_SOURCE: HeaderName = HeaderName::from_static("x-cos-copy-source");
/// Key-times begin on multiples of this, so that one sign key serves for so long.
const KEY_TIME_STEP: i64 = 300;
/// How long a header's signature is valid at least.
const KEY_TIME_LENGTH: i64 = 3600;
/// The longest text that `Uri` parses.
const URI_BYTES_MAX: usize = 65_534;

/// What a presigned URL allows.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Presign {
    /// The method it is valid for.
    pub method: Method,
    /// The object, or `None` for the bucket.
    pub key: Option<Key>,
    /// Query parameters that belong to the call, decoded; they are signed.
    pub query: Vec<(String, String)>,
    /// Header fields that the user of the URL must send with the same value; they are signed.
    pub headers: HeaderMap,
    /// How long it is valid; at most as long as the credentials.
    pub expires: Duration,
}

impl Presign {
    /// A URL for `method` on an object, valid for 20 minutes.
    pub fn new(method: Method, key: Key) -> Self {
        Self {
            method,
            key: Some(key),
            query: Vec::new(),
            headers: HeaderMap::new(),
            expires: Duration::from_secs(20 * 60),
        }
    }

    /// Another time of validity.
    #[must_use]
    pub fn expires(mut self, after: Duration) -> Self {
        self.expires = after;
        self
    }

    /// A query parameter of the call, such as `partNumber` or `response-content-type`.
    #[must_use]
    pub fn query(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.query.push((name.into(), value.into()));
        self
    }

    /// A header field that the user of the URL must send.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }
}

/// A presigned URL. It is a bearer secret: `Debug` hides the query.
#[derive(Clone, PartialEq, Eq)]
pub struct PresignedUrl {
    url: String,
    expires: UnixTime,
}

impl PresignedUrl {
    /// The URL, whole.
    pub fn as_str(&self) -> &str {
        &self.url
    }

    /// When it stops being accepted, on the service's clock.
    pub fn expires(&self) -> UnixTime {
        self.expires
    }
}

impl std::fmt::Debug for PresignedUrl {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let shown = self.url.split('?').next().unwrap_or_default();
        write!(out, "PresignedUrl({shown}?…)")
    }
}

/// A signed request, and what it was signed by.
#[derive(Debug)]
pub(crate) struct Attempt {
    pub(crate) request: Request<Payload>,
    pub(crate) generation: Generation,
    /// The service's clock minus ours, in seconds.
    pub(crate) skew: i64,
}

/// What signs all requests of one key-time and of one generation of credentials.
pub(super) struct Signer {
    key: SignKey,
    secret_id: String,
    token: Option<HeaderValue>,
    generation: Generation,
}

/// Who signs an attempt, and how the service's clock was taken to differ.
pub(crate) struct Signing {
    signer: Arc<Signer>,
    skew: i64,
}

impl Session {
    /// Who signs at `now`; `None` if there are no credentials, or if they must be replaced first.
    pub(crate) fn signing(&self, now: UnixTime) -> Option<Signing> {
        let skew = self.skew();
        let now = UnixTime::from_secs(now.as_secs().saturating_add(skew));
        let mut state = self.lock();
        let signer = state.is_fresh(now).then(|| state.signer(now, self.0.validity_min))??;
        Some(Signing { signer, skew })
    }

    /// Signs one attempt; `None` if the URI would be too long.
    pub(crate) fn sign(&self, Signing { signer, skew }: Signing, call: Call) -> Option<Attempt> {
        let mut headers = call.headers;
        headers.insert(HOST, self.0.host.clone());
        headers.insert(USER_AGENT, self.0.user_agent.clone());
        if !call.body.is_empty() || matches!(call.method, Method::PUT | Method::POST) {
            headers.insert(CONTENT_LENGTH, value(itoa::Buffer::new().format(call.body.len())));
        }
        if let Some(source) = &call.copy_source {
            headers.insert(COPY_SOURCE, value(&source.header(&self.0.bucket, &self.0.region)));
        }
        if let Some(token) = &signer.token {
            headers.insert(HeaderName::from_static(TOKEN), token.clone());
        }
        // One piece of memory for all text of the request.
        let mut text = String::with_capacity(1024);
        push_path(&mut text, call.key.as_ref(), &call.query);
        let path_length = text.len();
        let covered = Signed {
            method: &call.method,
            path: call.key.as_ref().map_or("", Key::as_str),
            query: call.query,
            headers: sign::signed_headers(&headers),
        };
        sign::sign_into(&mut text, Place::Header, &signer.secret_id, &signer.key, covered);
        let mut path = Bytes::from(text);
        let mut authorization = HeaderValue::from_maybe_shared(path.split_off(path_length)).ok()?;
        authorization.set_sensitive(true);
        headers.insert(AUTHORIZATION, authorization);

        let mut request = Request::new(call.body);
        *request.method_mut() = call.method;
        *request.uri_mut() = self.uri(path)?;
        *request.headers_mut() = headers;
        Some(Attempt { request, generation: signer.generation, skew })
    }

    /// The absolute URL, if it is no longer than `Uri` takes one that is parsed.
    fn uri(&self, path: Bytes) -> Option<Uri> {
        let mut parts = self.0.base.clone().into_parts();
        let base = parts.authority.as_ref()?.as_str().len().saturating_add("https://".len());
        if base.saturating_add(path.len()) > URI_BYTES_MAX {
            return None;
        }
        parts.path_and_query = Some(PathAndQuery::from_maybe_shared(path).ok()?);
        Uri::from_parts(parts).ok()
    }

    /// Presigns a URL at `now`.
    ///
    /// # Errors
    /// [`ErrorKind::Credentials`] if the session has none (yet), or they have expired.
    pub fn presign(&self, now: UnixTime, presign: &Presign) -> Result<PresignedUrl, Error> {
        let now = self.service_time(now);
        let state = self.lock();
        let Some(current) = &state.credentials else {
            return Err(Error::new(ErrorKind::Credentials, "a URL cannot be presigned yet"));
        };
        let credentials = &current.credentials;
        let wanted = now + presign.expires;
        let end = credentials.expires().map_or(wanted, |expires| wanted.min(expires));
        if end <= now {
            return Err(Error::new(ErrorKind::Credentials, "they have expired"));
        }
        // A clock that is a little ahead of the service's must not make the URL invalid at first.
        let key_time = KeyTime { start: now - Duration::from_secs(60), end };
        let key = SignKey::derive(credentials, key_time);
        let endpoint = self.0.redirect.as_ref().unwrap_or(&self.0.endpoint);
        let mut headers = sign::signed_headers(&presign.headers);
        headers.retain(|(name, _)| *name != HOST);
        headers.push((HOST.as_str(), endpoint.authority()));
        let own = presign.query.iter().map(|(name, value)| (&**name, &**value));
        let token = credentials.token().map(|token| (TOKEN, token.expose()));
        let query: Vec<(Cow<'_, str>, Cow<'_, str>)> =
            own.chain(token).map(|(name, value)| (name.into(), value.into())).collect();
        let mut url = String::with_capacity(1024);
        for text in [endpoint.scheme().as_str(), "://", endpoint.authority()] {
            url.push_str(text);
        }
        push_path(&mut url, presign.key.as_ref(), &query);
        url.push(if query.is_empty() { '?' } else { '&' });
        let path = presign.key.as_ref().map_or("", Key::as_str);
        let signed = Signed { method: &presign.method, path, query, headers };
        sign::sign_into(&mut url, Place::Query, credentials.secret_id(), &key, signed);
        Ok(PresignedUrl { url, expires: end })
    }
}

impl State {
    /// The cached signer, renewed when its window no longer leaves `validity_min`.
    fn signer(&mut self, now: UnixTime, validity_min: Duration) -> Option<Arc<Signer>> {
        let valid_from = now - Duration::from_secs(60);
        let fits = |time: KeyTime| time.start <= valid_from && now + validity_min <= time.end;
        if let Some(signer) = self.signer.as_ref().filter(|signer| fits(signer.key.key_time())) {
            return Some(Arc::clone(signer));
        }
        let credentials = &self.credentials.as_ref()?.credentials;
        let step = now.as_secs().div_euclid(KEY_TIME_STEP).saturating_mul(KEY_TIME_STEP);
        let start = UnixTime::from_secs(step.saturating_sub(KEY_TIME_STEP));
        let length = key_time_length(validity_min);
        let end = UnixTime::from_secs(start.as_secs().saturating_add(length));
        let signer = Arc::new(Signer {
            key: SignKey::derive(credentials, KeyTime { start, end }),
            secret_id: credentials.secret_id().to_owned(),
            token: credentials.token().map(|token| secret(token.expose())),
            generation: self.generation,
        });
        self.signer = Some(Arc::clone(&signer));
        Some(signer)
    }
}

/// How many seconds a sign key is valid that must leave `validity_min` whenever it is used. No clock
/// can be off by more without its requests being refused.
pub(super) fn key_time_length(validity_min: Duration) -> i64 {
    let needed = i64::try_from(validity_min.as_secs()).unwrap_or(i64::MAX);
    KEY_TIME_LENGTH.max(needed.saturating_add(KEY_TIME_STEP.saturating_mul(3)))
}

/// Appends path and query; a parameter without value is written `name` alone, as in `?uploads`.
fn push_path(uri: &mut String, key: Option<&Key>, query: &[(Cow<'_, str>, Cow<'_, str>)]) {
    uri.push('/');
    if let Some(key) = key {
        encode_key_into(uri, key.as_str());
    }
    let mut separator = '?';
    for (name, value) in query {
        uri.push(separator);
        separator = '&';
        encode_into(uri, name);
        if !value.is_empty() {
            uri.push('=');
            encode_into(uri, value);
        }
    }
}

/// A header value from text that was validated where it came in.
pub(super) fn value(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).unwrap_or_else(|_| HeaderValue::from_static(""))
}

/// The same, hidden from Debug.
fn secret(text: &str) -> HeaderValue {
    let mut value = value(text);
    value.set_sensitive(true);
    value
}
