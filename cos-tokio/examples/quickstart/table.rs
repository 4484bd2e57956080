//! What happened, as a table: a row a step, the two drivers side by side.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use cos_proto::{Attempt, Observer};

/// Counts requests: an observer of both drivers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Requests(Arc<AtomicU64>);

impl Requests {
    pub(crate) fn count(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Observer for Requests {
    fn attempt(&self, _attempt: &Attempt) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// What one step of one driver took.
pub(crate) struct Taken {
    what: String,
    time: Duration,
    bytes: u64,
    requests: u64,
}

/// Measures the steps of one driver.
pub(crate) struct Steps<'a> {
    requests: &'a Requests,
    pub(crate) taken: Vec<Taken>,
}

impl<'a> Steps<'a> {
    pub(crate) fn new(requests: &'a Requests) -> Self {
        Self { requests, taken: Vec::new() }
    }

    /// Runs a step that moves so many bytes (0: it is not about bytes).
    pub(crate) fn step<T, E>(
        &mut self,
        what: impl Into<String>,
        bytes: u64,
        run: impl FnOnce() -> Result<T, E>,
    ) -> Result<T, E> {
        let (before, start) = (self.requests.count(), Instant::now());
        let result = run()?;
        self.taken.push(Taken {
            what: what.into(),
            time: start.elapsed(),
            bytes,
            requests: self.requests.count() - before,
        });
        Ok(result)
    }
}

/// Prints the steps of both drivers, which are the same ones.
pub(crate) fn print(names: [&str; 2], sides: [&[Taken]; 2]) {
    let [left, right] = names;
    println!("{:<44} {left:>26}   {right:>26}", "");
    let head = format!("{:>9} {:>9} {:>6}", "time", "MiB/s", "calls");
    println!("{:<44} {head}   {head}", "step");
    for (one, other) in sides[0].iter().zip(sides[1]) {
        println!("{:<44} {}   {}", one.what, cells(one), cells(other));
    }
    let total = |side: &[Taken]| {
        let time: Duration = side.iter().map(|taken| taken.time).sum();
        let requests: u64 = side.iter().map(|taken| taken.requests).sum();
        format!("{:>9} {:>9} {requests:>6}", seconds(time), "")
    };
    println!("{:<44} {}   {}", "together", total(sides[0]), total(sides[1]));
}

fn cells(taken: &Taken) -> String {
    let rate = if taken.bytes == 0 {
        String::new()
    } else {
        format!("{:.0}", taken.bytes as f64 / 1_048_576.0 / taken.time.as_secs_f64())
    };
    format!("{:>9} {rate:>9} {:>6}", seconds(taken.time), taken.requests)
}

fn seconds(time: Duration) -> String {
    format!("{:.3} s", time.as_secs_f64())
}

pub(crate) fn size(bytes: u64) -> String {
    match bytes {
        0..1024 => format!("{bytes} bytes"),
        1024..1_048_576 => format!("{:.1} KiB", bytes as f64 / 1024.0),
        _ => format!("{:.1} MiB", bytes as f64 / 1_048_576.0),
    }
}
