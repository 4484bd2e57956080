//! How bad a network is.

use std::time::Duration;

use super::fault::FaultKind;
use crate::{CallKind, config::DEFAULT_IDLE_TIMEOUT, sim::Dice};

/// How often what goes wrong, and how slow all is.
#[derive(Clone, Debug)]
pub struct Weather {
    /// Of a thousand requests, by kind. Together at most a thousand.
    rates: [u64; FaultKind::ALL.len()],
    /// How many milliseconds a request or an answer takes, at least and at most.
    pub latency_ms: (u64, u64),
    /// How many more milliseconds a stalled request takes.
    pub stall_ms: (u64, u64),
    /// How many milliseconds after its client has stopped waiting something late arrives.
    pub late_ms: (u64, u64),
    /// How long lists of objects do not show a change.
    pub list_lag: Duration,
    /// How long lists of uploads do not show a change.
    pub uploads_lag: Duration,
    /// Of a thousand processes, how many have a clock that is off, and by how many seconds at most.
    pub skewed: (u64, u64),
    /// How long temporary credentials last; permanent ones if `None`.
    pub token_life: Option<Duration>,
    /// Whether credentials say when they expire.
    pub token_told: bool,
    /// How long an adapter waits for more of a body.
    pub idle_timeout: Duration,
}

impl Weather {
    /// Nothing goes wrong.
    pub fn calm() -> Self {
        Self {
            rates: [0; FaultKind::ALL.len()],
            latency_ms: (1, 20),
            stall_ms: (500, 20_000),
            late_ms: (1, 20_000),
            list_lag: Duration::ZERO,
            uploads_lag: Duration::ZERO,
            skewed: (0, 0),
            token_life: None,
            token_told: true,
            idle_timeout: DEFAULT_IDLE_TIMEOUT,
        }
    }

    /// Only this goes wrong, for so many of a thousand requests that it can meet.
    pub fn only(kind: FaultKind, per_mille: u64) -> Self {
        Self::calm().with(kind, per_mille)
    }

    /// The same, and this too.
    #[must_use]
    pub fn with(mut self, kind: FaultKind, per_mille: u64) -> Self {
        self.rates[kind as usize] = per_mille;
        self
    }

    /// Some weather: calm, of one or two kinds of faults, or of all.
    pub fn of(dice: &mut Dice) -> Self {
        let mut weather = Self::calm();
        weather.latency_ms = (1, *dice.pick(&[2, 10, 50, 400]));
        weather.stall_ms.1 = *dice.pick(&[2_000, 20_000, 400_000]);
        weather.late_ms.1 = *dice.pick(&[100, 5_000, 60_000, 600_000]);
        match dice.below(10) {
            0 => {}
            1..5 => {
                let mut fates = FaultKind::ALL.to_vec();
                fates.retain(|kind| kind.is_fate());
                // What breaks off is what the most rules are about.
                fates.extend([
                    FaultKind::CutBody,
                    FaultKind::CutBody,
                    FaultKind::CutBody,
                    FaultKind::LateReply,
                    FaultKind::Conflict,
                ]);
                // So often, now and then, that attempts are spent.
                let (kinds, most) = if dice.happens(500) { (1, 900) } else { (2, 490) };
                for _ in 0..kinds {
                    let kind = *dice.pick(&fates);
                    // What all attempts are spent on is seldom else.
                    let rate = if dice.happens(300) { most } else { dice.between(50, most) };
                    weather.rates[kind as usize] = kind.weighed(rate).min(most);
                }
            }
            // All kinds: together a tenth to a third of all requests.
            _ => {
                let most = dice.between(8, 30);
                for kind in FaultKind::ALL {
                    weather.rates[kind as usize] = kind.weighed(dice.below(most));
                }
            }
        }
        let lags = [0, 0, 0, 50, 2_000, 30_000];
        weather.list_lag = Duration::from_millis(*dice.pick(&lags));
        weather.uploads_lag = Duration::from_millis(*dice.pick(&lags));
        if dice.happens(300) {
            weather.skewed = (dice.between(100, 1000), *dice.pick(&[30, 1_000, 7_200, 100_000]));
        }
        if dice.happens(300) {
            weather.token_life = Some(Duration::from_secs(dice.between(5, 300)));
            weather.token_told = dice.happens(500);
        }
        weather
    }

    /// What goes wrong with such a call; decided by one throw.
    pub(super) fn fate(&self, call: CallKind, dice: &mut Dice) -> Option<FaultKind> {
        let mut drawn = dice.below(1000);
        let rates = FaultKind::ALL.into_iter().zip(&self.rates);
        for (kind, &rate) in rates.filter(|(kind, _)| kind.meets(call)) {
            if drawn < rate {
                return Some(kind);
            }
            drawn -= rate;
        }
        None
    }

    /// Whether nothing goes wrong.
    pub fn is_fair(&self) -> bool {
        self.rates.iter().all(|&rate| rate == 0) && self.skewed.0 == 0 && self.token_life.is_none()
    }

    /// By how many seconds the clock of a process is off.
    pub fn skew(&self, dice: &mut Dice) -> i64 {
        let (per_mille, most) = self.skewed;
        if !dice.happens(per_mille) {
            return 0;
        }
        dice.below(2 * most + 1).cast_signed() - most.cast_signed()
    }

    /// No faults any more; what is already late stays so, and lists lag as before.
    pub(super) fn clear(&mut self) {
        let Self { idle_timeout, list_lag, uploads_lag, .. } = *self;
        *self = Self { list_lag, uploads_lag, idle_timeout, ..Self::calm() };
    }
}
