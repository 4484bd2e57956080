//! Readers and writers in process.

use bytes::{Buf as _, Bytes};

use super::drive::{Drive, Step};
use crate::{
    Error, ErrorKind, ObjectMeta, Operation, Verification,
    conformance::{Reader, Writer},
    driver::Driver,
    op::{Download, DownloadOutcome, ReadAhead, Upload, UploadOutcome},
};

pub(super) struct InProcessReader<'a, O: Reading> {
    drive: Drive<'a, O>,
    driver: &'a Driver,
    path: String,
    data: Bytes,
    end: Option<Result<DownloadOutcome, Error>>,
}

/// The ways to read an object.
pub(super) trait Reading:
    Operation<Output = Result<DownloadOutcome, Error>> + Sized
{
    fn meta(&self) -> Option<&ObjectMeta>;

    /// The next bytes, or the output.
    fn data(drive: &mut Drive<'_, Self>) -> Result<Bytes, Self::Output>;
}

impl Reading for Download {
    fn meta(&self) -> Option<&ObjectMeta> {
        self.meta()
    }

    fn data(drive: &mut Drive<'_, Self>) -> Result<Bytes, Self::Output> {
        drive.data()
    }
}

impl Reading for ReadAhead {
    fn meta(&self) -> Option<&ObjectMeta> {
        self.meta()
    }

    fn data(drive: &mut Drive<'_, Self>) -> Result<Bytes, Self::Output> {
        loop {
            if let Some(data) = drive.operation_mut().take() {
                return Ok(data);
            }
            if let Step::Done(output) = drive.step() {
                return Err(output);
            }
        }
    }
}

impl<'a, O: Reading> InProcessReader<'a, O> {
    pub(super) fn open(
        mut drive: Drive<'a, O>,
        driver: &'a Driver,
        path: &str,
    ) -> Result<Self, Error> {
        let mut end = None;
        while drive.operation().meta().is_none() && end.is_none() {
            if let Step::Done(output) = drive.step() {
                end = Some(Ok(output.map_err(|error| driver.error(path, error))?));
            }
        }
        Ok(Self { drive, driver, path: path.to_owned(), data: Bytes::new(), end })
    }
}

impl<O: Reading> Reader for InProcessReader<'_, O> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Error> {
        while self.data.is_empty() && self.end.is_none() {
            match O::data(&mut self.drive) {
                Ok(data) => self.data = data,
                Err(output) => {
                    self.end = Some(output.map_err(|error| self.driver.error(&self.path, error)));
                }
            }
        }
        if let (true, Some(Err(error))) = (self.data.is_empty(), &self.end) {
            return Err(error.clone());
        }
        let length = buffer.len().min(self.data.len());
        self.data.copy_to_slice(&mut buffer[..length]);
        Ok(length)
    }

    fn meta(&self) -> Option<ObjectMeta> {
        self.drive.operation().meta().cloned()
    }

    fn is_verified(&self) -> bool {
        matches!(&self.end, Some(Ok(outcome)) if outcome.verification == Verification::Verified)
    }
}

pub(super) struct InProcessWriter<'a> {
    drive: Drive<'a, Upload>,
    driver: &'a Driver,
    path: String,
}

impl<'a> InProcessWriter<'a> {
    pub(super) fn open(
        mut drive: Drive<'a, Upload>,
        driver: &'a Driver,
        path: &str,
    ) -> Result<Self, Error> {
        while !drive.operation().is_open() {
            if let Step::Done(output) = drive.step() {
                output.map_err(|error| driver.error(path, error))?;
            }
        }
        Ok(Self { drive, driver, path: path.to_owned() })
    }

    fn named(&self, error: Error) -> Error {
        self.driver.error(&self.path, error)
    }

    /// Parts are sent while nobody waits for them: how many are answered meanwhile is random.
    fn go_on(&mut self) -> Result<(), Error> {
        for _ in 0..=self.drive.random_below(4) {
            match self.drive.step() {
                Step::Fed => {}
                Step::Idle | Step::Body => break,
                Step::Done(output) => {
                    output.map_err(|error| self.named(error))?;
                }
            }
        }
        Ok(())
    }

    /// Drives a requested end, or the clean-up after a failure, to its outcome.
    fn over(&mut self) -> Result<Option<UploadOutcome>, Error> {
        loop {
            match self.drive.step() {
                Step::Fed => {}
                Step::Idle | Step::Body => return Ok(None),
                Step::Done(output) => return output.map(Some).map_err(|error| self.named(error)),
            }
        }
    }

    fn end(
        &mut self,
        request: fn(&mut Upload) -> Result<(), Error>,
    ) -> Result<Option<UploadOutcome>, Error> {
        let requested = request(self.drive.operation_mut());
        let over = self.over();
        requested.map_err(|error| self.named(error))?;
        over
    }
}

impl Writer for InProcessWriter<'_> {
    fn write(&mut self, content: &[u8]) -> Result<(), Error> {
        let mut rest = Bytes::copy_from_slice(content);
        loop {
            let upload = self.drive.operation_mut();
            if let Err(refused) = upload.check_writable() {
                self.over()?;
                return Err(self.named(refused));
            }
            rest = upload.push(rest);
            if rest.is_empty() {
                return self.go_on();
            }
            // What does not fit waits for a part to be acknowledged.
            match self.drive.step() {
                Step::Fed => {}
                Step::Done(output) => {
                    output.map_err(|error| self.named(error))?;
                }
                Step::Idle | Step::Body if self.drive.operation().capacity() > 0 => {}
                Step::Idle | Step::Body => {
                    let error = Error::new(ErrorKind::Misuse, "the writer takes no bytes");
                    return Err(self.named(error));
                }
            }
        }
    }

    fn size(&self) -> u64 {
        self.drive.operation().size()
    }

    fn close(&mut self) -> Result<(), Error> {
        self.end(Upload::close).map(drop)
    }

    fn commit(&mut self) -> Result<UploadOutcome, Error> {
        let outcome = self.end(Upload::commit)?;
        outcome.ok_or_else(|| Error::new(ErrorKind::Misuse, "the writer has ended before"))
    }

    fn cancel(&mut self) -> Result<(), Error> {
        self.end(Upload::cancel).map(drop)
    }
}
