//! What the operations that list have in common.

use super::{List, ListParts, ListUploads};
use crate::{
    Error, Operation,
    api::{ListPage, PartsPage, UploadsPage},
};

/// An operation that lists page by page. It is idle while there is a page to be taken.
pub trait Paged: Operation<Output = Result<(), Error>> {
    /// One page.
    type Page;

    /// The page that has arrived, once. Until it is taken no other is asked for.
    fn take_page(&mut self) -> Option<Self::Page>;
}

impl Paged for List {
    type Page = ListPage;

    fn take_page(&mut self) -> Option<ListPage> {
        Self::take_page(self)
    }
}

impl Paged for ListUploads {
    type Page = UploadsPage;

    fn take_page(&mut self) -> Option<UploadsPage> {
        Self::take_page(self)
    }
}

impl Paged for ListParts {
    type Page = PartsPage;

    fn take_page(&mut self) -> Option<PartsPage> {
        Self::take_page(self)
    }
}
