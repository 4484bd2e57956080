//! What an object says of itself: metadata, content headers, storage class, tags.

use cos_proto::{
    CallKind, Presign,
    api::{CopyOptions, GetOptions, MetadataDirective, ObjectOptions, StorageClass, TrafficLimit},
    op::DownloadOptions,
};
use http::Method;

use crate::world::{MIB, Way, World, content, key, shown};

const LIMIT: &str = "x-cos-traffic-limit";

/// How an object comes about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Maker {
    Put,
    /// An upload that is small enough for one request.
    SmallUpload,
    Upload,
    Copy(Way),
}

impl Maker {
    const ALL: [Self; 5] = [
        Self::Put,
        Self::SmallUpload,
        Self::Upload,
        Self::Copy(Way::OneCall),
        Self::Copy(Way::Parts),
    ];

    fn make(self, world: &mut World, options: ObjectOptions) {
        match self {
            Self::Put => world.put("k", options, content(10)),
            Self::SmallUpload => drop(world.upload("k", options, content(10)).unwrap()),
            Self::Upload => drop(world.upload("k", options, content(2 * MIB + 1)).unwrap()),
            Self::Copy(way) => {
                let source = ObjectOptions::new()
                    .metadata("lost", "1")
                    .and_then(|options| options.cache_control("lost"))
                    .and_then(|options| options.tag("lost", "1"))
                    .unwrap()
                    .storage_class(StorageClass::COLD);
                world.put("source", source, content(2 * MIB + 1));
                let options = CopyOptions::new(options, MetadataDirective::Replaced).unwrap();
                world.copy(key("source"), "k", options.replace_tags(), way).unwrap();
            }
        }
    }
}

fn options() -> ObjectOptions {
    ObjectOptions::new()
}

/// The options, and what they make of the headers of an object without any.
fn table() -> Vec<(ObjectOptions, Vec<(&'static str, String)>)> {
    let text = str::to_owned;
    let long = "v".repeat(2036);
    vec![
        (options(), vec![]),
        (
            options()
                .metadata("Author", "A  B; %20+&=\"~")
                .and_then(|options| options.metadata("k-2", ""))
                .unwrap(),
            vec![("x-cos-meta-author", text("A  B; %20+&=\"~")), ("x-cos-meta-k-2", text(""))],
        ),
        (options().metadata("a", &long).unwrap(), vec![("x-cos-meta-a", long)]),
        (
            options().content_type("text/plain; charset=utf-8").unwrap(),
            vec![("content-type", text("text/plain; charset=utf-8"))],
        ),
        (
            options().cache_control("max-age=60").unwrap(),
            vec![("cache-control", text("max-age=60"))],
        ),
        (
            options().content_disposition("attachment; filename*=UTF-8''%E7%85%A7").unwrap(),
            vec![("content-disposition", text("attachment; filename*=UTF-8''%E7%85%A7"))],
        ),
        (options().content_encoding("gzip").unwrap(), vec![("content-encoding", text("gzip"))]),
        (options().content_language("de, en").unwrap(), vec![("content-language", text("de, en"))]),
        (
            options().expires("Sun, 06 Nov 2044 08:49:37 GMT").unwrap(),
            vec![("expires", text("Sun, 06 Nov 2044 08:49:37 GMT"))],
        ),
    ]
}

#[test]
fn metadata_and_content_headers_come_back_however_an_object_was_made() {
    for maker in Maker::ALL {
        for (options, changes) in table() {
            let mut world = World::new();
            let label = format!("{maker:?} {changes:?}");
            maker.make(&mut world, options);
            let mut expected = std::collections::BTreeMap::from([
                ("content-type".to_owned(), "application/octet-stream".to_owned()),
                ("x-cos-storage-class".to_owned(), "STANDARD".to_owned()),
            ]);
            expected.extend(changes.into_iter().map(|(name, value)| (name.to_owned(), value)));
            assert_eq!(shown(&world.head("k").unwrap()), expected, "HEAD {label}");
            let fetched = world.get("k", GetOptions::new()).unwrap();
            assert_eq!(shown(&fetched.meta), expected, "GET {label}");
            let (outcome, bytes, meta) = world.stream("k", DownloadOptions::new());
            assert_eq!(shown(&meta.unwrap()), expected, "streamed GET {label}");
            assert_eq!(outcome.unwrap().delivered, bytes.len() as u64);
            assert_eq!(bytes, fetched.body);
        }
    }
}

#[test]
fn every_storage_class_comes_back_in_head_and_list_and_archives_must_be_restored() {
    let classes = [
        StorageClass::STANDARD,
        StorageClass::STANDARD_IA,
        StorageClass::INTELLIGENT_TIERING,
        StorageClass::ARCHIVE,
        StorageClass::DEEP_ARCHIVE,
        StorageClass::COLD,
        StorageClass::MAZ_STANDARD,
        StorageClass::MAZ_STANDARD_IA,
        StorageClass::MAZ_INTELLIGENT_TIERING,
    ];
    for maker in Maker::ALL {
        for class in classes.clone() {
            let mut world = World::new();
            maker.make(&mut world, options().storage_class(class.clone()));
            assert_eq!(world.head("k").unwrap().storage_class, class, "{maker:?}");
            let listed = crate::listing::objects(&mut world, cos_proto::api::ListOptions::new("k"));
            assert_eq!(listed[0].storage_class, class, "{maker:?}");
            let frozen = [StorageClass::ARCHIVE, StorageClass::DEEP_ARCHIVE].contains(&class);
            match world.get("k", GetOptions::new()) {
                Ok(fetched) => assert!(!frozen && fetched.meta.storage_class == class, "{class}"),
                Err(error) => assert!(frozen && error.code() == Some("InvalidObjectState")),
            }
        }
    }
}

#[test]
fn tags_come_back_however_an_object_was_made() {
    let long = ("k".repeat(127), "v".repeat(255));
    let ten: Vec<(String, String)> =
        (0..10).map(|number| (format!("k{number}"), format!("v{number}"))).collect();
    let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    let sets = [
        vec![],
        vec![pair("a", "")],
        vec![pair("a b+c", "d&e=f%20"), pair("照片", "<腾讯 云>")],
        vec![long],
        ten,
    ];
    for maker in Maker::ALL {
        for tags in &sets {
            let mut world = World::new();
            let with_tags = tags.iter().try_fold(options(), |options, (k, v)| options.tag(k, v));
            maker.make(&mut world, with_tags.unwrap());
            let got =
                world.presigned(&Presign::new(Method::GET, key("k")).query("tagging", ""), "");
            if tags.is_empty() {
                assert_eq!(got.outcome(), "404 NoSuchTagSet", "{maker:?}");
                continue;
            }
            let values = got.text().replace("<Value/>", "<Value></Value>");
            let got = crate::world::Got { body: values.into(), ..got };
            let found: Vec<_> =
                got.elements("Key").into_iter().zip(got.elements("Value")).collect();
            let unescaped: Vec<_> =
                found.into_iter().map(|(k, v)| (k, v.replace("&gt;", ">"))).collect();
            assert_eq!(unescaped, *tags, "{maker:?}");
        }
    }
}

#[test]
fn the_traffic_limit_goes_with_the_requests_that_carry_bytes() {
    let limit = TrafficLimit::new(819_200).unwrap();
    let mut world = World::new();
    world.put("k", options().traffic_limit(limit), content(10));
    world.get("k", GetOptions::new().traffic_limit(limit)).unwrap();
    let (outcome, ..) = world.stream("k", DownloadOptions::new().traffic_limit(limit));
    outcome.unwrap();
    world.upload("k", options().traffic_limit(limit), content(2 * MIB + 1)).unwrap();
    for (call, count) in
        [(CallKind::PutObject, 1), (CallKind::GetObject, 2), (CallKind::UploadPart, 3)]
    {
        assert_eq!(world.sent_headers(call, LIMIT), vec![Some("819200"); count], "{call:?}");
    }
    for call in [CallKind::InitiateMultipartUpload, CallKind::CompleteMultipartUpload] {
        assert_eq!(world.sent_headers(call, LIMIT), [None], "{call:?}");
    }
}
