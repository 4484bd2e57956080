//! Which requests something later has made impossible to repeat.

use std::collections::BTreeMap;

use super::{Exchange, touched::Lateness};
use crate::{CallKind, Crc64};

/// By key: what was executed last.
#[derive(Debug, Default)]
pub(super) struct Overtaking(BTreeMap<String, Executed>);

#[derive(Debug, Default)]
struct Executed {
    /// The latest sent request that was executed.
    latest: u64,
    /// The latest whose client did not hear so. It may learn it otherwise, so that everything but
    /// an attempt of the same call is overtaken by it.
    unheard: Option<(u64, Intent)>,
}

/// What all attempts of one call have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Intent {
    line: u32,
    call: CallKind,
    body: u64,
}

impl Intent {
    fn of(exchange: &Exchange) -> Self {
        let mut body = Crc64::new();
        exchange.body.chunks().iter().for_each(|chunk| body.update(chunk));
        Self { line: exchange.line.0, call: exchange.call, body: body.value() }
    }
}

impl Overtaking {
    /// This request was executed.
    pub(super) fn executed(&mut self, number: u64, exchange: &Exchange, heard: bool) {
        let intent = (!heard).then(|| Intent::of(exchange));
        for key in exchange.touched.keys() {
            let executed = self.0.entry(key.clone()).or_default();
            match (intent, executed.unheard) {
                (None, _) => executed.latest = executed.latest.max(number),
                (Some(intent), Some((before, other))) if other != intent => {
                    executed.latest = executed.latest.max(before);
                    executed.unheard = Some((number, intent));
                }
                (Some(intent), _) => executed.unheard = Some((number, intent)),
            }
        }
    }

    /// Whether something sent later was done to one of its keys, so that it must not come any more.
    pub(super) fn has_overtaken(&self, number: u64, exchange: &Exchange) -> bool {
        if exchange.touched.lateness == Lateness::Free {
            return false;
        }
        exchange.touched.keys().any(|key| {
            self.0.get(key).is_some_and(|executed| {
                let other =
                    |&(by, intent): &(u64, Intent)| by > number && intent != Intent::of(exchange);
                executed.latest > number || executed.unheard.as_ref().is_some_and(other)
            })
        })
    }
}
