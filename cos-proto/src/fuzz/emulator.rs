//! The emulator as a server of any requests: raw ones, and signed ones that are nearly right.

use std::{borrow::Cow, fmt::Write as _, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri, request::Parts};

use super::choice::Choice;
use crate::{
    Bucket, Call, CallKind, Endpoint, KEY_BYTES_MAX, Key, Payload, Region, Reply, Session,
    UnixTime, api,
    emulator::{Answer, Delivery, Effect, Emulator, Fault, OverTls, Received, Settings},
    encode::content_md5,
};

const BUCKET: &str = "examplebucket-1250000000";
/// 2026-11-20T00:00:00Z.
const NOW: i64 = 1_795_132_800;

pub(super) fn emulator(data: &[u8]) {
    let mut choice = Choice::of(data);
    let mut server = Server::new(&mut choice);
    for _ in 0..16 {
        if choice.is_empty() {
            break;
        }
        match choice.byte() % 8 {
            0 => server.raw(&mut choice),
            1 => server.meddle(&mut choice),
            _ => server.signed(&mut choice),
        }
    }
    server.check_world();
}

struct Server {
    emulator: Emulator,
    session: Session,
    now: i64,
    requests: usize,
    faulty: bool,
    uploads: Vec<String>,
    etags: Vec<String>,
}

const METHODS: &[Method] = &[
    Method::GET,
    Method::PUT,
    Method::POST,
    Method::HEAD,
    Method::DELETE,
    Method::OPTIONS,
    Method::PATCH,
];
const KEYS: &[&str] = &["", "a", "a/b", "a/b/c", "a~upload", "照片/1", "b//c", "a/", "z z+%"];
const PARAMS: &[&str] = &[
    "uploads",
    "uploadId",
    "partNumber",
    "delete",
    "acl",
    "tagging",
    "append",
    "position",
    "restore",
    "versions",
    "versioning",
    "versionId",
    "prefix",
    "delimiter",
    "marker",
    "max-keys",
    "encoding-type",
    "key-marker",
    "upload-id-marker",
    "max-uploads",
    "part-number-marker",
    "max-parts",
    "response-content-type",
    "response-expires",
    "location",
    "website",
];
const PARAM_VALUES: &[&str] =
    &["", "0", "1", "2", "10000", "10001", "-1", "1000", "1001", "a", "a/", "/", "url", "null"];
const HEADERS: &[&str] = &[
    "range",
    "if-match",
    "if-none-match",
    "if-modified-since",
    "if-unmodified-since",
    "content-md5",
    "content-type",
    "content-encoding",
    "expires",
    "x-cos-copy-source",
    "x-cos-copy-source-range",
    "x-cos-copy-source-if-match",
    "x-cos-metadata-directive",
    "x-cos-tagging-directive",
    "x-cos-tagging",
    "x-cos-acl",
    "x-cos-grant-read",
    "x-cos-storage-class",
    "x-cos-meta-a",
    "x-cos-meta-b_c",
    "x-cos-forbid-overwrite",
    "x-cos-traffic-limit",
    "x-cos-server-side-encryption",
    "x-cos-server-side-encryption-cos-kms-key-id",
    "x-cos-server-side-encryption-context",
    "x-cos-server-side-encryption-customer-algorithm",
    "x-cos-server-side-encryption-customer-key",
    "x-cos-server-side-encryption-customer-key-md5",
    "x-cos-security-token",
    "transfer-encoding",
    "content-length",
];
const HEADER_VALUES: &[&str] = &[
    "",
    "0",
    "1",
    "bytes=0-0",
    "bytes=1-",
    "bytes=-1",
    "bytes=9-1",
    "bytes=0-18446744073709551615",
    "\"e\"",
    "*",
    "Fri, 20 Nov 2026 00:00:00 GMT",
    "Replaced",
    "Copy",
    "k=v&l=",
    "%",
    "private",
    "public-read",
    "default",
    "id=\"1\"",
    "STANDARD_IA",
    "ARCHIVE",
    "true",
    "819200",
    "AES256",
    "cos/kms",
    "e30=",
    "chunked",
    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
    "examplebucket-1250000000.cos.ap-guangzhou.myqcloud.com/a",
    "/examplebucket-1250000000/a%2Fb",
    "x/y?versionId=null",
];

impl Server {
    fn new(choice: &mut Choice<'_>) -> Self {
        let settings = Settings {
            list_lag: Duration::from_secs(choice.pick(&[0, 0, 10])),
            fault_rate: choice.pick(&[0.0, 0.0, 0.2]),
            seed: choice.byte().into(),
            ..Settings::default()
        };
        let bucket = Bucket::new(BUCKET).expect("a bucket");
        let region = Region::new("ap-guangzhou").expect("a region");
        let endpoint = Endpoint::of(&bucket, &region, false);
        let session = Session::new(bucket, region, endpoint)
            .with_credentials(settings.credentials[0].clone());
        let faulty = settings.fault_rate > 0.0;
        let mut emulator = Emulator::new(settings).expect("settings");
        emulator.put_raw(BUCKET, "a", "content of a".to_owned());
        emulator.put_raw(BUCKET, "a/b", String::new());
        let (uploads, etags) = (vec!["none".to_owned()], vec!["e".to_owned()]);
        Self { emulator, session, now: NOW, requests: 0, faulty, uploads, etags }
    }

    fn raw(&mut self, choice: &mut Choice<'_>) {
        let method = Method::from_bytes(choice.text_or(&["GET", "PUT"], 10).as_bytes());
        let uri = Uri::try_from(choice.text_or(&["/", "*", "/a?sign=", "http://h/%2e"], 200));
        let (Ok(method), Ok(uri)) = (method, uri) else { return };
        let mut headers = HeaderMap::new();
        for _ in 0..choice.below(5) {
            let name = choice.text_or(&["host", "authorization", "content-length"], 20);
            let name = HeaderName::from_bytes(name.as_bytes());
            if let (Ok(name), Ok(value)) = (name, HeaderValue::from_bytes(choice.bytes(100))) {
                headers.append(name, value);
            }
        }
        let mut request = Request::new(());
        *request.method_mut() = method;
        *request.uri_mut() = uri;
        *request.headers_mut() = headers;
        let (head, ()) = request.into_parts();
        self.send(&head, Payload::from(choice.bytes(100).to_vec()));
    }

    /// What tests do past the protocol.
    fn meddle(&mut self, choice: &mut Choice<'_>) {
        match choice.byte() % 6 {
            0 => self.now += i64::from(choice.byte()) - 20,
            1 => self.emulator.advance(Duration::from_secs(choice.byte().into())),
            2 => drop(self.emulator.forget_crc(BUCKET, choice.pick(KEYS))),
            3 => self.emulator.shift_clock(i64::from(choice.byte()) * 60 - 600),
            _ => {
                let code = || "InternalError".to_owned();
                let effect = match choice.byte() % 12 {
                    0 => Effect::ErrorIn200 { code: code() },
                    1 => Effect::ActThenErrorIn200 { code: code() },
                    2 => Effect::ActThenError,
                    3 => Effect::EmptyResult,
                    4 => Effect::LostReply,
                    5 => Effect::RefuseBefore,
                    6 => Effect::CutBody(choice.byte().into()),
                    7 => Effect::WrongCrc,
                    8 => Effect::CorruptBody,
                    9 => Effect::NoCrc,
                    10 => Effect::LeadingSpaces(choice.byte().into()),
                    _ => Effect::Gateway502,
                };
                self.faulty = true;
                self.emulator.inject(Fault::next(effect));
            }
        }
    }

    fn signed(&mut self, choice: &mut Choice<'_>) {
        let method = choice.pick_ref(METHODS).clone();
        let key = Key::new(choice.text_or(KEYS, 60)).ok();
        let mut call = Call::new(CallKind::GetObject, method, key);
        for _ in 0..choice.below(4) {
            let name = choice.text_or(PARAMS, 12).to_owned();
            let value = match (&*name, choice.flag()) {
                ("uploadId", true) => choice.pick_ref(&self.uploads).clone(),
                _ => choice.text_or(PARAM_VALUES, 12).to_owned(),
            };
            if !name.is_empty() {
                call.query.push((Cow::Owned(name), Cow::Owned(value)));
            }
        }
        for _ in 0..choice.below(4) {
            let name = HeaderName::from_static(choice.pick(HEADERS));
            let value = choice.text_or(HEADER_VALUES, 30);
            if let Ok(value) = HeaderValue::from_str(value) {
                call.headers.append(name, value);
            }
        }
        let body = self.body(choice);
        // What a multi-delete demands before its document is read.
        if choice.byte() % 8 != 1
            && let Ok(digest) = HeaderValue::from_str(&content_md5(&body))
        {
            call.headers.insert("content-md5", digest);
        }
        call.body = body.into();
        let signing = self.session.signing(UnixTime::from_secs(self.now));
        let Some(signed) = signing.and_then(|signing| self.session.sign(signing, call)) else {
            return;
        };
        let (mut head, mut body) = signed.request.into_parts();
        if choice.byte() % 32 == 1 {
            head.extensions.insert(OverTls);
        }
        if choice.byte() % 32 == 1 {
            body = choice.bytes(20).to_vec().into();
        }
        self.send(&head, body);
    }

    fn body(&self, choice: &mut Choice<'_>) -> Vec<u8> {
        let mut xml = String::new();
        match choice.byte() % 6 {
            0 => return Vec::new(),
            1 | 2 => return choice.bytes(100).to_vec(),
            3 => {
                xml.push_str("<CompleteMultipartUpload>");
                for _ in 0..choice.below(4) {
                    let (number, etag) = (choice.byte(), choice.pick_ref(&self.etags));
                    let _ = write!(
                        xml,
                        "<Part><PartNumber>{number}</PartNumber><ETag>{etag}</ETag></Part>"
                    );
                }
                xml.push_str("</CompleteMultipartUpload>");
            }
            4 => {
                xml.push_str("<Delete><Quiet>true</Quiet>");
                for _ in 0..choice.below(4) {
                    let key = choice.text_or(KEYS, 20);
                    let _ = write!(xml, "<Object><Key>{key}</Key></Object>");
                }
                xml.push_str("</Delete>");
            }
            _ => {
                let (key, value) = (choice.text(20), choice.text(20));
                let _ = write!(
                    xml,
                    "<Tagging><TagSet><Tag><Key>{key}</Key><Value>{value}</Value></Tag></TagSet>\
                     </Tagging>"
                );
            }
        }
        xml.into_bytes()
    }

    fn send(&mut self, head: &Parts, body: Payload) {
        let answer = self.emulator.handle(self.now * 1000, head, Received::from(body));
        self.requests += 1;
        self.check(head, &answer);
        let (response, body) = answer.response.into_parts();
        let body = body.to_bytes();
        if let Some(etag) = response.headers.get("etag").and_then(|etag| etag.to_str().ok()) {
            self.etags.push(etag.trim_matches('"').to_owned());
        }
        let reply = Reply::new(http::Response::from_parts(response, body), false);
        if let Ok(id) = api::multipart::initiate::decode(&reply) {
            self.uploads.push(id.as_str().to_owned());
        }
    }

    fn check(&self, head: &Parts, answer: &Answer) {
        let log = self.emulator.request_log();
        assert_eq!(log.len(), self.requests);
        let logged = log.last().expect("at least this one");
        assert!(!logged.query.contains("q-signature=") || logged.query.contains("redacted"));
        let status = answer.response.status();
        assert!(status.as_u16() < 500 || self.faulty, "{logged:?}");
        let body = answer.response.body();
        let stated = answer.response.headers().get("content-length");
        if let Some(stated) = stated.filter(|_| answer.delivery == Delivery::Whole) {
            let stated: u64 =
                stated.to_str().ok().and_then(|text| text.parse().ok()).expect("a length");
            let bodiless = head.method == Method::HEAD || status.as_u16() == 304;
            assert!(body.len() == stated || (bodiless && body.is_empty()), "{stated} {logged:?}");
        }
        if logged.action == "GetBucket" && status.is_success() && !self.faulty {
            check_page(answer);
        }
        let refused = status.is_client_error() && head.method != Method::HEAD;
        if refused && !self.faulty && logged.action != "OptionsObject" {
            let body: Bytes = body.to_bytes();
            let response = answer.response.clone().map(|_| body);
            let error = api::service_error(&response, false).expect("an error");
            assert!(error.code.is_some() && error.request_id.is_some(), "{logged:?}");
        }
    }

    fn check_world(&self) {
        let keys = self.emulator.keys(BUCKET);
        assert!(keys.iter().all(|key| (1..=KEY_BYTES_MAX).contains(&key.len())), "{keys:?}");
        assert!(keys.windows(2).all(|pair| pair[0] < pair[1]));
        for key in &keys {
            let object = self.emulator.object(BUCKET, key).expect("listed, so there");
            assert!(!object.etag.is_empty());
        }
    }
}

/// Our reader reads it, and it is in order.
fn check_page(answer: &Answer) {
    let body = answer.response.body().to_bytes();
    let response = answer.response.clone().map(|_| body);
    // Keys that XML cannot carry come as they are unless the client asks for them encoded.
    let Ok(page) = api::list_objects::decode(&Reply::new(response, false)) else { return };
    assert!(page.objects.windows(2).all(|pair| pair[0].key < pair[1].key), "{page:?}");
    assert!(page.common_prefixes.windows(2).all(|pair| pair[0] < pair[1]), "{page:?}");
    assert!(page.objects.len() + page.common_prefixes.len() <= 1000);
}
