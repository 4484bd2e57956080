//! Drives a machine through the faulty network: an adapter like the others, in virtual time.

use std::{
    future::poll_fn,
    rc::Rc,
    task::{Poll, ready},
};

use bytes::Bytes;

use super::{
    network::{Arrival, Line},
    process::Process,
};
use crate::{Machine, Operation, Output, Policy};

/// A machine with what it has under way. Dropping it hangs up.
pub(super) struct Drive<O: Operation> {
    process: Rc<Process>,
    line: Line,
    machine: Machine<O>,
    /// How many calls it may have under way.
    bound: usize,
    requests: u64,
}

/// How far a machine has come.
pub(super) enum Step<T> {
    /// It was fed an event.
    Fed,
    /// The next bytes of a streamed answer.
    Data(Bytes),
    /// Only the application can make progress.
    Idle,
    Done(T),
}

impl<O: Operation> Drive<O> {
    pub(super) fn new(process: Rc<Process>, operation: O, policy: Policy) -> Self {
        let line = process.line();
        let bound = policy.in_flight_max.get();
        let machine =
            Machine::new(operation, process.driver().session().clone(), policy, process.seed());
        Self { process, line, machine, bound, requests: 0 }
    }

    /// How many requests it has sent.
    pub(super) fn requests(&self) -> u64 {
        self.requests
    }

    pub(super) fn process(&self) -> &Process {
        &self.process
    }

    pub(super) fn operation(&self) -> &O {
        self.machine.operation()
    }

    pub(super) fn operation_mut(&mut self) -> &mut O {
        self.machine.operation_mut()
    }

    /// Sends what the machine wants sent, then feeds it at most one event.
    pub(super) fn poll_step(&mut self) -> Poll<Step<O::Output>> {
        let wake = loop {
            let now = self.process.now();
            match self.machine.poll_output(now) {
                Output::Send(transmit) => {
                    self.requests += 1;
                    self.process.send(self.line, transmit);
                }
                Output::NeedCredentials => {
                    let fresh = self.process.fresh_credentials(self.line);
                    self.machine.handle_credentials(now, fresh);
                }
                Output::Wait(wake) => break wake,
                Output::Idle => {
                    self.check_bound();
                    return Poll::Ready(Step::Idle);
                }
                Output::Done(output) => {
                    self.process.hang_up(self.line);
                    return Poll::Ready(Step::Done(output));
                }
            }
        };
        self.check_bound();
        let Some(arrived) = self.process.receive(self.line) else {
            if let Some(wake) = wake {
                if wake <= self.process.now().ticks {
                    return Poll::Ready(Step::Fed);
                }
                self.process.wake_at(wake);
            }
            return Poll::Pending;
        };
        match arrived.arrival {
            Arrival::Event(event) => {
                self.machine.handle_queued(arrived.id, arrived.queued);
                self.machine.handle(arrived.at, arrived.id, event);
                Poll::Ready(Step::Fed)
            }
            Arrival::Data(data) => {
                let taken = self.machine.handle_data(arrived.id, &data);
                Poll::Ready(Step::Data(data.slice(taken)))
            }
        }
    }

    /// A machine never has more calls under way than its policy allows.
    fn check_bound(&self) {
        let calls = self.machine.in_flight();
        if calls > self.bound {
            let text = format!("{calls} calls of one machine, {} are allowed", self.bound);
            self.process.violation(text);
        }
    }
}

impl<O: Operation> Drive<O> {
    /// Drives an operation that needs nothing from the application to its end.
    pub(super) async fn finish(&mut self) -> O::Output {
        poll_fn(|_| {
            loop {
                match ready!(self.poll_step()) {
                    Step::Fed | Step::Data(_) => {}
                    Step::Done(output) => return Poll::Ready(output),
                    // It waits for its application, which waits for it.
                    Step::Idle => return Poll::Pending,
                }
            }
        })
        .await
    }
}

impl<O: Operation> Drop for Drive<O> {
    fn drop(&mut self) {
        self.process.hang_up(self.line);
    }
}
