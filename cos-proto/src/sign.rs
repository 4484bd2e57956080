//! Signing by `q-sign-algorithm=sha1` (COS product page 436/7778), in a header or in the URL.

#[cfg(test)]
mod vectors;

use std::{borrow::Cow, fmt::Write as _};

use hmac::{Hmac, KeyInit as _, Mac as _};
use http::{HeaderMap, HeaderName, Method, header};
use sha1::{Digest as _, Sha1};
use zeroize::Zeroizing;

use crate::{
    Credentials, UnixTime,
    encode::{encode, encode_into, is_bare},
};

/// A signature's validity, `start;end` in unix seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct KeyTime {
    pub(crate) start: UnixTime,
    pub(crate) end: UnixTime,
}

/// The key that signs everything of one [`KeyTime`]: `hex(HMAC-SHA1(SecretKey, KeyTime))`. Wiped
/// when dropped, as `hmac` and `sha1` do by their feature `zeroize`.
#[derive(Clone)]
pub(crate) struct SignKey {
    key_time: KeyTime,
    /// Keyed, and fed with what all StringToSign of one key-time begin with.
    begun: Hmac<Sha1>,
}

impl SignKey {
    pub(crate) fn derive(credentials: &Credentials, key_time: KeyTime) -> Self {
        let validity = format!("{};{}", key_time.start, key_time.end);
        let key = hmac(credentials.secret_key().expose().as_bytes())
            .chain_update(&validity)
            .finalize()
            .into_bytes();
        let key = Zeroizing::new(hex::encode(key));
        let begun = hmac(key.as_bytes()).chain_update(format!("sha1\n{validity}\n"));
        Self { key_time, begun }
    }

    pub(crate) fn key_time(&self) -> KeyTime {
        self.key_time
    }

    /// The signature over a canonical HttpString.
    fn signature(&self, http_string: &str) -> [u8; 40] {
        let mut digest = [0; 40];
        encode_hex(&Sha1::digest(http_string), &mut digest);
        let mut mac = self.begun.clone();
        mac.update(&digest);
        mac.update(b"\n");
        let mut signature = [0; 40];
        encode_hex(&mac.finalize().into_bytes(), &mut signature);
        signature
    }
}

/// What a signature covers.
pub(crate) struct Signed<'a> {
    pub(crate) method: &'a Method,
    /// Decoded, with the leading slash.
    pub(crate) path: &'a str,
    /// Decoded names and values.
    pub(crate) query: &'a [(&'a str, &'a str)],
    pub(crate) headers: &'a [(&'a str, &'a str)],
}

/// Appends the value of the Authorization header.
pub(crate) fn authorize_into(
    out: &mut String,
    secret_id: &str,
    key: &SignKey,
    signed: &Signed<'_>,
) {
    let canonical = Canonical::of(signed);
    let KeyTime { start, end } = key.key_time;
    out.push_str("q-sign-algorithm=sha1&q-ak=");
    out.push_str(secret_id);
    let _ = write!(out, "&q-sign-time={start};{end}&q-key-time={start};{end}&q-header-list=");
    out.push_str(canonical.header_list());
    out.push_str("&q-url-param-list=");
    out.push_str(canonical.param_list());
    out.push_str("&q-signature=");
    push_ascii(out, &key.signature(canonical.http_string()));
}

/// The query parameters that presign a URL, in order and decoded.
pub(crate) fn presign(
    secret_id: &str,
    key: &SignKey,
    signed: &Signed<'_>,
) -> [(&'static str, String); 7] {
    let canonical = Canonical::of(signed);
    let KeyTime { start, end } = key.key_time;
    let time = format!("{start};{end}");
    let mut signature = String::new();
    push_ascii(&mut signature, &key.signature(canonical.http_string()));
    [
        ("q-sign-algorithm", "sha1".to_owned()),
        ("q-ak", secret_id.to_owned()),
        ("q-sign-time", time.clone()),
        ("q-key-time", time),
        ("q-header-list", canonical.header_list().to_owned()),
        ("q-url-param-list", canonical.param_list().to_owned()),
        ("q-signature", signature),
    ]
}

/// The headers that are signed: those that decide what the request does, as the vendor's SDKs sign
/// them (auth.go, `NeedSignHeaders`); not those that a proxy may edit.
pub(crate) fn is_signed_header(name: &HeaderName) -> bool {
    const SIGNED: [HeaderName; 14] = [
        header::CACHE_CONTROL,
        header::CONTENT_DISPOSITION,
        header::CONTENT_ENCODING,
        header::CONTENT_LENGTH,
        HeaderName::from_static("content-md5"),
        header::CONTENT_TYPE,
        header::EXPIRES,
        header::HOST,
        header::IF_MATCH,
        header::IF_MODIFIED_SINCE,
        header::IF_NONE_MATCH,
        header::IF_UNMODIFIED_SINCE,
        header::RANGE,
        header::ORIGIN,
    ];
    name.as_str().starts_with("x-cos-") || SIGNED.contains(name)
}

/// The headers of a request that are signed, as text. A value that is not visible ASCII is left
/// out: COS would see other bytes than the signature covers.
pub(crate) fn signed_headers(headers: &HeaderMap) -> Vec<(&str, &str)> {
    headers
        .iter()
        .filter(|(name, _)| is_signed_header(name))
        .filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)))
        .collect()
}

/// The HttpString with the two lists behind it, in one allocation.
struct Canonical {
    text: String,
    http_end: usize,
    headers_end: usize,
}

impl Canonical {
    fn of(signed: &Signed<'_>) -> Self {
        let mut text = String::with_capacity(512);
        text.extend(signed.method.as_str().chars().map(|letter| letter.to_ascii_lowercase()));
        text.push('\n');
        text.push_str(signed.path);
        text.push('\n');
        let params = Sorted::of(signed.query);
        let headers = Sorted::of(signed.headers);
        params.push_pairs(&mut text);
        text.push('\n');
        headers.push_pairs(&mut text);
        text.push('\n');
        let http_end = text.len();
        headers.push_names(&mut text);
        let headers_end = text.len();
        params.push_names(&mut text);
        Self { text, http_end, headers_end }
    }

    fn http_string(&self) -> &str {
        self.text.get(..self.http_end).unwrap_or_default()
    }

    fn header_list(&self) -> &str {
        self.text.get(self.http_end..self.headers_end).unwrap_or_default()
    }

    fn param_list(&self) -> &str {
        self.text.get(self.headers_end..).unwrap_or_default()
    }
}

/// Pairs with encoded, then lower-cased names, sorted by those.
struct Sorted<'a>(Vec<(Cow<'a, str>, &'a str)>);

impl<'a> Sorted<'a> {
    fn of(pairs: &'a [(&'a str, &'a str)]) -> Self {
        let mut sorted: Vec<_> =
            pairs.iter().map(|&(name, value)| (canonical_name(name), value)).collect();
        sorted.sort_unstable();
        Self(sorted)
    }

    fn push_pairs(&self, out: &mut String) {
        for (index, (name, value)) in self.0.iter().enumerate() {
            if index > 0 {
                out.push('&');
            }
            out.push_str(name);
            out.push('=');
            encode_into(out, value);
        }
    }

    fn push_names(&self, out: &mut String) {
        for (index, (name, _)) in self.0.iter().enumerate() {
            if index > 0 {
                out.push(';');
            }
            out.push_str(name);
        }
    }
}

/// A name, encoded and then lower-cased: hex digits in it become lower case too.
fn canonical_name(name: &str) -> Cow<'_, str> {
    if name.bytes().all(|byte| is_bare(byte) && !byte.is_ascii_uppercase()) {
        return Cow::Borrowed(name);
    }
    let mut encoded = encode(name);
    encoded.make_ascii_lowercase();
    Cow::Owned(encoded)
}

fn hmac(key: &[u8]) -> Hmac<Sha1> {
    #[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
    Hmac::new_from_slice(key).expect("a key of any length")
}

fn encode_hex(bytes: &[u8], out: &mut [u8; 40]) {
    // 20 bytes are 40 digits; both lengths are fixed by SHA-1.
    let _ = hex::encode_to_slice(bytes, out);
}

fn push_ascii(out: &mut String, ascii: &[u8]) {
    out.extend(ascii.iter().map(|&byte| char::from(byte)));
}
