//! Keys of every kind that COS allows, through every call that names one.

use bytes::Bytes;
use cos_proto::{
    CopySource, Presign, UploadId,
    api::{CopyOptions, GetOptions, ListOptions, ObjectOptions},
    op::{self, DownloadOptions},
};
use http::Method;

use crate::{
    listing::{names, uploads},
    world::{BUCKET, MIB, Way, World, content, key},
};

/// In the order of their bytes.
pub(crate) fn special() -> Vec<String> {
    let mut keys: Vec<String> = [
        "照片/腾讯 云.jpg",
        "emoji😀",
        "e\u{301}",
        "é",
        "no character\u{fffe}\u{ffff}",
        "lines\u{85}\u{2028}",
        " leading and trailing ",
        "plus+plus++",
        "per%cent%20%zz%",
        "amp&amp;<a>\"b'",
        "]]>",
        "query?a=b&c#d",
        "marks;:@=,$!*'()[]{}|^`",
        "tilde~upload",
        "back\\slash",
        "control\0\u{1}\u{8}\u{17}\u{1c}\u{1f}\u{7f}",
        "tab\tfeed\nreturn\r",
        "double//slash",
        "many////slashes//",
        "./dot",
        "a/./dot",
        "a/../dots",
        "a/.../dots",
        "..dots",
        "dot.",
        "dots/../../..x",
        "folder/",
        "folder//",
        "acl",
        "a?uploads",
    ]
    .map(str::to_owned)
    .into();
    keys.push("l".repeat(850));
    keys.push(format!("{}x", "长".repeat(283)));
    keys.push("/%".repeat(425).replacen('/', "s", 1));
    keys.sort();
    keys
}

#[test]
fn every_call_on_one_object_takes_every_key() {
    for name in special() {
        let mut world = World::new();
        let (shown, body) = (format!("{name:.60?}"), content(1000));
        world.put(&name, ObjectOptions::new(), body.clone());
        assert_eq!(world.emulator.keys(BUCKET), [&*name]);
        assert_eq!(world.head(&name).expect(&shown).size, 1000);
        assert_eq!(world.get(&name, GetOptions::new()).expect(&shown).body, body);
        assert_eq!(world.stream(&name, DownloadOptions::new()).1, body, "{shown}");
        let stat = world.run(op::Stat::new(Some(key(&name)), format!("{name}/"))).expect(&shown);
        assert_eq!((stat.size, stat.is_dir), (1000, false), "{shown}");
        let got = world.presigned(&Presign::new(Method::GET, key(&name)), "");
        assert_eq!((got.status, &got.body[..]), (200, &body[..]), "{shown}");
        let got = world.presigned(&Presign::new(Method::PUT, key(&name)), "new");
        assert_eq!((got.status, world.content(&name)), (200, Bytes::from("new")), "{shown}");
        world.run(op::DeleteObject::new(key(&name), None)).expect(&shown);
        assert!(world.emulator.keys(BUCKET).is_empty(), "{shown}");
    }
}

#[test]
fn uploads_and_copies_take_every_key_on_both_sides() {
    for name in special() {
        let mut world = World::new();
        let (shown, body) = (format!("{name:.60?}"), content(MIB + 1));
        world.upload(&name, ObjectOptions::new(), body.clone()).expect(&shown);
        assert_eq!(world.content(&name), body, "{shown}");
        for way in Way::BOTH {
            let source = CopySource::new(key(&name)).version("null");
            world.copy(source, "target", CopyOptions::default(), way).expect(&shown);
            assert_eq!(world.content("target"), body, "{shown} {way:?}");
            world.run(op::DeleteObject::new(key(&name), None)).expect(&shown);
            world.copy(key("target"), &name, CopyOptions::default(), way).expect(&shown);
            assert_eq!(world.content(&name), body, "{shown} {way:?}");
        }
        let limits = op::CopyLimits::default();
        world
            .run(op::Move::new(key(&name), key("moved"), CopyOptions::default(), limits))
            .expect(&shown);
        assert_eq!(world.emulator.keys(BUCKET), ["moved", "target"], "{shown}");
    }
}

#[test]
fn lists_show_every_key_and_take_it_as_prefix_and_marker() {
    let mut world = World::new();
    let all = special();
    for name in &all {
        assert!(world.emulator.put_raw(BUCKET, name, Bytes::new()));
    }
    for max in [1, 2, 1000] {
        assert_eq!(names(&mut world, ListOptions::new("").max_keys(max)), all, "{max}");
    }
    for (index, name) in all.iter().enumerate() {
        let expected: Vec<_> = all.iter().filter(|other| other.starts_with(name)).collect();
        let found = names(&mut world, ListOptions::new(name).max_keys(1));
        assert_eq!(found.iter().collect::<Vec<_>>(), expected, "prefix {name:.60?}");
        let found = names(&mut world, ListOptions::new("").marker(name));
        assert_eq!(found, all[index + 1..], "marker {name:.60?}");
    }
}

#[test]
fn unfinished_uploads_are_begun_listed_and_aborted_under_every_key() {
    let mut world = World::new();
    let all = special();
    for name in &all {
        begin(&mut world, name);
    }
    for max in [1, 1000] {
        let found = uploads(&mut world, "", |options| options.max_uploads = Some(max));
        assert_eq!(found.iter().map(|upload| &*upload.key).collect::<Vec<_>>(), all, "{max}");
    }
    for name in &all {
        let found = uploads(&mut world, name, |_| ());
        let upload = found.into_iter().find(|upload| upload.key == *name).expect(name);
        let aborted = world.run(op::AbortUpload::new(key(name), upload.upload_id)).unwrap();
        assert_eq!(aborted, op::AbortOutcome::Aborted);
    }
    assert!(world.emulator.open_uploads().is_empty());
}

#[test]
fn many_keys_of_every_kind_are_deleted_at_once_and_no_others() {
    let mut world = World::new();
    let all = special();
    for name in &all {
        assert!(world.emulator.put_raw(BUCKET, name, Bytes::new()));
        if name.len() < 850 {
            // What a careless encoding could mistake for it.
            assert!(world.emulator.put_raw(BUCKET, &format!("{name}~"), Bytes::new()));
        }
    }
    let spared: Vec<_> = world.emulator.keys(BUCKET);
    let spared: Vec<_> = spared.into_iter().filter(|name| !all.contains(name)).collect();
    let absent = ["absent".to_owned()];
    let count = world.run(op::DeleteKeys::new(all.iter().chain(&absent).map(|name| key(name))));
    assert_eq!(count.unwrap().keys, all.len() as u64 + 1);
    assert_eq!(world.emulator.keys(BUCKET), spared);
}

#[test]
fn keys_that_cos_forbids_are_refused_before_anything_is_sent() {
    let long = "l".repeat(851);
    for name in ["", "/a", "\\a", "a\u{18}", "a\u{1b}", ".", "..", "a/..", "./", &long] {
        let error = cos_proto::Key::new(name).expect_err(name);
        assert_eq!(error.kind(), &cos_proto::ErrorKind::InvalidPath, "{name:?}");
    }
}

/// Begins an upload as a plain HTTP client does.
pub(crate) fn begin(world: &mut World, name: &str) -> UploadId {
    let got = world.presigned(&Presign::new(Method::POST, key(name)).query("uploads", ""), "");
    UploadId::new(&got.elements("UploadId")[0]).unwrap()
}
