//! What an adapter tells about its work: one record per attempt, and two gauges.

#[cfg(feature = "tracing")]
mod tracing_observer;

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Response, StatusCode};

#[cfg(feature = "tracing")]
pub use self::tracing_observer::TracingObserver;
use crate::{CallKind, FailureKind, Transmit, api::names::REQUEST_ID};

/// Told what an adapter does. Every method does nothing unless it is implemented.
///
/// Called from wherever the exchange runs, so an implementation must be quick and must not block.
/// None of the values holds a secret, a URL or a key.
pub trait Observer: Send + Sync {
    /// An attempt of a call is over: answered, failed, or dropped by its operation.
    ///
    /// The attempt of a streamed call is over when its body is.
    fn attempt(&self, _attempt: &Attempt) {}

    /// The bytes that the writers of one client hold in memory now, all together: see
    /// [`MemoryBudget`](crate::MemoryBudget). Nothing else is counted meanwhile, so an
    /// implementation must not use a writer.
    fn buffered(&self, _bytes: u64) {}

    /// How many permits of one client are taken now.
    fn permits(&self, _in_use: usize) {}
}

/// Observes nothing.
impl Observer for () {}

/// One attempt of one call, as it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Attempt {
    /// Which API was called.
    pub call: CallKind,
    /// 1 for the first attempt of the call.
    pub attempt: u32,
    /// The status, if there was an answer.
    pub status: Option<StatusCode>,
    /// COS's error code, such as `NoSuchKey`; the answer to a HEAD has none.
    pub code: Option<String>,
    /// `x-cos-request-id`, if the answer has one.
    pub request_id: Option<String>,
    /// Bytes of the request's body.
    pub bytes_sent: u64,
    /// Bytes of the answer's body that arrived.
    pub bytes_received: u64,
    /// From holding the permit to the end of the attempt.
    pub duration: Duration,
    /// Why there was no complete answer. `None` with a `None` status: the operation dropped it.
    pub failure: Option<FailureKind>,
}

impl Attempt {
    /// An attempt that has just been started.
    pub fn new(transmit: &Transmit) -> Self {
        Self {
            call: transmit.call,
            attempt: transmit.attempt,
            status: None,
            code: None,
            request_id: None,
            bytes_sent: transmit.request.body().len(),
            bytes_received: 0,
            duration: Duration::ZERO,
            failure: None,
        }
    }

    /// Notes the head of an answer.
    pub fn answered(&mut self, status: StatusCode, headers: &HeaderMap) {
        self.status = Some(status);
        self.request_id =
            headers.get(REQUEST_ID).and_then(|id| id.to_str().ok()).map(str::to_owned);
    }

    /// Notes a collected answer: its head unless that has been noted, its length and the error code
    /// in it.
    pub fn collected(&mut self, response: &Response<Bytes>) {
        if self.status.is_none() {
            self.answered(response.status(), response.headers());
        }
        self.bytes_received = u64::try_from(response.body().len()).unwrap_or(u64::MAX);
        let in_200 = self.call.answers_late();
        self.code = crate::api::service_error(response, in_200).and_then(|error| error.code);
    }
}
