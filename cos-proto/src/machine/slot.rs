//! One logical call over all its attempts.

use std::time::Duration;

use super::{RequestId, retry::Class};
use crate::{
    CallKind, Now, Replay, ReplyMode, Session, Ticks, UnixTime, call::ErrorIn200, error::Cause,
    session::Generation,
};

#[derive(Debug)]
pub(super) struct Slot<T> {
    pub(super) tag: T,
    pub(super) state: SlotState,
    pub(super) call: CallKind,
    pub(super) attempts: u32,
    /// Attempts that count against the policy: fewer than `attempts` after progress.
    pub(super) counted: u32,
    pub(super) deadline: Option<Ticks>,
    pub(super) maybe_done: bool,
    /// How the last attempt failed, until the next one is sent.
    pub(super) last: Option<Cause>,
    /// The deterministic remedies are applied once per call each.
    pub(super) skew_corrected: bool,
    pub(super) credentials_replaced: bool,
    pub(super) generation: Generation,
    /// The service's clock minus ours, in seconds, as the last attempt was signed.
    pub(super) skew: i64,
    /// When the last attempt was signed; its ticks are those at which it held its permit.
    pub(super) sent: Now,
    /// When the first attempt was.
    pub(super) first_sent: Option<Now>,
    pub(super) error_in_200: ErrorIn200,
    pub(super) replay: Replay,
    pub(super) reply: ReplyMode,
    /// Bytes of a streamed body since the last failure.
    pub(super) progress: u64,
    /// All its attempts.
    #[cfg(feature = "sim")]
    pub(super) sent_ids: Vec<RequestId>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SlotState {
    Ready,
    InFlight(RequestId),
    Streaming(RequestId),
    BackingOff(Ticks),
}

impl<T> Slot<T> {
    /// A call that has not been sent. What depends on the call is filled in with each attempt.
    pub(super) fn new(tag: T) -> Self {
        Self {
            tag,
            state: SlotState::Ready,
            call: CallKind::HeadObject,
            attempts: 0,
            counted: 0,
            deadline: None,
            maybe_done: false,
            last: None,
            skew_corrected: false,
            credentials_replaced: false,
            generation: Generation::default(),
            skew: 0,
            sent: Now::default(),
            first_sent: None,
            error_in_200: ErrorIn200::Never,
            replay: Replay::Safe,
            reply: ReplyMode::Stream,
            progress: 0,
            #[cfg(feature = "sim")]
            sent_ids: Vec::new(),
        }
    }

    /// Whether one of its attempts was this.
    #[cfg(feature = "sim")]
    pub(super) fn has_sent(&self, id: RequestId) -> bool {
        self.sent_ids.contains(&id)
    }

    /// When the call was first sent, on the service's clock: not later than that, by what the `Date`
    /// of the answer that is here `now` says.
    pub(super) fn asked_at(&self, now: Now, date: Option<UnixTime>) -> Option<UnixTime> {
        let took = now.ticks.saturating_since(self.first_sent?.ticks);
        // Both are in whole seconds.
        Some(date? - took - Duration::from_secs(1))
    }

    /// A HEAD's answer has no body, so a 403 does not say why: take what can be remedied, once.
    /// Judged by what the attempt was signed with: another call may have corrected the skew since.
    pub(super) fn silent_403(&self, session: &Session, now: Now, date: Option<UnixTime>) -> Class {
        let signed = now.unix.as_secs().saturating_add(self.skew);
        let off = date.map_or(0, |service| service.as_secs().abs_diff(signed));
        if off >= SKEW_TOLERATED && !self.skew_corrected {
            Class::ClockSkew
        } else {
            self.silent_expiry(session)
        }
    }

    /// An expired token is answered by a 400 or a 403, which to a HEAD does not say so.
    pub(super) fn silent_expiry(&self, session: &Session) -> Class {
        if session.is_temporary() && !self.credentials_replaced {
            Class::Credentials
        } else {
            Class::Final
        }
    }
}

/// By how many seconds COS's clock may differ before a 403 without a reason is taken for a skewed
/// clock: signatures begin so much in the past.
const SKEW_TOLERATED: u64 = 300;
