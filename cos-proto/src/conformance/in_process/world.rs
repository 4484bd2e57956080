//! The emulator and a clock of its own, without sockets: an exchange takes a millisecond.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, Uri};

use crate::{
    ERROR_BODY_MAX, Event, Failure, FailureKind, Now, Payload, ReplyMode, Ticks, Transmit,
    UnixTime,
    conformance::Fetched,
    emulator::{Answer, Delivery, Emulator, Received},
};

/// The service and the time, which only waiting and requests move.
#[derive(Debug)]
pub(super) struct World {
    pub(super) emulator: Emulator,
    since_start: Duration,
}

/// When the clock starts: 2026-11-22T00:00:00Z.
const START_UNIX: i64 = 1_795_305_600;
/// How long every exchange takes.
const EXCHANGE: Duration = Duration::from_millis(1);

/// How an exchange ended.
pub(super) enum Arrived {
    Event(Event),
    /// The head of a streamed answer, and its body.
    Stream(Response<()>, Body),
}

/// The body of a streamed answer on its way.
#[derive(Debug)]
pub(super) struct Body {
    rest: Bytes,
    /// How many bytes at a time, and the pause between.
    piece: (usize, Duration),
    /// Whether it breaks off.
    cut: bool,
}

impl World {
    pub(super) fn new(emulator: Emulator) -> Self {
        Self { emulator, since_start: Duration::ZERO }
    }

    pub(super) fn now(&self) -> Now {
        let seconds = i64::try_from(self.since_start.as_secs()).unwrap_or(i64::MAX);
        Now {
            ticks: Ticks::new(self.since_start),
            unix: UnixTime::from_secs(START_UNIX.saturating_add(seconds)),
        }
    }

    pub(super) fn advance(&mut self, by: Duration) {
        self.since_start += by;
    }

    /// Sleeps until then, or not at all if that is past.
    pub(super) fn sleep_until(&mut self, until: Ticks) {
        self.since_start = self.since_start.max(until.since_epoch());
    }

    fn handle(&mut self, request: Request<Payload>) -> Answer {
        self.advance(EXCHANGE);
        let (mut head, body) = request.into_parts();
        // As a server sees it: in origin form, with Host.
        if let Some(target) = head.uri.path_and_query() {
            head.uri = Uri::from(target.clone());
        }
        let millis = i64::try_from(self.since_start.as_millis()).unwrap_or(i64::MAX);
        self.emulator.handle(START_UNIX * 1000 + millis, &head, Received::from(body))
    }

    pub(super) fn exchange(&mut self, transmit: Transmit) -> Arrived {
        let reply = transmit.reply;
        let answer = self.handle(transmit.request);
        let (head, payload) = answer.response.into_parts();
        let body = payload.to_bytes();
        let broken =
            |text: &str| Arrived::Event(Event::Failed(Failure::new(FailureKind::Broken, text)));
        let streamed = reply == ReplyMode::Stream && head.status.is_success();
        let (rest, piece, cut) = match answer.delivery {
            Delivery::NoReply => return broken("closed without an answer"),
            Delivery::CutAfter(length) => {
                let length = usize::try_from(length).unwrap_or(usize::MAX).min(body.len());
                (body.slice(..length), WHOLE, true)
            }
            Delivery::Chunked { leading_spaces } => {
                let spaced = [&b" ".repeat(leading_spaces), &body[..]].concat();
                (spaced.into(), WHOLE, false)
            }
            Delivery::Trickle { bytes, pause } => (body, (bytes.max(1), pause), false),
            Delivery::Whole => (body, WHOLE, false),
        };
        if streamed {
            let head = Response::from_parts(head, ());
            return Arrived::Stream(head, Body { rest, piece, cut });
        }
        if cut {
            return broken("the body broke off");
        }
        let bytes_max = match reply {
            ReplyMode::Collect { bytes_max } if head.status.is_success() => bytes_max,
            ReplyMode::Collect { .. } | ReplyMode::Stream => {
                let rest = rest.slice(..rest.len().min(ERROR_BODY_MAX));
                let response = Response::from_parts(head, rest);
                return Arrived::Event(Event::Reply(Box::new(response)));
            }
        };
        if rest.len() > bytes_max {
            let failure = Failure::new(FailureKind::ReplyTooLarge, "the body is too long");
            return Arrived::Event(Event::Failed(failure));
        }
        Arrived::Event(Event::Reply(Box::new(Response::from_parts(head, rest))))
    }

    /// A request of a client that knows nothing of COS.
    pub(super) fn fetch(&mut self, method: &Method, url: &str) -> Result<Fetched, String> {
        let uri: Uri = url.parse().map_err(|error| format!("{error}"))?;
        let host = uri.authority().ok_or("the URL names no host")?.as_str().to_owned();
        let request = Request::builder().method(method).uri(uri).header("host", host);
        let request = request.body(Payload::EMPTY).map_err(|error| error.to_string())?;
        let answer = self.handle(request);
        if answer.delivery == Delivery::NoReply {
            return Err("closed without an answer".to_owned());
        }
        let (head, body) = answer.response.into_parts();
        let headers = texts(&head.headers);
        Ok(Fetched { status: head.status.as_u16(), headers, body: body.to_bytes() })
    }
}

/// In pieces as large as a socket gives them.
const WHOLE: (usize, Duration) = (64 * 1024, Duration::ZERO);

fn texts(headers: &HeaderMap) -> std::collections::BTreeMap<String, String> {
    let text = |value: &http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    headers.iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect()
}

impl Body {
    /// The next piece, or the event that ends the body.
    pub(super) fn next(&mut self, world: &mut World) -> Result<Bytes, Event> {
        if !self.rest.is_empty() {
            let (length, pause) = self.piece;
            world.advance(pause);
            return Ok(self.rest.split_to(length.min(self.rest.len())));
        }
        if self.cut {
            let failure = Failure::new(FailureKind::Broken, "the body broke off");
            return Err(Event::Failed(failure));
        }
        Err(Event::End)
    }
}
