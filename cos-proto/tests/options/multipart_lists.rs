//! Lists of unfinished uploads and of their parts.

use std::time::Duration;

use cos_proto::{ErrorKind, PartNumber, Presign, UploadId, api::PartsPage, op};
use http::Method;

use crate::{
    keys::begin,
    listing::{upload_pages, uploads},
    world::{World, key},
};

#[test]
fn uploads_are_listed_by_prefix_and_delimiter() {
    let mut world = World::new();
    for name in ["a/1", "a/2", "a+b/1", "b", "照/1"] {
        begin(&mut world, name);
    }
    for (prefix, delimiter, keys, prefixes) in [
        ("", None, vec!["a+b/1", "a/1", "a/2", "b", "照/1"], vec![]),
        ("a", None, vec!["a+b/1", "a/1", "a/2"], vec![]),
        ("", Some("/"), vec!["b"], vec!["a+b/", "a/", "照/"]),
        ("a/", Some("/"), vec!["a/1", "a/2"], vec![]),
        ("a", Some("+"), vec!["a/1", "a/2"], vec!["a+"]),
        ("nothing", None, vec![], vec![]),
    ] {
        for max in [None, Some(1), Some(2)] {
            let label = format!("{prefix:?} {delimiter:?} {max:?}");
            let pages = upload_pages(&mut world, prefix, |options| {
                options.delimiter = delimiter.map(str::to_owned);
                options.max_uploads = max;
            });
            let found: Vec<_> =
                pages.iter().flat_map(|page| &page.uploads).map(|upload| &*upload.key).collect();
            assert_eq!(found, keys, "{label}");
            let found: Vec<_> = pages.iter().flat_map(|page| &page.common_prefixes).collect();
            assert_eq!(found, prefixes, "{label}");
            for page in &pages {
                let size = page.uploads.len() + page.common_prefixes.len();
                assert!(size <= usize::from(max.unwrap_or(1000)), "{label}");
            }
        }
    }
}

#[test]
fn a_list_of_uploads_may_begin_below_a_common_prefix() {
    let mut world = World::new();
    for name in ["a/1", "a/2", "b/1", "c"] {
        begin(&mut world, name);
    }
    for max in [None, Some(1), Some(2)] {
        let pages = upload_pages(&mut world, "", |options| {
            options.delimiter = Some("/".to_owned());
            "a/1".clone_into(&mut options.key_marker);
            options.max_uploads = max;
        });
        let found: Vec<_> = pages.iter().flat_map(|page| &page.common_prefixes).collect();
        assert_eq!(found, ["a/", "b/"], "{max:?}");
        assert_eq!(pages.iter().flat_map(|page| &page.uploads).count(), 1, "{max:?}");
    }
}

#[test]
fn uploads_of_one_key_are_paged_by_their_ids() {
    let mut world = World::new();
    let mut ids: Vec<_> = (0..5).map(|_| begin(&mut world, "k")).collect();
    let later = begin(&mut world, "l");
    ids.sort();
    for max in [1, 2, 3, 1000] {
        let found = uploads(&mut world, "", |options| options.max_uploads = Some(max));
        let found: Vec<_> = found.into_iter().map(|upload| upload.upload_id).collect();
        assert_eq!(found, [&ids[..], std::slice::from_ref(&later)].concat(), "{max}");
    }
    let after = |world: &mut World, key: &str, id: Option<&UploadId>| -> Vec<UploadId> {
        let found = uploads(world, "", |options| {
            key.clone_into(&mut options.key_marker);
            options.upload_id_marker = id.cloned();
        });
        found.into_iter().map(|upload| upload.upload_id).collect()
    };
    assert_eq!(after(&mut world, "k", None), std::slice::from_ref(&later));
    assert_eq!(after(&mut world, "k", Some(&ids[3])), [ids[4].clone(), later.clone()]);
    assert_eq!(after(&mut world, "l", Some(&later)), []);
    // COS ignores an id without a key.
    assert_eq!(after(&mut world, "", Some(&ids[4])).len(), 6);
}

#[test]
fn uploads_say_when_they_were_begun() {
    let mut world = World::new();
    world.wait(Duration::from_secs(77));
    let begun = world.now().unix;
    begin(&mut world, "k");
    world.wait(Duration::from_secs(7));
    assert_eq!(uploads(&mut world, "", |_| ())[0].initiated, Some(begun));
}

fn parts(world: &mut World, list: op::ListParts) -> Vec<PartsPage> {
    let mut machine = world.machine(list);
    let mut pages = Vec::new();
    loop {
        let end = world.drive(&mut machine);
        pages.extend(machine.operation_mut().take_page());
        if let Some(result) = end {
            result.unwrap();
            return pages;
        }
    }
}

#[test]
fn parts_are_paged_by_their_numbers_with_sizes_and_tags() {
    let mut world = World::new();
    let upload = begin(&mut world, "k/照 +");
    let mut tags = Vec::new();
    for number in 1..=1001_u16 {
        let presign = Presign::new(Method::PUT, key("k/照 +"))
            .query("partNumber", number.to_string())
            .query("uploadId", upload.as_str());
        let got = world.presigned(&presign, &"x".repeat(usize::from(number % 7)));
        assert_eq!(got.status, 200);
        tags.push(cos_proto::ETag::new(got.header("etag").unwrap()));
    }
    let list = || op::ListParts::new(key("k/照 +"), upload.clone());
    let pages = parts(&mut world, list());
    assert_eq!(pages.iter().map(|page| page.parts.len()).collect::<Vec<_>>(), [1000, 1]);
    assert_eq!(pages[0].next_marker, PartNumber::new(1000));
    for (part, number) in pages.iter().flat_map(|page| &page.parts).zip(1..) {
        assert_eq!(part.number.get(), number);
        assert_eq!(part.size, u64::from(number % 7));
        assert_eq!(part.etag, tags[usize::from(number) - 1]);
        assert_eq!(part.last_modified, Some(world.now().unix));
    }
    for (after, left) in [(1, 1000), (999, 2), (1000, 1), (1001, 0), (10_000, 0)] {
        let pages = parts(&mut world, list().after(PartNumber::new(after).unwrap()));
        let numbers: Vec<_> =
            pages.iter().flat_map(|page| &page.parts).map(|part| part.number.get()).collect();
        assert_eq!(numbers, (after + 1..=1001).take(left).collect::<Vec<_>>(), "{after}");
    }
    let unknown = op::ListParts::new(key("other"), upload);
    let error = world.run(unknown).unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::UploadLost, "{error}");
}
