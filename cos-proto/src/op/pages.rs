//! Where a listing stands: pages are asked for one at a time.

use crate::{Reason, Rejected, UploadId, api::UploadsPage};

/// A listing that goes on after `marker`.
#[derive(Debug)]
pub(crate) struct Pages<M> {
    marker: M,
    /// Whether the marker is still the caller's own.
    first: bool,
    /// How many pages in a row had nothing on them.
    empty: u32,
    state: State,
}

/// COS may give a page without an entry and say that there is more; a list of nothing else has no end.
const EMPTY_PAGES_MAX: u32 = 1000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Ready,
    UnderWay,
    Over,
}

impl<M: Marker> Pages<M> {
    /// From the beginning.
    pub(crate) fn new(start: M) -> Self {
        Self { marker: start, first: true, empty: 0, state: State::Ready }
    }

    /// Whether the next page is to be asked for; if so it now has been.
    pub(crate) fn start(&mut self) -> bool {
        let ready = self.state == State::Ready;
        if ready {
            self.state = State::UnderWay;
        }
        ready
    }

    /// Whether a next page is to be asked for.
    pub(crate) fn is_ready(&self) -> bool {
        self.state == State::Ready
    }

    /// The next page begins after `marker` instead, which is further on.
    pub(crate) fn jump(&mut self, marker: M) {
        self.marker = marker;
    }

    /// After what the page under way begins.
    pub(crate) fn marker(&self) -> &M {
        &self.marker
    }

    pub(crate) fn is_under_way(&self) -> bool {
        self.state == State::UnderWay
    }

    pub(crate) fn is_over(&self) -> bool {
        self.state == State::Over
    }

    /// A page with so many entries arrived; `next` is where the following one begins, if there is one.
    ///
    /// A marker that does not advance would make the listing endless, and so would pages that bring
    /// nothing. One step back is possible: a caller may begin below a common prefix, which then ends
    /// the first page.
    pub(crate) fn advance(&mut self, next: Option<M>, entries: usize) -> Result<(), Rejected> {
        let first = std::mem::take(&mut self.first);
        match next {
            Some(marker)
                if !(marker.is_after(&self.marker) || (first && self.marker.is_below(&marker))) =>
            {
                self.first = first;
                let what = "a truncated list's next marker is not after its marker";
                return Err(Rejected::Retry(Reason::Malformed(what.into())));
            }
            Some(marker) => {
                self.empty = if entries == 0 { self.empty.saturating_add(1) } else { 0 };
                if self.empty > EMPTY_PAGES_MAX {
                    let what = format!("{EMPTY_PAGES_MAX} pages in a row without an entry");
                    return Err(Rejected::Final(Reason::Malformed(what)));
                }
                self.marker = marker;
                self.state = State::Ready;
            }
            None => self.end(),
        }
        Ok(())
    }

    /// There will be no further page.
    pub(crate) fn end(&mut self) {
        self.state = State::Over;
    }
}

/// Where a page begins.
pub(crate) trait Marker {
    /// Whether a list that goes on here, after it began at `earlier`, comes to an end.
    fn is_after(&self, earlier: &Self) -> bool;

    /// Whether this is a key below the common prefix `prefix`.
    fn is_below(&self, prefix: &Self) -> bool;
}

/// The marker of a list of objects; empty at the start.
impl Marker for String {
    fn is_after(&self, earlier: &Self) -> bool {
        self > earlier
    }

    fn is_below(&self, prefix: &Self) -> bool {
        self != prefix && self.starts_with(&**prefix)
    }
}

/// The markers of a list of uploads. Both are needed: by the key alone the rest of its uploads
/// would be skipped.
#[derive(Clone, Debug, Default)]
pub(crate) struct UploadsMarker {
    pub(crate) key: String,
    pub(crate) upload: Option<UploadId>,
}

impl UploadsMarker {
    /// Where the page after this one begins, if there is one.
    pub(crate) fn after(page: &UploadsPage) -> Option<Self> {
        let key = page.next_key_marker.clone().filter(|_| page.is_truncated)?;
        Some(Self { key, upload: page.next_upload_id_marker.clone() })
    }
}

impl Marker for UploadsMarker {
    /// Nobody promises the order of ids of one key, so there only a repetition is noticed.
    fn is_after(&self, earlier: &Self) -> bool {
        self.key > earlier.key || (self.key == earlier.key && self.upload != earlier.upload)
    }

    fn is_below(&self, prefix: &Self) -> bool {
        self.key.is_below(&prefix.key)
    }
}
