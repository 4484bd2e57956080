//! Which failures are right, and what they say about whether the call took effect.

use super::{
    Call, Failure, Millis, Model, Violation, WriterId,
    state::{Under, key_of},
};
use crate::{ErrorKind, Policy};

/// What a failure leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// The call took no effect and never will.
    Never,
    /// It may have taken effect, or may yet.
    Unknown,
}

impl Model {
    /// Judges kinds that do not depend on what the bucket holds; the others are for the caller.
    pub(super) fn judge(
        &self,
        under: &Under,
        key: &str,
        writer: Option<WriterId>,
        failure: &Failure,
    ) -> Result<Fate, Violation> {
        let calm = self.is_calm(under);
        if writer.is_none() && self.gave_up_early(under, failure) {
            return Err(self.violation(under, failure, "it had time for more attempts"));
        }
        match &failure.kind {
            ErrorKind::InvalidPath if !has_valid_paths(&under.call) => Ok(Fate::Never),
            ErrorKind::Transport | ErrorKind::Credentials if !calm => {
                let single = matches!(
                    under.call,
                    Call::Put { .. } | Call::PutKey { .. } | Call::DeleteKey { .. }
                );
                let unsent = single && failure.call.is_some() && !failure.maybe_done;
                Ok(if unsent { Fate::Never } else { Fate::Unknown })
            }
            ErrorKind::Throttled { .. }
            | ErrorKind::Service
            | ErrorKind::Malformed
            | ErrorKind::Denied
            | ErrorKind::Corrupt
                if !calm =>
            {
                Ok(Fate::Unknown)
            }
            ErrorKind::OutcomeUnknown if !calm && may_be_unknown(&under.call) => Ok(Fate::Unknown),
            // Completed by an attempt unheard of, and replaced or deleted since; or aborted.
            ErrorKind::UploadLost | ErrorKind::Overwritten if writer.is_none() => {
                let by_parts = matches!(
                    under.call,
                    Call::Rename { .. } | Call::CopyKey { .. } | Call::UploadKey { .. }
                );
                if by_parts && (!calm || self.others_at(key, under)) {
                    Ok(Fate::Unknown)
                } else {
                    Err(self.violation(under, &failure.kind, "nobody else was at the path"))
                }
            }
            kind if calm => Err(self.violation(under, kind, "no such failure in calm weather")),
            kind => Err(self.violation(under, kind, "no failure of this kind")),
        }
    }

    /// Whether a call failed for a reason that may pass before its attempts were spent, and long
    /// before its deadline. A writer's calls may have begun before the one that tells of them.
    fn gave_up_early(&self, under: &Under, failure: &Failure) -> bool {
        const SOON: Millis = 100_000;
        let may_pass = matches!(failure.kind, ErrorKind::Transport | ErrorKind::Throttled { .. });
        let took = self.now.at.saturating_sub(under.begun.at);
        let attempts = Policy::default().attempts_max;
        may_pass && failure.call.is_some() && failure.attempts < attempts && took < SOON
    }

    /// Whether another call may have changed the slot meanwhile.
    fn others_at(&self, key: &str, under: &Under) -> bool {
        self.slots.get(key).is_some_and(|slot| {
            slot.effects
                .iter()
                .any(|effect| effect.call != under.id && effect.ended > under.begun.seq)
        })
    }

    pub(super) fn violation(
        &self,
        under: &Under,
        outcome: impl std::fmt::Debug,
        allowed: impl AsRef<str>,
    ) -> Violation {
        let writer = match &under.call {
            Call::Write { writer, .. }
            | Call::Close { writer }
            | Call::Commit { writer }
            | Call::Cancel { writer } => self.writers.get(writer),
            _ => None,
        };
        let at = writer.map_or(String::new(), |writer| format!(" at {:?}", writer.key));
        Violation::new(format!(
            "call {} of process {} begun at {} ms: {}{at} ended as {}; allowed: {}",
            under.id.0,
            under.process.0,
            under.begun.at,
            short(&format!("{:?}", under.call)),
            short(&format!("{outcome:?}")),
            allowed.as_ref(),
        ))
    }
}

fn may_be_unknown(call: &Call) -> bool {
    matches!(
        call,
        Call::Put { .. }
            | Call::PutKey { .. }
            | Call::Commit { .. }
            | Call::Rename { .. }
            | Call::CopyKey { .. }
            | Call::UploadKey { .. }
    )
}

/// Text of contents is cut: the ids in them come first.
pub(super) fn short(text: &str) -> String {
    const MAX: usize = 240;
    if text.len() <= MAX {
        return text.to_owned();
    }
    let head: String = text.chars().take(MAX - 40).collect();
    let count = text.chars().count();
    let tail: String = text.chars().skip(count.saturating_sub(40)).collect();
    format!("{head} … {tail}")
}

fn has_valid_paths(call: &Call) -> bool {
    match call {
        Call::Put { path, .. }
        | Call::Get { path }
        | Call::Read { path, .. }
        | Call::Open { path, .. }
        | Call::Delete { path } => is_path(path),
        Call::Stat { path } | Call::List { path } | Call::Walk { from: path, .. } => {
            path == "/" || is_path(path)
        }
        Call::Rename { from, to } => is_path(from) && is_path(to),
        _ => true,
    }
}

/// The registry's grammar of paths.
pub(super) fn is_path(path: &str) -> bool {
    path.starts_with('/') && key_of(path).split('/').all(is_component)
}

pub(super) fn is_component(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    !name.is_empty() && name.bytes().all(allowed)
}
