//! What goes between a machine and its adapter.

use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};

#[cfg(doc)]
use super::Machine;
use super::TimeLimits;
use crate::{CallKind, Failure, Lane, Payload, ReplyMode, Ticks};

/// One attempt of one call. Another attempt of the same call has another id, so a late reply to
/// the first cannot answer the second.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(pub(super) u64);

#[cfg(feature = "sim")]
impl RequestId {
    /// The one of this number.
    pub(crate) const fn numbered(number: u64) -> Self {
        Self(number)
    }

    /// For a transcript.
    pub(crate) fn number(self) -> u64 {
        self.0
    }
}

/// A signed request for the adapter to send now.
#[derive(Debug)]
#[non_exhaustive]
pub struct Transmit {
    /// Names the attempt in every event about it.
    pub id: RequestId,
    /// Which API it calls.
    pub call: CallKind,
    /// 1 for the first attempt.
    pub attempt: u32,
    /// Which permits it may hold.
    pub lane: Lane,
    /// The request, its URI absolute.
    pub request: Request<Payload>,
    /// How to deliver the reply.
    pub reply: ReplyMode,
    /// What is left of the call's deadline, counted from the moment the adapter holds the permit;
    /// [`time_limits`](Self::time_limits) says what it limits.
    pub give_up_after: Duration,
}

impl Transmit {
    /// How long to wait for what, by an adapter whose idle time-out is this.
    pub fn time_limits(&self, idle_timeout: Duration) -> TimeLimits {
        TimeLimits::of(self, idle_timeout)
    }
}

/// What the caller must do next.
#[derive(Debug)]
#[must_use]
#[expect(clippy::exhaustive_enums, reason = "adapters must handle all")]
pub enum Output<T> {
    /// Start this request; more may follow, so poll again.
    Send(Box<Transmit>),
    /// Answer with [`Machine::handle_credentials`]. Asked once per need.
    NeedCredentials,
    /// Drained: wait for an event or the application, or until then.
    Wait(Option<Ticks>),
    /// Drained, and nothing is in flight: only the application can make progress.
    Idle,
    /// Over. What is still in flight may be dropped.
    Done(T),
}

/// What happened to a request.
#[derive(Debug)]
#[expect(clippy::exhaustive_enums, reason = "adapters and simulations build it")]
pub enum Event {
    /// The whole reply: to a collected call, or to a streamed one answered with other than 2xx.
    Reply(Box<Response<Bytes>>),
    /// The head of a 2xx reply to a streamed call; data goes to [`Machine::handle_data`].
    Head(Response<()>),
    /// The streamed body is over.
    End,
    /// There is no (complete) answer.
    Failed(Failure),
}
