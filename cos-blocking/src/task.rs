//! The canonical loop: one operation's machine, and its exchanges on this thread and on others.

use std::{
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        mpsc::{self, Receiver, Sender},
    },
    thread,
    time::{Duration, Instant},
};

use cos_proto::{
    Event, Failure, FailureKind, Machine, Now, Operation, Output, RequestId, Ticks, Transmit,
};

use crate::{
    exchange::{Answer, Body},
    permits::{Owner, Permit},
    shared::Shared,
};

/// A machine and what it has in flight. Dropping it ends nothing that is being exchanged, but
/// nothing that waits for a permit is sent any more.
pub(crate) struct Task<O: Operation> {
    shared: Arc<Shared>,
    machine: Machine<O>,
    owner: Owner,
    /// Requests that were handed to other threads and not answered yet.
    elsewhere: usize,
    /// How their answers come; made for the first one.
    answers: Option<(Sender<Message>, Receiver<Message>)>,
    /// The body of a streamed reply, once its head is here.
    body: Option<(RequestId, Box<Body>)>,
}

struct Message {
    id: RequestId,
    queued: Duration,
    /// When it was over: a writer may rest before it looks.
    at: Now,
    answer: Answer,
}

/// Why a task stopped.
#[derive(Debug)]
pub(crate) enum Stopped<T> {
    /// The operation is over.
    Done(T),
    /// What was waited for has come about.
    Reached,
    /// Only the application, or a streamed body, can make progress.
    Idle,
}

/// What to do about a request that nobody else needs done.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Patience {
    /// Wait for events.
    Wait,
    /// Return as soon as everything is started.
    Return,
}

impl<O: Operation> Task<O> {
    pub(crate) fn new(shared: Arc<Shared>, operation: O, policy: cos_proto::Policy) -> Self {
        let machine = Machine::new(operation, shared.session.clone(), policy, shared.seed());
        Self { shared, machine, owner: Owner::default(), elsewhere: 0, answers: None, body: None }
    }

    pub(crate) fn operation(&self) -> &O {
        self.machine.operation()
    }

    /// The application's side of the operation; [`pump`](Self::pump) or
    /// [`run_until`](Self::run_until) afterwards.
    pub(crate) fn operation_mut(&mut self) -> &mut O {
        self.machine.operation_mut()
    }

    /// Runs until `reached` holds. A request that nothing else is in flight beside is exchanged on
    /// this thread.
    pub(crate) fn run_until(&mut self, reached: impl FnMut(&O) -> bool) -> Stopped<O::Output> {
        self.drive(Patience::Wait, reached)
    }

    /// Takes in what has arrived and starts what can be started, without waiting.
    pub(crate) fn pump(&mut self) -> Stopped<O::Output> {
        self.drive(Patience::Return, |_| false)
    }

    /// Reads the streamed body into `buffer` and says how many bytes of it are the caller's: none if
    /// the machine has something to do first. `None` if there is no body.
    pub(crate) fn read_body(&mut self, buffer: &mut [u8]) -> Option<usize> {
        let (id, body) = self.body.as_mut()?;
        let event = match body.read(buffer) {
            Ok(0) => Event::End,
            Ok(length) => {
                let data = buffer.get(..length).unwrap_or_default();
                let taken = self.machine.handle_data(*id, data);
                if taken.start > 0 {
                    buffer.copy_within(taken.clone(), 0);
                }
                return Some(taken.len());
            }
            Err(failure) => Event::Failed(failure),
        };
        let id = *id;
        // Ends the attempt before the machine begins another.
        self.body = None;
        self.machine.handle(self.shared.now(), id, event);
        Some(0)
    }

    fn drive(
        &mut self,
        patience: Patience,
        mut reached: impl FnMut(&O) -> bool,
    ) -> Stopped<O::Output> {
        loop {
            // The last request is kept back: it may be this thread's.
            let mut kept: Option<Box<Transmit>> = None;
            let wake = loop {
                let flights = self.shared.credentials.flights();
                match self.machine.poll_output(self.shared.now()) {
                    Output::Send(transmit) => self.start(kept.replace(transmit)),
                    Output::NeedCredentials => {
                        self.start(kept.take());
                        let fresh = self.shared.credentials.fetch(flights);
                        self.machine.handle_credentials(self.shared.now(), fresh);
                    }
                    Output::Wait(at) => break at,
                    Output::Idle => return Stopped::Idle,
                    Output::Done(output) => {
                        self.body = None;
                        self.abandon();
                        return Stopped::Done(output);
                    }
                }
            };
            if reached(self.machine.operation()) {
                self.start(kept);
                return Stopped::Reached;
            }
            let alone = self.elsewhere == 0 && wake.is_none();
            match (kept, patience) {
                (Some(transmit), Patience::Wait) if alone => self.exchange_here(*transmit),
                (None, Patience::Wait) if alone => return Stopped::Idle,
                (kept, patience) => {
                    self.start(kept);
                    match self.receive(patience, wake) {
                        Some(message) => self.take_in(message),
                        None if patience == Patience::Return => return Stopped::Reached,
                        None => {}
                    }
                }
            }
        }
    }

    /// Nothing that waits for a permit is sent any more.
    fn abandon(&self) {
        self.owner.abandon();
        if self.elsewhere > 0 {
            self.shared.gate.forget_abandoned();
        }
    }

    fn receive(&self, patience: Patience, wake: Option<Ticks>) -> Option<Message> {
        match (&self.answers, patience, wake) {
            (Some((_, answers)), Patience::Return, _) => answers.try_recv().ok(),
            (Some((_, answers)), Patience::Wait, None) => answers.recv().ok(),
            (Some((_, answers)), Patience::Wait, Some(at)) => {
                answers.recv_timeout(self.shared.until(at)).ok()
            }
            (None, Patience::Wait, Some(at)) => {
                thread::sleep(self.shared.until(at));
                None
            }
            (None, _, _) => None,
        }
    }

    /// Exchanges on another thread, once there is a permit.
    fn start(&mut self, transmit: Option<Box<Transmit>>) {
        let Some(transmit) = transmit else { return };
        self.elsewhere += 1;
        let (sender, _) = self.answers.get_or_insert_with(mpsc::channel);
        let (shared, sender) = (Arc::clone(&self.shared), sender.clone());
        let (id, lane, asked) = (transmit.id, transmit.lane, Instant::now());
        self.shared.gate.ask(lane, &self.owner, move |permit| {
            let queued = asked.elapsed();
            let workers = Arc::clone(&shared.workers);
            workers.run(move |started| {
                let answer = match started {
                    Ok(()) => exchange_caught(&shared, *transmit, permit),
                    Err(error) => {
                        drop(permit);
                        let failure =
                            Failure::new(FailureKind::Connect, "no thread could be started");
                        Answer::Event(Event::Failed(failure.with_source(error)))
                    }
                };
                let at = shared.now();
                drop(shared);
                // Nobody listens any more if the operation was dropped.
                let _ = sender.send(Message { id, queued, at, answer });
            });
        });
    }

    fn exchange_here(&mut self, transmit: Transmit) {
        let (id, asked) = (transmit.id, Instant::now());
        let Some(permit) = self.shared.gate.enter(transmit.lane, &self.owner) else { return };
        let queued = asked.elapsed();
        let answer = self.shared.exchanger.exchange(transmit, permit);
        self.deliver(Message { id, queued, at: self.shared.now(), answer });
    }

    fn take_in(&mut self, message: Message) {
        self.elsewhere -= 1;
        self.deliver(message);
    }

    fn deliver(&mut self, message: Message) {
        let Message { id, queued, at, answer } = message;
        let event = match answer {
            Answer::Event(event) => event,
            Answer::Stream(head, body) => {
                self.body = Some((id, body));
                Event::Head(head)
            }
        };
        self.machine.handle_queued(id, queued);
        self.machine.handle(at, id, event);
    }
}

/// An exchange whose operation waits on another thread: an observer that panics must not leave it
/// waiting for ever.
fn exchange_caught(shared: &Shared, transmit: Transmit, permit: Permit) -> Answer {
    let exchange = AssertUnwindSafe(|| shared.exchanger.exchange(transmit, permit));
    catch_unwind(exchange).unwrap_or_else(|_| {
        let failure = Failure::new(FailureKind::Broken, "the exchange panicked");
        Answer::Event(Event::Failed(failure))
    })
}

impl<O: Operation> Drop for Task<O> {
    fn drop(&mut self) {
        self.abandon();
    }
}

impl<O: Operation> fmt::Debug for Task<O> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Task")
            .field("machine", &self.machine)
            .field("elsewhere", &self.elsewhere)
            .finish_non_exhaustive()
    }
}
