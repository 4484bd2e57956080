//! Open writers: what their calls may answer, and what their ends leave.

use bytes::Bytes;

use super::{
    Call, Failure, Model, Outcome, ProcessId, Violation, WriterId,
    register::{Moment, Owner},
    state::{Resume, Under, Writer, WriterState},
};
use crate::{CallKind, ErrorKind};

impl Model {
    /// A writer may claim from now on: an upload may be created, and its record written in the
    /// state that is durable.
    fn may_claim(&mut self, id: WriterId, begun: Moment) {
        let Some(writer) = self.writers.get_mut(&id) else { return };
        if writer.claims {
            return;
        }
        writer.claims = true;
        let (key, process, starts) = (writer.key.clone(), writer.process, writer.starts.clone());
        for start in starts {
            self.add_record(&key, Some(start), Owner::Claim(id), begun, process);
        }
    }

    pub(super) fn begin_write(&mut self, under: &Under, id: WriterId, content: &Bytes) {
        let Some(writer) = self.writers.get(&id) else { return };
        let total = writer.longest() + content.len() as u64;
        let (key, open) = (writer.key.clone(), writer.state == WriterState::Open);
        if open && total >= self.settings.chunk_size {
            self.may_claim(id, under.begun);
        }
        self.note_effect(&key, under.id, Some(id));
    }

    pub(super) fn end_write(
        &mut self,
        under: &Under,
        id: WriterId,
        content: &Bytes,
        outcome: Outcome,
        now: Moment,
    ) -> Result<(), Violation> {
        let key = self.check_open(under, id, &outcome)?;
        let Some(key) = key else { return Ok(()) };
        match outcome {
            Outcome::Done => {
                let bound = self.settings.writer_bytes_max;
                self.end_effects(under.id, now);
                let Some(writer) = self.writers.get_mut(&id) else { return Ok(()) };
                writer.written.extend_from_slice(content);
                if !writer.claimed && writer.written.len() as u64 > bound {
                    writer.claimed = true;
                    let since = writer.opened;
                    let claim = Owner::Claim(id);
                    self.slot(&key).record.acknowledge(claim, since, now, true);
                }
                Ok(())
            }
            Outcome::Failed(failure) => {
                self.writer_failure(under, id, &key, &failure, false)?;
                self.fail_writer(id, &key, &failure, now);
                Ok(())
            }
            other => Err(self.violation(under, other, "done or failed")),
        }
    }

    /// The key, if the call concerns an open writer; another writer's call is judged here.
    fn check_open(
        &mut self,
        under: &Under,
        id: WriterId,
        outcome: &Outcome,
    ) -> Result<Option<String>, Violation> {
        let Some(writer) = self.writers.get_mut(&id) else {
            return Err(self.violation(under, outcome, "there is no such writer"));
        };
        let kind = match outcome {
            Outcome::Failed(failure) => Some(&failure.kind),
            _ => None,
        };
        let closes = matches!(under.call, Call::Close { .. });
        let allowed = match (writer.state, kind) {
            (WriterState::Open, Some(ErrorKind::Misuse)) => "the writer is open",
            (WriterState::Open, _) => return Ok(Some(writer.key.clone())),
            (WriterState::Over, None) if closes && *outcome == Outcome::Done => {
                writer.state = WriterState::OverAndClosed;
                return Ok(None);
            }
            (WriterState::Failed, Some(_)) => return Ok(None),
            (WriterState::Failed, None) => "the writer has failed",
            (WriterState::Over, Some(ErrorKind::Misuse)) if !closes => return Ok(None),
            (WriterState::Over, _) if closes => "done",
            (WriterState::Closed | WriterState::OverAndClosed, Some(ErrorKind::Misuse)) => {
                return Ok(None);
            }
            _ => "misuse: the writer is ended",
        };
        Err(self.violation(under, outcome, allowed))
    }

    /// Judges why a writer failed.
    fn writer_failure(
        &self,
        under: &Under,
        id: WriterId,
        key: &str,
        failure: &Failure,
        commits: bool,
    ) -> Result<(), Violation> {
        let Some(writer) = self.writers.get(&id) else { return Ok(()) };
        let disturbed = self.is_writer_disturbed(id, key);
        let lineages: Vec<u64> = writer.starts.iter().map(|start| start.lineage).collect();
        let slot = self.slots.get(key);
        let of_writer = |ended: Option<u64>| {
            slot.is_some_and(|slot| {
                slot.lineages.iter().any(|lineage| {
                    lineages.contains(&lineage.id)
                        && (lineage.ended || ended.is_some_and(|at| lineage.id <= at))
                })
            })
        };
        let allowed = match failure.kind {
            ErrorKind::UploadLost => disturbed || of_writer(None),
            ErrorKind::Overwritten => commits && (disturbed || of_writer(None)),
            // A part of another session may have come late, under the same number; or it was there
            // before, when two went on from one record.
            ErrorKind::Service if commits && self.is_calm(under) => {
                disturbed || of_writer(Some(self.settled_version.unwrap_or(self.versions)))
            }
            // Begun before the faults were over.
            _ if self.settled.is_some_and(|settled| writer.opened.seq <= settled) => {
                let before = Under { begun: writer.begun, ..under.clone() };
                return self.judge(&before, key, Some(id), failure).map(drop);
            }
            _ => return self.judge(under, key, Some(id), failure).map(drop),
        };
        if allowed {
            return Ok(());
        }
        Err(self.violation(under, &failure.kind, "nobody else was at the path"))
    }

    /// Whether anybody else may have changed its slot since it began to open.
    fn is_writer_disturbed(&self, id: WriterId, key: &str) -> bool {
        let since = self.writers.get(&id).map_or(0, |writer| writer.begun.seq);
        self.is_disturbed(key, Some(id), since)
    }

    /// It has failed: a claim that was refused leaves nothing behind.
    fn fail_writer(&mut self, id: WriterId, key: &str, failure: &Failure, now: Moment) {
        let claim = failure.call == Some(CallKind::PutObject.name()) && failure.maybe_done;
        let disturbed = self.is_writer_disturbed(id, key);
        let leaks = claim || disturbed || failure.leaves_upload();
        self.end_without_end(id, key, leaks, now);
    }

    /// It ends without an end: what it sent may still arrive, and an upload may be left unnamed.
    fn end_without_end(&mut self, id: WriterId, key: &str, leaks: bool, now: Moment) {
        let Some(writer) = self.writers.get_mut(&id) else { return };
        writer.state = WriterState::Failed;
        let leaks = leaks && writer.claims;
        let slot = self.slot(key);
        slot.record.give_up(Owner::Claim(id), now);
        if leaks {
            slot.leaks += 1;
        }
    }

    pub(super) fn begin_close(&mut self, under: &Under, id: WriterId) {
        let Some(writer) = self.writers.get(&id) else { return };
        if writer.state != WriterState::Open {
            return;
        }
        let (key, saves) = (writer.key.clone(), writer.saves());
        let seals = writer.longest() >= self.settings.part_bytes_min;
        let states = writer.states();
        self.note_effect(&key, under.id, Some(id));
        if !saves {
            return;
        }
        if seals {
            self.may_claim(id, under.begun);
        }
        for state in states {
            let owner = Owner::Call(under.id);
            self.add_record(&key, Some(state), owner, under.begun, under.process);
        }
    }

    pub(super) fn end_close(
        &mut self,
        under: &Under,
        id: WriterId,
        outcome: Outcome,
        now: Moment,
    ) -> Result<(), Violation> {
        let Some(key) = self.check_open(under, id, &outcome)? else { return Ok(()) };
        let owner = Owner::Call(under.id);
        match outcome {
            Outcome::Done => {
                let saves = self.writers.get(&id).is_some_and(Writer::saves);
                if saves {
                    let record = &mut self.slot(&key).record;
                    record.overtake(Owner::Claim(id), now);
                    record.acknowledge(owner, under.begun, now, true);
                }
                self.end_writer(under, id, &key, WriterState::Closed, now);
                Ok(())
            }
            Outcome::Failed(failure) => {
                self.writer_failure(under, id, &key, &failure, false)?;
                self.slot(&key).record.give_up(owner, now);
                self.fail_writer(id, &key, &failure, now);
                Ok(())
            }
            other => Err(self.violation(under, other, "done or failed")),
        }
    }

    /// A writer has ended as it was asked to.
    fn end_writer(&mut self, under: &Under, id: WriterId, key: &str, to: WriterState, now: Moment) {
        // Somebody else's record may have taken the place of the one that named its upload.
        let disturbed = self.is_writer_disturbed(id, key);
        self.end_effects(under.id, now);
        let Some(writer) = self.writers.get_mut(&id) else { return };
        writer.state = to;
        let claims = writer.claims;
        let slot = self.slot(key);
        slot.record.close(Owner::Claim(id), now);
        if claims && disturbed {
            slot.leaks += 1;
        }
    }

    pub(super) fn begin_commit(&mut self, under: &Under, id: WriterId) {
        let Some(writer) = self.writers.get(&id) else { return };
        if writer.state != WriterState::Open {
            return;
        }
        let key = writer.key.clone();
        let parts = writer.may_have_parts(self.settings.chunk_size);
        let states = writer.states();
        self.note_effect(&key, under.id, Some(id));
        if parts {
            self.may_claim(id, under.begun);
        }
        for state in states {
            self.add_object(&key, Some(state.content), under, parts);
        }
        self.add_record(&key, None, Owner::Call(under.id), under.begun, under.process);
        self.slot(&key).record.begin_forgetting(under);
    }

    pub(super) fn end_commit(
        &mut self,
        under: &Under,
        id: WriterId,
        outcome: Outcome,
        now: Moment,
    ) -> Result<(), Violation> {
        let Some(key) = self.check_open(under, id, &outcome)? else { return Ok(()) };
        let owner = Owner::Call(under.id);
        let calm = self.is_calm(under);
        let disturbed = self.is_writer_disturbed(id, &key);
        self.slot(&key).record.end_forgetting(under, now);
        match outcome {
            Outcome::Done => {
                let slot = self.slot(&key);
                slot.object.acknowledge(owner, under.begun, now, true);
                slot.record.close(Owner::Claim(id), now);
                if calm && !disturbed {
                    slot.record.acknowledge(owner, under.begun, now, false);
                } else {
                    // A failed deletion of the record does not fail the commit, and the record of
                    // another writer it need not know of.
                    slot.record.give_up(owner, now);
                }
                // Its own, and those that it may take for strays of its own Create.
                self.slot(&key).end_lineages(|_| true);
                self.end_writer(under, id, &key, WriterState::Over, now);
                Ok(())
            }
            Outcome::Failed(failure) => {
                self.writer_failure(under, id, &key, &failure, true)?;
                let slot = self.slot(&key);
                slot.record.give_up(owner, now);
                if matches!(failure.kind, ErrorKind::UploadLost | ErrorKind::Overwritten) {
                    // It may have been completed and then replaced, but no more.
                    slot.object.close(owner, now);
                } else {
                    slot.object.give_up(owner, now);
                }
                self.slot(&key).end_lineages(|_| true);
                self.fail_writer(id, &key, &failure, now);
                Ok(())
            }
            other => Err(self.violation(under, other, "done or failed")),
        }
    }

    pub(super) fn begin_cancel(&mut self, under: &Under, id: WriterId) {
        let Some(writer) = self.writers.get(&id) else { return };
        if writer.state != WriterState::Open {
            return;
        }
        let key = writer.key.clone();
        self.note_effect(&key, under.id, Some(id));
        self.add_record(&key, None, Owner::Call(under.id), under.begun, under.process);
        self.slot(&key).record.begin_forgetting(under);
    }

    pub(super) fn end_cancel(
        &mut self,
        under: &Under,
        id: WriterId,
        outcome: Outcome,
        now: Moment,
    ) -> Result<(), Violation> {
        let Some(key) = self.check_open(under, id, &outcome)? else { return Ok(()) };
        let owner = Owner::Call(under.id);
        self.slot(&key).record.end_forgetting(under, now);
        // Its own, and those that it may take for strays of its own Create.
        self.slot(&key).end_lineages(|_| true);
        match outcome {
            Outcome::Done => {
                let writer = self.writers.get(&id);
                // A create writer that never claimed has no record to delete.
                let resumed = writer.is_some_and(|writer| writer.append && !writer.may_be_fresh());
                let claimed = writer.is_some_and(|writer| writer.claimed);
                let record = &mut self.slot(&key).record;
                record.overtake(Owner::Claim(id), now);
                if resumed || claimed {
                    record.acknowledge(owner, under.begun, now, true);
                } else {
                    record.close(owner, now);
                }
                self.end_writer(under, id, &key, WriterState::Over, now);
                Ok(())
            }
            Outcome::Failed(failure) => {
                self.writer_failure(under, id, &key, &failure, false)?;
                self.slot(&key).record.give_up(owner, now);
                self.fail_writer(id, &key, &failure, now);
                Ok(())
            }
            other => Err(self.violation(under, other, "done or failed")),
        }
    }

    /// A writer is forgotten without an end.
    pub(super) fn forget_writer(&mut self, id: WriterId, now: Moment) {
        let Some(writer) = self.writers.get(&id) else { return };
        if matches!(writer.state, WriterState::Opening | WriterState::Open) {
            let key = writer.key.clone();
            self.end_without_end(id, &key, true, now);
        }
        if let Some(writer) = self.writers.get_mut(&id) {
            writer.state = WriterState::Gone;
        }
    }

    pub(super) fn forget_writers_of(&mut self, process: ProcessId, now: Moment) {
        let of_process =
            |(id, writer): (&WriterId, &Writer)| (writer.process == process).then_some(*id);
        let ids: Vec<WriterId> = self.writers.iter().filter_map(of_process).collect();
        for id in ids {
            self.forget_writer(id, now);
        }
    }
}

impl Writer {
    /// The most that it may hold.
    fn longest(&self) -> u64 {
        let prefix = self.starts.iter().map(|start| start.content.len()).max().unwrap_or(0);
        (prefix + self.written.len()) as u64
    }

    /// Whether a Close has something to say.
    fn saves(&self) -> bool {
        !self.append || !self.written.is_empty()
    }

    /// Whether it may commit by parts.
    fn may_have_parts(&self, chunk: u64) -> bool {
        self.longest() >= chunk || self.starts.iter().any(|start| !start.content.is_empty())
    }

    fn may_be_fresh(&self) -> bool {
        self.starts.iter().any(|start| start.content.is_empty())
    }

    /// What it would leave if it ended now.
    fn states(&self) -> Vec<Resume> {
        let state = |start: &Resume| {
            let content = [&start.content[..], &self.written].concat();
            Resume { content: content.into(), base: start.base.clone(), lineage: start.lineage }
        };
        self.starts.iter().map(state).collect()
    }
}
