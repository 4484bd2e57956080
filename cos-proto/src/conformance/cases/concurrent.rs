//! Many at once on one driver.

use super::{Case, PROMISED, TESTSUITES, case};
use crate::{
    conformance::{
        Job, Outcome, Random, Trial,
        case::{equal, same_bytes},
        trial::{not_found, read_all, write_all},
    },
    op::Append,
};

pub(super) const CASES: &[Case] = &[
    case("ConcurrentStreamReads", TESTSUITES, stream_reads),
    case("ConcurrentFileStreams", TESTSUITES, file_streams),
    case("ConcurrentMixture", PROMISED, mixture),
    case("ManyOpenWriters", PROMISED, many_open_writers),
];

const MIB: usize = 1 << 20;

fn all(trial: &Trial<'_>, jobs: Vec<Job<'_>>) -> Outcome {
    trial.subject.concurrently(jobs).into_iter().collect()
}

fn stream_reads(trial: &Trial<'_>) -> Outcome {
    let size = if trial.options.large { 128 * MIB } else { 10 * MIB };
    let path = trial.path(32);
    let content = trial.content(size);
    trial.subject.put_content(&path, content.clone())?;
    let offsets: Vec<usize> = (0..10).map(|_| trial.random().below(size as u64) as usize).collect();
    let (path, content) = (&*path, &content);
    let job = |offset: usize| -> Job<'_> {
        Box::new(move |subject| {
            let read = read_all(subject, path, offset as i64)?;
            same_bytes(&read, &content[offset..], format!("from {offset}"))
        })
    };
    all(trial, offsets.into_iter().map(job).collect())
}

fn file_streams(trial: &Trial<'_>) -> Outcome {
    let (files, size) = if trial.options.large { (32, 32 * MIB) } else { (8, 8 * MIB) };
    let seed = trial.options.seed ^ 0xF11E;
    let job = |number: u64| -> Job<'_> {
        let path = trial.path(32);
        Box::new(move |subject| {
            let content = Random::new(seed ^ number).bytes(size);
            write_all(subject, &path, &content)?;
            same_bytes(&read_all(subject, &path, 0)?, &content, &path)
        })
    };
    all(trial, (0..files).map(job).collect())
}

/// Every method at once, more of them than there are permits.
fn mixture(trial: &Trial<'_>) -> Outcome {
    let rounds = trial.subject.config().max_concurrency().get() as u64 + 6;
    let job = |number: u64| -> Job<'_> {
        let (top, seed) = (trial.directory(), trial.random().next_u64());
        Box::new(move |subject| {
            let content = Random::new(seed).bytes(2 * MIB + number as usize);
            let (put, moved) = (format!("{top}/put"), format!("{top}/moved"));
            let written = format!("{top}/written");
            subject.put_content(&put, content.slice(..1000))?;
            write_all(subject, &written, &content)?;
            subject.rename(&put, &moved)?;
            not_found(subject.stat(&put), &put)?;
            same_bytes(&read_all(subject, &written, 7)?, &content[7..], &written)?;
            let mut listed = subject.list(&top)?;
            listed.sort();
            equal(listed, vec![moved.clone(), written.clone()], "the list")?;
            equal(subject.walk_entries(&top, None)?.len(), 2, "the walk")?;
            subject.delete(&top)?;
            not_found(subject.stat(&written), &written)
        })
    };
    all(trial, (0..rounds).map(job).collect())
}

/// More writers with parts in flight than there are permits or chunks of memory; none waits for
/// another to end.
fn many_open_writers(trial: &Trial<'_>) -> Outcome {
    let least = 5 * MIB;
    let driver = trial
        .subject
        .open(&[("maxconcurrency", 2.into()), ("chunksize", (least as u64).into())])?;
    let paths: Vec<String> = (0..6).map(|_| trial.path(32)).collect();
    let contents: Vec<_> = paths.iter().map(|_| trial.content(2 * least + 9)).collect();
    let mut writers = Vec::new();
    for path in &paths {
        writers.push(driver.writer(path, Append::No)?);
    }
    for start in (0..2 * least + 9).step_by(3 * MIB) {
        for (writer, content) in writers.iter_mut().zip(&contents) {
            writer.write(&content[start..content.len().min(start + 3 * MIB)])?;
        }
    }
    for writer in writers.iter_mut().rev() {
        writer.commit()?;
    }
    drop(writers);
    for (path, content) in paths.iter().zip(&contents) {
        same_bytes(&trial.read(path, 0)?, content, path)?;
    }
    Ok(())
}
