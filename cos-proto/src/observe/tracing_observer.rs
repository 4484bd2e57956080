//! The observer that logs by `tracing`.

use tracing::Level;

use crate::{Attempt, Observer};

/// Writes one `tracing` event per attempt: `DEBUG` when COS answered well, `WARN` when it did not.
///
/// The gauges are events of level `TRACE`. No event holds a URL, a header field or a key.
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::exhaustive_structs, reason = "there is nothing to configure")]
pub struct TracingObserver;

impl Observer for TracingObserver {
    fn attempt(&self, attempt: &Attempt) {
        macro_rules! event {
            ($level:expr, $text:literal) => {
                tracing::event!(
                    $level,
                    call = attempt.call.name(),
                    attempt = attempt.attempt,
                    status = attempt.status.map(|status| status.as_u16()),
                    code = attempt.code,
                    request_id = attempt.request_id,
                    bytes_sent = attempt.bytes_sent,
                    bytes_received = attempt.bytes_received,
                    duration = ?attempt.duration,
                    failure = attempt.failure.map(tracing::field::debug),
                    $text
                )
            };
        }
        match (attempt.status, attempt.failure) {
            (Some(status), None) if status.is_success() && attempt.code.is_none() => {
                event!(Level::DEBUG, "attempt answered");
            }
            (_, Some(_)) => event!(Level::WARN, "attempt failed"),
            (Some(status), None) if status.is_server_error() => {
                event!(Level::WARN, "attempt refused");
            }
            (Some(_), None) => event!(Level::DEBUG, "attempt refused"),
            (None, None) => event!(Level::DEBUG, "attempt dropped"),
        }
    }

    fn buffered(&self, bytes: u64) {
        tracing::trace!(bytes, "buffered");
    }

    fn permits(&self, in_use: usize) {
        tracing::trace!(in_use, "permits");
    }
}
