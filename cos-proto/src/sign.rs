//! Signing by `q-sign-algorithm=sha1` (COS product page 436/7778), in a header or in the URL.

#[cfg(test)]
mod vectors;

use std::{borrow::Cow, cmp::Ordering};

use hmac::{Hmac, KeyInit as _, Mac as _};
use http::{HeaderMap, HeaderName, Method};
use sha1::{Digest as _, Sha1};
use zeroize::Zeroizing;

use crate::{
    Credentials, UnixTime,
    encode::{encode_into, is_bare},
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
    /// The key-time as it is written.
    validity: String,
    /// Keyed, and fed with what all StringToSign of one key-time begin with.
    begun: Hmac<Sha1>,
}

impl SignKey {
    pub(crate) fn derive(credentials: &Credentials, key_time: KeyTime) -> Self {
        let mut validity = String::with_capacity(32);
        validity.push_str(itoa::Buffer::new().format(key_time.start.as_secs()));
        validity.push(';');
        validity.push_str(itoa::Buffer::new().format(key_time.end.as_secs()));
        let key = hmac(credentials.secret_key().expose().as_bytes()).chain_update(&validity);
        let key = Zeroizing::new(finish(key));
        let begun = hmac(&*key).chain_update("sha1\n").chain_update(&validity).chain_update("\n");
        Self { key_time, validity, begun }
    }

    pub(crate) fn key_time(&self) -> KeyTime {
        self.key_time
    }

    /// The signature over a canonical HttpString.
    fn signature(&self, http_string: &str) -> [u8; 40] {
        let digest = encode_hex(&Sha1::digest(http_string).into());
        finish(self.begun.clone().chain_update(digest).chain_update("\n"))
    }
}

/// What a signature covers.
pub(crate) struct Signed<'a> {
    pub(crate) method: &'a Method,
    /// Decoded, without the leading slash.
    pub(crate) path: &'a str,
    /// Decoded names and values, in any order.
    pub(crate) query: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    pub(crate) headers: Vec<(&'a str, &'a str)>,
}

/// Where a signature goes.
#[derive(Clone, Copy)]
pub(crate) enum Place {
    /// The header `Authorization`.
    Header,
    /// The query of a URL.
    Query,
}

/// Signs and appends what says so: the value of the header, or query parameters.
pub(crate) fn sign_into(
    out: &mut String,
    place: Place,
    secret_id: &str,
    key: &SignKey,
    mut signed: Signed<'_>,
) {
    let signature = signed.signature(key, out);
    out.push_str("q-sign-algorithm=sha1&q-ak=");
    place.push(out, secret_id);
    for name in ["&q-sign-time=", "&q-key-time="] {
        out.push_str(name);
        place.push(out, &key.validity);
    }
    out.push_str("&q-header-list=");
    place.push_names(out, &signed.headers);
    out.push_str("&q-url-param-list=");
    place.push_names(out, &signed.query);
    out.push_str("&q-signature=");
    out.push_str(str::from_utf8(&signature).unwrap_or_default());
}

impl Place {
    fn push(self, out: &mut String, value: &str) {
        match self {
            Self::Header => out.push_str(value),
            Self::Query => encode_into(out, value),
        }
    }

    fn push_names<T: AsRef<str>>(self, out: &mut String, pairs: &[(T, T)]) {
        let start = out.len();
        for (index, (name, _)) in pairs.iter().enumerate() {
            if index > 0 {
                out.push(';');
            }
            push_name(out, name.as_ref());
        }
        if matches!(self, Self::Query) {
            let names = out.split_off(start);
            encode_into(out, &names);
        }
    }
}

/// The headers that are signed: those that decide what the request does, as the vendor's SDKs sign
/// them (auth.go, `NeedSignHeaders`); not those that a proxy may edit.
pub(crate) fn is_signed_header(name: &HeaderName) -> bool {
    match name.as_str() {
        "cache-control"
        | "content-disposition"
        | "content-encoding"
        | "content-length"
        | "content-md5"
        | "content-type"
        | "expires"
        | "host"
        | "if-match"
        | "if-modified-since"
        | "if-none-match"
        | "if-unmodified-since"
        | "range"
        | "origin" => true,
        name => name.starts_with("x-cos-"),
    }
}

/// The headers of a request that are signed, as text. A value that is not visible ASCII is left
/// out: COS would see other bytes than the signature covers.
pub(crate) fn signed_headers(headers: &HeaderMap) -> Vec<(&str, &str)> {
    // Nearly all of them are: room for all is one allocation.
    let mut signed = Vec::with_capacity(headers.len());
    signed.extend(
        headers
            .iter()
            .filter(|(name, _)| is_signed_header(name))
            .filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?))),
    );
    signed
}

impl Signed<'_> {
    /// The signature. The HttpString stands at the end of `scratch` for as long as it is hashed, so
    /// that it needs no memory of its own; afterwards both lists are in order.
    fn signature(&mut self, key: &SignKey, scratch: &mut String) -> [u8; 40] {
        let start = scratch.len();
        self.push_http_string(scratch);
        let signature = key.signature(scratch.get(start..).unwrap_or_default());
        scratch.truncate(start);
        signature
    }

    fn push_http_string(&mut self, out: &mut String) {
        out.extend(self.method.as_str().chars().map(|letter| letter.to_ascii_lowercase()));
        out.push_str("\n/");
        out.push_str(self.path);
        out.push('\n');
        push_sorted(out, &mut self.query);
        out.push('\n');
        push_sorted(out, &mut self.headers);
        out.push('\n');
    }
}

/// By encoded, then lower-cased names. What is encoded begins with `%`, which is less than all that
/// stands for itself.
fn in_canonical_order(one: (&str, &str), other: (&str, &str)) -> Ordering {
    fn rank(name: &str) -> impl Iterator<Item = (bool, u8)> {
        name.bytes().map(|byte| (is_bare(byte), byte.to_ascii_lowercase()))
    }
    rank(one.0).cmp(rank(other.0)).then_with(|| one.1.cmp(other.1))
}

fn push_sorted<T: AsRef<str>>(out: &mut String, pairs: &mut [(T, T)]) {
    fn text<T: AsRef<str>>((name, value): &(T, T)) -> (&str, &str) {
        (name.as_ref(), value.as_ref())
    }
    pairs.sort_unstable_by(|one, other| in_canonical_order(text(one), text(other)));
    for (index, (name, value)) in pairs.iter().enumerate() {
        if index > 0 {
            out.push('&');
        }
        push_name(out, name.as_ref());
        out.push('=');
        encode_into(out, value.as_ref());
    }
}

/// A name, encoded and then lower-cased: hex digits in it become lower case too.
fn push_name(out: &mut String, name: &str) {
    let start = out.len();
    encode_into(out, name);
    if let Some(name) = out.get_mut(start..) {
        name.make_ascii_lowercase();
    }
}

fn hmac(key: &[u8]) -> Hmac<Sha1> {
    #[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
    Hmac::new_from_slice(key).expect("a key of any length")
}

fn finish(mac: Hmac<Sha1>) -> [u8; 40] {
    encode_hex(&mac.finalize().into_bytes().into())
}

/// `hex::encode_to_slice` without its checks: both lengths are fixed by SHA-1.
fn encode_hex(bytes: &[u8; 20]) -> [u8; 40] {
    let digit = |nibble: u8| b"0123456789abcdef".get(usize::from(nibble)).copied().unwrap_or(b'0');
    let mut out = [0; 40];
    for ([high, low], byte) in out.as_chunks_mut().0.iter_mut().zip(bytes) {
        (*high, *low) = (digit(byte >> 4), digit(byte & 0xF));
    }
    out
}
