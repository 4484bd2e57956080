//! Each kind of fault does what it says, and nothing else.

mod answers;
mod rig;

use self::rig::*;
use super::*;
use crate::{
    Payload,
    api::{self, ByteRange, GetOptions, ObjectOptions},
    op::{Fetch, Put},
};

#[test]
fn a_calm_network_delivers_everything_once() {
    let mut rig = Rig::new(Weather::calm(), 1);
    assert_eq!(rig.exchange(put("a", b"text")), ["200"]);
    assert_eq!(rig.exchange(get("a")), ["head 200", "data", "end"]);
    assert_eq!(rig.exchange(get("b")), ["404 NoSuchKey"]);
    assert_eq!(rig.exchange(create("a")), ["200"]);
    assert_eq!(rig.exchange(delete("a")), ["204"]);
    let counts = rig.network.counts();
    assert_eq!((counts.faults(), counts.requests, counts.reached), (0, 5, 5));
    assert!(rig.network.strays().is_empty());
}

/// What a client that puts sees of each fault, and whether the object is stored then.
#[test]
fn a_put_meets_each_fault() {
    for (kind, seen, stored) in [
        (FaultKind::Refuse, "Connect", false),
        (FaultKind::ResetBefore, "Broken", false),
        (FaultKind::ResetAfter, "Broken", true),
        (FaultKind::LostReply, "Timeout", true),
        (FaultKind::Delay, "200", true),
        (FaultKind::DuplicateRequest, "200", true),
        (FaultKind::LateReply, "Broken late 200", true),
        (FaultKind::DuplicateReply, "200 late 200", true),
        (FaultKind::InternalError, "500 InternalError", false),
        (FaultKind::InternalErrorDone, "500 InternalError", true),
        (FaultKind::BadGateway, "502", false),
        (FaultKind::SlowDown, "503 SlowDown", false),
        (FaultKind::TooManyRequests, "429 TooManyRequests", false),
        (FaultKind::NetworkTooSlow, "400 UserNetworkTooSlow", false),
        (FaultKind::AccessDenied, "403 AccessDenied", false),
        (FaultKind::WrongCrc, "200", true),
        (FaultKind::NoCrc, "200", true),
        (FaultKind::CorruptUpload, "200", true),
    ] {
        let mut rig = Rig::only(kind);
        let words = rig.exchange(put("a", b"text")).join(" ");
        assert_eq!(words, seen, "{kind:?}");
        assert_eq!(rig.stored("a").is_some(), stored, "{kind:?}");
        assert_eq!(rig.happened(kind), 1, "{kind:?}");
        assert_eq!(rig.network.counts().faults(), 1, "{kind:?}");
    }
}

#[test]
fn a_download_meets_each_fault_of_bodies() {
    for (kind, seen) in [
        (FaultKind::CutBody, vec!["head 200 data Broken", "head 200 Broken"]),
        (FaultKind::DuplicateReply, vec!["head 200 data end late head 200 late data late end"]),
        (FaultKind::CorruptDownload, vec!["head 200 data end"]),
        (FaultKind::WrongCrc, vec!["head 200 data end"]),
    ] {
        let mut rig = Rig::new(Weather::calm(), 1);
        rig.exchange(put("a", b"some text"));
        rig.network.weather = Weather::only(kind, 1000);
        let words = rig.exchange(get("a")).join(" ");
        assert!(seen.contains(&words.as_str()), "{kind:?}: {words}");
        assert_eq!(rig.happened(kind), 1, "{kind:?}");
        assert_eq!(rig.network.tampered(LINE), kind == FaultKind::CorruptDownload, "{kind:?}");
    }
}

#[test]
fn a_trickle_comes_in_pieces_or_ends_in_silence() {
    let mut seen = BTreeSet::new();
    for seed in 0..60 {
        let mut rig = Rig::new(Weather::calm(), seed);
        rig.exchange(put("a", b"a text of some length"));
        rig.network.weather = Weather::only(FaultKind::Trickle, 1000);
        let words = rig.exchange(get("a"));
        assert_eq!(rig.happened(FaultKind::Trickle), 1);
        seen.insert(words.last().expect("an end").clone());
        assert!(words.iter().filter(|word| *word == "data").count() <= 24, "{words:?}");
    }
    assert_eq!(seen.into_iter().collect::<Vec<_>>(), ["Timeout", "end"]);
}

#[test]
fn an_error_in_200_is_only_answered_by_calls_that_answer_late() {
    for (kind, stored) in [(FaultKind::ErrorIn200, false), (FaultKind::ErrorIn200Done, true)] {
        let mut rig = Rig::new(Weather::calm(), 1);
        rig.exchange(put("a", b"text"));
        rig.network.weather = Weather::only(kind, 1000);
        assert_eq!(rig.exchange(put("c", b"text")), ["200"]);
        assert_eq!(rig.happened(kind), 0);
        let words = rig.exchange(copy("b", "a"));
        assert!(words[0].starts_with("200 "), "{words:?}");
        assert_eq!(rig.stored("b").is_some(), stored, "{kind:?}");
        assert_eq!(rig.happened(kind), 1);
    }
}

#[test]
fn a_request_that_is_stalled_for_too_long_times_out_and_comes_late() {
    let mut weather = Weather::only(FaultKind::Delay, 1000);
    weather.stall_ms = (400_000, 400_000);
    let mut rig = Rig::new(weather, 1);
    let words = rig.exchange(put("a", b"text")).join(" ");
    assert!(["Timeout", "Timeout late 200"].contains(&words.as_str()), "{words}");
    assert!(rig.stored("a").is_some());
    assert_eq!(rig.happened(FaultKind::LateRequest), 1);
}

/// A client has just stopped waiting for its put of "a", which is far from coming.
fn with_a_late_put() -> Rig {
    for seed in 0.. {
        let mut rig = Rig::new(Weather::calm(), seed);
        rig.exchange(put("other", b"other"));
        rig.network.weather = Weather::only(FaultKind::LateRequest, 1000);
        rig.network.weather.late_ms = (500_000, 500_000);
        rig.send(LINE, put("a", b"old"));
        let seen = rig.network.step().map(|arrived| word(&arrived.arrival));
        rig.network.weather = Weather::calm();
        let far = rig.network.ticks() + Duration::from_secs(400);
        if seen.as_deref() == Some("Broken") && rig.network.next_at() > Some(far) {
            return rig;
        }
    }
    unreachable!("one of so many seeds");
}

#[test]
fn a_late_put_comes_unless_something_later_was_done_to_its_key() {
    let mut dropped = 0;
    for (later, expected) in [
        (None, Some("old")),
        (Some(put("a", b"new")), Some("new")),
        (Some(delete("a")), None),
        (Some(copy("a", "other")), Some("other")),
        (Some(put("unrelated", b"new")), Some("old")),
    ] {
        let mut rig = with_a_late_put();
        assert_eq!(rig.network.late_requests().count(), 1);
        if let Some(later) = later {
            rig.send(Line(2), later);
        }
        rig.drain();
        assert_eq!(rig.stored("a").as_deref(), expected.map(str::as_bytes));
        dropped += rig.network.counts().late_dropped;
    }
    assert_eq!(dropped, 3);
}

/// A client may learn by HEAD that its write arrived, though no answer did.
#[test]
fn an_unheard_write_overtakes_all_but_its_own_attempts() {
    for (line, body, dropped) in [(LINE, "old", 0), (LINE, "new", 1), (Line(2), "old", 1)] {
        let mut rig = with_a_late_put();
        rig.network.weather = Weather::only(FaultKind::ResetAfter, 1000);
        rig.send(line, put("a", body.as_bytes()));
        rig.drain();
        assert_eq!(rig.network.counts().late_dropped, dropped, "{line:?} {body}");
    }
}

#[test]
fn a_hung_up_line_hears_nothing_but_its_requests_may_arrive() {
    let (mut stored, mut not) = (0, 0);
    for seed in 0..40 {
        let mut rig = Rig::new(Weather::calm(), seed);
        rig.send(LINE, put("a", b"text"));
        rig.network.hang_up(LINE);
        assert!(rig.drain().is_empty());
        *if rig.stored("a").is_some() { &mut stored } else { &mut not } += 1;
    }
    assert!(stored > 5 && not > 5, "{stored} and {not}");
}

#[test]
fn uploads_that_nobody_was_told_of_are_named() {
    for kind in [
        FaultKind::ResetAfter,
        FaultKind::LostReply,
        FaultKind::LateReply,
        FaultKind::DuplicateRequest,
        FaultKind::InternalErrorDone,
        FaultKind::CutBody,
        FaultKind::EmptyResult,
        FaultKind::LateRequest,
    ] {
        let mut rig = Rig::only(kind);
        rig.exchange(create("a"));
        let open = rig.network.emulator().open_uploads();
        let strays: Vec<_> = rig.network.strays().iter().collect();
        assert_eq!(strays.len(), 1, "{kind:?}");
        assert_eq!(rig.network.counts().strays, 1, "{kind:?}");
        assert!(open.iter().any(|(_, key, id)| *strays[0] == (key.clone(), id.clone())));
    }
}

#[test]
fn what_was_stored_damaged_is_known_until_it_is_written_anew_and_spreads_by_copies() {
    let mut rig = Rig::only(FaultKind::CorruptUpload);
    rig.exchange(put("a", b"text"));
    let stored = rig.stored("a").expect("stored");
    assert_ne!(stored, "text");
    rig.network.weather = Weather::calm();
    rig.exchange(copy("b", "a"));
    rig.exchange(put("a", b"text"));
    let damaged = rig.network.damaged();
    assert_eq!(damaged["a"][0].content, stored);
    assert!(damaged["a"][0].until.is_some());
    assert_eq!(damaged["b"][0].content, stored);
    assert!(damaged["b"][0].until.is_none());
}

#[test]
fn a_range_is_never_changed_on_a_line_that_cannot_see_it() {
    let ranged = |from| {
        let range = ByteRange::starting_at(from);
        api::get_object::call(&key("a"), &GetOptions::new().range(range))
    };
    let mut rig = Rig::new(Weather::calm(), 1);
    rig.exchange(put("a", b"some text"));
    rig.network.weather = Weather::only(FaultKind::CorruptDownload, 1000);
    rig.exchange(ranged(2));
    assert_eq!(rig.happened(FaultKind::CorruptDownload), 0);
    rig.send(Line(2), get("a"));
    rig.send(Line(2), ranged(2));
    rig.drain();
    assert_eq!(rig.happened(FaultKind::CorruptDownload), 2);
    assert!(!rig.network.tampered(LINE) && rig.network.tampered(Line(2)));
}

#[test]
fn lists_lag_and_say_so() {
    let mut weather = Weather::calm();
    weather.list_lag = Duration::from_secs(10);
    weather.uploads_lag = Duration::from_secs(100);
    let mut rig = Rig::new(weather, 1);
    rig.exchange(put("a", b"text"));
    rig.exchange(create("a"));
    let uploads = || api::multipart::list_uploads::call(&api::ListUploadsOptions::new(""));
    rig.exchange(list());
    rig.exchange(uploads());
    let lags = |rig: &Rig| (rig.happened(FaultKind::ListLag), rig.happened(FaultKind::UploadsLag));
    assert_eq!(lags(&rig), (1, 1));
    rig.network.sleep_until(rig.network.ticks() + Duration::from_secs(20));
    rig.exchange(list());
    rig.exchange(uploads());
    assert_eq!(lags(&rig), (1, 2));
}

#[test]
fn a_skewed_clock_and_an_expired_token_are_refused_and_remedied() {
    let mut weather = Weather::calm();
    weather.skewed = (1000, 100_000);
    let mut rig = Rig::new(weather, 2);
    assert!(rig.skew.abs() > 1000, "{}", rig.skew);
    let put = |key: &str| {
        Put::new(self::key(key), ObjectOptions::new(), Payload::from(b"text".as_slice()), None)
    };
    rig.run(LINE, put("a")).expect("put");
    assert_eq!(rig.happened(FaultKind::SkewedClock), 1);

    let mut weather = Weather::calm();
    weather.token_life = Some(Duration::from_secs(30));
    weather.token_told = false;
    let mut rig = Rig::new(weather, 2);
    rig.run(LINE, put("a")).expect("put");
    rig.network.sleep_until(rig.network.ticks() + Duration::from_secs(60));
    rig.run(LINE, put("b")).expect("put");
    assert_eq!(rig.happened(FaultKind::ExpiredToken), 1);
}

fn whole_program(seed: u64) -> (u64, Counts, bool) {
    let weather = Weather::of(&mut Dice::new(seed));
    let mut rig = Rig::new(weather, seed);
    for n in 0..12_u32 {
        let at = key(&format!("k{}", n % 3));
        let line = Line(n);
        if n % 2 == 0 {
            let body = Payload::from(format!("content {n}"));
            let _ = rig.run(line, Put::new(at, ObjectOptions::new(), body, None));
        } else {
            let _ = rig.run(line, Fetch::new(at, GetOptions::new(), 1 << 20));
        }
    }
    rig.network.calm_down();
    let body = Payload::from(b"last".as_slice());
    let put = rig.run(Line(100), Put::new(key("last"), ObjectOptions::new(), body, None));
    rig.drain();
    (rig.network.transcript(), rig.network.counts().clone(), put.is_ok())
}

#[test]
fn the_same_seed_gives_the_same_transcript_and_calm_delivers() {
    let mut counts = Counts::default();
    let mut transcripts = BTreeSet::new();
    for seed in 0..150 {
        let first = whole_program(seed);
        assert_eq!(first, whole_program(seed), "seed {seed}");
        assert!(first.2, "seed {seed}: nothing goes wrong any more");
        counts.add(&first.1);
        transcripts.insert(first.0);
    }
    assert_eq!(transcripts.len(), 150);
    // Machines of more than one call meet the others.
    let needs_more = [
        FaultKind::Reorder,
        FaultKind::DuplicateReply,
        FaultKind::ErrorIn200,
        FaultKind::ErrorIn200Done,
        FaultKind::EmptyResult,
        FaultKind::LeadingSpaces,
        FaultKind::PartialDelete,
        FaultKind::CorruptCopy,
        FaultKind::OtherRange,
        FaultKind::ListLag,
        FaultKind::UploadsLag,
    ];
    for kind in FaultKind::ALL.iter().filter(|kind| !needs_more.contains(kind)) {
        assert!(counts.of(*kind) > 0, "{kind:?} in\n{counts}");
    }
}

#[test]
fn when_it_calms_down_what_is_under_way_is_answered_once_and_soon() {
    for kind in FaultKind::ALL.into_iter().filter(|kind| kind.meets(CallKind::PutObject)) {
        let mut rig = Rig::only(kind);
        rig.send(LINE, put("a", b"text"));
        rig.network.calm_down();
        let words = rig.drain().join(" ");
        let expected = match kind {
            FaultKind::Refuse => "Connect",
            FaultKind::ResetBefore => "Broken",
            _ => "200",
        };
        assert_eq!(words, expected, "{kind:?}");
        assert!(rig.network.ticks() < Ticks::new(Duration::from_secs(1)), "{kind:?}");
        assert!(rig.network.late_requests().next().is_none());
    }
}

#[test]
fn requests_of_a_line_overtake_each_other() {
    let mut rig = Rig::new(Weather::calm(), 1);
    for _ in 0..20 {
        rig.send(LINE, put("a", b"text"));
    }
    rig.drain();
    assert!(rig.happened(FaultKind::Reorder) > 0);
}

/// The memory of a body is the client's until it has heard or hung up, and nobody's then.
#[test]
fn a_body_counts_as_the_clients_until_it_knows() {
    let mut rig = Rig::only(FaultKind::LateRequest);
    rig.send(LINE, put("a", b"text"));
    let held = |rig: &Rig| rig.network.exchanges.values().filter(|e| !e.held.is_empty()).count();
    assert_eq!(held(&rig), 1);
    rig.network.step();
    assert_eq!(held(&rig), 0);
    assert_eq!(rig.network.exchanges.len(), 1);
    rig.drain();
    assert!(rig.network.exchanges.is_empty());
}
