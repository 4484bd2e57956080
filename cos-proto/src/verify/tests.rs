//! The SDKs' signatures and raw requests verify; nothing that was changed does.

use http::{HeaderName, HeaderValue, Uri};
use serde_json::Value;

use super::{
    encoding::encode,
    listed::{canonical_name, is_signature_param, join},
    *,
};

const SIGN: &str = include_str!("../../tests/data/sign.json");
const REQUESTS: &str = include_str!("../../tests/data/requests.json");
const HOST: &str = "examplebucket-1250000000.cos.ap-beijing.myqcloud.com";

/// A request that owns what [`Presented`] borrows.
#[derive(Clone)]
struct Owned {
    method: Method,
    path: String,
    params: Vec<Param>,
    headers: HeaderMap,
    hosts: Vec<String>,
    credentials: Vec<Credentials>,
    now: UnixTime,
}

impl Owned {
    fn new(method: &str, path: &str, params: Vec<Param>, now: i64) -> Self {
        Self {
            method: method.parse().unwrap(),
            path: path.to_owned(),
            params,
            headers: HeaderMap::new(),
            hosts: Vec::new(),
            credentials: Vec::new(),
            now: UnixTime::from_secs(now),
        }
    }

    fn header(&mut self, name: &str, value: &str) {
        let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
        let value = HeaderValue::from_bytes(value.as_bytes()).unwrap();
        if name == http::header::HOST {
            self.hosts = vec![value.to_str().unwrap().to_owned()];
        }
        self.headers.insert(name, value);
    }

    fn verify(&self) -> Result<Identity, Denial> {
        let presented = Presented {
            method: &self.method,
            path: &self.path,
            params: &self.params,
            headers: &self.headers,
            hosts: &self.hosts,
        };
        verify(&presented, &self.credentials, self.now)
    }
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_default()
}

fn pairs_of(value: &Value) -> Vec<(String, String)> {
    let pair =
        |pair: &Value| (pair[0].as_str().unwrap().to_owned(), pair[1].as_str().unwrap().to_owned());
    value.as_array().map_or(Vec::new(), |pairs| pairs.iter().map(pair).collect())
}

fn credentials(vector: &Value) -> Vec<Credentials> {
    let credentials = Credentials::new(text(vector, "secret_id"), text(vector, "secret_key"));
    vec![match vector["token"].as_str() {
        Some(token) => credentials.with_token(token),
        None => credentials,
    }]
}

/// A vector as the request that would carry it.
fn vectors() -> Vec<(String, Owned)> {
    let file: Value = serde_json::from_str(SIGN).unwrap();
    let vectors = file["vectors"].as_array().unwrap();
    assert_eq!(vectors.len(), 80);
    vectors.iter().map(|vector| (text(vector, "name").to_owned(), owned(vector))).collect()
}

fn owned(vector: &Value) -> Owned {
    let now = vector["sign_start"].as_i64().unwrap();
    let (method, path) = (text(vector, "method"), text(vector, "signed_path"));
    let mut owned = match text(vector, "kind") {
        "authorization" => {
            let param = |(name, value)| Param { name, value };
            let params = pairs_of(&vector["query_params"]).into_iter().map(param).collect();
            let mut owned = Owned::new(method, path, params, now);
            owned.header("authorization", text(vector, "expected"));
            owned
        }
        "presigned_url" => {
            let uri: Uri = text(vector, "raw_url").parse().unwrap();
            assert_eq!(decode(uri.path(), Plus::Plus).unwrap(), path);
            let params = Param::parse_query(uri.query().unwrap()).unwrap();
            Owned::new(method, path, params, now)
        }
        other => panic!("unknown kind {other}"),
    };
    owned.header("host", text(vector, "host"));
    // `request_headers` is what the SDK was given; it may put more into the request.
    for headers in ["request_headers", "signed_headers"] {
        for (name, value) in vector[headers].as_object().unwrap() {
            owned.header(name, value.as_str().unwrap());
        }
    }
    owned.credentials = credentials(vector);
    owned
}

#[test]
fn every_sdk_signature_verifies() {
    for (name, owned) in vectors() {
        assert_eq!(owned.verify(), Ok(Identity::Account), "{name}");
    }
}

fn captures() -> Vec<(String, Owned)> {
    let file: Value = serde_json::from_str(REQUESTS).unwrap();
    let captures = file["captures"].as_array().unwrap();
    assert_eq!(captures.len(), 34);
    captures.iter().map(|capture| captured(&file, capture)).collect()
}

fn captured(file: &Value, capture: &Value) -> (String, Owned) {
    // The fixed times of Python and Node are in the file's note; Go used its own clock.
    let headers = pairs_of(&capture["headers"]);
    let authorization = &headers.iter().find(|(name, _)| name == "Authorization").unwrap().1;
    let now = match text(capture, "sdk") {
        "python" => 1_586_511_365,
        "node" => 1_586_511_306,
        "go" => {
            let time = authorization.split("q-sign-time=").nth(1).unwrap();
            time.split(';').next().unwrap().parse().unwrap()
        }
        other => panic!("unknown SDK {other}"),
    };
    let target = text(capture, "target");
    let uri: Uri = target.parse().unwrap();
    let path = decode(uri.path(), Plus::Plus).unwrap();
    let params = Param::parse_query(uri.query().unwrap_or("")).unwrap();
    let mut owned = Owned::new(text(capture, "method"), &path, params, now);
    for (name, value) in &headers {
        owned.header(name, value);
    }
    let credentials = Credentials::new(text(file, "secret_id"), text(file, "secret_key"));
    owned.credentials = vec![credentials.with_token("FAKEtoken+/=")];
    (format!("{} {} {target}", text(capture, "sdk"), text(capture, "method")), owned)
}

#[test]
fn every_captured_request_is_authentic() {
    for (name, owned) in captures() {
        assert_eq!(owned.verify(), Ok(Identity::Account), "{name}");
    }
}

/// The text with each of its bytes changed in turn, as far as that leaves text.
fn flips(text: &str) -> impl Iterator<Item = String> {
    (0..text.len()).filter_map(|at| {
        let mut bytes = text.as_bytes().to_vec();
        bytes[at] ^= 1;
        String::from_utf8(bytes).ok()
    })
}

fn is_header(value: &String) -> bool {
    HeaderValue::from_bytes(value.as_bytes()).is_ok()
}

#[test]
fn nothing_that_was_changed_verifies() {
    let mut refused = 0;
    let mut check = |name: &str, changed: &Owned, what: &str| {
        assert_ne!(changed.verify(), Ok(Identity::Account), "{name}: {what}");
        assert_ne!(changed.verify(), Ok(Identity::Anonymous), "{name}: {what}");
        refused += 1;
    };
    for (name, owned) in vectors().into_iter().chain(captures()) {
        let claim = {
            let presented = Presented {
                method: &owned.method,
                path: &owned.path,
                params: &owned.params,
                headers: &owned.headers,
                hosts: &owned.hosts,
            };
            Claim::find(&presented).unwrap().unwrap()
        };
        for path in flips(&owned.path) {
            check(&name, &Owned { path: path.clone(), ..owned.clone() }, &format!("path {path}"));
        }
        let other = if owned.method == Method::GET { Method::HEAD } else { Method::GET };
        check(&name, &Owned { method: other, ..owned.clone() }, "another method");
        for header in claim.header_list.split(';').filter(|name| !name.is_empty()) {
            let value = String::from_utf8(owned.headers[header].as_bytes().to_vec()).unwrap();
            for value in flips(&value).filter(is_header) {
                let mut changed = owned.clone();
                changed.header(header, &value);
                check(&name, &changed, &format!("{header}: {value}"));
            }
            let mut without = owned.clone();
            without.headers.remove(header);
            if header == "host" {
                without.hosts.clear();
            }
            check(&name, &without, &format!("no {header}"));
        }
        for (at, param) in owned.params.iter().enumerate() {
            let listed = decode_lossy(&claim.param_list);
            let canonical = canonical_name(&param.name);
            let in_list = [&claim.param_list, &listed]
                .iter()
                .any(|list| list.split(';').any(|name| name == canonical));
            if !in_list && !is_signature_param(&param.name) {
                continue;
            }
            for value in flips(&param.value) {
                let mut changed = owned.clone();
                changed.params[at].value.clone_from(&value);
                check(&name, &changed, &format!("{}={value}", param.name));
            }
            let mut without = owned.clone();
            without.params.remove(at);
            check(&name, &without, &format!("no {}", param.name));
        }
        if let Some(value) = owned.headers.get("authorization") {
            for value in flips(value.to_str().unwrap()).filter(is_header) {
                let mut changed = owned.clone();
                changed.header("authorization", &value);
                check(&name, &changed, &format!("Authorization {value}"));
            }
        }
    }
    assert!(refused > 20_000, "only {refused} changes were tried");
}

fn simple() -> Owned {
    vectors().into_iter().find(|(name, _)| name == "get_simple").unwrap().1
}

#[test]
fn the_window_is_enforced_at_both_ends() {
    let (start, end) = (1_586_511_305, 1_586_518_505);
    for (now, expected) in [
        (start - 901, Err(Denial::TooSkewed)),
        (start - 900, Err(Denial::Expired)),
        (start - 1, Err(Denial::Expired)),
        (start, Ok(Identity::Account)),
        (end, Ok(Identity::Account)),
        (end + 1, Err(Denial::Expired)),
    ] {
        let owned = Owned { now: UnixTime::from_secs(now), ..simple() };
        assert_eq!(owned.verify(), expected, "{now}");
    }
}

#[test]
fn a_signature_that_cannot_be_read_is_malformed() {
    let good = simple().headers["authorization"].to_str().unwrap().to_owned();
    for bad in [
        "nonsense".to_owned(),
        "AWS4-HMAC-SHA256 Credential=x".to_owned(),
        good.replace("sha1", "sha256"),
        good.replace("q-ak=", "q-akk="),
        good.replace("q-sign-time=1586511305;1586518505", "q-sign-time=1586518505;1586511305"),
        good.replace("q-key-time=1586511305;", "q-key-time="),
        good.replace("q-key-time=1586511305;", "q-key-time=+1586511305;"),
        good.replace("q-sign-time=1586511305;", "q-sign-time=99999999999999999999;"),
        good.replace("&q-header-list=host", ""),
        good.replace("&q-url-param-list=", ""),
    ] {
        let mut owned = simple();
        owned.header("authorization", &bad);
        assert!(matches!(owned.verify(), Err(Denial::Malformed(_))), "{bad}");
    }
}

#[test]
fn ids_and_tokens_are_told_apart() {
    let permanent = simple().credentials[0].clone();
    let temporary = permanent.clone().with_token("t1");
    let over = permanent.clone().with_token("t1").expiring(UnixTime::from_secs(1_586_511_305));
    let id = permanent.secret_id().to_owned();
    for (known, sent, expected) in [
        (vec![permanent.clone()], None, Ok(Identity::Account)),
        (vec![permanent.clone()], Some("t1"), Err(Denial::WrongToken)),
        (vec![temporary.clone()], None, Err(Denial::WrongToken)),
        (vec![temporary.clone()], Some("t2"), Err(Denial::WrongToken)),
        (vec![temporary.clone()], Some("t1"), Ok(Identity::Account)),
        (vec![permanent.clone().with_token("t0"), temporary], Some("t1"), Ok(Identity::Account)),
        (vec![over], Some("t1"), Err(Denial::ExpiredToken)),
        (vec![], None, Err(Denial::UnknownId)),
        (vec![Credentials::new("other", "key")], None, Err(Denial::UnknownId)),
    ] {
        let mut owned = Owned { credentials: known, ..simple() };
        if let Some(token) = sent {
            owned.header("x-cos-security-token", token);
        }
        assert_eq!(owned.verify(), expected, "{sent:?}");
    }
    let wrong = Owned { credentials: vec![Credentials::new(id, "wrong")], ..simple() };
    assert!(matches!(wrong.verify(), Err(Denial::Mismatch { .. })));
}

#[test]
fn a_request_without_a_signature_is_nobodys() {
    let mut owned = simple();
    owned.headers.remove("authorization");
    assert_eq!(owned.verify(), Ok(Identity::Anonymous));
    owned.header("authorization", "");
    assert_eq!(owned.verify(), Ok(Identity::Anonymous));
}

#[test]
fn a_mismatch_shows_what_the_service_signed() {
    let mut owned = simple();
    owned.path.push('x');
    let Err(Denial::Mismatch { string_to_sign, format_string }) = owned.verify() else {
        panic!("it must not verify")
    };
    assert_eq!(format_string, format!("get\n/exampleobjectx\n\nhost={HOST}\n"));
    assert!(string_to_sign.starts_with("sha1\n1586511305;1586518505\n"));
}

#[test]
fn the_list_of_parameters_may_be_encoded_twice_and_the_whole_merged_into_one() {
    let (_, presigned) =
        vectors().into_iter().find(|(name, _)| name == "ps_get_params__go").unwrap();
    let list = presigned.params.iter().position(|param| param.name == "q-url-param-list").unwrap();
    let mut twice = presigned.clone();
    twice.params[list].value = encode(twice.params[list].value.as_bytes());
    assert_eq!(twice.verify(), Ok(Identity::Account));

    let is_signature = |param: &&Param| is_signature_param(&param.name);
    let pairs: Vec<_> = presigned
        .params
        .iter()
        .filter(is_signature)
        .map(|param| (param.name.clone(), param.value.clone()))
        .collect();
    let mut merged = presigned.clone();
    merged.params.retain(|param| !is_signature_param(&param.name));
    merged.params.push(Param { name: "sign".to_owned(), value: join(&pairs) });
    assert_eq!(merged.verify(), Ok(Identity::Account));
}

#[test]
fn repeated_names_take_their_values_in_order() {
    let mut owned = simple();
    let param = |value: &str| Param { name: "a".to_owned(), value: value.to_owned() };
    owned.params = vec![param("2"), param("1")];
    assert_eq!(resolve_params("a;a", &owned.params).join().text, "a=1&a=2");
    assert!(!resolve_params("a;a;a", &owned.params).join().all_there);
    // By what they are: encoded, é would come before A.
    owned.params = vec![param("é"), param("A")];
    assert_eq!(resolve_params("a;a", &owned.params).join().text, "a=A&a=%C3%A9");
}

#[test]
fn decoding_happens_once_and_refuses_what_is_broken() {
    assert_eq!(decode("/a%2Fb+c%2525", Plus::Plus).unwrap(), "/a/b+c%25");
    assert_eq!(decode("a+b", Plus::Space).unwrap(), "a b");
    for broken in ["%", "%2", "%zz", "%+1", "a%", "%ff"] {
        assert_eq!(decode(broken, Plus::Plus), None, "{broken}");
    }
}
