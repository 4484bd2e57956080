//! Rows of the module's table against a store in memory.

use super::*;
use crate::{
    CallKind, UploadId,
    op::{
        UploadState,
        test_store::{Effect, Store},
    },
};

const CUT_OFF: i64 = 1_700_000_000;

fn record(store: Store, key: &str, upload: &str, modified: i64) -> Store {
    let upload = Some(UploadId::new(upload).expect("id"));
    let state = UploadState { upload, ..UploadState::default() };
    let mut store = store.with(key, state.to_bytes());
    store.objects.get_mut(key).expect("record").modified = modified;
    store
}

fn sweep(store: &mut Store, prefix: &str) -> Result<SweepOutcome, Error> {
    store.run(Sweep::new(prefix, UnixTime::from_secs(CUT_OFF)), 5)
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
