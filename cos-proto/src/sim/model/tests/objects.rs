use super::*;

#[test]
fn what_is_read_is_what_was_stored() {
    let mut history = History::new();
    history.allows(&get("/a"), &[not_found()], &[content(""), content("x")]);
    history.did(put("/a", "one"), Outcome::Done);
    let forbidden = [not_found(), content("on"), content(""), content("two"), Outcome::Done];
    history.allows(&get("/a"), &[content("one"), broken()], &forbidden);
    history.did(put("/a", "two"), Outcome::Done);
    history.allows(&get("/a"), &[content("two")], &[content("one"), not_found()]);
    history.did(put("/a", ""), Outcome::Done);
    history.allows(&get("/a"), &[content("")], &[content("two"), not_found()]);
    history.allows(&get("/b"), &[not_found()], &[content("")]);
}

#[test]
fn a_read_gives_the_rest_of_one_version_or_a_prefix_of_it() {
    let mut history = History::new();
    history.did(put("/a", "0123"), Outcome::Done);
    let cut = |text: &str, kind| Outcome::Prefix { got: bytes(text), error: Failure::new(kind) };
    let changed = ErrorKind::Changed;
    for (offset, allowed, forbidden) in [
        (
            0,
            vec![content("0123"), cut("01", ErrorKind::Transport)],
            vec![content("01"), content("")],
        ),
        (2, vec![content("23"), cut("", ErrorKind::Corrupt)], vec![content("0123"), content("01")]),
        (4, vec![content("")], vec![content("0123"), not_found()]),
        (9, vec![content("")], vec![content("0123"), not_found()]),
        (0, vec![], vec![cut("10", ErrorKind::Transport), cut("01", changed), not_found()]),
        (0, vec![], vec![cut("0123", ErrorKind::PathNotFound), failed(ErrorKind::Misuse)]),
    ] {
        history.allows(&read("/a", offset), &allowed, &forbidden);
    }
    history.allows(&read("/none", 3), &[not_found()], &[content("")]);
    let mut long = History::new();
    long.did(put("/a", "0123456789012345678"), Outcome::Done);
    let damaged = cut("01234567x90123", ErrorKind::Corrupt);
    long.allows(&read("/a", 0), std::slice::from_ref(&damaged), &[content("0123456789x12345678")]);
    long.settle();
    assert!(!long.may(read("/a", 0), damaged), "what should damage it?");
    let reading = history.begin(OTHER, read("/a", 0));
    history.did(put("/a", "4567"), Outcome::Done);
    for outcome in [content("0123"), content("4567"), cut("01", ErrorKind::Changed)] {
        assert!(history.may_end(reading, outcome));
    }
    for outcome in [content("0167"), cut("0145", ErrorKind::Transport), not_found()] {
        assert!(!history.may_end(reading, outcome), "a mix of versions");
    }
}

#[test]
fn a_put_without_a_certain_end_may_have_happened_or_happen_until_a_later_one() {
    for (outcome, certain) in [
        (broken(), false),
        (failed(ErrorKind::OutcomeUnknown), false),
        (failed(ErrorKind::Corrupt), false),
        (failed(ErrorKind::Service), false),
        (failed_in("PutObject", ErrorKind::Transport), false),
        (refused("PutObject"), true),
    ] {
        let mut history = History::new();
        history.did(put("/a", "old"), Outcome::Done);
        history.did(put("/a", "new"), outcome.clone());
        assert!(history.may(get("/a"), content("old")), "{outcome:?}");
        assert_eq!(history.may(get("/a"), content("new")), !certain, "{outcome:?}");
        assert!(!history.may(get("/a"), not_found()), "{outcome:?}");
        if certain {
            continue;
        }
        // It can come late, but once seen it has replaced what was there.
        history.did(get("/a"), content("old"));
        assert!(history.may(get("/a"), content("new")), "{outcome:?}");
        let mut seen = history.clone();
        seen.did(get("/a"), content("new"));
        assert!(!seen.may(get("/a"), content("old")), "{outcome:?}");
        // Not after a later one is acknowledged, and not after everything has settled.
        let mut later = history.clone();
        later.did(put("/a", "later"), Outcome::Done);
        later.allows(&get("/a"), &[content("later")], &[content("new"), content("old")]);
        history.settle();
        history.did(get("/a"), content("old"));
        history.allows(&get("/a"), &[content("old")], &[content("new")]);
    }
}

#[test]
fn nobody_gives_up_before_attempts_or_time_are_spent() {
    let history = History::new();
    let after = |attempts, wait| {
        let mut history = history.clone();
        let getting = history.begin(OTHER, get("/a"));
        history.wait(wait);
        let kind = ErrorKind::Transport;
        let failure = Failure { kind, call: Some("GetObject"), maybe_done: false, attempts };
        history.may_end(getting, Outcome::Failed(failure))
    };
    assert!(!after(7, 99_000));
    assert!(after(8, 0));
    assert!(after(1, 100_000));
}

#[test]
fn a_failure_for_certain_whose_effect_was_seen_is_a_lie() {
    let mut history = History::new();
    history.did(put("/a", "old"), Outcome::Done);
    let putting = history.begin(OTHER, put("/a", "new"));
    assert!(history.may_end(putting, refused("PutObject")));
    history.did(get("/a"), content("new"));
    assert!(!history.may_end(putting, refused("PutObject")));
    assert!(history.may_end(putting, broken()));
}

#[test]
fn kinds_that_cannot_be_are_refused() {
    let mut history = History::new();
    history.did(put("/a", "one"), Outcome::Done);
    for kind in [
        ErrorKind::AlreadyExists,
        ErrorKind::AlreadyCommitted { size: 3 },
        ErrorKind::UploadLost,
        ErrorKind::Overwritten,
        ErrorKind::Misuse,
        ErrorKind::InvalidPath,
        ErrorKind::PathNotFound,
        ErrorKind::TooLarge { limit: 1 },
        ErrorKind::NotModified,
    ] {
        for call in [put("/a", "x"), get("/a"), stat("/a"), delete("/a")] {
            assert!(!history.may(call.clone(), failed(kind.clone())), "{call:?} {kind:?}");
        }
    }
    for call in [put("a", "x"), put("/a//b", "x"), get("/a b"), stat(""), delete("/")] {
        assert!(history.may(call, failed(ErrorKind::InvalidPath)));
    }
}

#[test]
fn in_calm_weather_nothing_fails_by_the_network() {
    let mut history = History::new();
    history.did(put("/a", "one"), Outcome::Done);
    let early = history.begin(ME, get("/a"));
    history.settle();
    assert!(history.may_end(early, broken()), "begun before");
    for kind in [
        ErrorKind::Transport,
        ErrorKind::OutcomeUnknown,
        ErrorKind::Corrupt,
        ErrorKind::Service,
        ErrorKind::Throttled { retry_after: None },
        ErrorKind::Denied,
    ] {
        for call in [put("/a", "x"), get("/a"), stat("/a"), list("/"), delete("/a")] {
            assert!(!history.may(call.clone(), failed(kind.clone())), "{call:?} {kind:?}");
        }
    }
}

#[test]
fn damaged_bytes_are_allowed_until_they_are_replaced() {
    let mut history = History::new();
    history.did(put("/a", "old"), Outcome::Done);
    let putting = history.begin(ME, put("/a", "new"));
    history.model.damaged(history.at, "a", bytes("nEw"));
    assert!(history.may_by(OTHER, get("/a"), content("nEw")));
    let mut corrupt = history.clone();
    corrupt.end(putting, failed(ErrorKind::Corrupt));
    corrupt.allows(&get("/a"), &[content("nEw"), content("new"), content("old")], &[not_found()]);
    // What is acknowledged is not damaged.
    history.end(putting, Outcome::Done);
    history.allows(&get("/a"), &[content("new")], &[content("nEw"), content("old")]);
}

#[test]
fn a_move_has_what_the_source_had_and_leaves_nothing() {
    let mut history = History::new();
    history.did(put("/a", "one"), Outcome::Done);
    history.did(put("/b", "two"), Outcome::Done);
    history.allows(&rename("/a", "/b"), &[Outcome::Done, broken()], &[not_found()]);
    history.allows(&rename("/none", "/b"), &[not_found()], &[Outcome::Done]);
    history.allows(&rename("/a", "/a"), &[Outcome::Done], &[not_found()]);
    history.allows(&rename("/none", "/none"), &[not_found()], &[Outcome::Done]);
    let mut missing = history.clone();
    missing.did(rename("/none", "/b"), not_found());
    missing.allows(&get("/b"), &[content("two")], &[content("one"), not_found()]);
    let mut onto_itself = history.clone();
    onto_itself.did(rename("/a", "/a"), Outcome::Done);
    onto_itself.allows(&get("/a"), &[content("one")], &[not_found()]);
    history.did(rename("/a", "/b"), Outcome::Done);
    history.allows(&get("/b"), &[content("one")], &[content("two"), not_found()]);
    history.allows(&get("/a"), &[not_found()], &[content("one")]);
}

#[test]
fn a_move_that_failed_deletes_the_source_only_after_the_copy() {
    let mut start = History::new();
    start.did(put("/a", "one"), Outcome::Done);
    start.did(put("/b", "two"), Outcome::Done);
    let mut history = start.clone();
    history.did(rename("/a", "/b"), failed_in("PutObjectCopy", ErrorKind::OutcomeUnknown));
    history.allows(&get("/a"), &[content("one")], &[not_found()]);
    history.allows(&get("/b"), &[content("one"), content("two")], &[not_found()]);
    let mut history = start.clone();
    history.did(rename("/a", "/b"), failed_in("DeleteObject", ErrorKind::Transport));
    history.allows(&get("/a"), &[content("one"), not_found()], &[content("two")]);
    history.allows(&get("/b"), &[content("one")], &[content("two"), not_found()]);
    let mut history = start;
    let moving = history.begin(OTHER, rename("/a", "/b"));
    history.did(get("/a"), not_found());
    assert!(!history.may_end(moving, failed_in("PutObjectCopy", ErrorKind::Transport)));
    assert!(history.may_end(moving, failed_in("DeleteObject", ErrorKind::Transport)));
}

#[test]
fn keys_are_read_written_copied_and_deleted() {
    let mut history = History::new();
    let key = |name: &str| name.to_owned();
    let put = Call::PutKey { key: key("k"), content: bytes("one") };
    history.did(put, Outcome::Done);
    let get = |name: &str| Call::GetKey { key: key(name) };
    history.allows(&get("k"), &[content("one")], &[not_found()]);
    history.allows(&Call::HeadKey { key: key("k") }, &[file(3)], &[file(2), not_found()]);
    history.allows(&Call::HeadKey { key: key("j") }, &[not_found()], &[file(3)]);
    history.did(Call::CopyKey { from: key("k"), to: key("j") }, Outcome::Done);
    history.allows(&get("j"), &[content("one")], &[not_found()]);
    history.allows(
        &Call::CopyKey { from: key("x"), to: key("j") },
        &[not_found()],
        &[Outcome::Done],
    );
    history.did(Call::DeleteKey { key: key("k") }, Outcome::Done);
    history.allows(&get("k"), &[not_found()], &[content("one")]);
    let upload = Call::UploadKey { key: key("j"), content: bytes("two") };
    let mut replaced = history.clone();
    let uploading = replaced.begin(OTHER, upload.clone());
    for kind in [ErrorKind::UploadLost, ErrorKind::Overwritten] {
        let mut alone = history.clone();
        alone.settle();
        assert!(!alone.may(upload.clone(), failed(kind)), "nobody else is there");
    }
    replaced.did(Call::PutKey { key: key("j"), content: bytes("by me") }, Outcome::Done);
    assert!(replaced.may_end(uploading, failed(ErrorKind::Overwritten)));
    history.did(upload.clone(), broken());
    assert_eq!(history.model.unnamed_uploads_allowed("j"), 0, "it has aborted it");
    let mut unknown = history.clone();
    unknown.did(upload.clone(), failed(ErrorKind::OutcomeUnknown));
    assert_eq!(unknown.model.unnamed_uploads_allowed("j"), 1, "it may be completing");
    history.allows(&get("j"), &[content("one"), content("two")], &[not_found()]);
    history.did(Call::PutKey { key: key("j"), content: bytes("three") }, Outcome::Done);
    history.allows(&get("j"), &[content("three")], &[content("one"), content("two")]);
    history.did(upload, Outcome::Done);
    history.settle();
    history.did(Call::DeleteKey { key: key("j") }, Outcome::Done);
    history.allows(&get("j"), &[not_found()], &[content("one"), content("two")]);
}

#[test]
fn a_violation_tells_call_path_outcome_and_what_was_allowed() {
    let mut history = History::new();
    history.did(put("/dir/a", "one"), Outcome::Done);
    let id = history.begin(OTHER, get("/dir/a"));
    let text = history.model.end(9, id, content("two")).expect_err("other bytes").to_string();
    for part in
        ["call 2 of process 2", "3 ms", "Get", "/dir/a", "two", "allowed", "3 bytes b\"one\""]
    {
        assert!(text.contains(part), "{part} in {text}");
    }
}
