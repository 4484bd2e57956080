//! Lists objects page by page.
//!
//! ```text
//! Ready ──GET / (list)──▶ page untaken ──taken, truncated──▶ Ready
//!                                      └──taken, last page──▶ done
//! ```

use super::pages::Pages;
use crate::{
    Call, CallError, Error, Next, Operation, Rejected, Reply,
    api::{self, ListOptions, ListPage},
};

/// Lists objects (436/7734), at most one untaken page at a time.
///
/// # Errors
/// [`ErrorKind::Malformed`](crate::ErrorKind::Malformed) if a truncated page's next marker is not
/// after its marker, which would make the listing endless.
#[derive(Debug)]
pub struct List {
    options: ListOptions,
    pages: Pages<String>,
    page: Option<ListPage>,
    failed: Option<Error>,
}

impl List {
    /// Lists by these options; their marker says after which key to begin.
    pub fn new(options: ListOptions) -> Self {
        let pages = Pages::new(options.marker.clone());
        Self { options, pages, page: None, failed: None }
    }

    /// The page that has arrived, once. Until it is taken no other is asked for.
    pub fn take_page(&mut self) -> Option<ListPage> {
        self.page.take()
    }
}

impl Operation for List {
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
        let marker = self.pages.marker().clone();
        api::list_objects::call(&ListOptions { marker, ..self.options.clone() })
    }

    fn on_reply(&mut self, (): (), reply: Reply) -> Result<(), Rejected> {
        let mut page = api::list_objects::decode(&reply)?;
        self.pages.advance(page.next_marker.clone(), page.entries())?;
        page.objects.retain(|object| object.key.starts_with(&self.options.prefix));
        self.page = Some(page);
        Ok(())
    }

    fn on_error(&mut self, (): (), error: CallError) {
        self.pages.end();
        self.failed = Some(error.into_error().at(&*self.options.prefix));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        ErrorKind, Reason,
        error::Cause,
        op::testing::{Steps, failed, page, query, refused},
    };

    #[test]
    fn pages_follow_each_other_by_the_next_marker() {
        let options = ListOptions::new("d/").delimiter("/").marker("d/a").max_keys(2);
        let mut list = List::new(options);
        list.starts();
        assert!(list.is_pending());
        let call = list.call(());
        assert_eq!(
            ["prefix", "delimiter", "marker", "max-keys"].map(|name| query(&call, name)),
            [Some("d/"), Some("/"), Some("d/a"), Some("2")]
        );
        list.on_reply((), page(&[("d/b", 1)], &["d/c/"], Some("d/c/"))).expect("accepted");
        assert!(list.is_idle() && list.is_idle(), "one untaken page, no further call");
        let first = list.take_page().expect("page");
        assert_eq!((first.objects.len(), &*first.common_prefixes), (1, &["d/c/".to_owned()][..]));
        assert!(list.take_page().is_none(), "once");
        list.starts();
        assert_eq!(query(&list.call(()), "marker"), Some("d/c/"), "a common prefix may be one");
        list.on_reply((), page(&[("d/e", 1)], &[], None)).expect("accepted");
        assert!(list.is_idle());
        assert_eq!(list.take_page().map(|page| page.is_truncated), Some(false));
        list.ends().expect("all pages");
    }

    #[test]
    fn a_marker_that_does_not_advance_is_malformed() {
        for next in ["d/b", "d/a", ""] {
            let mut list = List::new(ListOptions::new("d/").marker("d/b"));
            list.starts();
            let answer = page(&[("d/b", 1)], &[], Some(next));
            let refused = list.on_reply((), answer);
            let Err(Rejected::Retry(reason @ Reason::Malformed(_))) = refused else {
                panic!("{next:?}: {refused:?}");
            };
            list.on_error((), failed(Cause::Rejected(reason)));
            assert_eq!(list.ends().expect_err("endless").kind(), &ErrorKind::Malformed);
        }
    }

    #[test]
    fn pages_that_arrived_are_had_before_the_error() {
        let mut list = List::new(ListOptions::new("d/"));
        list.starts();
        list.on_reply((), page(&[("d/b", 1)], &[], Some("d/b"))).expect("accepted");
        list.take_page().expect("page");
        list.starts();
        list.on_error((), refused(403, "AccessDenied"));
        let error = list.ends().expect_err("denied");
        assert_eq!((error.kind(), error.path()), (&ErrorKind::Denied, Some("d/")));
    }

    #[test]
    fn an_empty_list_is_one_empty_page() {
        let mut list = List::new(ListOptions::new(""));
        list.starts();
        list.on_reply((), page(&[], &[], None)).expect("accepted");
        assert_eq!(list.take_page().map(|page| page.objects.len()), Some(0));
        list.ends().expect("over");
    }
}
