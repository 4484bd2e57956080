//! Initiate Multipart Upload (436/7746). Every call makes another upload.

use http::Method;

use crate::{
    Call, CallKind, Key, Rejected, Reply, UploadId,
    api::ObjectOptions,
    xml::{Document, missing},
};

/// Begins an upload; the object will have these options. The traffic limit is every part's own.
pub(crate) fn call(key: &Key, options: &ObjectOptions) -> Call {
    let mut call = Call::new(CallKind::InitiateMultipartUpload, Method::POST, Some(key.clone()))
        .query("uploads", "");
    options.write(&mut call.headers);
    call
}

pub(crate) fn decode(reply: &Reply) -> Result<UploadId, Rejected> {
    let mut document = Document::open(reply.body(), "InitiateMultipartUploadResult")?;
    let mut upload_id = None;
    while let Some(name) = document.child()? {
        match name {
            "UploadId" | "UploadID" => upload_id = document.text(|id| UploadId::new(id).ok())?,
            _ => document.skip()?,
        }
    }
    Ok(upload_id.ok_or_else(|| missing("UploadId"))?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Reason,
        api::{
            Encryption, Overwrite, SseKms, StorageClass, TrafficLimit,
            testing::{assert_wire, key, reply, sample},
        },
    };

    #[test]
    fn sends_the_objects_options_but_no_traffic_limit() {
        let plain = call(&key("a b"), &ObjectOptions::new());
        assert_wire(plain, &["POST /a%20b?uploads", "content-length: 0"]);
        let kms = SseKms::new().key_id("key-1").and_then(|kms| kms.context("{\"a\":\"b\"}"));
        let options = ObjectOptions::new()
            .content_type("text/plain")
            .and_then(|options| options.metadata("a", "b"))
            .expect("options")
            .storage_class(StorageClass::MAZ_STANDARD)
            .encryption(Encryption::SseKms(kms.expect("kms")))
            .overwrite(Overwrite::Forbid)
            .traffic_limit(TrafficLimit::new(819_200).expect("a limit"));
        assert_wire(
            call(&key("k"), &options),
            &[
                "POST /k?uploads",
                "content-length: 0",
                "content-type: text/plain",
                "x-cos-forbid-overwrite: true",
                "x-cos-meta-a: b",
                "x-cos-server-side-encryption: cos/kms",
                "x-cos-server-side-encryption-context: eyJhIjoiYiJ9",
                "x-cos-server-side-encryption-cos-kms-key-id: key-1",
                "x-cos-storage-class: MAZ_STANDARD",
            ],
        );
    }

    #[test]
    fn reads_the_upload_id() {
        let id = decode(&reply(200, &[], &sample("initiate_multipart.xml"))).expect("an id");
        let expected = "1763609850cbb7df1d11846c073ad648e8f33b087cec2381df437acdc833cf654b9ecc6361";
        assert_eq!(id.as_str(), expected);
        // A key that XML cannot carry makes COS print an ill-formed document.
        let body = "<InitiateMultipartUploadResult><Key>\u{1}</Key><UploadId>i</UploadId>\
                    </InitiateMultipartUploadResult>";
        assert_eq!(decode(&reply(200, &[], body)).expect("an id").as_str(), "i");
    }

    #[test]
    fn an_answer_without_an_upload_id_does_not_count() {
        let long = "i".repeat(513);
        for id in ["", " ", "a b", "\u{e9}", &*long] {
            let body = format!(
                "<InitiateMultipartUploadResult><UploadId>{id}</UploadId>\
                 </InitiateMultipartUploadResult>"
            );
            let refused = decode(&reply(200, &[], &body));
            assert!(matches!(refused, Err(Rejected::Retry(Reason::Malformed(_)))), "{id:?}");
        }
    }
}
