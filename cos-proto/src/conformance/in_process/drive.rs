//! Drives a machine against the world: the third adapter, and the smallest.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use super::world::{Arrived, Body, World};
use crate::{
    CredentialsFailed, Error, ErrorKind, Event, Machine, Operation, Output, Policy, RequestId,
    Session, Transmit,
    conformance::{Provider, Random},
};

/// What all drives of one driver share.
pub(super) struct Shared {
    pub(super) world: Arc<Mutex<World>>,
    pub(super) session: Session,
    pub(super) provider: Mutex<Option<Provider>>,
    pub(super) random: Mutex<Random>,
}

impl Shared {
    pub(super) fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn random(&self) -> MutexGuard<'_, Random> {
        self.random.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A machine with what it has under way. Requests are answered in a random order.
pub(super) struct Drive<'a, O: Operation> {
    shared: &'a Shared,
    machine: Machine<O>,
    /// Sent, not yet answered. What is dropped here never reaches the service.
    under_way: Vec<Transmit>,
    body: Option<(RequestId, Body)>,
}

/// How far a machine has come.
pub(super) enum Step<T> {
    /// It was fed an event.
    Fed,
    /// A body is to be read.
    Body,
    /// Only the application can make progress.
    Idle,
    Done(T),
}

impl<'a, O: Operation> Drive<'a, O> {
    pub(super) fn new(shared: &'a Shared, operation: O, policy: Policy) -> Self {
        let seed = shared.random().next_u64();
        let machine = Machine::new(operation, shared.session.clone(), policy, seed);
        Self { shared, machine, under_way: Vec::new(), body: None }
    }

    pub(super) fn operation(&self) -> &O {
        self.machine.operation()
    }

    pub(super) fn operation_mut(&mut self) -> &mut O {
        self.machine.operation_mut()
    }

    /// Sends what the machine wants sent, then feeds it at most one event.
    pub(super) fn step(&mut self) -> Step<O::Output> {
        let wake = loop {
            let now = self.shared.world().now();
            match self.machine.poll_output(now) {
                Output::Send(transmit) => {
                    // A stream that is asked for anew is over.
                    self.body = None;
                    self.under_way.push(*transmit);
                }
                Output::NeedCredentials => {
                    let fresh = self.refreshed();
                    self.machine.handle_credentials(now, fresh);
                }
                Output::Wait(wake) => break wake,
                Output::Idle => return Step::Idle,
                Output::Done(output) => return Step::Done(output),
            }
        };
        if !self.under_way.is_empty() {
            self.answer_one();
        } else if let Some(wake) = wake {
            self.shared.world().sleep_until(wake);
        } else if self.body.is_some() {
            return Step::Body;
        } else {
            panic!("{:?} waits for nothing", self.machine);
        }
        Step::Fed
    }

    fn refreshed(&self) -> Result<crate::Credentials, CredentialsFailed> {
        let mut provider = self.shared.provider.lock().unwrap_or_else(PoisonError::into_inner);
        match provider.as_mut() {
            Some(provider) => provider(),
            None => Err(CredentialsFailed::new("the parameters' credentials are not accepted")),
        }
    }

    pub(super) fn random_below(&self, bound: u64) -> u64 {
        self.shared.random().below(bound)
    }

    fn answer_one(&mut self) {
        let chosen = self.random_below(self.under_way.len() as u64);
        let transmit = self.under_way.swap_remove(chosen as usize);
        let id = transmit.id;
        let mut world = self.shared.world();
        match world.exchange(transmit) {
            Arrived::Event(event) => self.machine.handle(world.now(), id, event),
            Arrived::Stream(head, body) => {
                self.body = Some((id, body));
                self.machine.handle(world.now(), id, Event::Head(head));
            }
        }
    }

    /// The next data of a streamed answer that is the caller's; or the output.
    pub(super) fn data(&mut self) -> Result<Bytes, O::Output> {
        loop {
            match self.step() {
                Step::Done(output) => return Err(output),
                Step::Fed => continue,
                Step::Idle | Step::Body => {}
            }
            let Some((id, body)) = &mut self.body else { panic!("a stream without a body") };
            let id = *id;
            let mut world = self.shared.world();
            match body.next(&mut world) {
                Ok(data) => {
                    let taken = self.machine.handle_data(id, &data);
                    if !taken.is_empty() {
                        return Ok(data.slice(taken));
                    }
                }
                Err(event) => {
                    self.body = None;
                    self.machine.handle(world.now(), id, event);
                }
            }
        }
    }
}

impl<T, O: Operation<Output = Result<T, Error>>> Drive<'_, O> {
    /// Drives an operation that needs nothing from the application to its end.
    pub(super) fn finish(&mut self) -> Result<T, Error> {
        loop {
            match self.step() {
                Step::Fed => {}
                // A collected body arrives whole, so this is a streamed one that nobody reads.
                Step::Body | Step::Idle => {
                    let text = "the operation waits for its application";
                    return Err(Error::new(ErrorKind::Misuse, text));
                }
                Step::Done(output) => return output,
            }
        }
    }
}
