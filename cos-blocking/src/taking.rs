//! Operations whose results are taken one by one: pages, entries.

use std::sync::Arc;

use cos_proto::{Error, ErrorKind, Operation, Policy, driver::Naming};

use crate::{
    client::Client,
    task::{Stopped, Task},
};

/// Runs an operation and takes what it holds ready. It ends once, with or without an error.
pub(crate) struct Taking<O: Operation> {
    task: Task<O>,
    /// Whether there is something to take, though more may be on its way.
    at_hand: fn(&O) -> bool,
    naming: Naming,
    end: End,
}

enum End {
    NotYet,
    Untold(Result<(), Error>),
    Told,
}

impl<O: Operation<Output = Result<(), Error>>> Taking<O> {
    pub(crate) fn new(
        client: &Client,
        operation: O,
        policy: Policy,
        naming: Naming,
        at_hand: fn(&O) -> bool,
    ) -> Self {
        let task = Task::new(Arc::clone(&client.shared), operation, policy);
        Self { task, at_hand, naming, end: End::NotYet }
    }

    pub(crate) fn operation_mut(&mut self) -> &mut O {
        self.task.operation_mut()
    }

    pub(crate) fn take<T>(&mut self, take: fn(&mut O) -> Option<T>) -> Option<Result<T, Error>> {
        loop {
            if let Some(taken) = take(self.task.operation_mut()) {
                self.pump();
                return Some(Ok(taken));
            }
            match std::mem::replace(&mut self.end, End::Told) {
                End::NotYet => self.end = End::NotYet,
                End::Untold(end) => return end.err().map(Err),
                End::Told => return None,
            }
            let stopped = self.task.run_until(self.at_hand);
            if self.note(stopped) {
                // It has stopped because there is something to take: without it, it would be for ever.
                let taken = take(self.task.operation_mut());
                self.pump();
                let stuck = || Error::new(ErrorKind::Misuse, "the listing waits for nothing");
                return Some(taken.ok_or_else(|| self.naming.error(stuck())));
            }
        }
    }

    /// Puts the next page on its way, while the caller looks at what it has.
    fn pump(&mut self) {
        if matches!(self.end, End::NotYet) {
            let stopped = self.task.pump();
            self.note(stopped);
        }
    }

    /// Remembers the end; whether there was none.
    fn note(&mut self, stopped: Stopped<Result<(), Error>>) -> bool {
        match stopped {
            Stopped::Done(result) => {
                self.end = End::Untold(result.map_err(|error| self.naming.error(error)));
                false
            }
            Stopped::Reached | Stopped::Idle => true,
        }
    }
}
