//! Names of COS's own header fields, and of its query parameters.

use http::HeaderName;

macro_rules! headers {
    ($($constant:ident = $name:literal;)*) => {
        $(pub(crate) const $constant: HeaderName = HeaderName::from_static($name);)*
    };
}

headers! {
    ACL = "x-cos-acl";
    CONTENT_MD5 = "content-md5";
    COPY_IF_MATCH = "x-cos-copy-source-if-match";
    COPY_IF_MODIFIED_SINCE = "x-cos-copy-source-if-modified-since";
    COPY_IF_NONE_MATCH = "x-cos-copy-source-if-none-match";
    COPY_IF_UNMODIFIED_SINCE = "x-cos-copy-source-if-unmodified-since";
    COPY_SOURCE_RANGE = "x-cos-copy-source-range";
    COPY_SSE_C_ALGORITHM = "x-cos-copy-source-server-side-encryption-customer-algorithm";
    COPY_SSE_C_KEY = "x-cos-copy-source-server-side-encryption-customer-key";
    COPY_SSE_C_KEY_MD5 = "x-cos-copy-source-server-side-encryption-customer-key-md5";
    CRC64 = "x-cos-hash-crc64ecma";
    FORBID_OVERWRITE = "x-cos-forbid-overwrite";
    METADATA_DIRECTIVE = "x-cos-metadata-directive";
    OBJECT_TYPE = "x-cos-object-type";
    REQUEST_ID = "x-cos-request-id";
    SSE = "x-cos-server-side-encryption";
    SSE_C_ALGORITHM = "x-cos-server-side-encryption-customer-algorithm";
    SSE_C_KEY = "x-cos-server-side-encryption-customer-key";
    SSE_C_KEY_MD5 = "x-cos-server-side-encryption-customer-key-md5";
    SSE_KMS_CONTEXT = "x-cos-server-side-encryption-context";
    SSE_KMS_KEY_ID = "x-cos-server-side-encryption-cos-kms-key-id";
    STORAGE_CLASS = "x-cos-storage-class";
    TAGGING = "x-cos-tagging";
    TAGGING_DIRECTIVE = "x-cos-tagging-directive";
    TRAFFIC_LIMIT = "x-cos-traffic-limit";
    VERSION_ID = "x-cos-version-id";
}

/// What user metadata's header names begin with.
pub(crate) const METADATA_PREFIX: &str = "x-cos-meta-";
