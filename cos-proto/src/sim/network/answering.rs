//! How an answer gets back, and what its client sees of it.

use std::time::Duration;

use bytes::Bytes;
use http::{Response, response};

use super::{
    Arrival, Arrived, FaultKind, Network,
    delivery::CRC,
    exchange::{Client, Pending},
};
use crate::{
    Crc64, ERROR_BODY_MAX, Event, Failure, FailureKind, ReplyMode,
    emulator::{Answer, Delivery, flipped},
    sim::{Dice, model::FLAWS_MAX},
};

/// How an answer's body comes.
struct Shape {
    /// How many bytes of it, if it breaks off.
    cut: Option<usize>,
    /// In pieces of so many bytes,
    piece: usize,
    /// so long apart.
    pause: Duration,
}

impl Network {
    /// Sends an answer back.
    pub(super) fn answer(&mut self, number: u64, answer: Answer, fate: Option<FaultKind>) {
        let Some(exchange) = self.exchanges.get(&number) else { return };
        let (limits, reply, line) = (exchange.limits, exchange.reply, exchange.line);
        let age = self.now.saturating_since(exchange.sent);
        let verified = self.is_verified(number);
        let awaited = match exchange.client {
            Client::Waits => !exchange.doomed,
            // Nobody waits: the answer may come all the same, or not.
            Client::Reads | Client::Over => {
                if self.dice.happens(500) {
                    return;
                }
                false
            }
            Client::HungUp => return,
        };
        let mut first = self.latency();
        if awaited {
            match fate {
                Some(FaultKind::ResetAfter) => {
                    return self.fail(number, first, broken("reset"), fate);
                }
                Some(FaultKind::LostReply) => {
                    return self.give_up(number, limits.head.saturating_sub(age), fate);
                }
                Some(FaultKind::LateReply) => {
                    // Counted when it comes late.
                    self.fail(number, first, broken("reset"), None);
                    first += self.lateness();
                }
                _ => {}
            }
        }
        let awaited = awaited && fate != Some(FaultKind::LateReply);
        let (head, body) = answer.response.into_parts();
        let mut body = body.to_bytes();
        if let Delivery::Chunked { leading_spaces } = answer.delivery
            && leading_spaces > 0
        {
            body = [&b" ".repeat(leading_spaces), &body[..]].concat().into();
        }
        let mut counted = None;
        if fate == Some(FaultKind::CorruptDownload)
            && verified
            && head.status.is_success()
            && head.headers.contains_key(CRC)
            && !body.is_empty()
            && self.tampered.get(&line).is_none_or(|count| *count < FLAWS_MAX)
        {
            body = flipped(&body.into()).to_bytes();
            counted = fate;
            *self.tampered.entry(line).or_default() += 1;
        }
        let shape = shape(&body, fate, &mut self.dice);
        if (shape.cut.is_some() || fate == Some(FaultKind::Trickle)) && !body.is_empty() {
            counted = fate;
        }
        if awaited && age + first > limits.head {
            self.give_up(number, limits.head.saturating_sub(age), None);
        }
        let streamed = reply == ReplyMode::Stream && head.status.is_success();
        let duplicate = fate == Some(FaultKind::DuplicateReply);
        let mut arrivals = if streamed {
            stream(head, body, &shape, limits.idle)
        } else {
            let left = limits.whole.saturating_sub(age + first);
            collect(head, body, &shape, limits.idle, left, reply)
        };
        let again = duplicate.then(|| {
            arrivals.iter().map(|(at, arrival)| (*at, copied(arrival))).collect::<Vec<_>>()
        });
        let last = arrivals.last().map_or(first, |(at, _)| first + *at);
        for (index, (at, arrival)) in arrivals.drain(..).enumerate() {
            let fault = counted.filter(|_| index == 0);
            self.enqueue(first + at, Pending::Arrive { exchange: number, arrival, fault });
        }
        if let Some(again) = again {
            let first = last + self.lateness();
            for (index, (at, arrival)) in again.into_iter().enumerate() {
                let fault = (index == 0).then_some(FaultKind::DuplicateReply);
                self.enqueue(first + at, Pending::Arrive { exchange: number, arrival, fault });
            }
        }
    }

    /// Whether the client of a GET checks all bytes by the CRC-64.
    fn is_verified(&self, number: u64) -> bool {
        self.exchanges.get(&number).is_some_and(|exchange| {
            self.verifying.contains(&(exchange.line, exchange.touched.key.clone()))
        })
    }

    pub(super) fn arrive(
        &mut self,
        number: u64,
        arrival: Arrival,
        fault: Option<FaultKind>,
    ) -> Option<Arrived> {
        let exchange = self.exchanges.get_mut(&number)?;
        let late = !exchange.client.is_there();
        if exchange.client == Client::HungUp {
            return None;
        }
        if !late {
            exchange.hears(&arrival);
            if let Some(pause) = retry_after(&arrival) {
                let target =
                    exchange.head.uri.path_and_query().map_or("", |target| target.as_str());
                let name = (exchange.line, format!("{} {target}", exchange.head.method));
                self.asked_to_wait.insert(name, (exchange.attempt, self.now + pause));
            }
            if let Arrival::Event(Event::Reply(response)) = &arrival
                && response.status().is_success()
                && let Some(opened) = exchange.opened.take()
            {
                self.strays.remove(&opened);
                self.counts.strays -= 1;
            }
        }
        let (line, id, call) = (exchange.line, exchange.id, exchange.call);
        let begins = matches!(arrival, Arrival::Event(Event::Reply(_) | Event::Head(_)));
        match fault {
            Some(fault) => self.counts.happened(fault, call),
            None if late && begins => self.counts.happened(FaultKind::LateReply, call),
            None => {}
        }
        let (what, mark) = mark(&arrival);
        self.tell(what, line, id, call, "", mark);
        Some(Arrived { line, id, arrival, late })
    }

    pub(super) fn fail(
        &mut self,
        exchange: u64,
        after: Duration,
        failure: Failure,
        fault: Option<FaultKind>,
    ) {
        let arrival = Arrival::Event(Event::Failed(failure));
        self.enqueue(after, Pending::Arrive { exchange, arrival, fault });
    }

    /// The client gives up so long from now.
    pub(super) fn give_up(&mut self, number: u64, after: Duration, fault: Option<FaultKind>) {
        if let Some(exchange) = self.exchanges.get_mut(&number) {
            exchange.doomed = true;
        }
        let failure = Failure::new(FailureKind::Timeout, "no answer in time");
        self.fail(number, after, failure, fault);
    }
}

pub(super) fn broken(text: &str) -> Failure {
    Failure::new(FailureKind::Broken, text)
}

/// How long an answer asks to wait.
fn retry_after(arrival: &Arrival) -> Option<Duration> {
    let Arrival::Event(Event::Reply(reply)) = arrival else { return None };
    let seconds = reply.headers().get(http::header::RETRY_AFTER)?.to_str().ok()?.parse().ok()?;
    Some(Duration::from_secs(seconds))
}

/// What the transcript says of something that arrives.
fn mark(arrival: &Arrival) -> (&'static str, u64) {
    match arrival {
        Arrival::Event(Event::Reply(reply)) => {
            ("reply", u64::from(reply.status().as_u16()) ^ Crc64::of(reply.body()))
        }
        Arrival::Event(Event::Head(head)) => ("head", u64::from(head.status().as_u16())),
        Arrival::Event(Event::End) => ("end", 0),
        Arrival::Event(Event::Failed(failure)) => ("failed", failure.kind as u64),
        Arrival::Data(data) => ("data", Crc64::of(data)),
    }
}

fn shape(body: &Bytes, fate: Option<FaultKind>, dice: &mut Dice) -> Shape {
    let length = body.len() as u64;
    match fate {
        Some(FaultKind::CutBody) if length > 0 => {
            let cut = Some(dice.below(length) as usize);
            Shape { cut, piece: 64 * 1024, pause: Duration::ZERO }
        }
        Some(FaultKind::Trickle) if length > 0 => {
            let piece = (length / dice.between(1, 12)).max(1) as usize;
            let pause = Duration::from_millis(*dice.pick(&[1, 100, 5_000, 61_000]));
            Shape { cut: None, piece, pause }
        }
        _ => Shape { cut: None, piece: 64 * 1024, pause: Duration::ZERO },
    }
}

type Arrivals = Vec<(Duration, Arrival)>;

fn ended(failure: Failure) -> Arrival {
    Arrival::Event(Event::Failed(failure))
}

fn idle() -> Arrival {
    ended(Failure::new(FailureKind::Timeout, "no data for too long"))
}

/// A streamed answer, by the time since its head.
fn stream(head: response::Parts, mut body: Bytes, shape: &Shape, idle_after: Duration) -> Arrivals {
    let mut at = Duration::ZERO;
    let mut arrivals = vec![(at, Arrival::Event(Event::Head(Response::from_parts(head, ()))))];
    if let Some(cut) = shape.cut {
        body.truncate(cut);
    }
    while !body.is_empty() {
        if shape.pause > idle_after {
            arrivals.push((at + idle_after, idle()));
            return arrivals;
        }
        at += shape.pause;
        arrivals.push((at, Arrival::Data(body.split_to(shape.piece.min(body.len())))));
    }
    let end = match shape.cut {
        Some(_) => ended(broken("the body broke off")),
        None => Arrival::Event(Event::End),
    };
    arrivals.push((at, end));
    arrivals
}

/// A collected answer, by the time since its head; `left` is what the client has still time for.
fn collect(
    head: response::Parts,
    mut body: Bytes,
    shape: &Shape,
    idle_after: Duration,
    left: Duration,
    reply: ReplyMode,
) -> Arrivals {
    let pieces = body.len().div_ceil(shape.piece) as u32;
    let takes = shape.pause * pieces;
    let silence = if shape.pause > idle_after { idle_after } else { takes };
    let (at, arrival) = if shape.cut.is_some() {
        (Duration::ZERO, ended(broken("the body broke off")))
    } else if silence > left {
        (left, ended(Failure::new(FailureKind::Timeout, "no answer in time")))
    } else if shape.pause > idle_after {
        (idle_after, idle())
    } else {
        let arrival = match reply {
            ReplyMode::Collect { bytes_max }
                if head.status.is_success() && body.len() > bytes_max =>
            {
                ended(Failure::new(FailureKind::ReplyTooLarge, "the body is too long"))
            }
            _ => {
                if !head.status.is_success() {
                    body.truncate(ERROR_BODY_MAX);
                }
                let response = Response::from_parts(head, body);
                Arrival::Event(Event::Reply(Box::new(response)))
            }
        };
        (takes, arrival)
    };
    vec![(at, arrival)]
}

fn copied(arrival: &Arrival) -> Arrival {
    Arrival::Event(match arrival {
        Arrival::Data(data) => return Arrival::Data(data.clone()),
        Arrival::Event(Event::Reply(reply)) => Event::Reply(reply.clone()),
        Arrival::Event(Event::Head(head)) => Event::Head(head.clone()),
        Arrival::Event(Event::End) => Event::End,
        Arrival::Event(Event::Failed(failure)) => Event::Failed(failure.clone()),
    })
}
