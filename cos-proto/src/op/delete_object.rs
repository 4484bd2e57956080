//! Deletes one object.
//!
//! ```text
//! DELETE key ──204 or 404──▶ done
//! ```

use super::once::Once;
use crate::{Call, CallError, Error, Key, Next, Operation, Rejected, Reply, api};

/// Deletes one object (436/7743). An object that does not exist is deleted already: COS answers
/// 204 for it.
///
/// In a bucket with versions this makes a delete marker, unless a version is named.
#[derive(Debug)]
pub struct DeleteObject {
    key: Key,
    version: Option<String>,
    state: Once<()>,
}

impl DeleteObject {
    /// Deletes the object at `key`, or one version of it for good.
    pub fn new(key: Key, version: Option<String>) -> Self {
        Self { key, version, state: Once::Ready }
    }
}

impl Operation for DeleteObject {
    type Tag = ();
    type Output = Result<(), Error>;

    fn next(&mut self) -> Next<(), Self::Output> {
        self.state.next()
    }

    fn call(&self, (): ()) -> Call {
        api::delete_object::call(&self.key, self.version.as_deref())
    }

    fn on_reply(&mut self, (): (), _reply: Reply) -> Result<(), Rejected> {
        self.state = Once::Over(Ok(()));
        Ok(())
    }

    fn on_error(&mut self, (): (), error: CallError) {
        self.state = Once::Over(if error.is_not_found() {
            Ok(())
        } else {
            Err(error.into_error().at(self.key.as_str()))
        });
    }
}
