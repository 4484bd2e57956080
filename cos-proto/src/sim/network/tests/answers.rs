//! Answers that lack what they should say, refuse for certain, or say it with spaces before.

use bytes::Bytes;
use http::Response;

use super::{super::*, rig::*};
use crate::{
    Call, Event, Payload, Verification,
    api::{self, CopyOptions, GetOptions, MetadataDirective, ObjectOptions},
    op::{self, CopyLimits, Fetch, Put},
};

/// A network with "a" and "b" in the bucket, before which only this goes wrong.
fn with_two_objects(kind: FaultKind) -> Rig {
    let mut rig = Rig::new(Weather::calm(), 1);
    rig.exchange(put("a", b"text"));
    rig.exchange(put("b", b"other"));
    rig.network.weather = Weather::only(kind, 1000);
    rig
}

/// The answer as it comes.
fn answer(rig: &mut Rig, call: Call) -> Response<Bytes> {
    rig.send(LINE, call);
    loop {
        if let Some(arrived) = rig.network.step() {
            let Arrival::Event(Event::Reply(reply)) = arrived.arrival else {
                panic!("{arrived:?}");
            };
            return *reply;
        }
    }
}

fn head(at: &str) -> Call {
    api::head_object::call(&key(at), &GetOptions::new())
}

fn delete_both() -> Call {
    api::delete_objects::call(&[key("a"), key("b")])
}

#[test]
fn without_a_crc_everything_is_done_and_unverified() {
    let mut rig = with_two_objects(FaultKind::NoCrc);
    let put = Put::new(key("c"), ObjectOptions::new(), Payload::from(b"new".as_slice()), None);
    assert_eq!(rig.run(LINE, put).expect("put").verification, Verification::Unverified);
    let fetched = rig.run(LINE, Fetch::new(key("c"), GetOptions::new(), 100)).expect("fetched");
    assert_eq!((&fetched.body[..], fetched.verification), (&b"new"[..], Verification::Unverified));
    let options = CopyOptions::new(ObjectOptions::new(), MetadataDirective::Copy);
    let limits = CopyLimits::new(100, 100);
    let copy = op::Copy::new(key("a"), key("d"), options.expect("options"), limits);
    assert_eq!(rig.run(LINE, copy).expect("copied").verification, Verification::Unverified);
    assert_eq!(rig.stored("d").as_deref(), Some(b"text".as_slice()));
    let counts = rig.network.counts();
    assert_eq!(
        counts.met(FaultKind::NoCrc).map(|(call, _)| call).collect::<Vec<_>>(),
        [CallKind::PutObject, CallKind::GetObject, CallKind::HeadObject, CallKind::PutObjectCopy,]
    );
    assert_eq!(answer(&mut rig, head("nothing")).status(), 404);
    assert_eq!(rig.happened(FaultKind::NoCrc), 4, "an error has no CRC to miss");
}

/// It could be seen by nobody.
#[test]
fn a_copy_is_not_damaged_where_its_sources_crc_was_not_stated() {
    let mut rig = with_two_objects(FaultKind::NoCrc);
    answer(&mut rig, head("a"));
    rig.network.weather = Weather::only(FaultKind::CorruptCopy, 1000);
    rig.exchange(copy("c", "a"));
    assert_eq!(rig.stored("c").as_deref(), Some(b"text".as_slice()));
    rig.send(Line(2), copy("c", "a"));
    rig.drain();
    assert_ne!(rig.stored("c").as_deref(), Some(b"text".as_slice()));
    rig.network.weather = Weather::only(FaultKind::NoCrc, 1000);
    rig.send(Line(2), head("a"));
    rig.drain();
    let counts = rig.network.counts();
    assert_eq!((counts.of(FaultKind::NoCrc), counts.of(FaultKind::CorruptCopy)), (1, 1));
}

#[test]
fn an_empty_result_hides_what_was_done() {
    let mut rig = with_two_objects(FaultKind::EmptyResult);
    let lacks = |response: &Response<Bytes>, text: &str| {
        let body = String::from_utf8_lossy(response.body());
        response.status() == 200 && body.contains("Result></") && !body.contains(text)
    };
    assert!(lacks(&answer(&mut rig, copy("c", "a")), "ETag"));
    assert_eq!(rig.stored("c").as_deref(), Some(b"text".as_slice()));
    assert!(lacks(&answer(&mut rig, create("c")), "UploadId"));
    assert_eq!(rig.network.strays().len(), 1, "nobody was told its id");
    assert!(lacks(&answer(&mut rig, list()), "Key"));
    assert_eq!(rig.happened(FaultKind::EmptyResult), 3);
    assert_eq!(rig.exchange(put("d", b"text")), ["200"]);
    assert_eq!(rig.exchange(copy("d", "nothing")), ["404 NoSuchKey"]);
    assert_eq!(rig.happened(FaultKind::EmptyResult), 3);
}

#[test]
fn a_refusal_is_certain_whatever_the_call() {
    let mut rig = with_two_objects(FaultKind::AccessDenied);
    for call in [delete("a"), delete_both(), put("a", b"new"), copy("a", "b"), create("a"), list()]
    {
        assert_eq!(rig.exchange(call), ["403 AccessDenied"]);
    }
    assert_eq!(rig.exchange(get("a")), ["403 AccessDenied"]);
    assert_eq!(rig.stored("a").as_deref(), Some(b"text".as_slice()));
    assert!(rig.network.emulator().open_uploads().is_empty());
    let silent = answer(&mut rig, head("a"));
    assert_eq!((silent.status().as_u16(), silent.body().len()), (403, 0));
    assert!(silent.headers().contains_key("x-cos-request-id"));
    assert_eq!(rig.happened(FaultKind::AccessDenied), 8);
}

#[test]
fn a_conflict_meets_what_creates() {
    let mut rig = with_two_objects(FaultKind::Conflict);
    let mut seen = BTreeSet::new();
    for _ in 0..20 {
        seen.extend(rig.exchange(put("a", b"new")));
        seen.extend(rig.exchange(create("a")));
    }
    assert_eq!(seen.into_iter().collect::<Vec<_>>(), ["409 PathConflict", "409 UploadConflict"]);
    assert_eq!(rig.stored("a").as_deref(), Some(b"text".as_slice()));
    assert_eq!(rig.exchange(delete("a")), ["204"]);
    assert_eq!(rig.happened(FaultKind::Conflict), 40);
}

#[test]
fn of_many_keys_one_is_refused_and_stays() {
    let mut rig = Rig::only(FaultKind::CorruptUpload);
    rig.exchange(put("a", b"text"));
    rig.exchange(put("b", b"text"));
    rig.network.weather = Weather::only(FaultKind::PartialDelete, 1000);
    assert_eq!(rig.exchange(delete_both()), ["200 InternalError"]);
    let left: Vec<_> = ["a", "b"].into_iter().filter(|key| rig.stored(key).is_some()).collect();
    assert_eq!(left.len(), 1);
    for key in ["a", "b"] {
        let until = rig.network.damaged()[key][0].until;
        assert_eq!(until.is_none(), left == [key], "what stays is as damaged as it was");
    }
    assert_eq!(rig.happened(FaultKind::PartialDelete), 1);
}

#[test]
fn spaces_come_before_a_late_answer() {
    let mut rig = with_two_objects(FaultKind::LeadingSpaces);
    let reply = answer(&mut rig, copy("c", "a"));
    assert!(reply.body().starts_with(b" ") && reply.body().ends_with(b"Result>"), "{reply:?}");
    assert_eq!(rig.happened(FaultKind::LeadingSpaces), 1);
    assert_eq!(rig.exchange(create("c")), ["200"]);
    assert_eq!(rig.happened(FaultKind::LeadingSpaces), 1);
}
