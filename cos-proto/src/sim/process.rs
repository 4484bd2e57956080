//! One client process: a driver with its session, its permits and what came for it.

use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, VecDeque},
    rc::Rc,
    time::Duration,
};

use super::{
    dice::Dice,
    executor::TaskId,
    network::{Arrival, Arrived, Line},
    planted::Planted,
    service::Service,
};
use crate::{
    Credentials, CredentialsFailed, Event, Lane, Now, RequestId, Ticks, Transmit, UnixTime,
    driver::Driver,
};

/// A driver, and what an adapter keeps beside it. Dropped whole when the process is killed.
pub(super) struct Process {
    service: Rc<Service>,
    driver: Driver,
    /// How many seconds this process's clock is ahead.
    skew: i64,
    planted: Planted,
    dice: RefCell<Dice>,
    permits: RefCell<Permits>,
    lines: RefCell<BTreeMap<Line, Mailbox>>,
    writers: Cell<u64>,
}

/// What came for a machine and was not taken yet.
struct Mailbox {
    owner: TaskId,
    arrived: VecDeque<Taken>,
}

/// Something that arrived, as the machine is to be told of it.
pub(super) struct Taken {
    pub(super) id: RequestId,
    pub(super) at: Now,
    /// How long the request waited for its permit.
    pub(super) queued: Duration,
    pub(super) arrival: Arrival,
}

/// A permit covers one exchange, until its answer or the head of its stream has arrived.
struct Permits {
    limit: usize,
    held: BTreeMap<(Line, RequestId), Held>,
    queue: VecDeque<(Line, Box<Transmit>, Ticks)>,
}

/// An exchange under way.
struct Held {
    lane: Lane,
    /// How long it waited for its permit.
    waited: Duration,
}

impl Permits {
    /// The next request that may be sent. One that waits for the narrower gate of bulk requests lets
    /// others pass.
    fn next(&mut self) -> Option<(Line, Box<Transmit>, Ticks)> {
        if self.held.len() >= self.limit {
            return None;
        }
        let bulk = self.held.values().filter(|held| held.lane == Lane::Bulk).count();
        let gate_open = self.limit == 1 || bulk < self.limit - 1;
        let may = |(_, transmit, _): &(Line, Box<Transmit>, Ticks)| {
            gate_open || transmit.lane != Lane::Bulk
        };
        let at = self.queue.iter().position(may)?;
        self.queue.remove(at)
    }
}

impl Process {
    pub(super) fn new(
        service: Rc<Service>,
        driver: Driver,
        skew: i64,
        planted: Planted,
        dice: Dice,
    ) -> Rc<Self> {
        let limit = driver.settings().max_concurrency.get();
        let permits = Permits { limit, held: BTreeMap::new(), queue: VecDeque::new() };
        let process = Rc::new(Self {
            service,
            driver,
            skew,
            planted,
            dice: RefCell::new(dice),
            permits: RefCell::new(permits),
            lines: RefCell::default(),
            writers: Cell::new(0),
        });
        process.service.join(&process);
        process
    }

    pub(super) fn driver(&self) -> &Driver {
        &self.driver
    }

    pub(super) fn now(&self) -> Now {
        let unix = UnixTime::from_secs(self.service.unix_ms().div_euclid(1000) + self.skew);
        Now { ticks: self.service.ticks(), unix }
    }

    pub(super) fn violation(&self, text: String) {
        self.service.violation(text);
    }

    pub(super) fn seed(&self) -> u64 {
        self.dice.borrow_mut().split().next_u64()
    }

    pub(super) fn fresh_credentials(&self, line: Line) -> Result<Credentials, CredentialsFailed> {
        let fair = self.service.network(|network| network.weather().is_fair());
        if !fair && self.dice.borrow_mut().happens(50) {
            self.service.network(|network| network.lacks_credentials(line));
            return Err(CredentialsFailed::new("the provider is out of order"));
        }
        Ok(self.service.credentials())
    }

    pub(super) fn wake_at(&self, when: Ticks) {
        self.service.timers().at(when);
    }

    /// A line for a machine of the running task.
    pub(super) fn line(&self) -> Line {
        let line = self.service.new_line();
        let owner = self.service.timers().current();
        self.lines.borrow_mut().insert(line, Mailbox { owner, arrived: VecDeque::new() });
        line
    }

    /// Sends a request as soon as there is a permit.
    pub(super) fn send(&self, line: Line, transmit: Box<Transmit>) {
        let asked = self.service.ticks();
        self.permits.borrow_mut().queue.push_back((line, transmit, asked));
        self.send_queued();
    }

    fn send_queued(&self) {
        let mut permits = self.permits.borrow_mut();
        while let Some((line, transmit, asked)) = permits.next() {
            let waited = self.service.ticks().saturating_since(asked);
            permits.held.insert((line, transmit.id), Held { lane: transmit.lane, waited });
            self.service.send(line, *transmit);
        }
    }

    pub(super) fn owns(&self, line: Line) -> bool {
        self.lines.borrow().contains_key(&line)
    }

    /// Takes in what arrived for one of its machines.
    pub(super) fn arrive(&self, arrived: Arrived) {
        let Arrived { line, id, arrival, .. } = arrived;
        let held = self.permits.borrow().held.get(&(line, id)).map(|held| held.waited);
        let queued = held.unwrap_or(Duration::ZERO);
        if self.planted != Planted::PermitKeptUntilHandled {
            self.release(line, id, &arrival);
        }
        let at = self.now();
        let mut lines = self.lines.borrow_mut();
        if let Some(mailbox) = lines.get_mut(&line) {
            mailbox.arrived.push_back(Taken { id, at, queued, arrival });
            self.service.timers().wake(mailbox.owner);
        }
    }

    /// What arrived for a machine, the oldest first.
    pub(super) fn receive(&self, line: Line) -> Option<Taken> {
        let taken = self.lines.borrow_mut().get_mut(&line)?.arrived.pop_front()?;
        if self.planted == Planted::PermitKeptUntilHandled {
            self.release(line, taken.id, &taken.arrival);
        }
        Some(taken)
    }

    fn release(&self, line: Line, id: RequestId, arrival: &Arrival) {
        if matches!(arrival, Arrival::Event(Event::Reply(_) | Event::Head(_) | Event::Failed(_))) {
            self.permits.borrow_mut().held.remove(&(line, id));
            self.send_queued();
        }
    }

    /// The machine is gone: its requests are dropped, its permits free.
    pub(super) fn hang_up(&self, line: Line) {
        if self.lines.borrow_mut().remove(&line).is_none() {
            return;
        }
        self.service.hang_up(line);
        let mut permits = self.permits.borrow_mut();
        permits.held.retain(|(holder, _), _| *holder != line);
        permits.queue.retain(|(waiting, _, _)| *waiting != line);
        drop(permits);
        self.send_queued();
    }

    /// Counts a writer as open, for the memory bound, as long as the guard lives.
    pub(super) fn writer_opened(self: &Rc<Self>) -> OpenWriter {
        self.writers.set(self.writers.get() + 1);
        OpenWriter(Rc::clone(self))
    }

    /// Permits never exceed their limit, nor buffered bytes the bound of the design.
    pub(super) fn check_bounds(&self) {
        let settings = self.driver.settings();
        let held = self.permits.borrow().held.len();
        if held > settings.max_concurrency.get() {
            self.violation(format!("{held} requests in flight of {}", settings.max_concurrency));
        }
        let chunks = self.writers.get() + settings.max_concurrency.get() as u64;
        let (bytes, bound) = (self.driver.memory_budget().held(), chunks * settings.chunk_size);
        if bytes > bound {
            self.violation(format!("writers hold {bytes} bytes, the bound is {bound}"));
        }
    }
}

/// An open writer owns one chunk of memory.
pub(super) struct OpenWriter(Rc<Process>);

impl Drop for OpenWriter {
    fn drop(&mut self) {
        self.0.writers.set(self.0.writers.get() - 1);
    }
}
