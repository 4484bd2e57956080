//! Lists, page by page.

use std::{
    fmt,
    future::poll_fn,
    pin::Pin,
    task::{Context, Poll},
};

use cos_proto::{Error, driver::Naming, op::Paged};
use futures_core::Stream;

use crate::{client::Client, taking::Taking};

/// The pages of a list, as a [`Stream`] or by [`next_page`](Self::next_page). The page after the one
/// taken is asked for ahead; no more are held. After an error there are no more.
pub struct Pages<O: Paged>(Taking<O>);

impl<O: Paged> Pages<O> {
    pub(crate) fn new(client: &Client, list: O) -> Self {
        let drive = client.drive(list, client.shared.policy.clone());
        Self(Taking::new(drive, Naming::KEY))
    }

    /// The next page; `None` after the last, and after an error.
    ///
    /// # Errors
    /// Why the rest could not be had.
    pub async fn next_page(&mut self) -> Option<Result<O::Page, Error>> {
        poll_fn(|cx| self.0.poll_take(cx, O::take_page)).await
    }
}

/// Nothing in it is pinned.
impl<O: Paged> Unpin for Pages<O> {}

impl<O: Paged> Stream for Pages<O> {
    type Item = Result<O::Page, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_take(cx, O::take_page)
    }
}

impl<O: Paged> fmt::Debug for Pages<O> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Pages")
    }
}
