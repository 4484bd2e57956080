//! Complete Multipart Upload (436/7742): 200 at once, then spaces, then the outcome.

use http::{HeaderValue, Method, header};

use crate::{
    Call, CallKind, ETag, Key, PartNumber, Rejected, Reply, Reported, UploadId,
    api::{Overwrite, header_value::header_value, names, object_meta},
    call::ErrorIn200,
    encode::content_md5,
    xml::{self, Document, missing},
};

/// How an upload becomes the object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct CompleteOptions {
    /// Whether an object at the key may be replaced; say the same when the upload begins.
    pub(crate) overwrite: Overwrite,
}

/// The object that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Completed {
    pub(crate) etag: ETag,
    /// Of the header; the XML has none.
    pub(crate) crc64: Reported,
    pub(crate) version_id: Option<String>,
}

/// Makes the object of these parts: numbered from 1 without a gap, each as its ETag says.
pub(crate) fn call(
    key: &Key,
    upload: &UploadId,
    parts: &[(PartNumber, ETag)],
    options: &CompleteOptions,
) -> Call {
    let mut body = String::with_capacity(64_usize.saturating_add(parts.len().saturating_mul(96)));
    body.push_str("<CompleteMultipartUpload>");
    for (number, etag) in parts {
        body.push_str("<Part>");
        xml::push_element(&mut body, "PartNumber", &number.to_string());
        xml::push_element(&mut body, "ETag", &etag.quoted());
        body.push_str("</Part>");
    }
    body.push_str("</CompleteMultipartUpload>");
    let mut call = Call::new(CallKind::CompleteMultipartUpload, Method::POST, Some(key.clone()))
        .query("uploadId", upload.as_str())
        .header(names::CONTENT_MD5, header_value(&content_md5(body.as_bytes())))
        .header(header::CONTENT_TYPE, HeaderValue::from_static("application/xml"))
        .body(body.into());
    call.error_in_200 = ErrorIn200::Possible;
    options.overwrite.write(&mut call.headers);
    call
}

pub(crate) fn decode(reply: &Reply) -> Result<Completed, Rejected> {
    let mut document = Document::open(reply.body(), "CompleteMultipartUploadResult")?;
    let mut etag = None;
    while let Some(name) = document.child()? {
        match name {
            "ETag" => etag = Some(document.text(ETag::new)?),
            _ => document.skip()?,
        }
    }
    let etag = etag.filter(|etag| !etag.as_str().is_empty()).ok_or_else(|| missing("ETag"))?;
    let headers = reply.headers();
    Ok(Completed {
        etag,
        crc64: object_meta::crc64(headers),
        version_id: object_meta::version_id(headers),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Reason,
        api::testing::{assert_wire, key, part, reply, sample, upload_id},
    };

    #[test]
    fn sends_the_parts_with_their_digest() {
        let parts = [
            (part(1), ETag::new("39270a968a357d24207e9911162507eb")),
            (part(2), ETag::new("\"d899fbd1e06109ea2e4550f5751c88d6\"")),
        ];
        let body = sample("request_complete.xml");
        let whole = call(&key("a b"), &upload_id(), &parts, &CompleteOptions::default());
        assert_eq!(whole.error_in_200, ErrorIn200::Possible);
        assert_wire(
            whole,
            &[
                "POST /a%20b?uploadId=1763609850cbb7df",
                "content-length: 223",
                "content-md5: j46MJAzeh4hlmdQ0Uq5zmw==",
                "content-type: application/xml",
                &body,
            ],
        );
    }

    #[test]
    fn can_forbid_overwriting() {
        let options = CompleteOptions { overwrite: Overwrite::Forbid };
        let call = call(&key("k"), &upload_id(), &[(part(1), ETag::new("<&>"))], &options);
        let body = "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber>\
                    <ETag>\"&lt;&amp;&gt;\"</ETag></Part></CompleteMultipartUpload>";
        assert_eq!(call.headers[names::FORBID_OVERWRITE], "true");
        assert_eq!(call.body.to_bytes(), body);
    }

    #[test]
    fn keep_alive_spaces_may_precede_the_result() {
        let headers = [("x-cos-hash-crc64ecma", "7"), ("x-cos-version-id", "v")];
        for name in ["complete_ok.xml", "complete_ok_leading_whitespace_keepalive.xml"] {
            let completed = decode(&reply(200, &headers, &sample(name))).expect(name);
            assert_eq!(
                completed,
                Completed {
                    etag: ETag::new("aa259a62513358f69e98e72e59856d88-3"),
                    crc64: Reported::Value(7),
                    version_id: Some("v".to_owned()),
                }
            );
        }
    }

    #[test]
    fn an_answer_without_a_tag_does_not_count() {
        let spaces = " ".repeat(1000);
        let empty = "<CompleteMultipartUploadResult><ETag>&quot;&quot;</ETag>\
                     </CompleteMultipartUploadResult>";
        for body in [
            &*sample("complete_200_empty_result.xml"),
            &*sample("complete_200_with_error.xml"),
            "",
            &*spaces,
            empty,
        ] {
            let refused = decode(&reply(200, &[], body));
            assert!(matches!(refused, Err(Rejected::Retry(Reason::Malformed(_)))), "{body}");
        }
    }
}
