//! `list`.

use bytes::Bytes;

use super::{CHECKLIST, Case, S3_TEST, TESTSUITES, UNCOVERED, case};
use crate::{
    DriverPath,
    conformance::{
        Job, Outcome, Stop, Trial,
        case::{ensure, equal},
        trial::not_found,
    },
};

pub(super) const CASES: &[Case] = &[
    case("RootExists", TESTSUITES, |trial| {
        trial.subject.list("/")?;
        Ok(())
    }),
    case("List", TESTSUITES, list),
    case("ListOverThousand", UNCOVERED, list_over_thousand),
    case("ListSiblingPrefix", UNCOVERED, list_sibling_prefix),
    case("ListPlainFile", CHECKLIST, list_plain_file),
    case("ListPlaceholders", UNCOVERED, list_placeholders),
    case("ListRecords", CHECKLIST, list_records),
    case("EmptyRootList", S3_TEST, empty_root_list),
    case("RootDirectorySpellings", UNCOVERED, root_directory_spellings),
];

fn list(trial: &Trial<'_>) -> Outcome {
    let root = trial.directory();
    let missing = format!("{root}/missing");
    not_found(trial.subject.list(&missing), &missing)?;
    let parent = format!("{root}/parent");
    let mut files: Vec<String> =
        (0..50).map(|_| format!("{parent}{}", trial.random().path(32))).collect();
    // Children of the parent only, as the source suite has them.
    for file in &mut files {
        *file = format!("{parent}/{}", file[parent.len() + 1..].replace('/', "_"));
    }
    for file in &files {
        trial.subject.put_content(file, trial.content(10))?;
    }
    equal(trial.subject.list("/")?, vec![root.clone()], "the root's list")?;
    equal(trial.subject.list(&root)?, vec![parent.clone()], "the directory's list")?;
    let mut listed = trial.subject.list(&parent)?;
    listed.sort();
    files.sort();
    equal(listed, files, "the files")
}

/// Writes many small files, concurrently where the adapter can.
pub(super) fn write_many(trial: &Trial<'_>, paths: &[String]) -> Outcome {
    let jobs = paths.chunks(paths.len().div_ceil(8)).map(|paths| -> Job<'_> {
        Box::new(move |subject| {
            for path in paths {
                subject.put_content(path, Bytes::copy_from_slice(path.as_bytes()))?;
            }
            Ok(())
        })
    });
    trial.subject.concurrently(jobs.collect()).into_iter().collect()
}

fn list_over_thousand(trial: &Trial<'_>) -> Outcome {
    let top = trial.directory();
    let mut paths: Vec<String> = (0..1005).map(|number| format!("{top}/file-{number}")).collect();
    paths.push(format!("{top}/zz/deep"));
    write_many(trial, &paths)?;
    let mut listed = trial.subject.list(&top)?;
    listed.sort();
    *paths.last_mut().ok_or_else(|| Stop::failed("no paths"))? = format!("{top}/zz");
    paths.sort();
    equal(listed.len(), 1006, "the number of children")?;
    ensure(listed == paths, "the children are others")
}

fn list_sibling_prefix(trial: &Trial<'_>) -> Outcome {
    let top = trial.directory();
    for name in ["ab", "a-b/c", "a.b"] {
        trial.subject.put_content(&format!("{top}/{name}"), trial.content(5))?;
    }
    let absent = format!("{top}/a");
    not_found(trial.subject.list(&absent), &absent)?;
    not_found(trial.subject.stat(&absent), &absent)?;
    let mut listed = trial.subject.list(&top)?;
    listed.sort();
    equal(listed, ["a-b", "a.b", "ab"].map(|name| format!("{top}/{name}")).to_vec(), "the list")
}

fn list_plain_file(trial: &Trial<'_>) -> Outcome {
    let path = trial.path(32);
    trial.subject.put_content(&path, trial.content(5))?;
    not_found(trial.subject.list(&path), &path)
}

/// A console's `dir/` keys make directories, never paths with a trailing slash.
fn list_placeholders(trial: &Trial<'_>) -> Outcome {
    let top = trial.directory();
    for key in ["/", "/empty/", "/full/", "/odd name/", "/bad//x"] {
        trial.subject.put_key(&format!("{}{key}", trial.key(&top)), Bytes::new())?;
    }
    trial.subject.put_content(&format!("{top}/full/file"), trial.content(5))?;
    let mut listed = trial.subject.list(&top)?;
    listed.sort();
    let children = ["bad", "empty", "full"].map(|name| format!("{top}/{name}"));
    equal(listed, children.to_vec(), "the list")?;
    let empty = format!("{top}/empty");
    equal(trial.subject.list(&empty)?, Vec::<String>::new(), "the placeholder's list")?;
    ensure(trial.subject.stat(&empty)?.is_dir, "the placeholder is no directory")?;
    let full = format!("{top}/full");
    equal(trial.subject.list(&full)?, vec![format!("{full}/file")], "the full directory's list")
}

/// A resume record is never a path, but its directory exists for all alike.
fn list_records(trial: &Trial<'_>) -> Outcome {
    let top = trial.directory();
    let directory = format!("{top}/uploads");
    let mut writer = trial.subject.writer(&format!("{directory}/data"), crate::op::Append::No)?;
    writer.write(b"unfinished")?;
    writer.close()?;
    drop(writer);
    equal(trial.subject.list(&directory)?, Vec::<String>::new(), "the directory's list")?;
    equal(trial.subject.list(&top)?, vec![directory.clone()], "the parent's list")?;
    ensure(trial.subject.stat(&directory)?.is_dir, "no directory")?;
    let walked = trial.subject.walk_entries(&top, None)?;
    let walked: Vec<_> = walked.into_iter().map(|entry| (entry.path, entry.is_dir)).collect();
    equal(walked, vec![(directory.clone(), true)], "the walk")?;
    not_found(trial.subject.stat(&format!("{directory}/data")), &format!("{directory}/data"))
}

fn empty_root_list(trial: &Trial<'_>) -> Outcome {
    let top = trial.directory();
    let prefix = trial.subject.config().root_directory().prefix();
    let rooted = trial.subject.open(&[("rootdirectory", format!("{prefix}{top}").into())])?;
    rooted.put_content("/file", trial.content(10))?;
    for root in ["", "/"] {
        let unrooted = trial.subject.open(&[("rootdirectory", root.into())])?;
        for path in unrooted.list("/")? {
            ensure(DriverPath::new(&path).is_ok(), format!("{path:?} is no path"))?;
        }
    }
    Ok(())
}

fn root_directory_spellings(trial: &Trial<'_>) -> Outcome {
    let top = trial.directory();
    let prefix = trial.subject.config().root_directory().prefix();
    let root = format!("{prefix}{}/registry", &top[1..]);
    let content = trial.content(10);
    trial
        .subject
        .open(&[("rootdirectory", root.as_str().into())])?
        .put_content("/docker/x", content.clone())?;
    for spelling in [root.clone(), format!("/{root}"), format!("{root}/"), format!("//{root}//")] {
        let driver = trial.subject.open(&[("rootdirectory", spelling.as_str().into())])?;
        equal(driver.get_content("/docker/x")?, content.clone(), &spelling)?;
        equal(driver.list("/")?, vec!["/docker".to_owned()], &spelling)?;
        equal(driver.stat("/docker/x")?.path, "/docker/x", &spelling)?;
        let walked = driver.walk_entries("/", None)?;
        let walked: Vec<String> = walked.into_iter().map(|entry| entry.path).collect();
        equal(walked, vec!["/docker".to_owned(), "/docker/x".to_owned()], &spelling)?;
        not_found(driver.get_content("/docker/y"), "/docker/y")?;
    }
    // A root directory that occurs again inside a path is taken off once.
    let doubled =
        trial.subject.open(&[("rootdirectory", format!("{prefix}{}", &top[1..]).into())])?;
    doubled.put_content(&format!("{top}/y"), trial.content(3))?;
    ensure(doubled.list("/")?.contains(&top), "the inner directory of the same name is missing")?;
    equal(doubled.list(&top)?, vec![format!("{top}/y")], "the doubled directory")
}
