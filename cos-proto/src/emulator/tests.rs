//! The rules of the protocol, each driven through `handle`.

mod access;
mod bucket;
mod copying;
mod faulty;
mod listing;
mod object;
mod options;
mod parts;
mod robust;

use http::{HeaderMap, HeaderValue, Method, Request, request::Parts};
use md5::{Digest as _, Md5};

use super::*;
use crate::{
    Credentials,
    verify::{Plus, decode},
};

const BUCKET: &str = "examplebucket-1250000000";
const HOST: &str = "examplebucket-1250000000.cos.ap-guangzhou.myqcloud.com";
/// 2026-11-20T00:00:00Z.
const NOW: i64 = 1_795_132_800;
const MIB: usize = 1024 * 1024;

/// A client with a signer of its own: it signs nothing but the host.
struct Client {
    emulator: Emulator,
    credentials: Credentials,
    host: String,
    now: i64,
}

impl Client {
    fn new() -> Self {
        Self::with(Settings::default())
    }

    fn with(settings: Settings) -> Self {
        Self {
            credentials: settings.credentials[0].clone(),
            emulator: Emulator::new(settings).unwrap(),
            host: HOST.to_owned(),
            now: NOW,
        }
    }

    /// Sends a signed request; a length is added where clients send one.
    fn send(&mut self, method: &str, target: &str, headers: &[(&str, &str)], body: &[u8]) -> Got {
        let mut head = self.head(method, target, headers, body);
        let authorization = self.sign(&head);
        head.headers.insert("authorization", HeaderValue::from_str(&authorization).unwrap());
        self.deliver(&head, body)
    }

    fn unsigned(&mut self, method: &str, target: &str) -> Got {
        let head = self.head(method, target, &[], b"");
        self.deliver(&head, b"")
    }

    fn get(&mut self, target: &str) -> Got {
        self.send("GET", target, &[], b"")
    }

    fn put(&mut self, target: &str, body: &[u8]) -> Got {
        self.send("PUT", target, &[], body)
    }

    fn head(&self, method: &str, target: &str, headers: &[(&str, &str)], body: &[u8]) -> Parts {
        let mut request = Request::builder().method(method).uri(target).header("host", &self.host);
        for (name, value) in headers {
            request = request.header(*name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        let (mut head, ()) = request.body(()).unwrap().into_parts();
        let sized = head.method == Method::PUT || head.method == Method::POST;
        if sized && !head.headers.contains_key("transfer-encoding") {
            head.headers.entry("content-length").or_insert(body.len().into());
        }
        head
    }

    fn sign(&self, head: &Parts) -> String {
        use hmac::{Hmac, KeyInit as _, Mac as _};
        let mac = |key: &[u8], text: &str| {
            let mac = Hmac::<sha1::Sha1>::new_from_slice(key).unwrap().chain_update(text);
            hex::encode(mac.finalize().into_bytes())
        };
        let time = format!("{};{}", self.now, self.now + 600);
        let sign_key = mac(self.credentials.secret_key().expose().as_bytes(), &time);
        let http_string = format!(
            "{}\n{}\n\nhost={}\n",
            head.method.as_str().to_lowercase(),
            decode(head.uri.path(), Plus::Plus).unwrap_or_default(),
            encoded(&self.host),
        );
        let digest = hex::encode(sha1::Sha1::digest(http_string));
        let signature = mac(sign_key.as_bytes(), &format!("sha1\n{time}\n{digest}\n"));
        format!(
            "q-sign-algorithm=sha1&q-ak={}&q-sign-time={time}&q-key-time={time}\
             &q-header-list=host&q-url-param-list=&q-signature={signature}",
            self.credentials.secret_id()
        )
    }

    fn deliver(&mut self, head: &Parts, body: &[u8]) -> Got {
        let body = Received::from(bytes::Bytes::copy_from_slice(body));
        let answer = self.emulator.handle(self.now * 1000, head, body);
        Got::check(&head.method, answer)
    }

    /// An upload's id.
    fn initiate(&mut self, key: &str) -> String {
        self.send("POST", &format!("/{key}?uploads"), &[], b"").element("UploadId")
    }

    /// A part's tag, without quotes.
    fn part(&mut self, key: &str, id: &str, number: u16, body: &[u8]) -> String {
        let got = self.put(&format!("/{key}?partNumber={number}&uploadId={id}"), body);
        assert_eq!(got.status, 200, "{}", got.text());
        got.header("etag").trim_matches('"').to_owned()
    }

    fn complete(&mut self, key: &str, id: &str, parts: &[(u16, &str)]) -> Got {
        let body = completion(parts);
        self.send("POST", &format!("/{key}?uploadId={id}"), &[], body.as_bytes())
    }
}

/// As the rules of signing say.
fn encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |text, byte| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
            text + &char::from(byte).to_string()
        }
        _ => format!("{text}%{byte:02X}"),
    })
}

fn completion(parts: &[(u16, &str)]) -> String {
    let part = |(number, etag): &(u16, &str)| {
        format!("<Part><PartNumber>{number}</PartNumber><ETag>\"{etag}\"</ETag></Part>")
    };
    let parts: String = parts.iter().map(part).collect();
    format!("<CompleteMultipartUpload>{parts}</CompleteMultipartUpload>")
}

/// An answer that keeps the rules all answers keep.
struct Got {
    status: u16,
    headers: HeaderMap,
    body: bytes::Bytes,
    delivery: Delivery,
}

impl Got {
    fn check(method: &Method, answer: Answer) -> Self {
        let (head, body) = answer.response.into_parts();
        let got = Self {
            status: head.status.as_u16(),
            headers: head.headers,
            body: body.to_bytes(),
            delivery: answer.delivery,
        };
        assert!(got.headers.contains_key("date"));
        if got.status != 502 {
            assert_eq!(got.header("server"), "tencent-cos");
            assert!(!got.header("x-cos-request-id").is_empty());
        }
        let length = got.headers.get("content-length");
        match got.delivery {
            Delivery::Chunked { .. } => assert_eq!(length, None),
            _ if matches!(got.status, 204 | 304) => assert_eq!(length, None),
            _ if *method == Method::HEAD => assert!(length.is_some()),
            _ => assert_eq!(got.header("content-length"), got.body.len().to_string()),
        }
        if *method == Method::HEAD {
            assert!(got.body.is_empty());
        } else if got.status >= 400 && got.status != 502 {
            for element in ["Code", "Message", "Resource", "RequestId"] {
                assert!(!got.element(element).is_empty(), "{element} of {}", got.text());
            }
            assert_eq!(got.element("RequestId"), got.header("x-cos-request-id"));
            assert!(got.headers.contains_key("x-cos-trace-id"));
        } else if got.status < 400 && !got.text().contains("<Error>") {
            assert!(!got.headers.contains_key("x-cos-trace-id"));
        }
        got
    }

    /// A header, or nothing.
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    fn text(&self) -> std::borrow::Cow<'_, str> {
        String::from_utf8_lossy(&self.body)
    }

    /// The text of the first element of this name, or nothing.
    fn element(&self, name: &str) -> String {
        self.elements(name).into_iter().next().unwrap_or_default()
    }

    /// The texts of all elements of this name.
    fn elements(&self, name: &str) -> Vec<String> {
        let text = self.text();
        let (open, close) = (format!("<{name}>"), format!("</{name}>"));
        let unescape = |text: &str| {
            text.replace("&quot;", "\"")
                .replace("&lt;", "<")
                .replace("&gt;", ">")
                .replace("&amp;", "&")
        };
        text.split(&open)
            .skip(1)
            .filter_map(|rest| rest.split_once(&close).map(|(text, _)| unescape(text)))
            .collect()
    }

    /// Status and error code, if there is one.
    fn outcome(&self) -> String {
        format!("{} {}", self.status, self.element("Code")).trim().to_owned()
    }
}

fn md5_base64(body: &[u8]) -> String {
    use base64::{Engine as _, prelude::BASE64_STANDARD};
    BASE64_STANDARD.encode(Md5::digest(body))
}
