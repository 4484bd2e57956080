//! Everything below a directory.

use std::fmt;

use cos_proto::{
    Error, Policy,
    driver::Naming,
    op::{self, WalkControl, WalkEntry},
};

use crate::{client::Client, taking::Taking};

/// The files and directories below a directory; directories come before what is in them, in the
/// order of their keys' bytes. After an error there are no more.
pub struct Walk(Taking<op::Walk>);

impl Walk {
    pub(crate) fn new(client: &Client, walk: op::Walk, policy: Policy, naming: Naming) -> Self {
        Self(Taking::new(client, walk, policy, naming, op::Walk::has_entry))
    }

    /// Passes over everything below the directory `path`. ([`Iterator::skip`] counts entries.)
    pub fn skip_below(&mut self, path: &str) {
        self.0.operation_mut().skip(path);
    }

    /// Ends the walk for good.
    pub fn stop(&mut self) {
        self.0.operation_mut().stop();
    }

    /// Gives every entry to `visit`, which says how to go on.
    pub(crate) fn visit<E: From<Error>>(
        mut self,
        mut visit: impl FnMut(WalkEntry) -> Result<WalkControl, E>,
    ) -> Result<(), E> {
        while let Some(entry) = self.next() {
            let entry = entry?;
            let control = visit(entry.clone())?;
            self.0.operation_mut().go_on(control, &entry);
        }
        Ok(())
    }
}

impl Iterator for Walk {
    type Item = Result<WalkEntry, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.take(op::Walk::next_entry)
    }
}

impl fmt::Debug for Walk {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Walk")
    }
}
