//! Faults: what goes wrong on purpose, at targeted requests or at random.

use std::time::Duration;

use super::{random::Random, routing::Action};
use crate::CallKind;

/// Something to go wrong.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::exhaustive_structs, reason = "tests write it out")]
pub struct Fault {
    /// Which requests it meets.
    pub matching: Matching,
    /// How many of them.
    pub times: u32,
    /// What happens.
    pub effect: Effect,
}

impl Fault {
    /// One that meets the next request.
    pub fn next(effect: Effect) -> Self {
        Self { matching: Matching::default(), times: 1, effect }
    }

    /// One that meets the next request of this kind.
    pub fn on(call: CallKind, effect: Effect) -> Self {
        Self { matching: Matching { call: Some(call), ..Matching::default() }, times: 1, effect }
    }

    /// The same, so many times.
    #[must_use]
    pub fn times(mut self, times: u32) -> Self {
        self.times = times;
        self
    }

    /// The same, from the `nth` matching request on, counted from 1.
    #[must_use]
    pub fn nth(mut self, nth: u32) -> Self {
        self.matching.nth = nth;
        self
    }

    /// The same, only at keys that contain this.
    #[must_use]
    pub fn key_contains(mut self, text: impl Into<String>) -> Self {
        self.matching.key_contains = Some(text.into());
        self
    }

    /// The same, only at requests whose encoded query contains this, as `partNumber=2`.
    #[must_use]
    pub fn query_contains(mut self, text: impl Into<String>) -> Self {
        self.matching.query_contains = Some(text.into());
        self
    }
}

/// Which requests a fault meets: those to which all of this applies.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "tests write it out with ..default()")]
pub struct Matching {
    /// Of this kind; `None` for any.
    pub call: Option<CallKind>,
    /// With this in the decoded key.
    pub key_contains: Option<String>,
    /// With this in the query as it came.
    pub query_contains: Option<String>,
    /// From this one of the matching requests on, counted from 1; 0 is the first, too.
    pub nth: u32,
}

impl Matching {
    fn matches(&self, target: &Target<'_>) -> bool {
        let within = |wanted: &Option<String>, text: &str| {
            wanted.as_ref().is_none_or(|wanted| text.contains(wanted.as_str()))
        };
        self.call.is_none_or(|call| target.action.kind() == Some(call))
            && within(&self.key_contains, target.key)
            && within(&self.query_contains, target.query)
    }
}

/// What goes wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "outside semver")]
pub enum Effect {
    /// Nothing is done, and this error is answered.
    Error {
        /// The status.
        status: u16,
        /// The code.
        code: String,
        /// The message.
        message: String,
        /// `Retry-After` in seconds.
        retry_after: Option<u32>,
    },
    /// Nothing is done, and a 200 carries this error.
    ErrorIn200 {
        /// The code.
        code: String,
    },
    /// The request is executed, and a 200 carries this error.
    ActThenErrorIn200 {
        /// The code.
        code: String,
    },
    /// The request is executed, and a 500 InternalError is answered.
    ActThenError,
    /// The request is executed, and a 200 with the result's empty root element is answered.
    EmptyResult,
    /// The request is executed, and the connection is closed without an answer.
    LostReply,
    /// The connection is closed without doing anything.
    RefuseBefore,
    /// The request is executed; of the answer's body only so many bytes come (at least one is
    /// missing), then the connection is reset.
    CutBody(u64),
    /// The CRC-64 in the answer, header or element, is another one.
    WrongCrc,
    /// One byte is flipped: of an uploaded body before it is stored, of any other answer's body
    /// after its CRC was stated.
    CorruptBody,
    /// One byte of a copy, or of a part that is copied, is flipped before it is stored; the CRC that
    /// is answered is that of what is stored.
    CorruptCopy,
    /// The answer has no CRC-64.
    NoCrc,
    /// Of the keys of a multi-delete, the one of this number (counted from 0, and round) is not
    /// deleted and answered with InternalError; the others are deleted.
    KeyRefused(usize),
    /// The answer is chunked and begins with so many spaces.
    LeadingSpaces(usize),
    /// The gateway answers 502 with HTML, without a request id, and nothing is done.
    Gateway502,
    /// The answer's body comes slowly.
    Trickle {
        /// So many bytes at a time,
        bytes: usize,
        /// with this pause between.
        pause: Duration,
    },
}

impl Effect {
    /// An error with the usual message of its code.
    pub fn error(status: u16, code: impl Into<String>) -> Self {
        let code = code.into();
        Self::Error { status, message: message_of(&code).to_owned(), code, retry_after: None }
    }

    /// 503 SlowDown.
    pub fn slow_down() -> Self {
        Self::error(503, "SlowDown")
    }

    /// 500 InternalError.
    pub fn internal_error() -> Self {
        Self::error(500, "InternalError")
    }
}

pub(super) fn message_of(code: &str) -> &'static str {
    match code {
        "InternalError" => "We encountered an internal error. Please try again.",
        "SlowDown" => "Please reduce your request rate.",
        "ServiceUnavailable" => "Service is unavailable, please retry.",
        "UserNetworkTooSlow" => "The upload network is too slow.",
        "PathConflict" => "Path conflict.",
        "UploadConflict" => "Upload conflict.",
        "AccessDenied" => "Access Denied.",
        "NoSuchUpload" => "The specified multipart upload does not exist.",
        _ => "An injected fault.",
    }
}

/// Names a fault that was injected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FaultId(usize);

/// The request that a fault may meet.
#[derive(Debug)]
pub(super) struct Target<'a> {
    pub(super) action: Action,
    pub(super) key: &'a str,
    pub(super) query: &'a str,
}

/// All faults in wait.
#[derive(Debug)]
pub(super) struct Faults {
    armed: Vec<Armed>,
    rate: f64,
    random: Random,
    random_fired: u64,
}

#[derive(Debug)]
struct Armed {
    fault: Fault,
    seen: u32,
    fired: u32,
}

impl Faults {
    pub(super) fn new(rate: f64, seed: u64) -> Self {
        // Another sequence than the ids': the same faults meet the same requests whatever else
        // draws a number.
        Self { armed: Vec::new(), rate, random: Random::new(!seed), random_fired: 0 }
    }

    pub(super) fn set_rate(&mut self, rate: f64) {
        self.rate = rate;
    }

    pub(super) fn arm(&mut self, fault: Fault) -> FaultId {
        self.armed.push(Armed { fault, seen: 0, fired: 0 });
        FaultId(self.armed.len() - 1)
    }

    /// Whether any were ever injected.
    pub(super) fn are_armed(&self) -> bool {
        !self.armed.is_empty()
    }

    /// Ends all; how often they fired stays known.
    pub(super) fn disarm(&mut self) {
        for armed in &mut self.armed {
            armed.fault.times = armed.fired;
        }
    }

    pub(super) fn fired(&self, id: FaultId) -> u32 {
        self.armed.get(id.0).map_or(0, |armed| armed.fired)
    }

    pub(super) fn random_fired(&self) -> u64 {
        self.random_fired
    }

    /// What happens to a request: the first injected fault that is due, else perhaps a random one.
    pub(super) fn pick(&mut self, target: &Target<'_>) -> Option<Effect> {
        for armed in &mut self.armed {
            if armed.fired >= armed.fault.times || !armed.fault.matching.matches(target) {
                continue;
            }
            armed.seen += 1;
            if armed.seen >= armed.fault.matching.nth {
                armed.fired += 1;
                return Some(armed.fault.effect.clone());
            }
        }
        if !self.random.happens(self.rate) {
            return None;
        }
        self.random_fired += 1;
        Some(self.random_effect(target.action))
    }

    fn random_effect(&mut self, action: Action) -> Effect {
        let in_200 = matches!(
            action,
            Action::CompleteMultipartUpload | Action::PutObjectCopy | Action::UploadPartCopy
        );
        match self.random.below(7) {
            0 => Effect::slow_down(),
            1 => Effect::internal_error(),
            2 if uploads(action) => Effect::error(400, "UserNetworkTooSlow"),
            2 => Effect::RefuseBefore,
            3 if action == Action::GetObject => Effect::CutBody(self.random.below(1 << 20)),
            3 if in_200 || has_document(action) => Effect::CutBody(self.random.below(64)),
            3 | 4 => Effect::LostReply,
            5 => Effect::Gateway502,
            _ if in_200 => Effect::ErrorIn200 { code: "InternalError".to_owned() },
            _ => Effect::ActThenError,
        }
    }
}

fn has_document(action: Action) -> bool {
    matches!(
        action,
        Action::GetBucket
            | Action::ListMultipartUploads
            | Action::ListParts
            | Action::InitiateMultipartUpload
            | Action::DeleteMultipleObjects
    )
}

/// Whether a call brings an object's bytes.
pub(super) fn uploads(action: Action) -> bool {
    matches!(action, Action::PutObject | Action::UploadPart | Action::AppendObject)
}
