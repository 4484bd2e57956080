//! Where a reader's bytes come from: one stream, or ranges that are asked for ahead.

use std::task::{Context, Poll, ready};

use bytes::Bytes;
use cos_proto::{
    Error, ErrorKind, Key, ObjectMeta, Operation,
    op::{Download, DownloadOptions, DownloadOutcome, ReadAhead},
};

use crate::{
    client::Client,
    drive::{Drive, Step},
};

type Output = Result<DownloadOutcome, Error>;

pub(super) enum Source {
    Stream(Drive<Download>),
    Ranges(Drive<ReadAhead>, Given),
}

/// The range that the caller was given last.
pub(super) struct Given {
    body: Bytes,
    /// Of a whole range.
    bytes: u64,
}

impl Source {
    pub(super) fn new(client: &Client, key: Key, options: DownloadOptions) -> Self {
        match options.read_ahead {
            None => {
                let policy = client.shared.policy.clone();
                Self::Stream(client.drive(Download::new(key, options), policy))
            }
            Some(ahead) => {
                let policy = client.shared.bulk_policy();
                let drive = client.drive(ReadAhead::new(key, options, ahead), policy);
                Self::Ranges(drive, Given { body: Bytes::new(), bytes: ahead.range_bytes.get() })
            }
        }
    }

    pub(super) fn meta(&self) -> Option<&ObjectMeta> {
        match self {
            Self::Stream(drive) => drive.operation().meta(),
            Self::Ranges(drive, _) => drive.operation().meta(),
        }
    }

    /// The place in the object of the next byte that is given.
    pub(super) fn offset(&self) -> u64 {
        match self {
            Self::Stream(drive) => drive.operation().offset(),
            Self::Ranges(drive, _) => drive.operation().offset(),
        }
    }

    /// Waits for the first head, or for the output if that comes first.
    pub(super) fn poll_begun(&mut self, cx: &mut Context<'_>) -> Poll<Option<Output>> {
        match self {
            Self::Stream(drive) => poll_until(drive, cx, |download| download.meta().is_some()),
            Self::Ranges(drive, _) => poll_until(drive, cx, |reading| reading.meta().is_some()),
        }
    }

    /// The next bytes, or the output.
    pub(super) fn poll_data(&mut self, cx: &mut Context<'_>) -> Poll<Result<Bytes, Output>> {
        match self {
            Self::Stream(drive) => drive.poll_data(cx),
            Self::Ranges(drive, given) => {
                drive.spare().keep(std::mem::take(&mut given.body), given.bytes);
                let ended = ready!(poll_until(drive, cx, ReadAhead::has_next));
                let Some(bytes) = drive.operation_mut().take() else {
                    // A checksum that is wrong is told by the output.
                    let ended = match ended {
                        Some(output) => output,
                        None => ready!(poll_until(drive, cx, |_| false)).unwrap_or_else(stuck),
                    };
                    return Poll::Ready(Err(ended));
                };
                given.body = bytes.clone();
                Poll::Ready(Ok(bytes))
            }
        }
    }
}

/// Drives an operation until something holds of it; its output if it is over first.
fn poll_until<O: Operation<Output = Output>>(
    drive: &mut Drive<O>,
    cx: &mut Context<'_>,
    holds: impl Fn(&O) -> bool,
) -> Poll<Option<Output>> {
    loop {
        let holds_already = holds(drive.operation());
        match drive.poll_step(cx) {
            Poll::Ready(Step::Fed) => {}
            Poll::Ready(Step::Done(output)) => return Poll::Ready(Some(output)),
            // What can be asked for has been.
            _ if holds_already => return Poll::Ready(None),
            Poll::Ready(Step::Idle) => return Poll::Ready(Some(stuck())),
            Poll::Pending => return Poll::Pending,
        }
    }
}

fn stuck() -> Output {
    Err(Error::new(ErrorKind::Misuse, "the reader waits for nothing"))
}
