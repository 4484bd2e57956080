//! `rename`.

use super::{CHECKLIST, Case, PROMISED, S3_TEST, TESTSUITES, case};
use crate::{
    CallKind, ErrorKind,
    conformance::{
        Outcome, Stop, Trial,
        case::{ensure, equal, same_bytes},
        trial::not_found,
    },
    emulator::{Effect, Fault},
};

pub(super) const CASES: &[Case] = &[
    case("Move", TESTSUITES, plain),
    case("MoveOverwrite", TESTSUITES, overwrite),
    case("MoveNonexistent", TESTSUITES, nonexistent),
    case("MoveInvalid", TESTSUITES, invalid),
    case("MoveOntoItself", CHECKLIST, onto_itself),
    case("MoveDirectory", CHECKLIST, directory),
    case("MoveZeroBytes", CHECKLIST, zero_bytes),
    case("MoveKeepsMetadata", CHECKLIST, keeps_metadata),
    case("MoveWithMultipartCopy", S3_TEST, multipart),
    case("MoveMultipartZeroThreshold", PROMISED, zero_threshold),
    case("MoveUnconfirmedKeepsSource", CHECKLIST, unconfirmed_keeps_source),
];

fn plain(trial: &Trial<'_>) -> Outcome {
    let (source, destination) = (trial.path(32), trial.path(32));
    let content = trial.content(32);
    trial.subject.put_content(&source, content.clone())?;
    trial.subject.rename(&source, &destination)?;
    same_bytes(&trial.subject.get_content(&destination)?, &content, &destination)?;
    not_found(trial.subject.get_content(&source), &source)
}

fn overwrite(trial: &Trial<'_>) -> Outcome {
    let (source, destination) = (trial.path(32), trial.path(32));
    let content = trial.content(32);
    trial.subject.put_content(&source, content.clone())?;
    trial.subject.put_content(&destination, trial.content(64))?;
    trial.subject.rename(&source, &destination)?;
    same_bytes(&trial.subject.get_content(&destination)?, &content, &destination)?;
    not_found(trial.subject.get_content(&source), &source)
}

fn nonexistent(trial: &Trial<'_>) -> Outcome {
    let (source, destination) = (trial.path(32), trial.path(32));
    let content = trial.content(32);
    trial.subject.put_content(&destination, content.clone())?;
    not_found(trial.subject.rename(&source, &destination), &source)?;
    same_bytes(&trial.subject.get_content(&destination)?, &content, &destination)
}

fn invalid(trial: &Trial<'_>) -> Outcome {
    let top = trial.directory();
    let file = format!("{top}/notadir");
    trial.subject.put_content(&file, trial.content(10))?;
    let (source, destination) = (format!("{file}/foo"), format!("{file}/bar"));
    not_found(trial.subject.rename(&source, &destination), &source)
}

/// The object must survive, whether that is success or a refusal.
fn onto_itself(trial: &Trial<'_>) -> Outcome {
    let path = trial.path(32);
    let content = trial.content(32);
    trial.subject.put_content(&path, content.clone())?;
    let _ = trial.subject.rename(&path, &path);
    same_bytes(&trial.subject.get_content(&path)?, &content, &path)
}

fn directory(trial: &Trial<'_>) -> Outcome {
    let (source, destination) = (trial.directory(), trial.directory());
    trial.subject.put_content(&format!("{source}/file"), trial.content(10))?;
    not_found(trial.subject.rename(&source, &destination), &source)?;
    ensure(trial.subject.stat(&source)?.is_dir, "the directory is gone")
}

fn zero_bytes(trial: &Trial<'_>) -> Outcome {
    let (source, destination) = (trial.path(32), trial.path(32));
    trial.write(&source, b"")?;
    trial.subject.rename(&source, &destination)?;
    equal(trial.subject.stat(&destination)?.size, 0, "the size")?;
    not_found(trial.subject.stat(&source), &source)
}

fn keeps_metadata(trial: &Trial<'_>) -> Outcome {
    let (source, destination) = (trial.path(32), trial.path(32));
    let driver = trial.subject.open(&[("storageclass", "STANDARD_IA".into())])?;
    driver.put_content(&source, trial.content(32))?;
    let before = trial.subject.head_key(&trial.key(&source))?;
    driver.rename(&source, &destination)?;
    let after = trial.subject.head_key(&trial.key(&destination))?;
    equal(after.content_type, before.content_type, "the media type")?;
    equal(after.storage_class, before.storage_class, "the storage class")?;
    equal(after.crc64, before.crc64, "the CRC-64")
}

fn multipart(trial: &Trial<'_>) -> Outcome {
    const THRESHOLD: usize = 32 << 20;
    let driver = trial.subject.open(&[
        ("multipartcopythresholdsize", (THRESHOLD as u64).into()),
        ("multipartcopychunksize", (THRESHOLD as u64).into()),
    ])?;
    let (source, destination) = (trial.path(32), trial.path(32));
    let content = trial.content(2 * THRESHOLD);
    driver.put_content(&source, content.clone())?;
    driver.rename(&source, &destination)?;
    same_bytes(&driver.get_content(&destination)?, &content, &destination)?;
    not_found(driver.get_content(&source), &source)?;
    trial.ensure_only(&[&destination])
}

/// Parts of the least size with a short last one, and an empty object, which has no parts.
fn zero_threshold(trial: &Trial<'_>) -> Outcome {
    let driver = trial.subject.open(&[
        ("multipartcopythresholdsize", 0.into()),
        ("multipartcopychunksize", (5_i64 << 20).into()),
    ])?;
    for size in [0, 1, (5 << 20) + 1] {
        let (source, destination) = (trial.path(32), trial.path(32));
        let content = trial.content(size);
        driver.put_content(&source, content.clone())?;
        driver.rename(&source, &destination)?;
        same_bytes(&driver.get_content(&destination)?, &content, &destination)?;
        not_found(driver.stat(&source), &source)?;
    }
    Ok(())
}

/// 200 with an error, or without a result, is no copy: the source stays, the destination too.
fn unconfirmed_keeps_source(trial: &Trial<'_>) -> Outcome {
    let parts = [
        ("multipartcopythresholdsize", 0.into()),
        ("multipartcopychunksize", (5_i64 << 20).into()),
    ];
    for (call, changed) in [
        (CallKind::PutObjectCopy, &parts[..0]),
        (CallKind::UploadPartCopy, &parts[..]),
        (CallKind::CompleteMultipartUpload, &parts[..]),
    ] {
        let driver = trial.subject.open(changed)?;
        let (source, destination) = (trial.path(32), trial.path(32));
        let (content, old) = (trial.content(32), trial.content(64));
        driver.put_content(&source, content.clone())?;
        driver.put_content(&destination, old.clone())?;
        let effect = Effect::ErrorIn200 { code: "AccessDenied".to_owned() };
        trial.inject(Fault::on(call, effect).times(1))?;
        let Err(error) = driver.rename(&source, &destination) else {
            return Err(Stop::failed(format!("moved in spite of {call:?}")));
        };
        equal(error.kind(), &ErrorKind::Denied, format!("{call:?}: {error}"))?;
        same_bytes(&driver.get_content(&source)?, &content, "the source")?;
        same_bytes(&driver.get_content(&destination)?, &old, "the destination")?;
        trial.ensure_only(&[&source, &destination])?;
        driver.delete(&source)?;
        driver.delete(&destination)?;
    }
    Ok(())
}
