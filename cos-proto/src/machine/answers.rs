//! What an attempt's answer or failure does to its call: accepted, remedied, backing off, given up.

use std::time::Duration;

use bytes::Bytes;
use http::{Response, StatusCode};

use super::{
    Machine, RequestId,
    retry::{self, Class, classify},
    slot::SlotState,
};
use crate::{
    CallError, Failure, Now, Operation, Rejected, Reply, ReplyMode, call::ErrorIn200, error::Cause,
};

impl<O: Operation> Machine<O> {
    pub(super) fn on_reply(&mut self, now: Now, number: u64, response: Response<Bytes>) {
        let Some(slot) = self.slots.get(number) else {
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

    pub(super) fn on_head(&mut self, now: Now, number: u64, id: RequestId, head: &Response<()>) {
        let Some(slot) = self.slots.get_mut(number) else {
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
    pub(super) fn on_end(&mut self, now: Now, number: u64, cut: Option<Failure>) {
        let Some(slot) = self.slots.get(number) else {
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
                self.slots.remove(number);
                self.session.earn_retry();
            }
            Err(Rejected::Retry(reason)) => self.failed(now, number, Cause::Rejected(reason)),
            Err(Rejected::Final(reason)) => {
                if let Some(slot) = self.slots.get_mut(number) {
                    slot.maybe_done = true;
                }
                self.give_up(number, Cause::Rejected(reason));
            }
        }
    }

    /// COS answered with an error: apply the remedy for it, if there is one.
    fn refused(&mut self, now: Now, number: u64, error: crate::ServiceError) {
        let Some(slot) = self.slots.get_mut(number) else { return };
        // Without the id it is a gateway's page: its clock is not the service's (436/7729).
        let silent = error.code.is_none() && error.request_id.is_some();
        let class = match error.status {
            StatusCode::FORBIDDEN if silent => slot.silent_403(&self.session, now, error.date),
            StatusCode::BAD_REQUEST if silent => slot.silent_expiry(&self.session),
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
    pub(super) fn failed(&mut self, now: Now, number: u64, cause: Cause) {
        let Some(slot) = self.slots.get_mut(number) else {
            return;
        };
        let maybe_done = retry::maybe_done(&cause);
        slot.maybe_done |= maybe_done;
        slot.progress = 0;
        let replayable = slot.replay == crate::Replay::Safe
            || !maybe_done
            || planted!(self.policy.simulated, UnsafeCallRepeated);
        let endless = planted!(self.policy.simulated, RetriedForEver);
        let spent = slot.counted >= self.policy.attempts_max && !endless
            || planted!(self.policy.simulated, NeverSentAgain);
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

    pub(super) fn give_up(&mut self, number: u64, cause: Cause) {
        let Some(slot) = self.slots.remove(number) else {
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
