//! Everything below a directory.

use std::{
    fmt,
    future::poll_fn,
    pin::Pin,
    task::{Context, Poll},
};

use cos_proto::{
    Error, Policy,
    driver::Naming,
    op::{self, WalkControl, WalkEntry},
};
use futures_core::Stream;

use crate::{client::Client, taking::Taking};

/// The files and directories below a directory, as a [`Stream`] or by
/// [`next_entry`](Self::next_entry); directories come before what is in them, in the order of their
/// keys' bytes.
pub struct Walk(Taking<op::Walk>);

impl Walk {
    pub(crate) fn new(client: &Client, walk: op::Walk, policy: Policy, naming: Naming) -> Self {
        Self(Taking::new(client.drive(walk, policy), naming))
    }

    /// The next entry; `None` after the last, and after an error.
    pub async fn next_entry(&mut self) -> Option<Result<WalkEntry, Error>> {
        poll_fn(|cx| self.0.poll_take(cx, op::Walk::next_entry)).await
    }

    /// Passes over everything below the directory `path`. (A stream's `skip` counts entries.)
    pub fn skip_below(&mut self, path: &str) {
        self.0.operation_mut().skip(path);
    }

    /// Ends the walk for good.
    pub fn stop(&mut self) {
        self.0.operation_mut().stop();
    }

    /// Gives every entry to `visit`, which says how to go on.
    pub(crate) async fn visit<E: From<Error>>(
        mut self,
        mut visit: impl FnMut(WalkEntry) -> Result<WalkControl, E>,
    ) -> Result<(), E> {
        while let Some(entry) = self.next_entry().await {
            let entry = entry?;
            let control = visit(entry.clone())?;
            self.0.operation_mut().go_on(control, &entry);
        }
        Ok(())
    }
}

impl Stream for Walk {
    type Item = Result<WalkEntry, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_take(cx, op::Walk::next_entry)
    }
}

impl fmt::Debug for Walk {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Walk")
    }
}
