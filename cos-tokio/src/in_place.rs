//! An exchange that goes on where its operation is polled, which saves the switches to a task and back.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

use cos_proto::{Failure, FailureKind};
use tokio::{runtime::Handle, task::JoinHandle};
use tracing::instrument::Instrumented;

use crate::{exchange::Exchanged, permits::Permits};

/// After so many polls an exchange is no longer a short one: a head and a small body take three.
const POLLS_MAX: u8 = 8;

/// Boxed by whoever makes it, so that it is not moved.
pub(crate) type Work = Pin<Box<dyn Future<Output = Exchanged> + Send>>;

/// An exchange with its permit, in the hands of its operation. Dropping it ends the exchange.
///
/// As soon as anybody queues for a permit it gets a task of its own: the operation may be a future
/// that nobody polls for now. It also gets one when it takes many polls, as a body in many pieces
/// does: a task runs beside its connection's, the operation perhaps on another thread.
pub(crate) struct InPlace {
    permits: Arc<Permits>,
    place: Arc<Place>,
}

/// Where the exchange is.
pub(crate) struct Place(Mutex<State>);

enum State {
    Here { work: Instrumented<Work>, runtime: Handle, waker: Waker, polls_left: u8 },
    Away(JoinHandle<Exchanged>),
    Over,
}

impl InPlace {
    /// Begins an exchange that has its permit; poll it.
    pub(crate) fn new(permits: Arc<Permits>, work: Instrumented<Work>) -> Self {
        let (waker, runtime) = (Waker::noop().clone(), Handle::current());
        let state = State::Here { work, runtime, waker, polls_left: POLLS_MAX };
        let place = Arc::new(Place(Mutex::new(state)));
        permits.settle(&place);
        Self { permits, place }
    }

    /// Goes on with it. A panic of an observer is a failure, as in a task.
    pub(crate) fn poll(&self, cx: &mut Context<'_>) -> Poll<Result<Exchanged, Failure>> {
        let mut state = self.place.lock();
        if matches!(*state, State::Here { polls_left: 0, .. }) {
            drop(state.move_away());
        }
        let over = match &mut *state {
            State::Here { work, waker, polls_left, .. } => {
                *polls_left -= 1;
                let polled = catch_unwind(AssertUnwindSafe(|| Pin::new(work).poll(cx)));
                match polled {
                    Ok(Poll::Pending) => {
                        waker.clone_from(cx.waker());
                        return Poll::Pending;
                    }
                    Ok(Poll::Ready(exchanged)) => Ok(exchanged),
                    Err(_) => Err(Failure::new(FailureKind::Broken, "the exchange has panicked")),
                }
            }
            State::Away(task) => match Pin::new(task).poll(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(joined) => joined.map_err(task_ended),
            },
            State::Over => return Poll::Pending,
        };
        *state = State::Over;
        Poll::Ready(over)
    }
}

impl Place {
    /// Gives the exchange a task of its own.
    pub(crate) fn vacate(&self) {
        let moved = self.lock().move_away();
        // It was woken by the exchange, and now has to ask the task.
        if let Some(waker) = moved {
            waker.wake();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A panic of the exchange is caught.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Whom the exchange has woken so far, if it has moved now.
    fn move_away(&mut self) -> Option<Waker> {
        match std::mem::replace(self, Self::Over) {
            Self::Here { work, runtime, waker, .. } => {
                *self = Self::Away(runtime.spawn(work));
                Some(waker)
            }
            other => {
                *self = other;
                None
            }
        }
    }
}

impl Drop for InPlace {
    fn drop(&mut self) {
        self.permits.leave(&self.place);
        let state = std::mem::replace(&mut *self.place.lock(), State::Over);
        match state {
            // An observer that panics here must not do so in whoever drops the operation.
            State::Here { work, .. } => drop(catch_unwind(AssertUnwindSafe(|| drop(work)))),
            State::Away(task) => task.abort(),
            State::Over => {}
        }
    }
}

/// The runtime shuts down, or an observer has panicked.
pub(crate) fn task_ended(error: tokio::task::JoinError) -> Failure {
    Failure::new(FailureKind::Broken, "the exchange's task has ended").with_source(error)
}
