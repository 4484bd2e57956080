//! Bytes that changed on the way, told by their CRC-64, in both directions.

use std::time::Duration;

use super::{Case, FAULTS, PROMISED, case};
use crate::{
    CallKind, ErrorKind, Verification,
    conformance::{
        Outcome, Stop, Subject, Trial,
        case::{ensure, equal, same_bytes},
        trial::{not_found, refused},
    },
    emulator::{Effect, Fault},
    op::Append,
};

pub(super) const CASES: &[Case] = &[
    case("DamagedPut", FAULTS, damaged_put),
    case("DamagedPart", FAULTS, damaged_part),
    case("DamagedBeyondRetries", FAULTS, beyond_retries),
    case("WrongCrcOnComplete", FAULTS, wrong_crc_on_complete),
    case("WrongCrcOnCopy", FAULTS, wrong_crc_on_copy),
    case("DamagedDownload", FAULTS, damaged_download),
    case("DamagedDownloadBehindACut", FAULTS, damaged_behind_cut),
    case("DamagedResume", FAULTS, damaged_resume),
    case("DamagedRecordOnItsWay", FAULTS, damaged_on_its_way),
    case("ObjectsWithoutCrc", PROMISED, without_crc),
];

const MIB: usize = 1 << 20;

/// Damaged once: sent again, and right.
fn damaged_put(trial: &Trial<'_>) -> Outcome {
    for effect in [Effect::CorruptBody, Effect::WrongCrc] {
        let (put, written) = (trial.path(32), trial.path(32));
        let (one, two) = (trial.content(1000), trial.content(2000));
        trial.inject(Fault::on(CallKind::PutObject, effect.clone()))?;
        trial.subject.put_content(&put, one.clone())?;
        trial.inject(Fault::on(CallKind::PutObject, effect))?;
        trial.write(&written, &two)?;
        trial.ensure_fault_met()?;
        same_bytes(&trial.subject.get_content(&put)?, &one, &put)?;
        same_bytes(&trial.subject.get_content(&written)?, &two, &written)?;
    }
    Ok(())
}

fn damaged_part(trial: &Trial<'_>) -> Outcome {
    for effect in [Effect::CorruptBody, Effect::WrongCrc] {
        let path = trial.path(32);
        let content = trial.content(2 * trial.chunk() + 9);
        for part in ["partNumber=1", "partNumber=3"] {
            trial.inject(Fault::on(CallKind::UploadPart, effect.clone()).query_contains(part))?;
        }
        trial.write(&path, &content)?;
        trial.ensure_fault_met()?;
        same_bytes(&trial.read(&path, 0)?, &content, &path)?;
        trial.ensure_only(&[&path])?;
        trial.subject.delete(&path)?;
    }
    Ok(())
}

/// A driver that gives up soon.
fn impatient<'a>(trial: &Trial<'a>) -> Result<Box<dyn Subject + 'a>, Stop> {
    Ok(trial.subject.open(&[("calldeadline", "1s".into())])?)
}

/// Damaged every time: an error that says so, never success.
fn beyond_retries(trial: &Trial<'_>) -> Outcome {
    let driver = impatient(trial)?;
    let path = trial.path(32);
    trial.inject(Fault::on(CallKind::PutObject, Effect::CorruptBody).times(100))?;
    refused(driver.put_content(&path, trial.content(1000)), &ErrorKind::Corrupt, &path)?;
    trial.clear_faults()?;

    let path = trial.path(32);
    let chunk = driver.config().chunk_size() as usize;
    trial.inject(Fault::on(CallKind::UploadPart, Effect::WrongCrc).times(100))?;
    let mut writer = driver.writer(&path, Append::No)?;
    let ended = writer.write(&trial.content(chunk + 1)).and_then(|()| writer.commit());
    drop(writer);
    trial.subject.settle();
    refused(ended, &ErrorKind::Corrupt, &path)?;
    trial.clear_faults()?;
    not_found(trial.subject.stat(&path), &path)
}

/// The object is there, and may be bad: that is no "failed, try again".
fn wrong_crc_on_complete(trial: &Trial<'_>) -> Outcome {
    let path = trial.path(32);
    let chunk = trial.chunk();
    trial.inject(Fault::on(CallKind::CompleteMultipartUpload, Effect::WrongCrc).times(100))?;
    let mut writer = trial.subject.writer(&path, Append::No)?;
    writer.write(&trial.content(chunk + 1))?;
    let ended = writer.commit();
    drop(writer);
    refused(ended, &ErrorKind::Corrupt, &path)
}

/// A copy that is not the source is never taken for it: the source stays.
fn wrong_crc_on_copy(trial: &Trial<'_>) -> Outcome {
    let parts = [
        ("calldeadline", "1s".into()),
        ("multipartcopythresholdsize", 0.into()),
        ("multipartcopychunksize", (5_i64 << 20).into()),
    ];
    for (call, changed) in
        [(CallKind::PutObjectCopy, &parts[..1]), (CallKind::UploadPartCopy, &parts[..])]
    {
        let driver = trial.subject.open(changed)?;
        let (source, destination) = (trial.path(32), trial.path(32));
        let content = trial.content(6 * MIB);
        driver.put_content(&source, content.clone())?;
        trial.inject(Fault::on(call, Effect::WrongCrc).times(100))?;
        let moved = driver.rename(&source, &destination);
        trial.clear_faults()?;
        match moved {
            Ok(()) => return Err(Stop::failed(format!("moved in spite of {call:?}"))),
            Err(error) => equal(error.kind(), &ErrorKind::Corrupt, format!("{error}"))?,
        }
        same_bytes(&driver.get_content(&source)?, &content, "the source")?;
        let (_, uploads) = trial.leftovers()?;
        equal(uploads, Vec::<String>::new(), "open uploads")?;
    }
    Ok(())
}

/// Wrong bytes never end as if they were right.
fn damaged_download(trial: &Trial<'_>) -> Outcome {
    let driver = impatient(trial)?;
    for effect in [Effect::CorruptBody, Effect::WrongCrc] {
        let path = trial.path(32);
        trial.subject.put_content(&path, trial.content(2 * MIB))?;
        trial.inject(Fault::on(CallKind::GetObject, effect.clone()).times(100))?;
        let mut reader = driver.reader(&path, 0)?;
        let mut buffer = vec![0; 64 * 1024];
        let ended = loop {
            match reader.read(&mut buffer) {
                Ok(0) => break Ok(()),
                Ok(_) => {}
                Err(error) => break Err(error),
            }
        };
        drop(reader);
        refused(ended, &ErrorKind::Corrupt, &path)?;
        refused(driver.get_content(&path), &ErrorKind::Corrupt, &path)?;
        trial.clear_faults()?;
        ensure(driver.get_content(&path).is_ok(), "unreadable after the damage is over")?;
    }
    Ok(())
}

/// The whole object's CRC is compared across a download that was resumed.
fn damaged_behind_cut(trial: &Trial<'_>) -> Outcome {
    let path = trial.path(32);
    trial.subject.put_content(&path, trial.content(MIB))?;
    trial.inject(Fault::on(CallKind::GetObject, Effect::CutBody(300_000)))?;
    trial.inject(Fault::on(CallKind::GetObject, Effect::CorruptBody).times(100))?;
    let driver = impatient(trial)?;
    refused(super::super::trial::read_all(&*driver, &path, 0), &ErrorKind::Corrupt, &path)
}

/// A record that comes back damaged is not resumed from.
fn damaged_resume(trial: &Trial<'_>) -> Outcome {
    let path = trial.path(32);
    let content = trial.content(MIB + 700);
    let mut writer = trial.subject.writer(&path, Append::No)?;
    writer.write(&content)?;
    writer.close()?;
    drop(writer);
    trial.inject(
        Fault::on(CallKind::GetObject, Effect::CorruptBody).key_contains("~upload").times(1),
    )?;
    let driver = impatient(trial)?;
    // Read again, or refused: anything but another size.
    if let Ok(writer) = driver.writer(&path, Append::Yes) {
        equal(writer.size(), content.len() as u64, "the size")?;
    }
    trial.clear_faults()?;
    let mut writer = trial.subject.writer(&path, Append::Yes)?;
    writer.commit()?;
    drop(writer);
    same_bytes(&trial.read(&path, 0)?, &content, &path)
}

/// A record that is damaged on its way only is read again: taken for damaged, it would be deleted,
/// and nothing would name its upload.
fn damaged_on_its_way(trial: &Trial<'_>) -> Outcome {
    for ending in ["Writer(create)", "Delete", "Sweep"] {
        let path = trial.path(32);
        let mut writer = trial.subject.writer(&path, Append::No)?;
        writer.write(&trial.content(MIB + 700))?;
        writer.close()?;
        drop(writer);
        trial.inject(
            Fault::on(CallKind::GetObject, Effect::CorruptBody).key_contains("~upload").times(1),
        )?;
        match ending {
            "Writer(create)" => trial.subject.writer(&path, Append::No)?.cancel()?,
            "Delete" => trial.subject.delete(&path)?,
            _ => {
                trial.subject.advance(Duration::from_secs(60));
                trial.subject.sweep(Duration::ZERO)?;
            }
        }
        trial.clear_faults()?;
        let open = trial.emulator(|emulator| emulator.open_uploads())?;
        let key = trial.key(&path);
        ensure(open.iter().all(|(_, of, _)| *of != key), format!("{ending} left the upload"))?;
    }
    Ok(())
}

/// Old objects have no CRC-64: no error, and no claim either.
fn without_crc(trial: &Trial<'_>) -> Outcome {
    let path = trial.path(32);
    let content = trial.content(5000);
    trial.subject.put_content(&path, content.clone())?;
    let (bucket, key) = (trial.subject.config().bucket().as_str(), trial.key(&path));
    ensure(trial.emulator(|emulator| emulator.forget_crc(bucket, &key))?, "no object")?;
    let mut reader = trial.subject.reader(&path, 0)?;
    let mut read = Vec::new();
    let mut buffer = vec![0; 999];
    loop {
        match reader.read(&mut buffer)? {
            0 => break,
            length => read.extend_from_slice(&buffer[..length]),
        }
    }
    ensure(!reader.is_verified(), "verified without a CRC-64")?;
    drop(reader);
    same_bytes(&read, &content, &path)?;
    let moved = trial.path(32);
    trial.subject.rename(&path, &moved)?;
    same_bytes(&trial.subject.get_content(&moved)?, &content, &moved)?;

    // Answers without the header, although COS knows it.
    let written = trial.path(32);
    let content = trial.content(trial.chunk() + 5);
    for call in [
        CallKind::PutObject,
        CallKind::UploadPart,
        CallKind::CompleteMultipartUpload,
        CallKind::HeadObject,
    ] {
        trial.inject(Fault::on(call, Effect::NoCrc).times(100))?;
    }
    let mut writer = trial.subject.writer(&written, Append::No)?;
    writer.write(&content)?;
    let outcome = writer.commit()?;
    drop(writer);
    equal(outcome.verification, Verification::Unverified, "the commit's verification")?;
    same_bytes(&trial.read(&written, 0)?, &content, &written)
}
