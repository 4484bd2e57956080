//! Which failures pass by themselves, and how often to try.

use std::{num::NonZeroUsize, time::Duration};

use http::StatusCode;

use crate::{FailureKind, Reason, ServiceError, config::DEFAULT_CALL_DEADLINE, error::Cause};

/// How a machine delivers calls.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Policy {
    /// How often a call is sent at most without progress between.
    pub attempts_max: u32,
    /// The first pause is shorter than this, the next shorter than twice this …
    pub backoff_base: Duration,
    /// … and never longer than this.
    pub backoff_max: Duration,
    /// How long one call may take over all its attempts and pauses, without the time it queues.
    pub call_deadline: Duration,
    /// How many calls of one operation are in flight or backing off at most.
    pub in_flight_max: NonZeroUsize,
    /// What a simulation changes, in the operation too.
    #[cfg(feature = "sim")]
    #[doc(hidden)]
    pub simulated: crate::sim::Simulated,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            attempts_max: 8,
            backoff_base: Duration::from_millis(200),
            backoff_max: Duration::from_secs(20),
            call_deadline: DEFAULT_CALL_DEADLINE,
            in_flight_max: NonZeroUsize::MIN,
            #[cfg(feature = "sim")]
            simulated: crate::sim::Simulated::default(),
        }
    }
}

impl Policy {
    /// The same with another bound on calls in flight.
    #[must_use]
    pub fn in_flight_max(mut self, calls: NonZeroUsize) -> Self {
        self.in_flight_max = calls;
        self
    }

    /// The same with another deadline per call.
    #[must_use]
    pub fn call_deadline(mut self, deadline: Duration) -> Self {
        self.call_deadline = deadline;
        self
    }

    /// The same with another number of attempts.
    #[must_use]
    pub fn attempts_max(mut self, attempts: u32) -> Self {
        self.attempts_max = attempts;
        self
    }

    /// The same with what a simulation changes.
    #[cfg(feature = "sim")]
    #[doc(hidden)]
    #[must_use]
    pub fn simulated(mut self, simulated: crate::sim::Simulated) -> Self {
        self.simulated = simulated;
        self
    }
}

/// What helps against an error that COS answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// The same again after a pause.
    Retry,
    /// The same again, signed for the service's clock.
    ClockSkew,
    /// The same again with other credentials.
    Credentials,
    /// Nothing.
    Final,
}

/// By code first: the status of some codes differs between old and new documents (436/7730).
pub(super) fn classify(error: &ServiceError) -> Class {
    match error.code.as_deref() {
        Some("RequestTimeTooSkewed") => Class::ClockSkew,
        Some("AccessDenied") if error.message.contains("Request has expired") => Class::ClockSkew,
        Some("ExpiredToken" | "InvalidAccessKeyId") => Class::Credentials,
        Some(
            "InternalError" | "InternalErrror" | "ServiceUnavailable" | "SlowDown"
            | "KmsFreqControl" | "TooManyRequests" | "RequestTimeout" | "RequestTimeOut"
            | "UserNetworkTooSlow" | "IncompleteBody" | "PathConflict" | "UploadConflict"
            | "BadDigest",
        ) => Class::Retry,
        Some("NotImplemented") => Class::Final,
        _ if error.status == StatusCode::NOT_IMPLEMENTED => Class::Final,
        _ if error.status.is_server_error()
            || matches!(
                error.status,
                StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT
            ) =>
        {
            Class::Retry
        }
        _ => Class::Final,
    }
}

/// Whether COS refused a call in a way that trying again does not change.
pub(crate) fn is_refusal(error: &ServiceError) -> bool {
    classify(error) != Class::Retry
}

/// Whether an attempt that failed so may have been executed all the same.
pub(super) fn maybe_done(cause: &Cause) -> bool {
    match cause {
        Cause::Service(error) => {
            error.status.is_server_error()
                || error.status.is_success()
                || error.status == StatusCode::REQUEST_TIMEOUT
                || matches!(
                    error.code.as_deref(),
                    Some("RequestTimeout" | "RequestTimeOut" | "PathConflict" | "UploadConflict")
                )
        }
        Cause::Transport(failure) => failure.maybe_sent(),
        Cause::Rejected(_) => true,
        Cause::Credentials(_) | Cause::Unsendable | Cause::Deadline => false,
    }
}

/// Whether trying again can help at all.
pub(super) fn may_pass(cause: &Cause) -> bool {
    match cause {
        Cause::Service(_) => true,
        Cause::Transport(failure) => {
            !matches!(failure.kind, FailureKind::Tls | FailureKind::ReplyTooLarge)
        }
        Cause::Rejected(reason) => !matches!(reason, Reason::TooLarge { .. } | Reason::Changed),
        Cause::Credentials(_) | Cause::Unsendable | Cause::Deadline => false,
    }
}

/// How long COS asks to wait.
pub(super) fn retry_after(cause: &Cause) -> Option<Duration> {
    match cause {
        Cause::Service(error) => error.retry_after,
        Cause::Transport(_)
        | Cause::Rejected(_)
        | Cause::Credentials(_)
        | Cause::Unsendable
        | Cause::Deadline => None,
    }
}
