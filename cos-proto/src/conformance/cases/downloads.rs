//! Downloads that break off, and objects that change under them.

use super::{Case, FAULTS, PROMISED, case};
use crate::{
    CallKind, ErrorKind,
    conformance::{
        Outcome, Stop, Trial,
        case::{ensure, equal, same_bytes},
        trial::{not_found, read_all, refused},
    },
    emulator::{Effect, Fault},
};

pub(super) const CASES: &[Case] = &[
    case("DroppedAtEveryByte", FAULTS, at_every_byte),
    case("DroppedAtRandomPlaces", FAULTS, at_random_places),
    case("DroppedWithOffset", FAULTS, with_offset),
    case("DroppedGetContent", FAULTS, get_content),
    case("ChangedWhileRead", FAULTS, changed_while_read),
    case("DeletedWhileRead", FAULTS, deleted_while_read),
    case("SlowBody", PROMISED, slow_body),
];

const MIB: usize = 1 << 20;

fn at_every_byte(trial: &Trial<'_>) -> Outcome {
    let path = trial.path(32);
    let content = trial.content(40);
    trial.subject.put_content(&path, content.clone())?;
    for cut in 0..content.len() {
        trial.inject(Fault::on(CallKind::GetObject, Effect::CutBody(cut as u64)))?;
        let read = trial.read(&path, 0)?;
        same_bytes(&read, &content, format!("cut after {cut} bytes"))?;
    }
    trial.ensure_fault_met()
}

fn at_random_places(trial: &Trial<'_>) -> Outcome {
    let path = trial.path(32);
    let size = 12 * MIB;
    let content = trial.content(size);
    trial.subject.put_content(&path, content.clone())?;
    for round in 0..4 {
        // Where each request is cut, counted from its own start.
        for _ in 0..round + 3 {
            let cut = trial.random().below(size as u64 / 4);
            trial.inject(Fault::on(CallKind::GetObject, Effect::CutBody(cut)))?;
        }
        let mut reader = trial.subject.reader(&path, 0)?;
        let mut read = Vec::with_capacity(size);
        let mut buffer = vec![0; 128 * 1024];
        loop {
            match reader.read(&mut buffer)? {
                0 => break,
                length => read.extend_from_slice(&buffer[..length]),
            }
        }
        ensure(reader.is_verified(), "not verified")?;
        drop(reader);
        same_bytes(&read, &content, format!("round {round}"))?;
    }
    trial.ensure_fault_met()
}

fn with_offset(trial: &Trial<'_>) -> Outcome {
    let path = trial.path(32);
    let content = trial.content(MIB);
    trial.subject.put_content(&path, content.clone())?;
    for (offset, cut) in [(1, 0), (1, 1), (70_000, 400_000), (MIB - 10, 3)] {
        trial.inject(Fault::on(CallKind::GetObject, Effect::CutBody(cut)))?;
        let read = trial.read(&path, offset as i64)?;
        same_bytes(&read, &content[offset..], format!("from {offset}, cut after {cut}"))?;
    }
    trial.ensure_fault_met()
}

fn get_content(trial: &Trial<'_>) -> Outcome {
    let path = trial.path(32);
    let content = trial.content(100_000);
    trial.subject.put_content(&path, content.clone())?;
    for effect in [Effect::CutBody(0), Effect::CutBody(99_999), Effect::LostReply] {
        trial.inject(Fault::on(CallKind::GetObject, effect))?;
        same_bytes(&trial.subject.get_content(&path)?, &content, &path)?;
    }
    trial.ensure_fault_met()
}

/// The rest of another object is never appended to the start of this one.
fn changed_while_read(trial: &Trial<'_>) -> Outcome {
    let path = trial.path(32);
    trial.subject.put_content(&path, trial.content(MIB))?;
    trial.inject(Fault::on(CallKind::GetObject, Effect::CutBody(300_000)))?;
    let mut reader = trial.subject.reader(&path, 0)?;
    equal(reader.read(&mut [0; 1])?, 1, "the first byte")?;
    trial.put_behind(&path, trial.content(MIB))?;
    let mut buffer = vec![0; 64 * 1024];
    let ended = loop {
        match reader.read(&mut buffer) {
            Ok(0) => break Ok(()),
            Ok(_) => {}
            Err(error) => break Err(error),
        }
    };
    drop(reader);
    trial.ensure_fault_met()?;
    refused(ended, &ErrorKind::Changed, &path)
}

fn deleted_while_read(trial: &Trial<'_>) -> Outcome {
    let path = trial.path(32);
    trial.subject.put_content(&path, trial.content(MIB))?;
    trial.inject(Fault::on(CallKind::GetObject, Effect::CutBody(300_000)))?;
    let mut reader = trial.subject.reader(&path, 0)?;
    equal(reader.read(&mut [0; 1])?, 1, "the first byte")?;
    trial.fresh()?.delete(&path)?;
    let mut buffer = vec![0; 64 * 1024];
    let mut length = 1;
    let ended = loop {
        match reader.read(&mut buffer) {
            Ok(0) => break Ok(()),
            Ok(read) => length += read,
            Err(error) => break Err(error),
        }
    };
    drop(reader);
    match ended {
        // The emulator's body may have been on its way already.
        Ok(()) => return Err(Stop::failed(format!("ended well after {length} bytes"))),
        Err(error) => {
            let told = matches!(error.kind(), ErrorKind::PathNotFound | ErrorKind::Changed);
            ensure(told, format!("{error}"))?;
        }
    }
    not_found(read_all(trial.subject, &path, 0), &path)
}

fn slow_body(trial: &Trial<'_>) -> Outcome {
    let path = trial.path(32);
    let content = trial.content(500);
    trial.subject.put_content(&path, content.clone())?;
    let pause = std::time::Duration::from_millis(1);
    trial.inject(Fault::on(CallKind::GetObject, Effect::Trickle { bytes: 10, pause }))?;
    same_bytes(&trial.read(&path, 0)?, &content, &path)?;
    trial.ensure_fault_met()
}
