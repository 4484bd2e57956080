//! `walk`.

use std::num::NonZeroUsize;

use bytes::Bytes;

use super::{CHECKLIST, Case, S3_TEST, UNCOVERED, WALK_TEST, case, list::write_many};
use crate::{
    DriverPath, ErrorKind,
    conformance::{
        Outcome, Stop, Trial, Visit, WalkError,
        case::{ensure, equal},
        trial::shown,
    },
    op::WalkEntry,
};

pub(super) const CASES: &[Case] = &[
    case("Walk", S3_TEST, |trial| walks(trial, &ALL)),
    case("WalkSkip", S3_TEST, |trial| walks(trial, &SKIP)),
    case("WalkStart", S3_TEST, |trial| walks(trial, &START)),
    case("WalkStop", S3_TEST, |trial| walks(trial, &STOP)),
    case("WalkFromFolder", S3_TEST, |trial| walks(trial, &FOLDER)),
    case("WalkError", WALK_TEST, callback_error),
    case("WalkSkipOnFile", WALK_TEST, skip_on_file),
    case("WalkSkipBoundary", CHECKLIST, skip_boundary),
    case("WalkFileRemoved", WALK_TEST, file_removed),
    case("WalkEmptyUploadsDir", S3_TEST, empty_uploads_dir),
    case("WalkMissing", UNCOVERED, missing),
    case("WalkOverThousand", UNCOVERED, over_thousand),
    case("WalkParallel", UNCOVERED, parallel),
    case("WalkIsAnIterator", UNCOVERED, both_forms_agree),
    case("WalkInvalidPaths", UNCOVERED, invalid_paths),
];

const TREE: [&str; 7] = [
    "/file1",
    "/folder1-suffix/file1",
    "/folder1/file1",
    "/folder2/file1",
    "/folder3/subfolder1/subfolder1/file1",
    "/folder3/subfolder2/subfolder1/file1",
    "/folder4/file1",
];

/// One walk of the tree; directories are written with a trailing slash.
struct Row {
    name: &'static str,
    from: &'static str,
    start_after: Option<&'static str>,
    visit: fn(&str) -> Visit,
    expected: &'static [&'static str],
}

const EVERYTHING: &[&str] = &[
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

const ALL: [Row; 1] = [Row {
    name: "walk all",
    from: "",
    start_after: None,
    visit: |_| Visit::Continue,
    expected: EVERYTHING,
}];

const SKIP: [Row; 2] = [
    Row {
        name: "skip a directory",
        from: "",
        start_after: None,
        visit: |path| if path == "/folder3" { Visit::Skip } else { Visit::Continue },
        expected: &[
            "/file1",
            "/folder1-suffix/",
            "/folder1-suffix/file1",
            "/folder1/",
            "/folder1/file1",
            "/folder2/",
            "/folder2/file1",
            "/folder3/",
            "/folder4/",
            "/folder4/file1",
        ],
    },
    Row {
        name: "skip every directory",
        from: "",
        start_after: None,
        visit: |_| Visit::Skip,
        expected: &[
            "/file1",
            "/folder1-suffix/",
            "/folder1/",
            "/folder2/",
            "/folder3/",
            "/folder4/",
        ],
    },
];

const START: [Row; 7] = [
    Row {
        name: "start late, ancestors are told again",
        from: "",
        start_after: Some("/folder3/subfolder1/subfolder1/file1"),
        visit: |_| Visit::Continue,
        expected: &[
            "/folder3/",
            "/folder3/subfolder2/",
            "/folder3/subfolder2/subfolder1/",
            "/folder3/subfolder2/subfolder1/file1",
            "/folder4/",
            "/folder4/file1",
        ],
    },
    Row {
        name: "start late within a folder",
        from: "/folder3",
        start_after: Some("/folder3/subfolder1/subfolder1/file1"),
        visit: |_| Visit::Continue,
        expected: &[
            "/folder3/subfolder2/",
            "/folder3/subfolder2/subfolder1/",
            "/folder3/subfolder2/subfolder1/file1",
        ],
    },
    Row {
        name: "start after the folder",
        from: "/folder1",
        start_after: Some("/folder2"),
        visit: |_| Visit::Continue,
        expected: &[],
    },
    Row {
        name: "start before the folder",
        from: "/folder2",
        start_after: Some("/file1"),
        visit: |_| Visit::Continue,
        expected: &["/folder2/file1"],
    },
    Row {
        name: "start at the folder itself",
        from: "/folder3",
        start_after: Some("/folder3"),
        visit: |_| Visit::Continue,
        expected: &[
            "/folder3/subfolder1/",
            "/folder3/subfolder1/subfolder1/",
            "/folder3/subfolder1/subfolder1/file1",
            "/folder3/subfolder2/",
            "/folder3/subfolder2/subfolder1/",
            "/folder3/subfolder2/subfolder1/file1",
        ],
    },
    Row {
        name: "start at a path that does not exist",
        from: "/folder3",
        start_after: Some("/folder3/subfolder1x/nothing"),
        visit: |_| Visit::Continue,
        expected: &[
            "/folder3/subfolder2/",
            "/folder3/subfolder2/subfolder1/",
            "/folder3/subfolder2/subfolder1/file1",
        ],
    },
    Row {
        name: "start at the last file",
        from: "",
        start_after: Some("/folder4/file1"),
        visit: |_| Visit::Continue,
        expected: &[],
    },
];

const STOP: [Row; 3] = [
    Row {
        name: "stop early",
        from: "",
        start_after: None,
        visit: |path| if path == "/folder1/file1" { Visit::Stop } else { Visit::Continue },
        expected: &[
            "/file1",
            "/folder1-suffix/",
            "/folder1-suffix/file1",
            "/folder1/",
            "/folder1/file1",
        ],
    },
    Row {
        name: "stop at once",
        from: "",
        start_after: None,
        visit: |_| Visit::Stop,
        expected: &["/file1"],
    },
    Row {
        // The registry's own fallback goes on in the parent here.
        name: "stop for good, deep below the start",
        from: "",
        start_after: Some("/folder3/subfolder1/subfolder1"),
        visit: |path| if path.ends_with("/file1") { Visit::Stop } else { Visit::Continue },
        expected: &[
            "/folder3/",
            "/folder3/subfolder1/",
            "/folder3/subfolder1/subfolder1/",
            "/folder3/subfolder1/subfolder1/file1",
        ],
    },
];

const FOLDER: [Row; 2] = [
    Row {
        name: "from a folder, which is not told itself",
        from: "/folder1",
        start_after: None,
        visit: |_| Visit::Continue,
        expected: &["/folder1/file1"],
    },
    Row {
        name: "from a file there is nothing below",
        from: "/file1",
        start_after: None,
        visit: |_| Visit::Continue,
        expected: &[],
    },
];

fn plant(trial: &Trial<'_>) -> Result<String, Stop> {
    let top = trial.directory();
    for file in TREE {
        trial.subject.put_content(&format!("{top}{file}"), trial.content(9))?;
    }
    Ok(top)
}

/// Walks and tells what was visited, without the prefix `top`.
fn visited(
    trial: &Trial<'_>,
    top: &str,
    from: &str,
    start_after: Option<&str>,
    visit: fn(&str) -> Visit,
) -> Result<Vec<String>, WalkError> {
    let mut entries: Vec<WalkEntry> = Vec::new();
    let start_after = start_after.map(|path| format!("{top}{path}"));
    trial.subject.walk(&format!("{top}{from}"), start_after.as_deref(), &mut |entry| {
        entries.push(entry.clone());
        visit(&entry.path[top.len()..])
    })?;
    Ok(shown(&entries).iter().map(|path| path[top.len()..].to_owned()).collect())
}

fn walks(trial: &Trial<'_>, rows: &[Row]) -> Outcome {
    let top = plant(trial)?;
    for row in rows {
        let got = visited(trial, &top, row.from, row.start_after, row.visit)?;
        equal(got, row.expected.to_vec(), row.name)?;
    }
    Ok(())
}

fn callback_error(trial: &Trial<'_>) -> Outcome {
    let top = plant(trial)?;
    let mut calls = 0;
    let result = trial.subject.walk(&top, None, &mut |_| {
        calls += 1;
        Visit::Fail("the callback's own".to_owned())
    });
    equal(calls, 1, "the callback's calls")?;
    match result {
        Err(WalkError::Callback(text)) => equal(&*text, "the callback's own", "the error"),
        other => Err(Stop::failed(format!("{other:?}"))),
    }
}

fn skip_on_file(trial: &Trial<'_>) -> Outcome {
    let top = plant(trial)?;
    let got = visited(trial, &top, "", None, |path| {
        if path == "/file1" { Visit::Skip } else { Visit::Continue }
    })?;
    equal(got, EVERYTHING.to_vec(), "a file cannot be skipped, and its siblings are not")
}

/// After `1.2` is skipped, `1.20` is still there.
fn skip_boundary(trial: &Trial<'_>) -> Outcome {
    let top = trial.directory();
    for name in ["1.2/link", "1.2-rc/link", "1.20/link", "1.2.1/link"] {
        trial.subject.put_content(&format!("{top}/{name}"), trial.content(3))?;
    }
    let got = visited(trial, &top, "", None, |_| Visit::Skip)?;
    equal(got, vec!["/1.2-rc/", "/1.2.1/", "/1.2/", "/1.20/"], "the tags")
}

fn file_removed(trial: &Trial<'_>) -> Outcome {
    let top = trial.directory();
    for name in ["a", "b", "c"] {
        trial.subject.put_content(&format!("{top}/{name}"), trial.content(3))?;
    }
    let mut seen = Vec::new();
    let mut deleted = Ok(());
    trial.subject.walk(&top, None, &mut |entry| {
        if seen.is_empty() {
            deleted = trial.subject.delete(&format!("{top}/b"));
        }
        seen.push(entry.path.clone());
        Visit::Continue
    })?;
    deleted?;
    // Whether the vanished one is still told is the list's affair; nothing else may be missing.
    seen.retain(|path| !path.ends_with("/b"));
    equal(seen, vec![format!("{top}/a"), format!("{top}/c")], "the walk")
}

fn empty_uploads_dir(trial: &Trial<'_>) -> Outcome {
    let top = trial.directory();
    let uploads = format!("{top}/repositories/name/_uploads");
    trial.subject.put_key(&format!("{}/", trial.key(&uploads)), Bytes::new())?;
    let mut entries = Vec::new();
    trial.subject.walk(&top, None, &mut |entry| {
        entries.push(entry.clone());
        Visit::Continue
    })?;
    for entry in &entries {
        ensure(DriverPath::new(&entry.path).is_ok(), format!("{:?} is no path", entry.path))?;
    }
    let repositories = format!("{top}/repositories");
    let expected =
        [format!("{repositories}/"), format!("{repositories}/name/"), format!("{uploads}/")];
    equal(shown(&entries), expected.to_vec(), "the walk")
}

fn missing(trial: &Trial<'_>) -> Outcome {
    let top = trial.directory();
    equal(trial.subject.walk_entries(&top, None)?.len(), 0, "below nothing")?;
    trial.subject.put_content(&format!("{top}-sibling"), trial.content(3))?;
    trial.tidy_later(&format!("{top}-sibling"));
    equal(trial.subject.walk_entries(&top, None)?.len(), 0, "beside a sibling")
}

fn over_thousand(trial: &Trial<'_>) -> Outcome {
    let top = trial.directory();
    let paths: Vec<String> =
        (0..1205).map(|number| format!("{top}/d{:02}/f{number:04}", number % 12)).collect();
    write_many(trial, &paths)?;
    let entries = trial.subject.walk_entries(&top, None)?;
    let directories = entries.iter().filter(|entry| entry.is_dir).count();
    equal((entries.len(), directories), (1217, 12), "entries and directories")?;
    let mut files: Vec<_> =
        entries.into_iter().filter(|entry| !entry.is_dir).map(|entry| entry.path).collect();
    let mut expected = paths;
    expected.sort();
    files.sort();
    ensure(files == expected, "the files are others")?;
    // Skipping a large directory goes past all its pages.
    let got =
        visited(
            trial,
            &top,
            "",
            None,
            |path| {
                if path < "/d11" { Visit::Skip } else { Visit::Continue }
            },
        )?;
    equal(got.len(), 12 + 100, "with eleven directories skipped")
}

/// Several lists at once tell the same as one, in the same order.
fn parallel(trial: &Trial<'_>) -> Outcome {
    let top = trial.directory();
    let file = |number: usize| format!("{top}/d/e{}/f{:02}/{number:04}", number / 700, number / 60);
    let mut paths: Vec<String> = (0..1405).map(file).collect();
    paths
        .extend(["d/e0-", "d/e0.x/y", "d/e1", "d/e1/f12", "z"].map(|name| format!("{top}/{name}")));
    write_many(trial, &paths)?;
    // As a console leaves it: the key that ends in a slash comes before all that is in the directory.
    trial.subject.put_key(&format!("{}/", trial.key(&format!("{top}/d/e1"))), Bytes::new())?;
    let expected = trial.subject.walk_entries(&top, None)?;
    ensure(expected.len() > paths.len(), "entries are missing")?;
    for lists in [2, 9, 100].into_iter().filter_map(NonZeroUsize::new) {
        let entries = trial.subject.walk_parallel(&top, lists)?;
        equal(shown(&entries), shown(&expected), format!("{lists} lists"))?;
        ensure(entries == expected, "the entries are others")?;
    }
    equal(trial.subject.walk_parallel(&format!("{top}/none"), NonZeroUsize::MAX)?.len(), 0, "none")
}

fn both_forms_agree(trial: &Trial<'_>) -> Outcome {
    let top = plant(trial)?;
    for start_after in [None, Some(format!("{top}/folder2"))] {
        let mut called = Vec::new();
        trial.subject.walk(&top, start_after.as_deref(), &mut |entry| {
            called.push(entry.clone());
            Visit::Continue
        })?;
        let iterated = trial.subject.walk_entries(&top, start_after.as_deref())?;
        equal(&iterated, &called, "both forms")?;
        for entry in &iterated {
            equal(entry.modified.is_some(), !entry.is_dir, &entry.path)?;
            equal(entry.size, if entry.is_dir { 0 } else { 9 }, &entry.path)?;
        }
    }
    Ok(())
}

fn invalid_paths(trial: &Trial<'_>) -> Outcome {
    for path in ["", "a", "/a/", "//"] {
        match trial.subject.walk(path, None, &mut |_| Visit::Continue) {
            Err(WalkError::Driver(error)) if *error.kind() == ErrorKind::InvalidPath => {
                equal(error.path(), Some(path), "the path")?;
            }
            other => return Err(Stop::failed(format!("{path:?}: {other:?}"))),
        }
    }
    trial.subject.walk("/", None, &mut |_| Visit::Continue)?;
    Ok(())
}
