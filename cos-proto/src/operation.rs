//! What a driver operation is: which calls it makes, in what order, and what the replies mean.

use std::{fmt::Debug, ops::Range};

use http::Response;

use crate::{Call, CallError, Reason, Reply};

/// Which calls an operation makes, in what order, and what their replies mean. It knows no time,
/// no retry and no signing: a [`Machine`](crate::Machine) delivers its calls.
///
/// A *tag* names one logical call (Create, Part 7, Complete …) over all its attempts. The machine
/// asks [`next`](Self::next) for work, builds each attempt by [`call`](Self::call), and ends each
/// tag by exactly one of: an accepted [`on_reply`](Self::on_reply), an accepted
/// [`on_end`](Self::on_end), or [`on_error`](Self::on_error).
pub trait Operation {
    /// Names one logical call.
    type Tag: Copy + Eq + Debug;
    /// What the operation ends with; usually a `Result`.
    type Output;

    /// The next step. Asked again after every change, so it must not have to be remembered.
    fn next(&mut self) -> Next<Self::Tag, Self::Output>;

    /// Whether [`next`](Self::next) has the output whatever is in flight: what is still to come is not
    /// wanted. Asked where it may not be, since no further call may be started.
    fn is_over(&self) -> bool {
        false
    }

    /// The request of a call; built anew for every attempt, so it shows the state of that moment.
    fn call(&self, tag: Self::Tag) -> Call;

    /// A collected 2xx reply. Refusing it by [`Rejected::Retry`] makes it a failed attempt.
    fn on_reply(&mut self, tag: Self::Tag, reply: Reply) -> Result<(), Rejected>;

    /// The head of a streamed 2xx reply.
    fn on_head(&mut self, _tag: Self::Tag, _head: &Response<()>) -> Result<(), Rejected> {
        Err(Rejected::Final(Reason::Malformed("streamed reply to a collected call".into())))
    }

    /// Data of a streamed reply; the answer is the part of it that the caller gets.
    fn on_data(&mut self, _tag: Self::Tag, _data: &[u8]) -> Range<usize> {
        0..0
    }

    /// A streamed body is over, cleanly or not: is what arrived complete and right?
    fn on_end(&mut self, _tag: Self::Tag) -> Result<(), Rejected> {
        Err(Rejected::Final(Reason::Malformed("streamed reply to a collected call".into())))
    }

    /// What a simulation changes in the operation, told before anything else.
    #[cfg(feature = "sim")]
    #[doc(hidden)]
    fn simulate(&mut self, _simulated: crate::sim::Simulated) {}

    /// A call has failed for good: its retries are spent, or it must not be retried.
    fn on_error(&mut self, tag: Self::Tag, error: CallError);
}

/// What an operation wants next.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "the machine must handle all")]
pub enum Next<T, O> {
    /// Start this call. It counts as started: the operation must not name it again.
    Call(T),
    /// Nothing more to start until a call in flight ends.
    Pending,
    /// Nothing more to start until the application acts (push, finish, take a page …).
    Idle,
    /// The operation is over. Calls in flight are dropped, so one that must not, drains first.
    Done(O),
}

/// Why a 2xx reply does not count.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_enums, reason = "the machine must handle all")]
pub enum Rejected {
    /// As a failed attempt: send the call again, if it may be.
    Retry(Reason),
    /// Sending it again cannot help.
    Final(Reason),
}
