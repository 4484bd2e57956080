//! Client and driver against the strict emulator, over real sockets, signed and verified.

#![allow(clippy::unwrap_used, reason = "a test that panics is a test that fails")]

mod support;

use std::{
    io::{Read, Write},
    num::NonZeroUsize,
    time::Duration,
};

use bytes::Bytes;
use cos_blocking::{Append, Client, ClientBuilder, Driver, Proxy, WalkControl};
use cos_proto::{
    Bucket, CallKind, Credentials, ErrorKind, Key, Region, Session, Verification,
    api::{CopyOptions, GetOptions, ListOptions, ListUploadsOptions, ObjectOptions},
    config::Config,
    emulator::{Effect, Fault, Matching, Settings},
    op::{AbortOutcome, DownloadOptions, Stat, WalkEntry, WalkOptions},
};
use cos_tokio::emulator::{Listen, Server};
use http::Method;
use support::Recorder;

const BUCKET: &str = "examplebucket-1250000000";

fn server() -> Server {
    let settings = Settings {
        buckets: vec![BUCKET.to_owned()],
        region: "ap-guangzhou".to_owned(),
        credentials: vec![Credentials::new("AKIDend", "to-end")],
        ..Settings::default()
    };
    Server::start_blocking(settings, Listen::default()).unwrap()
}

fn client(server: &Server) -> ClientBuilder {
    let bucket = Bucket::new(BUCKET).unwrap();
    let region = Region::new("ap-guangzhou").unwrap();
    let session = Session::new(bucket, region, server.endpoint().parse().unwrap());
    Client::builder(session).credentials(Credentials::new("AKIDend", "to-end")).proxy(Proxy::Direct)
}

fn driver(server: &Server) -> Driver {
    driver_observed(server, Recorder::default())
}

fn driver_observed(server: &Server, recorder: Recorder) -> Driver {
    let config = Config::from_parameters([
        ("secretid", "AKIDend"),
        ("secretkey", "to-end"),
        ("bucket", BUCKET),
        ("region", "ap-guangzhou"),
        ("rootdirectory", "/registry"),
        ("chunksize", "5242880"),
        ("endpoint", &server.endpoint()),
    ])
    .unwrap();
    let builder = ClientBuilder::from_config(&config).proxy(Proxy::Direct).observer(recorder);
    Driver::from_builder(&config, builder).unwrap()
}

fn key(text: &str) -> Key {
    Key::new(text).unwrap()
}

fn content(length: u32) -> Bytes {
    (0..length).map(|at| u8::try_from(at % 253).unwrap()).collect::<Vec<_>>().into()
}

#[test]
fn put_get_head_and_stat() {
    let server = server();
    let client = client(&server).build().unwrap();
    client.head_bucket().unwrap();
    let object = key("a dir/照片 +?&.bin");
    let options = ObjectOptions::new().metadata("colour", "blue").unwrap();
    let put = client.put(object.clone(), options, "hello".to_owned()).unwrap();
    assert_eq!(put.verification, Verification::Verified);
    let fetched = client.get(object.clone(), GetOptions::new(), 5).unwrap();
    assert_eq!((&*fetched.body, fetched.verification), (&b"hello"[..], Verification::Verified));
    let meta = client.head(object.clone(), GetOptions::new()).unwrap();
    assert_eq!((meta.size, &meta.etag), (5, &put.etag));
    assert_eq!(meta.metadata.get("colour").map(String::as_str), Some("blue"));
    assert!(client.run(Stat::new(Some(key("a dir")), "a dir/")).unwrap().is_dir);
    let error = client.get(object.clone(), GetOptions::new(), 4).unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::TooLarge { limit: 4 });
    client.delete(object.clone(), None).unwrap();
    let error = client.head(object.clone(), GetOptions::new()).unwrap_err();
    assert_eq!((error.kind(), error.path()), (&ErrorKind::PathNotFound, Some(object.as_str())));
    assert!(error.request_id().is_some());
    // One connection at a time is enough for one thread.
    assert_eq!(client.permits_in_use(), 0);
}

#[test]
fn unfinished_uploads_are_listed_and_aborted() {
    let server = server();
    let client = client(&server).chunk_size(1 << 20).build().unwrap();
    let mut states = Vec::new();
    for name in ["u/1", "u/2", "v"] {
        let mut writer = client.writer(key(name), ObjectOptions::new());
        writer.write_bytes(vec![1; 2 << 20]).unwrap();
        writer.close().unwrap();
        states.push(writer.state());
    }
    let options = ListUploadsOptions::new("u/").max_uploads(1);
    let found: Vec<_> =
        client.list_uploads(options).flat_map(|page| page.unwrap().uploads).collect();
    let names: Vec<_> = found.iter().map(|upload| upload.key.as_str()).collect();
    assert_eq!(names, ["u/1", "u/2"]);
    let upload = found[0].upload_id.clone();
    assert_eq!(Some(&upload), states[0].upload.as_ref());
    let pages: Vec<_> = client.list_parts(key("u/1"), upload.clone()).collect();
    assert_eq!(pages.len(), 1);
    let parts = &pages[0].as_ref().unwrap().parts;
    assert_eq!(parts.iter().map(|part| part.size).collect::<Vec<_>>(), [1 << 20; 2]);
    let abort = || client.abort_upload(key("u/1"), upload.clone()).unwrap();
    assert_eq!([abort(), abort()], [AbortOutcome::Aborted, AbortOutcome::NotFound]);
    let error = client.list_parts(key("u/1"), upload.clone()).next().unwrap().unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::UploadLost);
}

#[test]
fn wrong_credentials_are_denied() {
    let server = server();
    let client = client(&server).credentials(Credentials::new("AKIDend", "wrong")).build().unwrap();
    let error = client.put(key("k"), ObjectOptions::new(), "x".to_owned()).unwrap_err();
    assert_eq!((error.kind(), error.code()), (&ErrorKind::Denied, Some("SignatureDoesNotMatch")));
}

#[test]
fn a_writer_sends_parts_and_another_goes_on_after_its_close() {
    let server = server();
    let recorder = Recorder::default();
    let client = client(&server)
        .chunk_size(1 << 20)
        .max_concurrency(NonZeroUsize::new(3).unwrap())
        .observer(recorder.clone())
        .build()
        .unwrap();
    let content = content(5_000_000);
    let object = key("layer");
    let mut writer = client.writer(object.clone(), ObjectOptions::new());
    writer.write_bytes(content.slice(..3_333_333)).unwrap();
    writer.close().unwrap();
    let state = writer.state();
    drop(writer);
    let mut writer = client.resume_writer(object.clone(), state, ObjectOptions::new());
    assert_eq!(writer.size(), 3_333_333);
    writer.write_all(&content[3_333_333..]).unwrap();
    let outcome = writer.commit().unwrap();
    assert_eq!((outcome.size, outcome.verification), (5_000_000, Verification::Verified));
    let fetched = client.get(object, GetOptions::new(), 5_000_000).unwrap();
    assert!(fetched.body == content);
    assert_eq!(server.with(|emulator| emulator.open_uploads().len()), 0);
    let told = recorder.recorded();
    assert!(told.permits_most <= 3 && told.buffered_last == 0);
}

#[test]
fn copy_rename_delete_and_sweep() {
    let server = server();
    let client = client(&server).build().unwrap();
    client.put(key("a/1"), ObjectOptions::new(), "one".to_owned()).unwrap();
    client.copy(key("a/1"), key("a/2"), CopyOptions::default()).unwrap();
    client.rename(key("a/2"), key("b/3"), CopyOptions::default()).unwrap();
    let keys = |server: &Server| server.with(|emulator| emulator.keys(BUCKET));
    assert_eq!(keys(&server), ["a/1", "b/3"]);
    assert_eq!(client.delete_many([key("a/1"), key("absent")]).unwrap().keys, 2);
    let mut writer = client.writer(key("b/4"), ObjectOptions::new());
    writer.write_bytes(vec![1; 20 << 20]).unwrap();
    writer.close().unwrap();
    assert_eq!(client.delete_tree(key("b")).unwrap().objects, 1);
    assert_eq!(keys(&server), Vec::<String>::new());
    assert_eq!(server.with(|emulator| emulator.open_uploads().len()), 0);
    assert_eq!(*client.delete_tree(key("b")).unwrap_err().kind(), ErrorKind::PathNotFound);
    let swept = client.sweep("", Duration::ZERO).unwrap();
    assert_eq!((swept.aborted, swept.records), (0, 0));
}

#[test]
fn the_driver_stores_reads_stats_and_lists() {
    let server = server();
    let driver = driver(&server);
    assert_eq!(driver.name(), "cos");
    driver.put_content("/d/a", "alpha").unwrap();
    driver.put_content("/d/e/b", "").unwrap();
    assert_eq!(driver.get_content("/d/a").unwrap(), "alpha");
    assert_eq!(driver.get_content("/d/e/b").unwrap(), "");
    let info = driver.stat("/d/a").unwrap();
    assert_eq!((info.path.as_str(), info.size, info.is_dir), ("/d/a", 5, false));
    assert!(driver.stat("/d").unwrap().is_dir);
    assert_eq!(driver.list("/d").unwrap(), ["/d/a", "/d/e"]);
    let error = driver.get_content("/absent").unwrap_err();
    assert_eq!((error.kind(), error.path()), (&ErrorKind::PathNotFound, Some("/absent")));
    assert!(error.to_string().starts_with("cos: path not found: /absent"), "{error}");
    let error = driver.stat("no/slash").unwrap_err();
    assert_eq!((error.kind(), error.path()), (&ErrorKind::InvalidPath, Some("no/slash")));
    driver.rename("/d/a", "/d/f").unwrap();
    let error = driver.rename("/d/a", "/d/f").unwrap_err();
    assert_eq!((error.kind(), error.path()), (&ErrorKind::PathNotFound, Some("/d/a")));
    driver.delete("/d").unwrap();
    assert_eq!(driver.list("/").unwrap(), Vec::<String>::new());
}

#[test]
fn the_reader_begins_where_it_is_told_and_knows_its_object() {
    let server = server();
    let driver = driver(&server);
    let content = content(3_000_000);
    driver.put_content("/file", content.clone()).unwrap();
    let mut reader = driver.reader("/file", 0).unwrap();
    assert_eq!(reader.size(), Some(3_000_000));
    assert!(reader.etag().is_some() && reader.last_modified().is_some());
    assert!(!reader.is_verified(), "not before the end");
    let (mut read, mut buffer) = (Vec::new(), [0; 10_007]);
    loop {
        let length = reader.read(&mut buffer).unwrap();
        if length == 0 {
            break;
        }
        read.extend_from_slice(&buffer[..length]);
        assert_eq!(reader.offset(), read.len() as u64);
    }
    assert!(read == content && reader.is_verified());
    assert_eq!(reader.read(&mut buffer).unwrap(), 0, "the end stays the end");
    let mut tail = Vec::new();
    driver.reader("/file", 2_999_990).unwrap().read_to_end(&mut tail).unwrap();
    assert_eq!(tail, &content[2_999_990..]);
    for beyond in [3_000_000, 4_000_000] {
        let mut reader = driver.reader("/file", beyond).unwrap();
        assert_eq!(reader.read(&mut buffer).unwrap(), 0, "{beyond}");
    }
    for (path, offset, kind) in [
        ("/file", -1, ErrorKind::InvalidOffset { offset: -1 }),
        ("/absent", 0, ErrorKind::PathNotFound),
        ("/absent", 64, ErrorKind::PathNotFound),
    ] {
        let error = driver.reader(path, offset).unwrap_err();
        assert_eq!((error.kind(), error.path()), (&kind, Some(path)));
    }
}

#[test]
fn a_dropped_connection_is_resumed_and_corruption_is_an_error_in_place_of_the_end() {
    let server = server();
    let driver = driver(&server);
    let content = content(1_000_000);
    driver.put_content("/file", content.clone()).unwrap();
    let inject = |effect| {
        let matching = Matching { call: Some(CallKind::GetObject), ..Matching::default() };
        server.with(|emulator| emulator.inject(Fault { matching, times: 1, effect }));
    };
    inject(Effect::CutBody(654_321));
    let mut read = Vec::new();
    let mut reader = driver.reader("/file", 0).unwrap();
    reader.read_to_end(&mut read).unwrap();
    assert!(read == content && reader.is_verified());
    inject(Effect::CorruptBody);
    let mut reader = driver.reader("/file", 0).unwrap();
    let error = reader.read_to_end(&mut Vec::new()).unwrap_err();
    let inner = error.get_ref().unwrap().downcast_ref::<cos_proto::Error>().unwrap();
    assert_eq!((inner.kind(), inner.path()), (&ErrorKind::Corrupt, Some("/file")));
    assert_eq!(*reader.read_bytes(&mut [0]).unwrap_err().kind(), ErrorKind::Corrupt);
    assert!(!reader.is_verified());
}

#[test]
fn an_upload_is_resumed_by_another_driver() {
    let server = server();
    let content = content(12_000_000);
    let recorder = Recorder::default();
    {
        let driver = driver_observed(&server, recorder.clone());
        let mut writer = driver.writer("/blob", Append::No).unwrap();
        writer.write_all(&content[..7_000_000]).unwrap();
        writer.close().unwrap();
        assert_eq!(*writer.close().unwrap_err().kind(), ErrorKind::Misuse);
    }
    let driver = driver_observed(&server, recorder.clone());
    let mut writer = driver.writer("/blob", Append::Yes).unwrap();
    assert_eq!(writer.size(), 7_000_000);
    assert_eq!(*driver.stat("/blob").unwrap_err().kind(), ErrorKind::PathNotFound);
    writer.write_bytes(content.slice(7_000_000..)).unwrap();
    writer.commit().unwrap();
    writer.close().unwrap();
    let mut read = Vec::new();
    let mut reader = driver.reader("/blob", 0).unwrap();
    reader.read_to_end(&mut read).unwrap();
    assert!(read == content && reader.is_verified());
    let error = driver.writer("/blob", Append::Yes).unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::AlreadyCommitted { size: 12_000_000 });
    assert_eq!(error.path(), Some("/blob"));
    driver.writer("/blob", Append::No).unwrap().cancel().unwrap();
    let error = driver.writer("/absent", Append::Yes).unwrap_err();
    assert_eq!((error.kind(), error.path()), (&ErrorKind::PathNotFound, Some("/absent")));
    assert_eq!(server.with(|emulator| emulator.keys(BUCKET)), ["registry/blob"]);
    assert_eq!(recorder.recorded().buffered_last, 0);
}

#[test]
fn walks_and_lists_are_iterators_and_can_be_steered() {
    let server = server();
    let driver = driver(&server);
    for path in ["/a/1", "/a/2/3", "/b/4", "/c"] {
        driver.put_content(path, "x").unwrap();
    }
    let mut walk = driver.walk("/", &WalkOptions::new()).unwrap();
    let paths: Vec<_> = walk.by_ref().map(|entry| entry.unwrap().path).collect();
    assert_eq!(paths, ["/a", "/a/1", "/a/2", "/a/2/3", "/b", "/b/4", "/c"]);
    assert!(walk.next().is_none(), "the end stays the end");
    let mut visited = Vec::new();
    let visit = |entry: WalkEntry| {
        visited.push(entry.path.clone());
        Ok::<_, cos_proto::Error>(match entry.path.as_str() {
            "/a/2" => WalkControl::Skip,
            "/b/4" => WalkControl::Stop,
            _ => WalkControl::Continue,
        })
    };
    driver.walk_with("/", &WalkOptions::new(), visit).unwrap();
    assert_eq!(visited, ["/a", "/a/1", "/a/2", "/b", "/b/4"]);
    let pages = driver.client().list(ListOptions::new("registry/").max_keys(3));
    let sizes: Vec<_> = pages.map(|page| page.unwrap().objects.len()).collect();
    assert_eq!(sizes, [3, 1]);
    assert_eq!(driver.walk("/none", &WalkOptions::new()).unwrap().count(), 0);
}

#[test]
fn an_error_ends_a_walk_once() {
    let server = server();
    let driver = driver(&server);
    let matching = Matching { call: Some(CallKind::GetBucket), ..Matching::default() };
    let effect = Effect::Error {
        status: 403,
        code: "AccessDenied".into(),
        message: "no".into(),
        retry_after: None,
    };
    server.with(|emulator| emulator.inject(Fault { matching, times: 1, effect }));
    let mut walk = driver.walk("/", &WalkOptions::new()).unwrap();
    let error = walk.next().unwrap().unwrap_err();
    assert_eq!((error.kind(), error.path()), (&ErrorKind::Denied, Some("/")));
    assert!(walk.next().is_none());
}

#[test]
fn a_dropped_reader_closes_its_connection_and_holds_no_permit() {
    let server = server();
    let recorder = Recorder::default();
    let driver = driver_observed(&server, recorder.clone());
    driver.put_content("/file", content(8_000_000)).unwrap();
    let mut reader = driver.reader("/file", 0).unwrap();
    reader.read_exact(&mut [0; 100]).unwrap();
    assert_eq!(driver.client().permits_in_use(), 0, "given back with the head");
    drop(reader);
    let last = recorder.recorded().attempts.pop().unwrap();
    assert_eq!(last.call, CallKind::GetObject);
    assert!(last.bytes_received >= 100 && last.failure.is_none());
}

#[test]
fn a_range_is_read_by_key() {
    let server = server();
    let client = client(&server).build().unwrap();
    client.put(key("k"), ObjectOptions::new(), content(1000)).unwrap();
    let mut read = Vec::new();
    let options = DownloadOptions::new().offset(10).length(20);
    client.reader(key("k"), options).unwrap().read_to_end(&mut read).unwrap();
    assert_eq!(read, &content(1000)[10..30]);
}

#[test]
fn a_redirect_is_for_get_and_head_only() {
    let server = server();
    let driver = driver(&server);
    for method in [Method::GET, Method::HEAD] {
        let url = driver.redirect_url(&method, "/file", None).unwrap().unwrap();
        assert!(url.as_str().contains("/registry/file?"));
        assert!(!format!("{url:?}").contains("q-signature"), "Debug hides the signature");
    }
    assert!(driver.redirect_url(&Method::PUT, "/file", None).unwrap().is_none());
}
