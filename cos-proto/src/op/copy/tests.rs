//! Rows of the module's table against a store in memory.

use super::*;
use crate::{
    CallKind, Reported,
    api::{MetadataDirective, ObjectOptions, Overwrite, StorageClass},
    op::test_store::{Effect, Store, key},
};

const MIB: usize = 1024 * 1024;

fn large() -> Vec<u8> {
    (0..3 * MIB + 7).map(|at| (at / 1000).to_le_bytes()[0]).collect()
}

fn options() -> CopyOptions {
    CopyOptions::new(ObjectOptions::new(), MetadataDirective::Copy).expect("options")
}

fn limits() -> CopyLimits {
    CopyLimits::new(2 * MIB as u64, MIB as u64)
}

fn copy(store: &mut Store) -> Result<CopyOutcome, Error> {
    store.run(Copy::new(key("s"), key("d"), options(), limits()), 3)
}

fn assert_copied(store: &Store, source: &[u8]) {
    assert_eq!(store.objects["d"].body, source);
    assert_eq!(store.objects["s"].body, source, "the source stays");
    assert!(store.uploads.is_empty());
}

#[test]
fn a_small_object_is_copied_by_one_call() {
    for body in [Vec::new(), b"small".to_vec(), vec![7; 2 * MIB]] {
        let mut store = Store::new().with("s", body.clone()).with("d", "old");
        let outcome = copy(&mut store).expect("copied");
        assert_eq!(outcome.size, body.len() as u64);
        assert_eq!(outcome.verification, Verification::Verified);
        assert!(!outcome.stray_possible);
        assert_eq!(store.log, ["HeadObject s", "PutObjectCopy d"]);
        assert_copied(&store, &body);
    }
}

#[test]
fn a_large_object_is_copied_by_parts_at_once() {
    let mut store = Store::new().with("s", large());
    let outcome = copy(&mut store).expect("copied");
    assert_eq!((outcome.size, outcome.verification), (3 * MIB as u64 + 7, Verification::Verified));
    assert_eq!((store.calls(CallKind::UploadPartCopy), store.open_max), (4, 3));
    assert_copied(&store, &large());
}

#[test]
fn a_copy_by_parts_has_what_a_single_copy_would_have() {
    let mut store = Store::new().with("s", large());
    let headers = &mut store.objects.get_mut("s").expect("s").headers;
    for (name, value) in [
        ("content-type", "text/plain"),
        ("cache-control", "no-store"),
        ("x-cos-meta-color", "red"),
        ("x-cos-storage-class", "ARCHIVE"),
    ] {
        headers.insert(name.into(), value.into());
    }
    copy(&mut store).expect("copied");
    let sent = &store.objects["d"].headers;
    assert_eq!(sent["content-type"], "text/plain");
    assert_eq!(sent["cache-control"], "no-store");
    assert_eq!(sent["x-cos-meta-color"], "red");
    // COS never takes the storage class from the source.
    assert!(!sent.contains_key("x-cos-storage-class"));

    let object = ObjectOptions::new()
        .content_type("image/png")
        .expect("type")
        .storage_class(StorageClass::STANDARD_IA);
    let options = CopyOptions::new(object, MetadataDirective::Replaced).expect("options");
    store.run(Copy::new(key("s"), key("d"), options, limits()), 3).expect("copied");
    let sent = &store.objects["d"].headers;
    assert_eq!(sent["content-type"], "image/png");
    assert_eq!(sent["x-cos-storage-class"], "STANDARD_IA");
    assert!(!sent.contains_key("x-cos-meta-color"));
}

#[test]
fn a_missing_source_is_path_not_found_and_nothing_is_touched() {
    let mut store = Store::new().with("d", "old");
    let error = copy(&mut store).expect_err("no source");
    assert_eq!((error.kind(), error.path()), (&ErrorKind::PathNotFound, Some("s")));
    assert_eq!(
        (store.log, &*store.objects["d"].body),
        (vec!["HeadObject s".to_owned()], &b"old"[..])
    );
}

#[test]
fn a_source_that_goes_or_changes_meanwhile_is_named_and_the_upload_aborted() {
    for (call, effect, kind) in [
        ("PutObjectCopy", Effect::Refuse(404, "NoSuchKey"), ErrorKind::PathNotFound),
        ("PutObjectCopy", Effect::Refuse(412, "PreconditionFailed"), ErrorKind::Changed),
        (
            "UploadPartCopy d partNumber=2",
            Effect::Refuse(404, "NoSuchKey"),
            ErrorKind::PathNotFound,
        ),
        (
            "UploadPartCopy d partNumber=2",
            Effect::Refuse(412, "PreconditionFailed"),
            ErrorKind::Changed,
        ),
    ] {
        let body = if call.starts_with("Put") { vec![1] } else { large() };
        let mut store = Store::new().with("s", body).fault(call, 9, effect);
        let error = copy(&mut store).expect_err(call);
        assert_eq!((error.kind(), error.path()), (&kind, Some("s")), "{call}");
        assert!(store.uploads.is_empty() && !store.objects.contains_key("d"), "{call}");
    }
}

#[test]
fn a_failed_part_ends_the_copy_after_those_in_flight_and_aborts() {
    let mut store = Store::new().with("s", large()).fault(
        "UploadPartCopy d partNumber=3",
        9,
        Effect::Refuse(403, "AccessDenied"),
    );
    let error = copy(&mut store).expect_err("denied");
    assert_eq!((error.kind(), error.path()), (&ErrorKind::Denied, Some("d")));
    // The last of three that were in flight failed first; the fourth was never started.
    assert_eq!(store.calls(CallKind::UploadPartCopy), 3);
    assert!(store.log.last().expect("calls").starts_with("AbortMultipartUpload"));
    assert!(store.uploads.is_empty() && !store.objects.contains_key("d"));
}

#[test]
fn an_upload_that_cannot_be_aborted_is_mentioned() {
    let mut store = Store::new()
        .with("s", large())
        .fault("CompleteMultipartUpload", 9, Effect::Refuse(400, "EntityTooSmall"))
        .fault("AbortMultipartUpload", 9, Effect::Refuse(403, "AccessDenied"));
    let error = copy(&mut store).expect_err("refused");
    assert_eq!(error.code(), Some("EntityTooSmall"), "the first error is the error");
    assert!(error.to_string().contains("sweep"), "{error}");
}

#[test]
fn another_crc_is_sent_again_and_then_corrupt() {
    for (call, body) in [("PutObjectCopy", vec![1]), ("UploadPartCopy d partNumber=2", large())] {
        let mut store =
            Store::new().with("s", body.clone()).fault(call, usize::MAX, Effect::WrongCrc);
        let error = copy(&mut store).expect_err(call);
        assert_eq!(error.kind(), &ErrorKind::Corrupt, "{call}");
        assert!(store.uploads.is_empty());
        assert_eq!(store.calls(CallKind::CompleteMultipartUpload), 0, "compared before Complete");
        assert_eq!(store.objects["s"].body, body);
    }
    let mut store = Store::new().with("s", "x").fault("PutObjectCopy", 1, Effect::WrongCrc);
    copy(&mut store).expect("the second attempt is right");
    let mut store =
        Store::new().with("s", large()).fault("CompleteMultipartUpload", 1, Effect::WrongCrc);
    assert_eq!(copy(&mut store).expect_err("corrupt").kind(), &ErrorKind::Corrupt);
    assert_eq!(store.calls(CallKind::AbortMultipartUpload), 0, "it is completed");
}

#[test]
fn a_missing_crc_is_looked_up_or_left_unverified() {
    use Verification::{Unverified, Verified};
    for (name, mut store, verification) in [
        ("old source", Store::new().with("s", "x").without_crc("s"), Unverified),
        ("old source, parts", Store::new().with("s", large()).without_crc("s"), Unverified),
        (
            "none in the answer",
            Store::new().with("s", "x").fault("PutObjectCopy", 1, Effect::NoCrc),
            Unverified,
        ),
        (
            "none of one part",
            Store::new().with("s", large()).fault("UploadPartCopy", 1, Effect::NoCrc),
            Verified,
        ),
        (
            "none of Complete",
            Store::new().with("s", large()).fault("CompleteMultipartUpload", 1, Effect::NoCrc),
            Verified,
        ),
    ] {
        let outcome = copy(&mut store).expect(name);
        assert_eq!(outcome.verification, verification, "{name}");
        assert!(store.uploads.is_empty(), "{name}");
    }
    let mut store = Store::new()
        .with("s", large())
        .fault("CompleteMultipartUpload", 1, Effect::NoCrc)
        .fault("HeadObject d", 9, Effect::WrongCrc);
    assert_eq!(copy(&mut store).expect_err("corrupt").kind(), &ErrorKind::Corrupt);
}

#[test]
fn a_lost_answer_is_settled_by_the_destination() {
    for (call, body) in [("PutObjectCopy", b"x".to_vec()), ("CompleteMultipartUpload", large())] {
        let mut store =
            Store::new().with("s", body.clone()).with("d", "old").fault(call, 1, Effect::Lose);
        let outcome = copy(&mut store).expect(call);
        assert_eq!(outcome.verification, Verification::Verified);
        assert_copied(&store, &body);

        let mut store =
            Store::new().with("s", body.clone()).with("d", "old").fault(call, 1, Effect::Vanish);
        let error = copy(&mut store).expect_err(call);
        assert_eq!((error.kind(), error.path()), (&ErrorKind::OutcomeUnknown, Some("d")), "{call}");
        assert!(store.uploads.is_empty(), "the copy's own upload is aborted");

        let mut store = Store::new().with("s", body).fault(call, 1, Effect::Lose).fault(
            "HeadObject d",
            9,
            Effect::Refuse(403, "AccessDenied"),
        );
        let error = copy(&mut store).expect_err(call);
        assert_eq!(error.kind(), &ErrorKind::OutcomeUnknown, "{call}");
    }
}

#[test]
fn without_a_crc_nothing_settles_a_lost_answer() {
    let mut store = Store::new().with("s", large()).without_crc("s").fault(
        "CompleteMultipartUpload",
        1,
        Effect::Lose,
    );
    assert_eq!(copy(&mut store).expect_err("unknown").kind(), &ErrorKind::OutcomeUnknown);
}

#[test]
fn an_upload_that_is_gone_is_lost_or_overwritten() {
    let gone = Effect::Refuse(404, "NoSuchUpload");
    let mut store =
        Store::new().with("s", large()).fault("CompleteMultipartUpload", 1, gone.clone());
    assert_eq!(copy(&mut store).expect_err("lost").kind(), &ErrorKind::UploadLost);
    let mut store = Store::new().with("s", large()).with("d", "another's").fault(
        "CompleteMultipartUpload",
        1,
        gone.clone(),
    );
    assert_eq!(copy(&mut store).expect_err("overwritten").kind(), &ErrorKind::Overwritten);
    // Equal content is success, whoever wrote it.
    let mut store = Store::new().with("s", large()).with("d", large()).fault(
        "CompleteMultipartUpload",
        1,
        gone,
    );
    copy(&mut store).expect("equal");
}

#[test]
fn a_forbidden_overwrite_may_have_run_into_the_copy_itself() {
    let object = ObjectOptions::new().overwrite(Overwrite::Forbid);
    let options = CopyOptions::new(object, MetadataDirective::Copy).expect("options");
    let exists = |maybe_done| {
        let mut error =
            crate::op::test_store::refusal(CallKind::PutObjectCopy, 409, "FileAlreadyExists");
        error.maybe_done = maybe_done;
        error
    };
    for (maybe_done, there, committed) in
        [(true, "x", true), (true, "other", false), (false, "x", false)]
    {
        let mut store = Store::new().with("s", "x").with("d", there);
        let mut copy = Copy::new(key("s"), key("d"), options.clone(), limits());
        copy = copy.with_source_meta(store.meta("s"));
        assert!(matches!(copy.next(), Next::Call(Tag::Single)));
        copy.on_error(Tag::Single, exists(maybe_done));
        let result = store.run(copy, 1);
        match result {
            Ok(_) => assert!(committed),
            Err(error) => {
                assert!(!committed);
                assert_eq!(error.kind(), &ErrorKind::AlreadyExists);
            }
        }
    }
}

#[test]
fn a_create_that_may_have_run_twice_is_reported() {
    let mut store =
        Store::new().with("s", large()).fault("InitiateMultipartUpload", 1, Effect::Repeat);
    assert!(copy(&mut store).expect("copied").stray_possible);
    let mut store =
        Store::new().with("s", large()).fault("InitiateMultipartUpload", 1, Effect::Lose);
    let error = copy(&mut store).expect_err("no upload id");
    assert!(error.to_string().contains("sweep"), "{error}");
}

#[test]
fn metadata_replaced_in_place_is_never_taken_for_done() {
    let options =
        CopyOptions::new(ObjectOptions::new(), MetadataDirective::Replaced).expect("options");
    let mut store = Store::new().with("s", "x").fault("PutObjectCopy", 1, Effect::Vanish);
    let error =
        store.run(Copy::new(key("s"), key("s"), options, limits()), 1).expect_err("unknown");
    assert_eq!(error.kind(), &ErrorKind::OutcomeUnknown);
}

#[test]
fn a_source_in_another_bucket_must_be_described() {
    let bucket = crate::Bucket::new("other-1250000000").expect("bucket");
    let region = crate::Region::new("ap-guangzhou").expect("region");
    let source = CopySource::new(key("s")).in_bucket(bucket, region);
    let mut store = Store::new().with("s", "x");
    let error = store
        .run(Copy::new(source.clone(), key("d"), options(), limits()), 1)
        .expect_err("not described");
    assert_eq!(error.kind(), &ErrorKind::InvalidParameter);
    let meta = store.meta("s");
    assert_eq!(meta.crc64, Reported::Value(crate::Crc64::of(b"x")));
    store.log.clear();
    let copy = Copy::new(source, key("d"), options(), limits()).with_source_meta(meta);
    store.run(copy, 1).expect("copied");
    assert_eq!(store.log, ["PutObjectCopy d"]);
}

#[test]
fn what_is_created_is_noted_and_what_is_gone_forgotten() {
    let recent = Recent::empty();
    let mut store = Store::new().with("s", large());
    let copy = || Copy::new(key("s"), key("d"), options(), limits()).with_recent(recent.clone());
    store.run(copy(), 3).expect("copied");
    assert_eq!(recent.objects_below(crate::Ticks::ZERO, &key("d"), "d/"), [key("d")]);
    assert!(recent.uploads_below(crate::Ticks::ZERO, &key("d"), "d/").is_empty());
}
