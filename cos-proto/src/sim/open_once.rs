//! The only kind of call that must not be made twice, though no operation of the driver makes one.

use crate::{
    Call, CallError, Error, Key, Next, Operation, Rejected, Replay, Reply, UploadId,
    api::{self, ObjectOptions},
};

/// Begins one multipart upload at most: its call is marked as not replayable.
///
/// All calls of the driver's operations are replayable, since twice has the effect of once or the
/// operation copes with the difference. This one is there to see that the machine respects the mark:
/// whatever the network does, the service never has two uploads of one `OpenOnce`.
#[derive(Debug)]
pub struct OpenOnce {
    key: Key,
    state: State,
}

/// What became of an [`OpenOnce`].
#[derive(Debug)]
#[expect(clippy::exhaustive_enums, reason = "outside semver")]
pub enum OpenedOnce {
    /// The upload is there.
    Opened(UploadId),
    /// It may be there, and nobody knows its id.
    Unknown(Error),
    /// It was not begun.
    Failed(Error),
}

#[derive(Debug)]
enum State {
    Ready,
    UnderWay,
    Over(OpenedOnce),
}

impl OpenOnce {
    /// An upload of `key`.
    pub fn new(key: Key) -> Self {
        Self { key, state: State::Ready }
    }
}

impl Operation for OpenOnce {
    type Tag = ();
    type Output = OpenedOnce;

    fn next(&mut self) -> Next<(), OpenedOnce> {
        match std::mem::replace(&mut self.state, State::UnderWay) {
            State::Ready => Next::Call(()),
            State::UnderWay => Next::Pending,
            State::Over(opened) => Next::Done(opened),
        }
    }

    fn call(&self, (): ()) -> Call {
        let call = api::multipart::initiate::call(&self.key, &ObjectOptions::default());
        Call { replay: Replay::Unsafe, ..call }
    }

    fn on_reply(&mut self, (): (), reply: Reply) -> Result<(), Rejected> {
        let id = api::multipart::initiate::decode(&reply)?;
        self.state = State::Over(OpenedOnce::Opened(id));
        Ok(())
    }

    fn on_error(&mut self, (): (), error: CallError) {
        let maybe_done = error.maybe_done();
        let error = error.into_error().at(self.key.as_str());
        let opened =
            if maybe_done { OpenedOnce::Unknown(error) } else { OpenedOnce::Failed(error) };
        self.state = State::Over(opened);
    }
}
