//! What a fault does to a request and its answer.

use bytes::Bytes;
use http::StatusCode;

use super::{
    Delivery, Effect,
    errors::{Code, Refusal},
    faults::{message_of, uploads},
    reply::Reply,
    request::Request,
    routing::Action,
};
use crate::Payload;

/// What is answered instead of doing anything.
#[derive(Debug)]
pub(super) enum Instead {
    Refusal(Refusal),
    RefusalIn200(Refusal),
    Gateway,
    Silence,
}

impl Effect {
    /// What happens instead of executing the request.
    pub(super) fn instead(&self) -> Option<Instead> {
        match self {
            Self::Error { status, code, message, retry_after } => {
                let mut refusal = Refusal::new(*status, code.clone(), message.clone());
                if let Some(seconds) = retry_after {
                    refusal = refusal.header("retry-after", seconds.to_string());
                }
                Some(Instead::Refusal(refusal))
            }
            Self::ErrorIn200 { code } => Some(Instead::RefusalIn200(in_200(code))),
            Self::RefuseBefore => Some(Instead::Silence),
            Self::Gateway502 => Some(Instead::Gateway),
            _ => None,
        }
    }

    /// What is answered in place of the result, after executing the request.
    pub(super) fn afterwards(&self) -> Option<Instead> {
        match self {
            Self::ActThenError => Some(Instead::Refusal(Code::InternalError.into())),
            Self::ActThenErrorIn200 { code } => Some(Instead::RefusalIn200(in_200(code))),
            Self::LostReply => Some(Instead::Silence),
            _ => None,
        }
    }

    /// Changes what was received.
    pub(super) fn on_request(&self, action: Action, request: &mut Request<'_>) {
        if *self == Self::CorruptBody && uploads(action) {
            request.body = flipped(&request.body.body).into();
        }
        request.damages_copy = *self == Self::CorruptCopy;
        if let Self::KeyRefused(number) = self {
            request.refuses_key = Some(*number);
        }
    }

    /// Changes what is answered.
    pub(super) fn on_reply(&self, action: Action, mut reply: Reply) -> Reply {
        let length = reply.response.body().len();
        match self {
            Self::CutBody(bytes) => {
                reply.delivery = Delivery::CutAfter((*bytes).min(length.saturating_sub(1)));
                reply
            }
            Self::LeadingSpaces(leading_spaces) => {
                reply.delivery = Delivery::Chunked { leading_spaces: *leading_spaces };
                reply
            }
            Self::Trickle { bytes, pause } => {
                reply.delivery = Delivery::Trickle { bytes: (*bytes).max(1), pause: *pause };
                reply
            }
            Self::CorruptBody if !uploads(action) => {
                let body = flipped(reply.response.body());
                reply.body(body)
            }
            Self::WrongCrc => with_crc(action, reply, |crc| Some(crc ^ 1)),
            Self::NoCrc => with_crc(action, reply, |_| None),
            Self::EmptyResult if reply.response.status().is_success() => {
                let body = emptied(reply.response.body());
                reply.body(body)
            }
            _ => reply,
        }
    }
}

fn in_200(code: &str) -> Refusal {
    Refusal::new(200, code.to_owned(), message_of(code))
}

/// With the lowest bit of the middle byte the other way round.
pub(crate) fn flipped(body: &Payload) -> Payload {
    let mut bytes = Vec::from(body.to_bytes());
    let middle = bytes.len() / 2;
    if let Some(byte) = bytes.get_mut(middle) {
        *byte ^= 1;
    }
    bytes.into()
}

const CRC: &str = "x-cos-hash-crc64ecma";
const CRC_OPEN: &str = "<CRC64>";
const CRC_CLOSE: &str = "</CRC64>";

/// Changes or removes the CRC, which is in a header, and of a copy in an element.
fn with_crc(action: Action, mut reply: Reply, change: impl Fn(u64) -> Option<u64>) -> Reply {
    let changed = |text: &str| text.parse().ok().and_then(&change);
    let header = reply.response.headers_mut().remove(CRC);
    if let Some(crc) = header.and_then(|value| changed(value.to_str().ok()?)) {
        reply = reply.header(CRC, crc.to_string());
    }
    if !matches!(action, Action::PutObjectCopy | Action::UploadPartCopy) {
        return reply;
    }
    let document = reply.response.body().to_bytes();
    let document = String::from_utf8_lossy(&document);
    let Some((before, rest)) = document.split_once(CRC_OPEN) else { return reply };
    let Some((stated, after)) = rest.split_once(CRC_CLOSE) else { return reply };
    let element = changed(stated).map(|crc| format!("{CRC_OPEN}{crc}{CRC_CLOSE}"));
    let document = format!("{before}{}{after}", element.unwrap_or_default());
    reply.body(document.into())
}

/// The document without anything in its root.
fn emptied(body: &Payload) -> Payload {
    let text = body.to_bytes();
    let text = std::str::from_utf8(&text).unwrap_or("");
    let root = text.split('<').nth(2).and_then(|rest| rest.split(['>', ' ', '/']).next());
    match root {
        Some(root) if text.starts_with("<?xml") => {
            format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<{root}></{root}>\n").into()
        }
        _ => Payload::EMPTY,
    }
}

/// What a gateway in front of the service answers.
pub(super) fn gateway() -> Reply {
    const HTML: &[u8] = b"<html>\n<head><title>502 Bad Gateway</title></head>\n\
        <body><center><h1>502 Bad Gateway</h1></center></body>\n</html>\n";
    Reply::new(StatusCode::BAD_GATEWAY)
        .header("content-type", "text/html")
        .body(Bytes::from_static(HTML).into())
}
