//! Walks everything below a directory, from one flat list, or from several of its parts at once.
//!
//! ```text
//! Ready ──GET / (prefix from/)──▶ page: entries are taken ──all taken, truncated──▶ Ready
//!                                                         └──all taken, last page──▶ done
//! ```
//!
//! Where the keys come from, one list or several, is the affair of `ranges.rs`.
//!
//! | key below `from` | entries |
//! |---|---|
//! | `d/e/f` | directories `/d`, `/d/e` unless the key before was in them, then the file |
//! | `d/` (console placeholder), `d/f~upload` (record) | directory `/d` |
//! | `d//f`, `d/a b/f` | directory `/d`: what is below cannot be named by a path |
//!
//! The order is that of the keys' bytes, in which all keys of a directory stand together; so a
//! directory is reported once, by comparing each key with the one before.

mod probe;
mod range;
mod ranges;

use std::{collections::VecDeque, num::NonZeroUsize};

use self::ranges::{Ranges, Tag};
use crate::{
    Call, CallError, DriverPath, Error, Next, Operation, Rejected, Reply, RootDirectory, UnixTime,
    api::ListedObject, path::is_component,
};

/// Walks all files and directories below a directory, directories before what is in them.
///
/// Paths come in the order of their keys' bytes: `/a-b` before `/a/b`. A missing directory has no
/// entries, which is no error. At most one page of a list is held, unless several lists are
/// [under way](WalkOptions::parallel).
#[derive(Debug)]
pub struct Walk {
    root: RootDirectory,
    keys: Ranges,
    /// Entries of the key before, which are not taken yet.
    ready: VecDeque<WalkEntry>,
    /// The key before, without the prefix.
    previous: String,
    stopped: bool,
}

/// How to walk.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct WalkOptions {
    /// Only keys after this path's, in the order of their bytes. The path need not exist. The
    /// directories of the first key after it are reported, though they sort before.
    pub start_after: Option<DriverPath>,
    /// How many lists may be under way at once; 1 by default. The entries and their order are the
    /// same. A driver keeps one of its requests in flight for others, whatever this is.
    ///
    /// It pays where a list takes long to arrive and there are many directories with at least some
    /// hundred keys in each; what is in one directory, or in very small ones, is still listed one
    /// page after the other. It costs requests: a directory that does not fit on a page is asked for
    /// names at which to divide it, with those above it, and a list may bring keys of the next. Ahead
    /// of the entry that is taken, up to four pages of 1000 keys are held for each list. Parts of the
    /// directory are seen at other times than in a walk by one list.
    pub parallel: NonZeroUsize,
}

impl Default for WalkOptions {
    fn default() -> Self {
        Self { start_after: None, parallel: NonZeroUsize::MIN }
    }
}

impl WalkOptions {
    /// The whole directory.
    pub fn new() -> Self {
        Self::default()
    }

    /// With so many lists under way at once.
    #[must_use]
    pub fn parallel(mut self, lists: NonZeroUsize) -> Self {
        self.parallel = lists;
        self
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
            keys: Ranges::new(root.prefix_of(from), marker, options.parallel.get()),
            ready: VecDeque::new(),
            previous: String::new(),
            stopped: false,
        }
    }

    /// Whether an entry is at hand.
    pub fn has_entry(&self) -> bool {
        !self.ready.is_empty()
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
        let unbounded = planted!(self.keys.simulated, SkipWithoutBoundary);
        let below = if unbounded { below.trim_end_matches('/').to_owned() } else { below };
        if self.keys.prefix().starts_with(&below) {
            return self.stop();
        }
        let within = |entry: &WalkEntry| {
            let rest = entry.path.strip_prefix(path);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        self.ready.retain(|entry| !within(entry));
        self.keys.skip(below);
        self.fill();
    }

    /// Ends the walk for good.
    pub fn stop(&mut self) {
        self.stopped = true;
        self.keys.stop();
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
            && let Some(object) = self.keys.pop()
        {
            self.expand(&object);
        }
    }

    /// Makes the entries that a key adds.
    fn expand(&mut self, object: &ListedObject) {
        let prefix = self.keys.prefix();
        let Some(rest) = object.key.strip_prefix(prefix) else { return };
        let path = |end: &str| self.root.path_of(&format!("{prefix}{end}"));
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
}

impl Operation for Walk {
    type Tag = Tag;
    type Output = Result<(), Error>;

    fn next(&mut self) -> Next<Tag, Self::Output> {
        if self.stopped {
            return Next::Done(Ok(()));
        }
        self.fill();
        let at_hand = !self.ready.is_empty();
        if !at_hand && let Some(failed) = self.keys.take_failure() {
            let path = self.root.path_of(self.keys.prefix()).unwrap_or_default();
            let path = if path == "/" { &*path } else { path.trim_end_matches('/') };
            return Next::Done(Err(failed.into_error().at(path)));
        }
        if let Some(tag) = self.keys.start(at_hand) {
            return Next::Call(tag);
        }
        if at_hand {
            return Next::Idle;
        }
        if self.keys.is_over() { Next::Done(Ok(())) } else { Next::Pending }
    }

    fn is_over(&self) -> bool {
        self.stopped || (self.ready.is_empty() && (self.keys.is_over() || self.keys.has_failed()))
    }

    fn call(&self, tag: Tag) -> Call {
        self.keys.call(tag)
    }

    #[cfg(feature = "sim")]
    fn simulate(&mut self, simulated: crate::sim::Simulated) {
        self.keys.simulated = simulated;
    }

    fn on_reply(&mut self, tag: Tag, reply: Reply) -> Result<(), Rejected> {
        self.keys.on_reply(tag, &reply)?;
        self.fill();
        Ok(())
    }

    fn on_error(&mut self, tag: Tag, error: CallError) {
        self.keys.on_error(tag, error);
        self.fill();
    }
}

#[cfg(test)]
mod tests;
