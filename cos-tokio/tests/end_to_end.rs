//! A client against the strict emulator, over real sockets, signed and verified.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test that panics is a test that fails"
)]

mod common;

use std::num::NonZeroUsize;

use bytes::Bytes;
use common::Recorder;
use cos_proto::{
    Bucket, CallKind, Credentials, ErrorKind, Key, Presign, Region, Session, UnixTime,
    Verification,
    api::{CopyOptions, GetOptions, ListOptions, ListUploadsOptions, ObjectOptions},
    config::Config,
    op::{AbortOutcome, Stat, WalkEntry, WalkOptions},
};
use cos_tokio::{
    Append, Client, ClientBuilder, Driver, Proxy, WalkControl,
    emulator::{Effect, Fault, Listen, Matching, Server, Settings},
};
use http::Method;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const BUCKET: &str = "examplebucket-1250000000";

async fn server() -> Server {
    let settings = Settings {
        buckets: vec![BUCKET.to_owned()],
        region: "ap-guangzhou".to_owned(),
        credentials: vec![Credentials::new("AKIDend", "to-end")],
        ..Settings::default()
    };
    Server::start(settings, Listen::default()).await.expect("started")
}

fn client(server: &Server) -> ClientBuilder {
    let bucket = Bucket::new(BUCKET).expect("bucket");
    let region = Region::new("ap-guangzhou").expect("region");
    let session = Session::new(bucket, region, server.endpoint().parse().expect("endpoint"));
    Client::builder(session).credentials(Credentials::new("AKIDend", "to-end")).proxy(Proxy::Direct)
}

fn key(text: &str) -> Key {
    Key::new(text).expect("key")
}

#[tokio::test]
async fn put_get_head_and_stat() {
    let server = server().await;
    let client = client(&server).build().expect("client");
    client.head_bucket().await.expect("there");
    let object = key("a dir/照片 +?&.bin");
    let options = ObjectOptions::new().metadata("colour", "blue").expect("metadata");
    let put = client.put(object.clone(), options, "hello".to_owned()).await.expect("stored");
    assert_eq!(put.verification, Verification::Verified);
    let fetched = client.get(object.clone(), GetOptions::new(), 5).await.expect("read");
    assert_eq!((&*fetched.body, fetched.verification), (&b"hello"[..], Verification::Verified));
    let meta = client.head(object.clone(), GetOptions::new()).await.expect("described");
    assert_eq!((meta.size, &meta.etag), (5, &put.etag));
    assert_eq!(meta.metadata.get("colour").map(String::as_str), Some("blue"));
    let stat = client.run(Stat::new(Some(key("a dir")), "a dir/")).await.expect("a directory");
    assert!(stat.is_dir);
    let error = client.get(object.clone(), GetOptions::new(), 4).await.expect_err("too large");
    assert_eq!(error.kind(), &ErrorKind::TooLarge { limit: 4 });
    client.delete(object.clone(), None).await.expect("deleted");
    let error = client.head(object.clone(), GetOptions::new()).await.expect_err("gone");
    assert_eq!((error.kind(), error.path()), (&ErrorKind::PathNotFound, Some(object.as_str())));
    assert!(error.request_id().is_some());
}

#[tokio::test]
async fn wrong_credentials_are_denied() {
    let server = server().await;
    let client = client(&server).credentials(Credentials::new("AKIDend", "wrong")).build();
    let client = client.expect("client");
    let error =
        client.put(key("k"), ObjectOptions::new(), "x".to_owned()).await.expect_err("wrong key");
    assert_eq!((error.kind(), error.code()), (&ErrorKind::Denied, Some("SignatureDoesNotMatch")));
}

#[tokio::test]
async fn a_writer_sends_parts_and_another_goes_on_after_its_close() {
    let server = server().await;
    let recorder = Recorder::default();
    let client = client(&server)
        .chunk_size(1 << 20)
        .max_concurrency(NonZeroUsize::new(3).expect("positive"))
        .observer(recorder.clone())
        .build()
        .expect("client");
    let content: Bytes = (0..5_000_000_u32).map(|at| (at % 253) as u8).collect::<Vec<_>>().into();
    let object = key("layer");
    let mut writer = client.writer(object.clone(), ObjectOptions::new());
    writer.write(content.slice(..3_333_333)).await.expect("written");
    writer.close().await.expect("closed");
    let state = writer.state();
    drop(writer);
    let mut writer = client.resume_writer(object.clone(), state, ObjectOptions::new());
    assert_eq!(writer.size(), 3_333_333);
    writer.write(content.slice(3_333_333..)).await.expect("written");
    let outcome = writer.commit().await.expect("committed");
    assert_eq!((outcome.size, outcome.verification), (5_000_000, Verification::Verified));
    let fetched = client.get(object, GetOptions::new(), 5_000_000).await.expect("read");
    assert!(fetched.body == content);
    assert_eq!(server.with(|emulator| emulator.open_uploads().len()), 0);
    let seen = recorder.recorded();
    assert!(seen.permits_max <= 3 && seen.buffered_now == 0);
}

#[tokio::test]
async fn copy_rename_delete_and_sweep() {
    let server = server().await;
    let client = client(&server).build().expect("client");
    client.put(key("a/1"), ObjectOptions::new(), "one".to_owned()).await.expect("stored");
    client.copy(key("a/1"), key("a/2"), CopyOptions::default()).await.expect("copied");
    client.rename(key("a/2"), key("b/3"), CopyOptions::default()).await.expect("moved");
    let keys = |server: &Server| server.with(|emulator| emulator.keys(BUCKET));
    assert_eq!(keys(&server), ["a/1", "b/3"]);
    let deleted = client.delete_many([key("a/1"), key("absent")]).await.expect("deleted");
    assert_eq!(deleted.keys, 2);
    let mut writer = client.writer(key("b/4"), ObjectOptions::new());
    writer.write(Bytes::from(vec![1; 20 << 20])).await.expect("written");
    writer.close().await.expect("closed");
    assert_eq!(client.delete_tree(key("b")).await.expect("deleted").objects, 1);
    assert_eq!(keys(&server), Vec::<String>::new());
    assert_eq!(server.with(|emulator| emulator.open_uploads().len()), 0);
    let error = client.delete_tree(key("b")).await.expect_err("nothing there");
    assert_eq!(error.kind(), &ErrorKind::PathNotFound);
    let swept = client.sweep("", std::time::Duration::ZERO).await.expect("swept");
    assert_eq!((swept.aborted, swept.records), (0, 0));
}

#[tokio::test]
async fn unfinished_uploads_are_listed_and_aborted() {
    let server = server().await;
    let client = client(&server).chunk_size(1 << 20).build().expect("client");
    let mut states = Vec::new();
    for name in ["u/1", "u/2", "v"] {
        let mut writer = client.writer(key(name), ObjectOptions::new());
        writer.write(vec![1; 2 << 20]).await.expect("written");
        writer.close().await.expect("closed");
        states.push(writer.state());
    }
    let options = ListUploadsOptions::new("u/").max_uploads(1);
    let mut pages = client.list_uploads(options);
    let mut found = Vec::new();
    while let Some(page) = pages.next_page().await {
        found.extend(page.expect("page").uploads);
    }
    let names: Vec<_> = found.iter().map(|upload| upload.key.as_str()).collect();
    assert_eq!(names, ["u/1", "u/2"]);
    let upload = found[0].upload_id.clone();
    assert_eq!(Some(&upload), states[0].upload.as_ref());
    let mut pages = client.list_parts(key("u/1"), upload.clone());
    let page = pages.next_page().await.expect("one page").expect("listed");
    assert_eq!(page.parts.iter().map(|part| part.size).collect::<Vec<_>>(), [1 << 20; 2]);
    assert!(pages.next_page().await.is_none());
    let aborted = client.abort_upload(key("u/1"), upload.clone()).await.expect("aborted");
    assert_eq!(aborted, AbortOutcome::Aborted);
    let aborted = client.abort_upload(key("u/1"), upload.clone()).await.expect("gone");
    assert_eq!(aborted, AbortOutcome::NotFound);
    let mut pages = client.list_parts(key("u/1"), upload);
    let error = pages.next_page().await.expect("an error").expect_err("gone");
    assert_eq!(error.kind(), &ErrorKind::UploadLost);
}

#[tokio::test]
async fn presigning_asks_for_credentials_once() {
    let server = server().await;
    let client = client(&server).build().expect("client");
    let url = client.presign(&Presign::new(Method::GET, key("k"))).await.expect("signed");
    assert!(url.as_str().starts_with(&server.endpoint()));
    assert!(url.expires() > UnixTime::from_secs(0));
    assert!(client.session().has_credentials(UnixTime::from_secs(0)));
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
    .expect("config");
    let builder = ClientBuilder::from_config(&config).proxy(Proxy::Direct).observer(recorder);
    Driver::from_builder(&config, builder).expect("driver")
}

fn content(length: u32) -> Bytes {
    (0..length).map(|at| (at % 253) as u8).collect::<Vec<_>>().into()
}

#[tokio::test]
async fn the_driver_stores_reads_stats_and_lists() {
    let server = server().await;
    let driver = driver(&server);
    assert_eq!(driver.name(), "cos");
    driver.put_content("/d/a", "alpha").await.expect("stored");
    driver.put_content("/d/e/b", "").await.expect("stored");
    assert_eq!(driver.get_content("/d/a").await.expect("read"), "alpha");
    assert_eq!(driver.get_content("/d/e/b").await.expect("read"), "");
    let info = driver.stat("/d/a").await.expect("a file");
    assert_eq!((info.path.as_str(), info.size, info.is_dir), ("/d/a", 5, false));
    assert!(driver.stat("/d").await.expect("a directory").is_dir);
    assert_eq!(driver.list("/d").await.expect("listed"), ["/d/a", "/d/e"]);
    let error = driver.get_content("/absent").await.expect_err("absent");
    assert_eq!((error.kind(), error.path()), (&ErrorKind::PathNotFound, Some("/absent")));
    assert!(error.to_string().starts_with("cos: path not found: /absent"), "{error}");
    let error = driver.stat("no/slash").await.expect_err("not a path");
    assert_eq!((error.kind(), error.path()), (&ErrorKind::InvalidPath, Some("no/slash")));
    driver.rename("/d/a", "/d/f").await.expect("moved");
    let error = driver.rename("/d/a", "/d/f").await.expect_err("gone");
    assert_eq!((error.kind(), error.path()), (&ErrorKind::PathNotFound, Some("/d/a")));
    driver.delete("/d").await.expect("deleted");
    assert_eq!(driver.list("/").await.expect("listed"), Vec::<String>::new());
}

#[tokio::test]
async fn the_reader_begins_where_it_is_told_and_knows_its_object() {
    let server = server().await;
    let driver = driver(&server);
    let content = content(3_000_000);
    driver.put_content("/file", content.clone()).await.expect("stored");
    let mut reader = driver.reader("/file", 0).await.expect("opened");
    assert_eq!(reader.size(), Some(3_000_000));
    assert!(reader.etag().is_some() && reader.last_modified().is_some());
    assert!(!reader.is_verified(), "not before the end");
    let mut read = Vec::new();
    while let Some(chunk) = reader.chunk().await.expect("data") {
        read.extend_from_slice(&chunk);
        assert_eq!(reader.offset(), read.len() as u64);
    }
    assert!(read == content && reader.is_verified());
    let mut reader = driver.reader("/file", 2_999_990).await.expect("opened");
    let mut text = Vec::new();
    reader.read_to_end(&mut text).await.expect("read");
    assert_eq!(text, &content[2_999_990..]);
    for beyond in [3_000_000, 4_000_000] {
        let mut reader = driver.reader("/file", beyond).await.expect("opened");
        assert_eq!(reader.chunk().await.expect("the end"), None, "{beyond}");
    }
    for (path, offset, kind) in [
        ("/file", -1, ErrorKind::InvalidOffset { offset: -1 }),
        ("/absent", 0, ErrorKind::PathNotFound),
        ("/absent", 64, ErrorKind::PathNotFound),
    ] {
        let error = driver.reader(path, offset).await.expect_err("refused");
        assert_eq!((error.kind(), error.path()), (&kind, Some(path)));
    }
}

#[tokio::test]
async fn a_dropped_connection_is_resumed_and_corruption_is_an_error_in_place_of_the_end() {
    let server = server().await;
    let driver = driver(&server);
    let content = content(1_000_000);
    driver.put_content("/file", content.clone()).await.expect("stored");
    let inject = |effect| {
        let matching = Matching { call: Some(CallKind::GetObject), ..Matching::default() };
        server.with(|emulator| emulator.inject(Fault { matching, times: 1, effect }));
    };
    inject(Effect::CutBody(654_321));
    let mut read = Vec::new();
    let mut reader = driver.reader("/file", 0).await.expect("opened");
    reader.read_to_end(&mut read).await.expect("resumed");
    assert!(read == content && reader.is_verified());
    inject(Effect::CorruptBody);
    let mut reader = driver.reader("/file", 0).await.expect("opened");
    let mut outcome = Ok(None);
    for _ in 0..1000 {
        outcome = reader.chunk().await;
        if !matches!(outcome, Ok(Some(_))) {
            break;
        }
    }
    assert_eq!(outcome.expect_err("corrupt").kind(), &ErrorKind::Corrupt);
    assert_eq!(reader.chunk().await.expect_err("still").kind(), &ErrorKind::Corrupt);
    assert!(!reader.is_verified());
}

#[tokio::test]
async fn an_upload_is_resumed_by_another_driver() {
    let server = server().await;
    let content = content(12_000_000);
    let recorder = Recorder::default();
    {
        let driver = driver_observed(&server, recorder.clone());
        let mut writer = driver.writer("/blob", Append::No).await.expect("opened");
        writer.write_all(&content[..7_000_000]).await.expect("written");
        writer.shutdown().await.expect("closed");
        writer.shutdown().await.expect("closed already");
    }
    let driver = driver_observed(&server, recorder.clone());
    let mut writer = driver.writer("/blob", Append::Yes).await.expect("found");
    assert_eq!(writer.size(), 7_000_000);
    let error = driver.stat("/blob").await.expect_err("not published");
    assert_eq!(error.kind(), &ErrorKind::PathNotFound);
    writer.write(content.slice(7_000_000..)).await.expect("written");
    writer.commit().await.expect("committed");
    writer.close().await.expect("fine, once");
    let mut read = Vec::new();
    let mut reader = driver.reader("/blob", 0).await.expect("opened");
    reader.read_to_end(&mut read).await.expect("read");
    assert!(read == content && reader.is_verified());
    let error = driver.writer("/blob", Append::Yes).await.expect_err("committed");
    assert_eq!(error.kind(), &ErrorKind::AlreadyCommitted { size: 12_000_000 });
    assert_eq!(error.path(), Some("/blob"));
    let mut writer = driver.writer("/blob", Append::No).await.expect("opened");
    writer.cancel().await.expect("cancelled");
    let error = driver.writer("/absent", Append::Yes).await.expect_err("nothing there");
    assert_eq!((error.kind(), error.path()), (&ErrorKind::PathNotFound, Some("/absent")));
    assert_eq!(server.with(|emulator| emulator.keys(BUCKET)), ["registry/blob"]);
    assert_eq!(recorder.recorded().buffered_now, 0);
}

#[tokio::test]
async fn walks_and_lists_are_streams_and_can_be_steered() {
    let server = server().await;
    let driver = driver(&server);
    for path in ["/a/1", "/a/2/3", "/b/4", "/c"] {
        driver.put_content(path, "x").await.expect("stored");
    }
    let mut walk = driver.walk("/", &WalkOptions::new()).expect("a path");
    let mut paths = Vec::new();
    while let Some(entry) = walk.next_entry().await {
        paths.push(entry.expect("entry").path);
    }
    assert_eq!(paths, ["/a", "/a/1", "/a/2", "/a/2/3", "/b", "/b/4", "/c"]);
    assert!(walk.next_entry().await.is_none(), "the end stays the end");
    let mut visited = Vec::new();
    let visit = |entry: WalkEntry| {
        visited.push(entry.path.clone());
        Ok::<_, cos_proto::Error>(match entry.path.as_str() {
            "/a/2" => WalkControl::Skip,
            "/b/4" => WalkControl::Stop,
            _ => WalkControl::Continue,
        })
    };
    driver.walk_with("/", &WalkOptions::new(), visit).await.expect("walked");
    assert_eq!(visited, ["/a", "/a/1", "/a/2", "/b", "/b/4"]);
    let mut pages = driver.client().list(ListOptions::new("registry/").max_keys(3));
    let mut sizes = Vec::new();
    while let Some(page) = pages.next_page().await {
        sizes.push(page.expect("page").objects.len());
    }
    assert_eq!(sizes, [3, 1]);
}

#[tokio::test]
async fn a_dropped_reader_frees_its_connection_and_holds_no_permit() {
    let server = server().await;
    let recorder = Recorder::default();
    let driver = driver_observed(&server, recorder.clone());
    driver.put_content("/file", content(8_000_000)).await.expect("stored");
    let mut reader = driver.reader("/file", 0).await.expect("opened");
    reader.chunk().await.expect("data");
    assert_eq!(driver.client().permits_in_use(), 0, "given back with the head");
    drop(reader);
    let last = recorder.recorded().attempts.pop().expect("observed when dropped");
    assert_eq!(last.call, CallKind::GetObject);
    assert!(last.bytes_received > 0 && last.failure.is_none());
}

#[tokio::test]
async fn a_redirect_is_for_get_and_head_only() {
    let server = server().await;
    let driver = driver(&server);
    driver.put_content("/file", "content").await.expect("stored");
    for method in [Method::GET, Method::HEAD] {
        let url = driver.redirect_url(&method, "/file", None).await.expect("signed").expect("URL");
        assert!(url.as_str().contains("/registry/file?"));
        assert!(!format!("{url:?}").contains("q-signature"), "Debug hides the signature");
    }
    let none = driver.redirect_url(&Method::PUT, "/file", None).await.expect("no redirect");
    assert!(none.is_none());
}

#[tokio::test]
async fn the_futures_may_be_spawned() {
    let server = server().await;
    let driver = driver(&server);
    let task = tokio::spawn(async move {
        driver.put_content("/a", "b").await?;
        let mut writer = driver.writer("/c", Append::No).await?;
        writer.write("d").await?;
        writer.commit().await?;
        driver.reader("/c", 0).await?.chunk().await?;
        let visit = |_| Ok(WalkControl::Continue);
        driver.walk_with::<cos_proto::Error>("/", &WalkOptions::new(), visit).await?;
        driver.rename("/a", "/e").await?;
        driver.redirect_url(&Method::GET, "/e", None).await?;
        driver.delete("/e").await
    });
    task.await.expect("joined").expect("all done");
}

#[tokio::test]
async fn a_shutdown_after_a_failure_is_no_success() {
    let server = server().await;
    let driver = driver(&server);
    let mut writer = driver.writer("/file", Append::No).await.expect("opened");
    server.with(|emulator| {
        let effect = Effect::Error {
            status: 403,
            code: "AccessDenied".to_owned(),
            message: "no".to_owned(),
            retry_after: None,
        };
        emulator.inject(Fault { matching: Matching::default(), times: u32::MAX, effect });
    });
    writer.write_all(b"some bytes").await.expect("kept");
    for _ in 0..2 {
        let error = writer.shutdown().await.expect_err("denied");
        assert_eq!(error.kind(), std::io::ErrorKind::PermissionDenied);
    }
}
