//! A writer closed in the middle of a content, at every place where something could go wrong, and
//! opened again by another process while the lists show nothing yet.

use bytes::Bytes;

use super::{Case, PROMISED, case};
use crate::{
    conformance::{
        Outcome, Stop, Subject, Trial,
        case::{equal, same_bytes},
        trial::{LAG_MAX, not_found},
    },
    op::Append,
};

pub(super) const CASES: &[Case] = &[
    case("ResumeAtEverySplit", PROMISED, |trial| every_split(trial, End::Commit)),
    case("CancelAtEverySplit", PROMISED, |trial| every_split(trial, End::Cancel)),
    case("DeleteAtEverySplit", PROMISED, |trial| every_split(trial, End::Delete)),
    case("ResumeInOneProcess", PROMISED, in_one_process),
];

const MIB: usize = 1 << 20;
const SIZE: usize = 40 * MIB;

#[derive(Clone, Copy)]
enum End {
    Commit,
    Cancel,
    Delete,
}

/// Where a writer is closed: single places, and several in a row.
fn splits(chunk: usize) -> Vec<Vec<usize>> {
    let mut splits: Vec<Vec<usize>> = [
        0,
        1,
        999_999,
        MIB - 1,
        MIB,
        MIB + 1,
        5 * MIB - 1,
        5 * MIB,
        5 * MIB + 1,
        chunk - 1,
        chunk,
        chunk + 1,
        chunk + MIB - 1,
        chunk + MIB,
        2 * chunk - 1,
        2 * chunk,
        2 * chunk + 1,
        SIZE - 1,
        SIZE,
    ]
    .map(|at| vec![at])
    .into();
    splits.push(vec![0, 0, 0]);
    splits.push(vec![1, 2, 3]);
    splits.push(vec![MIB - 1, MIB, MIB + 1]);
    splits.push(vec![10 * MIB, 20 * MIB, 30 * MIB]);
    splits.push(vec![chunk + 1, chunk + 1, chunk + 1]);
    splits.push(vec![999_999, 2 * 999_999, 3 * 999_999]);
    splits.push(vec![1, MIB, chunk, 2 * chunk + 1]);
    splits
}

fn every_split(trial: &Trial<'_>, end: End) -> Outcome {
    trial.list_lag(LAG_MAX);
    let splits = splits(trial.chunk());
    for split in splits {
        let path = format!("{}/deep{}", trial.directory(), trial.random().path(20));
        let content = trial.content(SIZE);
        let in_split = |stop: Stop| match stop {
            Stop::Failed(what) => Stop::Failed(format!("split at {split:?}: {what}")),
            skipped @ Stop::Skipped(_) => skipped,
        };
        one_split(trial, &path, &content, &split, end).map_err(in_split)?;
    }
    Ok(())
}

fn one_split(trial: &Trial<'_>, path: &str, content: &Bytes, split: &[usize], end: End) -> Outcome {
    let mut at = 0;
    for (turn, &until) in split.iter().enumerate() {
        let append = if turn == 0 { Append::No } else { Append::Yes };
        let driver = trial.fresh()?;
        write_until(trial, &*driver, path, append, content, &mut at, until)?;
    }
    let driver = trial.fresh()?;
    let mut writer = driver.writer(path, Append::Yes)?;
    equal(writer.size(), at as u64, "the size when re-opened")?;
    match end {
        End::Commit => {
            writer.write(&content[at..])?;
            writer.commit()?;
            writer.close()?;
            equal(writer.size(), SIZE as u64, "the size at the end")?;
            drop(writer);
            same_bytes(&trial.read(path, 0)?, content, "the content")?;
            trial.ensure_only(&[path])?;
            // The writer's own process finds it although no list shows it.
            driver.delete(path)?;
        }
        End::Cancel => {
            writer.write(&content[at..SIZE.min(at + MIB)])?;
            writer.cancel()?;
            drop(writer);
            not_found(driver.stat(path), path)?;
        }
        End::Delete => {
            writer.write(&content[at..SIZE.min(at + MIB)])?;
            writer.close()?;
            drop(writer);
            // A driver that wrote nothing is another process: it finds the record by its name only.
            let parent = path.rsplit_once('/').map_or(path, |(parent, _)| parent);
            driver.delete(if at == SIZE { path } else { parent })?;
        }
    }
    trial.ensure_only(&[])
}

/// Writes to `until` in pieces of random sizes, and closes.
fn write_until(
    trial: &Trial<'_>,
    driver: &dyn Subject,
    path: &str,
    append: Append,
    content: &[u8],
    at: &mut usize,
    until: usize,
) -> Outcome {
    let mut writer = driver.writer(path, append)?;
    equal(writer.size(), *at as u64, "the size when opened")?;
    while *at < until {
        let piece = trial.random().below(3 * MIB as u64) as usize + 1;
        let next = until.min(*at + piece);
        writer.write(&content[*at..next])?;
        *at = next;
    }
    equal(writer.size(), *at as u64, "the size before Close")?;
    writer.close()?;
    equal(writer.size(), *at as u64, "the size after Close")
}

/// The same by one driver that stays, with nothing but Close between.
fn in_one_process(trial: &Trial<'_>) -> Outcome {
    trial.list_lag(LAG_MAX);
    let path = trial.path(32);
    let content = trial.content(SIZE);
    let mut at = 0;
    let mut turn = 0;
    while at < SIZE {
        let append = if turn == 0 { Append::No } else { Append::Yes };
        let until = SIZE.min(at + trial.random().below(4 * MIB as u64) as usize);
        write_until(trial, trial.subject, &path, append, &content, &mut at, until)?;
        turn += 1;
    }
    let mut writer = trial.subject.writer(&path, Append::Yes)?;
    writer.commit()?;
    drop(writer);
    same_bytes(&trial.read(&path, 0)?, &content, "the content")?;
    trial.ensure_only(&[&path])
}
