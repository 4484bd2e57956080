//! `stat`.

use std::time::Duration;

use super::{CHECKLIST, Case, S3_TEST, TESTSUITES, UNCOVERED, case};
use crate::{
    ErrorKind,
    conformance::{
        Outcome, Trial,
        case::{ensure, equal},
        trial::not_found,
    },
};

pub(super) const CASES: &[Case] = &[
    case("StatCall", TESTSUITES, stat_call),
    case("StatOfZeroBytes", UNCOVERED, zero_bytes),
    case("StatSiblings", UNCOVERED, siblings),
    case("StatFileAndDirectory", CHECKLIST, file_and_directory),
    case("ListStatWalkAgree", S3_TEST, all_agree),
];

fn stat_call(trial: &Trial<'_>) -> Outcome {
    let directory = trial.directory();
    let file = format!("{directory}{}", trial.path(32));
    not_found(trial.subject.stat(&directory), &directory)?;
    not_found(trial.subject.stat(&file), &file)?;

    trial.subject.put_content(&file, trial.content(4096))?;
    let first = trial.subject.stat(&file)?;
    equal(&*first.path, &*file, "the path")?;
    equal((first.size, first.is_dir), (4096, false), "the file")?;
    ensure(first.modified.is_some(), "no modification time")?;

    trial.subject.advance(Duration::from_secs(10));
    trial.subject.put_content(&file, trial.content(4096))?;
    let second = trial.subject.stat(&file)?;
    ensure(
        second.modified > first.modified,
        format!("{:?} is not after {:?}", second.modified, first.modified),
    )?;

    let info = trial.subject.stat(&directory)?;
    equal((&*info.path, info.size, info.is_dir), (&*directory, 0, true), "the directory")?;
    match trial.subject.stat("/") {
        Ok(info) => equal((&*info.path, info.is_dir), ("/", true), "the root"),
        Err(error) => equal(error.kind(), &ErrorKind::PathNotFound, "the root"),
    }
}

fn zero_bytes(trial: &Trial<'_>) -> Outcome {
    let path = trial.path(32);
    trial.write(&path, b"")?;
    let info = trial.subject.stat(&path)?;
    equal((info.size, info.is_dir), (0, false), "the file")
}

fn siblings(trial: &Trial<'_>) -> Outcome {
    let top = trial.directory();
    for name in ["ab", "a-b/c", "a.b"] {
        trial.subject.put_content(&format!("{top}/{name}"), trial.content(1))?;
    }
    let path = format!("{top}/a");
    not_found(trial.subject.stat(&path), &path)?;
    trial.subject.put_content(&format!("{path}/in"), trial.content(1))?;
    ensure(trial.subject.stat(&path)?.is_dir, "no directory")
}

fn file_and_directory(trial: &Trial<'_>) -> Outcome {
    let path = trial.path(32);
    trial.subject.put_content(&format!("{path}/below"), trial.content(5))?;
    trial.subject.put_content(&path, trial.content(7))?;
    let info = trial.subject.stat(&path)?;
    equal((info.size, info.is_dir), (7, false), "the file wins")?;
    equal(trial.subject.list(&path)?, vec![format!("{path}/below")], "the directory's list")
}

fn all_agree(trial: &Trial<'_>) -> Outcome {
    let top = trial.directory();
    let mut files: Vec<(String, u64)> =
        (0..6).map(|number| (format!("{top}/file{number}"), 10 + number)).collect();
    files.push((format!("{top}/sub/0"), 99));
    for (path, size) in &files {
        trial.subject.put_content(path, trial.content(*size as usize))?;
    }
    equal(trial.subject.stat(&files[0].0)?.size, files[0].1, "the first file's size")?;
    let mut expected: Vec<String> = files.iter().map(|(path, _)| path.clone()).collect();
    expected[6] = format!("{top}/sub");
    let mut listed = trial.subject.list(&top)?;
    listed.sort();
    equal(listed, expected, "the list")?;
    let walked = trial.subject.walk_entries(&top, None)?;
    let walked: Vec<(String, u64)> = walked
        .into_iter()
        .filter(|entry| !entry.is_dir)
        .map(|entry| (entry.path, entry.size))
        .collect();
    equal(walked, files, "the walk's files and sizes")
}
