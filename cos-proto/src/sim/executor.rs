//! Runs the clients of a world as futures, one at a time, in virtual time.

use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, BTreeSet},
    future::poll_fn,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, Waker},
};

use crate::Ticks;

/// One running program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct TaskId(u32);

/// What the programs share with whoever runs them: who wants to be polled, and when.
#[derive(Debug, Default)]
pub(super) struct Timers {
    running: Cell<Option<TaskId>>,
    alarms: RefCell<BTreeSet<(Ticks, TaskId)>>,
    woken: RefCell<BTreeSet<TaskId>>,
}

impl Timers {
    /// The task that is being polled.
    pub(super) fn current(&self) -> TaskId {
        self.running.get().unwrap_or(TaskId(u32::MAX))
    }

    /// Has the running task polled again at that time, or before.
    pub(super) fn at(&self, when: Ticks) {
        self.alarms.borrow_mut().insert((when, self.current()));
    }

    /// Has a task polled as soon as possible.
    pub(super) fn wake(&self, task: TaskId) {
        self.woken.borrow_mut().insert(task);
    }

    /// The earliest alarm.
    pub(super) fn next(&self) -> Option<Ticks> {
        self.alarms.borrow().first().map(|(when, _)| *when)
    }

    /// Wakes everybody whose alarm is due.
    pub(super) fn ring(&self, now: Ticks) {
        let mut alarms = self.alarms.borrow_mut();
        while let Some(&(when, task)) = alarms.first()
            && when <= now
        {
            alarms.pop_first();
            self.wake(task);
        }
    }

    /// Waits until a time comes; `now` reads the clock.
    pub(super) async fn sleep_until(&self, when: Ticks, now: impl Fn() -> Ticks) {
        poll_fn(|_| {
            if now() >= when {
                return Poll::Ready(());
            }
            self.at(when);
            Poll::Pending
        })
        .await;
    }
}

type Program = Pin<Box<dyn Future<Output = ()>>>;

/// The running programs.
pub(super) struct Executor {
    timers: Rc<Timers>,
    tasks: BTreeMap<TaskId, Program>,
    begun: u32,
}

impl Executor {
    pub(super) fn new(timers: Rc<Timers>) -> Self {
        Self { timers, tasks: BTreeMap::new(), begun: 0 }
    }

    /// Starts a program; it is polled for the first time by [`run`](Self::run).
    pub(super) fn spawn(&mut self, program: impl Future<Output = ()> + 'static) -> TaskId {
        let id = TaskId(self.begun);
        self.begun += 1;
        self.tasks.insert(id, Box::pin(program));
        self.timers.wake(id);
        id
    }

    /// Forgets a program at the point where it waits, as `kill -9` does.
    pub(super) fn kill(&mut self, task: TaskId) {
        self.tasks.remove(&task);
    }

    pub(super) fn is_running(&self, task: TaskId) -> bool {
        self.tasks.contains_key(&task)
    }

    pub(super) fn is_idle(&self) -> bool {
        self.tasks.is_empty()
    }

    /// Polls every task that was woken until none is.
    pub(super) fn run(&mut self) {
        loop {
            let next = self.timers.woken.borrow_mut().pop_first();
            let Some(id) = next else { return };
            let Some(task) = self.tasks.get_mut(&id) else { continue };
            self.timers.running.set(Some(id));
            let polled = task.as_mut().poll(&mut Context::from_waker(Waker::noop()));
            if polled.is_ready() {
                self.tasks.remove(&id);
            }
            self.timers.running.set(None);
        }
    }
}
