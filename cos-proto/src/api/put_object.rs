//! PUT Object (436/7749).

use bytes::Bytes;
use http::Method;

pub(crate) use super::object_meta::Written;
use super::{ObjectOptions, header_value::header_value, names};
use crate::{Call, CallKind, Key, Payload, Rejected, Reply, encode::content_md5};

/// Stores `body`, at most 5 GB, as the object.
pub(crate) fn call(key: &Key, options: &ObjectOptions, body: Payload) -> Call {
    let mut call = Call::new(CallKind::PutObject, Method::PUT, Some(key.clone())).body(body);
    options.write(&mut call.headers);
    if let Some(limit) = options.limit() {
        limit.write(&mut call.headers);
    }
    call
}

/// The same with the body's MD5: COS stores nothing if other bytes arrive (436/7749).
pub(crate) fn call_with_digest(key: &Key, options: &ObjectOptions, body: Bytes) -> Call {
    let digest = header_value(&content_md5(&body));
    call(key, options, body.into()).header(names::CONTENT_MD5, digest)
}

pub(crate) fn decode(reply: &Reply) -> Result<Written, Rejected> {
    Written::decode(reply.headers())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        ETag, Rejected, Reported,
        api::{
            Acl, Encryption, Overwrite, StorageClass, TrafficLimit,
            testing::{assert_wire, key, reply},
        },
    };

    #[test]
    fn sends_no_header_that_was_not_asked_for() {
        let body = Payload::from(b"hello".as_slice());
        assert_wire(
            call(&key("dir/a b+c.txt"), &ObjectOptions::new(), body),
            &["PUT /dir/a%20b%2Bc.txt", "content-length: 5", "hello"],
        );
        assert_wire(
            call(&key("empty"), &ObjectOptions::new(), Payload::EMPTY),
            &["PUT /empty", "content-length: 0"],
        );
    }

    #[test]
    fn sends_every_option() {
        let options = ObjectOptions::new()
            .metadata("Author", "A B")
            .and_then(|options| options.metadata("k-2", ""))
            .and_then(|options| options.content_type("text/plain; charset=utf-8"))
            .and_then(|options| options.cache_control("max-age=60"))
            .and_then(|options| options.content_disposition("attachment; filename=\"a\""))
            .and_then(|options| options.content_encoding("identity"))
            .and_then(|options| options.content_language("en"))
            .and_then(|options| options.expires("Sun, 06 Nov 1994 08:49:37 GMT"))
            .and_then(|options| options.tag("a b", "c&d"))
            .and_then(|options| options.tag("e", ""))
            .expect("options")
            .storage_class(StorageClass::STANDARD_IA)
            .acl(Acl::PublicRead)
            .encryption(Encryption::SseCos)
            .overwrite(Overwrite::Forbid)
            .traffic_limit(TrafficLimit::new(819_200).expect("a limit"));
        assert_wire(
            call(&key("k"), &options, Payload::from(b"x".as_slice())),
            &[
                "PUT /k",
                "cache-control: max-age=60",
                "content-disposition: attachment; filename=\"a\"",
                "content-encoding: identity",
                "content-language: en",
                "content-length: 1",
                "content-type: text/plain; charset=utf-8",
                "expires: Sun, 06 Nov 1994 08:49:37 GMT",
                "x-cos-acl: public-read",
                "x-cos-forbid-overwrite: true",
                "x-cos-meta-author: A B",
                "x-cos-meta-k-2: ",
                "x-cos-server-side-encryption: AES256",
                "x-cos-storage-class: STANDARD_IA",
                "x-cos-tagging: a%20b=c%26d&e=",
                "x-cos-traffic-limit: 819200",
                "x",
            ],
        );
    }

    #[test]
    fn reads_the_tag_and_the_crc() {
        let headers = [
            ("etag", "\"ee8de918d05640145b18f70f4c3aa602\""),
            ("x-cos-hash-crc64ecma", "16749565679157681890"),
            ("x-cos-version-id", "MTg0"),
        ];
        let written = decode(&reply(200, &headers, "")).expect("written");
        assert_eq!(written.etag, ETag::new("ee8de918d05640145b18f70f4c3aa602"));
        assert_eq!(written.crc64, Reported::Value(16_749_565_679_157_681_890));
        assert_eq!(written.version_id.as_deref(), Some("MTg0"));

        let written = decode(&reply(200, &[("etag", "\"e\"")], "")).expect("written");
        assert_eq!((written.crc64, written.version_id), (Reported::Absent, None));

        let headers = [("etag", "\"e\""), ("x-cos-hash-crc64ecma", "none")];
        let written = decode(&reply(200, &headers, "")).expect("written");
        assert_eq!(written.crc64, Reported::Invalid("none".to_owned()));
    }

    #[test]
    fn an_answer_without_a_tag_does_not_count() {
        for headers in [&[][..], &[("etag", "")], &[("etag", "\"\"")]] {
            assert!(matches!(decode(&reply(200, headers, "")), Err(Rejected::Retry(_))));
        }
    }
}
