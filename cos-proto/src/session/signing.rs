//! Calls become signed requests here: the only place that joins endpoint, credentials and time.

use std::time::Duration;

use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Request, Uri,
    header::{AUTHORIZATION, CONTENT_LENGTH, HOST, USER_AGENT},
};

use super::{Generation, Session, State};
use crate::{
    Call, Error, ErrorKind, Key, Payload, UnixTime,
    encode::{encode_into, encode_key_into},
    sign::{self, KeyTime, SignKey, Signed},
};

/// `x-cos-security-token`, as a header and as a query parameter.
pub(crate) const TOKEN: &str = "x-cos-security-token";
const COPY_SOURCE: HeaderName = HeaderName::from_static("x-cos-copy-source");
/// Key-times begin on multiples of this, so that one sign key serves for so long.
const KEY_TIME_STEP: i64 = 300;
/// How long a header's signature is valid at least.
const KEY_TIME_LENGTH: i64 = 3600;

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

impl Session {
    /// Signs one attempt. `None` if there are no credentials, or if the URI would be too long.
    pub(crate) fn sign(&self, now: UnixTime, call: Call) -> Option<(Generation, Request<Payload>)> {
        let mut state = self.lock();
        let now = state.service_time(now);
        let key = state.sign_key(now, self.0.validity_min)?;
        let generation = state.generation;
        let credentials = &state.credentials.as_ref()?.credentials;

        let mut headers = call.headers;
        headers.insert(HOST, value(self.0.endpoint.authority()));
        headers.insert(USER_AGENT, value(&self.0.user_agent));
        if !call.body.is_empty() || matches!(call.method, Method::PUT | Method::POST) {
            headers.insert(CONTENT_LENGTH, HeaderValue::from(call.body.len()));
        }
        if let Some(source) = &call.copy_source {
            headers.insert(COPY_SOURCE, value(&source.header(&self.0.bucket, &self.0.region)));
        }
        if let Some(token) = credentials.token() {
            headers.insert(HeaderName::from_static(TOKEN), secret(token.expose()));
        }
        let query: Vec<(&str, &str)> =
            call.query.iter().map(|(name, value)| (&**name, &**value)).collect();
        let uri = uri(&self.0.endpoint.to_string(), call.key.as_ref(), &query);
        let mut authorization = String::with_capacity(1024);
        sign::authorize_into(
            &mut authorization,
            credentials.secret_id(),
            &key,
            Signed {
                method: &call.method,
                path: call.key.as_ref().map_or("", Key::as_str),
                query,
                headers: sign::signed_headers(&headers),
            },
        );
        drop(state);
        headers.insert(AUTHORIZATION, secret(&authorization));

        let mut request = Request::new(call.body);
        *request.method_mut() = call.method;
        *request.uri_mut() = uri.parse::<Uri>().ok()?;
        *request.headers_mut() = headers;
        Some((generation, request))
    }

    /// Presigns a URL at `now`.
    ///
    /// # Errors
    /// [`ErrorKind::Credentials`] if the session has none (yet), or they have expired.
    pub fn presign(&self, now: UnixTime, presign: &Presign) -> Result<PresignedUrl, Error> {
        let state = self.lock();
        let now = state.service_time(now);
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
        let mut query: Vec<(&str, &str)> =
            presign.query.iter().map(|(name, value)| (&**name, &**value)).collect();
        if let Some(token) = credentials.token() {
            query.push((TOKEN, token.expose()));
        }
        let mut url = uri(&endpoint.to_string(), presign.key.as_ref(), &query);
        url.push(if query.is_empty() { '?' } else { '&' });
        let path = presign.key.as_ref().map_or("", Key::as_str);
        let signed = Signed { method: &presign.method, path, query, headers };
        sign::presign_into(&mut url, credentials.secret_id(), &key, signed);
        Ok(PresignedUrl { url, expires: end })
    }
}

impl State {
    /// The cached sign key, renewed when its window no longer leaves `validity_min`.
    fn sign_key(&mut self, now: UnixTime, validity_min: Duration) -> Option<SignKey> {
        let valid_from = now - Duration::from_secs(60);
        let fits = |time: KeyTime| time.start <= valid_from && now + validity_min <= time.end;
        if let Some(key) = self.sign_key.as_ref().filter(|key| fits(key.key_time())) {
            return Some(key.clone());
        }
        let credentials = &self.credentials.as_ref()?.credentials;
        let step = now.as_secs().div_euclid(KEY_TIME_STEP).saturating_mul(KEY_TIME_STEP);
        let start = UnixTime::from_secs(step.saturating_sub(KEY_TIME_STEP));
        let length = key_time_length(validity_min);
        let end = UnixTime::from_secs(start.as_secs().saturating_add(length));
        let key = SignKey::derive(credentials, KeyTime { start, end });
        self.sign_key = Some(key.clone());
        Some(key)
    }
}

/// How many seconds a sign key is valid that must leave `validity_min` whenever it is used. No clock
/// can be off by more without its requests being refused.
pub(super) fn key_time_length(validity_min: Duration) -> i64 {
    let needed = i64::try_from(validity_min.as_secs()).unwrap_or(i64::MAX);
    KEY_TIME_LENGTH.max(needed.saturating_add(KEY_TIME_STEP.saturating_mul(3)))
}

/// The absolute URL; a parameter without value is written `name` alone, as in `?uploads`.
fn uri(base: &str, key: Option<&Key>, query: &[(&str, &str)]) -> String {
    let mut uri = String::with_capacity(1024);
    uri.push_str(base);
    uri.push('/');
    if let Some(key) = key {
        encode_key_into(&mut uri, key.as_str());
    }
    let mut separator = '?';
    for (name, value) in query {
        uri.push(separator);
        separator = '&';
        encode_into(&mut uri, name);
        if !value.is_empty() {
            uri.push('=');
            encode_into(&mut uri, value);
        }
    }
    uri
}

/// A header value from text that was validated where it came in.
fn value(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).unwrap_or_else(|_| HeaderValue::from_static(""))
}

/// The same, hidden from Debug.
fn secret(text: &str) -> HeaderValue {
    let mut value = value(text);
    value.set_sensitive(true);
    value
}
