//! Rows of the module's tables against a store in memory.

use std::time::Duration;

use super::*;
use crate::{
    CallKind,
    op::{
        UploadState,
        test_store::{Effect, Store, key},
        testing::{page, refused, reply},
    },
};

fn record(upload: Option<&str>) -> bytes::Bytes {
    let upload = upload.map(|id| UploadId::new(id).expect("id"));
    UploadState { upload, ..UploadState::default() }.to_bytes()
}

fn delete(store: &mut Store, path: &str) -> Result<DeleteOutcome, Error> {
    store.run(DeleteTree::new(key(path)), 9)
}

#[test]
fn removes_the_object_and_all_below_and_no_sibling() {
    let mut store = Store::new();
    for name in ["a", "a/", "a/b", "a/b/c", "a/é&", "a-b", "ab", "a.b/c", "b/a/b", "0"] {
        store = store.with(name, name);
    }
    let outcome = delete(&mut store, "a").expect("deleted");
    assert_eq!((outcome.objects, outcome.uploads), (5, 0));
    assert_eq!(store.keys(), ["0", "a-b", "a.b/c", "ab", "b/a/b"]);
    // Siblings are not even listed.
    assert_eq!(store.calls(CallKind::GetBucket), 1);
    assert!(store.log.contains(&"GetBucket  prefix=a/".to_owned()), "{:?}", store.log);
}

#[test]
fn nothing_at_all_is_path_not_found() {
    let mut store =
        Store::new().with("ab", "x").with_upload("ab", "id9", 0).with_upload("a-", "id8", 0);
    let error = delete(&mut store, "a").expect_err("nothing there");
    assert_eq!((error.kind(), error.path()), (&ErrorKind::PathNotFound, Some("a")));
    assert_eq!(store.keys(), ["ab"]);
    assert_eq!(store.uploads.len(), 2);
}

#[test]
fn any_one_find_is_enough() {
    for (name, mut store) in [
        ("object", Store::new().with("a", "x")),
        ("below", Store::new().with("a/b", "x")),
        ("placeholder", Store::new().with("a/", "")),
        ("record", Store::new().with("a~upload", record(None))),
        ("record below", Store::new().with("a/b~upload", record(None))),
        ("upload", Store::new().with_upload("a", "id1", 0)),
        ("upload below", Store::new().with_upload("a/b", "id1", 0)),
    ] {
        delete(&mut store, "a").expect(name);
        assert!(store.objects.is_empty() && store.uploads.is_empty(), "{name}");
        let error = delete(&mut store, "a").expect_err(name);
        assert_eq!(error.kind(), &ErrorKind::PathNotFound, "{name}");
    }
}

#[test]
fn an_upload_is_aborted_before_its_record_is_deleted() {
    let mut store = Store::new()
        .with("a~upload", record(Some("id1")))
        .with("a/b~upload", record(Some("id2")))
        .with("a/c", "x")
        .with_upload("a", "id1", 0)
        .with_upload("a/b", "id2", 0);
    store.lagging = vec!["id1".into(), "id2".into()];
    let outcome = delete(&mut store, "a").expect("deleted");
    assert_eq!((outcome.objects, outcome.uploads), (3, 2));
    assert!(store.objects.is_empty() && store.uploads.is_empty());
    let last_abort = store.log.iter().rposition(|line| line.starts_with("AbortMultipart"));
    assert!(last_abort.expect("aborts") < store.position("DeleteMultipleObjects"));
}

#[test]
fn a_record_stays_while_its_upload_cannot_be_aborted() {
    let mut store = Store::new()
        .with("a/b~upload", record(Some("id2")))
        .with("a/c", "x")
        .with_upload("a/b", "id2", 0)
        .fault("AbortMultipartUpload", 9, Effect::Refuse(403, "AccessDenied"));
    let error = delete(&mut store, "a").expect_err("denied");
    assert_eq!(error.kind(), &ErrorKind::Denied);
    assert!(error.failures().iter().all(|failure| failure.key == "a/b"), "{error:?}");
    assert_eq!(store.keys(), ["a/b~upload"]);
}

#[test]
fn what_is_no_record_is_deleted_below_the_path_and_left_beside_it() {
    for body in [bytes::Bytes::from_static(b"mine"), vec![0; 5 * 1024 * 1024].into()] {
        let mut store = Store::new()
            .with("a", "x")
            .with("a~upload", body.clone())
            .with("a/b~upload", body.clone());
        delete(&mut store, "a").expect("deleted");
        assert_eq!(store.keys(), ["a~upload"]);
        let error = delete(&mut store, "a").expect_err("only somebody else's object");
        assert_eq!(error.kind(), &ErrorKind::PathNotFound);
    }
    // A damaged record is ours all the same.
    let damaged = record(Some("id")).slice(..20);
    let mut store = Store::new().with("a~upload", damaged);
    delete(&mut store, "a").expect("deleted");
    assert!(store.objects.is_empty());
}

#[test]
fn a_record_whose_upload_is_gone_is_deleted() {
    let mut store = Store::new().with("a~upload", record(Some("gone")));
    let outcome = delete(&mut store, "a").expect("deleted");
    assert_eq!((outcome.objects, outcome.uploads), (1, 0));
    assert!(store.objects.is_empty());
}

#[test]
fn many_pages_go_in_batches_and_a_constant_number_is_held() {
    let mut store = Store::new();
    for number in 0..7_321 {
        store = store.with(&format!("a/{number:05}"), "");
        if number % 50 == 0 {
            store = store.with(&format!("a/{number:05}~upload"), record(None));
            store = store.with_upload("a/x", &format!("id{number:05}"), 0);
        }
    }
    store.page = 100;
    let mut operation = DeleteTree::new(key("a"));
    let mut held_max = 0;
    let counted = Counting { operation: &mut operation, held_max: &mut held_max };
    let outcome = store.run(counted, 4).expect("deleted");
    assert_eq!((outcome.objects, outcome.uploads), (7_321 + 147, 147));
    assert!(store.objects.is_empty() && store.uploads.is_empty());
    assert!(held_max <= HELD_KEYS_MAX + 2 * PAGE, "{held_max} keys held");
    assert!(store.open_max <= 4);
}

#[test]
fn the_next_page_is_listed_while_batches_are_deleted_but_three_pages_are_the_most() {
    let mut operation = DeleteTree::new(key("a"));
    let beginning: Vec<_> = std::iter::from_fn(|| operation.start()).collect();
    assert_eq!(beginning.len(), 4, "HEAD, the record and two lists: {beginning:?}");
    for number in 0..3 {
        let names: Vec<_> = (0..PAGE).map(|name| format!("a/{number}{name:04}")).collect();
        let objects: Vec<_> = names.iter().map(|name| (&**name, 1)).collect();
        let page = page(&objects, &[], names.last().map(|name| &**name));
        operation.on_reply(Tag::Objects, page).expect("accepted");
        assert!(matches!(operation.start(), Some(Tag::Delete(_))), "page {number}");
        let next = (number < 2).then_some(Tag::Objects);
        assert_eq!(operation.start(), next, "after page {number}");
    }
    assert_eq!(operation.batches.in_flight(), 3);
}

/// Notes how much the operation holds whenever it is asked.
struct Counting<'a> {
    operation: &'a mut DeleteTree,
    held_max: &'a mut usize,
}

impl Operation for Counting<'_> {
    type Tag = Tag;
    type Output = Result<DeleteOutcome, Error>;

    fn next(&mut self) -> Next<Tag, Self::Output> {
        let held = self.operation.batches.held() + self.operation.reaper.held();
        *self.held_max = held.max(*self.held_max);
        self.operation.next()
    }

    fn call(&self, tag: Tag) -> Call {
        self.operation.call(tag)
    }

    fn on_reply(&mut self, tag: Tag, reply: Reply) -> Result<(), Rejected> {
        self.operation.on_reply(tag, reply)
    }

    fn on_error(&mut self, tag: Tag, error: CallError) {
        self.operation.on_error(tag, error);
    }
}

#[test]
fn what_this_driver_wrote_is_deleted_although_no_list_shows_it() {
    let recent = Recent::empty();
    let mut store = Store::new()
        .with("a/b", "x")
        .with("a/b~upload", record(Some("id1")))
        .with_upload("a/b", "id1", 0)
        .with_upload("a/c", "id2", 0)
        .with("ab", "x");
    store.lagging = ["a/b", "a/b~upload", "id1", "id2"].map(String::from).to_vec();
    for name in ["a/b", "a/b~upload", "ab"] {
        recent.note_object(&key(name));
    }
    recent.note_upload(&key("a/c"), &UploadId::new("id2").expect("id"));
    let now = Ticks::new(Duration::from_secs(7));
    let tree = || DeleteTree::new(key("a")).with_recent(recent.clone(), now);
    let outcome = store.run(tree(), 9).expect("deleted");
    assert_eq!((outcome.objects, outcome.uploads), (2, 2));
    assert_eq!((store.keys(), store.uploads.len()), (vec!["ab"], 0));
    // It is forgotten, so it cannot be found again.
    assert_eq!(recent.len(), 1);
    let error = store.run(tree(), 9).expect_err("nothing left");
    assert_eq!(error.kind(), &ErrorKind::PathNotFound);
}

/// COS answers the deletion of what is not there as if it had been.
#[test]
fn what_is_only_remembered_and_gone_already_is_not_found() {
    let remembering = || {
        let recent = Recent::empty();
        for name in ["a/1", "a/2", "a/3", "a/3~upload"] {
            recent.note_object(&key(name));
        }
        recent.note_upload(&key("a/3"), &UploadId::new("id").expect("id"));
        recent
    };
    let tree = |recent: &Recent| DeleteTree::new(key("a")).with_recent(recent.clone(), Ticks::ZERO);
    let (recent, mut store) = (remembering(), Store::new());
    let error = store.run(tree(&recent), 9).expect_err("others have deleted it");
    assert_eq!((error.kind(), error.path()), (&ErrorKind::PathNotFound, Some("a")));
    // One of them is there, and no list shows it.
    for there in ["a/1", "a/2", "a/3"] {
        let (recent, mut store) = (remembering(), Store::new().with(there, "x"));
        store.lagging = vec![there.to_owned()];
        store.run(tree(&recent), 9).expect(there);
        assert_eq!(store.keys(), Vec::<&str>::new(), "{there}");
    }
    // Whoever may not look may delete.
    let (recent, mut store) = (remembering(), Store::new().with("a/1", "x"));
    store.lagging = vec!["a/1".to_owned()];
    let mut store = store.fault("HeadObject a/1", 9, Effect::Refuse(403, "AccessDenied"));
    store.run(tree(&recent), 9).expect("deleted");
    assert_eq!(store.keys(), Vec::<&str>::new());
}

/// A write that ends while its key is deleted, or looked for, may have come after that.
#[test]
fn what_is_written_meanwhile_stays_remembered() {
    for (listed, meanwhile) in [(true, false), (true, true), (false, false), (false, true)] {
        let recent = Recent::empty();
        recent.note_object(&key("a/1"));
        let mut tree = DeleteTree::new(key("a")).with_recent(recent.clone(), Ticks::ZERO);
        let shown: &[(&str, u64)] = if listed { &[("a/1", 1)] } else { &[] };
        while !recent.is_empty() {
            let tag = match tree.next() {
                Next::Call(tag) => tag,
                Next::Done(_) => break,
                other => panic!("{other:?}"),
            };
            match tag {
                Tag::Head | Tag::Reap(_) => tree.on_error(tag, refused(404, "")),
                Tag::Objects => {
                    tree.on_reply(tag, page(shown, &[], None)).expect("listed");
                }
                Tag::Uploads => {
                    let none = "<ListMultipartUploadsResult><IsTruncated>false</IsTruncated>\
                                </ListMultipartUploadsResult>";
                    tree.on_reply(tag, reply(200, &[], none)).expect("listed");
                }
                Tag::Seek | Tag::Delete(_) => {
                    assert_eq!(tag == Tag::Seek, !listed);
                    if meanwhile {
                        recent.note_object(&key("a/1"));
                    }
                    if listed {
                        tree.on_reply(tag, reply(204, &[], "")).expect("deleted");
                    } else {
                        tree.on_error(tag, refused(404, ""));
                    }
                }
            }
        }
        assert_eq!(recent.len() == 1, meanwhile, "listed: {listed}");
    }
}

#[test]
fn what_was_found_needs_no_second_look() {
    let recent = Recent::empty();
    recent.note_object(&key("a/1"));
    let mut store = Store::new().with("a/1", "x").with("a/2", "x");
    store.lagging = vec!["a/1".to_owned()];
    let tree = DeleteTree::new(key("a")).with_recent(recent, Ticks::ZERO);
    // Were it asked for, it would be taken for absent.
    let mut store = store.fault("HeadObject a/1", 9, Effect::Refuse(404, ""));
    assert_eq!(store.run(tree, 9).expect("deleted").objects, 2);
    assert_eq!(store.keys(), Vec::<&str>::new());
}

#[test]
fn keys_that_fail_are_listed_and_all_others_deleted() {
    let said = "<DeleteResult><Error><Key>a/b</Key><Code>AccessDenied</Code><Message>no</Message>\
                </Error></DeleteResult>";
    let mut store = Store::new().with("a/b", "x").with("a/c", "x").fault(
        "DeleteMultipleObjects",
        1,
        Effect::Say(said.into()),
    );
    let error = delete(&mut store, "a").expect_err("one key failed");
    assert_eq!((error.kind(), error.path()), (&ErrorKind::Denied, Some("a")));
    assert_eq!(error.failures().len(), 1);
    assert_eq!((&*error.failures()[0].key, &*error.failures()[0].code), ("a/b", "AccessDenied"));
}

#[test]
fn a_list_that_fails_is_an_error_and_never_path_not_found() {
    for call in ["HeadObject a", "GetObject a~upload", "GetBucket", "ListMultipartUploads"] {
        let mut store = Store::new().fault(call, 9, Effect::Refuse(403, "AccessDenied"));
        let error = delete(&mut store, "a").expect_err(call);
        assert_eq!((error.kind(), error.path()), (&ErrorKind::Denied, Some("a")), "{call}");
    }
}

#[test]
fn a_list_that_does_not_advance_ends_as_malformed() {
    let said = "<ListBucketResult><IsTruncated>true</IsTruncated><NextMarker>a/b</NextMarker>\
                <Contents><Key>a/b</Key><ETag>e</ETag><Size>1</Size></Contents></ListBucketResult>";
    let mut store = Store::new().fault("GetBucket", 9, Effect::Say(said.into()));
    let error = delete(&mut store, "a").expect_err("endless");
    assert_eq!(error.kind(), &ErrorKind::Malformed);
}
