//! Lists of objects: prefix, delimiter, marker and page size, against a naive model.

use bytes::Bytes;
use cos_proto::{
    CallKind,
    api::{ListOptions, ListUploadsOptions, ListedObject, ListedUpload, UploadsPage},
    op,
};

use crate::world::{BUCKET, World};

/// All pages of a list.
pub(crate) fn pages(world: &mut World, options: ListOptions) -> Vec<cos_proto::api::ListPage> {
    let mut machine = world.machine(op::List::new(options));
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

/// All objects of a list.
pub(crate) fn objects(world: &mut World, options: ListOptions) -> Vec<ListedObject> {
    pages(world, options).into_iter().flat_map(|page| page.objects).collect()
}

/// The keys of a list.
pub(crate) fn names(world: &mut World, options: ListOptions) -> Vec<String> {
    objects(world, options).into_iter().map(|object| object.key.into()).collect()
}

/// All pages of a list of uploads.
pub(crate) fn upload_pages(
    world: &mut World,
    prefix: &str,
    set: impl FnOnce(&mut ListUploadsOptions),
) -> Vec<UploadsPage> {
    let mut options = ListUploadsOptions::new(prefix);
    set(&mut options);
    let mut machine = world.machine(op::ListUploads::new(options));
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

/// All uploads of a list.
pub(crate) fn uploads(
    world: &mut World,
    prefix: &str,
    set: impl FnOnce(&mut ListUploadsOptions),
) -> Vec<ListedUpload> {
    upload_pages(world, prefix, set).into_iter().flat_map(|page| page.uploads).collect()
}

/// What a list holds: keys, and common prefixes marked by a final `…`.
fn model(keys: &[&str], prefix: &str, delimiter: &str, marker: &str) -> Vec<String> {
    let mut entries = Vec::new();
    for key in keys.iter().filter(|key| key.starts_with(prefix) && **key > marker) {
        let rest = &key[prefix.len()..];
        let group = rest.find(delimiter).filter(|_| !delimiter.is_empty());
        let entry = match group {
            Some(at) => format!("{prefix}{}…", &rest[..at + delimiter.len()]),
            None => (*key).to_owned(),
        };
        // A marker that is a common prefix covers everything below it.
        if entry.strip_suffix('…') != Some(marker) && entries.last() != Some(&entry) {
            entries.push(entry);
        }
    }
    entries
}

fn entries(page: &cos_proto::api::ListPage) -> Vec<String> {
    let mut entries: Vec<_> =
        page.objects.iter().map(|object| String::from(object.key.clone())).collect();
    entries.extend(page.common_prefixes.iter().map(|prefix| format!("{prefix}…")));
    entries.sort_by(|a, b| a.trim_end_matches('…').cmp(b.trim_end_matches('…')));
    entries
}

#[test]
fn every_combination_of_options_lists_what_a_naive_model_says() {
    let mut keys = vec![
        "a", "a/", "a/b", "a/b/c", "a/b/d", "a//b", "a+b/c", "a b/c", "a%2Fb", "a&b/c", "b/1",
        "b/2", "b/照/1", "b/照/2", "b/照片", "c", "照/片", "照", "😀/x",
    ];
    keys.sort_unstable();
    let mut world = World::new();
    for key in &keys {
        assert!(world.emulator.put_raw(BUCKET, key, Bytes::new()));
    }
    for prefix in ["", "a", "a/", "a/b", "a/b/", "b/照", "a+", "a%", "照", "nothing", "😀"] {
        for delimiter in ["", "/", "照", "+", "%", "&", " ", "b", "//"] {
            for marker in ["", "a", "a/", "a/b/", "b/照/", "zzz", "照"] {
                for max in [None, Some(1), Some(2), Some(3), Some(1000)] {
                    let label = format!("{prefix:?} {delimiter:?} {marker:?} {max:?}");
                    let mut options = ListOptions::new(prefix).delimiter(delimiter).marker(marker);
                    options.max_keys = max;
                    let pages = pages(&mut world, options);
                    let max = usize::from(max.unwrap_or(1000));
                    let sizes: Vec<_> = pages.iter().map(|page| entries(page).len()).collect();
                    assert!(sizes.iter().all(|size| *size <= max), "{label}: {sizes:?}");
                    let found: Vec<_> = pages.iter().flat_map(entries).collect();
                    assert_eq!(found, model(&keys, prefix, delimiter, marker), "{label}");
                }
            }
        }
    }
}

#[test]
fn a_page_says_whether_there_is_more_and_where_it_begins() {
    let mut world = World::new();
    for key in ["a/1", "a/2", "b"] {
        assert!(world.emulator.put_raw(BUCKET, key, Bytes::from_static(b"xyz")));
    }
    let pages = pages(&mut world, ListOptions::new("").delimiter("/").max_keys(1));
    assert_eq!(pages.len(), 2);
    assert_eq!(pages[0].next_marker.as_deref(), Some("a/"));
    assert!(pages[0].is_truncated && !pages[1].is_truncated);
    assert_eq!(pages[1].next_marker, None);
    let object = &pages[1].objects[0];
    let head = world.head("b").unwrap();
    assert_eq!((object.size, &object.etag), (3, &head.etag));
    assert_eq!(object.last_modified, head.last_modified);
}

#[test]
fn page_sizes_outside_of_cos_s_bounds_are_brought_into_them() {
    let mut world = World::new();
    for number in 0..1001 {
        assert!(world.emulator.put_raw(BUCKET, &format!("{number:04}"), Bytes::new()));
    }
    for (max, requests) in [(None, 2), (Some(1001), 2), (Some(u16::MAX), 2)] {
        world.sent.clear();
        let mut options = ListOptions::new("");
        options.max_keys = max;
        assert_eq!(names(&mut world, options).len(), 1001);
        let sent = world.sent.iter().filter(|sent| sent.call == CallKind::GetBucket).count();
        assert_eq!(sent, requests, "{max:?}");
    }
    assert_eq!(pages(&mut world, ListOptions::new("000").max_keys(0)).len(), 10);
}
