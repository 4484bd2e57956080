//! How long an adapter waits in one exchange.

use std::time::Duration;

use super::Transmit;

/// The time-outs of one exchange, the same in every adapter. Each of them ends the attempt with
/// [`FailureKind::Timeout`](crate::FailureKind::Timeout).
///
/// | answer | until its head | between two pieces of its body | whole |
/// |---|---|---|---|
/// | of most calls | `give_up_after` | idle time-out | `give_up_after` |
/// | that [comes late](crate::CallKind::answers_late): COS keeps it alive with spaces | `give_up_after` | `give_up_after` | 1 h, or `give_up_after` if longer |
/// | streamed | `give_up_after` | idle time-out, which runs only while somebody reads | – |
/// | streamed, other than 2xx | `give_up_after` | idle time-out | `give_up_after` |
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TimeLimits {
    /// From holding the permit until the head of the answer is in: connecting and sending included.
    pub head: Duration,
    /// How long the body may bring nothing while somebody waits for it. Every byte counts.
    pub idle: Duration,
    /// From holding the permit until a collected answer is in. A streamed body has no such limit.
    pub whole: Duration,
}

/// What COS works on for longer than this is not awaited, whatever it sends meanwhile.
const LATE_ANSWER_MAX: Duration = Duration::from_secs(3600);

impl TimeLimits {
    pub(super) fn of(transmit: &Transmit, idle_timeout: Duration) -> Self {
        let head = transmit.give_up_after;
        if transmit.call.answers_late() {
            Self { head, idle: head, whole: head.max(LATE_ANSWER_MAX) }
        } else {
            Self { head, idle: idle_timeout, whole: head }
        }
    }
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;
    use crate::{CallKind, Lane, Payload, ReplyMode, machine::RequestId};

    #[test]
    fn spaces_are_life_for_calls_that_answer_late_and_only_for_them() {
        const IDLE: Duration = Duration::from_secs(60);
        const HOUR: Duration = LATE_ANSWER_MAX;
        let seconds = Duration::from_secs;
        for (call, give_up_after, idle, whole) in [
            (CallKind::GetObject, seconds(300), IDLE, seconds(300)),
            (CallKind::UploadPart, seconds(7), IDLE, seconds(7)),
            (CallKind::CompleteMultipartUpload, seconds(300), seconds(300), HOUR),
            (CallKind::PutObjectCopy, seconds(7), seconds(7), HOUR),
            (CallKind::UploadPartCopy, HOUR * 2, HOUR * 2, HOUR * 2),
        ] {
            let transmit = Transmit {
                id: RequestId(1),
                call,
                attempt: 1,
                lane: Lane::Control,
                request: Request::new(Payload::EMPTY),
                reply: ReplyMode::Stream,
                give_up_after,
            };
            let limits = transmit.time_limits(IDLE);
            assert_eq!(limits, TimeLimits { head: give_up_after, idle, whole }, "{call:?}");
        }
    }
}
