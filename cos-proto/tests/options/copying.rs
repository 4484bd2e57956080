//! Directives, versions and buckets of copies.

use cos_proto::{
    Bucket, CopySource, ErrorKind, Session,
    api::{CopyOptions, MetadataDirective, ObjectOptions, StorageClass},
    emulator::Settings,
    op,
};

use crate::world::{MIB, OTHER_BUCKET, Way, World, content, key, region, session, shown};

/// An object with everything that a copy could take along, or not.
fn source() -> ObjectOptions {
    ObjectOptions::new()
        .metadata("of", "source")
        .and_then(|options| options.content_type("text/source"))
        .and_then(|options| options.cache_control("source"))
        .and_then(|options| options.content_encoding("source"))
        .and_then(|options| options.tag("of", "source"))
        .unwrap()
        .storage_class(StorageClass::COLD)
}

fn own() -> ObjectOptions {
    ObjectOptions::new().metadata("of", "copy").unwrap().storage_class(StorageClass::STANDARD_IA)
}

#[test]
fn metadata_is_the_sources_or_the_options() {
    for way in Way::BOTH {
        let mut world = World::new();
        world.put("source", source(), content(2 * MIB + 1));
        world.copy(key("source"), "copy", CopyOptions::default(), way).unwrap();
        let mut expected = shown(&world.head("source").unwrap());
        // The storage class is never copied.
        expected.insert("x-cos-storage-class".to_owned(), "STANDARD".to_owned());
        assert_eq!(shown(&world.head("copy").unwrap()), expected, "{way:?}");

        let replaced = CopyOptions::new(own(), MetadataDirective::Replaced).unwrap();
        world.copy(key("source"), "copy", replaced, way).unwrap();
        let meta = world.head("copy").unwrap();
        let said: Vec<_> = shown(&meta).into_iter().map(|(k, v)| format!("{k}: {v}")).collect();
        assert_eq!(
            said,
            [
                "content-type: application/octet-stream",
                "x-cos-meta-of: copy",
                "x-cos-storage-class: STANDARD_IA"
            ],
            "{way:?}"
        );
        let refused = CopyOptions::new(own(), MetadataDirective::Copy).unwrap_err();
        assert_eq!(refused.kind(), &ErrorKind::InvalidParameter);
    }
}

#[test]
fn tags_are_the_sources_or_the_options_or_none() {
    let tag = || ObjectOptions::new().tag("of", "copy").unwrap();
    let copied = |object| CopyOptions::new(object, MetadataDirective::Copy).unwrap();
    for (options, way, expected) in [
        (CopyOptions::default(), Way::OneCall, Some("of=source")),
        (copied(tag()), Way::OneCall, Some("of=copy")),
        (copied(tag()), Way::Parts, Some("of=copy")),
        (CopyOptions::default().replace_tags(), Way::OneCall, None),
        (CopyOptions::default().replace_tags(), Way::Parts, None),
        // COS copies no tags part by part, as the operation's documentation says.
        (CopyOptions::default(), Way::Parts, None),
    ] {
        let mut world = World::new();
        world.put("source", source(), content(2 * MIB + 1));
        world.copy(key("source"), "copy", options.clone(), way).unwrap();
        let tags = world.stored("copy", "x-cos-tagging");
        assert_eq!(tags.as_deref(), expected, "{way:?} {:?}", options.tagging());
    }
}

#[test]
fn a_copy_onto_itself_replaces_the_metadata_and_keeps_the_bytes() {
    for way in Way::BOTH {
        let mut world = World::new();
        world.put("k", source(), content(2 * MIB + 1));
        let replaced = CopyOptions::new(own(), MetadataDirective::Replaced).unwrap();
        world.copy(key("k"), "k", replaced, way).unwrap();
        let meta = world.head("k").unwrap();
        assert_eq!(meta.metadata["of"], "copy", "{way:?}");
        assert_eq!(meta.storage_class, StorageClass::STANDARD_IA, "{way:?}");
        assert_eq!(meta.content_headers.get("cache-control"), None, "{way:?}");
        assert_eq!(world.content("k"), content(2 * MIB + 1), "{way:?}");
    }
}

#[test]
fn a_version_of_the_source_is_the_only_one_or_none() {
    for way in Way::BOTH {
        let mut world = World::new();
        world.put("source", source(), content(2 * MIB + 1));
        let version = |id: &str| CopySource::new(key("source")).version(id);
        world.copy(version("null"), "copy", CopyOptions::default(), way).unwrap();
        assert_eq!(world.content("copy"), world.content("source"), "{way:?}");
        let error = world.copy(version("v=1&x"), "no", CopyOptions::default(), way).unwrap_err();
        assert_eq!(error.kind(), &ErrorKind::PathNotFound, "{way:?} {error}");
        assert_eq!(error.path(), Some("source"), "{way:?}");
    }
}

#[test]
fn a_source_in_another_bucket_is_copied_with_what_it_says_of_itself() {
    let credentials = Settings::default().credentials[0].clone();
    let other: Session = session(OTHER_BUCKET).with_credentials(credentials);
    for way in Way::BOTH {
        for name in ["source", "照片 +%/./a//b"] {
            let mut world = World::new();
            let home = std::mem::replace(&mut world.session, other.clone());
            world.put(name, source(), content(2 * MIB + 1));
            let meta = world.head(name).unwrap();
            world.session = home;
            let bucket = Bucket::new(OTHER_BUCKET).unwrap();
            let source = CopySource::new(key(name)).in_bucket(bucket, region());
            let limits = match way {
                Way::OneCall => op::CopyLimits::default(),
                Way::Parts => op::CopyLimits::new(0, MIB as u64),
            };
            let copy =
                || op::Copy::new(source.clone(), key("copy"), CopyOptions::default(), limits);
            let error = world.run(copy()).unwrap_err();
            assert_eq!(error.kind(), &ErrorKind::InvalidParameter, "{error}");
            let outcome = world.run(copy().with_source_meta(meta.clone())).unwrap();
            assert_eq!(outcome.size, meta.size);
            assert_eq!(world.content("copy"), content(2 * MIB + 1), "{way:?} {name}");
            assert_eq!(world.head("copy").unwrap().metadata, meta.metadata);
        }
    }
}
