//! Delivers an operation's calls: signs, retries, waits, bounds.
//!
//! # The contract
//! *Feed at most one event, then poll until [`Output::Wait`], [`Output::Idle`] or
//! [`Output::Done`].* Extra polls are harmless; unknown and late ids are ignored; bytes from the
//! network never panic. [`Output::Done`] ends whatever is still in flight: the adapter drops it.
//!
//! ```text
//! Ready ──Send──▶ InFlight ──Reply 2xx, accepted──────────────────▶ (slot freed)
//!   ▲                │  └──Head──▶ Streaming ──End, complete──────▶ (slot freed)
//!   │                ▼                 │
//!   └──due── BackingOff ◀──failure, retryable──┘ ──not retryable──▶ on_error, (slot freed)
//! ```

mod exchange;
mod jitter;
mod retry;
mod slot;
#[cfg(test)]
mod tests;
mod time_limits;

use std::{collections::BTreeMap, fmt, ops::Range, time::Duration};

use bytes::Bytes;
use http::{Response, StatusCode};

pub(crate) use self::retry::is_refusal;
pub use self::{
    exchange::{Event, Output, RequestId, Transmit},
    retry::Policy,
    time_limits::TimeLimits,
};
use self::{
    jitter::Jitter,
    retry::{Class, classify},
    slot::{Slot, SlotState},
};
use crate::{
    CallError, Credentials, CredentialsFailed, Failure, Next, Now, Operation, Rejected, Reply,
    ReplyMode, Session, Ticks, UnixTime,
    call::{Call, ErrorIn200},
    error::Cause,
    session::REFRESH_AGAIN_AFTER,
};

/// Delivers an operation's calls. Owns no clock, no socket, no thread.
///
/// How to drive it is said in the [crate's documentation](crate).
pub struct Machine<O: Operation> {
    operation: O,
    session: Session,
    policy: Policy,
    jitter: Jitter,
    /// Keyed by the order in which the calls began. A slot stays taken while its call backs off.
    slots: BTreeMap<u64, Slot<O::Tag>>,
    slots_begun: u64,
    requests_sent: u64,
    credentials: Asked,
    over: bool,
}

/// Whether the caller has been asked for credentials.
#[derive(Debug)]
enum Asked {
    No,
    Yes,
    /// There were none: the answer for all calls that need them until then.
    InVain(CredentialsFailed, Ticks),
}

/// What arrived since the last failure that makes it a new call for the retry policy.
const PROGRESS_BYTES: u64 = 64 * 1024;

impl<O: Operation> Machine<O> {
    /// A machine for one operation. `seed` decides its jitter and nothing else.
    pub fn new(operation: O, session: Session, policy: Policy, seed: u64) -> Self {
        #[cfg(feature = "sim")]
        let operation = {
            let mut operation = operation;
            operation.simulate(policy.simulated);
            operation
        };
        Self {
            operation,
            session,
            policy,
            jitter: Jitter::new(seed),
            slots: BTreeMap::new(),
            slots_begun: 0,
            requests_sent: 0,
            credentials: Asked::No,
            over: false,
        }
    }

    /// The operation, to read its state.
    pub fn operation(&self) -> &O {
        &self.operation
    }

    /// The operation, for the application's side of it: push, finish, take a page. Poll afterwards.
    pub fn operation_mut(&mut self) -> &mut O {
        &mut self.operation
    }

    /// How many calls are in flight or backing off.
    pub fn in_flight(&self) -> usize {
        self.slots.len()
    }

    /// The shared session.
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// What to do next.
    pub fn poll_output(&mut self, now: Now) -> Output<O::Output> {
        self.session.tell(now);
        loop {
            if let Some(output) = self.send_ready(now) {
                return output;
            }
            if self.over {
                return Output::Idle;
            }
            let full = self.calls_taken() >= self.policy.in_flight_max.get();
            if full && !self.operation.is_over() {
                return Output::Wait(self.earliest());
            }
            match self.operation.next() {
                Next::Call(tag) => self.begin(tag),
                Next::Done(output) => {
                    self.over = true;
                    self.slots.clear();
                    return Output::Done(output);
                }
                Next::Idle if self.slots.is_empty() => return Output::Idle,
                Next::Idle | Next::Pending => return Output::Wait(self.earliest()),
            }
        }
    }

    /// Tells what happened to a request, and when: `now` is the time of the event, so that a caller
    /// who rested before handing it in does not use up the call's deadline. Unknown and late ids
    /// are ignored.
    pub fn handle(&mut self, now: Now, id: RequestId, event: Event) {
        self.session.tell(now);
        let Some((number, streaming)) = self.find(id) else {
            return;
        };
        match event {
            Event::Reply(response) if !streaming => self.on_reply(now, number, *response),
            Event::Head(head) if !streaming => self.on_head(now, number, id, &head),
            Event::End if streaming => self.on_end(now, number, None),
            Event::Failed(failure) if streaming => self.on_end(now, number, Some(failure)),
            Event::Failed(failure) => self.failed(now, number, Cause::Transport(failure)),
            // An adapter's mistake; the attempt is as good as lost.
            Event::Reply(_) | Event::Head(_) | Event::End => {
                let failure = Failure::new(crate::FailureKind::Malformed, "event out of order");
                self.failed(now, number, Cause::Transport(failure));
            }
        }
    }

    /// Data of a streamed reply; the answer is the part of it that the caller gets.
    #[must_use]
    pub fn handle_data(&mut self, id: RequestId, data: &[u8]) -> Range<usize> {
        let Some((number, true)) = self.find(id) else {
            return 0..0;
        };
        let Some(slot) = self.slots.get_mut(&number) else {
            return 0..0;
        };
        let taken = self.operation.on_data(slot.tag, data);
        let bytes = u64::try_from(taken.len()).unwrap_or(u64::MAX);
        slot.progress = slot.progress.saturating_add(bytes);
        if slot.progress >= PROGRESS_BYTES {
            slot.counted = 0;
        }
        taken
    }

    /// The time that a request queued for its permit does not count against the call's deadline.
    pub fn handle_queued(&mut self, id: RequestId, queued: Duration) {
        if let Some((number, _)) = self.find(id)
            && let Some(slot) = self.slots.get_mut(&number)
        {
            slot.deadline = slot.deadline.map(|deadline| deadline + queued);
            slot.sent.ticks = slot.sent.ticks + queued;
        }
    }

    /// The answer to [`Output::NeedCredentials`].
    pub fn handle_credentials(&mut self, now: Now, fresh: Result<Credentials, CredentialsFailed>) {
        self.credentials = Asked::No;
        if let Err(failed) = self.session.refresh(now.unix, fresh) {
            self.credentials = Asked::InVain(failed.clone(), now.ticks + REFRESH_AGAIN_AFTER);
            let waiting: Vec<u64> = self
                .slots
                .iter()
                .filter(|(_, slot)| slot.state == SlotState::Ready)
                .map(|(&number, _)| number)
                .collect();
            for number in waiting {
                self.give_up(number, Cause::Credentials(failed.clone()));
            }
        }
    }

    /// Wakes slots that are due and sends the first that is ready.
    fn send_ready(&mut self, now: Now) -> Option<Output<O::Output>> {
        for slot in self.slots.values_mut() {
            if let SlotState::BackingOff(due) = slot.state
                && due <= now.ticks
            {
                // Time in which nobody polled is not the call's: a writer may rest between writes.
                let rested = now.ticks.saturating_since(due);
                slot.deadline = slot.deadline.map(|deadline| deadline + rested);
                slot.state = SlotState::Ready;
            }
        }
        loop {
            let mut ready = self.slots.iter().filter(|(_, slot)| slot.state == SlotState::Ready);
            let (&number, slot) = ready.next()?;
            let late = slot.deadline.is_some_and(|deadline| now.ticks >= deadline);
            if late && !planted!(self.policy.simulated, RetriedForEver) {
                self.give_up(number, Cause::Deadline);
            } else if !self.session.has_credentials(now.unix) {
                match &self.credentials {
                    Asked::InVain(failed, until) if now.ticks < *until => {
                        self.give_up(number, Cause::Credentials(failed.clone()));
                    }
                    Asked::No | Asked::Yes | Asked::InVain(..) => {
                        return Some(self.need_credentials());
                    }
                }
            } else if let Some(transmit) = self.send(now, number) {
                return Some(Output::Send(transmit));
            } else {
                self.give_up(number, Cause::Unsendable);
            }
        }
    }

    fn need_credentials(&mut self) -> Output<O::Output> {
        match self.credentials {
            Asked::No | Asked::InVain(..) => {
                self.credentials = Asked::Yes;
                Output::NeedCredentials
            }
            Asked::Yes => Output::Wait(self.earliest()),
        }
    }

    /// Builds and signs an attempt; `None` if there can be no such request.
    fn send(&mut self, now: Now, number: u64) -> Option<Box<Transmit>> {
        let slot = self.slots.get_mut(&number)?;
        let call: Call = self.operation.call(slot.tag);
        let (kind, lane, reply) = (call.kind, call.lane, call.reply);
        slot.call = kind;
        slot.error_in_200 = call.error_in_200;
        slot.replay = call.replay;
        slot.reply = reply;
        slot.skew = self.session.skew();
        slot.sent = now;
        slot.first_sent.get_or_insert(now);
        let mut clock = now.unix;
        if planted!(self.policy.simulated, SkewNeverLearned) {
            clock = UnixTime::from_secs(clock.as_secs().saturating_sub(slot.skew));
        }
        let (generation, request) = self.session.sign(clock, call)?;
        self.requests_sent = self.requests_sent.saturating_add(1);
        let id = RequestId(self.requests_sent);
        slot.generation = generation;
        slot.state = SlotState::InFlight(id);
        #[cfg(feature = "sim")]
        slot.sent_ids.push(id);
        slot.attempts = slot.attempts.saturating_add(1);
        slot.counted = slot.counted.saturating_add(1);
        let deadline = *slot.deadline.get_or_insert(now.ticks + self.policy.call_deadline);
        Some(Box::new(Transmit {
            id,
            call: kind,
            attempt: slot.attempts,
            lane,
            request,
            reply,
            give_up_after: deadline.saturating_since(now.ticks),
        }))
    }

    /// The calls that count against the policy's bound: a call keeps its place while it backs off.
    fn calls_taken(&self) -> usize {
        if planted!(self.policy.simulated, SlotReleasedInBackOff) {
            let waits = |slot: &&Slot<O::Tag>| matches!(slot.state, SlotState::BackingOff(_));
            return self.slots.len().saturating_sub(self.slots.values().filter(waits).count());
        }
        self.slots.len()
    }

    fn begin(&mut self, tag: O::Tag) {
        self.slots_begun = self.slots_begun.saturating_add(1);
        self.slots.insert(self.slots_begun, Slot::new(tag));
    }

    fn find(&self, id: RequestId) -> Option<(u64, bool)> {
        self.slots.iter().find_map(|(&number, slot)| {
            // What happens to an earlier attempt says nothing about the newest.
            let is = |own| {
                own == id || planted!(self.policy.simulated, LateReplyAccepted, slot.has_sent(id))
            };
            match slot.state {
                SlotState::InFlight(own) if is(own) => Some((number, false)),
                SlotState::Streaming(own) if is(own) => Some((number, true)),
                SlotState::Ready
                | SlotState::InFlight(_)
                | SlotState::Streaming(_)
                | SlotState::BackingOff(_) => None,
            }
        })
    }

    fn earliest(&self) -> Option<Ticks> {
        if planted!(self.policy.simulated, TimerForgotten) {
            return None;
        }
        self.slots
            .values()
            .filter_map(|slot| match slot.state {
                SlotState::BackingOff(due) => Some(due),
                SlotState::Ready | SlotState::InFlight(_) | SlotState::Streaming(_) => None,
            })
            .min()
    }

    fn on_reply(&mut self, now: Now, number: u64, response: Response<Bytes>) {
        let Some(slot) = self.slots.get(&number) else {
            return;
        };
        let date = crate::api::date(response.headers());
        self.session.hear(slot.sent.unix, now.unix, date, response.headers());
        let may_err = slot.error_in_200 == ErrorIn200::Possible
            && !planted!(self.policy.simulated, ErrorIn200Accepted);
        if let Some(mut error) = crate::api::service_error(&response, may_err) {
            error.date = date;
            if error.status == StatusCode::RANGE_NOT_SATISFIABLE {
                error.object_size = crate::api::get_object::unsatisfied_size(response.headers());
            }
            return self.refused(now, number, error);
        }
        let accepted = if slot.reply == ReplyMode::Stream {
            let what = "a collected reply to a streamed call".to_owned();
            Err(Rejected::Retry(crate::Reason::Malformed(what)))
        } else {
            let reply =
                Reply::new(response, slot.maybe_done).with_asked_at(slot.asked_at(now, date));
            self.operation.on_reply(slot.tag, reply)
        };
        self.accepted_or_not(now, number, accepted);
    }

    fn on_head(&mut self, now: Now, number: u64, id: RequestId, head: &Response<()>) {
        let Some(slot) = self.slots.get_mut(&number) else {
            return;
        };
        let date = crate::api::date(head.headers());
        self.session.hear(slot.sent.unix, now.unix, date, head.headers());
        match self.operation.on_head(slot.tag, head) {
            Ok(()) => {
                slot.state = SlotState::Streaming(id);
                slot.progress = 0;
                // The reader sets the pace of a body, so only idle time bounds it.
                slot.deadline = None;
            }
            rejected => self.accepted_or_not(now, number, rejected),
        }
    }

    /// The body ended (`cut` is `None`) or broke. All bytes there and only the end lost is complete.
    fn on_end(&mut self, now: Now, number: u64, cut: Option<Failure>) {
        let Some(slot) = self.slots.get(&number) else {
            return;
        };
        match (self.operation.on_end(slot.tag), cut) {
            (Err(Rejected::Retry(_)), Some(failure)) => {
                self.failed(now, number, Cause::Transport(failure));
            }
            (result, _) => self.accepted_or_not(now, number, result),
        }
    }

    fn accepted_or_not(&mut self, now: Now, number: u64, result: Result<(), Rejected>) {
        match result {
            Ok(()) => {
                self.slots.remove(&number);
                self.session.earn_retry();
            }
            Err(Rejected::Retry(reason)) => self.failed(now, number, Cause::Rejected(reason)),
            Err(Rejected::Final(reason)) => {
                if let Some(slot) = self.slots.get_mut(&number) {
                    slot.maybe_done = true;
                }
                self.give_up(number, Cause::Rejected(reason));
            }
        }
    }

    /// COS answered with an error: apply the remedy for it, if there is one.
    fn refused(&mut self, now: Now, number: u64, error: crate::ServiceError) {
        let Some(slot) = self.slots.get_mut(&number) else { return };
        let class = match error.status {
            StatusCode::FORBIDDEN if error.code.is_none() => {
                slot.silent_403(&self.session, now, error.date)
            }
            StatusCode::BAD_REQUEST if error.code.is_none() && error.request_id.is_some() => {
                slot.silent_expiry(&self.session)
            }
            _ => classify(&error),
        };
        match class {
            Class::ClockSkew if !slot.skew_corrected => {
                slot.skew_corrected = true;
                match error.date {
                    Some(service) => {
                        self.session.learn_skew(service, now.unix);
                        slot.last = Some(Cause::Service(error));
                        slot.state = SlotState::Ready;
                    }
                    None => self.give_up(number, Cause::Service(error)),
                }
            }
            Class::Credentials if !slot.credentials_replaced => {
                // A refusal of credentials that were replaced meanwhile says nothing about the new.
                slot.credentials_replaced =
                    planted!(self.policy.simulated, CredentialsNeverRefreshed)
                        || self.session.refuse(slot.generation);
                slot.last = Some(Cause::Service(error));
                slot.state = SlotState::Ready;
            }
            Class::Retry => self.failed(now, number, Cause::Service(error)),
            Class::ClockSkew | Class::Credentials | Class::Final => {
                self.give_up(number, Cause::Service(error));
            }
        }
    }

    /// An attempt failed in a way that may pass: back off, unless the call must not be sent again.
    fn failed(&mut self, now: Now, number: u64, cause: Cause) {
        let Some(slot) = self.slots.get_mut(&number) else {
            return;
        };
        let maybe_done = retry::maybe_done(&cause);
        slot.maybe_done |= maybe_done;
        slot.progress = 0;
        let replayable = slot.replay == crate::Replay::Safe
            || !maybe_done
            || planted!(self.policy.simulated, UnsafeCallRepeated);
        let endless = planted!(self.policy.simulated, RetriedForEver);
        let spent = slot.counted >= self.policy.attempts_max && !endless;
        if !replayable || !retry::may_pass(&cause) || spent {
            return self.give_up(number, cause);
        }
        let asked = retry::retry_after(&cause);
        let pause = self.jitter.pause(&self.policy, slot.counted, asked);
        let at_once = planted!(self.policy.simulated, BackOffSkipped);
        let due = if at_once { now.ticks } else { now.ticks + pause };
        // What was answered would take as long again: cut off by the deadline it could not even say
        // what is wrong. How long a body took says nothing: its reader set the pace.
        let answered = matches!(cause, Cause::Service(_) | Cause::Rejected(_));
        let needed = match slot.deadline {
            Some(_) if answered => now.ticks.saturating_since(slot.sent.ticks),
            _ => Duration::ZERO,
        };
        let deadline = *slot.deadline.get_or_insert(now.ticks + self.policy.call_deadline);
        if (due + needed >= deadline || !self.session.spend_retry(now)) && !endless {
            return self.give_up(number, cause);
        }
        slot.last = Some(cause);
        slot.state = SlotState::BackingOff(due);
    }

    fn give_up(&mut self, number: u64, cause: Cause) {
        let Some(slot) = self.slots.remove(&number) else {
            return;
        };
        let error = CallError {
            last: slot.last.filter(|_| !cause.is_of_an_attempt()).map(Box::new),
            cause,
            call: slot.call,
            attempts: slot.attempts,
            maybe_done: slot.maybe_done,
            asked_at: slot.first_sent.map(|first| self.session.earliest_service_time(first.unix)),
        };
        self.operation.on_error(slot.tag, error);
    }
}

impl<O: Operation> fmt::Debug for Machine<O> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Machine")
            .field("slots", &self.slots)
            .field("over", &self.over)
            .finish_non_exhaustive()
    }
}
