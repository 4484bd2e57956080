//! Signing one request in its header.

use std::{hint::black_box, time::Duration};

use cos_proto::UnixTime;
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::{HeaderMap, HeaderValue, Method, Request, header};
use sha1::{Digest as _, Sha1};

use super::{
    OURS,
    measure::{Effort, Race, ensure},
    sample::{self, HOST, KEY, NOW, SECRET_ID, SECRET_KEY},
};
use crate::{
    row::{Bound, Row, Rows},
    sign::{self, KeyTime, Place, SignKey, Signed},
};

pub(super) const RANGE: &str = "bytes=0-1048575";

/// Signs one request again and again into a buffer that it keeps.
#[expect(missing_debug_implementations, reason = "it holds a key")]
pub struct Signer {
    key: SignKey,
    method: Method,
    query: Vec<(String, String)>,
    headers: HeaderMap,
    out: String,
}

impl Signer {
    /// Of GET of a part of a blob.
    pub fn new() -> Self {
        let start = NOW.unix - Duration::from_mins(5);
        let key_time = KeyTime { start, end: start + Duration::from_hours(1) };
        Self::at(key_time)
    }

    pub(super) fn at(key_time: KeyTime) -> Self {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, HeaderValue::from_static(HOST));
        headers.insert(header::RANGE, HeaderValue::from_static(RANGE));
        let key = SignKey::derive(&sample::credentials(), key_time);
        let out = String::with_capacity(1024);
        Self { key, method: Method::GET, query: Vec::new(), headers, out }
    }

    /// Of a signed request to the sample's key whose parameters need no escapes.
    pub(super) fn of<T>(request: &Request<T>) -> Option<Self> {
        let authorization = request.headers().get(header::AUTHORIZATION)?.to_str().ok()?;
        let (_, from) = authorization.split_once("q-key-time=")?;
        let (start, end) = from.split('&').next()?.split_once(';')?;
        let [start, end] = [start, end].map(|time| time.parse().ok().map(UnixTime::from_secs));
        let key_time = KeyTime { start: start?, end: end? };
        let pair = |pair: &str| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (name.to_owned(), value.to_owned())
        };
        let query = request.uri().query();
        let query = query.map(|query| query.split('&').map(pair).collect()).unwrap_or_default();
        let (method, headers) = (request.method().clone(), request.headers().clone());
        Some(Self { method, query, headers, ..Self::at(key_time) })
    }

    /// The value of the Authorization header.
    pub fn sign(&mut self) -> &str {
        self.out.clear();
        let signed = Signed {
            method: &self.method,
            path: KEY,
            query: self.query.iter().map(|(name, value)| (name.into(), value.into())).collect(),
            headers: sign::signed_headers(&self.headers),
        };
        sign::sign_into(&mut self.out, Place::Header, SECRET_ID, &self.key, signed);
        &self.out
    }
}

impl Default for Signer {
    fn default() -> Self {
        Self::new()
    }
}

/// What COS demands to be hashed for a request, from strings that are there: one SHA-1 and two
/// HMAC-SHA1, with no key kept.
#[derive(Debug)]
pub struct HashFloor {
    key_time: String,
    sign_key: String,
    http_string: String,
    string_to_sign: String,
}

impl HashFloor {
    pub fn new() -> Self {
        let key_time = format!("{};{}", NOW.unix.as_secs() - 300, NOW.unix.as_secs() + 3300);
        let http_string =
            format!("get\n/{KEY}\n\nhost={HOST}&range={}\n", RANGE.replace('=', "%3D"));
        let sign_key = hex::encode(hmac(SECRET_KEY, &key_time));
        let digest = hex::encode(Sha1::digest(&http_string));
        let string_to_sign = format!("sha1\n{key_time}\n{digest}\n");
        Self { key_time, sign_key, http_string, string_to_sign }
    }

    /// The signature.
    pub fn hash(&self) -> [u8; 20] {
        black_box(hmac(SECRET_KEY, black_box(&self.key_time)));
        black_box(Sha1::digest(black_box(&self.http_string)));
        hmac(black_box(&self.sign_key), black_box(&self.string_to_sign))
    }
}

impl Default for HashFloor {
    fn default() -> Self {
        Self::new()
    }
}

#[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
fn hmac(key: &str, text: &str) -> [u8; 20] {
    let mac = Hmac::<Sha1>::new_from_slice(key.as_bytes()).expect("a key of any length");
    mac.chain_update(text).finalize().into_bytes().into()
}

pub fn rows(effort: Effort) -> Rows {
    let (mut signer, floor) = (Signer::new(), HashFloor::new());
    let hash = floor.hash();
    let signature = hex::encode(hash);
    ensure(signer.sign().ends_with(&signature), "another signature than the floor's")?;

    let mut race = Race::new(effort);
    race.add(OURS, || ensure(signer.sign().ends_with(&signature), "another signature"));
    race.add("hashes", || ensure(floor.hash() == hash, "another hash"));
    #[cfg(feature = "peers")]
    super::peers::sign(&mut race)?;
    let costs = race.run()?;

    let (ours, hashes) = (costs.of(OURS)?, costs.of("hashes")?);
    let mut time = Row::new("sign one request, header form", "ns", ours.nanoseconds)
        .floor("SHA-1 + 2 HMAC", hashes.nanoseconds)
        .target("ours / floor", ours.nanoseconds / hashes.nanoseconds, Bound::AtMost(1.0));
    let mut memory = Row::new("… its allocations", "", ours.allocations).target(
        "ours",
        ours.allocations,
        Bound::AtMost(2.0),
    );
    if let Some(reqsign) = costs.get("reqsign") {
        let ratio = reqsign.nanoseconds / ours.nanoseconds;
        let possible = reqsign.nanoseconds / hashes.nanoseconds;
        time = time
            .peer("reqsign", reqsign.nanoseconds)
            .target("reqsign / ours", ratio, Bound::AtLeast(possible.min(5.0)))
            .target("reqsign / floor", possible, Bound::Info)
            .note("reqsign / ours was to be 5; at least what the hashes alone reach is what it must be");
        memory = memory.peer("reqsign", reqsign.allocations);
    }
    let mut rows = vec![time, memory];
    if let Some(opendal) = costs.get("OpenDAL") {
        let ratio = opendal.nanoseconds / ours.nanoseconds;
        rows.push(
            Row::new("… as OpenDAL has it signed", "ns", ours.nanoseconds)
                .peer("OpenDAL", opendal.nanoseconds)
                .target("OpenDAL / ours", ratio, Bound::AtLeast(5.0))
                .note("reqsign's Signer with its cached credentials, set up as OpenDAL does"),
        );
    }
    Ok(rows)
}
