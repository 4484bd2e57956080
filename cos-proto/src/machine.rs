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

mod answers;
mod exchange;
mod jitter;
mod retry;
mod slot;
mod slots;
#[cfg(test)]
mod tests;
mod time_limits;

use std::{fmt, ops::Range, time::Duration};

pub(crate) use self::retry::is_refusal;
pub use self::{
    exchange::{Event, Output, RequestId, Transmit},
    retry::Policy,
    time_limits::TimeLimits,
};
use self::{
    jitter::Jitter,
    slot::{Slot, SlotState},
    slots::Slots,
};
use crate::{
    Credentials, CredentialsFailed, Failure, Next, Now, Operation, Session, Ticks, UnixTime,
    call::Call,
    error::Cause,
    session::{REFRESH_AGAIN_AFTER, Signing},
};

/// Delivers an operation's calls. Owns no clock, no socket, no thread.
///
/// How to drive it is said in the [crate's documentation](crate).
pub struct Machine<O: Operation> {
    operation: O,
    session: Session,
    policy: Policy,
    jitter: Jitter,
    /// A slot stays taken while its call backs off.
    slots: Slots<O::Tag>,
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
            slots: Slots::new(),
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
                Next::Call(tag) => self.slots.begin(tag),
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
        let Some(slot) = self.slots.get_mut(number) else {
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
            && let Some(slot) = self.slots.get_mut(number)
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
                .map(|(number, _)| number)
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
            let (number, slot) =
                self.slots.iter().find(|(_, slot)| slot.state == SlotState::Ready)?;
            let late = slot.deadline.is_some_and(|deadline| now.ticks >= deadline);
            if late && !planted!(self.policy.simulated, RetriedForEver) {
                self.give_up(number, Cause::Deadline);
            } else if let Some(signing) = self.session.signing(self.clock(now)) {
                match self.send(now, number, signing) {
                    Some(transmit) => return Some(Output::Send(transmit)),
                    None => self.give_up(number, Cause::Unsendable),
                }
            } else {
                match &self.credentials {
                    Asked::InVain(failed, until) if now.ticks < *until => {
                        self.give_up(number, Cause::Credentials(failed.clone()));
                    }
                    Asked::No | Asked::Yes | Asked::InVain(..) => {
                        return Some(self.need_credentials());
                    }
                }
            }
        }
    }

    fn clock(&self, now: Now) -> UnixTime {
        if planted!(self.policy.simulated, SkewNeverLearned) {
            return UnixTime::from_secs(now.unix.as_secs().saturating_sub(self.session.skew()));
        }
        now.unix
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
    fn send(&mut self, now: Now, number: u64, signing: Signing) -> Option<Box<Transmit>> {
        let slot = self.slots.get_mut(number)?;
        let call: Call = self.operation.call(slot.tag);
        let (kind, lane, reply) = (call.kind, call.lane, call.reply);
        slot.call = kind;
        slot.error_in_200 = call.error_in_200;
        slot.replay = call.replay;
        slot.reply = reply;
        slot.sent = now;
        slot.first_sent.get_or_insert(now);
        let signed = self.session.sign(signing, call)?;
        self.requests_sent = self.requests_sent.saturating_add(1);
        let id = RequestId(self.requests_sent);
        slot.generation = signed.generation;
        slot.skew = signed.skew;
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
            request: signed.request,
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

    fn find(&self, id: RequestId) -> Option<(u64, bool)> {
        self.slots.iter().find_map(|(number, slot)| {
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
}

impl<O: Operation> fmt::Debug for Machine<O> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Machine")
            .field("slots", &self.slots)
            .field("over", &self.over)
            .finish_non_exhaustive()
    }
}
