//! HEAD Object (436/7745). Its errors have no body: a 404 may be the key's or the bucket's.

use http::Method;

use super::{GetOptions, ResponseOverrides, get_object, object_meta};
use crate::{Call, CallKind, Key, ObjectMeta, Rejected, Reply};

/// Describes the object. What concerns only the body (range, response overrides, traffic limit) is
/// not sent: the answer is about the whole object as it is stored.
pub(crate) fn call(key: &Key, options: &GetOptions) -> Call {
    let mut call = Call::new(CallKind::HeadObject, Method::HEAD, Some(key.clone()));
    let options = GetOptions {
        range: None,
        response: ResponseOverrides::default(),
        traffic_limit: None,
        ..options.clone()
    };
    get_object::write(&options, &mut call);
    call
}

pub(crate) fn decode(reply: &Reply) -> Result<ObjectMeta, Rejected> {
    object_meta::decode(reply.headers(), get_object::content_length(reply.headers())?)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::{
        ETag, Reported, UnixTime,
        api::{
            ByteRange, Conditions, SseC, StorageClass, TrafficLimit,
            testing::{assert_wire, key, reply},
        },
    };

    #[test]
    fn sends_only_what_is_about_the_object() {
        assert_wire(call(&key("照片.jpg"), &GetOptions::new()), &["HEAD /%E7%85%A7%E7%89%87.jpg"]);
        let response =
            ResponseOverrides { expires: Some("0".to_owned()), ..ResponseOverrides::default() };
        let options = GetOptions::new()
            .range(ByteRange::starting_at(1))
            .conditions(Conditions::new().if_match(ETag::new("e")))
            .version_id("v")
            .response(response)
            .sse_c(SseC::new([0; 32]))
            .traffic_limit(TrafficLimit::new(819_200).expect("a limit"));
        assert_wire(
            call(&key("k"), &options),
            &[
                "HEAD /k?versionId=v",
                "if-match: \"e\"",
                "x-cos-server-side-encryption-customer-algorithm: AES256",
                "x-cos-server-side-encryption-customer-key: AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
                "x-cos-server-side-encryption-customer-key-md5: cLyPS3KoaSFGi/joRB3OUQ==",
            ],
        );
    }

    #[test]
    fn reads_all_that_is_stored_with_an_object() {
        let headers = [
            ("content-length", "16"),
            ("etag", "\"ee8de918d05640145b18f70f4c3aa602\""),
            ("last-modified", "Sun, 06 Nov 1994 08:49:37 GMT"),
            ("content-type", "text/plain"),
            ("cache-control", "no-cache"),
            ("content-disposition", "inline"),
            ("content-encoding", "identity"),
            ("content-language", "en"),
            ("expires", "0"),
            ("x-cos-hash-crc64ecma", "16749565679157681890"),
            ("x-cos-storage-class", "DEEP_ARCHIVE"),
            ("x-cos-version-id", "v1"),
            ("x-cos-meta-author", "A"),
            ("x-cos-meta-k-2", ""),
            ("x-cos-server-side-encryption", "AES256"),
            ("x-cos-request-id", "r"),
        ];
        let meta = decode(&reply(200, &headers, "")).expect("meta");
        let map = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
            pairs.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect()
        };
        assert_eq!(
            meta,
            ObjectMeta {
                size: 16,
                etag: ETag::new("ee8de918d05640145b18f70f4c3aa602"),
                last_modified: Some(UnixTime::from_secs(784_111_777)),
                crc64: Reported::Value(16_749_565_679_157_681_890),
                content_type: Some("text/plain".to_owned()),
                storage_class: StorageClass::DEEP_ARCHIVE,
                version_id: Some("v1".to_owned()),
                content_headers: map(&headers[4..9]),
                metadata: map(&[("author", "A"), ("k-2", "")]),
                encryption: map(&[("x-cos-server-side-encryption", "AES256")]),
            }
        );
    }

    #[test]
    fn absent_headers_mean_the_defaults() {
        let headers = [("content-length", "0"), ("etag", "e"), ("last-modified", "yesterday")];
        let meta = decode(&reply(200, &headers, "")).expect("meta");
        assert_eq!(meta.storage_class, "STANDARD");
        assert_eq!(
            (meta.crc64, meta.last_modified, meta.version_id),
            (Reported::Absent, None, None)
        );
        assert!(meta.metadata.is_empty() && meta.content_headers.is_empty());
        assert!(decode(&reply(200, &[("etag", "e")], "")).is_err());
        assert!(decode(&reply(200, &[("content-length", "0")], "")).is_err());
    }
}
