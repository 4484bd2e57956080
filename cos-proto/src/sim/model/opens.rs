//! Opening a writer: what it may go on from.

use bytes::Bytes;

use super::{
    Model, Outcome, Violation, WriterId,
    register::{Moment, Owner},
    state::{Base, Lineage, Resume, Slot, Under, Writer, WriterState, key_of},
};
use crate::ErrorKind;

/// What an append may find.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Found {
    Nothing,
    Committed(u64),
    /// A record that is alive.
    Resume(Resume),
    /// An object of no bytes, to begin anew over.
    Empty(Base),
}

impl Model {
    pub(super) fn begin_open(&mut self, under: &Under, path: &str, append: bool, id: WriterId) {
        let key = key_of(path).to_owned();
        let owner = Owner::Call(under.id);
        self.note_effect(&key, under.id, Some(id));
        // Also an append removes a record that is dead.
        self.add_record(&key, None, owner, under.begun, under.process);
        let slot = self.slot(&key);
        slot.record.begin_forgetting(under);
        if !append {
            slot.end_lineages(|_| true);
        }
        let writer = Writer {
            process: under.process,
            key,
            append,
            state: WriterState::Opening,
            begun: under.begun,
            opened: under.begun,
            starts: Vec::new(),
            written: Vec::new(),
            claims: false,
            claimed: false,
        };
        self.writers.insert(id, writer);
    }

    pub(super) fn end_open(
        &mut self,
        under: &Under,
        path: &str,
        append: bool,
        id: WriterId,
        outcome: Outcome,
        now: Moment,
    ) -> Result<(), Violation> {
        let key = key_of(path).to_owned();
        self.slot(&key).record.end_forgetting(under, now);
        let result = if append {
            self.end_append(under, &key, id, outcome, now)
        } else {
            self.end_create(under, &key, id, outcome, now)
        };
        if let Some(writer) = self.writers.get_mut(&id)
            && writer.state == WriterState::Opening
        {
            writer.state = WriterState::Gone;
        }
        result
    }

    fn end_create(
        &mut self,
        under: &Under,
        key: &str,
        id: WriterId,
        outcome: Outcome,
        now: Moment,
    ) -> Result<(), Violation> {
        let owner = Owner::Call(under.id);
        match outcome {
            Outcome::Opened { size: 0 } => {
                // It may have found none, and sent nothing.
                self.slot(key).record.acknowledge(owner, under.begun, now, false);
                self.end_effects(under.id, now);
                // Also those begun meanwhile: it may have read their record late.
                self.slot(key).end_lineages(|_| true);
                let met = self.slot(key).object.met(under.begun.seq);
                let bases: Vec<Base> =
                    met.map(|seen| seen.value.clone().map(|content| (seen.id, content))).collect();
                let lineage = self.lineage(key, now);
                let start = |base| Resume { content: Bytes::new(), base, lineage };
                let starts = bases.into_iter().map(start).collect();
                self.opened(id, starts, now);
                Ok(())
            }
            Outcome::Failed(failure) => {
                self.judge(under, key, None, &failure)?;
                self.slot(key).record.give_up(owner, now);
                self.slot(key).end_lineages(|_| true);
                Ok(())
            }
            other => Err(self.violation(under, other, "opened at 0")),
        }
    }

    fn lineage(&mut self, key: &str, now: Moment) -> u64 {
        let id = self.version();
        self.slot(key).lineages.push(Lineage { id, begun: now.at, ended: false });
        id
    }

    fn opened(&mut self, id: WriterId, starts: Vec<Resume>, now: Moment) {
        if let Some(writer) = self.writers.get_mut(&id) {
            writer.state = WriterState::Open;
            writer.opened = now;
            writer.starts = starts;
        }
    }

    fn end_append(
        &mut self,
        under: &Under,
        key: &str,
        id: WriterId,
        outcome: Outcome,
        now: Moment,
    ) -> Result<(), Violation> {
        let owner = Owner::Call(under.id);
        let since = under.begun.seq;
        let finds = finds(self.slot(key), since, Some(owner));
        let has = |found: &Found| finds.iter().any(|(other, _)| other == found);
        if finds.iter().any(|(_, dead)| *dead) {
            // It may have aborted the upload of a dead record, which others may go on with.
            self.slot(key).end_lineages(|_| true);
        }
        match &outcome {
            Outcome::Opened { size } => {
                let resumes = finds.iter().filter_map(|(found, _)| match found {
                    Found::Resume(resume) if resume.content.len() as u64 == *size => {
                        Some(resume.clone())
                    }
                    _ => None,
                });
                let mut starts: Vec<Resume> = Vec::new();
                for resume in resumes {
                    if !starts.contains(&resume) {
                        starts.push(resume);
                    }
                }
                let bases: Vec<Base> = finds
                    .iter()
                    .filter_map(|(found, _)| match found {
                        Found::Empty(base) if *size == 0 => Some(base.clone()),
                        _ => None,
                    })
                    .collect();
                if starts.is_empty() && bases.is_empty() {
                    return Err(self.not_found_so(under, outcome, &finds));
                }
                let perhaps_alive = !starts.is_empty();
                if bases.is_empty() {
                    self.slot(key).record.undo(owner);
                    self.slot(key).record.observe(since, now, |seen| {
                        seen.value.as_ref().is_some_and(|r| r.content.len() as u64 == *size)
                    });
                } else {
                    let lineage = self.lineage(key, now);
                    starts.extend(bases.into_iter().map(|base| Resume {
                        content: Bytes::new(),
                        base,
                        lineage,
                    }));
                    self.record_is_gone(under, key, perhaps_alive, now);
                }
                self.end_effects(under.id, now);
                self.opened(id, starts, now);
                Ok(())
            }
            Outcome::Failed(failure) => match &failure.kind {
                ErrorKind::PathNotFound if has(&Found::Nothing) => {
                    self.record_is_gone(under, key, false, now);
                    self.end_effects(under.id, now);
                    let object = &mut self.slot(key).object;
                    object.observe(since, now, |seen| seen.value.is_none());
                    Ok(())
                }
                ErrorKind::AlreadyCommitted { size } if has(&Found::Committed(*size)) => {
                    self.record_is_gone(under, key, false, now);
                    self.end_effects(under.id, now);
                    self.saw_size(under, key, *size, now)
                }
                ErrorKind::PathNotFound | ErrorKind::AlreadyCommitted { .. } => {
                    Err(self.not_found_so(under, outcome, &finds))
                }
                _ => {
                    self.judge(under, key, None, failure)?;
                    self.slot(key).record.give_up(owner, now);
                    Ok(())
                }
            },
            _ => Err(self.not_found_so(under, outcome, &finds)),
        }
    }

    /// An append saw no record, or removed a dead one.
    fn record_is_gone(&mut self, under: &Under, key: &str, perhaps: bool, now: Moment) {
        let owner = Owner::Call(under.id);
        let record = &mut self.slot(key).record;
        if perhaps {
            record.close(owner, now);
        } else {
            record.acknowledge(owner, under.begun, now, false);
        }
    }

    fn not_found_so(&self, under: &Under, outcome: Outcome, finds: &[(Found, bool)]) -> Violation {
        let texts: Vec<String> = finds
            .iter()
            .map(|(found, _)| match found {
                Found::Nothing => "not found".to_owned(),
                Found::Committed(size) => format!("committed with {size} bytes"),
                Found::Resume(resume) => format!("resumed at {}", resume.content.len()),
                Found::Empty(_) => "begun over an empty object".to_owned(),
            })
            .collect();
        self.violation(under, outcome, texts.join(" or "))
    }
}

/// What an append between `since` and now may find, and whether it passed by a dead record.
fn finds(slot: &Slot, since: u64, except: Option<Owner>) -> Vec<(Found, bool)> {
    let mut finds = Vec::new();
    let records = slot.record.met(since).filter(|seen| Some(seen.owner) != except);
    for record in records {
        for object in slot.object.met(since) {
            let (alive, dead) = match (&record.value, &object.value) {
                (None, _) => (false, false),
                (Some(_), None) => (true, false),
                (Some(resume), Some(content)) => match &resume.base {
                    Some((version, _)) if *version == object.id => (true, false),
                    Some((_, base)) => (base == content, true),
                    None => (false, true),
                },
            };
            if alive && let Some(resume) = &record.value {
                finds.push((Found::Resume(resume.clone()), false));
            }
            if dead || record.value.is_none() {
                let found = match &object.value {
                    None => Found::Nothing,
                    Some(content) if content.is_empty() => {
                        Found::Empty(Some((object.id, content.clone())))
                    }
                    Some(content) => Found::Committed(content.len() as u64),
                };
                finds.push((found, dead));
            }
        }
    }
    finds
}
