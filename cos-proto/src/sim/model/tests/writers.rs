use super::*;

/// More than a chunk, so that the writer claims.
const LONG: &str = "0123456789012345678901234567890";

#[test]
fn a_close_can_be_resumed_at_its_size_and_nowhere_else() {
    let mut history = History::new();
    history.allows(&open("/a", true, 9), &[not_found()], &[opened(0), opened(5)]);
    history.writes("/a", 1, &["01", "234"]);
    assert_eq!(history.model.record_at_end("a"), (false, false));
    history.did(close(1), Outcome::Done);
    let forbidden = [opened(0), opened(2), opened(6), not_found()];
    history.allows(&open("/a", true, 9), &[opened(5), broken()], &forbidden);
    history.allows(&get("/a"), &[not_found()], &[content("01234")]);
    assert_eq!(history.model.record_at_end("a"), (true, true));
    history.did(open("/a", true, 2), opened(5));
    history.did(write(2, "56"), Outcome::Done);
    history.did(commit(2), Outcome::Done);
    history.allows(&get("/a"), &[content("0123456")], &[content("01234"), content("56")]);
    let committed = |size| failed(ErrorKind::AlreadyCommitted { size });
    let forbidden = [committed(5), opened(5), opened(7), not_found()];
    history.allows(&open("/a", true, 9), &[committed(7)], &forbidden);
}

#[test]
fn a_close_without_an_acknowledgement_may_have_happened() {
    for fails in [true, false] {
        let mut history = History::new();
        history.writes("/a", 1, &["01"]);
        history.did(close(1), Outcome::Done);
        history.did(open("/a", true, 2), opened(2));
        history.did(write(2, "234"), Outcome::Done);
        let closing = history.begin(ME, close(2));
        if fails {
            history.end(closing, broken());
        } else {
            history.crash(ME);
        }
        let forbidden = [opened(0), opened(3), not_found()];
        history.allows(&open("/a", true, 9), &[opened(2), opened(5)], &forbidden);
    }
}

#[test]
fn an_append_without_new_bytes_leaves_everything() {
    let mut history = History::new();
    history.writes("/a", 1, &["01"]);
    history.did(close(1), Outcome::Done);
    let status = history.clone();
    history.did(open("/a", true, 2), opened(2));
    history.did(open("/a", true, 3), opened(2));
    history.did(write(3, "234"), Outcome::Done);
    history.did(close(3), Outcome::Done);
    // Closed later, but it has nothing to say.
    history.did(close(2), Outcome::Done);
    history.allows(&open("/a", true, 9), &[opened(5)], &[opened(2)]);
    let mut history = status;
    history.did(open("/a", true, 2), opened(2));
    history.drop_writer(2);
    history.allows(&open("/a", true, 9), &[opened(2)], &[opened(0), not_found()]);
}

#[test]
fn a_create_writer_discards_what_was_closed() {
    let mut history = History::new();
    history.writes("/a", 1, &["01"]);
    history.did(close(1), Outcome::Done);
    let mut failing = history.clone();
    failing.did(open("/a", false, 2), broken());
    failing.allows(&open("/a", true, 9), &[opened(2), not_found()], &[opened(0)]);
    history.did(open("/a", false, 2), opened(0));
    history.allows(&open("/a", true, 9), &[not_found()], &[opened(2), opened(0)]);
    history.did(close(2), Outcome::Done);
    history.allows(&open("/a", true, 9), &[opened(0)], &[opened(2), not_found()]);
}

#[test]
fn a_writer_that_is_gone_leaves_what_was_durable_and_perhaps_its_claim() {
    for crashes in [true, false] {
        let mut short = History::new();
        short.writes("/a", 1, &["01"]);
        let mut long = History::new();
        long.writes("/a", 1, &[LONG]);
        let mut longer = long.clone();
        longer.did(write(1, LONG), Outcome::Done);
        for history in [&mut short, &mut long, &mut longer] {
            if crashes {
                history.crash(ME);
            } else {
                history.drop_writer(1);
            }
        }
        short.allows(&open("/a", true, 9), &[not_found()], &[opened(0), opened(2)]);
        assert_eq!(short.model.unnamed_uploads_allowed("a"), 0);
        long.allows(&open("/a", true, 9), &[not_found(), opened(0)], &[opened(31)]);
        assert_eq!(long.model.unnamed_uploads_allowed("a"), 1);
        // It cannot have held as much back: a part was sent, so the claim is durable.
        longer.allows(&open("/a", true, 9), &[opened(0)], &[not_found(), opened(62)]);
    }
}

#[test]
fn a_commit_without_an_acknowledgement_may_have_happened() {
    let start = {
        let mut history = History::new();
        history.did(put("/a", "old"), Outcome::Done);
        history.writes("/a", 1, &[LONG]);
        history
    };
    for outcome in [broken(), failed(ErrorKind::OutcomeUnknown), failed(ErrorKind::Corrupt)] {
        let mut history = start.clone();
        history.did(commit(1), outcome);
        history.allows(&get("/a"), &[content("old"), content(LONG)], &[not_found()]);
        history.did(put("/a", "later"), Outcome::Done);
        history.allows(&get("/a"), &[content("later")], &[content("old"), content(LONG)]);
    }
    let mut history = start.clone();
    history.did(commit(1), Outcome::Done);
    history.allows(&get("/a"), &[content(LONG)], &[content("old"), not_found()]);
    assert_eq!(history.model.unnamed_uploads_allowed("a"), 0);
    let mut history = start;
    history.begin(ME, commit(1));
    history.crash(ME);
    history.allows(&get("/a"), &[content("old"), content(LONG)], &[not_found()]);
}

#[test]
fn a_record_is_dead_when_somebody_has_committed_since() {
    let mut history = History::new();
    history.did(put("/a", "old"), Outcome::Done);
    history.writes("/a", 1, &["01"]);
    history.did(close(1), Outcome::Done);
    let committed = |size| failed(ErrorKind::AlreadyCommitted { size });
    history.allows(&open("/a", true, 9), &[opened(2)], &[committed(3), not_found()]);
    let mut gone = history.clone();
    gone.did(delete("/a"), Outcome::Done);
    gone.allows(&open("/a", true, 9), &[not_found()], &[opened(2), committed(3)]);
    let mut moved = history.clone();
    moved.did(rename("/a", "/b"), Outcome::Done);
    moved.allows(&open("/a", true, 9), &[opened(2)], &[not_found(), committed(3)]);
    let mut emptied = history.clone();
    emptied.did(put("/a", ""), Outcome::Done);
    emptied.allows(&open("/a", true, 9), &[opened(0)], &[opened(2), committed(0), not_found()]);
    history.did(put("/a", "newer"), Outcome::Done);
    history.allows(&open("/a", true, 9), &[committed(5)], &[committed(3), opened(2), not_found()]);
    history.did(open("/a", true, 2), committed(5));
    assert_eq!(history.model.record_at_end("a"), (false, false));
}

#[test]
fn a_commit_removes_its_own_record_and_need_not_know_of_anothers() {
    let mut shared = History::with(|settings| settings.fair = true);
    shared.writes("/a", 1, &["01"]);
    shared.did_by(OTHER, open("/a", false, 2), opened(0));
    shared.did_by(OTHER, close(2), Outcome::Done);
    shared.did(commit(1), Outcome::Done);
    assert_eq!(shared.model.record_at_end("a"), (true, false));
    let mut alone = History::with(|settings| settings.fair = true);
    alone.writes("/a", 1, &[]);
    alone.did(close(1), Outcome::Done);
    alone.did(open("/a", true, 2), opened(0));
    alone.did(commit(2), Outcome::Done);
    assert_eq!(alone.model.record_at_end("a"), (false, false));
}

#[test]
fn a_cancel_leaves_nothing_to_resume() {
    let mut history = History::new();
    history.writes("/a", 1, &["01"]);
    history.did(close(1), Outcome::Done);
    history.did(open("/a", true, 2), opened(2));
    history.did(write(2, LONG), Outcome::Done);
    let mut failing = history.clone();
    failing.did(cancel(2), broken());
    failing.allows(&open("/a", true, 9), &[opened(2), not_found()], &[opened(33)]);
    history.did(cancel(2), Outcome::Done);
    history.allows(&open("/a", true, 9), &[not_found()], &[opened(2), opened(0)]);
    assert_eq!(history.model.unnamed_uploads_allowed("a"), 0);
    let mut crashed = History::new();
    crashed.writes("/a", 1, &[LONG]);
    crashed.begin(ME, cancel(1));
    crashed.crash(ME);
    crashed.settle();
    crashed.did_by(OTHER, open("/a", true, 2), opened(0));
    assert!(crashed.may_by(OTHER, commit(2), failed(ErrorKind::UploadLost)), "it was aborted");
    let mut fresh = History::new();
    fresh.writes("/a", 1, &[LONG]);
    fresh.did(cancel(1), Outcome::Done);
    fresh.allows(&open("/a", true, 9), &[not_found()], &[opened(0)]);
}

#[test]
fn ends_are_refused_after_an_end_but_a_close_after_a_commit_or_cancel() {
    let misuse = failed(ErrorKind::Misuse);
    for (end, close_is_fine) in [(close(1), false), (commit(1), true), (cancel(1), true)] {
        let mut history = History::new();
        history.writes("/a", 1, &["01"]);
        history.allows(&end, &[Outcome::Done], std::slice::from_ref(&misuse));
        history.did(end, Outcome::Done);
        for call in [commit(1), cancel(1), write(1, "x")] {
            history.allows(&call, std::slice::from_ref(&misuse), &[Outcome::Done, broken()]);
        }
        if close_is_fine {
            history.allows(&close(1), &[Outcome::Done], std::slice::from_ref(&misuse));
            history.did(close(1), Outcome::Done);
        }
        history.allows(&close(1), std::slice::from_ref(&misuse), &[Outcome::Done]);
    }
    let mut history = History::new();
    history.writes("/a", 1, &["01"]);
    history.did(write(1, LONG), broken());
    for call in [commit(1), close(1), write(1, "x"), cancel(1)] {
        history.allows(&call, &[broken()], &[Outcome::Done]);
    }
}

#[test]
fn an_append_over_an_empty_object_begins_anew() {
    let mut history = History::new();
    history.did(put("/a", ""), Outcome::Done);
    let forbidden = [not_found(), failed(ErrorKind::AlreadyCommitted { size: 0 })];
    history.allows(&open("/a", true, 9), &[opened(0)], &forbidden);
    history.did(open("/a", true, 1), opened(0));
    history.did(close(1), Outcome::Done);
    assert_eq!(history.model.record_at_end("a"), (false, false));
    history.did(open("/a", true, 2), opened(0));
    history.did(write(2, "01"), Outcome::Done);
    history.did(commit(2), Outcome::Done);
    history.allows(&get("/a"), &[content("01")], &[content("")]);
}

#[test]
fn a_sweep_removes_what_is_old_and_spares_the_young() {
    let mut history = History::new();
    history.writes("/a", 1, &["01"]);
    history.did(close(1), Outcome::Done);
    history.wait(50_000);
    history.writes("/b", 2, &["01"]);
    history.did(close(2), Outcome::Done);
    history.wait(10_000);
    let sweep = |age| Call::Sweep { age };
    for outcome in [Outcome::Done, broken()] {
        let mut swept = history.clone();
        swept.did(sweep(30_000), outcome);
        swept.allows(&open("/a", true, 9), &[opened(2), not_found()], &[]);
        swept.allows(&open("/b", true, 9), &[opened(2)], &[not_found()]);
    }
    history.did(sweep(100_000), Outcome::Done);
    history.allows(&open("/a", true, 9), &[opened(2)], &[not_found()]);
}

#[test]
fn a_sweep_spares_what_is_written_meanwhile() {
    let mut history = History::new();
    let sweeping = history.begin(OTHER, Call::Sweep { age: 0 });
    history.wait(50_000);
    history.writes("/a", 1, &["01"]);
    history.did(close(1), Outcome::Done);
    history.allows(&open("/a", true, 9), &[opened(2)], &[not_found()]);
    history.did(open("/a", true, 2), opened(2));
    history.end(sweeping, Outcome::Done);
    assert!(!history.may(commit(2), failed(ErrorKind::UploadLost)));
}
