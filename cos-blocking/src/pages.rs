//! Lists, page by page.

use std::fmt;

use cos_proto::{Error, driver::Naming, op::Paged};

use crate::{client::Client, taking::Taking};

/// The pages of a list. The page after the one taken is asked for ahead; no more are held. After an
/// error there are no more.
pub struct Pages<O: Paged>(Taking<O>);

impl<O: Paged> Pages<O> {
    pub(crate) fn new(client: &Client, list: O) -> Self {
        Self(Taking::new(client, list, client.shared.policy.clone(), Naming::KEY, |_| false))
    }
}

impl<O: Paged> Iterator for Pages<O> {
    type Item = Result<O::Page, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.take(O::take_page)
    }
}

impl<O: Paged> fmt::Debug for Pages<O> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Pages")
    }
}
