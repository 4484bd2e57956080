//! Rows of the module's table against a store in memory.

use super::*;
use crate::{
    ErrorKind,
    api::{MetadataDirective, ObjectOptions},
    op::{
        test_store::{Effect, Store, key},
        testing::{Steps, reply},
    },
};

fn rename(store: &mut Store, from: &str, to: &str) -> Result<CopyOutcome, Error> {
    let options = CopyOptions::new(ObjectOptions::new(), MetadataDirective::Copy).expect("options");
    let limits = CopyLimits::new(1024 * 1024, 1024 * 1024);
    store.run(Move::new(key(from), key(to), options, limits), 3)
}

#[test]
fn moves_and_overwrites() {
    for body in [Vec::new(), b"x".to_vec(), vec![7; 3 * 1024 * 1024]] {
        let mut store = Store::new().with("s", body.clone()).with("d", "old").with("s~upload", "r");
        let outcome = rename(&mut store, "s", "d").expect("moved");
        assert_eq!(outcome.size, body.len() as u64);
        assert_eq!(store.keys(), ["d", "s~upload"], "a record does not move");
        assert_eq!(store.objects["d"].body, body);
    }
}

#[test]
fn a_missing_source_leaves_the_destination() {
    let mut store = Store::new().with("d", "old");
    let error = rename(&mut store, "s", "d").expect_err("no source");
    assert_eq!((error.kind(), error.path()), (&ErrorKind::PathNotFound, Some("s")));
    assert_eq!(store.objects["d"].body, "old");
}

#[test]
fn onto_itself_deletes_nothing() {
    let mut store = Store::new().with("s", "x");
    assert_eq!(rename(&mut store, "s", "s").expect("a no-op").size, 1);
    assert_eq!(store.log, ["HeadObject s"]);
    let error = rename(&mut store, "no", "no").expect_err("missing");
    assert_eq!((error.kind(), error.path()), (&ErrorKind::PathNotFound, Some("no")));
}

#[test]
fn the_source_is_deleted_only_after_a_confirmed_copy() {
    for (call, effect) in [
        ("HeadObject s", Effect::Refuse(403, "AccessDenied")),
        ("PutObjectCopy", Effect::Refuse(403, "AccessDenied")),
        ("PutObjectCopy", Effect::Vanish),
        ("PutObjectCopy", Effect::WrongCrc),
        ("PutObjectCopy", Effect::Say("<CopyObjectResult/>".into())),
        ("InitiateMultipartUpload", Effect::Lose),
        ("UploadPartCopy", Effect::WrongCrc),
        ("UploadPartCopy", Effect::Vanish),
        ("CompleteMultipartUpload", Effect::Vanish),
        ("CompleteMultipartUpload", Effect::WrongCrc),
        ("CompleteMultipartUpload", Effect::Refuse(400, "InvalidPart")),
    ] {
        let large = !call.starts_with("PutObject");
        let body = vec![9; if large { 3 * 1024 * 1024 } else { 10 }];
        let mut store =
            Store::new().with("s", body.clone()).fault(call, usize::MAX, effect.clone());
        let moved = rename(&mut store, "s", "d");
        // An empty result is looked into, and the copy is there.
        let there = matches!(effect, Effect::Say(_));
        assert_eq!(moved.is_ok(), there, "{call} {effect:?}");
        assert_eq!(store.objects.contains_key("s"), !there, "{call} {effect:?}");
    }
}

#[test]
fn a_source_that_cannot_be_deleted_is_an_error_that_says_where_the_object_is() {
    let mut store =
        Store::new().with("s", "x").fault("DeleteObject", 1, Effect::Refuse(403, "AccessDenied"));
    let error = rename(&mut store, "s", "d").expect_err("denied");
    assert_eq!((error.kind(), error.path()), (&ErrorKind::Denied, Some("s")));
    assert!(error.to_string().contains("copied to d"), "{error}");
    assert_eq!(store.keys(), ["d", "s"]);
    rename(&mut store, "s", "d").expect("moving again completes it");
    assert_eq!(store.keys(), ["d"]);
}

/// A write of the source's key that ends while the source is deleted may have come after that.
#[test]
fn what_is_written_meanwhile_at_the_source_stays_remembered() {
    for meanwhile in [false, true] {
        let recent = Recent::empty();
        let options = CopyOptions::default();
        let limits = CopyLimits::new(1024 * 1024, 1024 * 1024);
        recent.note_object(&key("s"));
        let mut moving = Move::new(key("s"), key("d"), options, limits).with_recent(recent.clone());
        let head = moving.starts();
        moving
            .on_reply(head, reply(200, &[("etag", "\"e\""), ("content-length", "1")], ""))
            .expect("described");
        let copy = moving.starts();
        let copied = "<CopyObjectResult><ETag>\"e\"</ETag></CopyObjectResult>";
        moving.on_reply(copy, reply(200, &[], copied)).expect("copied");
        assert_eq!(moving.starts(), Tag::Delete);
        if meanwhile {
            recent.note_object(&key("s"));
        }
        moving.on_reply(Tag::Delete, reply(204, &[], "")).expect("deleted");
        moving.ends().expect("moved");
        let left = recent.objects_below(crate::Ticks::ZERO, &key("s"), "s/");
        assert_eq!(!left.is_empty(), meanwhile);
    }
}
