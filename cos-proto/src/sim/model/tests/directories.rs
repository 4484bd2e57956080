use super::*;

const LAG: Millis = 1000;

fn tree() -> History {
    let mut history = History::lagging(LAG);
    for path in ["/d/f", "/d-x", "/d/e/g", "/dd/h", "/d"] {
        history.did(put(path, "1"), Outcome::Done);
    }
    history.writes("/d/w/u", 1, &["01"]);
    history.did(close(1), Outcome::Done);
    history.wait(2 * LAG);
    history
}

#[test]
fn children_are_those_below_and_no_siblings() {
    let history = tree();
    let all = ["/d/e", "/d/f", "/d/w"];
    let forbidden = [
        names(&["/d/e", "/d/f"]),
        names(&["/d/e", "/d/f", "/d/w", "/d/x"]),
        names(&["/d/e", "/d/e", "/d/f", "/d/w"]),
        names(&["/d/e", "/d/f", "/d/w", "/d-x"]),
        names(&["/d/e", "/d/f", "/d/w/u~upload", "/d/w"]),
        names(&[]),
        not_found(),
    ];
    history.allows(&list("/d"), &[names(&all), broken()], &forbidden);
    history.allows(&list("/d/w"), &[names(&[])], &[names(&["/d/w/u~upload"]), not_found()]);
    history.allows(&list("/d/f"), &[not_found()], &[names(&[])]);
    history.allows(&list("/"), &[names(&["/d", "/d-x", "/dd"])], &[names(&["/d"]), not_found()]);
    history.allows(&list("/dx"), &[not_found()], &[names(&[]), names(&["/d-x"])]);
    History::new().allows(&list("/"), &[names(&[])], &[not_found(), names(&["/a"])]);
}

#[test]
fn lists_may_lag_and_only_so_long() {
    let mut history = tree();
    history.did(put("/d/new", "1"), Outcome::Done);
    history.did(delete("/d/f"), Outcome::Done);
    let with = |extra: &[&'static str]| {
        let mut all = vec!["/d/e", "/d/w"];
        all.extend(extra);
        all.sort_unstable();
        names(&all)
    };
    let allowed = [with(&[]), with(&["/d/f"]), with(&["/d/new"]), with(&["/d/f", "/d/new"])];
    history.allows(&list("/d"), &allowed, &[names(&["/d/e"])]);
    history.wait(2 * LAG);
    history.allows(&list("/d"), &[with(&["/d/new"])], &[with(&[]), with(&["/d/f", "/d/new"])]);
}

#[test]
fn a_stat_sees_objects_at_once_and_directories_late() {
    let mut history = tree();
    history.allows(&stat("/d"), &[file(1)], &[directory(), file(2), not_found()]);
    history.allows(&stat("/d/e"), &[directory()], &[file(1), not_found()]);
    history.allows(&stat("/d/w"), &[directory()], &[not_found()]);
    history.allows(&stat("/d/w/u"), &[not_found()], &[directory(), file(2)]);
    history.allows(&stat("/d/"), &[], &[file(1)]);
    history.allows(&stat("/"), &[directory()], &[not_found(), file(0)]);
    history.did(put("/n/a", "12"), Outcome::Done);
    history.allows(&stat("/n/a"), &[file(2)], &[not_found(), directory()]);
    history.allows(&stat("/n"), &[directory(), not_found()], &[file(0)]);
    history.wait(2 * LAG);
    history.allows(&stat("/n"), &[directory()], &[not_found()]);
    history.did(delete("/n"), Outcome::Done);
    history.allows(&stat("/n/a"), &[not_found()], &[file(2), directory()]);
    history.allows(&stat("/n"), &[directory(), not_found()], &[file(2)]);
    history.wait(2 * LAG);
    history.allows(&stat("/n"), &[not_found()], &[directory()]);
}

#[test]
fn a_walk_is_in_the_order_of_keys_and_directories_come_first() {
    let history = tree();
    let all = [
        ("/d", 1),
        ("/d-x", 1),
        ("/d/", 0),
        ("/d/e/", 0),
        ("/d/e/g", 1),
        ("/d/f", 1),
        ("/d/w/", 0),
        ("/dd/", 0),
        ("/dd/h", 1),
    ];
    let without = |skipped: usize| {
        let kept = all.iter().enumerate().filter(|(at, _)| *at != skipped);
        entries(&kept.map(|(_, entry)| *entry).collect::<Vec<_>>())
    };
    let mut forbidden: Vec<Outcome> = (0..all.len()).map(without).collect();
    let swapped = |one, other| {
        let mut changed = all;
        changed.swap(one, other);
        entries(&changed)
    };
    let with = |at, entry| {
        let mut changed = all.to_vec();
        changed.insert(at, entry);
        entries(&changed)
    };
    forbidden.extend([swapped(0, 1), swapped(2, 3)]);
    forbidden.extend([with(1, ("/d", 1)), with(1, ("/d", 2)), with(9, ("/e", 1))]);
    forbidden.extend([with(7, ("/d/w/u~upload", 2)), not_found()]);
    history.allows(&walk("/", &[]), &[entries(&all), broken()], &forbidden);
    history.allows(&walk("/none", &[]), &[entries(&[])], &[entries(&all), not_found()]);
    history.allows(&walk("/dd", &[]), &[entries(&[("/dd/h", 1)])], &[entries(&[])]);
}

#[test]
fn a_skipped_directory_is_met_but_not_entered_and_its_siblings_are() {
    let history = tree();
    let skips = ["/d"];
    let allowed = [("/d", 1), ("/d-x", 1), ("/d/", 0), ("/dd/", 0), ("/dd/h", 1)];
    let entered = [("/d", 1), ("/d-x", 1), ("/d/", 0), ("/d/f", 1), ("/dd/", 0), ("/dd/h", 1)];
    let siblings_lost = [("/d", 1), ("/d-x", 1), ("/d/", 0)];
    let forbidden = [entries(&entered), entries(&siblings_lost)];
    history.allows(&walk("/", &skips), &[entries(&allowed)], &forbidden);
}

#[test]
fn a_delete_takes_what_is_below_and_no_sibling() {
    let mut history = tree();
    history.allows(&delete("/d"), &[Outcome::Done, broken()], &[not_found()]);
    history.allows(&delete("/d/e"), &[Outcome::Done], &[not_found()]);
    history.allows(&delete("/none"), &[not_found()], &[]);
    let mut failing = history.clone();
    failing.did(delete("/d"), broken());
    for path in ["/d", "/d/f", "/d/e/g"] {
        failing.allows(&get(path), &[content("1"), not_found()], &[content("")]);
    }
    failing.allows(&open("/d/w/u", true, 9), &[opened(2), not_found()], &[]);
    history.did(delete("/d"), Outcome::Done);
    for path in ["/d", "/d/f", "/d/e/g"] {
        history.allows(&get(path), &[not_found()], &[content("1")]);
    }
    history.allows(&open("/d/w/u", true, 9), &[not_found()], &[opened(2)]);
    for path in ["/d-x", "/dd/h"] {
        history.allows(&get(path), &[content("1")], &[not_found()]);
    }
}

#[test]
fn a_delete_finds_what_is_young_only_if_its_process_wrote_it() {
    let mut start = History::lagging(LAG);
    start.did(put("/d/a", "1"), Outcome::Done);
    start.writes("/d/u", 1, &["01"]);
    start.did(close(1), Outcome::Done);
    let mut own = start.clone();
    own.allows(&delete("/d"), &[Outcome::Done], &[not_found()]);
    own.did(delete("/d"), Outcome::Done);
    own.allows(&get("/d/a"), &[not_found()], &[content("1")]);
    own.allows(&open("/d/u", true, 9), &[not_found()], &[opened(2)]);
    let mut others = start.clone();
    assert!(others.may_by(OTHER, delete("/d"), not_found()));
    others.did_by(OTHER, delete("/d"), Outcome::Done);
    others.allows(&get("/d/a"), &[content("1"), not_found()], &[]);
    others.allows(&open("/d/u", true, 9), &[opened(2), not_found()], &[]);
    let mut crashed = start.clone();
    crashed.crash(ME);
    assert!(crashed.may(delete("/d"), not_found()));
    crashed.did(delete("/d"), Outcome::Done);
    assert!(crashed.may(get("/d/a"), content("1")));
    // The path itself is looked at, whoever wrote it.
    others.did_by(ME, put("/d/a", "2"), Outcome::Done);
    assert!(!others.may_by(OTHER, delete("/d/a"), not_found()));
    others.did_by(OTHER, delete("/d/a"), Outcome::Done);
    others.allows(&get("/d/a"), &[not_found()], &[content("2"), content("1")]);
    let mut late = start;
    late.wait(2 * LAG);
    assert!(!late.may_by(OTHER, delete("/d"), not_found()));
    late.did_by(OTHER, delete("/d"), Outcome::Done);
    late.allows(&get("/d/a"), &[not_found()], &[content("1")]);
    late.allows(&open("/d/u", true, 9), &[not_found()], &[opened(2)]);
}

#[test]
fn a_delete_remembers_what_was_written_before_it_began() {
    let mut history = History::lagging(LAG);
    history.did_by(OTHER, put("/d/a", "1"), Outcome::Done);
    let deleting = history.begin(ME, delete("/d"));
    history.did(put("/d/a", "2"), Outcome::Done);
    assert!(history.may_end(deleting, not_found()));
    history.did(get("/d/a"), content("2"));
    history.end(deleting, Outcome::Done);
    history.allows(&get("/d/a"), &[content("2"), not_found()], &[]);
}

#[test]
fn what_is_written_while_a_delete_is_under_way_may_stay_or_go() {
    let mut history = tree();
    let deleting = history.begin(OTHER, delete("/d"));
    history.did(put("/d/new", "2"), Outcome::Done);
    history.did(put("/d/f", "2"), Outcome::Done);
    for path in ["/d/new", "/d/f"] {
        history.allows(&get(path), &[content("2"), not_found()], &[content("3")]);
    }
    history.end(deleting, Outcome::Done);
    for path in ["/d/new", "/d/f"] {
        history.allows(&get(path), &[content("2"), not_found()], &[content("1")]);
    }
    history.did(put("/d/f", "4"), Outcome::Done);
    history.allows(&get("/d/f"), &[content("4")], &[content("2"), not_found()]);
}
