//! `reader_ahead`: the same bytes and the same errors as of `reader`, by several requests at once.

use std::num::{NonZeroU64, NonZeroUsize};

use bytes::Bytes;

use super::{Case, FAULTS, PROMISED, case};
use crate::{
    CallKind, Error, ErrorKind,
    conformance::{
        Outcome, Reader, Stop, Trial,
        case::{ensure, equal, same_bytes},
        trial::{not_found, refused},
    },
    emulator::{Effect, Fault},
    op::ReadAheadOptions,
};

pub(super) const CASES: &[Case] = &[
    case("ReadAheadFromAnyOffset", PROMISED, from_any_offset),
    case("ReadAheadOfNothing", PROMISED, of_nothing),
    case("ReadAheadAsksForEachRangeOnce", PROMISED, asks_for_each_range_once),
    case("ReadAheadHoldsUpNobody", PROMISED, holds_up_nobody),
    case("ReadAheadThroughFaults", FAULTS, through_faults),
    case("ReadAheadOfAnObjectThatChanges", FAULTS, of_an_object_that_changes),
    case("ReadAheadOfAnObjectThatGoes", FAULTS, of_an_object_that_goes),
    case("ReadAheadOfDamage", FAULTS, of_damage),
];

const SIZE: usize = 100_003;

fn ahead(ranges: usize, bytes: u64) -> ReadAheadOptions {
    let ranges = NonZeroUsize::new(ranges).unwrap_or(NonZeroUsize::MIN);
    let bytes = NonZeroU64::new(bytes).unwrap_or(NonZeroU64::MIN);
    ReadAheadOptions::new(ranges).range_bytes(bytes)
}

/// What there is to be read, and how it ended.
fn rest(reader: &mut dyn Reader) -> (Vec<u8>, Result<(), Error>) {
    let (mut content, mut buffer) = (Vec::new(), vec![0; 3000]);
    loop {
        match reader.read(&mut buffer) {
            Ok(0) => return (content, Ok(())),
            Ok(length) => content.extend_from_slice(&buffer[..length]),
            Err(error) => return (content, Err(error)),
        }
    }
}

fn from_any_offset(trial: &Trial<'_>) -> Outcome {
    let path = trial.path(32);
    let content = trial.content(SIZE);
    trial.subject.put_content(&path, content.clone())?;
    let expected = trial.subject.head_key(&trial.key(&path))?;
    for options in [ahead(1, 30_000), ahead(3, 16_384), ahead(20, 7001), ahead(4, 1 << 30)] {
        for offset in [0, 1, 16_384, SIZE - 1] {
            let what = format!("from {offset}, {options:?}");
            let mut reader = trial.subject.reader_ahead(&path, offset as i64, options)?;
            let meta = reader.meta().ok_or_else(|| Stop::failed("no metadata"))?;
            equal((meta.size, meta.etag), (SIZE as u64, expected.etag.clone()), &what)?;
            let (read, ended) = rest(&mut *reader);
            ended?;
            same_bytes(&read, &content[offset..], &what)?;
            equal(reader.is_verified(), offset == 0, format!("verified, {what}"))?;
            equal(reader.read(&mut [0; 1])?, 0, "after the end")?;
        }
    }
    Ok(())
}

fn of_nothing(trial: &Trial<'_>) -> Outcome {
    let options = ahead(3, 1000);
    let (path, empty) = (trial.path(32), trial.path(32));
    not_found(trial.subject.reader_ahead(&path, 0, options), &path)?;
    not_found(trial.subject.reader_ahead(&path, 64, options), &path)?;
    let negative = ErrorKind::InvalidOffset { offset: -1 };
    refused(trial.subject.reader_ahead(&path, -1, options), &negative, &path)?;
    trial.subject.put_content(&path, trial.content(SIZE))?;
    trial.subject.put_content(&empty, Bytes::new())?;
    for (path, offset) in [
        (&path, SIZE as i64),
        (&path, SIZE as i64 + 1),
        (&path, i64::MAX),
        (&empty, 0),
        (&empty, 1),
    ] {
        let mut reader = trial.subject.reader_ahead(path, offset, options)?;
        equal(reader.read(&mut [0; 32])?, 0, format!("the first read from {offset}"))?;
        equal(reader.read(&mut [0; 32])?, 0, format!("the second read from {offset}"))?;
    }
    Ok(())
}

fn asks_for_each_range_once(trial: &Trial<'_>) -> Outcome {
    let path = trial.path(32);
    let content = trial.content(SIZE);
    trial.subject.put_content(&path, content.clone())?;
    trial.clear_log()?;
    let (read, ended) = rest(&mut *trial.subject.reader_ahead(&path, 0, ahead(5, 10_000))?);
    ended?;
    same_bytes(&read, &content, &path)?;
    equal(trial.count(CallKind::GetObject)?, SIZE.div_ceil(10_000), "requests")
}

/// Readers that rest, more than there are permits, and then are dropped half-way.
fn holds_up_nobody(trial: &Trial<'_>) -> Outcome {
    let (path, other) = (trial.path(32), trial.path(32));
    let content = trial.content(SIZE);
    trial.subject.put_content(&path, content.clone())?;
    let count = trial.subject.config().max_concurrency().get() + 2;
    let mut readers = Vec::new();
    for _ in 0..count {
        let mut reader = trial.subject.reader_ahead(&path, 0, ahead(4, 5000))?;
        let mut start = [0; 1];
        equal(reader.read(&mut start)?, 1, "the first byte")?;
        equal(start[0], content[0], "the first byte")?;
        readers.push(reader);
    }
    trial.write(&other, &content)?;
    same_bytes(&trial.read(&other, 0)?, &content, "beside readers that rest")?;
    let Some(mut last) = readers.pop() else { return Err(Stop::failed("no reader")) };
    drop(readers);
    same_bytes(&trial.read(&path, 0)?, &content, "after the dropped readers")?;
    let (read, ended) = rest(&mut *last);
    ended?;
    same_bytes(&read, &content[1..], "by the one that was kept")?;
    ensure(last.is_verified(), "not verified")
}

fn through_faults(trial: &Trial<'_>) -> Outcome {
    let path = trial.path(32);
    let content = trial.content(SIZE);
    trial.subject.put_content(&path, content.clone())?;
    for effect in [
        Effect::CutBody(0),
        Effect::CutBody(6000),
        Effect::LostReply,
        Effect::RefuseBefore,
        Effect::slow_down(),
        Effect::Gateway502,
    ] {
        for offset in [0, 777] {
            let what = format!("{effect:?} from {offset}");
            trial.clear_log()?;
            let mut reader = trial.subject.reader_ahead(&path, offset as i64, ahead(3, 20_000))?;
            // From the second range on: what fails is not the one that is read next.
            trial.inject(Fault::on(CallKind::GetObject, effect.clone()).times(2))?;
            let (read, ended) = rest(&mut *reader);
            ended?;
            same_bytes(&read, &content[offset..], &what)?;
            equal(reader.is_verified(), offset == 0, format!("verified, {what}"))?;
            trial.ensure_fault_met()?;
        }
    }
    // The first range, too.
    trial.inject(Fault::on(CallKind::GetObject, Effect::CutBody(100)))?;
    let (read, ended) = rest(&mut *trial.subject.reader_ahead(&path, 0, ahead(3, 20_000))?);
    ended?;
    same_bytes(&read, &content, "the first range was cut")
}

/// The rest of another object is never put behind the start of this one.
fn of_an_object_that_changes(trial: &Trial<'_>) -> Outcome {
    let path = trial.path(32);
    let content = trial.content(SIZE);
    trial.subject.put_content(&path, content.clone())?;
    let mut reader = trial.subject.reader_ahead(&path, 0, ahead(2, 10_000))?;
    trial.put_behind(&path, trial.content(SIZE))?;
    let (read, ended) = rest(&mut *reader);
    ensure(content.starts_with(&read), "bytes of another object")?;
    refused(ended, &ErrorKind::Changed, &path)?;
    let again = reader.read(&mut [0; 1]).map(drop);
    refused(again, &ErrorKind::Changed, &path)
}

fn of_an_object_that_goes(trial: &Trial<'_>) -> Outcome {
    let path = trial.path(32);
    let content = trial.content(SIZE);
    trial.subject.put_content(&path, content.clone())?;
    let mut reader = trial.subject.reader_ahead(&path, 0, ahead(2, 10_000))?;
    trial.fresh()?.delete(&path)?;
    let (read, ended) = rest(&mut *reader);
    ensure(content.starts_with(&read), "bytes of another object")?;
    let Err(error) = ended else { return Err(Stop::failed("ended well")) };
    let told = matches!(error.kind(), ErrorKind::PathNotFound | ErrorKind::Changed);
    ensure(told, format!("{error}"))
}

/// Wrong bytes never end as if they were right.
fn of_damage(trial: &Trial<'_>) -> Outcome {
    let path = trial.path(32);
    trial.subject.put_content(&path, trial.content(SIZE))?;
    for effect in [Effect::CorruptBody, Effect::WrongCrc] {
        let mut reader = trial.subject.reader_ahead(&path, 0, ahead(3, 20_000))?;
        trial.inject(Fault::on(CallKind::GetObject, effect.clone()))?;
        let (read, ended) = rest(&mut *reader);
        ensure(read.len() < SIZE, format!("{effect:?}: all bytes delivered"))?;
        refused(ended, &ErrorKind::Corrupt, &path)?;
        ensure(!reader.is_verified(), format!("{effect:?}: verified"))?;
        trial.ensure_fault_met()?;
    }
    Ok(())
}
