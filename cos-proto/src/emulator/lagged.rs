//! An index that shows its changes late, as COS's lists may.

use std::{
    collections::{BTreeMap, VecDeque},
    ops::Bound,
};

use super::clock::Moment;

/// Each key's changes, oldest first: from when on the value (or its absence) is shown.
#[derive(Debug)]
pub(super) struct Lagged<K, V> {
    entries: BTreeMap<K, Vec<(Moment, Option<V>)>>,
    /// Deletions not yet swept out, by when they show.
    gone: VecDeque<(Moment, K)>,
}

impl<K: Ord + Clone, V> Lagged<K, V> {
    pub(super) fn new() -> Self {
        Self { entries: BTreeMap::new(), gone: VecDeque::new() }
    }

    /// From `shown` on, `key` has this value; or none.
    pub(super) fn set(&mut self, now: Moment, shown: Moment, key: K, value: Option<V>) {
        self.sweep(now);
        if value.is_none() {
            self.gone.push_back((shown, key.clone()));
        }
        let changes = self.entries.entry(key).or_default();
        changes.push((shown, value));
        let current = changes.iter().rposition(|(shown, _)| *shown <= now).unwrap_or(0);
        changes.drain(..current);
    }

    /// What a list made now shows, from `start` on.
    pub(super) fn shown(&self, now: Moment, start: Bound<K>) -> impl Iterator<Item = (&K, &V)> {
        self.entries.range((start, Bound::Unbounded)).filter_map(move |(key, changes)| {
            let (_, value) = changes.iter().rfind(|(shown, _)| *shown <= now)?;
            value.as_ref().map(|value| (key, value))
        })
    }

    fn sweep(&mut self, now: Moment) {
        while self.gone.front().is_some_and(|(shown, _)| *shown <= now) {
            let Some((_, key)) = self.gone.pop_front() else { return };
            let dead = |changes: &Vec<(Moment, Option<V>)>| {
                changes.last().is_some_and(|(shown, value)| *shown <= now && value.is_none())
            };
            if self.entries.get(&key).is_some_and(dead) {
                self.entries.remove(&key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(index: &Lagged<u8, char>, at: i64) -> Vec<(u8, char)> {
        index.shown(Moment(at), Bound::Unbounded).map(|(key, value)| (*key, *value)).collect()
    }

    #[test]
    fn writes_and_deletions_show_after_the_lag() {
        let mut index = Lagged::new();
        index.set(Moment(0), Moment(10), 1, Some('a'));
        index.set(Moment(5), Moment(15), 1, Some('b'));
        index.set(Moment(12), Moment(22), 1, None);
        assert_eq!(shown(&index, 9), []);
        assert_eq!(shown(&index, 12), [(1, 'a')]);
        assert_eq!(shown(&index, 21), [(1, 'b')]);
        assert_eq!(shown(&index, 22), []);
    }

    #[test]
    fn what_can_no_longer_be_seen_is_forgotten() {
        let mut index = Lagged::new();
        for at in 0..100 {
            index.set(Moment(at), Moment(at), 1, Some('a'));
        }
        assert_eq!(index.entries[&1].len(), 1);
        index.set(Moment(100), Moment(100), 1, None);
        index.set(Moment(101), Moment(101), 2, Some('b'));
        assert!(!index.entries.contains_key(&1));
    }
}
