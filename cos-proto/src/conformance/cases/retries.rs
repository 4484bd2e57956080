//! What passes by itself, what a remedy helps against, and what is told to the caller.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use super::{CHECKLIST, Case, FAULTS, PROMISED, case};
use crate::{
    CallKind, Credentials, CredentialsFailed, Error, ErrorKind, UnixTime,
    conformance::{
        Outcome, Stop, Subject, Trial,
        case::{ensure, equal, same_bytes},
        trial::{not_found, refused},
    },
    emulator::{Effect, Fault},
    op::Append,
};

pub(super) const CASES: &[Case] = &[
    case("ThrottledOnce", CHECKLIST, |trial| every_call(trial, &Effect::slow_down())),
    case("InternalErrorOnce", CHECKLIST, |trial| every_call(trial, &Effect::internal_error())),
    case("GatewayErrorOnce", FAULTS, |trial| every_call(trial, &Effect::Gateway502)),
    case("ConnectionClosedOnce", FAULTS, |trial| every_call(trial, &Effect::RefuseBefore)),
    case("RetryAfterIsHonoured", PROMISED, retry_after),
    case("DeniedIsNotRetried", PROMISED, denied),
    case("ErrorsTellTheRequest", PROMISED, errors_tell),
    case("SkewedClock", FAULTS, skewed_clock),
    case("SlightlySkewedClock", FAULTS, slightly_skewed_clock),
    case("ExpiredToken", FAULTS, expired_token),
    case("RefusedCredentials", FAULTS, refused_credentials),
    case("ProviderFails", FAULTS, provider_fails),
    case("RandomFaults", FAULTS, random_faults),
];

const MIB: usize = 1 << 20;

/// Every method works although each kind of call goes wrong once.
fn every_call(trial: &Trial<'_>, effect: &Effect) -> Outcome {
    let driver = trial.subject.open(&[
        ("multipartcopythresholdsize", 0.into()),
        ("multipartcopychunksize", (5_i64 << 20).into()),
    ])?;
    let top = trial.directory();
    trial.clear_log()?;
    let hit = |calls: &[CallKind]| -> Outcome {
        trial.clear_faults()?;
        calls.iter().try_for_each(|call| trial.inject(Fault::on(*call, effect.clone())))
    };
    let (put, written) = (format!("{top}/put"), format!("{top}/written"));
    let (small, large) =
        (trial.content(300), trial.content(driver.config().chunk_size() as usize + 2 * MIB));

    hit(&[CallKind::PutObject])?;
    driver.put_content(&put, small.clone())?;
    hit(&[CallKind::GetObject])?;
    same_bytes(&driver.get_content(&put)?, &small, "get_content")?;
    hit(&[CallKind::GetObject])?;
    let read = super::super::trial::read_all(&*driver, &put, 100)?;
    same_bytes(&read, &small[100..], "reader")?;
    hit(&[CallKind::HeadObject, CallKind::GetBucket])?;
    ensure(driver.stat(&top)?.is_dir, "stat")?;
    hit(&[CallKind::GetBucket])?;
    equal(driver.list(&top)?, vec![put.clone()], "list")?;
    hit(&[CallKind::GetBucket])?;
    equal(driver.walk_entries(&top, None)?.len(), 1, "walk")?;
    hit(&[
        CallKind::GetObject,
        CallKind::HeadObject,
        CallKind::InitiateMultipartUpload,
        CallKind::UploadPart,
        CallKind::PutObject,
    ])?;
    let mut writer = driver.writer(&written, Append::No)?;
    writer.write(&large[..large.len() - 5])?;
    writer.close()?;
    drop(writer);
    hit(&[
        CallKind::GetObject,
        CallKind::HeadObject,
        CallKind::UploadPart,
        CallKind::CompleteMultipartUpload,
        CallKind::DeleteObject,
        CallKind::ListMultipartUploads,
    ])?;
    let mut writer = driver.writer(&written, Append::Yes)?;
    writer.write(&large[large.len() - 5..])?;
    writer.commit()?;
    drop(writer);
    same_bytes(&driver.get_content(&written)?, &large, "the written file")?;
    let moved = format!("{top}/moved");
    hit(&[
        CallKind::HeadObject,
        CallKind::InitiateMultipartUpload,
        CallKind::UploadPartCopy,
        CallKind::CompleteMultipartUpload,
        CallKind::DeleteObject,
    ])?;
    driver.rename(&written, &moved)?;
    same_bytes(&driver.get_content(&moved)?, &large, "the moved file")?;
    not_found(driver.stat(&written), &written)?;
    super::delete::leave_upload(trial, trial.subject, &format!("{top}/upload"))?;
    hit(&[
        CallKind::GetBucket,
        CallKind::ListMultipartUploads,
        CallKind::GetObject,
        CallKind::AbortMultipartUpload,
        CallKind::DeleteMultipleObjects,
    ])?;
    driver.delete(&top)?;
    trial.ensure_fault_met()?;
    trial.clear_faults()?;
    trial.ensure_only(&[])
}

fn retry_after(trial: &Trial<'_>) -> Outcome {
    let path = trial.path(32);
    let effect = Effect::Error {
        status: 503,
        code: "SlowDown".to_owned(),
        message: "Reduce your request rate.".to_owned(),
        retry_after: Some(1),
    };
    trial.inject(Fault::on(CallKind::PutObject, effect.clone()))?;
    let content = trial.content(10);
    trial.subject.put_content(&path, content.clone())?;
    same_bytes(&trial.subject.get_content(&path)?, &content, &path)?;
    // Where there is no time to wait, the caller is told for how long.
    let driver = trial.subject.open(&[("calldeadline", "1s".into())])?;
    trial.inject(Fault::on(CallKind::GetObject, effect).times(9))?;
    let throttled = ErrorKind::Throttled { retry_after: Some(Duration::from_secs(1)) };
    refused(driver.get_content(&path), &throttled, &path)
}

fn denied(trial: &Trial<'_>) -> Outcome {
    let path = trial.path(32);
    trial.subject.put_content(&path, trial.content(10))?;
    trial.clear_log()?;
    for (call, times) in [(CallKind::GetObject, 1), (CallKind::HeadObject, 1)] {
        trial.inject(Fault::on(call, Effect::error(403, "AccessDenied")).times(times))?;
    }
    refused(trial.subject.get_content(&path), &ErrorKind::Denied, &path)?;
    refused(trial.subject.stat(&path), &ErrorKind::Denied, &path)?;
    equal(trial.count(CallKind::GetObject)?, 1, "GETs")?;
    equal(trial.count(CallKind::HeadObject)?, 1, "HEADs")?;
    equal(trial.count(CallKind::GetBucket)?, 0, "a refused HEAD is no absent file")
}

/// An error that came over the network says which call failed, how, and after how many attempts.
fn errors_tell(trial: &Trial<'_>) -> Outcome {
    let path = trial.path(32);
    trial.inject(Fault::on(CallKind::PutObject, Effect::internal_error()).times(1))?;
    let refusal = Effect::error(403, "AccessDenied");
    trial.inject(Fault::on(CallKind::PutObject, refusal).times(1))?;
    let Err(error) = trial.subject.put_content(&path, trial.content(10)) else {
        return Err(Stop::failed("put in spite of AccessDenied"));
    };
    let remote = error.remote().ok_or_else(|| Stop::failed("no remote call"))?;
    equal(remote.call, CallKind::PutObject, "the call")?;
    equal(remote.status.map(|status| status.as_u16()), Some(403), "the status")?;
    equal(error.code(), Some("AccessDenied"), "the code")?;
    equal(remote.attempts, 2, "the attempts")?;
    ensure(error.request_id().is_some_and(|id| !id.is_empty()), "no request id")?;
    let text = error.to_string();
    for part in ["cos", &path, "PutObject", "AccessDenied"] {
        ensure(text.contains(part), format!("{part:?} is not in: {text}"))?;
    }
    Ok(())
}

/// The service's clock is hours ahead, then the fresh driver's is.
fn skewed_clock(trial: &Trial<'_>) -> Outcome {
    let (path, absent) = (trial.path(32), trial.path(32));
    let content = trial.content(100);
    for seconds in [3 * 3600, -6 * 3600, 3 * 3600] {
        trial.emulator(|emulator| emulator.shift_clock(seconds))?;
        // A writer opens by a GET and a HEAD at once, and a HEAD's refusal says no reason.
        not_found(trial.fresh()?.stat(&absent), &absent)?;
        not_found(trial.fresh()?.writer(&absent, Append::Yes), &absent)?;
        let driver = trial.fresh()?;
        driver.put_content(&path, content.clone())?;
        same_bytes(&driver.get_content(&path)?, &content, &path)?;
        let url = driver.redirect_url(&http::Method::GET, &path, None)?.unwrap_or_default();
        equal(driver.fetch(&http::Method::GET, &url)?.status, 200, "the presigned URL")?;
        // One that has been there all the while.
        same_bytes(&trial.read(&path, 0)?, &content, &path)?;
    }
    Ok(())
}

/// What a driver does first.
type First = fn(&dyn Subject, &str) -> Outcome;

/// The clocks differ by too little for a request to be refused, but by more than URLs allow for.
fn slightly_skewed_clock(trial: &Trial<'_>) -> Outcome {
    let path = trial.path(32);
    let content = trial.content(100);
    trial.subject.put_content(&path, content.clone())?;
    let first: [(&str, First); 4] = [
        ("stat", |driver, path| Ok(driver.stat(path).map(drop)?)),
        ("get_content", |driver, path| Ok(driver.get_content(path).map(drop)?)),
        ("a reader", |driver, path| Ok(driver.reader(path, 0).map(drop)?)),
        ("a refusal", |driver, path| {
            let absent = format!("{path}-absent");
            not_found(driver.get_content(&absent), &absent)
        }),
    ];
    // Half an hour ahead, half an hour behind, and right again.
    for seconds in [1800, -3600, 1800] {
        trial.emulator(|emulator| emulator.shift_clock(seconds))?;
        for (what, operation) in first {
            let driver = trial.fresh()?;
            operation(&*driver, &path)?;
            let url = driver.redirect_url(&http::Method::GET, &path, None)?.unwrap_or_default();
            let got = driver.fetch(&http::Method::GET, &url)?;
            equal(got.status, 200, format!("the URL made after {what}, {seconds} s"))?;
            same_bytes(&got.body, &content, what)?;
        }
    }
    Ok(())
}

/// Temporary credentials end in the middle; the provider is asked once, and the calls go on.
fn expired_token(trial: &Trial<'_>) -> Outcome {
    let path = trial.path(32);
    let content = trial.content(2 * MIB);
    let far = UnixTime::from_secs(i64::from(i32::MAX));
    let usual = trial.emulator(|emulator| emulator.credentials().to_vec())?;
    let first = Credentials::new("AKIDfirst", "first-key").with_token("first-token");
    let second = Credentials::new("AKIDsecond", "second-key").with_token("second-token");
    let mut accepted = usual.clone();
    accepted.extend([first.clone().expiring(far), second.clone().expiring(far)]);
    trial.emulator(|emulator| emulator.set_credentials(accepted.clone()))?;

    let asked = Arc::new(AtomicUsize::new(0));
    let answers = [first.clone(), second.clone()];
    let driver = trial.subject.open_with_provider(Box::new({
        let asked = Arc::clone(&asked);
        move || {
            let turn = asked.fetch_add(1, Ordering::SeqCst);
            answers.get(turn).cloned().ok_or_else(|| CredentialsFailed::new("asked too often"))
        }
    }))?;
    driver.put_content(&path, content.clone())?;
    equal(asked.load(Ordering::SeqCst), 1, "how often the provider was asked at first")?;
    // From now on the first token is one that has expired.
    let mut accepted = usual.clone();
    accepted.extend([first.expiring(UnixTime::from_secs(1)), second.expiring(far)]);
    trial.emulator(|emulator| emulator.set_credentials(accepted))?;
    same_bytes(&driver.get_content(&path)?, &content, &path)?;
    equal(asked.load(Ordering::SeqCst), 2, "how often the provider was asked in all")?;
    driver.delete(&path)?;
    equal(asked.load(Ordering::SeqCst), 2, "how often the provider was asked in the end")?;
    trial.emulator(|emulator| emulator.set_credentials(usual))
}

/// Credentials that nobody accepts: an error that says so, soon, without the key in it.
fn refused_credentials(trial: &Trial<'_>) -> Outcome {
    let path = trial.path(32);
    let driver = trial.subject.open(&[("secretkey", "wrong-secret-key".into())])?;
    let Err(error) = driver.put_content(&path, trial.content(5)) else {
        return Err(Stop::failed("put with the wrong key"));
    };
    equal(error.kind(), &ErrorKind::Denied, format!("{error}"))?;
    let text = format!("{error} {error:?}");
    ensure(!text.contains("wrong-secret-key"), "the key is in the error")
}

fn provider_fails(trial: &Trial<'_>) -> Outcome {
    let path = trial.path(32);
    let asked = Arc::new(AtomicUsize::new(0));
    let driver = trial.subject.open_with_provider(Box::new({
        let asked = Arc::clone(&asked);
        move || {
            asked.fetch_add(1, Ordering::SeqCst);
            Err(CredentialsFailed::new("the metadata service is away"))
        }
    }))?;
    let refused = |result: Result<(), Error>, what: &str| -> Outcome {
        let Err(error) = result else {
            return Err(Stop::failed(format!("{what} without credentials")));
        };
        equal(error.kind(), &ErrorKind::Credentials, format!("{what}: {error}"))?;
        ensure(error.to_string().contains("metadata service is away"), format!("{what}: {error}"))?;
        equal(asked.swap(0, Ordering::SeqCst), 1, format!("how often it was asked by {what}"))
    };
    refused(driver.put_content(&path, trial.content(5)), "put_content")?;
    // These want to make several calls at once.
    refused(driver.writer(&path, Append::Yes).map(drop), "writer")?;
    refused(driver.delete(&path), "delete")
}

/// A bad day: one request in ten meets some fault; what is done is right all the same.
fn random_faults(trial: &Trial<'_>) -> Outcome {
    trial.emulator(|emulator| emulator.set_fault_rate(0.1))?;
    let top = trial.directory();
    for number in 0..8 {
        let path = format!("{top}/{number}");
        let content = trial.content(trial.chunk() + number);
        let mut writer = trial.subject.writer(&path, Append::No)?;
        writer.write(&content[..3 * MIB])?;
        writer.close()?;
        drop(writer);
        let mut writer = trial.subject.writer(&path, Append::Yes)?;
        writer.write(&content[3 * MIB..])?;
        writer.commit()?;
        drop(writer);
        same_bytes(&trial.read(&path, 0)?, &content, &path)?;
        let moved = format!("{path}-moved");
        trial.subject.rename(&path, &moved)?;
        same_bytes(&trial.read(&moved, 0)?, &content, &moved)?;
    }
    equal(trial.subject.list(&top)?.len(), 8, "the list")?;
    ensure(trial.emulator(|emulator| emulator.random_faults())? > 0, "no fault came")?;
    trial.emulator(|emulator| emulator.set_fault_rate(0.0))?;
    Ok(trial.subject.delete(&top)?)
}
