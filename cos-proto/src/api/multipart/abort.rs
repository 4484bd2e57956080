//! Abort Multipart Upload (436/7740): 204, or 404 `NoSuchUpload` if it is gone already.

use http::Method;

use crate::{Call, CallKind, Key, UploadId};

/// Gives up an upload and its parts.
pub(crate) fn call(key: &Key, upload: &UploadId) -> Call {
    Call::new(CallKind::AbortMultipartUpload, Method::DELETE, Some(key.clone()))
        .query("uploadId", upload.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::testing::{assert_wire, key, upload_id};

    #[test]
    fn names_the_upload() {
        let call = call(&key("a b"), &upload_id());
        assert_wire(call, &["DELETE /a%20b?uploadId=1763609850cbb7df"]);
    }
}
