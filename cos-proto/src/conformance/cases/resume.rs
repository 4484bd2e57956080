//! What became of an upload between two writers.

use std::time::Duration;

use bytes::Bytes;

use super::{Case, FAULTS, PROMISED, case, delete::leave_upload};
use crate::{
    CallKind, Error, ErrorKind,
    conformance::{
        Outcome, Stop, Trial,
        case::{ensure, equal, same_bytes},
        trial::{not_found, refused},
    },
    emulator::{Effect, Fault},
    op::Append,
};

pub(super) const CASES: &[Case] = &[
    case("StaleRecordOverNewerObject", FAULTS, stale_record),
    case("StaleRecordOverNewerEmptyObject", FAULTS, stale_record_empty),
    case("ResumeOverOlderObject", PROMISED, over_older_object),
    case("CrashAfterClose", FAULTS, crash_after_close),
    case("CrashBeforeClose", FAULTS, crash_before_close),
    case("DamagedRecord", FAULTS, damaged_record),
    case("UploadAbortedElsewhere", FAULTS, aborted_elsewhere),
    case("SweepSparesTheYoung", PROMISED, sweep),
    case("SweepByAClockThatIsAhead", PROMISED, sweep_ahead),
];

const MIB: usize = 1 << 20;

/// Somebody committed since the record was written: appending is refused, and the record is gone.
fn stale_record(trial: &Trial<'_>) -> Outcome {
    for uploaded in [100, 2 * MIB] {
        let path = trial.path(32);
        let mut writer = trial.subject.writer(&path, Append::No)?;
        writer.write(&trial.content(uploaded))?;
        writer.close()?;
        drop(writer);
        let newer = trial.content(333);
        trial.put_behind(&path, newer.clone())?;
        let driver = trial.fresh()?;
        let committed = ErrorKind::AlreadyCommitted { size: 333 };
        refused(driver.writer(&path, Append::Yes), &committed, &path)?;
        trial.ensure_only(&[&path])?;
        same_bytes(&trial.read(&path, 0)?, &newer, "the newer object")?;
        trial.subject.delete(&path)?;
    }
    Ok(())
}

fn stale_record_empty(trial: &Trial<'_>) -> Outcome {
    let path = trial.path(32);
    leave_upload(trial, trial.subject, &path)?;
    trial.put_behind(&path, Bytes::new())?;
    let driver = trial.fresh()?;
    let content = trial.content(50);
    let mut writer = driver.writer(&path, Append::Yes)?;
    equal(writer.size(), 0, "the size over a newer empty object")?;
    writer.write(&content)?;
    writer.commit()?;
    drop(writer);
    same_bytes(&trial.read(&path, 0)?, &content, &path)?;
    trial.ensure_only(&[&path])
}

/// The object that was there when the upload began does not make its record stale.
fn over_older_object(trial: &Trial<'_>) -> Outcome {
    let path = trial.path(32);
    let old = trial.content(500);
    trial.write(&path, &old)?;
    let content = trial.content(2 * MIB);
    let mut writer = trial.subject.writer(&path, Append::No)?;
    writer.write(&content[..MIB + 7])?;
    writer.close()?;
    drop(writer);
    same_bytes(&trial.read(&path, 0)?, &old, "before Commit")?;
    let driver = trial.fresh()?;
    let mut writer = driver.writer(&path, Append::Yes)?;
    equal(writer.size(), MIB as u64 + 7, "the size when re-opened")?;
    writer.write(&content[MIB + 7..])?;
    writer.commit()?;
    drop(writer);
    same_bytes(&trial.read(&path, 0)?, &content, "after Commit")?;
    trial.ensure_only(&[&path])
}

/// What was written after the last Close is lost, and nothing else.
fn crash_after_close(trial: &Trial<'_>) -> Outcome {
    let chunk = trial.chunk();
    for (kept, lost) in [(10, 10), (MIB, chunk + 5), (chunk + 3, 2 * chunk)] {
        let path = trial.path(32);
        let content = trial.content(kept + 100);
        let mut writer = trial.subject.writer(&path, Append::No)?;
        writer.write(&content[..kept])?;
        writer.close()?;
        drop(writer);
        let mut writer = trial.subject.writer(&path, Append::Yes)?;
        writer.write(&trial.content(lost))?;
        drop(writer);
        trial.subject.settle();
        let driver = trial.fresh()?;
        let mut writer = driver.writer(&path, Append::Yes)?;
        equal(writer.size(), kept as u64, "the size after the crash")?;
        writer.write(&content[kept..])?;
        writer.commit()?;
        drop(writer);
        same_bytes(&trial.read(&path, 0)?, &content, "the content")?;
        trial.ensure_only(&[&path])?;
        trial.subject.delete(&path)?;
    }
    Ok(())
}

/// Nothing was durable: what is opened for appending is empty or not there, never in between.
fn crash_before_close(trial: &Trial<'_>) -> Outcome {
    let chunk = trial.chunk();
    for written in [10, 2 * chunk + 5] {
        let path = trial.path(32);
        let mut writer = trial.subject.writer(&path, Append::No)?;
        writer.write(&trial.content(written))?;
        drop(writer);
        trial.subject.settle();
        let driver = trial.fresh()?;
        match driver.writer(&path, Append::Yes) {
            Ok(writer) => equal(writer.size(), 0, "the size after the crash")?,
            Err(error) => equal(error.kind(), &ErrorKind::PathNotFound, format!("{error}"))?,
        }
        let content = trial.content(3 * MIB);
        trial.write(&path, &content)?;
        same_bytes(&trial.read(&path, 0)?, &content, "the content")?;
        // A crash between Create and the claim leaves an upload that no record names.
        if trial.emulator(|_| ()).is_ok() {
            trial.sweep_all()?;
        }
        trial.ensure_only(&[&path])?;
        trial.subject.delete(&path)?;
    }
    Ok(())
}

/// A record with a byte changed is refused, and kept for somebody to look at.
fn damaged_record(trial: &Trial<'_>) -> Outcome {
    let path = trial.path(32);
    let mut writer = trial.subject.writer(&path, Append::No)?;
    writer.write(&trial.content(MIB + 500))?;
    writer.close()?;
    drop(writer);
    let key = format!("{}~upload", trial.key(&path));
    let bucket = trial.subject.config().bucket().as_str();
    let record = trial.emulator(|emulator| emulator.object(bucket, &key))?;
    let record = record.ok_or_else(|| Stop::failed("there is no record"))?.body.to_bytes();
    for at in [8, 9, 12, 30, record.len() / 2, record.len() - 1] {
        let mut damaged = record.to_vec();
        damaged[at] ^= 0x10;
        trial.subject.put_key(&key, damaged.into())?;
        let result = trial.fresh()?.writer(&path, Append::Yes).map(|writer| writer.size());
        ensure(result.is_err(), format!("opened with byte {at} changed: {result:?}"))?;
        equal(trial.subject.head_key(&key)?.size, record.len() as u64, "the record's size")?;
    }
    trial.subject.put_key(&key, record)?;
    let writer = trial.subject.writer(&path, Append::Yes)?;
    equal(writer.size(), MIB as u64 + 500, "the size with the record whole again")
}

/// The upload is gone behind the writer's back, as by a lifecycle rule.
fn aborted_elsewhere(trial: &Trial<'_>) -> Outcome {
    for call in [CallKind::UploadPart, CallKind::CompleteMultipartUpload] {
        let path = trial.path(32);
        leave_upload(trial, trial.subject, &path)?;
        let driver = trial.fresh()?;
        let mut writer = driver.writer(&path, Append::Yes)?;
        trial.inject(Fault::on(call, Effect::error(404, "NoSuchUpload")).times(9))?;
        let ended: Result<(), Error> =
            writer.write(&trial.content(2 * MIB)).and_then(|()| writer.commit()).map(|_| ());
        drop(writer);
        refused(ended, &ErrorKind::UploadLost, &path)?;
        not_found(trial.subject.stat(&path), &path)?;
        trial.clear_faults()?;
        trial.fresh()?.delete(&path)?;
        trial.ensure_only(&[])?;
    }
    Ok(())
}

fn sweep(trial: &Trial<'_>) -> Outcome {
    trial.emulator(|_| ())?;
    let (old, young) = (trial.path(32), trial.path(32));
    leave_upload(trial, trial.subject, &old)?;
    let day = Duration::from_secs(24 * 60 * 60);
    trial.subject.advance(day);
    leave_upload(trial, trial.subject, &young)?;
    let swept = trial.subject.sweep(day / 2)?;
    equal((swept.aborted, swept.records), (1, 1), "aborted uploads and deleted records")?;
    not_found(trial.subject.writer(&old, Append::Yes), &old)?;
    let writer = trial.subject.writer(&young, Append::Yes)?;
    equal(writer.size(), MIB as u64 + 5, "the size of the young one")?;
    drop(writer);
    trial.sweep_all()?;
    trial.ensure_only(&[])
}

/// What is old, the service's clock says, also to a driver that has not heard of it yet.
fn sweep_ahead(trial: &Trial<'_>) -> Outcome {
    const AHEAD: i64 = 100_000;
    trial.emulator(|emulator| emulator.shift_clock(-AHEAD))?;
    let path = trial.path(32);
    leave_upload(trial, trial.subject, &path)?;
    trial.subject.advance(Duration::from_secs(60));
    let day = Duration::from_secs(24 * 60 * 60);
    let swept = trial.fresh()?.sweep(day)?;
    equal((swept.aborted, swept.records), (0, 0), "aborted uploads and deleted records")?;
    let writer = trial.subject.writer(&path, Append::Yes)?;
    equal(writer.size(), MIB as u64 + 5, "the size of what was closed")?;
    drop(writer);
    trial.emulator(|emulator| emulator.shift_clock(AHEAD))?;
    trial.sweep_all()?;
    trial.ensure_only(&[])
}
