//! What a recursive operation could not do, collected while it goes on with the rest.

use crate::{CallError, Error, ErrorKind, Key, KeyFailure};

/// The failures so far. Bounded: at [`FAILURES_MAX`] the operation stops.
#[derive(Debug, Default)]
pub(crate) struct Failures {
    keys: Vec<KeyFailure>,
    /// The first call that failed as a whole: its request id and attempts go into the error.
    first: Option<Error>,
    fatal: bool,
}

/// An operation that failed for so many keys stops: trying the rest would only repeat it.
pub(crate) const FAILURES_MAX: usize = 1000;

impl Failures {
    /// One key cannot be handled.
    pub(crate) fn key(&mut self, failure: KeyFailure) {
        self.keys.push(failure);
    }

    /// COS refused keys of a batch.
    pub(crate) fn keys(&mut self, failures: Vec<KeyFailure>) {
        self.keys.extend(failures);
    }

    /// A call about these keys failed; the operation goes on with others.
    pub(crate) fn call(&mut self, keys: &[Key], error: CallError) {
        let code = error.code().map_or_else(|| error.call.name().to_owned(), str::to_owned);
        let error = error.into_error();
        let message = error.to_string();
        self.keys.extend(
            keys.iter()
                .map(|key| KeyFailure::new(key.as_str().into(), code.clone(), message.clone())),
        );
        self.first.get_or_insert(error);
    }

    /// A call without which the operation cannot go on failed.
    pub(crate) fn fatal(&mut self, error: CallError) {
        if !self.fatal {
            self.first = Some(error.into_error());
        }
        self.fatal = true;
    }

    /// Whether to start nothing new.
    pub(crate) fn stop(&self) -> bool {
        self.fatal || self.keys.len() >= FAILURES_MAX
    }

    /// The error, if anything failed; `what` names what was being done.
    pub(crate) fn take_error(&mut self, what: &str) -> Option<Error> {
        let keys = std::mem::take(&mut self.keys);
        let error = self.first.take().or_else(|| {
            let first = keys.first()?;
            let denied = first.code == "AccessDenied";
            let kind = if denied { ErrorKind::Denied } else { ErrorKind::Service };
            Some(Error::new(kind, format!("{what}: {} keys failed: {}", keys.len(), first.message)))
        })?;
        Some(error.with_failures(keys))
    }
}
