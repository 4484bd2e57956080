//! Upload Part (436/7750). The same number again replaces the part.

use http::Method;

use super::PartOptions;
pub(crate) use crate::api::put_object::Written;
use crate::{Call, CallKind, Key, Lane, PartNumber, Payload, Rejected, Reply, UploadId};

/// Stores a part: 1 MiB to 5 GB, the last one of any size.
pub(crate) fn call(
    key: &Key,
    upload: &UploadId,
    number: PartNumber,
    body: Payload,
    options: &PartOptions,
) -> Call {
    let mut call = Call::new(CallKind::UploadPart, Method::PUT, Some(key.clone()))
        .query("partNumber", itoa::Buffer::new().format(number.get()))
        .query("uploadId", upload.as_str())
        .body(body);
    call.lane = Lane::Bulk;
    options.write(&mut call.headers);
    call
}

pub(crate) fn decode(reply: &Reply) -> Result<Written, Rejected> {
    Written::decode(reply.headers())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::{
        SseC, TrafficLimit,
        testing::{assert_wire, key, part, reply, upload_id},
    };

    #[test]
    fn names_part_and_upload_first() {
        let body = Payload::from(b"hello".as_slice());
        let call = call(&key("a b"), &upload_id(), part(10_000), body, &PartOptions::default());
        assert_eq!(call.lane, Lane::Bulk);
        assert_wire(
            call,
            &[
                "PUT /a%20b?partNumber=10000&uploadId=1763609850cbb7df",
                "content-length: 5",
                "hello",
            ],
        );
    }

    #[test]
    fn carries_key_and_limit() {
        let options = PartOptions {
            sse_c: Some(SseC::new([7; 32])),
            traffic_limit: Some(TrafficLimit::new(819_200).expect("a limit")),
            ..PartOptions::default()
        };
        assert_wire(
            call(&key("k"), &upload_id(), part(1), Payload::EMPTY, &options),
            &[
                "PUT /k?partNumber=1&uploadId=1763609850cbb7df",
                "content-length: 0",
                "x-cos-server-side-encryption-customer-algorithm: AES256",
                "x-cos-server-side-encryption-customer-key: \
             BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=",
                "x-cos-server-side-encryption-customer-key-md5: y4HAEFCYWuvAXWFTtA1Qpg==",
                "x-cos-traffic-limit: 819200",
            ],
        );
    }

    #[test]
    fn the_tag_is_needed() {
        assert!(decode(&reply(200, &[("etag", "\"e\"")], "")).is_ok());
        assert!(decode(&reply(200, &[], "")).is_err());
    }
}
