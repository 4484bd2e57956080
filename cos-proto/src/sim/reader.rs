//! Reads an object in pieces, as a stream or several ranges at once.

use std::{
    future::poll_fn,
    rc::Rc,
    task::{Poll, ready},
};

use bytes::Bytes;

use super::{
    client::Client,
    drive::{Drive, Step},
};
use crate::{
    Error,
    op::{Download, DownloadOutcome, ReadAhead, ReadAheadOptions},
};

/// What `Reader` of an adapter is.
pub(super) struct Reader {
    source: Source,
    early: Option<Bytes>,
    ended: bool,
}

enum Source {
    Stream(Drive<Download>),
    Ranges(Drive<ReadAhead>),
}

impl Reader {
    pub(super) async fn open(
        client: &Client,
        path: &str,
        offset: u64,
        ahead: Option<ReadAheadOptions>,
    ) -> Result<Self, Error> {
        let (process, driver) = (Rc::clone(&client.0), client.0.driver());
        let offset = i64::try_from(offset).unwrap_or(i64::MAX);
        let (key, options) = driver.read_from(path, offset)?;
        let source = match ahead {
            None => {
                let download = Download::new(key, options);
                Source::Stream(Drive::new(process, download, driver.policy()))
            }
            Some(ahead) => {
                let reading = ReadAhead::new(key, options, ahead);
                Source::Ranges(Drive::new(process, reading, driver.bulk_policy()))
            }
        };
        let mut reader = Self { source, early: None, ended: false };
        reader.begin().await.map_err(|error| driver.error(path, error))?;
        Ok(reader)
    }

    async fn begin(&mut self) -> Result<(), Error> {
        poll_fn(|_| {
            while !self.source.has_begun() {
                match ready!(self.source.poll_step()) {
                    Step::Done(output) => {
                        self.ended = true;
                        return Poll::Ready(output.map(drop));
                    }
                    Step::Data(data) => self.early = Some(data),
                    Step::Fed | Step::Idle => {}
                }
            }
            Poll::Ready(Ok(()))
        })
        .await
    }

    /// The next bytes; `None` at the end.
    pub(super) async fn read(&mut self) -> Result<Option<Bytes>, Error> {
        if let Some(data) = self.early.take() {
            return Ok(Some(data));
        }
        if self.ended {
            return Ok(None);
        }
        poll_fn(|_| {
            loop {
                match ready!(self.source.poll_step()) {
                    Step::Data(data) if !data.is_empty() => return Poll::Ready(Ok(Some(data))),
                    Step::Data(_) | Step::Fed | Step::Idle => {}
                    Step::Done(output) => {
                        self.ended = true;
                        return Poll::Ready(output.map(|_| None));
                    }
                }
            }
        })
        .await
    }
}

impl Source {
    fn has_begun(&self) -> bool {
        match self {
            Self::Stream(drive) => drive.operation().meta().is_some(),
            Self::Ranges(drive) => drive.operation().meta().is_some(),
        }
    }

    fn poll_step(&mut self) -> Poll<Step<Result<DownloadOutcome, Error>>> {
        match self {
            Self::Stream(drive) => drive.poll_step(),
            // What there is room for is asked for before anything is taken.
            Self::Ranges(drive) => match drive.poll_step() {
                Poll::Ready(Step::Fed) => Poll::Ready(Step::Fed),
                stopped => match drive.operation_mut().take() {
                    Some(data) => Poll::Ready(Step::Data(data)),
                    None => stopped,
                },
            },
        }
    }
}
