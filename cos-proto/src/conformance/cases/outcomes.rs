//! Answers that got lost, and answers that say one thing while another was done.

use super::{Case, FAULTS, PROMISED, case};
use crate::{
    CallKind, ErrorKind,
    conformance::{
        Outcome, Stop, Trial,
        case::{ensure, equal, same_bytes},
        trial::{LAG_MAX, not_found},
    },
    emulator::{Effect, Fault},
    op::{Append, UploadOutcome},
};

pub(super) const CASES: &[Case] = &[
    case("LostReplyOnComplete", FAULTS, |trial| complete_succeeds(trial, &Effect::LostReply)),
    case("ErrorIn200OnComplete", FAULTS, |trial| {
        complete_succeeds(trial, &in_200("InternalError"))?;
        complete_succeeds(trial, &in_200("ServiceUnavailable"))?;
        complete_succeeds(trial, &Effect::ActThenErrorIn200 { code: "InternalError".into() })
    }),
    case("ErrorOnComplete", FAULTS, |trial| {
        complete_succeeds(trial, &Effect::ActThenError)?;
        complete_succeeds(trial, &Effect::RefuseBefore)?;
        complete_succeeds(trial, &Effect::Gateway502)?;
        complete_succeeds(trial, &Effect::error(409, "PathConflict"))
    }),
    case("CompleteWithoutResult", FAULTS, |trial| {
        complete_succeeds(trial, &Effect::EmptyResult)?;
        complete_succeeds(trial, &Effect::CutBody(20))
    }),
    case("CompleteKeptAliveBySpaces", FAULTS, |trial| {
        complete_succeeds(trial, &Effect::LeadingSpaces(25))
    }),
    case("FinalErrorIn200OnComplete", FAULTS, final_error_on_complete),
    case("LostReplyOnPut", FAULTS, lost_reply_on_put),
    case("LostReplyOnCreate", FAULTS, lost_reply_on_create),
    case("LostReplyOnCreateWithinLag", FAULTS, lost_reply_on_create_within_lag),
    case("LostReplyOnPart", FAULTS, lost_reply_on_part),
    case("LostReplyOnClose", FAULTS, lost_reply_on_close),
    case("LostReplyOnCopy", FAULTS, |trial| {
        move_succeeds(trial, CallKind::PutObjectCopy, &Effect::LostReply)
    }),
    case("LostReplyOnPartCopy", FAULTS, |trial| {
        move_succeeds(trial, CallKind::UploadPartCopy, &Effect::LostReply)
    }),
    case("ErrorIn200OnCopy", FAULTS, |trial| {
        for call in [CallKind::PutObjectCopy, CallKind::UploadPartCopy] {
            move_succeeds(trial, call, &in_200("InternalError"))?;
            move_succeeds(trial, call, &Effect::EmptyResult)?;
        }
        Ok(())
    }),
    case("LostReplyOnDelete", FAULTS, lost_reply_on_delete),
    case("FailedCleanUpIsNoFailure", PROMISED, failed_clean_up),
];

const MIB: usize = 1 << 20;

fn in_200(code: &str) -> Effect {
    Effect::ErrorIn200 { code: code.to_owned() }
}

/// Writes more than one chunk, so that there are parts to complete.
fn write_parts(trial: &Trial<'_>, path: &str) -> Result<(bytes::Bytes, UploadOutcome), Stop> {
    let content = trial.content(trial.chunk() + MIB + 3);
    let mut writer = trial.subject.writer(path, Append::No)?;
    writer.write(&content)?;
    let outcome = writer.commit()?;
    Ok((content, outcome))
}

fn complete_succeeds(trial: &Trial<'_>, effect: &Effect) -> Outcome {
    trial.clear_log()?;
    let path = trial.path(32);
    trial.inject(Fault::on(CallKind::CompleteMultipartUpload, effect.clone()))?;
    let (content, _) = write_parts(trial, &path)?;
    trial.ensure_fault_met()?;
    same_bytes(&trial.read(&path, 0)?, &content, format!("{effect:?}"))?;
    trial.ensure_only(&[&path])?;
    Ok(trial.subject.delete(&path)?)
}

/// A refusal that trying again cannot change: the object is as before, the upload is kept, and
/// another writer can commit it.
fn final_error_on_complete(trial: &Trial<'_>) -> Outcome {
    let path = trial.path(32);
    let chunk = trial.chunk();
    let content = trial.content(chunk + 77);
    trial.inject(Fault::on(CallKind::CompleteMultipartUpload, in_200("AccessDenied")))?;
    let mut writer = trial.subject.writer(&path, Append::No)?;
    writer.write(&content)?;
    writer.close()?;
    drop(writer);
    let mut writer = trial.subject.writer(&path, Append::Yes)?;
    let committed = writer.commit();
    drop(writer);
    ensure(committed.is_err(), "committed in spite of AccessDenied")?;
    not_found(trial.subject.stat(&path), &path)?;
    let driver = trial.fresh()?;
    let mut writer = driver.writer(&path, Append::Yes)?;
    equal(writer.size(), content.len() as u64, "the size when tried again")?;
    writer.commit()?;
    drop(writer);
    same_bytes(&trial.read(&path, 0)?, &content, "the content")?;
    trial.ensure_only(&[&path])
}

fn lost_reply_on_put(trial: &Trial<'_>) -> Outcome {
    for effect in [Effect::LostReply, Effect::ActThenError, Effect::error(409, "PathConflict")] {
        let (put, written) = (trial.path(32), trial.path(32));
        let (one, two) = (trial.content(100), trial.content(200));
        trial.inject(Fault::on(CallKind::PutObject, effect.clone()).key_contains(&put[1..]))?;
        trial.subject.put_content(&put, one.clone())?;
        trial.inject(Fault::on(CallKind::PutObject, effect).key_contains(&written[1..]))?;
        trial.write(&written, &two)?;
        same_bytes(&trial.subject.get_content(&put)?, &one, &put)?;
        same_bytes(&trial.subject.get_content(&written)?, &two, &written)?;
        trial.ensure_fault_met()?;
        trial.ensure_only(&[&put, &written])?;
        trial.subject.delete(&put)?;
        trial.subject.delete(&written)?;
    }
    Ok(())
}

/// The first Create made an upload that nobody knows the id of. The list shows it, so the writer
/// aborts it before it ends.
fn lost_reply_on_create(trial: &Trial<'_>) -> Outcome {
    let path = trial.path(32);
    trial.inject(Fault::on(CallKind::InitiateMultipartUpload, Effect::LostReply))?;
    let (content, _) = write_parts(trial, &path)?;
    trial.ensure_fault_met()?;
    same_bytes(&trial.read(&path, 0)?, &content, &path)?;
    trial.ensure_only(&[&path])
}

/// The list does not show it yet: the outcome says so, and a sweep finds it later.
fn lost_reply_on_create_within_lag(trial: &Trial<'_>) -> Outcome {
    trial.list_lag(LAG_MAX);
    let path = trial.path(32);
    trial.inject(Fault::on(CallKind::InitiateMultipartUpload, Effect::LostReply))?;
    let (content, outcome) = write_parts(trial, &path)?;
    trial.ensure_fault_met()?;
    same_bytes(&trial.read(&path, 0)?, &content, &path)?;
    ensure(outcome.stray_possible, "the outcome does not tell of a possible stray")?;
    let (_, uploads) = trial.leftovers()?;
    equal(uploads, vec![trial.key(&path)], "the stray")?;
    trial.sweep_all()?;
    trial.ensure_only(&[&path])
}

fn lost_reply_on_part(trial: &Trial<'_>) -> Outcome {
    for effect in [Effect::LostReply, Effect::ActThenError, Effect::slow_down()] {
        let path = trial.path(32);
        trial.inject(
            Fault::on(CallKind::UploadPart, effect).query_contains("partNumber=1").times(2),
        )?;
        let (content, _) = write_parts(trial, &path)?;
        trial.ensure_fault_met()?;
        same_bytes(&trial.read(&path, 0)?, &content, &path)?;
        trial.ensure_only(&[&path])?;
        trial.subject.delete(&path)?;
    }
    Ok(())
}

fn lost_reply_on_close(trial: &Trial<'_>) -> Outcome {
    for size in [0, 10, MIB, 3 * MIB] {
        let path = trial.path(32);
        let content = trial.content(size);
        trial.inject(Fault::on(CallKind::PutObject, Effect::LostReply).key_contains("~upload"))?;
        let mut writer = trial.subject.writer(&path, Append::No)?;
        writer.write(&content)?;
        writer.close()?;
        drop(writer);
        trial.ensure_fault_met()?;
        let driver = trial.fresh()?;
        let mut writer = driver.writer(&path, Append::Yes)?;
        equal(writer.size(), size as u64, "the size when re-opened")?;
        writer.commit()?;
        drop(writer);
        same_bytes(&trial.read(&path, 0)?, &content, &path)?;
        trial.ensure_only(&[&path])?;
        trial.subject.delete(&path)?;
    }
    Ok(())
}

/// A move whose copying call goes wrong once.
fn move_succeeds(trial: &Trial<'_>, call: CallKind, effect: &Effect) -> Outcome {
    let parts = [
        ("multipartcopythresholdsize", 0.into()),
        ("multipartcopychunksize", (5_i64 << 20).into()),
    ];
    let changed = if call == CallKind::PutObjectCopy { &parts[..0] } else { &parts[..] };
    let driver = trial.subject.open(changed)?;
    let (source, destination) = (trial.path(32), trial.path(32));
    let content = trial.content(6 * MIB);
    driver.put_content(&source, content.clone())?;
    trial.clear_log()?;
    trial.inject(Fault::on(call, effect.clone()))?;
    driver.rename(&source, &destination)?;
    trial.ensure_fault_met()?;
    same_bytes(&driver.get_content(&destination)?, &content, format!("{effect:?}"))?;
    not_found(driver.stat(&source), &source)?;
    trial.ensure_only(&[&destination])?;
    Ok(driver.delete(&destination)?)
}

fn lost_reply_on_delete(trial: &Trial<'_>) -> Outcome {
    for effect in [Effect::LostReply, Effect::ActThenError, Effect::slow_down()] {
        let top = trial.directory();
        for name in ["a", "b", "c"] {
            trial.subject.put_content(&format!("{top}/{name}"), trial.content(5))?;
        }
        super::delete::leave_upload(trial, trial.subject, &format!("{top}/upload"))?;
        for call in [
            CallKind::DeleteMultipleObjects,
            CallKind::DeleteObject,
            CallKind::AbortMultipartUpload,
            CallKind::ListMultipartUploads,
            CallKind::GetBucket,
        ] {
            trial.inject(Fault::on(call, effect.clone()))?;
        }
        trial.fresh()?.delete(&top)?;
        trial.ensure_fault_met()?;
        trial.clear_faults()?;
        trial.ensure_only(&[])?;
    }
    Ok(())
}

/// A record that cannot be deleted does not make a Commit fail: it is dead by its `base`.
fn failed_clean_up(trial: &Trial<'_>) -> Outcome {
    let path = trial.path(32);
    let mut writer = trial.subject.writer(&path, Append::No)?;
    writer.write(b"start")?;
    writer.close()?;
    drop(writer);
    trial.inject(Fault::on(CallKind::DeleteObject, Effect::error(403, "AccessDenied")).times(9))?;
    let mut writer = trial.subject.writer(&path, Append::Yes)?;
    writer.commit()?;
    drop(writer);
    same_bytes(&trial.read(&path, 0)?, b"start", &path)?;
    trial.clear_faults()?;
    let committed = ErrorKind::AlreadyCommitted { size: 5 };
    let driver = trial.fresh()?;
    super::super::trial::refused(driver.writer(&path, Append::Yes), &committed, &path)?;
    trial.ensure_only(&[&path])
}
