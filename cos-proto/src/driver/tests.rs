//! What the façade checks, names and passes on.

use std::{num::NonZeroUsize, time::Duration};

use super::*;
use crate::{
    Bucket, Credentials, Endpoint, Next, Operation as _, Region, RootDirectory, Verification,
    api::{ObjectOptions, StorageClass},
    op::{
        UploadState,
        test_store::{Effect, Store},
    },
};

const ROOTS: [&str; 4] = ["", "/", "registry", "/a//b/"];

fn driver_in(root: &str) -> Driver {
    let settings = DriverSettings {
        root_directory: RootDirectory::new(root).expect(root),
        object_options: ObjectOptions::new().storage_class(StorageClass::STANDARD_IA),
        ..DriverSettings::default()
    };
    Driver::with_settings(session(), settings)
}

fn session() -> Session {
    let bucket = Bucket::new("examplebucket-1250000000").expect("bucket");
    let region = Region::new("ap-guangzhou").expect("region");
    let endpoint = Endpoint::of(&bucket, &region, true);
    Session::new(bucket, region, endpoint).with_credentials(Credentials::new("AKIDx", "secret"))
}

/// The refusal of each method that does not take the root, by name.
fn refusals(driver: &Driver, path: &str) -> Vec<(&'static str, Error)> {
    let now = UnixTime::from_secs(0);
    vec![
        ("get_content", driver.get_content(path).map(drop).expect_err(path)),
        ("put_content", driver.put_content(path, "x").map(drop).expect_err(path)),
        ("reader", driver.reader(path, 0).map(drop).expect_err(path)),
        ("writer", driver.writer(path, Append::No).map(drop).expect_err(path)),
        ("rename from", driver.rename(path, "/b").map(drop).expect_err(path)),
        ("rename to", driver.rename("/a", path).map(drop).expect_err(path)),
        ("delete", driver.delete(Ticks::ZERO, path).map(drop).expect_err(path)),
        ("redirect", driver.redirect_url(now, &Method::GET, path, None).map(drop).expect_err(path)),
        // The path is checked before the method.
        ("redirect", driver.redirect_url(now, &Method::PUT, path, None).map(drop).expect_err(path)),
    ]
}

fn assert_invalid_path(name: &str, error: &Error, path: &str) {
    assert_eq!(error.kind(), &ErrorKind::InvalidPath, "{name} {path:?}");
    assert_eq!(error.path(), Some(path), "{name}: the caller's path");
    assert_eq!(error.driver(), Some(NAME), "{name}");
    assert!(error.to_string().starts_with("cos: invalid path"), "{name}: {error}");
}

#[test]
fn invalid_paths_are_refused_by_every_method_and_named_as_given() {
    for root in ROOTS {
        let driver = driver_in(root);
        for path in
            ["", "/", "abc", "123.abc", "//bcd", "/abc_123/", "/path/is/invalid*", "/a b", "/é"]
        {
            for (name, error) in refusals(&driver, path) {
                assert_invalid_path(name, &error, path);
            }
            if path != "/" {
                for (name, error) in [
                    ("stat", driver.stat(path).map(drop).expect_err(path)),
                    ("list", driver.list(path).map(drop).expect_err(path)),
                    ("walk", driver.walk(path, &WalkOptions::default()).map(drop).expect_err(path)),
                ] {
                    assert_invalid_path(name, &error, path);
                }
            }
        }
        driver.stat("/").expect("stat of the root");
        driver.list("/").expect("list of the root");
        driver.walk("/", &WalkOptions::default()).expect("walk of the root");
    }
}

#[test]
fn the_offset_is_checked_before_the_path_and_the_source_before_the_destination() {
    let driver = driver_in("registry");
    for path in ["/a", "not a path"] {
        let error = driver.reader(path, -1).map(drop).expect_err("negative");
        assert_eq!(error.kind(), &ErrorKind::InvalidOffset { offset: -1 });
        assert_eq!((error.path(), error.driver()), (Some(path), Some(NAME)));
        assert!(error.to_string().starts_with("cos: invalid offset: -1 for path"), "{error}");
    }
    let error = driver.rename("bad source", "bad destination").map(drop).expect_err("both");
    assert_eq!(error.path(), Some("bad source"));
    let error = driver.rename("/a", "bad destination").map(drop).expect_err("one");
    assert_eq!(error.path(), Some("bad destination"));
}

#[test]
fn an_operations_error_names_the_driver_and_the_callers_path() {
    for root in ROOTS {
        let driver = driver_in(root);
        let mut store = Store::new();
        for (path, error) in [
            ("/no", store.run(driver.get_content("/no").expect("path"), 1).map(drop)),
            ("/no/x", store.run(driver.stat("/no/x").expect("path"), 1).map(drop)),
            ("/no", store.run(driver.list("/no").expect("path"), 1).map(drop)),
            ("/no", store.run(driver.delete(Ticks::ZERO, "/no").expect("path"), 9).map(drop)),
            ("/no", store.run(driver.rename("/no", "/to").expect("path"), 9).map(drop)),
            ("/no", store.run(driver.rename("/no", "/no").expect("path"), 9).map(drop)),
        ] {
            let error = driver.error(path, error.expect_err("missing"));
            assert_eq!(error.kind(), &ErrorKind::PathNotFound, "{root} {path}");
            assert_eq!((error.path(), error.driver()), (Some(path), Some(NAME)), "{root}");
            let text = error.to_string();
            assert!(text.starts_with(&format!("cos: path not found: {path}")), "{text}");
            assert_eq!(driver.error("/other", error).to_string(), text, "named once");
        }
    }
}

#[test]
fn an_error_about_the_destination_or_a_record_names_a_path() {
    let driver = driver_in("registry");
    let key = |path: &str| format!("registry{path}");
    let mut store = Store::new().with(&key("/a"), "x").fault(
        "PutObjectCopy",
        9,
        Effect::Refuse(403, "AccessDenied"),
    );
    let error = store.run(driver.rename("/a", "/b").expect("paths"), 1).expect_err("denied");
    assert_eq!(driver.error("/a", error).path(), Some("/b"));
    let about_record = Error::new(ErrorKind::Service, "").at(key("/a~upload"));
    assert_eq!(driver.error("/a", about_record).path(), Some("/a"));
    let about_nothing = Error::new(ErrorKind::Transport, "");
    assert_eq!(driver.error("/a", about_nothing).path(), Some("/a"));
}

#[test]
fn keys_have_the_root_directory_exactly_once() {
    for (root, key) in
        [("", "x/y"), ("/", "x/y"), ("registry", "registry/x/y"), ("/a//b/", "a/b/x/y")]
    {
        let driver = driver_in(root);
        let mut store = Store::new();
        store.run(driver.put_content("/x/y", "content").expect("path"), 1).expect("put");
        assert_eq!(store.keys(), [key]);
        assert_eq!(store.objects[key].headers["x-cos-storage-class"], "STANDARD_IA");
        let fetched = store.run(driver.get_content("/x/y").expect("path"), 1).expect("got");
        assert_eq!(
            (&*fetched.body, fetched.verification),
            (&b"content"[..], Verification::Verified)
        );
        let info = store.run(driver.stat("/x").expect("path"), 1).expect("stat");
        let info = driver.file_info("/x", &info);
        assert_eq!((&*info.path, info.is_dir, info.size), ("/x", true, 0));
        let info = store.run(driver.stat("/x/y").expect("path"), 1).expect("stat");
        assert_eq!((info.is_dir, info.size), (false, 7));
        assert_eq!(store.run(driver.list("/x").expect("path"), 1).expect("list"), ["/x/y"]);
        store.run(driver.rename("/x/y", "/z").expect("paths"), 1).expect("moved");
        assert_eq!(
            store.objects.values().next().expect("z").headers["x-cos-storage-class"],
            "STANDARD_IA"
        );
        store.run(driver.delete(Ticks::ZERO, "/z").expect("path"), 9).expect("deleted");
        assert!(store.objects.is_empty());
    }
}

#[test]
fn a_path_too_long_for_its_resume_record_has_no_writer() {
    let driver = driver_in("");
    let path = format!("/{}", "p".repeat(845));
    driver.get_content(&path).expect("a key");
    let error = driver.writer(&path, Append::No).map(drop).expect_err("record");
    assert_invalid_path("writer", &error, &path);
}

#[test]
fn redirects_are_signed_for_get_or_head_and_nothing_else() {
    let now = UnixTime::from_secs(1_700_000_000);
    let driver = driver_in("registry");
    let url = |method: &Method, expires| driver.redirect_url(now, method, "/a", expires);
    let get = url(&Method::GET, None).expect("url").expect("for GET");
    let head = url(&Method::HEAD, None).expect("url").expect("for HEAD");
    assert_ne!(get.as_str(), head.as_str());
    let base = "https://examplebucket-1250000000.cos.ap-guangzhou.myqcloud.com/registry/a?";
    assert!(get.as_str().starts_with(base), "{}", get.as_str());
    assert_eq!(get.expires(), now + Duration::from_secs(1200));
    let short = url(&Method::GET, Some(Duration::from_secs(60))).expect("url").expect("for GET");
    assert_eq!(short.expires(), now + Duration::from_secs(60));
    for method in [Method::PUT, Method::POST, Method::DELETE, Method::OPTIONS] {
        assert_eq!(url(&method, None).expect("no error"), None, "{method}");
    }
    let error = url(&Method::GET, Some(Duration::ZERO)).expect_err("no time");
    assert_eq!((error.kind(), error.driver()), (&ErrorKind::InvalidParameter, Some(NAME)));
}

#[test]
fn redirects_go_to_the_redirect_endpoint() {
    let session = session().with_redirect("https://cdn.example.com".parse().expect("endpoint"));
    let driver = Driver::with_settings(session, DriverSettings::default());
    let url = driver.redirect_url(UnixTime::from_secs(0), &Method::GET, "/a", None);
    let url = url.expect("url").expect("for GET");
    assert!(url.as_str().starts_with("https://cdn.example.com/a?"), "{}", url.as_str());
}

#[test]
fn policies_leave_a_permit_beside_bulk_calls() {
    for (permits, copies, bulk, copy) in
        [(1, 10, 1, 1), (2, 10, 1, 1), (10, 10, 9, 9), (10, 3, 9, 3)]
    {
        let count = |count| NonZeroUsize::new(count).expect("not zero");
        let settings = DriverSettings {
            max_concurrency: count(permits),
            copy_concurrency: count(copies),
            ..DriverSettings::default()
        };
        assert_eq!(settings.memory_budget(), settings.chunk_size * permits as u64);
        let driver = Driver::with_settings(session(), settings);
        assert_eq!(driver.policy().in_flight_max, count(permits));
        assert_eq!(driver.bulk_policy().in_flight_max, count(bulk));
        assert_eq!(driver.copy_policy().in_flight_max, count(copy));
        assert_eq!(driver.memory_budget().limit(), driver.settings().memory_budget());
    }
}

#[test]
fn clones_share_what_was_written_lately() {
    let driver = driver_in("");
    let mut store = Store::new();
    store.run(driver.clone().put_content("/a/b", "x").expect("path"), 1).expect("put");
    store.lagging.push("a/b".into());
    store.run(driver.delete(Ticks::ZERO, "/a").expect("path"), 9).expect("deleted");
    assert!(store.objects.is_empty() && driver.recent().is_empty());
}

#[test]
fn a_put_that_fails_does_not_undo_the_memory_of_an_earlier_one() {
    let driver = driver_in("");
    let mut store = Store::new();
    store.run(driver.put_content("/a/b", "x").expect("path"), 1).expect("put");
    let mut store = store.fault("PutObject a/b", 1, Effect::Refuse(403, "AccessDenied"));
    store.run(driver.put_content("/a/b", "y").expect("path"), 1).expect_err("refused");
    store.lagging.push("a/b".into());
    store.run(driver.delete(Ticks::ZERO, "/a").expect("path"), 9).expect("deleted");
    assert!(store.objects.is_empty() && driver.recent().is_empty());
}

#[test]
fn sweeps_its_own_root_only() {
    let upload = Some(crate::UploadId::new("1").expect("id"));
    let state = UploadState { upload, ..UploadState::default() };
    let mut store = Store::new()
        .with("r/a~upload", state.to_bytes())
        .with("s/a~upload", state.to_bytes())
        .with_upload("r/a", "1", 0)
        .with_upload("s/a", "1", 0);
    store.asked_at = Some(9);
    let outcome = store.run(driver_in("r").sweep(Duration::ZERO), 9).expect("swept");
    assert_eq!((outcome.aborted, outcome.records), (1, 1));
    assert_eq!((store.keys(), store.uploads.len()), (vec!["s/a~upload"], 1));
}

#[test]
fn a_writer_begins_with_its_record_and_the_object() {
    let mut upload = driver_in("r").writer("/a", Append::Yes).expect("path");
    let mut asked = Vec::new();
    while let Next::Call(tag) = upload.next() {
        let call = upload.call(tag);
        asked.push(format!("{} {}", call.kind().name(), call.key.expect("key")));
    }
    asked.sort();
    assert_eq!(asked, ["GetObject r/a~upload", "HeadObject r/a"]);
}
