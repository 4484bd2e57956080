//! Says what is at a path: an object, a directory, or nothing.
//!
//! ```text
//! HEAD key ──200──▶ object
//!     └──404──▶ list prefix, one key ──any──▶ directory
//!                                   └──none──▶ PathNotFound
//! ```
//!
//! The root has no key: only its list is asked for, and it is a directory even when it is empty.

use super::pages::Pages;
use crate::{
    Call, CallError, ETag, Error, ErrorKind, Key, Next, Operation, Rejected, Reply, UnixTime,
    api::{self, GetOptions, ListOptions},
};

/// What is at a path. An object wins over a directory of the same name.
///
/// A key below the path makes it a directory, whatever the key's name; a sibling that only begins
/// with the same letters does not.
///
/// # Errors
/// [`ErrorKind::PathNotFound`] if there is neither.
#[derive(Debug)]
pub struct Stat {
    key: Option<Key>,
    prefix: String,
    state: State,
    pages: Pages<String>,
    #[cfg(feature = "sim")]
    simulated: crate::sim::Simulated,
}

/// What [`Stat`] found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct StatInfo {
    /// The size of the object in bytes; 0 for a directory.
    pub size: u64,
    /// When the object was written; `None` for a directory.
    pub modified: Option<UnixTime>,
    /// Whether it is a directory.
    pub is_dir: bool,
    /// The object's entity tag; `None` for a directory.
    pub etag: Option<ETag>,
}

/// One call of a stat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(unnameable_types, reason = "opaque: only compared")]
pub enum StatTag {
    Head,
    List,
}

#[derive(Debug)]
enum State {
    HeadReady,
    Heading,
    Listing,
    Over(Result<StatInfo, Error>),
}

impl Stat {
    /// Looks for an object at `key` (the root has none) and for keys that begin with `prefix`,
    /// which ends in `/` unless it is empty.
    pub fn new(key: Option<Key>, prefix: impl Into<String>) -> Self {
        let state = if key.is_some() { State::HeadReady } else { State::Listing };
        Self {
            key,
            prefix: prefix.into(),
            state,
            pages: Pages::new(String::new()),
            #[cfg(feature = "sim")]
            simulated: crate::sim::Simulated::default(),
        }
    }

    fn path(&self) -> &str {
        self.key.as_ref().map_or(&self.prefix, Key::as_str)
    }

    fn end(&mut self, result: Result<StatInfo, Error>) {
        self.state = State::Over(result.map_err(|error| error.at(self.path())));
    }
}

impl Operation for Stat {
    type Tag = StatTag;
    type Output = Result<StatInfo, Error>;

    fn next(&mut self) -> Next<StatTag, Self::Output> {
        match std::mem::replace(&mut self.state, State::Heading) {
            State::HeadReady => Next::Call(StatTag::Head),
            State::Heading => Next::Pending,
            State::Listing => {
                self.state = State::Listing;
                if self.pages.start() { Next::Call(StatTag::List) } else { Next::Pending }
            }
            State::Over(result) => Next::Done(result),
        }
    }

    fn call(&self, tag: StatTag) -> Call {
        match (tag, &self.key) {
            (StatTag::Head, Some(key)) => api::head_object::call(key, &GetOptions::new()),
            (StatTag::Head | StatTag::List, _) => {
                let marker = self.pages.marker().clone();
                let sibling = planted!(self.simulated, StatTakesSibling);
                let prefix = self.prefix.strip_suffix('/').filter(|_| sibling);
                let prefix = prefix.unwrap_or(&self.prefix);
                api::list_objects::call(&ListOptions::new(prefix).marker(marker).max_keys(1))
            }
        }
    }

    #[cfg(feature = "sim")]
    fn simulate(&mut self, simulated: crate::sim::Simulated) {
        self.simulated = simulated;
    }

    fn on_reply(&mut self, tag: StatTag, reply: Reply) -> Result<(), Rejected> {
        match tag {
            StatTag::Head => {
                let meta = api::head_object::decode(&reply)?;
                self.end(Ok(StatInfo {
                    size: meta.size,
                    modified: meta.last_modified,
                    is_dir: false,
                    etag: Some(meta.etag),
                }));
            }
            StatTag::List => {
                let page = api::list_objects::decode(&reply)?;
                if page.entries() > 0 || self.key.is_none() {
                    self.end(Ok(StatInfo { is_dir: true, ..StatInfo::default() }));
                } else if page.is_truncated {
                    // Nothing on this page, but it says that there is more.
                    self.pages.advance(page.next_marker, 0)?;
                } else {
                    self.end(Err(Error::new(ErrorKind::PathNotFound, "")));
                }
            }
        }
        Ok(())
    }

    fn on_error(&mut self, tag: StatTag, error: CallError) {
        if tag == StatTag::Head && error.is_not_found() {
            self.state = State::Listing;
        } else {
            self.end(Err(error.into_error()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::op::testing::{Steps, key, lost, page, query, refused, reply};

    fn stat() -> Stat {
        let mut stat = Stat::new(Some(key("r/a")), "r/a/");
        assert_eq!(stat.starts(), StatTag::Head);
        assert!(stat.is_pending());
        stat
    }

    fn listing() -> Stat {
        let mut stat = stat();
        stat.on_error(StatTag::Head, refused(404, ""));
        assert_eq!(stat.starts(), StatTag::List);
        stat
    }

    #[test]
    fn an_object_has_its_size_and_time() {
        let mut stat = stat();
        let headers = [
            ("content-length", "5"),
            ("etag", "\"e\""),
            ("last-modified", "Sun, 06 Nov 1994 08:49:37 GMT"),
        ];
        stat.on_reply(StatTag::Head, reply(200, &headers, "")).expect("accepted");
        assert_eq!(
            stat.ends().expect("object"),
            StatInfo {
                size: 5,
                modified: Some(UnixTime::from_secs(784_111_777)),
                is_dir: false,
                etag: Some(ETag::new("e")),
            }
        );
    }

    #[test]
    fn any_key_below_makes_a_directory_of_size_0() {
        for below in ["r/a/b", "r/a/", "r/a/b~upload", "r/a/ü//"] {
            let mut stat = listing();
            let call = stat.call(StatTag::List);
            // The slash keeps a sibling r/ab from counting.
            assert_eq!(query(&call, "prefix"), Some("r/a/"));
            assert_eq!(query(&call, "max-keys"), Some("1"));
            stat.on_reply(StatTag::List, page(&[(below, 9)], &[], Some(below))).expect("accepted");
            let info = stat.ends().expect("directory");
            assert_eq!(info, StatInfo { is_dir: true, ..StatInfo::default() }, "{below}");
        }
    }

    #[test]
    fn neither_is_path_not_found() {
        let mut stat = listing();
        stat.on_reply(StatTag::List, page(&[], &[], None)).expect("accepted");
        let error = stat.ends().expect_err("nothing");
        assert_eq!((error.kind(), error.path()), (&ErrorKind::PathNotFound, Some("r/a")));
    }

    #[test]
    fn an_empty_page_that_says_there_is_more_is_followed() {
        let mut stat = listing();
        stat.on_reply(StatTag::List, page(&[], &[], Some("r/a/x"))).expect("accepted");
        assert_eq!(stat.starts(), StatTag::List);
        assert_eq!(query(&stat.call(StatTag::List), "marker"), Some("r/a/x"));
        stat.on_reply(StatTag::List, page(&[("r/a/y", 1)], &[], None)).expect("accepted");
        assert!(stat.ends().expect("directory").is_dir);
    }

    #[test]
    fn other_errors_are_no_reason_to_list() {
        for (error, kind) in [
            (refused(403, "AccessDenied"), ErrorKind::Denied),
            (refused(403, ""), ErrorKind::Denied),
            (refused(503, "SlowDown"), ErrorKind::Throttled { retry_after: None }),
            (lost(), ErrorKind::Transport),
        ] {
            let mut stat = stat();
            stat.on_error(StatTag::Head, error);
            assert_eq!(stat.ends().expect_err("error").kind(), &kind);
        }
    }

    #[test]
    fn a_bucket_that_is_missing_is_no_missing_path() {
        let mut stat = listing();
        stat.on_error(StatTag::List, refused(404, "NoSuchBucket"));
        assert_eq!(stat.ends().expect_err("no bucket").kind(), &ErrorKind::Service);
    }

    #[test]
    fn the_root_is_a_directory_even_when_it_is_empty() {
        for objects in [&[][..], &[("r/x", 1)]] {
            let mut stat = Stat::new(None, "r/");
            assert_eq!(stat.starts(), StatTag::List);
            stat.on_reply(StatTag::List, page(objects, &[], None)).expect("accepted");
            assert!(stat.ends().expect("root").is_dir);
        }
        let mut stat = Stat::new(None, "");
        stat.starts();
        stat.on_error(StatTag::List, refused(403, "AccessDenied"));
        assert_eq!(stat.ends().expect_err("denied").kind(), &ErrorKind::Denied);
    }
}
