//! What was asked and answered, for tests; bounded.

use std::collections::VecDeque;

use http::Method;

use super::Effect;
use crate::CallKind;

/// The most requests that are remembered; older ones are forgotten.
const LOGGED_MAX: usize = 100_000;

/// One request and the status of its answer.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Logged {
    /// The method.
    pub method: Method,
    /// The path as it came, still encoded.
    pub path: String,
    /// The query as it came, still encoded, without `?`; signatures and tokens are blotted out.
    pub query: String,
    /// The API called, if the client has it too.
    pub call: Option<CallKind>,
    /// The API's name, as in `name/cos:PutObject`; empty if the request could not be routed.
    pub action: &'static str,
    /// The bucket addressed.
    pub bucket: String,
    /// The key addressed, decoded; empty for the bucket itself.
    pub key: String,
    /// The status answered; 0 if the connection was closed without an answer.
    pub status: u16,
    /// The error code answered.
    pub code: Option<String>,
    /// The bytes of the request's body.
    pub bytes_received: u64,
    /// The fault that it met.
    pub fault: Option<Effect>,
}

/// The requests so far.
#[derive(Debug, Default)]
pub(super) struct Log {
    requests: VecDeque<Logged>,
    off: bool,
}

impl Log {
    pub(super) fn push(&mut self, logged: Logged) {
        if self.off {
            return;
        }
        if self.requests.len() == LOGGED_MAX {
            self.requests.pop_front();
        }
        self.requests.push_back(logged);
    }

    pub(super) fn to_vec(&self) -> Vec<Logged> {
        self.requests.iter().cloned().collect()
    }

    pub(super) fn is_kept(&self) -> bool {
        !self.off
    }

    pub(super) fn keep(&mut self, keep: bool) {
        self.off = !keep;
    }

    pub(super) fn clear(&mut self) {
        self.requests.clear();
    }
}

/// The query without what would let a reader of the log sign or act.
pub(super) fn blot(query: &str) -> String {
    let blotted = |pair: &str| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let secret = ["q-signature", "sign", "x-cos-security-token"]
            .iter()
            .any(|secret| name.eq_ignore_ascii_case(secret));
        if secret && !value.is_empty() { format!("{name}=redacted") } else { pair.to_owned() }
    };
    query.split('&').map(blotted).collect::<Vec<_>>().join("&")
}
