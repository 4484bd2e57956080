//! `writer(append)`: what an earlier writer closed goes on.

use bytes::Bytes;

use super::{Case, PROMISED, TESTSUITES, UNCOVERED, case};
use crate::{
    ErrorKind,
    conformance::{
        Outcome, Trial,
        case::{equal, same_bytes},
        trial::{not_found, refused},
    },
    op::Append,
};

pub(super) const CASES: &[Case] = &[
    case("ContinueStreamAppendLarge", TESTSUITES, |trial| continue_append(trial, 10 << 20)),
    case("ContinueStreamAppendSmall", TESTSUITES, |trial| continue_append(trial, 32)),
    case("WriteZeroByteStreamThenAppend", TESTSUITES, |trial| {
        zero_then_append(trial, |trial, path| trial.write(path, b""))
    }),
    case("WriteZeroByteContentThenAppend", TESTSUITES, |trial| {
        zero_then_append(trial, |trial, path| Ok(trial.subject.put_content(path, Bytes::new())?))
    }),
    case("AppendOddTails", UNCOVERED, odd_tails),
    case("AppendToNothing", PROMISED, append_to_nothing),
    case("AppendToCommitted", PROMISED, append_to_committed),
    case("CloseWithoutContent", PROMISED, close_without_content),
];

fn continue_append(trial: &Trial<'_>, chunk: usize) -> Outcome {
    let path = trial.path(32);
    let content = trial.content(3 * chunk);
    let size = chunk as u64;

    let mut writer = trial.subject.writer(&path, Append::No)?;
    writer.write(&content[..chunk])?;
    writer.close()?;
    equal(writer.size(), size, "the size after the first Close")?;
    drop(writer);

    let mut writer = trial.subject.writer(&path, Append::Yes)?;
    equal(writer.size(), size, "the size when re-opened")?;
    writer.write(&content[chunk..2 * chunk])?;
    writer.close()?;
    equal(writer.size(), 2 * size, "the size after the second Close")?;
    drop(writer);

    let mut writer = trial.subject.writer(&path, Append::Yes)?;
    equal(writer.size(), 2 * size, "the size when re-opened again")?;
    writer.write(&content[2 * chunk..])?;
    writer.commit()?;
    writer.close()?;
    equal(writer.size(), 3 * size, "the size at the end")?;
    same_bytes(&trial.subject.get_content(&path)?, &content, &path)?;
    trial.ensure_only(&[&path])
}

fn zero_then_append(trial: &Trial<'_>, write_empty: fn(&Trial<'_>, &str) -> Outcome) -> Outcome {
    let path = trial.path(32);
    write_empty(trial, &path)?;
    same_bytes(&trial.read(&path, 0)?, b"", "the empty file")?;
    let info = trial.subject.stat(&path)?;
    equal((info.size, info.is_dir), (0, false), "the empty file")?;

    let content = trial.content(32);
    let mut writer = trial.subject.writer(&path, Append::Yes)?;
    equal(writer.size(), 0, "the size when opened")?;
    writer.write(&content)?;
    writer.commit()?;
    writer.close()?;
    equal(writer.size(), 32, "the size at the end")?;
    same_bytes(&trial.read(&path, 0)?, &content, &path)
}

/// Tails that are no multiple of anything, by turns below and above COS's least part.
fn odd_tails(trial: &Trial<'_>) -> Outcome {
    let path = trial.path(32);
    let sizes = [1, 1_048_577, 13, 700_001, 700_003, 5_242_879, 2, 1_048_575, 1];
    let content = trial.content(sizes.iter().sum());
    let mut at = 0;
    for (turn, size) in sizes.into_iter().enumerate() {
        let append = if turn == 0 { Append::No } else { Append::Yes };
        let driver = trial.fresh()?;
        let mut writer = driver.writer(&path, append)?;
        equal(writer.size(), at as u64, format!("the size at turn {turn}"))?;
        writer.write(&content[at..at + size])?;
        writer.close()?;
        at += size;
    }
    let mut writer = trial.subject.writer(&path, Append::Yes)?;
    writer.commit()?;
    writer.close()?;
    same_bytes(&trial.read(&path, 0)?, &content, &path)?;
    trial.ensure_only(&[&path])
}

fn append_to_nothing(trial: &Trial<'_>) -> Outcome {
    let path = trial.path(32);
    not_found(trial.subject.writer(&path, Append::Yes), &path)?;
    let directory = trial.directory();
    trial.subject.put_content(&format!("{directory}/file"), trial.content(5))?;
    not_found(trial.subject.writer(&directory, Append::Yes), &directory)
}

fn append_to_committed(trial: &Trial<'_>) -> Outcome {
    let path = trial.path(32);
    let content = trial.content(77);
    trial.write(&path, &content)?;
    let committed = ErrorKind::AlreadyCommitted { size: 77 };
    refused(trial.subject.writer(&path, Append::Yes), &committed, &path)?;
    same_bytes(&trial.read(&path, 0)?, &content, &path)
}

/// What `POST uploads/` does: nothing is written, but the upload must be found again.
fn close_without_content(trial: &Trial<'_>) -> Outcome {
    let path = trial.path(32);
    let mut writer = trial.subject.writer(&path, Append::No)?;
    writer.close()?;
    equal(writer.size(), 0, "the size")?;
    drop(writer);
    not_found(trial.subject.stat(&path), &path)?;

    let driver = trial.fresh()?;
    let mut writer = driver.writer(&path, Append::Yes)?;
    equal(writer.size(), 0, "the size when re-opened")?;
    writer.commit()?;
    drop(writer);
    equal(trial.subject.stat(&path)?.size, 0, "the size of the file")?;
    trial.ensure_only(&[&path])
}
