//! What all processes of a world share: the network with the service behind it, time, and the first
//! violation.

use std::{
    cell::{Cell, RefCell},
    rc::{Rc, Weak},
};

use super::{
    executor::Timers,
    network::{Arrived, Line, Network},
    process::Process,
};
use crate::{Credentials, Ticks, Transmit};

/// The network as processes see it.
pub(super) struct Service {
    network: RefCell<Network>,
    timers: Rc<Timers>,
    lines: Cell<u32>,
    processes: RefCell<Vec<Weak<Process>>>,
    violation: RefCell<Option<String>>,
    told: bool,
    calm: Cell<bool>,
}

impl Service {
    pub(super) fn new(network: Network, timers: Rc<Timers>, told: bool) -> Rc<Self> {
        Rc::new(Self {
            network: RefCell::new(network),
            timers,
            lines: Cell::new(0),
            processes: RefCell::default(),
            violation: RefCell::default(),
            told,
            calm: Cell::new(false),
        })
    }

    /// Whether the story is told.
    pub(super) fn is_told(&self) -> bool {
        self.told
    }

    /// Whether nothing goes wrong any more.
    pub(super) fn is_calm(&self) -> bool {
        self.calm.get()
    }

    pub(super) fn calm_down(&self) {
        self.calm.set(true);
    }

    pub(super) fn timers(&self) -> &Timers {
        &self.timers
    }

    pub(super) fn network<T>(&self, look: impl FnOnce(&mut Network) -> T) -> T {
        look(&mut self.network.borrow_mut())
    }

    pub(super) fn ticks(&self) -> Ticks {
        self.network.borrow().ticks()
    }

    pub(super) fn unix_ms(&self) -> i64 {
        self.network.borrow().unix_ms()
    }

    pub(super) fn credentials(&self) -> Credentials {
        self.network.borrow_mut().credentials()
    }

    pub(super) fn new_line(&self) -> Line {
        self.lines.set(self.lines.get() + 1);
        Line(self.lines.get())
    }

    pub(super) fn send(&self, line: Line, transmit: Transmit) {
        self.network.borrow_mut().send(line, transmit);
    }

    pub(super) fn hang_up(&self, line: Line) {
        self.network.borrow_mut().hang_up(line);
    }

    pub(super) fn join(&self, process: &Rc<Process>) {
        let mut processes = self.processes.borrow_mut();
        processes.retain(|process| process.strong_count() > 0);
        processes.push(Rc::downgrade(process));
    }

    /// Gives what arrived to whom it is for.
    pub(super) fn deliver(&self, arrived: Arrived) {
        let mut left = Some(arrived);
        self.each_process(|process| {
            if let Some(arrived) = left.take_if(|arrived| process.owns(arrived.line)) {
                process.arrive(arrived);
            }
        });
    }

    /// Checks what must hold at every step.
    pub(super) fn check_bounds(&self) {
        self.each_process(|process| process.check_bounds());
    }

    fn each_process(&self, visit: impl FnMut(Rc<Process>)) {
        self.processes.borrow().iter().filter_map(Weak::upgrade).for_each(visit);
    }

    /// Notes the first violation.
    pub(super) fn violation(&self, text: String) {
        self.violation.borrow_mut().get_or_insert(text);
    }

    pub(super) fn take_violation(&self) -> Option<String> {
        self.violation.borrow_mut().take()
    }

    pub(super) fn is_violated(&self) -> bool {
        self.violation.borrow().is_some()
    }
}
