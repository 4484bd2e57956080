//! Drives a machine: the only place that turns its outputs into work and the work's ends into events.

use std::{
    future::poll_fn,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use cos_proto::{
    Credentials, CredentialsFailed, Error, ErrorKind, Event, Failure, Machine, Now, Operation,
    Output, Policy, RequestId, Ticks, Transmit,
};
use tokio::{
    task::{self, JoinSet},
    time::{Sleep, sleep_until},
};
use tracing::Instrument;

use crate::{
    exchange::{Exchanged, Outcome, StreamedBody, exchange, exchange_with},
    in_place::{InPlace, Work, task_ended},
    shared::Shared,
    spare::Spare,
};

type Refreshing = Pin<Box<dyn Future<Output = Result<Credentials, CredentialsFailed>> + Send>>;

/// A machine with what it has under way. Dropping it ends that and blocks nothing.
///
/// Everything is kept here between polls, so a future that polls it may be dropped at any time and
/// another go on.
pub(crate) struct Drive<O: Operation> {
    shared: Arc<Shared>,
    machine: Machine<O>,
    rest: Rest,
    polled: Polled,
    /// One exchange of an operation that is polled to its end.
    in_place: Option<(RequestId, InPlace)>,
    /// The others; made for the first of them.
    exchanges: Option<JoinSet<Exchanged>>,
    /// Which task runs which exchange, for one that ends without a word.
    running: Vec<(task::Id, RequestId)>,
    refreshing: Option<Refreshing>,
    alarm: Option<(Ticks, Pin<Box<Sleep>>)>,
    /// The body of the stream whose head the machine has been given.
    body: Option<(RequestId, Box<StreamedBody>)>,
    /// Where collected bodies are put, if there is such memory.
    spare: Option<Arc<Spare>>,
}

/// Whether the machine is to be polled.
#[derive(Clone, Copy)]
enum Rest {
    /// Something may have happened since.
    Over,
    /// It waits, until then at most; nothing has happened that it does not know.
    Until(Option<Ticks>),
}

/// How the application polls an operation.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Polled {
    /// To its end: an exchange may go on in its place.
    ToItsEnd,
    /// When it likes: its exchanges go on meanwhile.
    NowAndThen,
}

/// How far a machine has come.
pub(crate) enum Step<T> {
    /// It was fed an event.
    Fed,
    /// Only the application can make progress.
    Idle,
    Done(T),
}

impl<O: Operation> Drive<O> {
    pub(crate) fn new(shared: Arc<Shared>, operation: O, policy: Policy, polled: Polled) -> Self {
        let machine = Machine::new(operation, shared.session.clone(), policy, shared.seeds.next());
        Self {
            shared,
            machine,
            rest: Rest::Over,
            polled,
            in_place: None,
            exchanges: None,
            running: Vec::new(),
            refreshing: None,
            alarm: None,
            body: None,
            spare: None,
        }
    }

    /// Bodies are collected in memory that was used before, which the application gives back here.
    pub(crate) fn spare(&mut self) -> &Spare {
        self.spare.get_or_insert_default()
    }

    pub(crate) fn operation(&self) -> &O {
        self.machine.operation()
    }

    /// The application's side of the operation. Poll afterwards.
    pub(crate) fn operation_mut(&mut self) -> &mut O {
        self.rest = Rest::Over;
        self.machine.operation_mut()
    }

    /// Drives an operation that needs nothing from the application to its end.
    pub(crate) async fn finish<T>(&mut self) -> Result<T, Error>
    where
        O: Operation<Output = Result<T, Error>>,
    {
        poll_fn(|cx| {
            loop {
                match ready!(self.poll_step(cx)) {
                    Step::Fed => {}
                    Step::Done(output) => return Poll::Ready(output),
                    Step::Idle => {
                        let text = "the operation waits for its application";
                        return Poll::Ready(Err(Error::new(ErrorKind::Misuse, text)));
                    }
                }
            }
        })
        .await
    }

    /// Sends what the machine wants sent, then feeds it at most one event.
    pub(crate) fn poll_step(&mut self, cx: &mut Context<'_>) -> Poll<Step<O::Output>> {
        let wake = match self.rest {
            Rest::Until(wake) => wake,
            Rest::Over => match self.drain() {
                Ok(wake) => wake,
                Err(step) => return Poll::Ready(step),
            },
        };
        self.rest = Rest::Until(wake);
        if let Some((id, exchanged)) = self.poll_exchanges(cx) {
            self.exchanged(id, exchanged);
        } else if let Some(fresh) = self.poll_refreshing(cx) {
            self.refreshing = None;
            self.machine.handle_credentials(self.shared.now(), fresh);
        } else {
            ready!(self.poll_alarm(cx, wake));
        }
        self.rest = Rest::Over;
        Poll::Ready(Step::Fed)
    }

    /// Sends what the machine wants sent. Answers what it waits for then.
    fn drain(&mut self) -> Result<Option<Ticks>, Step<O::Output>> {
        let now = self.shared.now();
        loop {
            match self.machine.poll_output(now) {
                Output::Send(transmit) => self.send(now, transmit),
                Output::NeedCredentials => {
                    self.refreshing = Some(Box::pin(self.shared.credentials.refresh()));
                }
                Output::Wait(wake) => return Ok(wake),
                Output::Idle => return Err(Step::Idle),
                Output::Done(output) => {
                    self.body = None;
                    self.in_place = None;
                    self.exchanges = None;
                    return Err(Step::Done(output));
                }
            }
        }
    }

    /// The next data of a streamed answer, as the part of it that is the caller's; or the output.
    pub(crate) fn poll_data(&mut self, cx: &mut Context<'_>) -> Poll<Result<Bytes, O::Output>> {
        loop {
            match self.poll_step(cx) {
                Poll::Ready(Step::Done(output)) => return Poll::Ready(Err(output)),
                Poll::Ready(Step::Fed) => continue,
                Poll::Ready(Step::Idle) | Poll::Pending => {}
            }
            // While the call backs off there is nothing to read for.
            let Some((id, body)) = self.body.as_mut().filter(|_| self.alarm.is_none()) else {
                return Poll::Pending;
            };
            let id = *id;
            let event = match ready!(body.poll_data(cx)) {
                Ok(Some(data)) => {
                    self.rest = Rest::Over;
                    let taken = self.machine.handle_data(id, &data);
                    if taken.is_empty() {
                        continue;
                    }
                    return Poll::Ready(Ok(data.slice(taken)));
                }
                Ok(None) => Event::End,
                Err(failure) => Event::Failed(failure),
            };
            self.body = None;
            self.rest = Rest::Over;
            self.machine.handle(self.shared.now(), id, event);
        }
    }

    fn send(&mut self, now: Now, transmit: Box<Transmit>) {
        // A stream that is asked for anew is over.
        self.body = None;
        let id = transmit.id;
        // Its parent is the span of whoever polls the operation.
        let span = tracing::debug_span!(
            "cos_attempt",
            call = transmit.call.name(),
            attempt = transmit.attempt
        );
        let (shared, spare) = (&self.shared, self.spare.clone());
        if self.polled == Polled::ToItsEnd
            && self.in_place.is_none()
            && let Some(permit) = shared.permits.try_acquire(transmit.lane)
        {
            let began = shared.instant(now.ticks);
            let work: Work = Box::pin(exchange_with(permit, began, shared, transmit, spare));
            let permits = Arc::clone(&shared.permits);
            self.in_place = Some((id, InPlace::new(permits, work.instrument(span))));
        } else {
            let exchanges = self.exchanges.get_or_insert_default();
            let work = exchange(Arc::clone(shared), transmit, spare);
            let task = exchanges.spawn(work.instrument(span));
            self.running.push((task.id(), id));
        }
    }

    /// The next exchange that is over.
    fn poll_exchanges(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Option<(RequestId, Result<Exchanged, Failure>)> {
        if let Some((id, in_place)) = &self.in_place
            && let Poll::Ready(exchanged) = in_place.poll(cx)
        {
            let id = *id;
            self.in_place = None;
            return Some((id, exchanged));
        }
        let exchanges = self.exchanges.as_mut()?;
        while let Poll::Ready(Some(joined)) = exchanges.poll_join_next_with_id(cx) {
            let task = joined.as_ref().map_or_else(task::JoinError::id, |(task, _)| *task);
            if let Some(at) = self.running.iter().position(|(running, _)| *running == task) {
                let (_, id) = self.running.swap_remove(at);
                return Some((id, joined.map(|(_, exchanged)| exchanged).map_err(task_ended)));
            }
        }
        None
    }

    fn exchanged(&mut self, id: RequestId, exchanged: Result<Exchanged, Failure>) {
        match exchanged {
            Ok(Exchanged { queued, at, outcome }) => {
                self.machine.handle_queued(id, queued);
                match outcome {
                    Outcome::Event(event) => self.machine.handle(at, id, event),
                    Outcome::Stream(head, body) => {
                        self.body = Some((id, body));
                        self.machine.handle(at, id, Event::Head(head));
                    }
                }
            }
            Err(failure) => {
                self.machine.handle(self.shared.now(), id, Event::Failed(failure));
            }
        }
    }

    fn poll_refreshing(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Option<Result<Credentials, CredentialsFailed>> {
        match self.refreshing.as_mut()?.as_mut().poll(cx) {
            Poll::Ready(fresh) => Some(fresh),
            Poll::Pending => None,
        }
    }

    fn poll_alarm(&mut self, cx: &mut Context<'_>, wake: Option<Ticks>) -> Poll<()> {
        let Some(wake) = wake else {
            self.alarm = None;
            return Poll::Pending;
        };
        let alarm = match &mut self.alarm {
            Some((at, alarm)) if *at == wake => alarm,
            other => {
                let alarm = Box::pin(sleep_until(self.shared.instant(wake)));
                &mut other.insert((wake, alarm)).1
            }
        };
        ready!(alarm.as_mut().poll(cx));
        self.alarm = None;
        Poll::Ready(())
    }
}
