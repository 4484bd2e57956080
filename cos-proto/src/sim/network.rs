//! A faulty network in front of the emulator, as a machine without I/O, in virtual time.
//!
//! Clients hand in each [`Transmit`] by [`Network::send`]; [`Network::step`] goes to the next thing
//! that happens, and if a client sees it, says so. What goes wrong with a request is decided when
//! it is sent, by one throw of the dice: one kind of fault at most, besides delays.
//!
//! # What may come late, or twice
//! Answers, whenever they like; the client knows by the id that it no longer waits for them.
//! Requests that change an object only until the service has executed one that was sent later, to
//! one of the same keys: it cannot refuse an older write, so nobody could help against it. That
//! holds for a Complete too, whose upload is still open when somebody else puts the key. A
//! multi-delete counts for each of its keys, a copy for its source too. Parts, Create and Abort may
//! come whenever they like: upload ids and ETags must catch them. A late Create opens an upload
//! that nobody knows of; [`Network::strays`] names it.
//!
//! # What is never done
//! A change that no client can see: bodies are only changed where a CRC-64 that the client checks
//! is stated, so no part of an object is changed on its way to a download that did not begin at the
//! object's begin. What an upload damaged on its way leaves stored until its client has repaired it,
//! is named by [`Network::damaged`].

#![allow(
    clippy::exhaustive_enums,
    clippy::exhaustive_structs,
    reason = "outside semver; worlds take it apart"
)]

mod damage;
mod delivery;
mod fault;
mod overtaking;
#[cfg(test)]
mod tests;
mod tokens;
mod touched;
mod transcript;
mod weather;

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use bytes::Bytes;
use http::request::Parts;

use self::{
    damage::Damage, delivery::broken, overtaking::Overtaking, tokens::Tokens, touched::Touched,
    transcript::Transcript,
};
pub use self::{
    damage::Damaged,
    fault::{Counts, FaultKind},
    weather::Weather,
};
use super::Dice;
use crate::{
    CallKind, Credentials, Event, Failure, FailureKind, Payload, ReplyMode, RequestId, Ticks,
    TimeLimits, Transmit, emulator::Emulator,
};

/// When virtual time starts: 2026-11-22T00:00:00Z.
const START_UNIX: i64 = 1_795_305_600;

/// Whose requests these are: one machine's. Ids of requests are unique within a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Line(pub u32);

/// What a client sees of an exchange.
#[derive(Debug)]
pub enum Arrival {
    /// For [`Machine::handle`](crate::Machine::handle).
    Event(Event),
    /// For [`Machine::handle_data`](crate::Machine::handle_data).
    Data(Bytes),
}

/// Something a client sees.
#[derive(Debug)]
pub struct Arrived {
    /// Whose it is.
    pub line: Line,
    /// Which attempt it answers.
    pub id: RequestId,
    /// What it is.
    pub arrival: Arrival,
    /// Whether the exchange was over for the client: it must make no difference.
    pub late: bool,
}

/// The network, the service behind it, and the time.
#[derive(Debug)]
pub struct Network {
    emulator: Emulator,
    weather: Weather,
    dice: Dice,
    tokens: Tokens,
    now: Ticks,
    /// By time, then by the order in which it was decided.
    queue: BTreeMap<(Ticks, u64), Pending>,
    decided: u64,
    /// By the order in which they were sent.
    exchanges: BTreeMap<u64, Exchange>,
    sent: u64,
    overtaking: Overtaking,
    /// By line: the latest sent request that reached the service.
    reached: BTreeMap<Line, u64>,
    /// Downloads that began without a range, and so verify all.
    verifying: BTreeSet<(Line, String)>,
    /// Lines that got bytes which are not the object's.
    tampered: BTreeSet<Line>,
    objects_changed: Ticks,
    uploads_changed: Ticks,
    strays: BTreeSet<(String, String)>,
    /// Of which lines a Create of which keys was executed.
    created: BTreeSet<(Line, String)>,
    created_again: BTreeSet<String>,
    /// The key and upload of parts that were stored since somebody asked.
    parts_stored: Vec<(String, String)>,
    /// How many calls there were by what they look like.
    alike: BTreeMap<(Line, String), u32>,
    /// Until when which call was asked to wait, after which attempt.
    asked_to_wait: BTreeMap<(Line, String), (u32, Ticks)>,
    impatient: Option<String>,
    damage: Damage,
    counts: Counts,
    transcript: Transcript,
}

/// What is to happen.
#[derive(Debug)]
enum Pending {
    /// The request reaches the service.
    Reach { exchange: u64, copy: Copy },
    /// The client sees this.
    Arrive { exchange: u64, arrival: Arrival, fault: Option<FaultKind> },
}

impl Pending {
    fn exchange(&self) -> u64 {
        match self {
            Self::Reach { exchange, .. } | Self::Arrive { exchange, .. } => *exchange,
        }
    }
}

/// Which copy of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Copy {
    Original,
    Duplicate,
}

/// One attempt of one call, on its way.
#[derive(Debug)]
struct Exchange {
    line: Line,
    id: RequestId,
    call: CallKind,
    attempt: u32,
    touched: Touched,
    reply: ReplyMode,
    limits: TimeLimits,
    sent: Ticks,
    head: Parts,
    /// The network's own: it does not count as the client's memory.
    body: Payload,
    /// The client's, until it knows how the exchange ended, as an adapter holds it.
    held: Payload,
    fate: Option<FaultKind>,
    client: Client,
    /// Whether the client will give up before the request reaches the service.
    doomed: bool,
    /// The upload that it opened.
    opened: Option<(String, String)>,
    /// How much of it is in the queue.
    pending: u32,
}

/// What the client of an exchange does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Client {
    Waits,
    Reads,
    /// It has seen the end.
    Over,
    HungUp,
}

impl Client {
    fn is_there(self) -> bool {
        matches!(self, Self::Waits | Self::Reads)
    }
}

impl Network {
    /// A network to this service. The first of its credentials are handed out, unless the weather
    /// has them expire.
    pub fn new(mut emulator: Emulator, weather: Weather, dice: Dice) -> Self {
        emulator.set_list_lag(weather.list_lag);
        emulator.set_uploads_lag(weather.uploads_lag);
        emulator.keep_log(false);
        let tokens = Tokens::new(weather.token_life, weather.token_told);
        Self {
            emulator,
            weather,
            dice,
            tokens,
            now: Ticks::ZERO,
            queue: BTreeMap::new(),
            decided: 0,
            exchanges: BTreeMap::new(),
            sent: 0,
            overtaking: Overtaking::default(),
            reached: BTreeMap::new(),
            verifying: BTreeSet::new(),
            tampered: BTreeSet::new(),
            objects_changed: Ticks::ZERO,
            uploads_changed: Ticks::ZERO,
            strays: BTreeSet::new(),
            created: BTreeSet::new(),
            created_again: BTreeSet::new(),
            parts_stored: Vec::new(),
            alike: BTreeMap::new(),
            asked_to_wait: BTreeMap::new(),
            impatient: None,
            damage: Damage::default(),
            counts: Counts::default(),
            transcript: Transcript::new(),
        }
    }

    /// Virtual time.
    pub fn ticks(&self) -> Ticks {
        self.now
    }

    /// The service's true time in unix milliseconds.
    pub fn unix_ms(&self) -> i64 {
        START_UNIX * 1000 + self.now.since_epoch().as_millis() as i64
    }

    /// What the credentials' provider of a process hands out now.
    pub fn credentials(&mut self) -> Credentials {
        self.tokens.current(self.now, &mut self.emulator)
    }

    /// By how many seconds the clock of a new process is off.
    pub fn skew(&mut self) -> i64 {
        self.weather.skew(&mut self.dice)
    }

    /// How bad it is now.
    pub fn weather(&self) -> &Weather {
        &self.weather
    }

    /// The service.
    pub fn emulator(&mut self) -> &mut Emulator {
        &mut self.emulator
    }

    /// What has happened so far.
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    /// A hash of all that has happened so far.
    pub fn transcript(&self) -> u64 {
        self.transcript.hash()
    }

    /// Mixes what a world does into the transcript; `tell` says it for people.
    pub fn note(&mut self, what: &[u8], tell: impl FnOnce() -> String) {
        self.transcript.bytes(what);
        self.transcript.say(tell);
    }

    /// Keeps the transcript as text, too, from now on.
    pub fn keep_trace(&mut self) {
        self.transcript.keep_lines();
    }

    /// The transcript as text, as far as it is kept.
    pub fn trace(&self) -> &[String] {
        self.transcript.lines()
    }

    /// Contents that no client wrote and that readers may get, by key.
    pub fn damaged(&self) -> &BTreeMap<String, Vec<Damaged>> {
        self.damage.by_key()
    }

    /// Whether a body on its way to this line was changed: what its reader has of it may be wrong
    /// until the end, where it must get an error instead.
    pub fn tampered(&self, line: Line) -> bool {
        self.tampered.contains(&line)
    }

    /// Uploads, by key and id, that were opened while nobody was told, whether or not they still
    /// are open.
    pub fn strays(&self) -> &BTreeSet<(String, String)> {
        &self.strays
    }

    /// Whether anything was sent to this key on a line by which a Create had been executed.
    pub fn has_followed_create(&self, key: &str) -> bool {
        self.created_again.contains(key)
    }

    /// The key and upload of parts that were stored since this was asked last.
    pub fn take_parts_stored(&mut self) -> Vec<(String, String)> {
        std::mem::take(&mut self.parts_stored)
    }

    /// What was sent before the time that a Retry-After had named, if anything was.
    pub fn take_impatient(&mut self) -> Option<String> {
        self.impatient.take()
    }

    /// Requests that will still reach the service although nobody waits for them any more.
    pub fn late_requests(&self) -> impl Iterator<Item = (CallKind, &str)> {
        self.queue.values().filter_map(|pending| {
            let &Pending::Reach { exchange, copy } = pending else { return None };
            let exchange = self.exchanges.get(&exchange)?;
            let late = copy == Copy::Duplicate || !exchange.client.is_there();
            late.then_some((exchange.call, exchange.touched.key.as_str()))
        })
    }

    /// When the next thing happens.
    pub fn next_at(&self) -> Option<Ticks> {
        self.queue.first_key_value().map(|(&(at, _), _)| at)
    }

    /// Moves time forward, at most to the next thing that happens.
    pub fn sleep_until(&mut self, until: Ticks) {
        let until = self.next_at().map_or(until, |next| next.min(until));
        self.now = self.now.max(until);
    }

    /// A request leaves its client.
    pub fn send(&mut self, line: Line, transmit: Transmit) {
        let Transmit { id, call, .. } = transmit;
        let limits = transmit.time_limits(self.weather.idle_timeout);
        let touched = Touched::of(call, &transmit.request);
        let ranged = transmit.request.headers().contains_key(http::header::RANGE);
        if call == CallKind::GetObject && !ranged {
            self.verifying.insert((line, touched.key.clone()));
        }
        self.sent += 1;
        self.counts.requests += 1;
        self.counts.retries += u64::from(transmit.attempt > 1);
        if self.created.contains(&(line, touched.key.clone())) {
            self.created_again.insert(touched.key.clone());
        }
        let target = transmit.request.uri().path_and_query().map_or("", |target| target.as_str());
        let name = (line, format!("{} {target}", transmit.request.method()));
        if transmit.attempt == 1 {
            *self.alike.entry(name).or_default() += 1;
        } else if let Some((attempt, until)) = self.asked_to_wait.remove(&name)
            && transmit.attempt == attempt + 1
            && self.now < until
            // Whose it was cannot be told where two look alike.
            && self.alike.get(&name) == Some(&1)
        {
            let text = format!("{} is sent at {:?}, before {until:?}", name.1, self.now);
            self.impatient.get_or_insert(text);
        }
        self.tell("sends", line, id, call, &touched.key, self.sent);
        let fate = self.weather.fate(call, &mut self.dice);
        let (head, payload) = transmit.request.into_parts();
        let exchange = Exchange {
            line,
            id,
            call,
            attempt: transmit.attempt,
            touched,
            reply: transmit.reply,
            limits,
            sent: self.now,
            head,
            body: Payload::from_chunks(payload.chunks().iter().cloned()),
            held: payload,
            fate,
            client: Client::Waits,
            doomed: false,
            opened: None,
            pending: 0,
        };
        self.exchanges.insert(self.sent, exchange);
        self.set_out(self.sent, fate, limits.head);
    }

    /// Decides when a request reaches the service.
    fn set_out(&mut self, exchange: u64, fate: Option<FaultKind>, give_up_after: Duration) {
        let mut after = self.latency();
        match fate {
            Some(FaultKind::Refuse) => {
                let failure = Failure::new(FailureKind::Connect, "connection refused");
                return self.fail(exchange, after, failure, fate);
            }
            Some(FaultKind::ResetBefore) => {
                return self.fail(exchange, after, broken("reset"), fate);
            }
            Some(FaultKind::LateRequest) => {
                // Counted when it comes late.
                if self.dice.happens(500) {
                    self.fail(exchange, after, broken("reset"), None);
                } else {
                    self.give_up(exchange, give_up_after, None);
                    after = give_up_after;
                }
                after += self.lateness();
            }
            Some(FaultKind::Delay) => after += self.stall(),
            _ => {}
        }
        if after > give_up_after && fate != Some(FaultKind::LateRequest) {
            self.give_up(exchange, give_up_after, None);
        }
        self.enqueue(after, Pending::Reach { exchange, copy: Copy::Original });
        if fate == Some(FaultKind::DuplicateRequest) {
            after += self.lateness();
            self.enqueue(after, Pending::Reach { exchange, copy: Copy::Duplicate });
        }
    }

    /// The client has dropped this line: nothing arrives there any more. What it waited for may
    /// still reach the service, or not.
    pub fn hang_up(&mut self, line: Line) {
        let mut recalled = BTreeSet::new();
        let of_line = self.exchanges.iter_mut().filter(|(_, exchange)| exchange.line == line);
        for (&number, exchange) in of_line {
            if exchange.client.is_there() && !exchange.doomed && self.dice.happens(500) {
                recalled.insert(number);
            }
            exchange.client = Client::HungUp;
            exchange.held = Payload::EMPTY;
        }
        let exchanges = &mut self.exchanges;
        self.queue.retain(|_, pending| {
            let number = pending.exchange();
            let Some(exchange) = exchanges.get_mut(&number) else { return false };
            let drop = match pending {
                Pending::Reach { .. } => recalled.contains(&number),
                Pending::Arrive { .. } => exchange.client == Client::HungUp,
            };
            exchange.pending -= u32::from(drop);
            !drop
        });
        exchanges.retain(|_, exchange| exchange.pending > 0);
        self.verifying.retain(|(of, _)| *of != line);
        self.reached.remove(&line);
        self.tell("hangs up", line, RequestId::numbered(0), CallKind::HeadBucket, "", 0);
    }

    /// Goes to the next thing that happens and does it; `None` if no client sees that.
    pub fn step(&mut self) -> Option<Arrived> {
        let ((at, _), pending) = self.queue.pop_first()?;
        self.now = self.now.max(at);
        let number = pending.exchange();
        let arrived = match pending {
            Pending::Reach { copy, .. } => {
                self.reach(number, copy);
                None
            }
            Pending::Arrive { arrival, fault, .. } => self.arrive(number, arrival, fault),
        };
        if let Some(exchange) = self.exchanges.get_mut(&number) {
            exchange.pending -= 1;
            if exchange.pending == 0 {
                self.exchanges.remove(&number);
            }
        }
        arrived
    }

    /// Faults stop: from now on everything is delivered once, soon and unharmed.
    pub fn calm_down(&mut self) {
        self.weather.clear();
        self.emulator.set_list_lag(self.weather.list_lag);
        self.emulator.set_uploads_lag(self.weather.uploads_lag);
        self.tokens.last();
        let to_reach: BTreeSet<u64> = self
            .queue
            .values()
            .filter(|pending| matches!(pending, Pending::Reach { copy: Copy::Original, .. }))
            .map(Pending::exchange)
            .collect();
        for (number, exchange) in &mut self.exchanges {
            exchange.fate = None;
            exchange.doomed &= !to_reach.contains(number);
            exchange.pending = 0;
        }
        let soon = self.latency();
        for ((at, _), pending) in std::mem::take(&mut self.queue) {
            let number = pending.exchange();
            let awaited = self.exchanges.get(&number).is_some_and(|e| e.client.is_there());
            let after = at.saturating_since(self.now).min(soon);
            match pending {
                // Once is enough, and who would give up gets an answer instead.
                Pending::Reach { copy: Copy::Duplicate, .. } => {}
                Pending::Arrive { .. } if awaited && to_reach.contains(&number) => {}
                pending => self.enqueue(after, pending),
            }
        }
        self.exchanges.retain(|_, exchange| exchange.pending > 0);
    }

    fn arrive(
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
            if let Some(pause) = delivery::retry_after(&arrival) {
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
            Some(fault) => self.counts.happened(fault),
            None if late && begins => self.counts.happened(FaultKind::LateReply),
            None => {}
        }
        let (what, mark) = delivery::mark(&arrival);
        self.tell(what, line, id, call, "", mark);
        Some(Arrived { line, id, arrival, late })
    }

    fn fail(&mut self, exchange: u64, after: Duration, failure: Failure, fault: Option<FaultKind>) {
        let arrival = Arrival::Event(Event::Failed(failure));
        self.enqueue(after, Pending::Arrive { exchange, arrival, fault });
    }

    /// The client gives up so long from now.
    fn give_up(&mut self, number: u64, after: Duration, fault: Option<FaultKind>) {
        if let Some(exchange) = self.exchanges.get_mut(&number) {
            exchange.doomed = true;
        }
        let failure = Failure::new(FailureKind::Timeout, "no answer in time");
        self.fail(number, after, failure, fault);
    }

    fn enqueue(&mut self, after: Duration, pending: Pending) {
        if let Some(exchange) = self.exchanges.get_mut(&pending.exchange()) {
            exchange.pending += 1;
        }
        self.decided += 1;
        self.queue.insert((self.now + after, self.decided), pending);
    }

    fn latency(&mut self) -> Duration {
        let (least, most) = self.weather.latency_ms;
        Duration::from_millis(self.dice.between(least, most))
    }

    fn stall(&mut self) -> Duration {
        let (least, most) = self.weather.stall_ms;
        Duration::from_millis(self.dice.between(least, most))
    }

    /// Half of what is late is so by a hair: then it meets the next attempt.
    fn lateness(&mut self) -> Duration {
        if self.dice.happens(500) {
            return self.latency() + self.latency();
        }
        let (least, most) = self.weather.late_ms;
        Duration::from_millis(self.dice.between(least, most))
    }

    /// Writes into the transcript.
    fn tell(
        &mut self,
        what: &str,
        line: Line,
        id: RequestId,
        call: CallKind,
        key: &str,
        mark: u64,
    ) {
        let millis = self.now.since_epoch().as_millis() as u64;
        for word in [millis, u64::from(line.0), id.number(), call as u64, mark] {
            self.transcript.word(word);
        }
        self.transcript.bytes(what.as_bytes());
        self.transcript.bytes(key.as_bytes());
        self.transcript.say(|| {
            let (line, id, call) = (line.0, id.number(), call.name());
            format!("{millis:>9} ms  line {line:>3} request {id:>3} {call} {key:?} {what} {mark:x}")
        });
    }
}

impl Exchange {
    /// The client sees this.
    fn hears(&mut self, arrival: &Arrival) {
        match arrival {
            Arrival::Event(Event::Head(_)) => self.client = Client::Reads,
            Arrival::Event(Event::Reply(_) | Event::End | Event::Failed(_)) => {
                self.client = Client::Over;
            }
            Arrival::Data(_) => {}
        }
        // Its answer has begun, so it is sent.
        self.held = Payload::EMPTY;
    }
}
