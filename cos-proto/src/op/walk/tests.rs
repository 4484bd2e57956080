mod parallel;

use super::*;
use crate::{
    ErrorKind,
    op::testing::{Steps, page, query, refused},
};

/// The tree of the registry's s3_test.go.
const TREE: [&str; 7] = [
    "file1",
    "folder1-suffix/file1",
    "folder1/file1",
    "folder2/file1",
    "folder3/subfolder1/subfolder1/file1",
    "folder3/subfolder2/subfolder1/file1",
    "folder4/file1",
];

fn path(text: &str) -> DriverPath {
    DriverPath::or_root(text).expect("path")
}

fn walk(root: &str, from: &str, start_after: Option<&str>) -> Walk {
    let mut options = WalkOptions::new();
    options.start_after = start_after.map(path);
    Walk::new(&RootDirectory::new(root).expect("root"), &path(from), &options)
}

/// A list of these keys, in pages, as COS answers; and what it was asked for.
struct Bucket {
    keys: Vec<String>,
    per_page: usize,
    markers: Vec<String>,
}

impl Bucket {
    fn new(keys: &[&str], per_page: usize) -> Self {
        let mut keys: Vec<_> = keys.iter().map(|&key| key.to_owned()).collect();
        keys.sort();
        Self { keys, per_page, markers: Vec::new() }
    }

    fn answer(&mut self, call: &Call) -> Reply {
        let prefix = query(call, "prefix").unwrap_or_default();
        let marker = query(call, "marker").unwrap_or_default();
        self.markers.push(marker.to_owned());
        let found = |key: &&String| key.starts_with(prefix) && &***key > marker;
        let all: Vec<_> = self.keys.iter().filter(found).map(|key| (&**key, 1)).collect();
        let first = &all[..all.len().min(self.per_page)];
        let next = first.last().filter(|_| all.len() > first.len());
        page(first, &[], next.map(|(key, _)| *key))
    }

    /// Walks to the end; `each` may skip or stop. A directory's path gets a slash.
    fn walk(&mut self, mut walk: Walk, mut each: impl FnMut(&mut Walk, &str)) -> Vec<String> {
        let mut seen = Vec::new();
        loop {
            while let Some(entry) = walk.next_entry() {
                let slash = if entry.is_dir { "/" } else { "" };
                assert_eq!(entry.size, u64::from(!entry.is_dir), "{entry:?}");
                assert_eq!(entry.modified.is_some(), !entry.is_dir, "{entry:?}");
                assert!(DriverPath::new(&entry.path).is_ok(), "{entry:?}");
                seen.push(format!("{}{slash}", entry.path));
                each(&mut walk, &entry.path);
            }
            match walk.next() {
                Next::Call(tag) => {
                    let reply = self.answer(&walk.call(tag));
                    walk.on_reply(tag, reply).expect("accepted");
                }
                Next::Done(result) => {
                    result.expect("no error");
                    return seen;
                }
                other => panic!("{other:?}"),
            }
        }
    }
}

/// Name, from, start after, what to skip once it is seen, and the entries.
type Case<'a> = (&'a str, &'a str, Option<&'a str>, Option<&'a str>, &'a [&'a str]);

#[test]
fn the_cases_of_the_registrys_s3_driver() {
    let all = [
        "/file1",
        "/folder1-suffix/",
        "/folder1-suffix/file1",
        "/folder1/",
        "/folder1/file1",
        "/folder2/",
        "/folder2/file1",
        "/folder3/",
        "/folder3/subfolder1/",
        "/folder3/subfolder1/subfolder1/",
        "/folder3/subfolder1/subfolder1/file1",
        "/folder3/subfolder2/",
        "/folder3/subfolder2/subfolder1/",
        "/folder3/subfolder2/subfolder1/file1",
        "/folder4/",
        "/folder4/file1",
    ];
    let late = [&["/folder3/"], &all[11..]].concat();
    let late_below = &late[1..4];
    let deep = Some("/folder3/subfolder1/subfolder1/file1");
    let skipping = [&all[..8], &all[14..]].concat();
    let cases: [Case<'_>; 12] = [
        ("all", "/", None, None, &all),
        ("skip a directory", "/", None, Some("/folder3"), &skipping),
        ("start late", "/", deep, None, &late),
        ("start late within a directory", "/folder3", deep, None, late_below),
        ("start after from", "/folder1", Some("/folder2"), None, &[]),
        ("start before from", "/folder3", Some("/folder1"), None, &all[8..14]),
        ("start at from", "/folder3", Some("/folder3"), None, &all[8..14]),
        ("start at a name that is missing", "/folder3", Some("/folder3/a"), None, &all[8..14]),
        ("start at the root", "/", Some("/"), None, &all),
        ("from a directory", "/folder1", None, None, &all[4..5]),
        ("from what is missing", "/folder", None, None, &[]),
        ("from a file", "/file1", None, None, &[]),
    ];
    for (name, from, start_after, skip, expected) in cases {
        for per_page in [1, 2, 3, 1000] {
            for root in ["", "r", "/a/b/"] {
                let prefix = RootDirectory::new(root).expect("root").prefix().to_owned();
                let mut keys: Vec<_> = TREE.iter().map(|key| format!("{prefix}{key}")).collect();
                keys.extend(["0".to_owned(), "zz".to_owned()].filter_outside(&prefix));
                let keys: Vec<_> = keys.iter().map(|key| &**key).collect();
                let mut bucket = Bucket::new(&keys, per_page);
                let seen = bucket.walk(walk(root, from, start_after), |walk, path| {
                    if Some(path) == skip {
                        walk.skip(path);
                    }
                });
                assert_eq!(seen, expected, "{name}, root {root:?}, {per_page} a page");
            }
        }
    }
}

/// Keys outside the root directory, if there are such.
trait Outside {
    fn filter_outside(self, prefix: &str) -> Vec<String>;
}

impl Outside for [String; 2] {
    fn filter_outside(self, prefix: &str) -> Vec<String> {
        if prefix.is_empty() { Vec::new() } else { self.to_vec() }
    }
}

#[test]
fn stopping_early_is_for_good() {
    let mut bucket = Bucket::new(&TREE, 1);
    let seen = bucket.walk(walk("", "/", None), |walk, path| {
        if path == "/folder1/file1" {
            walk.stop();
        }
    });
    assert_eq!(seen.last().map(String::as_str), Some("/folder1/file1"));
    assert_eq!(bucket.markers.len(), 3, "and nothing is asked for afterwards");
    let mut walk = walk("", "/", None);
    let tag = walk.starts();
    walk.stop();
    walk.on_reply(tag, page(&[("a", 1)], &[], None)).expect("ignored");
    assert!(walk.next_entry().is_none());
    walk.ends().expect("over");
}

#[test]
fn skip_respects_the_slash() {
    let keys = ["t/1.2/a", "t/1.2/b", "t/1.20/a", "t/1.2-x", "t/1.2"];
    for per_page in [1, 2, 1000] {
        let mut bucket = Bucket::new(&keys, per_page);
        let seen = bucket.walk(walk("", "/t", None), |walk, path| {
            if path == "/t/1.2" {
                walk.skip(path);
            }
        });
        assert_eq!(seen, ["/t/1.2", "/t/1.2-x", "/t/1.20/", "/t/1.20/a"], "{per_page} a page");
    }
}

#[test]
fn skipping_a_large_directory_jumps_over_its_pages() {
    let mut keys: Vec<_> = (0..1000).map(|number| format!("d/{number:04}")).collect();
    // What stands right before and right behind `d/` in the order of bytes.
    let neighbours = ["d", "d-", "d.", "d/", "d0", "d0/x", "e"];
    keys.extend(neighbours.map(str::to_owned));
    let keys: Vec<_> = keys.iter().map(|key| &**key).collect();
    let mut bucket = Bucket::new(&keys, 10);
    let seen = bucket.walk(walk("", "/", None), |walk, path| {
        if path == "/d" {
            walk.skip(path);
        }
    });
    assert_eq!(seen, ["/d", "/d-", "/d.", "/d0", "/d0/", "/d0/x", "/e"]);
    assert_eq!(bucket.markers, ["", "d/\u{10FFFF}"], "two pages instead of a hundred");
}

#[test]
fn a_jump_passes_over_every_character_of_utf8_and_ends_for_the_highest() {
    // Keys of the highest character alone would repeat the marker: they are read and passed over.
    let highest: Vec<_> = (1..8).map(|n| format!("d/{}", "\u{10FFFF}".repeat(n))).collect();
    let mut keys: Vec<_> = highest.iter().map(|key| &**key).collect();
    keys.extend(["d/a", "d/z", "d/\u{FFFD}", "d0", "d1"]);
    let mut bucket = Bucket::new(&keys, 1);
    let seen = bucket.walk(walk("", "/", None), |walk, path| {
        if path == "/d" {
            walk.skip(path);
        }
    });
    assert_eq!(seen, ["/d/", "/d0", "/d1"]);
}

#[test]
fn nothing_jumps_within_a_page() {
    let mut bucket = Bucket::new(&["d/a", "d/b", "e/a", "e/b", "f"], 4);
    let seen = bucket.walk(walk("", "/", None), |walk, path| {
        if path == "/d" {
            walk.skip(path);
        }
    });
    assert_eq!(seen, ["/d/", "/e/", "/e/a", "/e/b", "/f"]);
    assert_eq!(bucket.markers, ["", "e/b"]);
}

#[test]
fn skipping_an_ancestor_or_the_root_passes_over_the_rest_of_it() {
    let mut bucket = Bucket::new(&TREE, 2);
    let seen = bucket.walk(walk("", "/", None), |walk, path| {
        if path == "/folder3/subfolder1" {
            walk.skip("/folder3");
        }
    });
    let end = ["/folder3/", "/folder3/subfolder1/", "/folder4/", "/folder4/file1"];
    assert_eq!(seen[seen.len() - 4..], end);
    for skipped in ["/", "/folder3"] {
        let mut bucket = Bucket::new(&TREE, 1);
        let seen = bucket.walk(walk("", "/folder3", None), |walk, _| walk.skip(skipped));
        assert_eq!(seen, ["/folder3/subfolder1/"], "{skipped}");
    }
}

#[test]
fn hidden_keys_are_not_reported_but_make_their_directories() {
    let keys = [
        "a/",          // a console placeholder
        "b/c~upload",  // a resume record
        "c/d/",        // a placeholder deeper
        "c/d/e",       //
        "d//e",        // an empty name
        "e/f g/h",     // a name outside the grammar
        "f~upload",    // a record at the top
        "g/h/ü",       //
        "i/_uploads/", // as the registry's s3 driver leaves them
        "~x/y",        // a hidden directory
    ];
    for per_page in [1, 1000] {
        let seen = Bucket::new(&keys, per_page).walk(walk("", "/", None), |_, _| {});
        assert_eq!(
            seen,
            [
                "/a/",
                "/b/",
                "/c/",
                "/c/d/",
                "/c/d/e",
                "/d/",
                "/e/",
                "/g/",
                "/g/h/",
                "/i/",
                "/i/_uploads/"
            ]
        );
    }
    let seen = Bucket::new(&["a/b/"], 10).walk(walk("", "/a/b", None), |_, _| {});
    assert_eq!(seen, Vec::<String>::new(), "the placeholder of `from` itself");
}

#[test]
fn a_path_that_is_a_file_and_a_directory_is_reported_as_both() {
    let seen = Bucket::new(&["a", "a/b", "a-"], 1).walk(walk("", "/", None), |_, _| {});
    assert_eq!(seen, ["/a", "/a-", "/a/", "/a/b"]);
}

#[test]
fn entries_are_had_before_the_error_that_follows_them() {
    let mut walk = walk("r", "/d", None);
    let tag = walk.starts();
    walk.on_reply(tag, page(&[("r/d/a", 1)], &[], Some("r/d/a"))).expect("accepted");
    assert!(walk.is_idle());
    assert_eq!(walk.next_entry().map(|entry| entry.path).as_deref(), Some("/d/a"));
    assert!(walk.next_entry().is_none());
    let tag = walk.starts();
    assert!(walk.is_pending());
    walk.on_error(tag, refused(403, "AccessDenied"));
    let error = walk.ends().expect_err("denied");
    assert_eq!((error.kind(), error.path()), (&ErrorKind::Denied, Some("/d")));
}

#[test]
fn an_endless_list_is_refused() {
    let mut walk = walk("", "/", None);
    let tag = walk.starts();
    walk.on_reply(tag, page(&[], &[], Some("b"))).expect("an empty page is followed");
    let tag = walk.starts();
    let refused = walk.on_reply(tag, page(&[("a", 1)], &[], Some("a")));
    assert!(matches!(refused, Err(Rejected::Retry(_))), "{refused:?}");
}
