//! Credentials that expire while they are in use.

use std::time::Duration;

use super::START_UNIX;
use crate::{Credentials, Ticks, UnixTime, emulator::Emulator};

/// Issues credentials and tells the service which it accepts until when.
#[derive(Debug)]
pub(super) struct Tokens {
    life: Option<Duration>,
    told: bool,
    issued: u64,
    current: Option<Credentials>,
    /// When the next are issued to whoever asks.
    renewed_from: Ticks,
}

/// The service remembers as many expired ones, to say that they are expired; not unknown.
const REMEMBERED: usize = 8;

impl Tokens {
    pub(super) fn new(life: Option<Duration>, told: bool) -> Self {
        Self { life, told, issued: 0, current: None, renewed_from: Ticks::ZERO }
    }

    /// The credentials that somebody gets who asks now.
    pub(super) fn current(&mut self, now: Ticks, service: &mut Emulator) -> Credentials {
        match &self.current {
            Some(current) if now < self.renewed_from => current.clone(),
            _ => self.issue(now, service),
        }
    }

    fn issue(&mut self, now: Ticks, service: &mut Emulator) -> Credentials {
        let Some(life) = self.life else {
            let permanent = service.credentials().first().cloned();
            let permanent = permanent.unwrap_or_else(|| Credentials::new("AKIDSIM", "sim-key"));
            self.renewed_from = Ticks::new(Duration::MAX);
            return self.current.insert(permanent).clone();
        };
        self.issued += 1;
        let n = self.issued;
        let until = UnixTime::from_secs(START_UNIX) + now.since_epoch() + life;
        let untold = Credentials::new(format!("AKIDSIM{n}"), format!("sim-key-{n}"))
            .with_token(format!("sim-token-{n}"));
        let told = untold.clone().expiring(until);
        let mut accepted = service.credentials().to_vec();
        if n == 1 {
            accepted.clear();
        }
        accepted.push(told.clone());
        let surplus = accepted.len().saturating_sub(REMEMBERED);
        accepted.drain(..surplus);
        service.set_credentials(accepted);
        self.renewed_from = now + life / 2;
        self.current.insert(if self.told { told } else { untold }).clone()
    }

    /// From now on what is issued lasts.
    pub(super) fn last(&mut self) {
        if self.life.is_some() {
            self.life = Some(Duration::from_secs(1_000_000_000));
            self.renewed_from = Ticks::ZERO;
        }
    }
}
