//! Who may do what: canned access control lists, and temporary credentials.

use std::time::Duration;

use cos_proto::{
    Credentials, ErrorKind, Presign,
    api::{Acl, CopyOptions, GetOptions, MetadataDirective, ObjectOptions},
    emulator::Settings,
    op,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method};

use crate::world::{BUCKET, MIB, Way, World, content, key, session, url_of};

fn set_bucket_acl(world: &mut World, acl: &'static str) {
    let header = HeaderName::from_static("x-cos-acl");
    let mut presign = Presign::new(Method::PUT, key("unused")).query("acl", "");
    presign.key = None;
    let presign = presign.header(header, HeaderValue::from_static(acl));
    assert_eq!(world.presigned(&presign, "").outcome(), "200");
}

#[test]
fn each_canned_acl_is_shown_and_has_its_effect_however_an_object_was_made() {
    const READ: &str = "http://cam.qcloud.com/groups/global/AllUsers";
    const AUTHENTICATED: &str = "http://cam.qcloud.com/groups/global/AuthenticatedUsers";
    // (list, name, grantee, readable in a private and in a public bucket)
    let table = [
        (None, "default", None, false, true),
        (Some(Acl::Default), "default", None, false, true),
        (Some(Acl::Private), "private", None, false, false),
        (Some(Acl::PublicRead), "public-read", Some(READ), true, true),
        (Some(Acl::AuthenticatedRead), "authenticated-read", Some(AUTHENTICATED), false, false),
    ];
    for (acl, name, grantee, in_private, in_public) in table {
        let mut world = World::new();
        let object = acl.map_or(ObjectOptions::new(), |acl| ObjectOptions::new().acl(acl));
        let copied = CopyOptions::new(object.clone(), MetadataDirective::Copy).unwrap();
        world.put("put", object.clone(), content(10));
        world.upload("small", object.clone(), content(10)).unwrap();
        world.upload("upload", object, content(2 * MIB)).unwrap();
        world.copy(key("put"), "copy", copied.clone(), Way::OneCall).unwrap();
        world.copy(key("put"), "parts", copied, Way::Parts).unwrap();
        for (bucket_acl, readable) in [("private", in_private), ("public-read", in_public)] {
            set_bucket_acl(&mut world, bucket_acl);
            for object in ["put", "small", "upload", "copy", "parts"] {
                let presign = Presign::new(Method::GET, key(object)).query("acl", "");
                let got = world.presigned(&presign, "");
                assert_eq!(got.header("x-cos-acl"), Some(name), "{object}");
                assert_eq!(got.elements("URI").first().map(String::as_str), grantee, "{object}");
                for method in [Method::GET, Method::HEAD] {
                    let label = format!("{method} {object} {acl:?} in {bucket_acl}");
                    let got = world.http(&method, &url_of(object), &HeaderMap::new(), "");
                    assert_eq!(got.status, if readable { 200 } else { 403 }, "{label}");
                }
                let put = world.http(&Method::PUT, &url_of(object), &HeaderMap::new(), "x");
                assert_eq!(put.outcome(), "403 AccessDenied", "{object} {acl:?}");
            }
        }
    }
}

fn temporary(token: &str) -> Credentials {
    Credentials::new("AKIDtemporary", "temporary-secret").with_token(token)
}

#[test]
fn temporary_credentials_serve_every_call() {
    let credentials = temporary("to+ken/with=all&kinds,of%characters");
    let mut world = World::with(Settings { credentials: vec![credentials], ..Settings::default() });
    world.put("put", ObjectOptions::new(), content(10));
    world.upload("upload", ObjectOptions::new(), content(2 * MIB + 1)).unwrap();
    world.copy(key("upload"), "copy", CopyOptions::default(), Way::OneCall).unwrap();
    world.copy(key("upload"), "parts", CopyOptions::default(), Way::Parts).unwrap();
    world.get("put", GetOptions::new()).unwrap();
    world.head("put").unwrap();
    world.run(op::HeadBucket::new()).unwrap();
    world
        .run(op::Move::new(
            key("put"),
            key("moved"),
            CopyOptions::default(),
            op::CopyLimits::default(),
        ))
        .unwrap();
    let names = |world: &World| world.emulator.keys(BUCKET);
    assert_eq!(names(&world), ["copy", "moved", "parts", "upload"]);
    world.run(op::DeleteKeys::new(["copy", "moved", "parts", "upload"].map(key))).unwrap();
    assert!(names(&world).is_empty());
    let sent = world.sent.iter();
    assert!(sent.clone().all(|sent| sent.headers.contains_key("x-cos-security-token")));
    assert!(sent.clone().all(|sent| sent.headers["x-cos-security-token"].is_sensitive()));
}

#[test]
fn a_wrong_or_missing_token_is_refused_as_denied() {
    let known = temporary("right");
    let settings = || Settings { credentials: vec![known.clone()], ..Settings::default() };
    for given in [temporary("wrong"), Credentials::new("AKIDtemporary", "temporary-secret")] {
        let mut world = World::with(settings());
        // A provider that knows of no others, as one of fixed credentials.
        world.provider.push_back(given.clone());
        world.session = session(BUCKET).with_credentials(given);
        let error = world.get("k", GetOptions::new()).unwrap_err();
        assert_eq!(error.kind(), &ErrorKind::Denied, "{error}");
        assert_eq!(error.code(), Some("InvalidAccessKeyId"), "{error}");
        assert!(!format!("{error:?} {error}").contains("wrong"));
    }
}

#[test]
fn an_expired_token_is_replaced_by_the_providers_next_one() {
    let mut world = World::new();
    let in_an_hour = world.now().unix + Duration::from_secs(3600);
    let first = temporary("first").expiring(in_an_hour);
    let second = temporary("second").expiring(in_an_hour + Duration::from_secs(3600));
    world.emulator.set_credentials(vec![first.clone(), second.clone()]);
    world.session = session(BUCKET);
    // The client is not told when the first one expires: only the service's answer shows it.
    world.provider.extend([temporary("first"), second]);
    world.put("k", ObjectOptions::new(), content(10));
    assert_eq!(world.provider.len(), 1);
    world.wait(Duration::from_secs(4000));
    assert_eq!(world.get("k", GetOptions::new()).unwrap().body, content(10));
    assert!(world.provider.is_empty());
}
