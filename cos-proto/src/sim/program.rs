//! What a client does: a random program of operations, each told to the model before and after.

mod keys;
mod reads;
mod writes;

use std::{cell::RefCell, rc::Rc, time::Duration};

use bytes::Bytes;

use super::{
    client::Client,
    dice::Dice,
    model::{Call, CallId, Model, Outcome, ProcessId, WriterId},
    paths::Paths,
    report::Counts,
    service::Service,
};
use crate::{Error, Ticks};

/// Where uploads are opened that must not be opened twice.
pub(super) const ONCE: &str = "once/";

/// What a program has to work with.
pub(super) struct Program {
    pub(super) client: Client,
    pub(super) process: ProcessId,
    pub(super) shared: Rc<Shared>,
    pub(super) paths: Paths,
    pub(super) dice: Dice,
    /// What it wrote lately: what is there is more worth looking at than what is not.
    pub(super) known: Vec<String>,
    /// How long the last object was that it wrote at a path: equal sizes prove nothing.
    pub(super) sizes: std::collections::BTreeMap<String, u64>,
    /// How many in a thousand operations are reads, besides those that are anyway.
    pub(super) reading: u64,
    /// How many operations are left, also for whoever goes on after a crash.
    pub(super) left: Rc<std::cell::Cell<u32>>,
}

/// What all programs of a world share.
pub(super) struct Shared {
    pub(super) service: Rc<Service>,
    pub(super) model: RefCell<Model>,
    pub(super) counts: RefCell<Counts>,
    /// Numbers contents, so that no two are equal.
    contents: std::cell::Cell<u64>,
    writers: std::cell::Cell<u64>,
    /// Sweeps that have begun.
    pub(super) sweeps: std::cell::Cell<u64>,
    /// Whether any writer was dropped without an end: its claim may come late.
    pub(super) forgotten: std::cell::Cell<bool>,
}

impl Shared {
    pub(super) fn new(service: Rc<Service>, model: Model) -> Rc<Self> {
        Rc::new(Self {
            service,
            model: RefCell::new(model),
            counts: RefCell::default(),
            contents: std::cell::Cell::new(0),
            writers: std::cell::Cell::new(0),
            sweeps: std::cell::Cell::new(0),
            forgotten: std::cell::Cell::new(false),
        })
    }

    pub(super) fn millis(&self) -> u64 {
        millis(self.service.ticks())
    }

    /// Content that nobody has written before, unless it is too short to tell.
    pub(super) fn content(&self, length: u64) -> Bytes {
        self.contents.set(self.contents.get() + 1);
        let number = self.contents.get().wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let bytes = number.to_be_bytes();
        (0..length).map(|at| bytes[at as usize % 8].wrapping_add((at / 8) as u8)).collect()
    }

    /// Whether nothing has gone wrong in this world.
    fn is_flawless(&self) -> bool {
        let fair = self.service.network(|network| network.weather().is_fair());
        let lost = self.forgotten.get() || self.counts.borrow().crashes > 0;
        fair && !self.service.is_calm() && !lost
    }

    /// A key that nothing else is about.
    fn unique_key(&self) -> String {
        self.contents.set(self.contents.get() + 1);
        format!("{ONCE}{}", self.contents.get())
    }

    fn writer(&self) -> WriterId {
        self.writers.set(self.writers.get() + 1);
        WriterId(self.writers.get())
    }

    /// Tells the model and the counts what came of a call.
    fn ended(&self, id: CallId, name: &'static str, outcome: Outcome) {
        let mut counts = self.counts.borrow_mut();
        counts.outcome(name, outcome.name());
        let tell = || format!("{:?} {name}: {}", id, outcome.told());
        self.service.network(|network| network.note(outcome.name().as_bytes(), tell));
        if let Err(violation) = self.model.borrow_mut().end(self.millis(), id, outcome) {
            self.service.violation(violation.to_string());
        }
    }
}

pub(super) fn millis(ticks: Ticks) -> u64 {
    ticks.since_epoch().as_millis() as u64
}

impl Program {
    /// Plays until no operations are left.
    pub(super) async fn play(mut self) {
        while self.left.get() > 0 {
            if self.dice.happens(300) {
                self.rest().await;
            }
            self.left.set(self.left.get() - 1);
            self.one_operation().await;
        }
    }

    /// Reads, writes and walks once more.
    pub(super) async fn look_around(&mut self) {
        let path = self.file_to_write();
        self.read_file(&path).await;
        self.put_file(&path).await;
        self.read_file(&path).await;
        self.walk().await;
        self.list().await;
    }

    async fn one_operation(&mut self) {
        if self.dice.happens(self.reading) && !self.known.is_empty() {
            return self.read().await;
        }
        match self.dice.below(100) {
            0..9 => self.put().await,
            9..17 => self.get().await,
            17..27 => self.read().await,
            27..33 => self.stat().await,
            33..38 => self.list().await,
            38..43 => self.walk().await,
            43..77 => self.write_session().await,
            77..85 => self.rename().await,
            85..91 => self.delete().await,
            91..93 => self.sweep().await,
            _ => self.key_operation().await,
        }
    }

    /// Does nothing for a while: mostly milliseconds, seldom minutes.
    pub(super) async fn rest(&mut self) {
        let pause = match self.dice.below(20) {
            0 => self.dice.between(1, 150_000),
            1..4 => self.dice.between(1, 5_000),
            _ => self.dice.between(1, 60),
        };
        self.sleep(Duration::from_millis(pause)).await;
    }

    pub(super) async fn sleep(&self, pause: Duration) {
        let service = &self.shared.service;
        let until = service.ticks() + pause;
        service.timers().sleep_until(until, || service.ticks()).await;
    }

    /// Tells the model, does it, tells the model what came of it.
    async fn call<T>(
        &self,
        call: Call,
        done: impl Future<Output = Result<T, Error>>,
        outcome: impl FnOnce(&T) -> Outcome,
    ) -> Option<T> {
        let name = call.name();
        let id = self.begin(call);
        let result = done.await;
        let outcome = match &result {
            Ok(value) => outcome(value),
            Err(error) => Outcome::Failed(error.into()),
        };
        self.shared.ended(id, name, outcome);
        result.ok()
    }

    fn begin(&self, call: Call) -> CallId {
        let at = self.shared.millis();
        self.shared.counts.borrow_mut().operations += 1;
        let told = self.shared.service.is_told().then(|| call.told());
        let name = call.name();
        let id = self.shared.model.borrow_mut().begin(at, self.process, call);
        let tell = || format!("{id:?} begins by {:?}: {}", self.process, told.unwrap_or_default());
        self.shared.service.network(|network| network.note(name.as_bytes(), tell));
        id
    }

    /// A length that is on either side of what matters: nothing, a tail, a part, several chunks.
    fn length(&mut self) -> u64 {
        let chunk = self.client.0.driver().settings().chunk_size;
        match self.dice.below(12) {
            0 => 0,
            // Equal sizes prove nothing, so there must be some.
            1..4 => *self.dice.pick(&[16, chunk, chunk + 16, 3 * chunk]),
            4..6 => self.dice.between(8, chunk / 4),
            6..9 => self.dice.between(chunk / 4, chunk),
            9..11 => self.dice.between(chunk, 3 * chunk),
            _ => self.dice.between(3 * chunk, 6 * chunk),
        }
    }

    /// A file to look at: mostly one that this program has written.
    fn known_file(&mut self) -> String {
        if self.known.is_empty() || self.dice.happens(300) {
            return self.paths.file(&mut self.dice);
        }
        self.dice.pick(&self.known).clone()
    }

    /// A file to write.
    fn file_to_write(&mut self) -> String {
        let path = if self.dice.happens(300) {
            self.known_file()
        } else {
            self.paths.file(&mut self.dice)
        };
        if !self.known.contains(&path) {
            self.known.push(path.clone());
        }
        path
    }
}
