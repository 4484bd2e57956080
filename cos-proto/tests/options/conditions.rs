//! Conditional reads and copies.

use std::time::Duration;

use cos_proto::{
    CopySource, ETag, Error, ErrorKind,
    api::{Conditions, CopyOptions, GetOptions, ObjectOptions},
    op::{self, DownloadOptions},
};

use crate::world::{MIB, OTHER_BUCKET, Way, World, content, key, refusal, region, session};

/// What becomes of a read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Then {
    Holds,
    NotModified,
    Failed,
}

/// The object's tag, and the table of conditions on an object written now.
fn table(world: &mut World, tag: &ETag) -> Vec<(Conditions, Then)> {
    let written = world.now().unix;
    let hour = Duration::from_secs(3600);
    let (before, after) = (written - hour, written + hour);
    // The clock has moved on, so that a date after the write is not in the future.
    world.wait(2 * hour);
    let (right, wrong) = (tag.clone(), ETag::new("0123456789abcdef0123456789abcdef"));
    let new = Conditions::new;
    vec![
        (new(), Then::Holds),
        (new().if_match(right.clone()), Then::Holds),
        (new().if_match(wrong.clone()), Then::Failed),
        (new().if_none_match(wrong.clone()), Then::Holds),
        (new().if_none_match(right.clone()), Then::NotModified),
        (new().if_modified_since(before), Then::Holds),
        (new().if_modified_since(written), Then::NotModified),
        (new().if_modified_since(after), Then::NotModified),
        (new().if_unmodified_since(before), Then::Failed),
        (new().if_unmodified_since(written), Then::Holds),
        (new().if_unmodified_since(after), Then::Holds),
        // A date beside a tag does not count (RFC 9110, 13.2.2).
        (new().if_match(right.clone()).if_unmodified_since(before), Then::Holds),
        (new().if_match(wrong.clone()).if_unmodified_since(after), Then::Failed),
        (new().if_none_match(wrong.clone()).if_modified_since(after), Then::Holds),
        (new().if_none_match(right.clone()).if_modified_since(before), Then::NotModified),
        (new().if_match(right.clone()).if_none_match(right.clone()), Then::NotModified),
        (new().if_match(wrong).if_none_match(right), Then::Failed),
    ]
}

fn check_read(result: Result<(), Error>, then: Then, label: &str) {
    match (result, then) {
        (Ok(()), Then::Holds) => {}
        (Err(error), Then::NotModified) => {
            assert_eq!(error.kind(), &ErrorKind::NotModified, "{label}: {error}");
            assert_eq!(refusal(&error), "304", "{label}");
        }
        (Err(error), Then::Failed) => {
            assert_eq!(error.kind(), &ErrorKind::Changed, "{label}: {error}");
            assert!(refusal(&error).starts_with("412"), "{label}: {error}");
        }
        (result, then) => panic!("{label}: {then:?} but {result:?}"),
    }
}

#[test]
fn a_read_takes_place_if_its_conditions_hold() {
    let mut world = World::new();
    world.put("k", ObjectOptions::new(), content(10));
    let tag = world.head("k").unwrap().etag;
    for (conditions, then) in table(&mut world, &tag) {
        let options = GetOptions::new().conditions(conditions.clone());
        let label = format!("{conditions:?}");
        let head = world.run(op::Head::new(key("k"), options.clone())).map(drop);
        check_read(head, then, &format!("HEAD {label}"));
        let get = world.get("k", options).map(drop);
        check_read(get, then, &format!("GET {label}"));
        let download = DownloadOptions::new().conditions(conditions);
        let (outcome, bytes, _) = world.stream("k", download);
        assert_eq!(bytes.len(), if then == Then::Holds { 10 } else { 0 }, "{label}");
        check_read(outcome.map(drop), then, &format!("streamed GET {label}"));
    }
}

fn check_copy(world: &World, result: Result<(), Error>, then: Then, label: &str) {
    let made = world.emulator.keys(crate::world::BUCKET).contains(&"copy".to_owned());
    match (result, then) {
        (Ok(()), Then::Holds) => assert!(made, "{label}"),
        (Err(error), Then::NotModified | Then::Failed) => {
            assert_eq!(error.kind(), &ErrorKind::Changed, "{label}: {error}");
            assert_eq!(error.path(), Some("source"), "{label}");
            assert!(!made, "{label}");
        }
        (result, then) => panic!("{label}: {then:?} but {result:?}"),
    }
}

#[test]
fn a_copy_takes_place_if_the_conditions_on_its_source_hold() {
    for way in Way::BOTH {
        let mut world = World::new();
        world.put("source", ObjectOptions::new(), content(2 * MIB + 1));
        let tag = world.head("source").unwrap().etag;
        for (conditions, then) in table(&mut world, &tag) {
            let label = format!("{way:?} {conditions:?}");
            let options = CopyOptions::default().conditions(conditions);
            let result = world.copy(key("source"), "copy", options, way).map(drop);
            check_copy(&world, result, then, &label);
            world.run(op::DeleteObject::new(key("copy"), None)).unwrap();
        }
        assert!(world.emulator.open_uploads().is_empty());
    }
}

#[test]
fn conditions_count_also_where_the_caller_describes_the_source() {
    for way in Way::BOTH {
        for foreign in [false, true] {
            let mut world = World::new();
            let home = world.session.clone();
            if foreign {
                world.session = session(OTHER_BUCKET).with_credentials(
                    cos_proto::emulator::Settings::default().credentials[0].clone(),
                );
            }
            world.put("source", ObjectOptions::new(), content(2 * MIB + 1));
            let meta = world.head("source").unwrap();
            world.session = home;
            let mut source = CopySource::new(key("source"));
            if foreign {
                let bucket = cos_proto::Bucket::new(OTHER_BUCKET).unwrap();
                source = source.in_bucket(bucket, region());
            }
            let limits = match way {
                Way::OneCall => op::CopyLimits::default(),
                Way::Parts => op::CopyLimits::new(0, MIB as u64),
            };
            for (conditions, then) in table(&mut world, &meta.etag) {
                let label = format!("{way:?} foreign={foreign} {conditions:?}");
                let options = CopyOptions::default().conditions(conditions);
                let copy = op::Copy::new(source.clone(), key("copy"), options, limits);
                let result = world.run(copy.with_source_meta(meta.clone())).map(drop);
                check_copy(&world, result, then, &label);
                world.run(op::DeleteObject::new(key("copy"), None)).unwrap();
            }
        }
    }
}
