//! The signer against signatures and raw requests of the vendor's own SDKs.

use http::{HeaderMap, HeaderValue, Method};
use serde_json::Value;

use super::*;
use crate::encode::{decode, encode};

fn read(json: &str) -> Value {
    serde_json::from_str(json).expect("a vector file")
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_else(|| panic!("{name} of {value}"))
}

fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value[name].as_array().unwrap_or_else(|| panic!("{name} of {value}"))
}

fn pairs(list: &[Value]) -> Vec<(&str, &str)> {
    list.iter()
        .map(|pair| (pair[0].as_str().expect("name"), pair[1].as_str().expect("value")))
        .collect()
}

fn key_time(text: &str) -> KeyTime {
    let (start, end) = text.split_once(';').expect("start;end");
    let time = |text: &str| UnixTime::from_secs(text.parse().expect("seconds"));
    KeyTime { start: time(start), end: time(end) }
}

/// What a vector says is signed.
struct Input<'a> {
    key: SignKey,
    method: Method,
    path: &'a str,
    query: Vec<(&'a str, &'a str)>,
    headers: Vec<(&'a str, &'a str)>,
}

impl<'a> Input<'a> {
    fn of(vector: &'a Value) -> Self {
        let credentials = Credentials::new(text(vector, "secret_id"), text(vector, "secret_key"));
        let query =
            if vector["signed_params"].is_array() { "signed_params" } else { "query_params" };
        let headers = vector["signed_headers"].as_object().expect("signed_headers");
        Self {
            key: SignKey::derive(&credentials, key_time(text(vector, "key_time"))),
            method: text(vector, "method").parse().expect("method"),
            path: text(vector, "signed_path").strip_prefix('/').expect("a path"),
            query: pairs(list(vector, query)),
            headers: headers
                .iter()
                .map(|(name, value)| (&**name, value.as_str().expect("value")))
                .collect(),
        }
    }

    fn signed(&self) -> Signed<'_> {
        let query = self.query.iter().map(|&(name, value)| (name.into(), value.into())).collect();
        Signed { method: &self.method, path: self.path, query, headers: self.headers.clone() }
    }

    fn authorization(&self, secret_id: &str) -> String {
        let mut out = String::new();
        sign_into(&mut out, Place::Header, secret_id, &self.key, self.signed());
        out
    }
}

/// The pairs of a query, decoded as a server does: `+` is a space.
fn parsed(query: &str) -> Vec<(String, String)> {
    let decoded = |text: &str| decode(&text.replace('+', " ")).expect("encoded");
    query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decoded(name), decoded(value))
        })
        .collect()
}

fn vectors() -> Value {
    read(include_str!("../../tests/data/sign.json"))
}

fn names<T: AsRef<str>>(pairs: &[(T, T)]) -> String {
    let mut out = String::new();
    Place::Header.push_names(&mut out, pairs);
    out
}

/// Sorted by raw names in its HttpString but by encoded ones in its list: only a verifier must take
/// it.
const IRREGULAR: &str = "params_sort_encoded__node_node2";

#[test]
fn signatures_equal_those_of_the_sdks() {
    let file = vectors();
    let mut checked = 0;
    for vector in list(&file, "vectors") {
        let name = text(vector, "name");
        let input = Input::of(vector);
        let mut signed = input.signed();
        let mut http_string = String::new();
        signed.push_http_string(&mut http_string);
        assert_eq!(http_string, text(vector, "http_string"), "{name}");
        assert_eq!(names(&signed.headers), text(vector, "header_list"), "{name}");
        assert_eq!(names(&signed.query), text(vector, "param_list"), "{name}");
        let signature = input.key.signature(&http_string);
        let equal = str::from_utf8(&signature).expect("hex") == text(vector, "signature");
        assert_eq!(equal, name != IRREGULAR, "{name}");
        checked += 1;
    }
    assert_eq!(checked, 80);
}

#[test]
fn authorization_values_equal_those_of_the_sdks() {
    let file = vectors();
    let mut checked = 0;
    for vector in list(&file, "vectors") {
        if text(vector, "kind") != "authorization" || text(vector, "name") == IRREGULAR {
            continue;
        }
        let ours = Input::of(vector).authorization(text(vector, "secret_id"));
        assert_eq!(ours, text(vector, "expected"), "{}", text(vector, "name"));
        checked += 1;
    }
    assert_eq!(checked, 55);
}

#[test]
fn presigned_queries_equal_those_of_the_sdks_as_pairs() {
    let file = vectors();
    let mut checked = 0;
    for vector in list(&file, "vectors") {
        if text(vector, "kind") != "presigned_url" {
            continue;
        }
        let name = text(vector, "name");
        let input = Input::of(vector);
        let (_, query) = text(vector, "expected").split_once('?').expect("a query");
        let (mut theirs, rest): (Vec<_>, Vec<_>) =
            parsed(query).into_iter().partition(|(name, _)| name.starts_with("q-"));
        let mut ours = String::new();
        sign_into(&mut ours, Place::Query, text(vector, "secret_id"), &input.key, input.signed());
        let mut ours = parsed(&ours);
        ours.sort();
        theirs.sort();
        assert_eq!(ours, theirs, "{name}");
        // What remains is the request's own query, with the token whether it is signed or not.
        let mut own = pairs(list(vector, "query_params"));
        own.retain(|(name, _)| *name != "x-cos-security-token");
        own.sort_unstable();
        let mut rest: Vec<_> = rest.iter().map(|(name, value)| (&**name, &**value)).collect();
        rest.retain(|(name, _)| *name != "x-cos-security-token");
        rest.sort_unstable();
        assert_eq!(own, rest, "{name}");
        checked += 1;
    }
    assert_eq!(checked, 24);
}

#[test]
fn every_captured_request_of_the_sdks_verifies() {
    let file = read(include_str!("../../tests/data/requests.json"));
    let credentials = Credentials::new(text(&file, "secret_id"), text(&file, "secret_key"));
    let mut checked = 0;
    for capture in list(&file, "captures") {
        let headers = pairs(list(capture, "headers"));
        let header = |wanted: &str| {
            headers.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted)).map(|pair| pair.1)
        };
        let authorization = header("authorization").expect("Authorization");
        let field = |wanted: &str| {
            let mut fields = authorization.split('&').filter_map(|field| field.split_once('='));
            fields.find(|(name, _)| *name == wanted).map(|pair| pair.1).expect("a field")
        };
        let names = |list: &str| -> Vec<String> {
            let list = decode(field(list)).expect("a list");
            list.split(';').filter(|name| !name.is_empty()).map(str::to_owned).collect()
        };
        let target = text(capture, "target");
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let path = decode(path).expect("a path");
        let all = parsed(query);
        let canonical_name = |name: &str| encode(name).to_ascii_lowercase();
        let query: Vec<(&str, &str)> = names("q-url-param-list")
            .iter()
            .map(|name| {
                let pair = all.iter().find(|(own, _)| canonical_name(own) == *name);
                pair.map(|(name, value)| (&**name, &**value)).expect("a signed parameter")
            })
            .collect();
        let header_list = names("q-header-list");
        let headers: Vec<(&str, &str)> = header_list
            .iter()
            .map(|name| (&**name, header(name).expect("a signed header")))
            .collect();
        assert_eq!(field("q-key-time"), field("q-sign-time"));
        let input = Input {
            key: SignKey::derive(&credentials, key_time(field("q-key-time"))),
            method: text(capture, "method").parse().expect("method"),
            path: path.strip_prefix('/').expect("a path"),
            query,
            headers,
        };
        assert_eq!(input.authorization(credentials.secret_id()), authorization, "{target}");
        checked += 1;
    }
    assert_eq!(checked, 34);
}

#[test]
fn headers_that_a_proxy_may_edit_are_not_signed() {
    let mut headers = HeaderMap::new();
    for name in [
        "host",
        "range",
        "if-match",
        "content-md5",
        "x-cos-meta-a",
        "x-cos-security-token",
        "accept",
        "authorization",
        "connection",
        "content-language",
        "date",
        "te",
        "user-agent",
        "via",
    ] {
        headers.insert(name, HeaderValue::from_static("v"));
    }
    headers.insert("x-cos-meta-opaque", HeaderValue::from_bytes(b"\xff").expect("opaque"));
    let mut signed: Vec<&str> = signed_headers(&headers).into_iter().map(|pair| pair.0).collect();
    signed.sort_unstable();
    assert_eq!(
        signed,
        ["content-md5", "host", "if-match", "range", "x-cos-meta-a", "x-cos-security-token",]
    );
}
