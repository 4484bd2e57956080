//! `delete`.

use std::time::Duration;

use super::{CHECKLIST, Case, PROMISED, S3_TEST, TESTSUITES, UNCOVERED, case, list::write_many};
use crate::{
    CallKind, ErrorKind,
    conformance::{
        Outcome, Subject, Trial,
        case::{ensure, equal},
        trial::{LAG_MAX, not_found, refused, write_all},
    },
    emulator::{Effect, Fault},
    op::Append,
};

pub(super) const CASES: &[Case] = &[
    case("Delete", TESTSUITES, delete),
    case("DeleteNonexistent", TESTSUITES, delete_nonexistent),
    case("DeleteFolder", TESTSUITES, delete_folder),
    case("DeleteOnlyDeletesSubpaths", TESTSUITES, only_subpaths),
    case("DeleteTree", S3_TEST, tree),
    case("OverThousandBlobs", S3_TEST, over_thousand),
    case("DeletePartialFailure", UNCOVERED, partial_failure),
    case("DeletePlaceholders", CHECKLIST, placeholders),
    case("DeleteAbortsUploads", CHECKLIST, aborts_uploads),
    case("DeleteOwnWorkWithinLag", PROMISED, own_work_within_lag),
    case("DeleteOthersWorkAfterLag", PROMISED, others_work_after_lag),
    case("DeleteLeavesSiblingUploads", PROMISED, leaves_sibling_uploads),
    case("DeleteKeepsForeignRecordContent", PROMISED, foreign_record),
];

fn delete(trial: &Trial<'_>) -> Outcome {
    let path = trial.path(32);
    trial.subject.put_content(&path, trial.content(32))?;
    trial.subject.delete(&path)?;
    not_found(trial.subject.get_content(&path), &path)
}

fn delete_nonexistent(trial: &Trial<'_>) -> Outcome {
    let path = trial.path(32);
    not_found(trial.subject.delete(&path), &path)
}

fn delete_folder(trial: &Trial<'_>) -> Outcome {
    let top = trial.directory();
    let files: Vec<String> = (0..3).map(|_| format!("{top}{}", trial.random().path(32))).collect();
    for file in &files {
        trial.subject.put_content(file, trial.content(32))?;
    }
    trial.subject.delete(&files[0])?;
    not_found(trial.subject.get_content(&files[0]), &files[0])?;
    trial.subject.get_content(&files[1])?;
    trial.subject.get_content(&files[2])?;
    trial.subject.delete(&top)?;
    for file in &files {
        not_found(trial.subject.get_content(file), file)?;
    }
    Ok(())
}

fn only_subpaths(trial: &Trial<'_>) -> Outcome {
    let top = trial.directory();
    let (file, sibling) = (format!("{top}/f"), format!("{top}/fsuffix"));
    let (inner, neighbour) = (format!("{top}/d/f"), format!("{top}/dsuffix/f"));
    let early = format!("{top}/d-early/f");
    for path in [&file, &sibling, &inner, &neighbour, &early] {
        trial.subject.put_content(path, trial.content(32))?;
    }
    trial.subject.delete(&file)?;
    not_found(trial.subject.get_content(&file), &file)?;
    trial.subject.get_content(&sibling)?;
    let directory = format!("{top}/d");
    trial.subject.delete(&directory)?;
    not_found(trial.subject.get_content(&inner), &inner)?;
    trial.subject.get_content(&neighbour)?;
    trial.subject.get_content(&early)?;
    // Only siblings are left: that is nothing at all.
    not_found(trial.subject.delete(&directory), &directory)
}

const TREE: [&str; 11] = [
    "/file1",
    "/file1-2",
    "/folder1/file1",
    "/folder2/file1",
    "/folder3/file1",
    "/folder3/subfolder1/subfolder1/file1",
    "/folder3/subfolder2/subfolder1/file1",
    "/folder4/file1",
    "/folder1-v2/file1",
    "/folder1-v2/subfolder1/file1",
    "/folder1-v2/subfolder1/file2",
];

fn tree(trial: &Trial<'_>) -> Outcome {
    for deleted in ["/folder1", "/folder2", "/folder3", "/folder1/file1", "/file1", "/folder1-v2"] {
        let top = trial.directory();
        for file in TREE {
            trial.subject.put_content(&format!("{top}{file}"), trial.content(8))?;
        }
        trial.subject.delete(&format!("{top}{deleted}"))?;
        let below = format!("{deleted}/");
        for file in TREE {
            let path = format!("{top}{file}");
            if file == deleted || file.starts_with(&below) {
                not_found(trial.subject.stat(&path), &path)?;
            } else {
                trial.subject.stat(&path)?;
            }
        }
        trial.subject.delete(&top)?;
    }
    let missing = trial.path(20);
    not_found(trial.subject.delete(&missing), &missing)?;
    for path in ["/path/is/invalid/", "/path/is/invalid*"] {
        refused(trial.subject.delete(path), &ErrorKind::InvalidPath, path)?;
    }
    Ok(())
}

fn over_thousand(trial: &Trial<'_>) -> Outcome {
    let top = trial.directory();
    let paths: Vec<String> = (0..1005).map(|number| format!("{top}/{number}")).collect();
    write_many(trial, &paths)?;
    // Another process knows nothing of them but what the lists show.
    trial.fresh()?.delete(&top)?;
    not_found(trial.subject.list(&top), &top)?;
    trial.ensure_only(&[])
}

fn partial_failure(trial: &Trial<'_>) -> Outcome {
    let top = trial.directory();
    let kept = format!("{top}/kept");
    trial.subject.put_content(&format!("{kept}/file"), trial.content(5))?;
    trial.subject.put_content(&format!("{top}/other"), trial.content(5))?;
    trial.inject(
        Fault::on(CallKind::DeleteMultipleObjects, Effect::error(403, "AccessDenied")).times(1),
    )?;
    let error = match trial.fresh()?.delete(&top) {
        Ok(()) => return Err(super::super::Stop::failed("deleted in spite of the refusal")),
        Err(error) => error,
    };
    equal(error.path(), Some(&*top), format!("the path in: {error}"))?;
    ensure(*error.kind() != ErrorKind::PathNotFound, format!("{error}"))?;
    let failed: Vec<&str> = error.failures().iter().map(|failure| &*failure.key).collect();
    let expected = [trial.key(&format!("{kept}/file")), trial.key(&format!("{top}/other"))];
    equal(failed, expected.iter().map(|key| &**key).collect::<Vec<_>>(), "the keys that failed")?;
    trial.subject.stat(&kept)?;
    trial.subject.delete(&top)?;
    trial.ensure_only(&[])
}

fn placeholders(trial: &Trial<'_>) -> Outcome {
    let top = trial.directory();
    for rest in ["/", "/a/", "/odd name/x", "//y"] {
        trial.subject.put_key(&format!("{}{rest}", trial.key(&top)), trial.content(1))?;
    }
    trial.fresh()?.delete(&top)?;
    not_found(trial.subject.stat(&top), &top)?;
    trial.ensure_only(&[])
}

/// Leaves an upload with a part, closed, at a path.
pub(super) fn leave_upload(trial: &Trial<'_>, driver: &dyn Subject, path: &str) -> Outcome {
    let mut writer = driver.writer(path, Append::No)?;
    writer.write(&trial.content((1 << 20) + 5))?;
    Ok(writer.close()?)
}

fn aborts_uploads(trial: &Trial<'_>) -> Outcome {
    let top = trial.directory();
    for name in ["a", "b", "c/d"] {
        leave_upload(trial, trial.subject, &format!("{top}/{name}"))?;
    }
    trial.subject.put_content(&format!("{top}/file"), trial.content(5))?;
    trial.fresh()?.delete(&top)?;
    trial.ensure_only(&[])?;
    let path = trial.path(20);
    leave_upload(trial, trial.subject, &path)?;
    // By its own path, though no object is there.
    trial.fresh()?.delete(&path)?;
    trial.ensure_only(&[])
}

fn own_work_within_lag(trial: &Trial<'_>) -> Outcome {
    const CHUNK: usize = 5 << 20;
    trial.list_lag(LAG_MAX);
    let driver = trial
        .subject
        .open(&[("maxconcurrency", 2.into()), ("chunksize", (CHUNK as u64).into())])?;
    let top = trial.directory();
    for path in [format!("{top}/deep/a"), format!("{top}/b")] {
        leave_upload(trial, &*driver, &path)?;
    }
    driver.put_content(&format!("{top}/put"), trial.content(5))?;
    write_all(&*driver, &format!("{top}/written"), &trial.content(5))?;
    driver.put_content(&format!("{top}/before"), trial.content(5))?;
    driver.rename(&format!("{top}/before"), &format!("{top}/after"))?;
    // An upload whose writer was dropped half-way, with more written than it may hold in memory:
    // some parts are acknowledged.
    let mut writer = driver.writer(&format!("{top}/dropped"), Append::No)?;
    writer.write(&trial.content(6 * CHUNK))?;
    drop(writer);
    driver.settle();
    driver.delete(&top)?;
    trial.ensure_only(&[])
}

fn others_work_after_lag(trial: &Trial<'_>) -> Outcome {
    trial.list_lag(LAG_MAX);
    let top = trial.directory();
    leave_upload(trial, trial.subject, &format!("{top}/deep/a"))?;
    trial.subject.put_content(&format!("{top}/put"), trial.content(5))?;
    // Within the lag another process may see nothing; that must not be anything but "not found".
    match trial.fresh()?.delete(&top) {
        Err(error) if *error.kind() != ErrorKind::PathNotFound => return Err(error.into()),
        _ => {}
    }
    trial.subject.advance(LAG_MAX + Duration::from_secs(1));
    match trial.fresh()?.delete(&top) {
        Err(error) if *error.kind() != ErrorKind::PathNotFound => return Err(error.into()),
        _ => {}
    }
    trial.ensure_only(&[])
}

fn leaves_sibling_uploads(trial: &Trial<'_>) -> Outcome {
    let top = trial.directory();
    for name in ["a", "ab", "a-b/c", "a/in"] {
        leave_upload(trial, trial.subject, &format!("{top}/{name}"))?;
    }
    trial.fresh()?.delete(&format!("{top}/a"))?;
    for name in ["ab", "a-b/c"] {
        let driver = trial.fresh()?;
        let writer = driver.writer(&format!("{top}/{name}"), Append::Yes)?;
        equal(writer.size(), (1 << 20) + 5, format!("the size of {name}"))?;
    }
    for name in ["a", "a/in"] {
        let path = format!("{top}/{name}");
        not_found(trial.subject.writer(&path, Append::Yes), &path)?;
    }
    Ok(())
}

/// What is at a record's key but is no record: a writer refuses; Delete of the directory takes it
/// like any object below.
fn foreign_record(trial: &Trial<'_>) -> Outcome {
    let top = trial.directory();
    let path = format!("{top}/data");
    let key = format!("{}~upload", trial.key(&path));
    trial.subject.put_key(&key, trial.content(40))?;
    for append in [Append::No, Append::Yes] {
        ensure(trial.subject.writer(&path, append).is_err(), "a writer opened over it")?;
    }
    equal(trial.subject.head_key(&key)?.size, 40, "the foreign object's size")?;
    trial.subject.delete(&top)?;
    trial.ensure_only(&[])
}
