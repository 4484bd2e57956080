//! What happens at the service, and how its answer gets back.

use std::time::Duration;

use bytes::Bytes;
use http::{
    Response, Uri,
    header::{CONTENT_LENGTH, CONTENT_RANGE},
    response,
};

use super::{
    Arrival, Client, Copy, FaultKind, Network, Pending,
    touched::{changes_objects, changes_uploads, param},
};
use crate::{
    CallKind, Crc64, ERROR_BODY_MAX, Event, Failure, FailureKind, ReplyMode,
    emulator::{Answer, Delivery, Effect, Received, flipped},
    sim::Dice,
};

const CRC: &str = "x-cos-hash-crc64ecma";

pub(super) fn broken(text: &str) -> Failure {
    Failure::new(FailureKind::Broken, text)
}

/// How long an answer asks to wait.
pub(super) fn retry_after(arrival: &Arrival) -> Option<Duration> {
    let Arrival::Event(Event::Reply(reply)) = arrival else { return None };
    let seconds = reply.headers().get(http::header::RETRY_AFTER)?.to_str().ok()?.parse().ok()?;
    Some(Duration::from_secs(seconds))
}

/// What the transcript says of something that arrives.
pub(super) fn mark(arrival: &Arrival) -> (&'static str, u64) {
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
    /// A request reaches the service.
    pub(super) fn reach(&mut self, number: u64, copy: Copy) {
        let Some(exchange) = self.exchanges.get(&number) else { return };
        let (line, id, call, fate) = (exchange.line, exchange.id, exchange.call, exchange.fate);
        let late = copy == Copy::Duplicate || !exchange.client.is_there();
        if late && self.overtaking.has_overtaken(number, exchange) {
            self.counts.late_dropped += 1;
            self.tell("is dropped", line, id, call, "", 0);
            return;
        }
        self.counts.reached += 1;
        match (copy, late) {
            (Copy::Duplicate, _) => self.counts.happened(FaultKind::DuplicateRequest),
            (_, true) => self.counts.happened(FaultKind::LateRequest),
            _ => {
                let latest = self.reached.entry(line).or_default();
                if *latest > number {
                    self.counts.happened(FaultKind::Reorder);
                }
                *latest = number.max(*latest);
            }
        }
        if fate == Some(FaultKind::Delay) {
            self.counts.happened(FaultKind::Delay);
        }
        // One thing goes wrong at a time: a copy is what it is.
        let fate = fate.filter(|_| !late);
        let answer = self.execute(number, copy, fate);
        let status = u64::from(answer.response.status().as_u16());
        self.tell(if late { "reaches late" } else { "reaches" }, line, id, call, "", status);
        if copy == Copy::Original {
            self.answer(number, answer, fate);
        }
    }

    /// The service does what it is asked.
    fn execute(&mut self, number: u64, copy: Copy, fate: Option<FaultKind>) -> Answer {
        let now_ms = self.unix_ms();
        let Some(exchange) = self.exchanges.get_mut(&number) else { unreachable!("it is there") };
        // As a server sees it: in origin form, with Host.
        if let Some(target) = exchange.head.uri.path_and_query()
            && exchange.head.uri.authority().is_some()
        {
            exchange.head.uri = Uri::from(target.clone());
        }
        let corrupt = fate == Some(FaultKind::CorruptUpload) && !exchange.body.is_empty();
        let body = if corrupt { flipped(&exchange.body) } else { exchange.body.clone() };
        let effect = fate.and_then(|fate| effect_of(fate, &mut self.dice));
        let spoils_answer = matches!(fate, Some(FaultKind::WrongCrc));
        if let Some(fate) = fate
            && effect.is_some()
            && !spoils_answer
        {
            self.counts.happened(fate);
        }
        if corrupt {
            self.counts.happened(FaultKind::CorruptUpload);
        }
        self.transcript.word(body.len());
        let received = Received::from(body);
        self.transcript.word(received.crc64);
        let stored = corrupt.then(|| received.body.to_bytes());
        let mut answer = self.emulator.handle_with(now_ms, &exchange.head, received, effect);
        if fate == Some(FaultKind::OtherRange) && begin_later(&mut answer.response).is_some() {
            self.counts.happened(FaultKind::OtherRange);
        }
        if spoils_answer && states_crc(&answer) {
            self.counts.happened(FaultKind::WrongCrc);
        }
        self.saw_refusal(number, copy, &answer);
        self.saw_lag(number);
        if self.emulator.executed() {
            self.executed(number, copy, fate, stored);
        }
        answer
    }

    /// What follows from a request that was executed.
    fn executed(
        &mut self,
        number: u64,
        copy: Copy,
        fate: Option<FaultKind>,
        stored: Option<Bytes>,
    ) {
        let Some(exchange) = self.exchanges.get_mut(&number) else { return };
        let (call, touched) = (exchange.call, &exchange.touched);
        if changes_objects(call) {
            self.objects_changed = self.now;
            let will_hear = copy == Copy::Original
                && exchange.client.is_there()
                && !exchange.doomed
                && fate.is_none_or(is_heard);
            self.overtaking.executed(number, exchange, will_hear);
        }
        if changes_uploads(call) {
            self.uploads_changed = self.now;
        }
        let upload = || param(&exchange.head.uri, "uploadId").unwrap_or("");
        let damage = &mut self.damage;
        match call {
            CallKind::PutObject => damage.written(self.now, &touched.key, stored),
            CallKind::PutObjectCopy => {
                let content = touched.source().and_then(|source| damage.current(source));
                let content = match fate {
                    Some(FaultKind::CorruptCopy) => self.emulator.content(&touched.key),
                    _ => content,
                };
                damage.written(self.now, &touched.key, content);
            }
            CallKind::UploadPartCopy => {
                if let Some(source) = touched.source() {
                    damage.copied_into(upload(), source);
                }
            }
            CallKind::CompleteMultipartUpload => {
                let content = damage.of_upload(upload());
                damage.written(self.now, &touched.key, content);
            }
            CallKind::DeleteObject | CallKind::DeleteMultipleObjects => {
                touched.keys().for_each(|key| damage.written(self.now, key, None));
            }
            CallKind::UploadPart => {
                self.parts_stored.push((touched.key.clone(), upload().to_owned()));
            }
            CallKind::InitiateMultipartUpload => {
                self.created.insert((exchange.line, touched.key.clone()));
                if let Some(opened) = self.emulator.take_opened() {
                    self.strays.insert(opened.clone());
                    self.counts.strays += 1;
                    if copy == Copy::Original {
                        exchange.opened = Some(opened);
                    }
                }
            }
            _ => {}
        }
    }

    fn saw_refusal(&mut self, number: u64, copy: Copy, answer: &Answer) {
        let status = answer.response.status().as_u16();
        let waits = self.exchanges.get(&number).is_some_and(|exchange| exchange.client.is_there());
        if !matches!(status, 400 | 403) || copy == Copy::Duplicate || !waits {
            return;
        }
        let body = answer.response.body().to_bytes();
        let says = |text: &str| body.windows(text.len()).any(|window| window == text.as_bytes());
        if says("RequestTimeTooSkewed") || says("Request has expired") {
            self.counts.happened(FaultKind::SkewedClock);
        } else if says("ExpiredToken") {
            self.counts.happened(FaultKind::ExpiredToken);
        }
    }

    /// Counts lists that may not show all.
    fn saw_lag(&mut self, number: u64) {
        let Some(exchange) = self.exchanges.get(&number) else { return };
        let (changed, lag, kind) = match exchange.call {
            CallKind::GetBucket => {
                (self.objects_changed, self.weather.list_lag, FaultKind::ListLag)
            }
            CallKind::ListMultipartUploads => {
                (self.uploads_changed, self.weather.uploads_lag, FaultKind::UploadsLag)
            }
            _ => return,
        };
        if self.emulator.executed() && self.now < changed + lag {
            self.counts.happened(kind);
        }
    }

    /// Sends an answer back.
    fn answer(&mut self, number: u64, answer: Answer, fate: Option<FaultKind>) {
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
        {
            body = flipped(&body.into()).to_bytes();
            counted = fate;
            self.tampered.insert(line);
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
}

/// Whether the client of an executed request with this fate hears that it was.
fn is_heard(fate: FaultKind) -> bool {
    !matches!(
        fate,
        FaultKind::ResetAfter
            | FaultKind::LostReply
            | FaultKind::LateReply
            | FaultKind::CutBody
            | FaultKind::InternalErrorDone
            | FaultKind::ErrorIn200Done
    )
}

fn effect_of(fate: FaultKind, dice: &mut Dice) -> Option<Effect> {
    const IN_200: [&str; 3] = ["InternalError", "SlowDown", "ServiceUnavailable"];
    Some(match fate {
        FaultKind::InternalError => Effect::internal_error(),
        FaultKind::InternalErrorDone => Effect::ActThenError,
        FaultKind::BadGateway => Effect::Gateway502,
        FaultKind::SlowDown => Effect::slow_down(),
        FaultKind::TooManyRequests => Effect::Error {
            status: 429,
            code: "TooManyRequests".to_owned(),
            message: "Too many requests.".to_owned(),
            retry_after: Some(dice.between(1, 5) as u32),
        },
        FaultKind::NetworkTooSlow => Effect::error(400, "UserNetworkTooSlow"),
        FaultKind::ErrorIn200 => Effect::ErrorIn200 { code: (*dice.pick(&IN_200)).to_owned() },
        FaultKind::ErrorIn200Done => {
            Effect::ActThenErrorIn200 { code: (*dice.pick(&IN_200)).to_owned() }
        }
        FaultKind::WrongCrc => Effect::WrongCrc,
        FaultKind::CorruptCopy => Effect::CorruptCopy,
        _ => return None,
    })
}

/// Has the answer to a ranged GET begin a few bytes later, and say so.
fn begin_later(answer: &mut Response<crate::Payload>) -> Option<()> {
    const LATER: u64 = 3;
    let range = answer.headers().get(CONTENT_RANGE)?.to_str().ok()?;
    let (first, rest) = range.strip_prefix("bytes ")?.split_once('-')?;
    let first = first.parse::<u64>().ok()? + LATER;
    let range = format!("bytes {first}-{rest}").parse().ok()?;
    let body = answer.body().to_bytes();
    let body = body.get(LATER as usize..).filter(|body| !body.is_empty())?.to_vec();
    answer.headers_mut().insert(CONTENT_RANGE, range);
    answer.headers_mut().insert(CONTENT_LENGTH, body.len().into());
    *answer.body_mut() = body.into();
    Some(())
}

fn states_crc(answer: &Answer) -> bool {
    let (head, body) = (answer.response.headers(), answer.response.body());
    head.contains_key(CRC) || body.to_bytes().windows(7).any(|window| window == b"<CRC64>")
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
