//! How the errors of a reader, a writer or a walk name what they are about.

use super::Driver;
use crate::Error;

/// Names errors for a handle: those of a driver with the driver and the path, those of a client on
/// keys as they are.
#[derive(Clone, Debug)]
pub struct Naming(Option<(Driver, String)>);

impl Naming {
    /// Errors as the operations make them: they name the key.
    pub const KEY: Self = Self(None);

    pub(super) fn path(driver: Driver, path: &str) -> Self {
        Self(Some((driver, path.to_owned())))
    }

    /// The error as the caller is to see it.
    #[must_use]
    pub fn error(&self, error: Error) -> Error {
        match &self.0 {
            None => error,
            Some((driver, path)) => driver.error(path, error),
        }
    }
}
