//! Measures contenders in turns, so that noise meets all of them.

use std::time::{Duration, Instant};

use cpu_time::ProcessTime;

use super::client::{Checked, Failed};

/// One that is measured.
pub(super) type Contender<'a> = Box<dyn FnMut() -> Checked + 'a>;

/// What one round has cost; the client's process alone.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spent {
    pub(super) wall: Duration,
    pub(super) cpu: Duration,
}

/// Lets each run once to warm up, then so many rounds; the least of each, since noise only adds.
pub(super) fn best_of(
    rounds: usize,
    contenders: &mut [Contender<'_>],
) -> Result<Vec<Spent>, Failed> {
    let mut best = Vec::new();
    for contender in &mut *contenders {
        contender()?;
        best.push(Spent { wall: Duration::MAX, cpu: Duration::MAX });
    }
    for round in 0..rounds {
        let count = contenders.len();
        for turn in 0..count {
            let at = (turn + round) % count;
            let spent = spent(&mut contenders[at])?;
            best[at].wall = best[at].wall.min(spent.wall);
            best[at].cpu = best[at].cpu.min(spent.cpu);
        }
    }
    Ok(best)
}

/// What some work costs.
pub(super) fn spent(work: impl FnOnce() -> Checked) -> Result<Spent, Failed> {
    let (began, cpu) = (Instant::now(), ProcessTime::now());
    work()?;
    Ok(Spent { wall: began.elapsed(), cpu: cpu.elapsed() })
}

/// A runtime as a program has it by default, on this machine's two cores.
pub(super) fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()
}
