//! Aborts one multipart upload.
//!
//! ```text
//! DELETE key?uploadId ──204──▶ Aborted
//!                     └─404──▶ NotFound
//! ```

use super::once::Once;
use crate::{Call, CallError, Error, Key, Next, Operation, Rejected, Reply, UploadId, api};

/// Aborts a multipart upload (436/7740) and frees its parts.
#[derive(Debug)]
pub struct AbortUpload {
    key: Key,
    upload: UploadId,
    state: Once<AbortOutcome>,
}

/// What became of an upload that was to be aborted. Either way it is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "there is no third case")]
pub enum AbortOutcome {
    /// COS has aborted it.
    Aborted,
    /// There was none: completed, aborted before, or never begun.
    NotFound,
}

impl AbortUpload {
    /// Aborts the upload `upload` of `key`.
    pub fn new(key: Key, upload: UploadId) -> Self {
        Self { key, upload, state: Once::Ready }
    }
}

impl Operation for AbortUpload {
    type Tag = ();
    type Output = Result<AbortOutcome, Error>;

    fn next(&mut self) -> Next<(), Self::Output> {
        self.state.next()
    }

    fn call(&self, (): ()) -> Call {
        api::multipart::abort::call(&self.key, &self.upload)
    }

    fn on_reply(&mut self, (): (), _reply: Reply) -> Result<(), Rejected> {
        self.state = Once::Over(Ok(AbortOutcome::Aborted));
        Ok(())
    }

    fn on_error(&mut self, (): (), error: CallError) {
        self.state = Once::Over(if upload_is_gone(&error) {
            Ok(AbortOutcome::NotFound)
        } else {
            Err(error.into_error().at(self.key.as_str()))
        });
    }
}

/// What an error says besides after a Create of which an earlier attempt may have been executed.
pub(crate) const STRAY: &str =
    "an earlier attempt may have left an unfinished upload, which a sweep removes";

/// Whether an abort failed because there is nothing to abort.
pub(crate) fn upload_is_gone(error: &CallError) -> bool {
    super::settle::upload_is_gone(error) || error.is_not_found()
}
