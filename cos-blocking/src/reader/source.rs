//! Where a reader's bytes come from: one stream, or ranges that are asked for ahead.

use std::sync::Arc;

use bytes::{Buf as _, Bytes};
use cos_proto::{
    Error, ErrorKind, Key, ObjectMeta,
    op::{Download, DownloadOptions, DownloadOutcome, ReadAhead},
};

use crate::{
    client::Client,
    task::{Stopped, Task},
};

type Output = Result<DownloadOutcome, Error>;

pub(super) enum Source {
    Stream(Task<Download>),
    Ranges {
        task: Task<ReadAhead>,
        /// What the caller's buffers have had no room for.
        rest: Bytes,
        /// How it ended, while that was not told.
        ended: Option<Output>,
    },
}

impl Source {
    pub(super) fn new(client: &Client, key: Key, options: DownloadOptions) -> Self {
        let shared = Arc::clone(&client.shared);
        match options.read_ahead {
            None => {
                let policy = shared.policy.clone();
                Self::Stream(Task::new(shared, Download::new(key, options), policy))
            }
            Some(ahead) => {
                let policy = shared.bulk_policy();
                let task = Task::new(shared, ReadAhead::new(key, options, ahead), policy);
                Self::Ranges { task, rest: Bytes::new(), ended: None }
            }
        }
    }

    pub(super) fn meta(&self) -> Option<&ObjectMeta> {
        match self {
            Self::Stream(task) => task.operation().meta(),
            Self::Ranges { task, .. } => task.operation().meta(),
        }
    }

    /// The place in the object of the next byte that is given.
    pub(super) fn offset(&self) -> u64 {
        match self {
            Self::Stream(task) => task.operation().offset(),
            Self::Ranges { task, rest, .. } => {
                let left = u64::try_from(rest.len()).unwrap_or(u64::MAX);
                task.operation().offset().saturating_sub(left)
            }
        }
    }

    /// Waits for the first head, or for the output if that comes first.
    pub(super) fn begin(&mut self) -> Option<Output> {
        match self {
            Self::Stream(task) => done(task.run_until(|download| download.meta().is_some())),
            Self::Ranges { task, .. } => done(task.run_until(|reading| reading.meta().is_some())),
        }
    }

    /// Reads into a buffer that is not empty; the output at the end.
    pub(super) fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Output> {
        match self {
            Self::Stream(task) => loop {
                if let Some(output) = done(task.run_until(|_| false)) {
                    return Err(output);
                }
                match task.read_body(buffer) {
                    Some(0) => {}
                    Some(length) => return Ok(length),
                    None => return Err(stuck()),
                }
            },
            Self::Ranges { task, rest, ended } => {
                if rest.is_empty() {
                    *rest = next_range(task, ended)?;
                }
                let length = rest.len().min(buffer.len());
                rest.split_to(length).copy_to_slice(&mut buffer[..length]);
                Ok(length)
            }
        }
    }
}

/// The next bytes in order. What there is room for then is asked for at once: the line must not rest
/// while the caller is busy with these.
fn next_range(task: &mut Task<ReadAhead>, ended: &mut Option<Output>) -> Result<Bytes, Output> {
    if ended.is_none() {
        *ended = done(task.run_until(ReadAhead::has_next));
    }
    let bytes = task.operation_mut().take();
    if ended.is_none() {
        // A checksum that is wrong is told by the output, and the last bytes are followed by it.
        *ended = done(task.pump());
    }
    bytes.ok_or_else(|| ended.clone().unwrap_or_else(stuck))
}

fn done<T>(stopped: Stopped<T>) -> Option<T> {
    match stopped {
        Stopped::Done(output) => Some(output),
        Stopped::Reached | Stopped::Idle => None,
    }
}

fn stuck() -> Output {
    Err(Error::new(ErrorKind::Misuse, "the reader waits for nothing"))
}
