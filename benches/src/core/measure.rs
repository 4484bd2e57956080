//! CPU time by turns, so that noise hits all that are compared, and allocations.

use std::{error::Error, hint::black_box, time::Duration};

use cpu_time::ThreadTime;

pub type Checked = Result<(), Box<dyn Error>>;

/// How long to measure.
#[derive(Clone, Copy, Debug)]
pub struct Effort {
    rounds: u32,
    /// What one turn of one contender takes.
    turn: Duration,
}

impl Effort {
    pub fn new(quick: bool) -> Self {
        let (rounds, millis) = if quick { (20, 2) } else { (80, 4) };
        Self { rounds, turn: Duration::from_millis(millis) }
    }
}

/// What doing something once costs.
#[derive(Clone, Copy, Debug)]
pub struct Cost {
    /// Of CPU, the best of all turns.
    pub nanoseconds: f64,
    /// New ones and those that were moved.
    pub allocations: f64,
}

/// Contenders that do the same, by turns.
#[expect(missing_debug_implementations, reason = "it holds closures")]
pub struct Race<'a> {
    effort: Effort,
    contenders: Vec<Contender<'a>>,
}

struct Contender<'a> {
    name: &'static str,
    turn: Turn<'a>,
    /// How often it is done in a turn.
    times: u32,
    best: Cost,
}

/// Does it so many times, and says what that cost.
type Turn<'a> = Box<dyn FnMut(u32) -> Result<(Duration, f64), Box<dyn Error>> + 'a>;

impl<'a> Race<'a> {
    pub fn new(effort: Effort) -> Self {
        Self { effort, contenders: Vec::new() }
    }

    /// One that does and checks `run`.
    pub fn add(&mut self, name: &'static str, mut run: impl FnMut() -> Checked + 'a) {
        self.add_turn(name, move |times| {
            timed(|| {
                for _ in 0..times {
                    run()?;
                }
                Ok(())
            })
        });
    }

    /// One that does and checks `run` on what `prepare` has made. Neither making that nor letting
    /// go of it counts.
    pub fn add_prepared<T>(
        &mut self,
        name: &'static str,
        mut prepare: impl FnMut() -> Result<T, Box<dyn Error>> + 'a,
        mut run: impl FnMut(&mut T) -> Checked + 'a,
    ) {
        self.add_turn(name, move |times| {
            let mut total = (Duration::ZERO, 0.0);
            let mut left = times;
            while left > 0 {
                // Few at a time, so that what is prepared is still near.
                let batch = left.min(BATCH);
                left -= batch;
                let mut prepared = (0..batch).map(|_| prepare()).collect::<Result<Vec<_>, _>>()?;
                let (took, allocations) = timed(|| prepared.iter_mut().try_for_each(&mut run))?;
                total = (total.0 + took, total.1 + allocations);
            }
            Ok(total)
        });
    }

    fn add_turn(
        &mut self,
        name: &'static str,
        turn: impl FnMut(u32) -> Result<(Duration, f64), Box<dyn Error>> + 'a,
    ) {
        let best = Cost { nanoseconds: f64::INFINITY, allocations: f64::INFINITY };
        self.contenders.push(Contender { name, turn: Box::new(turn), times: 1, best });
    }

    /// What it costs each.
    pub fn run(mut self) -> Result<Costs, Box<dyn Error>> {
        for contender in &mut self.contenders {
            contender.warm_up(self.effort.turn)?;
        }
        for _ in 0..self.effort.rounds {
            for contender in &mut self.contenders {
                contender.measure()?;
            }
        }
        Ok(Costs(self.contenders.iter().map(|one| (one.name, one.best)).collect()))
    }
}

impl Contender<'_> {
    /// Finds how often it must be done to fill a turn.
    fn warm_up(&mut self, turn: Duration) -> Checked {
        while (self.turn)(self.times)?.0 < turn && self.times < TIMES_MAX {
            self.times *= 2;
        }
        Ok(())
    }

    fn measure(&mut self) -> Checked {
        let (took, allocations) = (self.turn)(self.times)?;
        let times = f64::from(self.times);
        self.best.nanoseconds = self.best.nanoseconds.min(took.as_secs_f64() * 1e9 / times);
        self.best.allocations = self.best.allocations.min(allocations / times);
        Ok(())
    }
}

const BATCH: u32 = 32;
const TIMES_MAX: u32 = 1 << 20;

fn timed(run: impl FnOnce() -> Checked) -> Result<(Duration, f64), Box<dyn Error>> {
    let ((allocated, moved, _), (took, result)) = alloc_counter::count_alloc(|| {
        let start = ThreadTime::now();
        let result = run();
        (start.elapsed(), result)
    });
    result?;
    Ok((took, (allocated + moved) as f64))
}

/// The costs of all that took part.
#[derive(Debug)]
pub struct Costs(Vec<(&'static str, Cost)>);

impl Costs {
    /// The cost of one that may have taken part.
    pub fn get(&self, name: &str) -> Option<Cost> {
        self.0.iter().find(|(own, _)| *own == name).map(|(_, cost)| *cost)
    }

    /// The cost of one that has.
    pub fn of(&self, name: &str) -> Result<Cost, Box<dyn Error>> {
        self.get(name).ok_or_else(|| format!("{name} was not measured").into())
    }
}

/// Checks that the program counts allocations at all.
pub fn check_counting() -> Checked {
    let (_, counted) = timed(|| {
        black_box(Box::new(black_box(1_u8)));
        Ok(())
    })?;
    ensure((counted - 1.0).abs() < 0.5, "this program does not count allocations")
}

/// An error unless it holds.
pub fn ensure(holds: bool, what: &'static str) -> Checked {
    if holds { Ok(()) } else { Err(what.into()) }
}
