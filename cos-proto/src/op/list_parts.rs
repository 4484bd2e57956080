//! Lists the parts of an upload page by page.
//!
//! ```text
//! Ready ──GET ?uploadId──▶ page untaken ──taken, truncated──▶ Ready
//!                                      └──taken, last page──▶ done
//! ```

use super::pages::{Marker, Pages};
use crate::{
    Call, CallError, Error, Key, Next, Operation, PartNumber, Rejected, Reply, UploadId,
    api::{self, PartsPage},
};

/// Lists what has been uploaded of a multipart upload (436/7747), at most one untaken page at a time.
///
/// # Errors
/// [`ErrorKind::UploadLost`](crate::ErrorKind::UploadLost) if there is no such upload.
#[derive(Debug)]
pub struct ListParts {
    key: Key,
    upload: UploadId,
    pages: Pages<Option<PartNumber>>,
    page: Option<PartsPage>,
    failed: Option<Error>,
}

impl ListParts {
    /// Lists all parts of this upload.
    pub fn new(key: Key, upload: UploadId) -> Self {
        Self { key, upload, pages: Pages::new(None), page: None, failed: None }
    }

    /// Lists only the parts after this one.
    #[must_use]
    pub fn after(mut self, number: PartNumber) -> Self {
        self.pages = Pages::new(Some(number));
        self
    }

    /// The page that has arrived, once. Until it is taken no other is asked for.
    pub fn take_page(&mut self) -> Option<PartsPage> {
        self.page.take()
    }
}

/// The number of the last part of the page before.
impl Marker for Option<PartNumber> {
    fn is_after(&self, earlier: &Self) -> bool {
        self > earlier
    }

    fn is_below(&self, _prefix: &Self) -> bool {
        false
    }
}

impl Operation for ListParts {
    type Tag = ();
    type Output = Result<(), Error>;

    fn next(&mut self) -> Next<(), Self::Output> {
        if self.page.is_some() {
            return Next::Idle;
        }
        if let Some(error) = self.failed.take() {
            return Next::Done(Err(error));
        }
        if self.pages.start() {
            return Next::Call(());
        }
        if self.pages.is_over() { Next::Done(Ok(())) } else { Next::Pending }
    }

    fn call(&self, (): ()) -> Call {
        api::multipart::list_parts::call(&self.key, &self.upload, *self.pages.marker())
    }

    fn on_reply(&mut self, (): (), reply: Reply) -> Result<(), Rejected> {
        let page = api::multipart::list_parts::decode(&reply)?;
        self.pages.advance(page.next_marker.map(Some), page.parts.len())?;
        self.page = Some(page);
        Ok(())
    }

    fn on_error(&mut self, (): (), error: CallError) {
        self.pages.end();
        self.failed = Some(error.into_error().at(self.key.as_str()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Reason,
        api::testing::{key, reply, sample, upload_id, wire},
    };

    #[test]
    fn asks_for_the_next_page_when_one_was_taken() {
        let mut list = ListParts::new(key("big.bin"), upload_id());
        assert!(matches!(list.next(), Next::Call(())));
        assert!(matches!(list.next(), Next::Pending));
        list.on_reply((), reply(200, &[], &sample("list_parts_page1.xml"))).expect("a page");
        assert!(matches!(list.next(), Next::Idle));
        assert_eq!(list.take_page().expect("a page").parts.len(), 1);
        assert!(matches!(list.next(), Next::Call(())));
        assert!(wire(list.call(())).ends_with("&part-number-marker=1"));
        list.on_reply((), reply(200, &[], &sample("list_parts.xml"))).expect("a page");
        assert!(matches!(list.next(), Next::Idle));
        assert_eq!(list.take_page().expect("a page").parts.len(), 3);
        assert!(matches!(list.next(), Next::Done(Ok(()))));
    }

    #[test]
    fn a_page_that_leads_nowhere_does_not_count() {
        let mut list = ListParts::new(key("big.bin"), upload_id());
        let first = || reply(200, &[], &sample("list_parts_page1.xml"));
        assert!(matches!(list.next(), Next::Call(())));
        list.on_reply((), first()).expect("a page");
        list.take_page();
        assert!(matches!(list.next(), Next::Call(())));
        let again = list.on_reply((), first());
        assert!(matches!(again, Err(Rejected::Retry(Reason::Malformed(_)))));
        assert!(list.take_page().is_none());
    }
}
