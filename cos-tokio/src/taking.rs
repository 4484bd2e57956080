//! Operations whose results are taken one by one: pages, entries.

use std::task::{Context, Poll, ready};

use cos_proto::{Error, Operation, driver::Naming};

use crate::drive::{Drive, Step};

/// Drives an operation and takes what it holds ready. It ends once, with or without an error.
pub(crate) struct Taking<O: Operation> {
    drive: Drive<O>,
    naming: Naming,
    end: End,
}

enum End {
    NotYet,
    Untold(Result<(), Error>),
    Told,
}

impl<O: Operation<Output = Result<(), Error>>> Taking<O> {
    pub(crate) fn new(drive: Drive<O>, naming: Naming) -> Self {
        Self { drive, naming, end: End::NotYet }
    }

    pub(crate) fn operation_mut(&mut self) -> &mut O {
        self.drive.operation_mut()
    }

    pub(crate) fn poll_take<T>(
        &mut self,
        cx: &mut Context<'_>,
        take: fn(&mut O) -> Option<T>,
    ) -> Poll<Option<Result<T, Error>>> {
        loop {
            let taken = take(self.drive.operation_mut());
            if let Some(taken) = taken {
                // The next page is on its way while the caller looks at this one.
                let _ = self.poll_step(cx);
                return Poll::Ready(Some(Ok(taken)));
            }
            match std::mem::replace(&mut self.end, End::Told) {
                End::NotYet => self.end = End::NotYet,
                End::Untold(end) => return Poll::Ready(end.err().map(Err)),
                End::Told => return Poll::Ready(None),
            }
            ready!(self.poll_step(cx));
        }
    }

    fn poll_step(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if matches!(self.end, End::NotYet)
            && let Step::Done(output) = ready!(self.drive.poll_step(cx))
        {
            self.end = End::Untold(output.map_err(|error| self.naming.error(error)));
        }
        Poll::Ready(())
    }
}
