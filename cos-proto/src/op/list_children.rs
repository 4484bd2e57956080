//! Lists the direct children of a directory, as paths.
//!
//! ```text
//! Ready ──GET / (prefix dir/, delimiter /)──truncated──▶ Ready
//!                                         └──last page──▶ done | PathNotFound
//! ```

use std::collections::BTreeSet;

use super::pages::Pages;
use crate::{
    Call, CallError, DriverPath, Error, ErrorKind, Next, Operation, Reason, Rejected, Reply,
    RootDirectory,
    api::{self, ListOptions, ListPage},
    path::is_component,
};

/// The absolute paths of the objects and directories directly in a directory, each once, in byte
/// order.
///
/// Names outside the path grammar (resume records, console placeholders) are left out, but the
/// directory that holds them exists.
///
/// # Errors
/// [`ErrorKind::PathNotFound`] if nothing is below the directory, unless it is the root;
/// [`ErrorKind::TooLarge`] if the paths have more than 256 MiB together: walk such a directory.
#[derive(Debug)]
pub struct ListChildren {
    directory: DriverPath,
    prefix: String,
    pages: Pages<String>,
    /// Whether any key is below the directory.
    exists: bool,
    children: BTreeSet<String>,
    /// The bytes of their paths.
    held: usize,
    held_max: usize,
    failed: Option<Error>,
    #[cfg(feature = "sim")]
    simulated: crate::sim::Simulated,
}

/// They are collected, and the service decides how many there are.
const LIST_BYTES_MAX: usize = 256 * 1024 * 1024;

impl ListChildren {
    /// Lists `directory`.
    pub fn new(root: &RootDirectory, directory: DriverPath) -> Self {
        Self {
            prefix: root.prefix_of(&directory),
            exists: directory.is_root(),
            directory,
            pages: Pages::new(String::new()),
            children: BTreeSet::new(),
            held: 0,
            held_max: LIST_BYTES_MAX,
            failed: None,
            #[cfg(feature = "sim")]
            simulated: crate::sim::Simulated::default(),
        }
    }

    /// What keys in the directory begin with: it ends in a slash, which keeps siblings out.
    fn prefix(&self) -> &str {
        if planted!(self.simulated, ListTakesSibling) {
            return self.prefix.trim_end_matches('/');
        }
        &self.prefix
    }

    fn add(&mut self, page: &ListPage) -> Result<(), Rejected> {
        let objects = page.objects.iter().map(|object| &*object.key);
        let directories =
            page.common_prefixes.iter().map(|prefix| match prefix.strip_suffix('/') {
                Some(directory) => directory,
                None => prefix,
            });
        for key in objects.chain(directories) {
            // The placeholder of the directory itself is an object of its prefix as key.
            let Some(name) = key.strip_prefix(self.prefix()) else { continue };
            self.exists = true;
            if is_component(name) {
                let parent = self.directory.as_str().trim_end_matches('/');
                let path = format!("{parent}/{name}");
                let bytes = path.len();
                if self.children.insert(path) {
                    self.held = self.held.saturating_add(bytes);
                }
            }
        }
        if self.held > self.held_max {
            let limit = u64::try_from(self.held_max).unwrap_or(u64::MAX);
            return Err(Rejected::Final(Reason::TooLarge { limit }));
        }
        Ok(())
    }
}

impl Operation for ListChildren {
    type Tag = ();
    type Output = Result<Vec<String>, Error>;

    fn next(&mut self) -> Next<(), Self::Output> {
        if let Some(error) = self.failed.take() {
            return Next::Done(Err(error.at(self.directory.as_str())));
        }
        if self.pages.start() {
            return Next::Call(());
        }
        if !self.pages.is_over() {
            return Next::Pending;
        }
        Next::Done(if self.exists {
            Ok(std::mem::take(&mut self.children).into_iter().collect())
        } else {
            Err(Error::new(ErrorKind::PathNotFound, "").at(self.directory.as_str()))
        })
    }

    fn call(&self, (): ()) -> Call {
        let options = ListOptions::new(self.prefix()).delimiter("/");
        api::list_objects::call(&options.marker(&**self.pages.marker()))
    }

    #[cfg(feature = "sim")]
    fn simulate(&mut self, simulated: crate::sim::Simulated) {
        self.simulated = simulated;
    }

    fn on_reply(&mut self, (): (), reply: Reply) -> Result<(), Rejected> {
        let page = api::list_objects::decode(&reply)?;
        self.pages.advance(page.next_marker.clone(), page.entries())?;
        self.add(&page)
    }

    fn on_error(&mut self, (): (), error: CallError) {
        self.pages.end();
        self.failed = Some(error.into_error());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::op::testing::{Steps, page, query, refused};

    fn children(root: &str, path: &str) -> ListChildren {
        let root = RootDirectory::new(root).expect("root");
        let mut list = ListChildren::new(&root, DriverPath::or_root(path).expect("path"));
        list.starts();
        assert!(list.is_pending());
        list
    }

    #[test]
    fn children_are_absolute_paths_of_files_and_directories_each_once() {
        for (root, prefix) in [("", ""), ("/registry/", "registry/")] {
            let mut list = children(root, "/d");
            let call = list.call(());
            assert_eq!(query(&call, "prefix"), Some(&*format!("{prefix}d/")));
            assert_eq!(query(&call, "delimiter"), Some("/"));
            let name = |name: &str| format!("{prefix}d/{name}");
            let objects = [name("a"), name("b"), name("c~upload")];
            let objects = objects.each_ref().map(|key| (&**key, 1));
            let next = name("b/");
            list.on_reply((), page(&objects, &[&next], Some(&next))).expect("accepted");
            list.starts();
            assert_eq!(query(&list.call(()), "marker"), Some(&*next));
            let rest = [name("e/"), name("f+/"), name("/")];
            list.on_reply((), page(&[], &rest.each_ref().map(|p| &**p), None)).expect("accepted");
            assert_eq!(list.ends().expect("children"), ["/d/a", "/d/b", "/d/e"]);
        }
    }

    #[test]
    fn a_directory_of_hidden_names_only_is_an_empty_list() {
        for hidden in ["d/", "d/x~upload", "d/a b"] {
            let mut list = children("", "/d");
            list.on_reply((), page(&[(hidden, 0)], &[], None)).expect("accepted");
            assert_eq!(list.ends().expect("exists"), Vec::<String>::new(), "{hidden}");
        }
        let mut list = children("", "/d");
        list.on_reply((), page(&[], &["d//"], None)).expect("accepted");
        assert_eq!(list.ends().expect("exists"), Vec::<String>::new());
    }

    #[test]
    fn a_missing_directory_is_not_found_and_an_empty_root_is_empty() {
        let mut list = children("", "/d");
        list.on_reply((), page(&[], &[], None)).expect("accepted");
        let error = list.ends().expect_err("missing");
        assert_eq!((error.kind(), error.path()), (&ErrorKind::PathNotFound, Some("/d")));
        let mut list = children("r", "/");
        assert_eq!(query(&list.call(()), "prefix"), Some("r/"));
        list.on_reply((), page(&[], &[], None)).expect("accepted");
        assert_eq!(list.ends().expect("root"), Vec::<String>::new());
    }

    #[test]
    fn children_of_the_root_are_single_names() {
        let mut list = children("r", "/");
        list.on_reply((), page(&[("r/a", 1)], &["r/b/"], None)).expect("accepted");
        assert_eq!(list.ends().expect("root"), ["/a", "/b"]);
    }

    #[test]
    fn errors_name_the_path_and_endless_lists_are_refused() {
        let mut list = children("r", "/d");
        list.on_error((), refused(403, "AccessDenied"));
        let error = list.ends().expect_err("denied");
        assert_eq!((error.kind(), error.path()), (&ErrorKind::Denied, Some("/d")));
        let mut list = children("r", "/d");
        list.on_reply((), page(&[("r/d/b", 1)], &[], Some("r/d/b"))).expect("accepted");
        list.starts();
        let refused = list.on_reply((), page(&[("r/d/b", 1)], &[], Some("r/d/b")));
        assert!(matches!(refused, Err(Rejected::Retry(_))));
    }

    #[test]
    fn pages_without_an_entry_are_endless_when_they_are_many() {
        let mut list = children("", "/d");
        for number in 0..1000 {
            list.on_reply((), page(&[], &[], Some(&format!("d/{number:04}")))).expect("accepted");
            list.starts();
        }
        list.on_reply((), page(&[("d/1000", 1)], &[], Some("d/1000"))).expect("an entry");
        for number in 1001..2001 {
            list.starts();
            list.on_reply((), page(&[], &[], Some(&format!("d/{number:04}")))).expect("accepted");
        }
        list.starts();
        let refused = list.on_reply((), page(&[], &[], Some("d/2001")));
        assert!(matches!(refused, Err(Rejected::Final(Reason::Malformed(_)))), "{refused:?}");
    }

    #[test]
    fn paths_beyond_the_limit_are_too_many() {
        let mut list = children("", "/d");
        list.held_max = 8;
        let two = [("d/aa", 1), ("d/b", 1)];
        list.on_reply((), page(&two[..1], &[], Some("d/aa"))).expect("five bytes");
        list.starts();
        let refused = list.on_reply((), page(&two, &[], Some("d/b")));
        assert!(matches!(refused, Err(Rejected::Final(Reason::TooLarge { limit: 8 }))));
    }
}
