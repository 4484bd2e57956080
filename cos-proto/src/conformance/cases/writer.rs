//! The order of a writer's calls, and several writers at one path.

use super::{CHECKLIST, Case, PROMISED, UNCOVERED, case};
use crate::{
    CallKind,
    conformance::{
        Outcome, Stop, Trial, Writer,
        case::{ensure, equal, same_bytes},
        trial::{misuse, not_found},
    },
    op::Append,
};

pub(super) const CASES: &[Case] = &[
    case("CloseTwice", UNCOVERED, close_twice),
    case("WriterAfterCommit", UNCOVERED, after_commit),
    case("WriterAfterClose", UNCOVERED, after_close),
    case("WriterAfterCancel", UNCOVERED, after_cancel),
    case("CancelThenWriter", UNCOVERED, cancel_then_writer),
    case("CancelLeavesNothing", CHECKLIST, cancel_leaves_nothing),
    case("CancelResumedUpload", PROMISED, cancel_resumed),
    case("ZeroByteCommit", CHECKLIST, zero_byte_commit),
    case("SmallCommitIsOnePut", PROMISED, small_commit_is_one_put),
    case("CommitReplacesOnlyAtCommit", CHECKLIST, replaces_only_at_commit),
    case("WriterDiscardsEarlierUpload", PROMISED, discards_earlier_upload),
    case("TwoWritersAtOnePath", UNCOVERED, two_writers),
    case("TwoAppendersAtOnePath", PROMISED, two_appenders),
    case("OverThousandParts", UNCOVERED, over_thousand_parts),
    case("NoAclUnlessAsked", CHECKLIST, no_acl),
];

const MIB: usize = 1 << 20;

fn close_twice(trial: &Trial<'_>) -> Outcome {
    let path = trial.path(32);
    let mut writer = trial.subject.writer(&path, Append::No)?;
    writer.write(b"content")?;
    writer.close()?;
    misuse(writer.close(), "a second Close")?;
    equal(writer.size(), 7, "the size")
}

fn after_commit(trial: &Trial<'_>) -> Outcome {
    let path = trial.path(32);
    let content = trial.content(99);
    let mut writer = trial.subject.writer(&path, Append::No)?;
    writer.write(&content)?;
    writer.commit()?;
    misuse(writer.write(b"more"), "Write after Commit")?;
    misuse(writer.commit(), "a second Commit")?;
    misuse(writer.cancel(), "Cancel after Commit")?;
    writer.close()?;
    misuse(writer.close(), "a second Close after Commit")?;
    equal(writer.size(), 99, "the size")?;
    same_bytes(&trial.subject.get_content(&path)?, &content, &path)
}

fn after_close(trial: &Trial<'_>) -> Outcome {
    let path = trial.path(32);
    let mut writer = trial.subject.writer(&path, Append::No)?;
    writer.write(b"content")?;
    writer.close()?;
    misuse(writer.write(b"more"), "Write after Close")?;
    misuse(writer.commit(), "Commit after Close")?;
    misuse(writer.cancel(), "Cancel after Close")?;
    drop(writer);
    let writer = trial.subject.writer(&path, Append::Yes)?;
    equal(writer.size(), 7, "the size when re-opened")
}

fn after_cancel(trial: &Trial<'_>) -> Outcome {
    let path = trial.path(32);
    let mut writer = trial.subject.writer(&path, Append::No)?;
    writer.write(&trial.content(3 * MIB))?;
    writer.cancel()?;
    misuse(writer.write(b"more"), "Write after Cancel")?;
    misuse(writer.commit(), "Commit after Cancel")?;
    misuse(writer.cancel(), "a second Cancel")?;
    writer.close()?;
    misuse(writer.close(), "a second Close after Cancel")?;
    not_found(trial.subject.stat(&path), &path)?;
    trial.ensure_only(&[])
}

fn cancel_then_writer(trial: &Trial<'_>) -> Outcome {
    let path = trial.path(32);
    let mut writer = trial.subject.writer(&path, Append::No)?;
    writer.write(&trial.content(100))?;
    writer.cancel()?;
    drop(writer);
    not_found(trial.subject.writer(&path, Append::Yes), &path)?;
    let content = trial.content(50);
    trial.write(&path, &content)?;
    same_bytes(&trial.subject.get_content(&path)?, &content, &path)
}

fn cancel_leaves_nothing(trial: &Trial<'_>) -> Outcome {
    trial.list_lag(super::super::trial::LAG_MAX);
    let chunk = trial.chunk();
    for size in [0, 1, MIB, chunk, 2 * chunk + 1] {
        let path = trial.path(32);
        let mut writer = trial.subject.writer(&path, Append::No)?;
        writer.write(&trial.content(size))?;
        writer.cancel()?;
        trial.ensure_only(&[])?;
    }
    Ok(())
}

fn cancel_resumed(trial: &Trial<'_>) -> Outcome {
    trial.list_lag(super::super::trial::LAG_MAX);
    let path = trial.path(32);
    let mut writer = trial.subject.writer(&path, Append::No)?;
    writer.write(&trial.content(2 * MIB))?;
    writer.close()?;
    let driver = trial.fresh()?;
    let mut writer = driver.writer(&path, Append::Yes)?;
    writer.write(&trial.content(10))?;
    writer.cancel()?;
    not_found(trial.subject.writer(&path, Append::Yes), &path)?;
    trial.ensure_only(&[])
}

fn zero_byte_commit(trial: &Trial<'_>) -> Outcome {
    let path = trial.path(32);
    let mut writer = trial.subject.writer(&path, Append::No)?;
    writer.commit()?;
    equal(writer.size(), 0, "the size")?;
    equal(trial.subject.get_content(&path)?.len(), 0, "the content")?;
    trial.ensure_only(&[&path])
}

fn small_commit_is_one_put(trial: &Trial<'_>) -> Outcome {
    let path = trial.path(32);
    trial.clear_log()?;
    trial.write(&path, &trial.content(1000))?;
    equal(trial.count(CallKind::PutObject)?, 1, "PUTs")?;
    equal(trial.count(CallKind::InitiateMultipartUpload)?, 0, "multipart uploads")
}

fn replaces_only_at_commit(trial: &Trial<'_>) -> Outcome {
    let path = trial.path(32);
    let (old, new) = (trial.content(100), trial.content(3 * MIB));
    trial.write(&path, &old)?;
    let mut writer = trial.subject.writer(&path, Append::No)?;
    writer.write(&new)?;
    same_bytes(&trial.read(&path, 0)?, &old, "before Commit")?;
    writer.commit()?;
    same_bytes(&trial.read(&path, 0)?, &new, "after Commit")
}

fn discards_earlier_upload(trial: &Trial<'_>) -> Outcome {
    let path = trial.path(32);
    super::delete::leave_upload(trial, trial.subject, &path)?;
    let driver = trial.fresh()?;
    let content = trial.content(10);
    let mut writer = driver.writer(&path, Append::No)?;
    equal(writer.size(), 0, "the size")?;
    writer.write(&content)?;
    writer.commit()?;
    same_bytes(&trial.read(&path, 0)?, &content, &path)?;
    trial.ensure_only(&[&path])
}

/// Two that create: each is whole, the last Commit wins.
fn two_writers(trial: &Trial<'_>) -> Outcome {
    let path = trial.path(32);
    let other = trial.fresh()?;
    let (one, two) = (trial.content(3 * MIB), trial.content(4 * MIB));
    let mut first = trial.subject.writer(&path, Append::No)?;
    let mut second = other.writer(&path, Append::No)?;
    first.write(&one)?;
    second.write(&two)?;
    let first_done = first.commit().is_ok();
    let second_done = second.commit().is_ok();
    ensure(first_done || second_done, "neither could commit")?;
    let read = trial.read(&path, 0)?;
    let expected = if second_done { &two } else { &one };
    same_bytes(&read, expected, "the last Commit's content")
}

/// Two that append: one may lose, but what is committed is one of both, whole.
fn two_appenders(trial: &Trial<'_>) -> Outcome {
    let path = trial.path(32);
    let (start, one, two) = (trial.content(3 * MIB), trial.content(MIB), trial.content(MIB + 1));
    let mut writer = trial.subject.writer(&path, Append::No)?;
    writer.write(&start)?;
    writer.close()?;
    drop(writer);
    let (here, there) = (trial.fresh()?, trial.fresh()?);
    let mut first = here.writer(&path, Append::Yes)?;
    let mut second = there.writer(&path, Append::Yes)?;
    first.write(&one)?;
    second.write(&two)?;
    let first = commit(&mut *first);
    let second = commit(&mut *second);
    let read = trial.read(&path, 0)?;
    let whole = |end: &[u8]| [&start[..], end].concat();
    let is_one = read == whole(&one);
    let is_two = read == whole(&two);
    ensure(is_one || is_two, format!("neither: {} bytes; {first:?}, {second:?}", read.len()))?;
    ensure(!is_one || first.is_ok(), "committed, but reported as failed")
}

fn commit(writer: &mut dyn Writer) -> Result<(), Stop> {
    writer.commit()?;
    Ok(())
}

fn over_thousand_parts(trial: &Trial<'_>) -> Outcome {
    if !trial.options.large {
        return Err(Stop::Skipped("writes 1 GiB; set COS_TEST_LARGE=1".to_owned()));
    }
    let path = trial.path(32);
    let (mut crc, mut random) = (crate::Crc64::new(), trial.random().clone());
    for turn in 0..1005_u64 {
        let append = if turn == 0 { Append::No } else { Append::Yes };
        let driver = trial.fresh()?;
        let mut writer = driver.writer(&path, append)?;
        equal(writer.size(), turn * MIB as u64, format!("the size at turn {turn}"))?;
        let piece = random.bytes(MIB);
        crc.update(&piece);
        writer.write(&piece)?;
        writer.close()?;
    }
    trial.subject.writer(&path, Append::Yes)?.commit()?;
    equal(trial.subject.stat(&path)?.size, 1005 * MIB as u64, "the size")?;
    let meta = trial.subject.head_key(&trial.key(&path))?;
    equal(meta.crc64, crate::Reported::Value(crc.value()), "the CRC-64")?;
    trial.ensure_only(&[&path])
}

/// COS allows 1000 entries of access control per account, so none may be spent per object.
fn no_acl(trial: &Trial<'_>) -> Outcome {
    let paths = [trial.path(32), trial.path(32), trial.path(32)];
    trial.subject.put_content(&paths[0], trial.content(5))?;
    trial.write(&paths[1], &trial.content(trial.chunk() + 5))?;
    trial.subject.put_content(&paths[2], trial.content(5))?;
    trial.subject.rename(&paths[2], &format!("{}-moved", paths[2]))?;
    let bucket = trial.subject.config().bucket().as_str();
    for path in [paths[0].clone(), paths[1].clone(), format!("{}-moved", paths[2])] {
        let key = trial.key(&path);
        let stored = trial.emulator(|emulator| emulator.object(bucket, &key))?;
        let stored = stored.ok_or_else(|| Stop::failed(format!("{path} is not there")))?;
        let acl = stored.headers.get("x-cos-acl").map(String::as_str);
        ensure(matches!(acl, None | Some("default")), format!("{path} has the ACL {acl:?}"))?;
    }
    Ok(())
}
