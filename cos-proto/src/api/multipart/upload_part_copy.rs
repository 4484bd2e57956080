//! Upload Part - Copy (436/8287): 200 at once, the outcome in the body.

use std::ops::RangeInclusive;

use http::Method;

use super::PartOptions;
pub(crate) use crate::api::copy_object::Copied;
use crate::{
    Call, CallKind, CopySource, ETag, Key, Lane, PartNumber, Rejected, Reply, UploadId,
    api::{
        header_value::{etag_value, header_value},
        names,
    },
    call::ErrorIn200,
};

/// Copies bytes of an object as a part: all, or those from `range.start()` to `range.end()`, which
/// must be there. The source must be the one that `if_match` names.
pub(crate) fn call(
    key: &Key,
    upload: &UploadId,
    number: PartNumber,
    source: &CopySource,
    range: Option<RangeInclusive<u64>>,
    options: &PartOptions,
    if_match: Option<&ETag>,
) -> Call {
    let mut call = Call::new(CallKind::UploadPartCopy, Method::PUT, Some(key.clone()))
        .query("partNumber", number.to_string())
        .query("uploadId", upload.as_str());
    call.lane = Lane::Bulk;
    call.error_in_200 = ErrorIn200::Possible;
    call.copy_source = Some(source.clone());
    let headers = &mut call.headers;
    if let Some(range) = range {
        let value = format!("bytes={}-{}", range.start(), range.end());
        headers.insert(names::COPY_SOURCE_RANGE, header_value(&value));
    }
    if let Some(etag) = if_match {
        headers.insert(names::COPY_IF_MATCH, etag_value(etag));
    }
    options.write(headers);
    if let Some(key) = &options.source_sse_c {
        key.write_for_source(headers);
    }
    call
}

pub(crate) fn decode(reply: &Reply) -> Result<Copied, Rejected> {
    Copied::decode(reply, "CopyPartResult")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Reported, UnixTime,
        api::{
            SseC,
            testing::{assert_wire, key, part, reply, sample, upload_id},
        },
    };

    #[test]
    fn names_the_source_its_bytes_and_its_tag() {
        let source = CopySource::new(key("src"));
        let none = PartOptions::default();
        let whole = call(&key("dst"), &upload_id(), part(1), &source, None, &none, None);
        assert_eq!((whole.lane, whole.error_in_200), (Lane::Bulk, ErrorIn200::Possible));
        assert_wire(
            whole,
            &[
                "PUT /dst?partNumber=1&uploadId=1763609850cbb7df",
                "content-length: 0",
                "x-cos-copy-source: examplebucket-1250000000.cos.ap-beijing.myqcloud.com/src",
            ],
        );
        let tag = ETag::new("e-3");
        let options =
            PartOptions { source_sse_c: Some(SseC::new([7; 32])), ..PartOptions::default() };
        let range = Some(5..=9);
        let some = call(&key("dst"), &upload_id(), part(2), &source, range, &options, Some(&tag));
        assert_wire(
            some,
            &[
                "PUT /dst?partNumber=2&uploadId=1763609850cbb7df",
                "content-length: 0",
                "x-cos-copy-source: examplebucket-1250000000.cos.ap-beijing.myqcloud.com/src",
                "x-cos-copy-source-if-match: \"e-3\"",
                "x-cos-copy-source-range: bytes=5-9",
                "x-cos-copy-source-server-side-encryption-customer-algorithm: AES256",
                "x-cos-copy-source-server-side-encryption-customer-key: \
             BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=",
                "x-cos-copy-source-server-side-encryption-customer-key-md5: y4HAEFCYWuvAXWFTtA1Qpg==",
            ],
        );
    }

    #[test]
    fn the_result_is_in_the_body() {
        let copied = decode(&reply(200, &[], &sample("copy_part_ok.xml"))).expect("copied");
        assert_eq!(copied.etag, ETag::new("ba82b57cfdfda8bd17ad4e5879ebb4fe"));
        assert_eq!(copied.crc64, Reported::Value(9_973_912_126_177_188_060));
        assert_eq!(copied.last_modified, Some(UnixTime::from_secs(1_795_149_945)));
        assert!(decode(&reply(200, &[], &sample("copy_ok.xml"))).is_err());
    }
}
