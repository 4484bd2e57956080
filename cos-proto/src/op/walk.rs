//! Walks everything below a directory, from one flat list.
//!
//! ```text
//! Ready ──GET / (prefix from/)──▶ page: entries are taken ──all taken, truncated──▶ Ready
//!                                                         └──all taken, last page──▶ done
//! ```
//!
//! | key below `from` | entries |
//! |---|---|
//! | `d/e/f` | directories `/d`, `/d/e` unless the key before was in them, then the file |
//! | `d/` (console placeholder), `d/f~upload` (record) | directory `/d` |
//! | `d//f`, `d/a b/f` | directory `/d`: what is below cannot be named by a path |
//!
//! The order is that of the keys' bytes, in which all keys of a directory stand together; so a
//! directory is reported once, by comparing each key with the one before.

use std::collections::VecDeque;

use super::pages::Pages;
use crate::{
    Call, CallError, DriverPath, Error, KEY_BYTES_MAX, Next, Operation, Rejected, Reply,
    RootDirectory, UnixTime,
    api::{self, ListOptions, ListedObject},
    path::is_component,
};

/// Walks all files and directories below a directory, directories before what is in them.
///
/// Paths come in the order of their keys' bytes: `/a-b` before `/a/b`. A missing directory has no
/// entries, which is no error. At most one page of a list is held.
#[derive(Debug)]
pub struct Walk {
    root: RootDirectory,
    prefix: String,
    pages: Pages<String>,
    page: VecDeque<ListedObject>,
    /// Entries of the key before, which are not taken yet.
    ready: VecDeque<WalkEntry>,
    /// The key before, without the prefix.
    previous: String,
    /// Keys that begin so are passed over.
    skipped: Option<String>,
    stopped: bool,
    failed: Option<Error>,
    #[cfg(feature = "sim")]
    simulated: crate::sim::Simulated,
}

/// How to walk.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct WalkOptions {
    /// Only keys after this path's, in the order of their bytes. The path need not exist. The
    /// directories of the first key after it are reported, though they sort before.
    pub start_after: Option<DriverPath>,
}

impl WalkOptions {
    /// The whole directory.
    pub fn new() -> Self {
        Self::default()
    }

    /// Only what comes after `path`.
    #[must_use]
    pub fn start_after(mut self, path: DriverPath) -> Self {
        self.start_after = Some(path);
        self
    }
}

/// A file or directory that a walk found.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct WalkEntry {
    /// The absolute path.
    pub path: String,
    /// Whether it is a directory.
    pub is_dir: bool,
    /// The size of the file in bytes; 0 for a directory.
    pub size: u64,
    /// When the file was written; `None` for a directory.
    pub modified: Option<UnixTime>,
}

/// How a walk goes on after an entry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "the contract knows these three")]
pub enum WalkControl {
    /// With the next entry.
    #[default]
    Continue,
    /// Without what is below this directory; of a file it says nothing.
    Skip,
    /// Not at all.
    Stop,
}

impl Walk {
    /// Walks what is below `from`.
    pub fn new(root: &RootDirectory, from: &DriverPath, options: &WalkOptions) -> Self {
        let marker = match &options.start_after {
            None => String::new(),
            Some(path) if path.is_root() => String::new(),
            Some(path) => format!("{}{}", root.prefix(), path.as_str().trim_start_matches('/')),
        };
        Self {
            root: root.clone(),
            prefix: root.prefix_of(from),
            pages: Pages::new(marker),
            page: VecDeque::new(),
            ready: VecDeque::new(),
            previous: String::new(),
            skipped: None,
            stopped: false,
            failed: None,
            #[cfg(feature = "sim")]
            simulated: crate::sim::Simulated::default(),
        }
    }

    /// The next entry, if one is at hand; there is one whenever the walk is idle.
    pub fn next_entry(&mut self) -> Option<WalkEntry> {
        self.fill();
        self.ready.pop_front()
    }

    /// Passes over everything below `path`, and over `path` itself if it is still to come: after
    /// a directory's entry, all that is in it.
    pub fn skip(&mut self, path: &str) {
        let below = format!("{}{}/", self.root.prefix(), path.trim_matches('/'));
        let below = if path == "/" { self.root.prefix().to_owned() } else { below };
        let unbounded = planted!(self.simulated, SkipWithoutBoundary);
        let below = if unbounded { below.trim_end_matches('/').to_owned() } else { below };
        if self.prefix.starts_with(&below) {
            return self.stop();
        }
        let within = |entry: &WalkEntry| {
            let rest = entry.path.strip_prefix(path);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        self.ready.retain(|entry| !within(entry));
        self.skipped = Some(below);
    }

    /// Ends the walk for good.
    pub fn stop(&mut self) {
        self.stopped = true;
        self.page.clear();
        self.ready.clear();
    }

    /// Goes on after `entry` as whoever visited it says.
    pub fn go_on(&mut self, control: WalkControl, entry: &WalkEntry) {
        match control {
            WalkControl::Skip if entry.is_dir => self.skip(&entry.path),
            WalkControl::Continue | WalkControl::Skip => {}
            WalkControl::Stop => self.stop(),
        }
    }

    /// Goes on to the next key that adds entries.
    fn fill(&mut self) {
        while self.ready.is_empty()
            && let Some(object) = self.page.pop_front()
        {
            let skipped = self.skipped.as_deref();
            if !skipped.is_some_and(|skipped| object.key.starts_with(skipped)) {
                self.expand(&object);
            }
        }
    }

    /// Makes the entries that a key adds.
    fn expand(&mut self, object: &ListedObject) {
        let Some(rest) = object.key.strip_prefix(&*self.prefix) else { return };
        let path = |end: &str| self.root.path_of(&format!("{}{end}", self.prefix));
        let mut walked = 0_usize;
        let mut visible = true;
        for component in rest.split_inclusive('/') {
            let Some(name) = component.strip_suffix('/') else { break };
            visible = visible && is_component(name);
            walked = walked.saturating_add(component.len());
            let Some(directory) = rest.get(..walked).filter(|_| visible) else { break };
            if self.previous.starts_with(directory) {
                continue;
            }
            if let Some(path) = path(directory.trim_end_matches('/')) {
                self.ready.push_back(WalkEntry { path, is_dir: true, size: 0, modified: None });
            }
        }
        let name = rest.rsplit('/').next().unwrap_or_default();
        if visible
            && is_component(name)
            && let Some(path) = path(rest)
        {
            let (size, modified) = (object.size, object.last_modified);
            self.ready.push_back(WalkEntry { path, is_dir: false, size, modified });
        }
        self.previous = rest.to_owned();
    }

    /// Where the next page may begin instead: behind the skipped directory, if it is within it.
    ///
    /// Such a marker still begins with `directory/`, so nothing outside is passed over; and no
    /// character sorts after its last one, so next to nothing is left inside.
    fn behind_skipped(&self) -> Option<String> {
        let skipped = self.skipped.as_deref()?;
        let marker = self.pages.marker();
        let behind = format!("{skipped}{}", char::MAX);
        let pays = marker.starts_with(skipped) && behind > *marker;
        (pays && behind.len() <= KEY_BYTES_MAX).then_some(behind)
    }
}

impl Operation for Walk {
    type Tag = ();
    type Output = Result<(), Error>;

    fn next(&mut self) -> Next<(), Self::Output> {
        if self.stopped {
            return Next::Done(Ok(()));
        }
        self.fill();
        if !self.ready.is_empty() {
            return Next::Idle;
        }
        if let Some(error) = self.failed.take() {
            return Next::Done(Err(error));
        }
        if self.pages.is_ready()
            && let Some(marker) = self.behind_skipped()
        {
            self.pages.jump(marker);
        }
        if self.pages.start() {
            return Next::Call(());
        }
        if self.pages.is_over() { Next::Done(Ok(())) } else { Next::Pending }
    }

    fn call(&self, (): ()) -> Call {
        let options = ListOptions::new(&*self.prefix);
        api::list_objects::call(&options.marker(&**self.pages.marker()))
    }

    #[cfg(feature = "sim")]
    fn simulate(&mut self, simulated: crate::sim::Simulated) {
        self.simulated = simulated;
    }

    fn on_reply(&mut self, (): (), reply: Reply) -> Result<(), Rejected> {
        let page = api::list_objects::decode(&reply)?;
        let more = page.next_marker.is_some();
        let entries = page.entries();
        self.pages.advance(page.next_marker, entries)?;
        if !self.stopped {
            self.page = page.objects.into();
            if more && planted!(self.simulated, WalkLosesPageEnd) {
                self.page.pop_back();
            }
        }
        Ok(())
    }

    fn on_error(&mut self, (): (), error: CallError) {
        self.pages.end();
        let path = self.root.path_of(&self.prefix).unwrap_or_default();
        let path = if path == "/" { &*path } else { path.trim_end_matches('/') };
        self.failed = Some(error.into_error().at(path));
    }
}

#[cfg(test)]
mod tests;
