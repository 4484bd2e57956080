//! One stretch of the order of keys, listed page by page.

use std::collections::VecDeque;

use crate::{
    CallError, KEY_BYTES_MAX,
    api::{ListPage, ListedObject},
    op::pages::Pages,
};

/// The keys from `from` on, up to `until`.
#[derive(Debug)]
pub(super) struct Range {
    pub(super) id: u64,
    /// Empty if it begins where its list does.
    pub(super) from: String,
    /// This key is not in it any more; without it, it has no end of its own.
    pub(super) until: Option<String>,
    pub(super) pages: Pages<String>,
    /// Pages that are not taken yet.
    held: VecDeque<VecDeque<ListedObject>>,
    /// How many pages have arrived.
    pub(super) read: usize,
    /// After so many pages it is worth asking where it could be cut.
    pub(super) probe_after: usize,
    pub(super) failed: Option<CallError>,
}

impl Range {
    /// All keys after `marker`.
    pub(super) fn all(marker: String) -> Self {
        Self {
            id: 0,
            from: String::new(),
            until: None,
            pages: Pages::new(marker),
            held: VecDeque::new(),
            read: 0,
            probe_after: 1,
            failed: None,
        }
    }

    /// Ends at the directory `cut`, which begins the range that this gives.
    pub(super) fn split(&mut self, id: u64, cut: &str, probe_after: usize) -> Self {
        let until = self.until.replace(cut.to_owned());
        Self { id, until, probe_after, from: cut.to_owned(), ..Self::all(before(cut)) }
    }

    pub(super) fn is_begun(&self) -> bool {
        self.read > 0 || !self.pages.is_ready()
    }

    /// Nothing of it is left to come.
    pub(super) fn is_spent(&self) -> bool {
        self.pages.is_over() && self.held.is_empty() && self.failed.is_none()
    }

    /// All that is left of it is why it failed.
    pub(super) fn has_failed(&self) -> bool {
        self.failed.is_some() && self.held.is_empty()
    }

    pub(super) fn pages_held(&self) -> usize {
        self.held.len()
    }

    /// Pages that take memory, or will when they arrive.
    pub(super) fn pages_counted(&self) -> usize {
        self.held.len().saturating_add(usize::from(self.pages.is_under_way()))
    }

    /// Whether a further range could begin at `cut`.
    pub(super) fn may_end_at(&self, cut: &str) -> bool {
        let before_end = self.until.as_deref().is_none_or(|until| cut < until);
        !self.pages.is_over() && before_end && cut > self.known()
    }

    /// Up to here the list has been asked for, or need not be.
    pub(super) fn known(&self) -> &str {
        self.pages.marker().max(&self.from)
    }

    /// Whether all its keys begin with `prefix`.
    pub(super) fn is_within(&self, prefix: &str) -> bool {
        let until = self.until.as_deref();
        self.from.starts_with(prefix) && until.is_some_and(|until| until.starts_with(prefix))
    }

    pub(super) fn pop(&mut self) -> Option<ListedObject> {
        let object = self.held.front_mut()?.pop_front();
        if self.held.front().is_some_and(VecDeque::is_empty) {
            self.held.pop_front();
        }
        object
    }

    /// Keeps what is in the range of a page that its list has advanced by, and says how much that is.
    pub(super) fn keep(&mut self, page: ListPage) -> usize {
        self.read = self.read.saturating_add(1);
        let mut objects = page.objects;
        if let Some(until) = &self.until {
            objects.retain(|object| *object.key < **until);
            if self.pages.marker() >= until {
                self.pages.end();
            }
        }
        if !self.from.is_empty() {
            objects.retain(|object| *object.key >= *self.from);
        }
        let kept = objects.len();
        if kept > 0 {
            self.held.push_back(objects.into());
        }
        kept
    }

    #[cfg(feature = "sim")]
    pub(super) fn lose_first(&mut self) {
        self.pop();
    }

    /// The next page begins behind the directory that is passed over, if it would begin within it.
    ///
    /// Such a marker still begins with `directory/`, so nothing outside is passed over; and no
    /// character sorts after its last one, so next to nothing is left inside.
    pub(super) fn jump(&mut self, skipped: &str) {
        let marker = self.pages.marker();
        let behind = format!("{skipped}{}", char::MAX);
        let pays = marker.starts_with(skipped) && behind > *marker;
        if self.pages.is_ready() && pays && behind.len() <= KEY_BYTES_MAX {
            self.pages.jump(behind);
        }
    }
}

/// A marker before all that begins with `directory/`, the key `directory/` among it, which a list
/// after that marker itself would not show.
///
/// The byte before `/` is `.`; hardly a key begins with that and the highest character.
fn before(directory: &str) -> String {
    let name = directory.strip_suffix('/').unwrap_or(directory);
    let marker = format!("{name}.{}", char::MAX);
    if marker.len() <= KEY_BYTES_MAX { marker } else { name.to_owned() }
}
