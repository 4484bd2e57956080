//! Verification of `q-sign-algorithm=sha1` (COS product page 436/7778), for the emulator.
//!
//! Written apart from the signer: only the digests are shared. It rebuilds what the client says
//! that it signed, from the lists in the request, and tries the few forms in which SDKs differ:
//!
//! * `host` with and without its port;
//! * parameters in the order of `q-url-param-list`, sorted by encoded name (Go, Python, Java), and
//!   sorted by decoded name (Node);
//! * `q-url-param-list` encoded once more than the rest of the query;
//! * a token in the query whose `+` was not encoded (Node).
//!
//! Each form is accepted only if its HMAC is right, so trying several weakens nothing.

mod encoding;
mod listed;
#[cfg(test)]
mod tests;

use hmac::{Hmac, KeyInit as _, Mac as _};
use http::{HeaderMap, Method};
use sha1::{Digest as _, Sha1};

pub(crate) use self::encoding::{Plus, decode};
use self::{
    encoding::decode_lossy,
    listed::{Listed, resolve_headers, resolve_params},
};
use crate::{Credentials, UnixTime};

/// A window that starts further in the future than this means that a clock is wrong.
const SKEW_TOLERATED_SECONDS: i64 = 15 * 60;

/// A query parameter, decoded once, form style.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Param {
    pub(crate) name: String,
    pub(crate) value: String,
}

impl Param {
    /// The pairs of a raw query; the value is all after the first `=`. `None` if one cannot be
    /// decoded.
    pub(crate) fn parse_query(query: &str) -> Option<Vec<Self>> {
        let pairs = query.split('&').filter(|pair| !pair.is_empty());
        pairs
            .map(|pair| {
                let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
                Some(Self { name: decode(name, Plus::Space)?, value: decode(value, Plus::Space)? })
            })
            .collect()
    }
}

/// A request as it is to be verified.
#[derive(Debug)]
pub(crate) struct Presented<'a> {
    pub(crate) method: &'a Method,
    /// Decoded once, with its leading slash.
    pub(crate) path: &'a str,
    pub(crate) params: &'a [Param],
    pub(crate) headers: &'a HeaderMap,
    /// What the client may have signed as `host`.
    pub(crate) hosts: &'a [String],
}

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Identity {
    /// Nobody known: the request is not signed.
    Anonymous,
    /// The owner of the buckets.
    Account,
}

/// Why a signature is not accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Denial {
    /// The signature cannot be read; says what is wrong.
    Malformed(&'static str),
    /// No such SecretId.
    UnknownId,
    /// The token is missing, wrong, or not one of this SecretId.
    WrongToken,
    /// The token's time is over.
    ExpiredToken,
    /// The window starts too far in the future.
    TooSkewed,
    /// Now is outside the window.
    Expired,
    /// The signature is another one; what the service signed.
    Mismatch { string_to_sign: String, format_string: String },
}

/// Checks the signature of a request, if it has one.
pub(crate) fn verify(
    request: &Presented<'_>,
    credentials: &[Credentials],
    now: UnixTime,
) -> Result<Identity, Denial> {
    let Some(claim) = Claim::find(request)? else { return Ok(Identity::Anonymous) };
    let known = find_credentials(request, credentials, &claim)?;
    if known.expires().is_some_and(|expires| expires <= now) {
        return Err(Denial::ExpiredToken);
    }
    for window in [&claim.key_time, &claim.sign_time] {
        window.check(now)?;
    }
    claim.check(request, known)
}

/// What a request says about its signature.
#[derive(Debug)]
struct Claim {
    secret_id: String,
    sign_time: Window,
    key_time: Window,
    header_list: String,
    param_list: String,
    signature: String,
}

impl Claim {
    /// Looks into the Authorization header, then into the query, in both forms.
    fn find(request: &Presented<'_>) -> Result<Option<Self>, Denial> {
        let header = request.headers.get(http::header::AUTHORIZATION);
        // The Python SDK sends an empty one when it is to be anonymous.
        if let Some(value) = header.filter(|value| !value.is_empty()) {
            let value =
                value.to_str().map_err(|_| Denial::Malformed("Authorization is not ASCII"))?;
            return Self::parse(&pairs(value)).map(Some);
        }
        let named = |name: &str| {
            request.params.iter().find(|param| param.name == name).map(|param| &param.value)
        };
        if let Some(merged) = named("sign").filter(|value| value.contains("q-sign-algorithm")) {
            return Self::parse(&pairs(merged)).map(Some);
        }
        if ["q-signature", "q-ak", "q-sign-algorithm"].iter().any(|name| named(name).is_some()) {
            let pairs: Vec<_> = request
                .params
                .iter()
                .map(|param| (param.name.as_str(), param.value.as_str()))
                .collect();
            return Self::parse(&pairs).map(Some);
        }
        Ok(None)
    }

    fn parse(pairs: &[(&str, &str)]) -> Result<Self, Denial> {
        let get = |name: &str, missing| {
            let found = pairs.iter().find(|(found, _)| *found == name);
            found.map(|(_, value)| (*value).to_owned()).ok_or(Denial::Malformed(missing))
        };
        if get("q-sign-algorithm", "q-sign-algorithm is missing")? != "sha1" {
            return Err(Denial::Malformed("q-sign-algorithm must be sha1"));
        }
        Ok(Self {
            secret_id: get("q-ak", "q-ak is missing")?,
            sign_time: Window::parse(&get("q-sign-time", "q-sign-time is missing")?)?,
            key_time: Window::parse(&get("q-key-time", "q-key-time is missing")?)?,
            header_list: get("q-header-list", "q-header-list is missing")?,
            param_list: get("q-url-param-list", "q-url-param-list is missing")?,
            signature: get("q-signature", "q-signature is missing")?,
        })
    }

    fn check(&self, request: &Presented<'_>, known: &Credentials) -> Result<Identity, Denial> {
        let key = hmac(known.secret_key().expose().as_bytes(), self.key_time.text.as_bytes());
        let sign_key = hex::encode(key.finalize().into_bytes());
        let lower_hex = self.signature.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        let claimed = hex::decode(&self.signature).ok().filter(|_| lower_hex);
        let signed = |rebuilt: &Rebuilt| {
            let string_to_sign = format!(
                "sha1\n{}\n{}\n",
                self.sign_time.text,
                hex::encode(Sha1::digest(&rebuilt.text))
            );
            let mac = hmac(sign_key.as_bytes(), string_to_sign.as_bytes());
            // `verify_slice` compares in constant time.
            let equal = claimed.as_ref().is_some_and(|claimed| mac.verify_slice(claimed).is_ok());
            if equal && rebuilt.all_there { Ok(Identity::Account) } else { Err(string_to_sign) }
        };
        // Nearly all clients sign the first form, and there may be a dozen.
        let first = self.first_form(request);
        let string_to_sign = match signed(&first) {
            Ok(identity) => return Ok(identity),
            Err(string_to_sign) => string_to_sign,
        };
        if let Some(identity) = self.rebuild(request).iter().find_map(|form| signed(form).ok()) {
            return Ok(identity);
        }
        Err(Denial::Mismatch { string_to_sign, format_string: first.text })
    }

    /// The names as they were listed, with the host as it was addressed.
    fn first_form(&self, request: &Presented<'_>) -> Rebuilt {
        let host = request.hosts.first().map_or("", String::as_str);
        let params = resolve_params(&self.param_list, request.params).join();
        let headers = resolve_headers(&self.header_list, request.headers, host).join();
        http_string(request, &params, &headers)
    }

    /// The HttpStrings that the client may have signed.
    fn rebuild(&self, request: &Presented<'_>) -> Vec<Rebuilt> {
        let mut strings = Vec::new();
        for params in self.params_forms(request.params) {
            for headers in self.headers_forms(request) {
                strings.push(http_string(request, &params, &headers));
            }
        }
        strings
    }

    fn params_forms(&self, params: &[Param]) -> Vec<Rebuilt> {
        let mut forms = Vec::new();
        for list in [self.param_list.clone(), decode_lossy(&self.param_list)] {
            let listed = resolve_params(&list, params);
            let mut by_encoded = listed.clone();
            by_encoded.pairs.sort();
            let mut by_name = listed.clone();
            by_name.pairs.sort_by_cached_key(|(name, _)| decode_lossy(name));
            forms.extend([listed, by_encoded, by_name].iter().map(Listed::join));
        }
        distinct(forms)
    }

    fn headers_forms(&self, request: &Presented<'_>) -> Vec<Rebuilt> {
        let host = |host: &String| resolve_headers(&self.header_list, request.headers, host).join();
        let mut forms: Vec<_> = request.hosts.iter().map(host).collect();
        if forms.is_empty() {
            forms.push(host(&String::new()));
        }
        distinct(forms)
    }
}

/// A string, or a line of it, as the service rebuilds it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Rebuilt {
    text: String,
    /// Whether the request has all names that it lists. Without one, nothing matches.
    all_there: bool,
}

fn http_string(request: &Presented<'_>, params: &Rebuilt, headers: &Rebuilt) -> Rebuilt {
    let method = request.method.as_str().to_ascii_lowercase();
    let text = format!("{method}\n{}\n{}\n{}\n", request.path, params.text, headers.text);
    Rebuilt { text, all_there: params.all_there && headers.all_there }
}

fn distinct(forms: Vec<Rebuilt>) -> Vec<Rebuilt> {
    let mut kept = Vec::new();
    for form in forms {
        if !kept.contains(&form) {
            kept.push(form);
        }
    }
    kept
}

/// `start;end` in unix seconds, and exactly as it was written.
#[derive(Debug)]
struct Window {
    text: String,
    start: i64,
    end: i64,
}

impl Window {
    fn parse(text: &str) -> Result<Self, Denial> {
        let text = decode_lossy(text);
        let digits = |part: &str| {
            part.parse().ok().filter(|_| part.bytes().all(|byte| byte.is_ascii_digit()))
        };
        let parsed = text
            .split_once(';')
            .and_then(|(start, end)| Some((digits(start)?, digits(end)?)))
            .filter(|(start, end)| start <= end);
        match parsed {
            Some((start, end)) => Ok(Self { text, start, end }),
            None => Err(Denial::Malformed("q-sign-time and q-key-time must be start;end")),
        }
    }

    fn check(&self, now: UnixTime) -> Result<(), Denial> {
        let now = now.as_secs();
        if self.start.saturating_sub(now) > SKEW_TOLERATED_SECONDS {
            Err(Denial::TooSkewed)
        } else if now < self.start || now > self.end {
            Err(Denial::Expired)
        } else {
            Ok(())
        }
    }
}

fn find_credentials<'a>(
    request: &Presented<'_>,
    credentials: &'a [Credentials],
    claim: &Claim,
) -> Result<&'a Credentials, Denial> {
    const TOKEN: &str = "x-cos-security-token";
    let in_header = request.headers.get(TOKEN).map(|value| value.as_bytes().to_vec());
    let in_query = || {
        let param = request.params.iter().find(|param| param.name.eq_ignore_ascii_case(TOKEN));
        // A token has no spaces: what decoded to one was a bare plus.
        param.map(|param| param.value.replace(' ', "+").into_bytes())
    };
    let token = in_header.or_else(in_query).filter(|token| !token.is_empty());
    let mut of_id =
        credentials.iter().filter(|known| known.secret_id() == claim.secret_id).peekable();
    if of_id.peek().is_none() {
        return Err(Denial::UnknownId);
    }
    of_id
        .find(|known| match (known.token(), &token) {
            (Some(ours), Some(theirs)) => same(ours.expose().as_bytes(), theirs),
            (None, None) => true,
            _ => false,
        })
        .ok_or(Denial::WrongToken)
}

/// The pairs of an Authorization value. Its lists are not decoded: their names are compared as
/// they were signed.
fn pairs(text: &str) -> Vec<(&str, &str)> {
    let split = |pair| str::split_once(pair, '=').unwrap_or((pair, ""));
    text.trim().split('&').map(split).collect()
}

fn hmac(key: &[u8], message: &[u8]) -> Hmac<Sha1> {
    #[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
    let mac = Hmac::<Sha1>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.chain_update(message)
}

/// Whether two secrets are equal, in a time that depends on their lengths only.
fn same(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).fold(0, |differ, (a, b)| differ | (a ^ b)) == 0
}
