//! Forbidding to overwrite, on every call that can make an object.

use bytes::Bytes;
use cos_proto::{
    CallKind, ErrorKind,
    api::{CopyOptions, MetadataDirective, ObjectOptions, Overwrite},
    op,
};

use crate::world::{BUCKET, MIB, Way, World, content, key};

const WRITERS: [&str; 5] = ["put", "small upload", "upload", "copy", "copy by parts"];

fn write(world: &mut World, writer: &str, overwrite: Overwrite) -> Result<(), cos_proto::Error> {
    let options = ObjectOptions::new().overwrite(overwrite);
    let copy = || CopyOptions::new(options.clone(), MetadataDirective::Copy).unwrap();
    world.emulator.put_raw(BUCKET, "source", content(2 * MIB + 1));
    match writer {
        "put" => {
            world.run(op::Put::new(key("k"), options, "new".to_owned().into(), None)).map(drop)
        }
        "small upload" => world.upload("k", options, content(9)).map(drop),
        "upload" => world.upload("k", options, content(2 * MIB)).map(drop),
        "copy" => world.copy(key("source"), "k", copy(), Way::OneCall).map(drop),
        _ => world.copy(key("source"), "k", copy(), Way::Parts).map(drop),
    }
}

#[test]
fn a_forbidden_overwrite_leaves_the_object_and_nothing_else() {
    for writer in WRITERS {
        let mut world = World::new();
        write(&mut world, writer, Overwrite::Forbid).expect("there is no object yet");
        world.emulator.put_raw(BUCKET, "k", Bytes::from_static(b"old"));
        let error = write(&mut world, writer, Overwrite::Forbid).expect_err(writer);
        assert_eq!(error.kind(), &ErrorKind::AlreadyExists, "{writer}: {error}");
        assert_eq!(error.path(), Some("k"), "{writer}");
        assert_eq!(world.content("k"), "old", "{writer}");
        assert!(world.emulator.open_uploads().is_empty(), "{writer}");
        write(&mut world, writer, Overwrite::Allow).expect(writer);
        assert_ne!(world.content("k"), "old", "{writer}");
    }
}

#[test]
fn an_object_that_appears_during_an_upload_is_not_overwritten_by_its_complete() {
    for writer in ["upload", "copy by parts"] {
        let mut world = World::new();
        world.before(CallKind::CompleteMultipartUpload, |emulator| {
            assert!(emulator.put_raw(BUCKET, "k", Bytes::from_static(b"old")));
        });
        let error = write(&mut world, writer, Overwrite::Forbid).expect_err(writer);
        assert_eq!(error.kind(), &ErrorKind::AlreadyExists, "{writer}: {error}");
        assert_eq!(world.content("k"), "old", "{writer}");
        assert!(world.emulator.open_uploads().is_empty(), "{writer}");
    }
}
