//! Rows of the module's table against a store in memory.

use super::*;
use crate::{
    CallKind, ErrorKind, UploadId,
    op::{
        UploadState,
        test_store::{Effect, Store},
        testing::{Steps, page, query, reply},
    },
};

const CUT_OFF: i64 = 1_700_000_000;
const DAY: i64 = 86_400;

fn record(store: Store, key: &str, upload: &str, modified: i64) -> Store {
    let upload = Some(UploadId::new(upload).expect("id"));
    let state = UploadState { upload, ..UploadState::default() };
    let mut store = store.with(key, state.to_bytes());
    store.objects.get_mut(key).expect("record").modified = modified;
    store
}

/// A sweep of what is older than a day, a day after the cut-off.
fn sweep(store: &mut Store, prefix: &str) -> Result<SweepOutcome, Error> {
    store.asked_at = Some(CUT_OFF + DAY);
    store.run(Sweep::new(prefix, Duration::from_secs(86_400)), 5)
}

fn open(store: &Store) -> Vec<&str> {
    store.uploads.keys().map(|(_, id)| &**id).collect()
}

#[test]
fn aborts_what_is_old_and_nothing_else() {
    let mut store = Store::new()
        .with_upload("r/a", "old", CUT_OFF - 1)
        .with_upload("r/b", "young", CUT_OFF)
        .with_upload("x/a", "elsewhere", 0)
        .with("r/a", "object");
    let outcome = sweep(&mut store, "r/").expect("swept");
    assert_eq!((outcome.aborted, outcome.records), (1, 0));
    assert_eq!(open(&store), ["young", "elsewhere"]);
    assert_eq!(store.keys(), ["r/a"]);
}

#[test]
fn an_upload_in_use_stays_however_old() {
    let store = Store::new().with_upload("r/a", "id", CUT_OFF - 1000);
    let mut store = record(store, "r/a~upload", "id", CUT_OFF);
    let outcome = sweep(&mut store, "r/").expect("swept");
    assert_eq!(outcome, SweepOutcome::default());
    assert_eq!((open(&store), store.keys()), (vec!["id"], vec!["r/a~upload"]));
}

#[test]
fn an_old_record_goes_after_its_upload_also_if_no_list_shows_that() {
    let store = Store::new().with_upload("r/a", "id", CUT_OFF - 1000);
    let mut store = record(store, "r/a~upload", "id", CUT_OFF - 1);
    store.lagging.push("id".into());
    let outcome = sweep(&mut store, "r/").expect("swept");
    assert_eq!((outcome.aborted, outcome.records), (1, 1));
    assert!(store.uploads.is_empty() && store.objects.is_empty());
    assert!(store.position("AbortMultipartUpload") < store.position("DeleteObject"));
}

#[test]
fn what_is_no_record_is_left() {
    let mut store = Store::new().with("r/a~upload", "mine").with_upload("r/a", "id", 0);
    let outcome = sweep(&mut store, "r/").expect("swept");
    assert_eq!((outcome.aborted, outcome.records), (1, 0));
    assert_eq!(store.keys(), ["r/a~upload"]);
}

#[test]
fn goes_through_all_pages_of_uploads_of_one_key() {
    let mut store = Store::new();
    for number in 0..25 {
        store = store.with_upload("r/a", &format!("id{number:02}"), 0);
    }
    store.page = 10;
    assert_eq!(sweep(&mut store, "").expect("swept").aborted, 25);
    assert_eq!(store.calls(CallKind::ListMultipartUploads), 3);
}

#[test]
fn what_cannot_be_aborted_is_listed_and_the_rest_swept() {
    let store = Store::new().with_upload("a", "1", 0).with_upload("b", "2", 0);
    let mut store = record(store, "a~upload", "1", 0).fault(
        "AbortMultipartUpload a",
        9,
        Effect::Refuse(403, "AccessDenied"),
    );
    let error = sweep(&mut store, "").expect_err("one is left");
    assert!(error.failures().iter().all(|failure| failure.key == "a"), "{error:?}");
    assert_eq!((open(&store), store.keys()), (vec!["1"], vec!["a~upload"]));
}

#[test]
fn nothing_is_touched_before_a_date_is_known() {
    let store = Store::new().with_upload("r/a", "id", 0);
    let mut store = record(store, "r/a~upload", "id", 0);
    let error = store.run(Sweep::new("", Duration::ZERO), 5).expect_err("no date");
    assert_eq!(error.kind(), &ErrorKind::Malformed);
    assert_eq!((open(&store), store.keys()), (vec!["id"], vec!["r/a~upload"]));
    assert!(store.calls(CallKind::ListMultipartUploads) > 1, "asked again");
}

#[test]
fn the_age_is_rounded_up() {
    for (millis, aborted) in [(4_000, 1), (4_001, 0), (5_000, 0)] {
        let mut store = Store::new().with_upload("a", "id", CUT_OFF - 5);
        store.asked_at = Some(CUT_OFF);
        let sweep = Sweep::new("", Duration::from_millis(millis));
        assert_eq!(store.run(sweep, 5).expect("swept").aborted, aborted, "{millis} ms");
    }
}

#[test]
fn of_two_answers_the_earlier_time_counts() {
    let listed = || page(&[("a~upload", 1)], &[], None);
    let written = UnixTime::parse_iso8601("2020-12-10T03:37:30.000Z").expect("as listed");
    let none = "<ListMultipartUploadsResult><IsTruncated>false</IsTruncated>\
                </ListMultipartUploadsResult>";
    let second = Duration::from_secs(1);
    for (uploads, objects, old) in [
        (Some(written + second), Some(written + second), true),
        (Some(written + second), None, true),
        (Some(written), Some(written + second), false),
        (Some(written + second), Some(written), false),
        (Some(written), None, false),
    ] {
        let mut sweep = Sweep::new("", Duration::ZERO);
        let first = sweep.starts();
        assert_eq!(query(&sweep.call(first), "uploads"), Some(""));
        let then = sweep.starts();
        sweep.on_reply(first, reply(200, &[], none).with_asked_at(uploads)).expect("accepted");
        sweep.on_reply(then, listed().with_asked_at(objects)).expect("accepted");
        let reads = matches!(sweep.next(), Next::Call(Tag::Reap(_)));
        assert_eq!(reads, old, "{uploads:?}, then {objects:?}");
    }
}
