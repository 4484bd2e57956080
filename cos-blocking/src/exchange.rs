//! One request and its answer, by ureq, on whatever thread calls.

mod body;
mod classify;

use std::{
    io::Read,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use cos_proto::{
    Attempt, ERROR_BODY_MAX, Event, Failure, FailureKind, Observer, Payload, ReplyMode, Transmit,
};
use http::{Request, Response};
use ureq::{Agent, SendBody};

pub(crate) use self::body::Body;
use self::body::PayloadReader;
use crate::{
    permits::Permit,
    transport::{Pace, veiled},
};

/// What exchanges need.
pub(crate) struct Exchanger {
    pub(crate) agent: Agent,
    pub(crate) idle_timeout: Duration,
    pub(crate) observer: Arc<dyn Observer>,
}

/// How an exchange ended.
#[derive(Debug)]
pub(crate) enum Answer {
    /// It is over.
    Event(Event),
    /// The head of a streamed reply is here, and the body is to be read.
    Stream(Response<()>, Box<Body>),
}

impl Exchanger {
    /// Sends the request and waits for the answer: whole, or a streamed one's head. Ends within the
    /// request's time limits; then the permit and its memory are free again.
    pub(crate) fn exchange(&self, transmit: Transmit, permit: Permit) -> Answer {
        let mut attempt = Attempt::new(&transmit);
        let started = Instant::now();
        let result = self.send(transmit, &mut attempt);
        drop(permit);
        match result {
            Ok(Sent::Whole(response)) => {
                attempt.collected(&response);
                self.report(attempt, started);
                Answer::Event(Event::Reply(Box::new(response)))
            }
            Ok(Sent::Head(response)) => {
                let (head, body) = response.into_parts();
                // Its reader sets the pace, so only what a single read waits is limited.
                let pace = Pace { until: None, idle: Some(self.idle_timeout) };
                let body = Body::new(body, pace, attempt, started, Arc::clone(&self.observer));
                Answer::Stream(Response::from_parts(head, ()), Box::new(body))
            }
            Err(failure) => {
                attempt.failure = Some(failure.kind);
                self.report(attempt, started);
                Answer::Event(Event::Failed(failure))
            }
        }
    }

    fn report(&self, mut attempt: Attempt, started: Instant) {
        attempt.duration = started.elapsed();
        self.observer.attempt(&attempt);
    }

    fn send(&self, transmit: Transmit, attempt: &mut Attempt) -> Result<Sent, Failure> {
        let began = Instant::now();
        let limits = transmit.time_limits(self.idle_timeout);
        let (head, payload) = transmit.request.into_parts();
        let until_head = Pace { until: began.checked_add(limits.head), idle: None };
        let response = until_head.keep(|| self.run(Request::from_parts(head, ()), payload))?;
        attempt.answered(response.status(), response.headers());
        let response = strip(response);
        let until_end = Pace { until: began.checked_add(limits.whole), idle: Some(limits.idle) };
        match transmit.reply {
            ReplyMode::Stream if response.status().is_success() => Ok(Sent::Head(response)),
            ReplyMode::Collect { bytes_max } if response.status().is_success() => {
                until_end.keep(|| collect(response, bytes_max)).map(Sent::Whole)
            }
            _ => until_end.keep(|| collect_error(response)).map(Sent::Whole),
        }
    }

    fn run(&self, request: Request<()>, payload: Payload) -> Result<Response<ureq::Body>, Failure> {
        let result = veiled(request, |request| {
            if payload.is_empty() {
                self.agent.run(request.map(|()| SendBody::none()))
            } else {
                // The core has set Content-Length, so ureq does not send it chunked.
                let mut reader = PayloadReader::new(payload);
                self.agent.run(request.map(|()| SendBody::from_reader(&mut reader)))
            }
        });
        result.map_err(classify::failure)
    }
}

enum Sent {
    Whole(Response<Bytes>),
    Head(Response<ureq::Body>),
}

/// Drops what ureq notes for itself, the request's URL among it.
fn strip(mut response: Response<ureq::Body>) -> Response<ureq::Body> {
    response.extensions_mut().clear();
    response
}

/// Reads a whole body of at most `bytes_max` bytes, to its end: only then is the connection kept.
fn collect(response: Response<ureq::Body>, bytes_max: usize) -> Result<Response<Bytes>, Failure> {
    let too_large =
        || Failure::new(FailureKind::ReplyTooLarge, format!("more than {bytes_max} bytes"));
    let (head, body) = response.into_parts();
    let announced = body.content_length().unwrap_or(0);
    if announced > bytes_max as u64 {
        return Err(too_large());
    }
    let bytes = read(body, announced, (bytes_max as u64).saturating_add(1))?;
    if bytes.len() > bytes_max {
        return Err(too_large());
    }
    Ok(Response::from_parts(head, bytes))
}

/// Reads the beginning of an error's body; COS's own are shorter than that.
fn collect_error(response: Response<ureq::Body>) -> Result<Response<Bytes>, Failure> {
    let (head, body) = response.into_parts();
    let announced = body.content_length().unwrap_or(0);
    let mut bytes = read(body, announced, ERROR_BODY_MAX as u64 + 1)?;
    bytes.truncate(ERROR_BODY_MAX);
    Ok(Response::from_parts(head, bytes))
}

fn read(body: ureq::Body, announced: u64, limit: u64) -> Result<Bytes, Failure> {
    // What is announced may be a lie, so no more than this is believed beforehand.
    let expected = announced.min(limit).min(MEMORY_AHEAD_MAX);
    let mut bytes = Vec::with_capacity(usize::try_from(expected).unwrap_or(0));
    body.into_reader().take(limit).read_to_end(&mut bytes).map_err(classify::io_failure)?;
    Ok(bytes.into())
}

const MEMORY_AHEAD_MAX: u64 = 1024 * 1024;
