//! Calls about single objects: stored, read, deleted, copied, moved.

use bytes::Bytes;

use super::{
    Call, Failure, Model, Outcome, Violation,
    failures::{Fate, short},
    register::{Moment, Owner},
    state::{Under, key_of},
};
use crate::ErrorKind;

impl Model {
    pub(super) fn begin_put(&mut self, under: &Under, key: &str, content: &Bytes, once: bool) {
        self.add_object(key, Some(content.clone()), under, once);
        self.note_effect(key, under.id, None);
    }

    pub(super) fn end_put(
        &mut self,
        under: &Under,
        key: &str,
        outcome: Outcome,
        now: Moment,
    ) -> Result<(), Violation> {
        let owner = Owner::Call(under.id);
        match outcome {
            Outcome::Done => {
                self.slot(key).object.acknowledge(owner, under.begun, now, true);
                self.end_effects(under.id, now);
                Ok(())
            }
            Outcome::Failed(failure) => match self.judge(under, key, None, &failure)? {
                Fate::Never => self.undo_object(under, key, &failure, now),
                Fate::Unknown => {
                    self.slot(key).object.give_up(owner, now);
                    if matches!(under.call, Call::UploadKey { .. }) && failure.leaves_upload() {
                        self.slot(key).leaks += 1;
                    }
                    Ok(())
                }
            },
            other => Err(self.violation(under, other, "done or failed")),
        }
    }

    /// The call did nothing to the object of `key`.
    fn undo_object(
        &mut self,
        under: &Under,
        key: &str,
        failure: &Failure,
        now: Moment,
    ) -> Result<(), Violation> {
        if !self.slot(key).object.undo(Owner::Call(under.id)) {
            let text = "its effect was seen: it cannot have failed for certain";
            return Err(self.violation(under, &failure.kind, text));
        }
        self.end_effects(under.id, now);
        Ok(())
    }

    pub(super) fn end_get(
        &mut self,
        under: &Under,
        key: &str,
        offset: u64,
        outcome: Outcome,
        now: Moment,
    ) -> Result<(), Violation> {
        let rest = |content: &Bytes| -> Bytes {
            let from = usize::try_from(offset).unwrap_or(usize::MAX).min(content.len());
            content.slice(from..)
        };
        match outcome {
            Outcome::Content(got) => {
                let test = |value: &Option<Bytes>| value.as_ref().is_some_and(|v| rest(v) == got);
                if !self.slot(key).object.may_be(under.begun.seq, test) {
                    let allowed = self.contents(key, under);
                    return Err(self.violation(under, Outcome::Content(got), allowed));
                }
                let object = &mut self.slot(key).object;
                object.observe(under.begun.seq, now, |seen| test(&seen.value));
                Ok(())
            }
            Outcome::Prefix { got, error } => {
                // Only its end shows that a stream was damaged; this one has not got there, or fails.
                let flaws = if self.is_calm(under) { 0 } else { FLAWS_MAX };
                let test = |value: &Option<Bytes>| {
                    value.as_ref().is_some_and(|v| begins_with(&rest(v), &got, flaws))
                };
                if !got.is_empty() && !self.slot(key).object.may_be(under.begun.seq, test) {
                    let allowed = self.contents(key, under);
                    return Err(self.violation(under, Outcome::Prefix { got, error }, allowed));
                }
                self.failed_read(under, key, &error)
            }
            Outcome::Failed(failure) => {
                self.failed_read(under, key, &failure)?;
                if failure.kind == ErrorKind::PathNotFound {
                    let object = &mut self.slot(key).object;
                    object.observe(under.begun.seq, now, |seen| seen.value.is_none());
                }
                Ok(())
            }
            other => Err(self.violation(under, other, "content or failed")),
        }
    }

    fn failed_read(
        &mut self,
        under: &Under,
        key: &str,
        failure: &Failure,
    ) -> Result<(), Violation> {
        let since = under.begun.seq;
        let object = &self.slot(key).object;
        let allowed = match failure.kind {
            ErrorKind::PathNotFound => object.may_be(since, Option::is_none),
            ErrorKind::Changed => object.met(since).count() > 1,
            _ => return self.judge(under, key, None, failure).map(drop),
        };
        if allowed {
            return Ok(());
        }
        let allowed = self.contents(key, under);
        Err(self.violation(under, &failure.kind, allowed))
    }

    /// For a violation's text.
    pub(super) fn contents(&mut self, key: &str, under: &Under) -> String {
        let since = under.begun.seq;
        let met = self.slot(key).object.met(since);
        let texts: Vec<String> = met
            .map(|candidate| match &candidate.value {
                None => "nothing".to_owned(),
                Some(content) => {
                    format!("{} bytes {}", content.len(), short(&format!("{content:?}")))
                }
            })
            .collect();
        format!("at {key:?} {}", texts.join(" or "))
    }

    /// HEAD of a key.
    pub(super) fn end_head(
        &mut self,
        under: &Under,
        key: &str,
        outcome: Outcome,
        now: Moment,
    ) -> Result<(), Violation> {
        match outcome {
            Outcome::Info { size, is_dir: false } => self.saw_size(under, key, size, now),
            outcome @ Outcome::Failed(_) => self.end_get(under, key, 0, outcome, now),
            other => Err(self.violation(under, other, "a size or failed")),
        }
    }

    /// A HEAD showed an object of this size.
    pub(super) fn saw_size(
        &mut self,
        under: &Under,
        key: &str,
        size: u64,
        now: Moment,
    ) -> Result<(), Violation> {
        let test = |value: &Option<Bytes>| value.as_ref().is_some_and(|v| v.len() as u64 == size);
        if !self.slot(key).object.may_be(under.begun.seq, test) {
            let allowed = self.contents(key, under);
            return Err(self.violation(under, Outcome::Info { size, is_dir: false }, allowed));
        }
        self.slot(key).object.observe(under.begun.seq, now, |seen| test(&seen.value));
        Ok(())
    }

    pub(super) fn begin_delete_key(&mut self, under: &Under, key: &str) {
        self.add_object(key, None, under, false);
        self.note_effect(key, under.id, None);
    }

    pub(super) fn end_delete_key(
        &mut self,
        under: &Under,
        key: &str,
        outcome: Outcome,
        now: Moment,
    ) -> Result<(), Violation> {
        // A missing object is no failure of a deletion, and answers as one that was there.
        self.end_put(under, key, outcome, now)
    }

    pub(super) fn begin_copy(&mut self, under: &Under, from: &str, to: &str, moves: bool) {
        self.note_effect(to, under.id, None);
        let met = self.slot(from).object.met(under.begun.seq.saturating_sub(1));
        let contents: Vec<Bytes> = met.filter_map(|seen| seen.value.clone()).collect();
        for content in contents {
            let once = content.len() as u64 > self.settings.copy_threshold;
            self.add_object(to, Some(content), under, once);
        }
        if moves {
            self.note_effect(from, under.id, None);
            self.add_object(from, None, under, false);
            self.slot(from).object.begin_forgetting(under);
        }
    }

    pub(super) fn end_copy(
        &mut self,
        under: &Under,
        from: &str,
        to: &str,
        moves: bool,
        outcome: Outcome,
        now: Moment,
    ) -> Result<(), Violation> {
        match outcome {
            Outcome::Done => {
                self.copied(under, from, to, now)?;
                if moves {
                    self.source_deleted(under, from, now);
                }
                self.end_effects(under.id, now);
                Ok(())
            }
            Outcome::Failed(failure) => self.copy_failed(under, from, to, moves, &failure, now),
            other => Err(self.violation(under, other, "done or failed")),
        }
    }

    fn copied(
        &mut self,
        under: &Under,
        from: &str,
        to: &str,
        now: Moment,
    ) -> Result<(), Violation> {
        let since = under.begun.seq;
        // A move's own deletion comes after its copy.
        let own = Owner::Call(under.id);
        let source = &self.slot(from).object;
        if !source.met(since).any(|seen| seen.owner != own && seen.value.is_some()) {
            let allowed = format!("not found: {}", self.contents(from, under));
            return Err(self.violation(under, Outcome::Done, allowed));
        }
        self.slot(to).object.acknowledge(own, under.begun, now, true);
        Ok(())
    }

    fn source_deleted(&mut self, under: &Under, from: &str, now: Moment) {
        let object = &mut self.slot(from).object;
        object.acknowledge(Owner::Call(under.id), under.begun, now, true);
        object.end_forgetting(under, now);
    }

    fn copy_failed(
        &mut self,
        under: &Under,
        from: &str,
        to: &str,
        moves: bool,
        failure: &Failure,
        now: Moment,
    ) -> Result<(), Violation> {
        let own = Owner::Call(under.id);
        let since = under.begun.seq;
        let deleting = moves && failure.call == Some("DeleteObject");
        if moves {
            self.slot(from).object.end_forgetting(under, now);
        }
        if moves && !deleting && failure.call.is_some() && !self.slot(from).object.undo(own) {
            let text = "the source is deleted only after the copy";
            return Err(self.violation(under, &failure.kind, text));
        }
        let others = |seen: &super::register::Candidate<Option<Bytes>>| seen.owner != own;
        match failure.kind {
            ErrorKind::PathNotFound => {
                let source = &mut self.slot(from).object;
                let found = source.met(since).any(|seen| others(seen) && seen.value.is_some());
                if !source.met(since).any(|seen| others(seen) && seen.value.is_none()) {
                    let allowed = self.contents(from, under);
                    return Err(self.violation(under, &failure.kind, allowed));
                }
                if found {
                    // An earlier attempt may have copied what is gone now.
                    self.slot(to).object.give_up(own, now);
                } else if !self.slot(to).object.undo(own) {
                    let text = "there was nothing to copy";
                    return Err(self.violation(under, &failure.kind, text));
                } else {
                    self.end_effects(under.id, now);
                }
                self.slot(from).object.undo(own);
                let source = &mut self.slot(from).object;
                source.observe(since, now, |seen| seen.value.is_none());
                return Ok(());
            }
            ErrorKind::Changed
                if self.slot(from).object.met(since).filter(|seen| others(seen)).count() > 1 =>
            {
                self.slot(to).object.give_up(own, now);
                return Ok(());
            }
            _ => {}
        }
        let fate = self.judge(under, to, None, failure)?;
        if fate == Fate::Never {
            self.slot(from).object.undo(own);
            return self.undo_object(under, to, failure, now);
        }
        if deleting {
            self.copied(under, from, to, now)?;
        } else {
            self.slot(to).object.give_up(own, now);
            self.slot(to).leaks += u64::from(failure.leaves_upload());
        }
        self.slot(from).object.give_up(own, now);
        Ok(())
    }

    pub(super) fn end_rename_onto_itself(
        &mut self,
        under: &Under,
        path: &str,
        outcome: Outcome,
        now: Moment,
    ) -> Result<(), Violation> {
        let key = key_of(path);
        if outcome != Outcome::Done {
            return self.end_get(under, key, 0, outcome, now);
        }
        if !self.slot(key).object.may_be(under.begun.seq, Option::is_some) {
            let allowed = self.contents(key, under);
            return Err(self.violation(under, Outcome::Done, allowed));
        }
        self.slot(key).object.observe(under.begun.seq, now, |seen| seen.value.is_some());
        Ok(())
    }
}

/// How many bytes of a read that broke off may have been damaged on their way: what the end of the
/// object has not confirmed, nothing has. Ranges that are read ahead could be damaged one by one, until
/// nothing of the object is left to know it by.
pub(in crate::sim) const FLAWS_MAX: usize = 4;

fn begins_with(whole: &[u8], start: &[u8], flaws: usize) -> bool {
    let wrong = whole.iter().zip(start).filter(|(one, other)| one != other).count();
    start.len() <= whole.len() && wrong <= flaws.min((start.len() / 8).max(1))
}
