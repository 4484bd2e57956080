//! Every planted bug changes what some short history does; and no bug, nothing.

mod play;

use std::num::NonZeroUsize;

use bytes::Bytes;

use self::play::Play;
use super::Planted;
use crate::{
    CallKind,
    driver::DriverSettings,
    emulator::{Effect, Fault},
    op::{Append, Upload, WalkControl, WalkOptions},
};

type History = fn(&mut Play);

const HISTORIES: &[(&str, History, &[Planted])] = {
    use Planted as P;
    &[
        ("a commit's answers are lost", lost_commit, &[P::CommitNotVerified]),
        ("a commit never arrives", refused_commit, &[P::EqualSizeAccepted, P::UnknownTakenForLost]),
        ("a commit and its HEAD are lost", blind_commit, &[P::UnknownTakenForDone]),
        ("a commit fails in a 200", failed_commit, &[P::ErrorIn200Accepted]),
        ("parts are damaged on their way", damaged_parts, &[P::WriteCrcIgnored]),
        (
            "an upload is committed",
            commit,
            &[P::CommitDropsTail, P::RecordLeftByCommit, P::ClaimSkipped],
        ),
        ("an upload is closed", close, &[P::RecordBeforeParts, P::CloseDropsTail]),
        ("an upload is overtaken", overtaken, &[P::BaseIgnored]),
        ("an upload is resumed", resume, &[P::IdleCloseSaves, P::PartsRenumbered]),
        ("an upload is cancelled", cancel, &[P::RecordDroppedFirst, P::CancelLeavesUpload]),
        ("a resumed upload fails", failed_part, &[P::FailedPartAborts]),
        ("a claim is refused", refused_claim, &[P::RefusedClaimLeavesUpload]),
        ("an upload is begun anew", anew, &[P::StaleUploadLeft]),
        ("a committed object is appended to", reopen, &[P::CommittedReopened]),
        ("more is written than fits", overfull, &[P::MemoryBudgetIgnored]),
        ("a damaged body is read", damaged_body, &[P::ReadCrcIgnored]),
        ("a body is cut", cut_body, &[P::ResumedAtStart, P::CutTakenForEnd]),
        ("a range is read", range, &[P::RangeCrcCompared]),
        ("an object is replaced while it is read", replaced, &[P::ETagNotPinned]),
        ("a range begins too late", late_range, &[P::OtherRangeAccepted]),
        (
            "an object is read ahead",
            read_ahead,
            &[P::RangesUnordered, P::ReadCrcIgnored, P::ETagNotPinned],
        ),
        ("a copy is refused", refused_copy, &[P::SourceDeletedAfterFailedCopy]),
        ("a copy has another CRC", damaged_copy, &[P::CopyCrcIgnored]),
        ("a part copy is refused", refused_part_copy, &[P::CopyLeavesUpload]),
        ("an object is moved onto itself", same_place, &[P::MoveOntoItselfDeletes]),
        (
            "names are walked and listed",
            names,
            &[
                P::SkipWithoutBoundary,
                P::WalkLosesPageEnd,
                P::ListTakesSibling,
                P::StatTakesSibling,
            ],
        ),
        ("a tree is walked in parallel", parallel_walk, &[P::WalkRangeLosesFirst]),
        (
            "a directory is deleted",
            delete,
            &[P::DeleteTakesSibling, P::DeleteForgetsRecords, P::DeleteStopsAtPage],
        ),
        ("what lists do not show is deleted", delete_unlisted, &[P::DeleteTrustsLists]),
        ("uploads are swept", sweep, &[P::SweepIgnoresAge]),
        (
            "answers are lost",
            lost_answers,
            &[
                P::SlotReleasedInBackOff,
                P::NeverSentAgain,
                P::BackOffSkipped,
                P::RetriedForEver,
                P::TimerForgotten,
            ],
        ),
        ("an upload is opened once", open_once, &[P::UnsafeCallRepeated]),
        ("the clock is off", skewed, &[P::SkewNeverLearned]),
        ("the token is stale", stale, &[P::CredentialsNeverRefreshed]),
    ]
};

/// The machine's own tests have the first; the second is in the simulation's adapter.
const ELSEWHERE: &[Planted] = &[Planted::LateReplyAccepted, Planted::PermitKeptUntilHandled];

#[test]
fn every_bug_changes_what_a_history_does() {
    let mut found = ELSEWHERE.to_vec();
    for (name, history, bugs) in HISTORIES {
        let right = transcript(Planted::Nothing, *history);
        assert_eq!(right, transcript(Planted::Nothing, *history), "{name} is not repeatable");
        for &bug in *bugs {
            assert_ne!(right, transcript(bug, *history), "{name}: {bug:?} changes nothing");
            found.push(bug);
        }
    }
    let unseen: Vec<_> = Planted::ALL.iter().filter(|bug| !found.contains(bug)).collect();
    assert!(unseen.is_empty(), "no history for {unseen:?}");
}

#[test]
fn without_a_bug_a_history_ends_well() {
    for (history, end) in [
        (commit as History, "/a: 250"),
        (resume, "/a: 370"),
        (cut_body, "60 of 60"),
        (damaged_parts, "/a: 250"),
        (skewed, "/a: 100"),
    ] {
        let transcript = transcript(Planted::Nothing, history);
        assert!(transcript.iter().any(|line| line.starts_with(end)), "{end}: {transcript:#?}");
    }
}

fn transcript(planted: Planted, history: History) -> Vec<String> {
    let mut play = Play::new(DriverSettings { planted, ..DriverSettings::default() });
    history(&mut play);
    play.finish()
}

fn bytes(length: usize) -> Bytes {
    (0..length).map(|at| (at * 7 % 251) as u8).collect()
}

fn lost_commit(play: &mut Play) {
    play.fault(CallKind::CompleteMultipartUpload, Effect::LostReply, 99);
    play.write("/a", Append::No, 250, Upload::commit);
}

fn refused_commit(play: &mut Play) {
    play.put("/a", Bytes::from(vec![1; 250]));
    play.fault(CallKind::CompleteMultipartUpload, Effect::RefuseBefore, 99);
    play.write("/a", Append::No, 250, Upload::commit);
}

fn blind_commit(play: &mut Play) {
    play.fault(CallKind::CompleteMultipartUpload, Effect::RefuseBefore, 99);
    play.emulator.inject(Fault::on(CallKind::HeadObject, Effect::RefuseBefore).nth(2).times(99));
    play.write("/a", Append::No, 250, Upload::commit);
}

fn failed_commit(play: &mut Play) {
    let effect = Effect::ErrorIn200 { code: "InternalError".to_owned() };
    play.fault(CallKind::CompleteMultipartUpload, effect, 99);
    play.write("/a", Append::No, 250, Upload::commit);
}

fn damaged_parts(play: &mut Play) {
    play.fault(CallKind::UploadPart, Effect::CorruptBody, 1);
    play.write("/a", Append::No, 250, Upload::commit);
    play.show("/a");
}

fn commit(play: &mut Play) {
    play.write("/a", Append::No, 250, Upload::commit);
    play.show("/a");
}

fn close(play: &mut Play) {
    play.write("/a", Append::No, 250, Upload::close);
}

fn overtaken(play: &mut Play) {
    close(play);
    play.put("/a", bytes(10));
    play.write("/a", Append::Yes, 100, Upload::close);
}

fn resume(play: &mut Play) {
    close(play);
    play.write("/a", Append::Yes, 0, Upload::close);
    play.write("/a", Append::Yes, 120, Upload::commit);
    play.show("/a");
}

fn cancel(play: &mut Play) {
    close(play);
    play.write("/a", Append::Yes, 0, Upload::cancel);
}

fn failed_part(play: &mut Play) {
    close(play);
    play.fault(CallKind::UploadPart, Effect::error(403, "AccessDenied"), 1);
    play.write("/a", Append::Yes, 150, Upload::commit);
}

fn refused_claim(play: &mut Play) {
    play.fault(CallKind::PutObject, Effect::error(403, "AccessDenied"), 1);
    play.write("/a", Append::No, 250, Upload::commit);
}

fn anew(play: &mut Play) {
    close(play);
    play.write("/a", Append::No, 10, Upload::commit);
}

fn reopen(play: &mut Play) {
    play.put("/a", bytes(10));
    play.write("/a", Append::Yes, 10, Upload::commit);
}

fn overfull(play: &mut Play) {
    play.fill("/a", 1000);
}

fn damaged_body(play: &mut Play) {
    play.put("/a", bytes(100));
    play.fault(CallKind::GetObject, Effect::CorruptBody, 1);
    play.read("/a", 0);
}

fn cut_body(play: &mut Play) {
    play.put("/a", bytes(100));
    play.fault(CallKind::GetObject, Effect::CutBody(40), 1);
    play.read("/a", 0);
    play.fault(CallKind::GetObject, Effect::CutBody(40), 1);
    play.read("/a", 10);
}

fn range(play: &mut Play) {
    play.put("/a", bytes(100));
    play.read("/a", 10);
}

fn replaced(play: &mut Play) {
    play.put("/a", bytes(100));
    play.fault(CallKind::GetObject, Effect::CutBody(40), 1);
    play.replace_while_waiting("a", vec![9; 100]);
    play.read("/a", 10);
}

fn late_range(play: &mut Play) {
    play.put("/a", bytes(100));
    play.shift_range();
    play.read("/a", 10);
}

fn read_ahead(play: &mut Play) {
    play.put("/a", bytes(100));
    play.fault(CallKind::GetObject, Effect::CorruptBody, 1);
    play.read_ahead("/a", 0);
    // The second range is asked for again, and then the object is another.
    play.emulator.inject(Fault::on(CallKind::GetObject, Effect::CutBody(5)).nth(2));
    play.replace_while_waiting("a", vec![9; 100]);
    play.read_ahead("/a", 10);
}

fn refused_copy(play: &mut Play) {
    play.put("/a", bytes(10));
    play.fault(CallKind::PutObjectCopy, Effect::error(403, "AccessDenied"), 1);
    play.rename("/a", "/b");
}

fn damaged_copy(play: &mut Play) {
    play.put("/a", bytes(10));
    play.fault(CallKind::PutObjectCopy, Effect::CorruptCopy, 1);
    play.rename("/a", "/b");
    play.show("/b");
}

fn refused_part_copy(play: &mut Play) {
    play.put("/a", bytes(500));
    play.fault(CallKind::UploadPartCopy, Effect::error(403, "AccessDenied"), 1);
    play.rename("/a", "/b");
}

fn same_place(play: &mut Play) {
    play.put("/a", bytes(10));
    play.rename("/a", "/a");
}

fn names(play: &mut Play) {
    for path in ["/d/a/x", "/d/ab", "/d/c", "/d/e", "/d/f"] {
        play.put(path, bytes(1));
    }
    play.walk("/d", &WalkOptions::new(), |entry| {
        if entry.path == "/d/a" { WalkControl::Skip } else { WalkControl::Continue }
    });
    play.list("/d/a");
    play.stat("/d/abc");
    play.stat("/d/a");
    play.list("/d/e");
    play.put("/s/ab", bytes(1));
    play.stat("/s/a");
}

fn parallel_walk(play: &mut Play) {
    for name in ["a/x", "a/y", "b/x", "b/y", "b/z", "c/x", "c/y", "d/x", "d/y"] {
        play.put(&format!("/d/{name}"), bytes(1));
    }
    let options = WalkOptions::new().parallel(NonZeroUsize::new(2).expect("not 0"));
    play.walk("/d", &options, |_| WalkControl::Continue);
}

fn delete(play: &mut Play) {
    for path in ["/d/a", "/d/b", "/d/c", "/d/d", "/d/e", "/dd"] {
        play.put(path, bytes(1));
    }
    play.write("/d/u", Append::No, 250, Upload::close);
    play.delete("/d");
}

fn delete_unlisted(play: &mut Play) {
    play.emulator.set_list_lag(std::time::Duration::from_secs(60));
    play.put("/d/a", bytes(1));
    play.delete("/d");
}

fn sweep(play: &mut Play) {
    close(play);
    play.sweep(std::time::Duration::from_secs(10));
}

fn lost_answers(play: &mut Play) {
    play.fault(CallKind::UploadPart, Effect::LostReply, 2);
    play.write("/a", Append::No, 500, Upload::commit);
    play.fault(CallKind::PutObject, Effect::RefuseBefore, 30);
    play.put("/b", bytes(10));
}

fn open_once(play: &mut Play) {
    play.fault(CallKind::InitiateMultipartUpload, Effect::LostReply, 1);
    play.open_once("a");
}

fn skewed(play: &mut Play) {
    play.emulator.shift_clock(7200);
    play.put("/a", bytes(100));
    play.show("/a");
}

fn stale(play: &mut Play) {
    play.expire();
    play.put("/a", bytes(100));
}
