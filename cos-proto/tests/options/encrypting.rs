//! Server-side encryption: what the service says of it, and who can read.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use cos_proto::{
    ErrorKind,
    api::{CopyOptions, Encryption, GetOptions, MetadataDirective, ObjectOptions, SseC, SseKms},
    op,
};

use crate::world::{MIB, Way, World, content, key, refusal, upload_options};

const SSE: &str = "x-cos-server-side-encryption";
const KEY_ID: &str = "x-cos-server-side-encryption-cos-kms-key-id";
const CONTEXT: &str = "x-cos-server-side-encryption-context";

fn with(encryption: Encryption) -> ObjectOptions {
    ObjectOptions::new().encryption(encryption)
}

fn copied(encryption: Encryption) -> CopyOptions {
    CopyOptions::new(with(encryption), MetadataDirective::Copy).unwrap()
}

fn sse_c(byte: u8) -> SseC {
    SseC::new([byte; 32])
}

#[test]
fn sse_cos_and_sse_kms_are_said_by_every_object_made_so() {
    let kms = SseKms::new().key_id("my-key").unwrap().context("{\"project\":\"照\"}").unwrap();
    let table = [
        (Encryption::None, None, None, None),
        (Encryption::SseCos, Some("AES256"), None, None),
        (Encryption::SseKms(SseKms::new()), Some("cos/kms"), None, None),
        (
            Encryption::SseKms(kms),
            Some("cos/kms"),
            Some("my-key"),
            Some(BASE64_STANDARD.encode("{\"project\":\"照\"}")),
        ),
    ];
    for (encryption, sse, key_id, context) in table {
        let mut world = World::new();
        world.put("put", with(encryption.clone()), content(10));
        world.upload("small", with(encryption.clone()), content(10)).unwrap();
        world.upload("upload", with(encryption.clone()), content(2 * MIB)).unwrap();
        world.copy(key("put"), "copy", copied(encryption.clone()), Way::OneCall).unwrap();
        world.copy(key("put"), "parts", copied(encryption.clone()), Way::Parts).unwrap();
        for name in ["put", "small", "upload", "copy", "parts"] {
            let head = world.head(name).unwrap();
            let get = world.get(name, GetOptions::new()).unwrap().meta;
            for meta in [head, get] {
                let said = |header: &str| meta.encryption.get(header).map(String::as_str);
                assert_eq!((said(SSE), said(KEY_ID)), (sse, key_id), "{name} {encryption:?}");
            }
            // The service shows the context to nobody.
            assert_eq!(world.stored(name, CONTEXT), context, "{name} {encryption:?}");
        }
    }
}

#[test]
fn a_copy_has_the_encryption_of_its_options_not_of_its_source() {
    for way in Way::BOTH {
        let mut world = World::new();
        world.put("source", with(Encryption::SseCos), content(10));
        world.copy(key("source"), "copy", CopyOptions::default(), way).unwrap();
        assert!(world.head("copy").unwrap().encryption.is_empty(), "{way:?}");
    }
}

/// The three ways to read an object give its bytes to who has the key, and only to them.
fn assert_only_readable_with(world: &mut World, name: &str, right: &SseC) {
    for (given, outcome) in [
        (Some(right.clone()), Ok(())),
        (Some(sse_c(99)), Err("403 AccessDenied")),
        (None, Err("400 InvalidRequest")),
    ] {
        let options = GetOptions::new();
        let options = given.clone().map_or(options.clone(), |key| options.clone().sse_c(key));
        let fetched = world.get(name, options.clone());
        let head = world.run(op::Head::new(key(name), options));
        let download = op::DownloadOptions::new();
        let download = given.map_or(download.clone(), |key| download.clone().sse_c(key));
        let (streamed, bytes, _) = world.stream(name, download);
        match outcome {
            Ok(()) => {
                assert_eq!(fetched.unwrap().body, world.content(name), "{name}");
                assert_eq!(bytes, world.content(name), "{name}");
                assert!(streamed.is_ok());
                let said = head.unwrap().encryption;
                assert_eq!(said[&format!("{SSE}-customer-algorithm")], "AES256");
                assert!(said.keys().all(|name| !name.ends_with("-key")), "{said:?}");
            }
            Err(refused) => {
                assert_eq!(refusal(&fetched.unwrap_err()), refused, "{name}");
                assert_eq!(refusal(&streamed.unwrap_err()), refused, "{name}");
                assert!(bytes.is_empty());
                // A HEAD has no body to say why.
                assert_eq!(refusal(&head.unwrap_err()), refused[..3], "{name}");
            }
        }
    }
}

#[test]
fn objects_under_sse_c_are_read_with_their_key_only() {
    let mut world = World::new();
    let right = Encryption::SseC(sse_c(1));
    world.put("put", with(right.clone()), content(10));
    world.upload("small", with(right.clone()), content(10)).unwrap();
    world.upload("upload", with(right.clone()), content(2 * MIB + 1)).unwrap();
    world.put("plain", ObjectOptions::new(), content(2 * MIB + 1));
    world.copy(key("plain"), "copy", copied(right.clone()), Way::OneCall).unwrap();
    world.copy(key("plain"), "parts", copied(right), Way::Parts).unwrap();
    for name in ["put", "small", "upload", "copy", "parts"] {
        assert_only_readable_with(&mut world, name, &sse_c(1));
    }
    let error = world.get("plain", GetOptions::new().sse_c(sse_c(1))).unwrap_err();
    assert_eq!(refusal(&error), "400 InvalidRequest");
}

#[test]
fn a_source_under_sse_c_is_copied_with_its_key_only() {
    for way in Way::BOTH {
        let mut world = World::new();
        world.put("source", with(Encryption::SseC(sse_c(1))), content(2 * MIB + 1));
        for (to, readable_with) in
            [(Encryption::None, None), (Encryption::SseC(sse_c(2)), Some(sse_c(2)))]
        {
            let right = copied(to.clone()).source_sse_c(sse_c(1));
            world.copy(key("source"), "copy", right, way).unwrap();
            assert_eq!(world.content("copy"), world.content("source"));
            match readable_with {
                Some(key) => assert_only_readable_with(&mut world, "copy", &key),
                None => assert!(world.get("copy", GetOptions::new()).is_ok(), "{way:?}"),
            }
        }
        for options in [
            copied(Encryption::None).source_sse_c(sse_c(2)),
            copied(Encryption::None),
            copied(Encryption::SseC(sse_c(1))),
        ] {
            let error = world.copy(key("source"), "no", options, way).unwrap_err();
            assert_eq!(error.path(), Some("source"), "{way:?} {error}");
            assert!(world.emulator.object(crate::world::BUCKET, "no").is_none());
        }
    }
}

#[test]
fn a_move_within_sse_c_needs_the_sources_key_also_onto_itself() {
    let mut world = World::new();
    world.put("a", with(Encryption::SseC(sse_c(1))), content(10));
    let options = copied(Encryption::SseC(sse_c(1))).source_sse_c(sse_c(1));
    let limits = op::CopyLimits::default();
    for (from, to) in [("a", "a"), ("a", "b")] {
        world.run(op::Move::new(key(from), key(to), options.clone(), limits)).unwrap();
        assert_only_readable_with(&mut world, to, &sse_c(1));
    }
    assert!(world.head("a").is_err());
}

#[test]
fn a_writer_under_sse_c_is_closed_resumed_and_committed_with_its_record() {
    use cos_proto::op::{Append, Upload};
    let options = || upload_options(with(Encryption::SseC(sse_c(1))));
    let mut world = World::new();
    let content = content(3 * MIB);
    for (append, at) in [(Append::No, 0), (Append::Yes, 1), (Append::Yes, 2)] {
        let upload = Upload::with_record(key("k"), append, options()).unwrap();
        let mut machine = world.machine(upload);
        assert!(world.drive(&mut machine).is_none());
        let mut rest = bytes::Bytes::copy_from_slice(&content[at * MIB..(at + 1) * MIB]);
        while !rest.is_empty() {
            rest = machine.operation_mut().push(rest);
            assert!(world.drive(&mut machine).is_none());
        }
        if at == 2 {
            machine.operation_mut().commit().unwrap();
        } else {
            machine.operation_mut().close().unwrap();
        }
        world.drive(&mut machine).unwrap().unwrap();
    }
    assert_eq!(world.content("k"), content);
    assert_eq!(world.emulator.keys(crate::world::BUCKET), ["k"]);
    assert_only_readable_with(&mut world, "k", &sse_c(1));
}

#[test]
fn sse_c_without_tls_is_refused() {
    let bucket = cos_proto::Bucket::new(crate::world::BUCKET).unwrap();
    let region = crate::world::region();
    let endpoint = cos_proto::Endpoint::of(&bucket, &region, false);
    let mut world = World::new();
    world.session = cos_proto::Session::new(bucket, region, endpoint)
        .with_credentials(cos_proto::emulator::Settings::default().credentials[0].clone());
    let options = with(Encryption::SseC(sse_c(1)));
    let error = world.run(op::Put::new(key("k"), options, "x".to_owned().into(), None));
    let error = error.unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::Service);
    assert!(error.to_string().contains("HTTPS"), "{error}");
}
