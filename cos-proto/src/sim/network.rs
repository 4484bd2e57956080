//! A faulty network in front of the emulator, as a machine without I/O, in virtual time.
//!
//! Clients hand in each [`Transmit`](crate::Transmit) by [`Network::send`]; [`Network::step`] goes
//! to the next thing that happens, and if a client sees it, says so. What goes wrong with a request
//! is decided when it is sent, by one throw of the dice: one kind of fault at most, besides delays.
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

mod answering;
mod counts;
mod damage;
mod delivery;
mod exchange;
mod fault;
mod overtaking;
mod sending;
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

pub use self::{
    counts::Counts,
    damage::Damaged,
    exchange::{Arrival, Arrived, Line},
    fault::FaultKind,
    weather::Weather,
};
use self::{
    damage::Damage,
    exchange::{Copy, Exchange, Pending},
    overtaking::Overtaking,
    tokens::Tokens,
    transcript::Transcript,
};
use super::Dice;
use crate::{CallKind, Credentials, RequestId, Ticks, emulator::Emulator};

/// When virtual time starts: 2026-11-22T00:00:00Z.
const START_UNIX: i64 = 1_795_305_600;

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
    /// Downloads that began with the first byte, and so verify all.
    verifying: BTreeSet<(Line, String)>,
    /// By line: how many of its answers had bytes which are not the object's.
    tampered: BTreeMap<Line, usize>,
    /// By line: which of two faults it has met that together hide a damaged copy.
    one_of_two: BTreeMap<Line, FaultKind>,
    objects_changed: Ticks,
    uploads_changed: Ticks,
    strays: BTreeSet<(String, String)>,
    kept_from_abort: BTreeSet<(String, String)>,
    /// The uploads that a line has opened.
    opened: BTreeMap<Line, Vec<(String, String)>>,
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
            tampered: BTreeMap::new(),
            one_of_two: BTreeMap::new(),
            objects_changed: Ticks::ZERO,
            uploads_changed: Ticks::ZERO,
            strays: BTreeSet::new(),
            kept_from_abort: BTreeSet::new(),
            opened: BTreeMap::new(),
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
        self.tampered.contains_key(&line)
    }

    /// Uploads, by key and id, that were opened while nobody was told, whether or not they still
    /// are open.
    pub fn strays(&self) -> &BTreeSet<(String, String)> {
        &self.strays
    }

    /// The client of this line has got no credentials: it may not be able to abort what it opened.
    pub fn lacks_credentials(&mut self, line: Line) {
        self.kept_from_abort.extend(self.opened.get(&line).into_iter().flatten().cloned());
    }

    /// An upload could not be aborted for another reason than a fault.
    pub fn keep_from_abort(&mut self, key: &str, upload: &str) {
        self.kept_from_abort.insert((key.to_owned(), upload.to_owned()));
    }

    /// Uploads, by key and id, whose client was kept from aborting them.
    pub fn kept_from_abort(&self) -> &BTreeSet<(String, String)> {
        &self.kept_from_abort
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
