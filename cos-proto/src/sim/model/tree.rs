//! Calls about directories: described, listed, walked, deleted, swept. Lists lag.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Entry, Millis, Model, Outcome, Violation,
    failures::is_component,
    register::{Moment, Owner},
    state::{Effect, Slot, Slots, Under, covers, delete_from, key_of, nothing_by},
};
use crate::ErrorKind;

/// A key as lists may show it.
struct Listed {
    /// What is left of the key behind the prefix.
    rest: String,
    must: bool,
    may: bool,
    sizes: Vec<u64>,
}

/// All keys that begin with `prefix`, objects and records, in the order of their bytes.
fn listed(slots: &Slots, prefix: &str, at: Millis, lag: Millis) -> Vec<Listed> {
    let mut all = Vec::new();
    for (key, slot) in slots {
        // Times are rounded to milliseconds.
        let lag = lag + 1;
        if let Some(rest) = key.strip_prefix(prefix) {
            let sizes: Vec<u64> =
                slot.object.may_be_listed(at, lag).map(|content| content.len() as u64).collect();
            let (may, must) = (!sizes.is_empty(), slot.object.must_be_listed(at, lag, None));
            all.push(Listed { rest: rest.to_owned(), must: must && may, may, sizes });
        }
        let record = format!("{key}~upload");
        if let Some(rest) = record.strip_prefix(prefix) {
            let may = slot.record.may_be_listed(at, lag).next().is_some();
            let must = may && slot.record.must_be_listed(at, lag, None);
            all.push(Listed { rest: rest.to_owned(), must, may, sizes: Vec::new() });
        }
    }
    all.retain(|listed| listed.may && !listed.rest.is_empty());
    all.sort_by(|one, other| one.rest.cmp(&other.rest));
    all
}

/// What every key below a directory begins with.
fn prefix_of(path: &str) -> String {
    match key_of(path) {
        "" => String::new(),
        key => format!("{key}/"),
    }
}

fn child_of(directory: &str, name: &str) -> String {
    format!("{}/{name}", directory.trim_end_matches('/'))
}

impl Model {
    fn below(&self, under: &Under, path: &str) -> Vec<Listed> {
        listed(&self.slots, &prefix_of(path), under.begun.at, self.settings.list_lag)
    }

    pub(super) fn end_stat(
        &mut self,
        under: &Under,
        path: &str,
        outcome: Outcome,
        now: Moment,
    ) -> Result<(), Violation> {
        let key = key_of(path).to_owned();
        let root = key.is_empty();
        let since = under.begun.seq;
        let below = self.below(under, path);
        let absent = root || self.slot_of(&key, |slot| slot.object.may_be(since, Option::is_none));
        let allowed = match &outcome {
            Outcome::Info { size, is_dir: false } if !root => {
                return self.saw_size(under, &key, *size, now);
            }
            Outcome::Info { size, is_dir } => {
                *is_dir && *size == 0 && absent && (root || !below.is_empty())
            }
            Outcome::Failed(failure) if failure.kind == ErrorKind::PathNotFound => {
                !root && absent && !below.iter().any(|listed| listed.must)
            }
            Outcome::Failed(failure) => return self.judge(under, &key, None, failure).map(drop),
            _ => false,
        };
        if !allowed {
            let contents = if root { "the root".to_owned() } else { self.contents(&key, under) };
            let must: Vec<&str> = texts(&below, |listed| listed.must);
            let may: Vec<&str> = texts(&below, |listed| listed.may);
            let text = format!("{contents}; below it at least {must:?}, at most {may:?}");
            return Err(self.violation(under, outcome, text));
        }
        if !root {
            self.slot(&key).object.observe(since, now, |seen| seen.value.is_none());
        }
        Ok(())
    }

    /// Asks a slot, or one that nobody has touched.
    fn slot_of<T>(&mut self, key: &str, ask: impl Fn(&Slot) -> T) -> T {
        ask(self.slot(key))
    }

    pub(super) fn end_list(
        &self,
        under: &Under,
        path: &str,
        outcome: Outcome,
    ) -> Result<(), Violation> {
        let below = self.below(under, path);
        let root = key_of(path).is_empty();
        let child = |listed: &Listed| {
            let name = listed.rest.split('/').next().unwrap_or_default();
            is_component(name).then(|| child_of(path, name))
        };
        let must: BTreeSet<String> =
            below.iter().filter(|listed| listed.must).filter_map(child).collect();
        let may: BTreeSet<String> = below.iter().filter_map(child).collect();
        let allowed = match &outcome {
            Outcome::Names(names) => {
                let got: BTreeSet<String> = names.iter().cloned().collect();
                got.len() == names.len()
                    && got.is_superset(&must)
                    && got.is_subset(&may)
                    && (root || !below.is_empty())
            }
            Outcome::Failed(failure) if failure.kind == ErrorKind::PathNotFound => {
                !root && !below.iter().any(|listed| listed.must)
            }
            Outcome::Failed(failure) => {
                return self.judge(under, key_of(path), None, failure).map(drop);
            }
            _ => false,
        };
        if allowed {
            return Ok(());
        }
        Err(self.violation(under, outcome, format!("at least {must:?}, at most {may:?}")))
    }

    pub(super) fn end_walk(
        &self,
        under: &Under,
        from: &str,
        skips: &BTreeSet<String>,
        outcome: Outcome,
    ) -> Result<(), Violation> {
        let entries = match outcome {
            Outcome::Entries(entries) => entries,
            Outcome::Failed(failure) => {
                if failure.kind == ErrorKind::PathNotFound {
                    let text = "entries, or none: a missing directory is no error";
                    return Err(self.violation(under, &failure.kind, text));
                }
                return self.judge(under, key_of(from), None, &failure).map(drop);
            }
            other => return Err(self.violation(under, other, "entries or failed")),
        };
        let below = self.below(under, from);
        let mut may: BTreeMap<(String, bool), Vec<u64>> = BTreeMap::new();
        let mut must: BTreeSet<(String, bool)> = BTreeSet::new();
        for listed in &below {
            for (path, is_dir) in entries_of(from, &listed.rest, skips) {
                let sizes = may.entry((path.clone(), is_dir)).or_default();
                if is_dir {
                    sizes.push(0);
                } else {
                    sizes.extend(&listed.sizes);
                }
                if listed.must {
                    must.insert((path, is_dir));
                }
            }
        }
        let wrong = |entry: &&Entry| {
            let sizes = may.get(&(entry.path.clone(), entry.is_dir));
            !sizes.is_some_and(|sizes| sizes.contains(&entry.size))
        };
        if let Some(entry) = entries.iter().find(wrong) {
            let text = format!("no such entry as {entry:?}; at most {may:?}");
            return Err(self.violation(under, Outcome::Entries(entries), text));
        }
        let orders: Vec<String> = entries.iter().map(order_of).collect();
        if let Some(pair) = orders.windows(2).find(|pair| pair[0] >= pair[1]) {
            let text = format!("the order of keys, each once; not {pair:?}");
            return Err(self.violation(under, Outcome::Entries(entries), text));
        }
        let got: BTreeSet<(String, bool)> =
            entries.iter().map(|entry| (entry.path.clone(), entry.is_dir)).collect();
        if let Some(missing) = must.difference(&got).next() {
            let text = format!("at least {missing:?} besides");
            return Err(self.violation(under, Outcome::Entries(entries), text));
        }
        // A directory is met before what is in it, whatever shows it.
        let orphan = entries.iter().find(|entry| {
            let parent = entry.path.rsplit_once('/').map_or("", |(parent, _)| parent);
            let within = key_of(parent).len() > key_of(from).len();
            within && !got.contains(&(parent.to_owned(), true))
        });
        if let Some(entry) = orphan {
            let text = format!("the directory of {entry:?} before it");
            return Err(self.violation(under, Outcome::Entries(entries), text));
        }
        Ok(())
    }

    pub(super) fn begin_delete(&mut self, under: &Under, path: &str) {
        self.slot(key_of(path));
        for (key, slot) in &mut self.slots {
            if covers(path, key) {
                delete_from(slot, under);
            }
        }
    }

    pub(super) fn end_delete(
        &mut self,
        under: &Under,
        path: &str,
        outcome: Outcome,
        now: Moment,
    ) -> Result<(), Violation> {
        let kind = match &outcome {
            Outcome::Done => None,
            Outcome::Failed(failure) if failure.kind == ErrorKind::PathNotFound => {
                Some(&failure.kind)
            }
            Outcome::Failed(failure) => {
                self.judge(under, key_of(path), None, failure)?;
                self.delete_failed(under, path, now);
                return Ok(());
            }
            _ => return Err(self.violation(under, outcome, "done, not found or failed")),
        };
        if kind.is_some()
            && let Some(there) = self.certainly_there(under, path)
        {
            let text = format!("done: {there} was there");
            return Err(self.violation(under, outcome, text));
        }
        let owner = Owner::Call(under.id);
        let lag = self.settings.list_lag + 1;
        let (memory, remembers) = (self.settings.memory, self.remembers_since(under.process));
        let begun = under.begun;
        for (key, slot) in &mut self.slots {
            if !covers(path, key) {
                continue;
            }
            let itself = key == key_of(path);
            let known = |register: (bool, bool)| itself || register.0 || register.1;
            let object = (
                slot.object.must_be_listed(begun.at, lag, Some(owner)),
                slot.object.is_remembered(under, remembers, memory),
            );
            if known(object) {
                slot.object.acknowledge(owner, begun, now, false);
            } else {
                slot.object.close(owner, now);
            }
            let record = (
                slot.record.must_be_listed(begun.at, lag, Some(owner)),
                slot.record.is_remembered(under, remembers, memory),
            );
            if known(record) {
                slot.record.acknowledge(owner, begun, now, false);
            } else {
                slot.record.close(owner, now);
            }
            slot.object.end_forgetting(under, now);
            slot.record.end_forgetting(under, now);
            slot.end_lineages(|_| true);
        }
        self.end_effects(under.id, now);
        Ok(())
    }

    fn delete_failed(&mut self, under: &Under, path: &str, now: Moment) {
        let owner = Owner::Call(under.id);
        for (key, slot) in &mut self.slots {
            if covers(path, key) {
                slot.object.give_up(owner, now);
                slot.record.give_up(owner, now);
                slot.object.end_forgetting(under, now);
                slot.record.end_forgetting(under, now);
                slot.end_lineages(|_| true);
            }
        }
    }

    /// Something that a delete cannot have failed to find.
    fn certainly_there(&self, under: &Under, path: &str) -> Option<String> {
        let own = Owner::Call(under.id);
        let since = under.begun.seq;
        let lag = self.settings.list_lag + 1;
        let remembers = self.remembers_since(under.process);
        let (memory, at) = (self.settings.memory, under.begun.at);
        for (key, slot) in &self.slots {
            if !covers(path, key) {
                continue;
            }
            let mut met = slot.object.met(since).filter(|seen| seen.owner != own);
            let object = met.all(|seen| seen.value.is_some());
            let mut met = slot.record.met(since).filter(|seen| seen.owner != own);
            let record = met.all(|seen| seen.value.is_some());
            let itself = key == key_of(path);
            let remembered = slot.object.is_remembered(under, remembers, memory);
            let listed = slot.object.must_be_listed(at, lag, Some(own));
            if object && (itself || listed || remembered) {
                return Some(key.clone());
            }
            let remembered = slot.record.is_remembered(under, remembers, memory);
            let listed = slot.record.must_be_listed(at, lag, Some(own));
            if record && (itself || listed || remembered) {
                return Some(format!("{key}~upload"));
            }
        }
        None
    }

    /// It may take for old what is older than that already; nothing that is written from now on.
    pub(super) fn begin_sweep(&mut self, under: &Under, age: Millis) {
        let Some(cut_off) = under.begun.at.checked_sub(age) else { return };
        for slot in self.slots.values_mut() {
            let met = || slot.record.met(under.begun.seq.saturating_sub(1));
            let old = met().any(|seen| seen.value.is_some() && seen.begun.at <= cut_off);
            let absent = met().any(|seen| seen.value.is_none());
            if old || absent {
                slot.end_lineages(|lineage| lineage.begun <= cut_off);
            }
            if old {
                slot.effects.push(Effect { call: under.id, writer: None, ended: u64::MAX });
                slot.record.add(nothing_by(under));
            }
        }
    }

    pub(super) fn end_sweep(
        &mut self,
        under: &Under,
        outcome: Outcome,
        now: Moment,
    ) -> Result<(), Violation> {
        let owner = Owner::Call(under.id);
        match outcome {
            Outcome::Done => {
                for slot in self.slots.values_mut() {
                    slot.record.close(owner, now);
                }
                self.end_effects(under.id, now);
                Ok(())
            }
            Outcome::Failed(failure) => {
                self.judge(under, "", None, &failure)?;
                for slot in self.slots.values_mut() {
                    slot.record.give_up(owner, now);
                }
                Ok(())
            }
            other => Err(self.violation(under, other, "done or failed")),
        }
    }
}

fn texts(below: &[Listed], which: impl Fn(&Listed) -> bool) -> Vec<&str> {
    below.iter().filter(|listed| which(listed)).map(|listed| &*listed.rest).collect()
}

/// Where an entry stands in the order of keys.
fn order_of(entry: &Entry) -> String {
    if entry.is_dir { format!("{}/", entry.path) } else { entry.path.clone() }
}

/// The entries of a walk that a key makes: its directories and itself.
fn entries_of(from: &str, rest: &str, skips: &BTreeSet<String>) -> Vec<(String, bool)> {
    let mut entries = Vec::new();
    let mut path = from.trim_end_matches('/').to_owned();
    let mut names = rest.split('/').peekable();
    while let Some(name) = names.next() {
        if !is_component(name) {
            break;
        }
        path = child_of(&path, name);
        let is_dir = names.peek().is_some();
        entries.push((path.clone(), is_dir));
        if is_dir && skips.contains(&path) {
            break;
        }
    }
    entries
}
