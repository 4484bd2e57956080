//! Threads for exchanges that run beside their caller, kept for a short while between jobs.

use std::{
    io,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicU64, Ordering},
        mpsc::{self, Receiver, RecvTimeoutError, Sender},
    },
    thread,
    time::Duration,
};

/// What a worker does; an error says that no thread could be had for it.
type Job = Box<dyn FnOnce(io::Result<()>) + Send>;

/// A pool without a size of its own: every job holds a permit, and the gate bounds those.
///
/// Dropping the pool ends its idle threads; busy ones end after their job.
#[derive(Debug, Default)]
pub(crate) struct Workers {
    idle: Mutex<Vec<Idle>>,
    named: AtomicU64,
}

#[derive(Debug)]
struct Idle {
    number: u64,
    jobs: Sender<Job>,
}

/// How long a thread without work is kept.
const KEPT_FOR: Duration = Duration::from_secs(5);

impl Workers {
    /// Runs `job` on an idle thread, or on a new one.
    pub(crate) fn run(self: &Arc<Self>, job: impl FnOnce(io::Result<()>) + Send + 'static) {
        let mut job: Job = Box::new(job);
        // The latest to become idle first, so that the others can end.
        while let Some(idle) = self.lock().pop() {
            match idle.jobs.send(job) {
                Ok(()) => return,
                Err(mpsc::SendError(back)) => job = back,
            }
        }
        let number = self.named.fetch_add(1, Ordering::Relaxed);
        let (jobs, receiver) = mpsc::channel();
        let pool = Arc::downgrade(self);
        let thread = thread::Builder::new()
            .name(format!("cos-blocking-{number}"))
            .spawn(move || work(&pool, number, receiver));
        match thread {
            Ok(_) => {
                // The thread waits for its first job for as long as for any other.
                if let Err(mpsc::SendError(job)) = jobs.send(job) {
                    job(Err(io::Error::other("the thread has ended")));
                }
            }
            Err(error) => job(Err(error)),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Idle>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn work(pool: &Weak<Workers>, number: u64, mut jobs: Receiver<Job>) {
    while let Some(job) = next_job(pool, number, &jobs) {
        job(Ok(()));
        let Some(pool) = pool.upgrade() else { return };
        let (sender, receiver) = mpsc::channel();
        pool.lock().push(Idle { number, jobs: sender });
        jobs = receiver;
    }
}

fn next_job(pool: &Weak<Workers>, number: u64, jobs: &Receiver<Job>) -> Option<Job> {
    match jobs.recv_timeout(KEPT_FOR) {
        Ok(job) => Some(job),
        Err(RecvTimeoutError::Disconnected) => None,
        Err(RecvTimeoutError::Timeout) => {
            let pool = pool.upgrade()?;
            let mut idle = pool.lock();
            if let Some(place) = idle.iter().position(|idle| idle.number == number) {
                idle.remove(place);
                return None;
            }
            // Taken from the list just now: its job is on the way.
            drop(idle);
            drop(pool);
            jobs.recv().ok()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_serves_one_job_after_another() {
        let workers = Arc::new(Workers::default());
        let (sender, threads) = mpsc::channel();
        for _ in 0..50 {
            let sender = sender.clone();
            workers.run(move |thread| {
                thread.unwrap();
                sender.send(thread::current().id()).unwrap();
            });
            threads.recv().unwrap();
            // The thread lists itself as idle only after its job.
            while workers.lock().is_empty() {
                thread::yield_now();
            }
        }
        assert_eq!(workers.named.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn jobs_that_wait_for_each_other_run_side_by_side() {
        let workers = Arc::new(Workers::default());
        let barrier = Arc::new(std::sync::Barrier::new(4));
        for _ in 0..3 {
            let barrier = Arc::clone(&barrier);
            workers.run(move |_| {
                barrier.wait();
            });
        }
        barrier.wait();
    }

    #[test]
    fn idle_threads_end_with_the_pool() {
        let workers = Arc::new(Workers::default());
        let alive = Arc::new(());
        let held = Arc::clone(&alive);
        let (sender, done) = mpsc::channel();
        workers.run(move |_| {
            thread_local! { static HELD: std::cell::RefCell<Option<Arc<()>>> = const { std::cell::RefCell::new(None) } }
            HELD.with(|slot| *slot.borrow_mut() = Some(held));
            sender.send(()).unwrap();
        });
        done.recv().unwrap();
        drop(workers);
        // The thread's own storage goes with the thread.
        while Arc::strong_count(&alive) > 1 {
            thread::yield_now();
        }
    }
}
