//! `get_content` and `put_content`.

use bytes::Bytes;

use super::{CHECKLIST, Case, TESTSUITES, UNCOVERED, case};
use crate::{
    ErrorKind,
    conformance::{
        Outcome, Trial,
        case::{equal, same_bytes},
        trial::{not_found, refused},
    },
};

pub(super) const CASES: &[Case] = &[
    case("ValidPaths", TESTSUITES, valid_paths),
    case("InvalidPaths", TESTSUITES, invalid_paths),
    case("WriteRead1", TESTSUITES, |trial| write_read(trial, Bytes::from_static(b"a"))),
    case("WriteRead2", TESTSUITES, |trial| write_read(trial, Bytes::from_static(b"\xc3\x9f"))),
    case("WriteRead3", TESTSUITES, |trial| write_read(trial, trial.content(32))),
    case("WriteRead4", TESTSUITES, |trial| write_read(trial, trial.content(MIB))),
    case("WriteReadNonUTF8", TESTSUITES, |trial| write_read(trial, Bytes::from_static(&[0x80; 4]))),
    case("WriteReadEmpty", CHECKLIST, |trial| write_read(trial, Bytes::new())),
    case("Truncate", TESTSUITES, truncate),
    case("ReadNonexistent", TESTSUITES, read_nonexistent),
    case("PutContentMultipleTimes", TESTSUITES, put_content_multiple_times),
    case("DotComponents", CHECKLIST, dot_components),
    case("LongPaths", UNCOVERED, long_paths),
    case("GetContentOfDirectory", CHECKLIST, get_content_of_directory),
];

const MIB: usize = 1 << 20;

fn write_read(trial: &Trial<'_>, content: Bytes) -> Outcome {
    let path = trial.path(32);
    write_read_at(trial, &path, content)
}

fn write_read_at(trial: &Trial<'_>, path: &str, content: Bytes) -> Outcome {
    trial.tidy_later(path);
    trial.subject.put_content(path, content.clone())?;
    let read = trial.subject.get_content(path)?;
    same_bytes(&read, &content, path)
}

fn valid_paths(trial: &Trial<'_>) -> Outcome {
    for path in [
        "/a",
        "/2",
        "/aa",
        "/a.a",
        "/0-9/abcdefg",
        "/abcdefg/z.75",
        "/abc/1.2.3.4.5-6_zyx/123.z/4",
        "/docker/docker-registry",
        "/123.abc",
        "/abc./abc",
        "/.abc",
        "/a--b",
        "/a-.b",
        "/_.abc",
        "/Docker/docker-registry",
        "/Abc/Cba",
    ] {
        write_read_at(trial, path, trial.content(64))?;
    }
    Ok(())
}

fn invalid_paths(trial: &Trial<'_>) -> Outcome {
    let (subject, invalid) = (trial.subject, &ErrorKind::InvalidPath);
    for path in ["", "/", "abc", "123.abc", "//bcd", "/abc_123/", "/a b", "/a+b", "/a~", "/\u{e9}"]
    {
        refused(subject.put_content(path, trial.content(8)), invalid, path)?;
        refused(subject.get_content(path), invalid, path)?;
        refused(subject.reader(path, 0), invalid, path)?;
        refused(subject.writer(path, crate::op::Append::No), invalid, path)?;
        refused(subject.rename(path, "/valid"), invalid, path)?;
        refused(subject.rename("/valid", path), invalid, path)?;
        refused(subject.delete(path), invalid, path)?;
        refused(subject.redirect_url(&http::Method::GET, path, None), invalid, path)?;
        if path != "/" {
            refused(subject.stat(path), invalid, path)?;
            refused(subject.list(path), invalid, path)?;
        }
    }
    Ok(())
}

fn truncate(trial: &Trial<'_>) -> Outcome {
    let path = trial.path(32);
    write_read_at(trial, &path, trial.content(MIB))?;
    write_read_at(trial, &path, trial.content(1024))
}

fn read_nonexistent(trial: &Trial<'_>) -> Outcome {
    let path = trial.path(32);
    not_found(trial.subject.get_content(&path), &path)
}

fn put_content_multiple_times(trial: &Trial<'_>) -> Outcome {
    let path = trial.path(32);
    write_read_at(trial, &path, trial.content(4096))?;
    write_read_at(trial, &path, trial.content(2048))
}

/// `.` and `..` are names like others: nothing on the way may resolve them.
fn dot_components(trial: &Trial<'_>) -> Outcome {
    let top = trial.directory();
    let paths: Vec<String> = ["a/../b", "a/./b", "b", "a/b", "..a", "a..", "..."]
        .map(|rest| format!("{top}/{rest}"))
        .into();
    let contents: Vec<Bytes> = paths.iter().map(|_| trial.content(100)).collect();
    for (path, content) in paths.iter().zip(&contents) {
        trial.subject.put_content(path, content.clone())?;
    }
    for (path, content) in paths.iter().zip(&contents) {
        same_bytes(&trial.subject.get_content(path)?, content, path)?;
        same_bytes(&trial.read(path, 50)?, &content[50..], path)?;
    }
    let mut listed = trial.subject.list(&format!("{top}/a"))?;
    listed.sort();
    equal(listed, [".", "..", "b"].map(|name| format!("{top}/a/{name}")).to_vec(), "the list")
}

/// A path whose key COS cannot have is an invalid path, by the caller's spelling.
fn long_paths(trial: &Trial<'_>) -> Outcome {
    let top = trial.directory();
    let longest = crate::KEY_BYTES_MAX - trial.key(&top).len() - 1;
    let path = |length: usize| format!("{top}/{}", "x".repeat(length));
    write_read_at(trial, &path(longest), trial.content(10))?;
    let too_long = path(longest + 1);
    let invalid = &ErrorKind::InvalidPath;
    refused(trial.subject.put_content(&too_long, Bytes::new()), invalid, &too_long)?;
    refused(trial.subject.stat(&too_long), invalid, &too_long)?;
    // A writer needs room for the name of its resume record.
    let unwritable = path(longest - 6);
    refused(trial.subject.writer(&unwritable, crate::op::Append::No), invalid, &unwritable)?;
    trial.write(&path(longest - 7), &trial.content(10))
}

fn get_content_of_directory(trial: &Trial<'_>) -> Outcome {
    let top = trial.directory();
    trial.subject.put_content(&format!("{top}/file"), trial.content(10))?;
    not_found(trial.subject.get_content(&top), &top)?;
    not_found(trial.subject.reader(&top, 0), &top)
}
