use super::*;

#[test]
fn a_read_during_writes_gives_any_of_them_and_one_after_gives_the_last_possible() {
    let mut history = History::new();
    history.did(put("/a", "old"), Outcome::Done);
    let reading = history.begin(ME, get("/a"));
    let first = history.begin(ME, put("/a", "one"));
    let second = history.begin(OTHER, put("/a", "two"));
    history.end(first, Outcome::Done);
    for text in ["old", "one", "two"] {
        assert!(history.may_end(reading, content(text)), "{text}");
    }
    history.allows(&get("/a"), &[content("one"), content("two")], &[content("old"), not_found()]);
    history.end(second, Outcome::Done);
    history.allows(&get("/a"), &[content("one"), content("two")], &[content("old")]);
    // A second delivery of either may still undo the other, until something later is executed.
    history.did(get("/a"), content("one"));
    history.allows(&get("/a"), &[content("one"), content("two")], &[content("old")]);
    let mut later = history.clone();
    later.did(put("/a", "later"), Outcome::Done);
    later.allows(&get("/a"), &[content("later")], &[content("one"), content("two")]);
    history.settle();
    history.did(get("/a"), content("one"));
    history.allows(&get("/a"), &[content("one")], &[content("two")]);
}

#[test]
fn a_crash_leaves_what_was_under_way_open() {
    let mut history = History::new();
    history.did(put("/a", "old"), Outcome::Done);
    history.begin(ME, put("/a", "new"));
    history.begin(ME, delete("/b"));
    history.crash(ME);
    history.allows(&get("/a"), &[content("old"), content("new")], &[not_found()]);
    history.did_by(OTHER, put("/a", "later"), Outcome::Done);
    history.allows(&get("/a"), &[content("later")], &[content("old"), content("new")]);
}

#[test]
fn a_move_meets_what_is_written_to_its_source_meanwhile() {
    let mut history = History::new();
    history.did(put("/a", "one"), Outcome::Done);
    let moving = history.begin(ME, rename("/a", "/b"));
    history.did_by(OTHER, put("/a", "two"), Outcome::Done);
    assert!(history.may(get("/b"), content("two")));
    history.end(moving, Outcome::Done);
    history.allows(&get("/b"), &[content("one"), content("two")], &[not_found()]);
    history.allows(&get("/a"), &[content("two"), not_found()], &[content("one")]);
}

#[test]
fn moves_in_a_circle_end() {
    let mut history = History::new();
    history.did(put("/a", "one"), Outcome::Done);
    let there = history.begin(ME, rename("/a", "/b"));
    let back = history.begin(OTHER, rename("/b", "/a"));
    history.did(put("/a", "two"), Outcome::Done);
    history.end(there, Outcome::Done);
    history.end(back, Outcome::Done);
    for path in ["/a", "/b"] {
        assert!(history.may(get(path), content("two")) && history.may(get(path), not_found()));
    }
}

#[test]
fn one_of_two_appenders_wins_and_nothing_is_mixed() {
    let mut history = History::new();
    history.writes("/a", 1, &["base."]);
    history.did(close(1), Outcome::Done);
    history.did(open("/a", true, 2), opened(5));
    history.did_by(OTHER, open("/a", true, 3), opened(5));
    history.did(write(2, "two"), Outcome::Done);
    history.did_by(OTHER, write(3, "three"), Outcome::Done);
    let mut closed = history.clone();
    closed.did(close(2), Outcome::Done);
    closed.did(close(3), Outcome::Done);
    closed.allows(&open("/a", true, 9), &[opened(10)], &[opened(5), opened(16), not_found()]);
    let first = history.begin(ME, commit(2));
    let second = history.begin(OTHER, commit(3));
    for kind in [ErrorKind::UploadLost, ErrorKind::Overwritten] {
        assert!(history.may_end(second, failed(kind)));
    }
    history.end(first, Outcome::Done);
    history.end(second, Outcome::Done);
    let forbidden = [content("base."), content("base.twothree"), not_found()];
    history.allows(&get("/a"), &[content("base.two"), content("base.three")], &forbidden);
}

#[test]
fn a_slow_open_may_abort_an_upload_begun_meanwhile() {
    let mut history = History::new();
    let opening = history.begin(OTHER, open("/a", false, 1));
    history.writes("/a", 2, &["base."]);
    history.did(close(2), Outcome::Done);
    let mut slow = history.clone();
    history.end(opening, opened(0));
    assert!(
        history.may(open("/a", true, 3), opened(5))
            && history.may(open("/a", true, 3), not_found())
    );
    slow.did(open("/a", true, 3), opened(5));
    slow.end(opening, opened(0));
    slow.settle();
    assert!(slow.may(commit(3), failed(ErrorKind::UploadLost)));
}

#[test]
fn a_writer_alone_loses_no_upload() {
    let mut history = History::new();
    history.writes("/a", 1, &["0123456789012345678901234567890"]);
    let lost = failed(ErrorKind::UploadLost);
    history.allows(&commit(1), &[Outcome::Done, broken()], std::slice::from_ref(&lost));
    history.allows(&commit(1), &[], &[failed(ErrorKind::Overwritten)]);
    history.allows(&close(1), &[Outcome::Done], std::slice::from_ref(&lost));
    history.allows(&write(1, "x"), &[Outcome::Done], std::slice::from_ref(&lost));
    for other in [delete("/a"), put("/a", "x"), open("/a", false, 5)] {
        let mut disturbed = history.clone();
        let outcome = if matches!(other, Call::Open { .. }) { opened(0) } else { Outcome::Done };
        disturbed.did_by(OTHER, other.clone(), outcome);
        assert!(disturbed.may(commit(1), lost.clone()), "{other:?}");
    }
}
