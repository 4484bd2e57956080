//! One attempt of one call on its way there and back, and what is to happen to it.

use bytes::Bytes;
use http::request::Parts;

use super::{FaultKind, touched::Touched};
use crate::{CallKind, Event, Payload, ReplyMode, RequestId, Ticks, TimeLimits};

/// Whose requests these are: one machine's. Ids of requests are unique within a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Line(pub u32);

/// What a client sees of an exchange.
#[derive(Debug)]
pub enum Arrival {
    /// For [`Machine::handle`](crate::Machine::handle).
    Event(Event),
    /// For [`Machine::handle_data`](crate::Machine::handle_data).
    Data(Bytes),
}

/// Something a client sees.
#[derive(Debug)]
pub struct Arrived {
    /// Whose it is.
    pub line: Line,
    /// Which attempt it answers.
    pub id: RequestId,
    /// What it is.
    pub arrival: Arrival,
    /// Whether the exchange was over for the client: it must make no difference.
    pub late: bool,
}

/// What is to happen.
#[derive(Debug)]
pub(super) enum Pending {
    /// The request reaches the service.
    Reach { exchange: u64, copy: Copy },
    /// The client sees this.
    Arrive { exchange: u64, arrival: Arrival, fault: Option<FaultKind> },
}

impl Pending {
    pub(super) fn exchange(&self) -> u64 {
        match self {
            Self::Reach { exchange, .. } | Self::Arrive { exchange, .. } => *exchange,
        }
    }
}

/// Which copy of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Copy {
    Original,
    Duplicate,
}

/// One attempt of one call, on its way.
#[derive(Debug)]
pub(super) struct Exchange {
    pub(super) line: Line,
    pub(super) id: RequestId,
    pub(super) call: CallKind,
    pub(super) attempt: u32,
    pub(super) touched: Touched,
    pub(super) reply: ReplyMode,
    pub(super) limits: TimeLimits,
    pub(super) sent: Ticks,
    pub(super) head: Parts,
    /// The network's own: it does not count as the client's memory.
    pub(super) body: Payload,
    /// The client's, until it knows how the exchange ended, as an adapter holds it.
    pub(super) held: Payload,
    pub(super) fate: Option<FaultKind>,
    pub(super) client: Client,
    /// Whether the client will give up before the request reaches the service.
    pub(super) doomed: bool,
    /// The upload that it opened.
    pub(super) opened: Option<(String, String)>,
    /// How much of it is in the queue.
    pub(super) pending: u32,
}

/// What the client of an exchange does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Client {
    Waits,
    Reads,
    /// It has seen the end.
    Over,
    HungUp,
}

impl Client {
    pub(super) fn is_there(self) -> bool {
        matches!(self, Self::Waits | Self::Reads)
    }
}

impl Exchange {
    /// The client sees this.
    pub(super) fn hears(&mut self, arrival: &Arrival) {
        match arrival {
            Arrival::Event(Event::Head(_)) => self.client = Client::Reads,
            Arrival::Event(Event::Reply(_) | Event::End | Event::Failed(_)) => {
                self.client = Client::Over;
            }
            Arrival::Data(_) => {}
        }
        // Its answer has begun, so it is sent.
        self.held = Payload::EMPTY;
    }
}
