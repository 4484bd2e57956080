//! Ranges, offsets, versions and response overrides.

use std::num::NonZeroU64;

use cos_proto::{
    CallKind, Crc64, ErrorKind, Verification,
    api::{ByteRange, CopyOptions, GetOptions, ObjectOptions, ResponseOverrides},
    emulator::{Downloads, Effect, Fault, Settings},
    op::{self, DownloadOptions},
};

use crate::world::{MIB, Way, World, content, key, refusal, shown};

const DIGITS: &str = "0123456789";

#[test]
fn a_range_gives_these_bytes_and_describes_the_whole_object() {
    let some = |number| NonZeroU64::new(number).unwrap();
    let mut world = World::new();
    world.put("k", ObjectOptions::new(), DIGITS.to_owned());
    let whole = world.get("k", GetOptions::new()).unwrap();
    assert_eq!((&whole.body[..], whole.verification), (DIGITS.as_bytes(), Verification::Verified));
    for (range, expected) in [
        (ByteRange::starting_at(0), Ok("0123456789")),
        (ByteRange::starting_at(9), Ok("9")),
        (ByteRange::inclusive(0, 0).unwrap(), Ok("0")),
        (ByteRange::inclusive(2, 4).unwrap(), Ok("234")),
        (ByteRange::inclusive(8, u64::MAX).unwrap(), Ok("89")),
        (ByteRange::with_length(3, some(2)), Ok("34")),
        (ByteRange::with_length(9, some(u64::MAX)), Ok("9")),
        (ByteRange::last(some(3)), Ok("789")),
        (ByteRange::last(some(99)), Ok("0123456789")),
        (ByteRange::starting_at(10), Err("416 InvalidRange")),
        (ByteRange::inclusive(10, 11).unwrap(), Err("416 InvalidRange")),
    ] {
        match (world.get("k", GetOptions::new().range(range)), expected) {
            (Ok(fetched), Ok(expected)) => {
                assert_eq!(fetched.body, expected, "{range:?}");
                assert_eq!(fetched.meta, whole.meta, "{range:?}");
            }
            (Err(error), Err(expected)) => assert_eq!(refusal(&error), expected, "{range:?}"),
            (result, _) => panic!("{range:?}: {result:?}"),
        }
    }
    assert_eq!(ByteRange::inclusive(1, 0), None);
}

#[test]
fn a_stream_has_the_bytes_from_its_offset_up_to_its_length() {
    let content = content(5000);
    let mut world = World::new();
    world.put("k", ObjectOptions::new(), content.clone());
    for offset in [0_usize, 1, 999, 4999, 5000, 5001] {
        for length in [None, Some(0_usize), Some(1), Some(2500), Some(9999)] {
            let mut options = DownloadOptions::new().offset(offset as u64);
            options.length = length.map(|length| length as u64);
            let (outcome, bytes, _) = world.stream("k", options);
            let from = offset.min(5000);
            let to = length.map_or(5000, |length| (offset + length).clamp(from, 5000));
            assert_eq!(bytes, &content[from..to], "{offset} {length:?}");
            let outcome = outcome.unwrap();
            assert_eq!(outcome.delivered, bytes.len() as u64, "{offset} {length:?}");
            assert_eq!(outcome.size, Some(5000), "{offset} {length:?}");
        }
    }
}

#[test]
fn a_stream_from_the_middle_is_verified_by_the_crc_of_what_came_before() {
    let content = content(5000);
    let mut world = World::new();
    world.put("k", ObjectOptions::new(), content.clone());
    let options = DownloadOptions::new().offset(1234);
    let (outcome, ..) = world.stream("k", options.clone());
    assert_eq!(outcome.unwrap().verification, Verification::Unverified);
    let (outcome, ..) = world.stream("k", options.clone().prefix_crc(Crc64::of(&content[..1234])));
    assert_eq!(outcome.unwrap().verification, Verification::Verified);
    let (outcome, ..) = world.stream("k", options.prefix_crc(7));
    assert_eq!(outcome.unwrap_err().kind(), &ErrorKind::Corrupt);
}

#[test]
fn a_bucket_that_never_had_versions_knows_the_version_null_only() {
    let mut world = World::new();
    world.put("k", ObjectOptions::new(), DIGITS.to_owned());
    for (version, exists) in [("null", true), ("MTg0NDUxNTc1NjIzMTQ1MDAwODg", false)] {
        let options = GetOptions::new().version_id(version);
        let results = [
            world.run(op::Head::new(key("k"), options.clone())).map(drop),
            world.get("k", options).map(drop),
            world.stream("k", DownloadOptions::new().version_id(version)).0.map(drop),
        ];
        for result in results {
            match result {
                Ok(()) => assert!(exists),
                Err(error) => {
                    assert!(!exists, "{error}");
                    assert_eq!(error.kind(), &ErrorKind::PathNotFound, "{error}");
                    assert_eq!(error.path(), Some("k"));
                }
            }
        }
    }
    // Such objects have no version id to show.
    assert_eq!(world.head("k").unwrap().version_id, None);
    for (version, left) in [("MTg0NDUxNTc1NjIzMTQ1MDAwODg", true), ("null", false)] {
        world.run(op::DeleteObject::new(key("k"), Some(version.to_owned()))).unwrap();
        assert_eq!(world.head("k").is_ok(), left, "{version}");
    }
}

#[test]
fn the_version_that_a_write_made_is_in_its_outcome() {
    let mut world = World::new();
    world.version = Some("MTg0");
    let version = Some("MTg0".to_owned());
    let options = ObjectOptions::new;
    let put = op::Put::new(key("k"), options(), DIGITS.to_owned().into(), None);
    assert_eq!(world.run(put).unwrap().version_id, version);
    assert_eq!(world.head("k").unwrap().version_id, version);
    assert_eq!(world.upload("small", options(), content(10)).unwrap().version_id, version);
    assert_eq!(world.upload("large", options(), content(2 * MIB)).unwrap().version_id, version);
    for way in Way::BOTH {
        let copied = world.copy(key("large"), "copy", CopyOptions::default(), way).unwrap();
        assert_eq!(copied.version_id, version, "{way:?}");
    }
    // The same where only a HEAD can settle what happened.
    let fault = |call, effect| Fault::on(call, effect);
    world.emulator.inject(fault(CallKind::CompleteMultipartUpload, Effect::NoCrc));
    assert_eq!(world.upload("large", options(), content(2 * MIB)).unwrap().version_id, version);
    world.emulator.inject(fault(CallKind::CompleteMultipartUpload, Effect::LostReply));
    assert_eq!(world.upload("large", options(), content(2 * MIB)).unwrap().version_id, version);
}

#[test]
fn each_response_override_replaces_its_header_and_no_other() {
    type Set = fn(&mut ResponseOverrides, String);
    let table: [(&str, Set); 6] = [
        ("content-type", |overrides, value| overrides.content_type = Some(value)),
        ("content-language", |overrides, value| overrides.content_language = Some(value)),
        ("expires", |overrides, value| overrides.expires = Some(value)),
        ("cache-control", |overrides, value| overrides.cache_control = Some(value)),
        ("content-disposition", |overrides, value| overrides.content_disposition = Some(value)),
        ("content-encoding", |overrides, value| overrides.content_encoding = Some(value)),
    ];
    let mut world = World::new();
    let stored = ObjectOptions::new().content_type("a/b").unwrap().cache_control("no-cache");
    world.put("k", stored.unwrap(), DIGITS.to_owned());
    let before = shown(&world.head("k").unwrap());
    for (name, set) in table {
        let value = "a/b; c=\"1 + 1 = 2%\" & d*=UTF-8''%E7%85%A7".to_owned();
        let mut overrides = ResponseOverrides::default();
        set(&mut overrides, value.clone());
        let options = GetOptions::new().response(overrides);
        let mut expected = before.clone();
        expected.insert(name.to_owned(), value);
        let fetched = world.get("k", options.clone()).unwrap();
        assert_eq!((shown(&fetched.meta), &fetched.body[..]), (expected, DIGITS.as_bytes()));
        // A HEAD is about the object as it is stored.
        assert_eq!(shown(&world.run(op::Head::new(key("k"), options)).unwrap()), before);
    }
    assert_eq!(shown(&world.head("k").unwrap()), before);
}

#[test]
fn new_buckets_make_every_get_an_attachment() {
    let mut world = World::with(Settings { downloads: Downloads::Forced, ..Settings::default() });
    let stored = ObjectOptions::new().content_disposition("inline").unwrap();
    world.put("k", stored, DIGITS.to_owned());
    let fetched = world.get("k", GetOptions::new()).unwrap();
    assert_eq!(fetched.meta.content_headers["content-disposition"], "attachment");
    assert_eq!(world.head("k").unwrap().content_headers["content-disposition"], "inline");
}
