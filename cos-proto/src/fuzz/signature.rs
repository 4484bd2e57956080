//! What the signer signs the verifier accepts, and nothing that differs from it.

use std::{borrow::Cow, time::Duration};

use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri, header::AUTHORIZATION};

use super::choice::Choice;
use crate::{
    Bucket, Call, CallKind, CopySource, Credentials, Endpoint, Key, Presign, Region, Session,
    UnixTime,
    sign::is_signed_header,
    verify::{Denial, Identity, Param, Plus, Presented, decode, verify},
};

pub(super) fn signature(data: &[u8]) {
    let mut choice = Choice::of(data);
    match choice.byte() % 4 {
        0 => any_claim(&mut choice),
        1 => presigned(&mut choice),
        _ => signed(&mut choice),
    }
}

const METHODS: &[Method] = &[Method::GET, Method::PUT, Method::POST, Method::HEAD, Method::DELETE];
const PARAMS: &[&str] =
    &["uploads", "uploadId", "partNumber", "prefix", "Marker", "encoding-type", "a b", "é", "A"];
const HEADERS: &[&str] = &[
    "content-type",
    "content-md5",
    "range",
    "if-match",
    "x-cos-meta-a",
    "x-cos-acl",
    "x-cos-meta-b_c",
    "accept",
];

/// Two of one secret id, so that the token decides.
fn credentials(choice: &mut Choice<'_>) -> Credentials {
    let graphic = |text: &str| -> String {
        text.chars().filter(char::is_ascii_graphic).filter(|&c| c != '&' && c != '=').collect()
    };
    let visible = |text: &str| text.replace(|c: char| !c.is_ascii_graphic(), "+");
    let id = graphic(choice.text(20));
    let key = visible(choice.text(80));
    let credentials = Credentials::new(format!("AKID{id}"), format!("key{key}"));
    if !choice.flag() {
        return credentials;
    }
    let token = visible(choice.text(40));
    credentials.with_token(format!("token{token}"))
}

fn session(credentials: &Credentials) -> Session {
    let bucket = Bucket::new("b-1").expect("a bucket");
    let region = Region::new("ap-x").expect("a region");
    let endpoint = Endpoint::of(&bucket, &region, true);
    Session::new(bucket, region, endpoint).with_credentials(credentials.clone())
}

/// A time for which a window can be written.
fn time(choice: &mut Choice<'_>) -> UnixTime {
    UnixTime::from_secs(1000 + (choice.signed() >> 24 & 0xFF_FFFF_FFFF))
}

fn key(choice: &mut Choice<'_>) -> Option<Key> {
    Key::new(choice.text(100)).ok()
}

fn query(choice: &mut Choice<'_>) -> Vec<(String, String)> {
    let reserved = ["sign", "x-cos-security-token"];
    (0..choice.below(5))
        .map(|_| (choice.text_or(PARAMS, 20).to_owned(), choice.text(40).to_owned()))
        // The signature's own parameters are not the caller's to set.
        .filter(|(name, _)| {
            let name = name.to_ascii_lowercase();
            !name.is_empty() && !name.starts_with("q-") && !reserved.contains(&&*name)
        })
        .collect()
}

fn headers(choice: &mut Choice<'_>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for _ in 0..choice.below(5) {
        let name = HeaderName::from_static(choice.pick(HEADERS));
        if let Ok(value) = HeaderValue::from_bytes(choice.bytes(40)) {
            headers.insert(name, value);
        }
    }
    headers
}

/// A request as the service sees it.
#[derive(Clone)]
struct Arrived {
    method: Method,
    path: String,
    params: Vec<Param>,
    headers: HeaderMap,
    hosts: Vec<String>,
}

impl Arrived {
    fn new(method: &Method, uri: &Uri, headers: HeaderMap) -> Self {
        Self {
            method: method.clone(),
            path: decode(uri.path(), Plus::Plus).expect("a path that is encoded"),
            params: Param::parse_query(uri.query().unwrap_or("")).expect("a query that is encoded"),
            headers,
            hosts: vec!["b-1.cos.ap-x.myqcloud.com".to_owned()],
        }
    }

    fn verify(&self, credentials: &[Credentials], now: UnixTime) -> Result<Identity, Denial> {
        let Self { method, path, params, headers, hosts } = self;
        verify(&Presented { method, path, params, headers, hosts }, credentials, now)
    }

    /// The same but for one signed byte; `None` if that comes to the same.
    fn changed(&self, choice: &mut Choice<'_>) -> Option<Self> {
        let mut other = self.clone();
        match choice.byte() % 4 {
            0 => other.method = choice.pick_ref(METHODS).clone(),
            1 => other.path = changed(choice, &self.path)?,
            2 => {
                let mut own: Vec<_> =
                    other.params.iter_mut().filter(|param| !param.name.starts_with("q-")).collect();
                let index = choice.below(own.len());
                let param = own.get_mut(index)?;
                param.value = changed(choice, &param.value)?;
            }
            _ => {
                let signed: Vec<_> = self
                    .headers
                    .iter()
                    .filter(|(name, value)| is_signed_header(name) && value.to_str().is_ok())
                    .filter(|(name, _)| *name != "host")
                    .collect();
                let (name, value) = signed.get(choice.below(signed.len()))?;
                let value = changed(choice, value.to_str().ok()?)?;
                other.headers.insert(*name, HeaderValue::from_str(&value).ok()?);
            }
        }
        let same = other.method == self.method
            && other.path == self.path
            && other.params == self.params
            && other.headers == self.headers;
        (!same).then_some(other)
    }
}

/// A text with another character, or one more.
fn changed(choice: &mut Choice<'_>, text: &str) -> Option<String> {
    let mut characters: Vec<char> = text.chars().collect();
    let character = char::from_u32(u32::from(choice.byte()))?;
    match characters.len() {
        0 => characters.push(character),
        count => characters[choice.below(count)] = character,
    }
    Some(characters.into_iter().collect())
}

fn signed(choice: &mut Choice<'_>) {
    let credentials = credentials(choice);
    let session = session(&credentials);
    let now = time(choice);
    let mut call = Call::new(CallKind::PutObject, choice.pick_ref(METHODS).clone(), key(choice));
    call.query = query(choice)
        .into_iter()
        .map(|(name, value)| (Cow::Owned(name), Cow::Owned(value)))
        .collect();
    call.headers = headers(choice);
    call.body = choice.bytes(10).to_vec().into();
    call.copy_source = key(choice).filter(|_| choice.flag()).map(CopySource::new);
    let signing = session.signing(now).expect("credentials");
    let signed = session.sign(signing, call).expect("a short URI");
    let (parts, _) = signed.request.into_parts();
    let arrived = Arrived::new(&parts.method, &parts.uri, parts.headers);
    check(choice, &arrived, &credentials, now);
    assert!(arrived.headers[AUTHORIZATION].is_sensitive());
}

fn presigned(choice: &mut Choice<'_>) {
    let credentials = credentials(choice);
    let session = session(&credentials);
    let now = time(choice);
    let Some(key) = key(choice) else { return };
    let expires = Duration::from_secs(choice.number() >> 40);
    let mut presign = Presign::new(choice.pick_ref(METHODS).clone(), key).expires(expires);
    presign.query = query(choice);
    presign.headers = headers(choice);
    let Ok(url) = session.presign(now, &presign) else {
        assert!(expires.is_zero());
        return;
    };
    let shown = format!("{url:?}");
    assert!(!shown.contains("q-signature="), "{shown}");
    let uri: Uri = url.as_str().parse().expect("a URL");
    let mut sent = presign.headers.clone();
    sent.insert("host", HeaderValue::from_static("b-1.cos.ap-x.myqcloud.com"));
    let arrived = Arrived::new(&presign.method, &uri, sent);
    check(choice, &arrived, &credentials, now);
    let late = url.expires() + Duration::from_secs(1);
    assert_eq!(arrived.verify(&[credentials], late), Err(Denial::Expired));
}

fn check(choice: &mut Choice<'_>, arrived: &Arrived, credentials: &Credentials, now: UnixTime) {
    let known = [Credentials::new(credentials.secret_id(), "other"), credentials.clone()];
    let known = if credentials.token().is_some() { &known[..] } else { &known[1..] };
    assert_eq!(arrived.verify(known, now), Ok(Identity::Account));
    if let Some(other) = arrived.changed(choice) {
        let verdict = other.verify(known, now);
        assert!(verdict.is_err(), "accepted although changed");
    }
}

/// Whatever is claimed, nobody is let in without the secret.
fn any_claim(choice: &mut Choice<'_>) {
    let known = [Credentials::new("AKIDx", "a secret key that no fuzzer finds out")];
    let now = UnixTime::from_secs(1_700_000_000);
    let template = choice.flag();
    let text = choice.text(255);
    let window = "1699999999;1700000600";
    let claim = if template {
        format!(
            "q-sign-algorithm=sha1&q-ak=AKIDx&q-sign-time={window}&q-key-time={window}\
             &q-header-list=host&q-url-param-list=&q-signature={text}"
        )
    } else {
        text.to_owned()
    };
    let mut headers = HeaderMap::new();
    let as_header = choice.flag();
    if as_header && let Ok(value) = HeaderValue::from_bytes(claim.as_bytes()) {
        headers.insert(AUTHORIZATION, value);
    }
    let query = if as_header { choice.text(255) } else { &claim };
    let Some(params) = Param::parse_query(query) else { return };
    let path = format!("/{}", choice.text(40));
    let hosts = if choice.flag() { vec!["b-1.cos.ap-x.myqcloud.com".to_owned()] } else { vec![] };
    let arrived = Arrived { method: Method::GET, path, params, headers, hosts };
    assert_ne!(arrived.verify(&known, now), Ok(Identity::Account));
}
