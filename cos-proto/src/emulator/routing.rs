//! Which bucket and key a request addresses, and which API it calls.

use std::net::IpAddr;

use http::Method;

use super::{
    errors::{Code, Refusal, invalid},
    request::{Request, without_port},
};
use crate::CallKind;

/// The longest key in bytes.
const KEY_BYTES_MAX: usize = 850;

/// What a request addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// All buckets: `service.cos.…`, or `cos.<region>.…` without a path.
    Service,
    Bucket(String),
    Object(String, String),
}

impl Place {
    /// From the host with or without port, and the decoded path.
    pub(super) fn find(host: &str, path: &str, first: &str) -> Result<Self, Refusal> {
        let Some(key) = path.strip_prefix('/') else { return Err(Code::InvalidUri.into()) };
        match bucket_of_host(host, first) {
            Some(bucket) if key.is_empty() => Ok(Self::Bucket(bucket)),
            Some(bucket) => {
                check_key(key)?;
                Ok(Self::Object(bucket, key.to_owned()))
            }
            None if key.is_empty() => Ok(Self::Service),
            None => Err(Code::PathStyleDomainForbidden.into()),
        }
    }
}

/// The first label of the host; the first bucket for a bare address; `None` for hosts of the
/// service itself.
pub(super) fn bucket_of_host(host: &str, first: &str) -> Option<String> {
    let host = without_port(host).to_ascii_lowercase();
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    if bare.parse::<IpAddr>().is_ok() || host == "localhost" || host.is_empty() {
        return Some(first.to_owned());
    }
    let (label, rest) = host.split_once('.').unwrap_or((&host, ""));
    let service = label == "service" && (rest.starts_with("cos.") || rest == "cos");
    (label != "cos" && !service).then(|| label.to_owned())
}

pub(super) fn check_key(key: &str) -> Result<(), Refusal> {
    if key.len() > KEY_BYTES_MAX {
        return Err(Code::KeyTooLong.into());
    }
    // CAN, EM, SUB and ESC are forbidden (product page 436/13324).
    if key.bytes().any(|byte| (24..=27).contains(&byte)) {
        return Err(Code::InvalidObjectName.into());
    }
    Ok(())
}

pub(super) fn valid_region(region: &str) -> bool {
    !region.is_empty() && region.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-'))
}

/// The APIs that the emulator answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    GetService,
    PutBucket,
    DeleteBucket,
    HeadBucket,
    GetBucket,
    GetBucketObjectVersions,
    ListMultipartUploads,
    DeleteMultipleObjects,
    GetBucketAcl,
    PutBucketAcl,
    /// A sub-resource of the bucket that was never configured.
    GetBucketConfig(&'static str),
    DeleteBucketConfig,
    PutObject,
    PutObjectCopy,
    GetObject,
    HeadObject,
    DeleteObject,
    InitiateMultipartUpload,
    UploadPart,
    UploadPartCopy,
    CompleteMultipartUpload,
    AbortMultipartUpload,
    ListParts,
    AppendObject,
    GetObjectAcl,
    PutObjectAcl,
    GetObjectTagging,
    PutObjectTagging,
    DeleteObjectTagging,
    PostObjectRestore,
    OptionsObject,
}

/// Sub-resources of a bucket that the emulator knows as never configured.
const BUCKET_CONFIGS: [&str; 20] = [
    "accelerate",
    "cors",
    "domain",
    "encryption",
    "intelligenttiering",
    "inventory",
    "lifecycle",
    "location",
    "logging",
    "notification",
    "object-lock",
    "origin",
    "policy",
    "publicaccessblock",
    "referer",
    "replication",
    "requestpayment",
    "tagging",
    "versioning",
    "website",
];

/// Sub-resources of an object that would do something else than the plain call.
const OBJECT_OTHERS: [&str; 8] =
    ["legal-hold", "rename", "retention", "select", "symlink", "torrent", "object-lock", "cors"];

impl Action {
    pub(super) fn of(request: &Request<'_>) -> Result<Self, Refusal> {
        if request.method == Method::OPTIONS {
            return Ok(Self::OptionsObject);
        }
        match request.place {
            Place::Service if request.method == Method::GET => Ok(Self::GetService),
            Place::Service => Err(Code::MethodNotAllowed.into()),
            Place::Bucket(_) => Self::of_bucket(request),
            Place::Object(..) => Self::of_object(request),
        }
    }

    fn of_bucket(request: &Request<'_>) -> Result<Self, Refusal> {
        let has = |name| request.param(name).is_some();
        let config = BUCKET_CONFIGS.into_iter().find(|name| has(name));
        Ok(match *request.method {
            Method::HEAD => Self::HeadBucket,
            Method::GET if has("uploads") => Self::ListMultipartUploads,
            Method::GET if has("versions") => Self::GetBucketObjectVersions,
            Method::GET if has("acl") => Self::GetBucketAcl,
            Method::GET => config.map_or(Self::GetBucket, Self::GetBucketConfig),
            Method::PUT if has("acl") => Self::PutBucketAcl,
            Method::PUT if config.is_none() => Self::PutBucket,
            Method::POST if has("delete") => Self::DeleteMultipleObjects,
            Method::DELETE if config.is_some() => Self::DeleteBucketConfig,
            Method::DELETE if !has("acl") && !has("uploads") => Self::DeleteBucket,
            _ => return Err(Code::MethodNotAllowed.into()),
        })
    }

    fn of_object(request: &Request<'_>) -> Result<Self, Refusal> {
        let has = |name| request.param(name).is_some();
        if OBJECT_OTHERS.into_iter().any(has) {
            return Err(Code::MethodNotAllowed.into());
        }
        let copy = request.header("x-cos-copy-source").is_some();
        Ok(match *request.method {
            Method::HEAD => Self::HeadObject,
            Method::GET if has("acl") => Self::GetObjectAcl,
            Method::GET if has("tagging") => Self::GetObjectTagging,
            Method::GET if has("uploadId") => Self::ListParts,
            Method::GET => Self::GetObject,
            Method::PUT if has("acl") => Self::PutObjectAcl,
            Method::PUT if has("tagging") => Self::PutObjectTagging,
            Method::PUT if has("uploadId") && has("partNumber") && copy => Self::UploadPartCopy,
            Method::PUT if has("uploadId") && has("partNumber") => Self::UploadPart,
            Method::PUT if has("uploadId") || has("partNumber") => {
                return Err(invalid("uploadId and partNumber belong together"));
            }
            Method::PUT if copy => Self::PutObjectCopy,
            Method::PUT => Self::PutObject,
            Method::POST if has("uploads") => Self::InitiateMultipartUpload,
            Method::POST if has("uploadId") => Self::CompleteMultipartUpload,
            Method::POST if has("append") => Self::AppendObject,
            Method::POST if has("restore") => Self::PostObjectRestore,
            Method::DELETE if has("uploadId") => Self::AbortMultipartUpload,
            Method::DELETE if has("tagging") => Self::DeleteObjectTagging,
            Method::DELETE if !has("acl") => Self::DeleteObject,
            _ => return Err(Code::MethodNotAllowed.into()),
        })
    }

    /// The client's name of it, if the client calls it too.
    pub(super) fn kind(self) -> Option<CallKind> {
        Some(match self {
            Self::PutObject => CallKind::PutObject,
            Self::GetObject => CallKind::GetObject,
            Self::HeadObject => CallKind::HeadObject,
            Self::DeleteObject => CallKind::DeleteObject,
            Self::DeleteMultipleObjects => CallKind::DeleteMultipleObjects,
            Self::PutObjectCopy => CallKind::PutObjectCopy,
            Self::GetBucket => CallKind::GetBucket,
            Self::HeadBucket => CallKind::HeadBucket,
            Self::InitiateMultipartUpload => CallKind::InitiateMultipartUpload,
            Self::UploadPart => CallKind::UploadPart,
            Self::UploadPartCopy => CallKind::UploadPartCopy,
            Self::CompleteMultipartUpload => CallKind::CompleteMultipartUpload,
            Self::AbortMultipartUpload => CallKind::AbortMultipartUpload,
            Self::ListParts => CallKind::ListParts,
            Self::ListMultipartUploads => CallKind::ListMultipartUploads,
            _ => return None,
        })
    }

    /// As CAM policies name it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::GetService => "GetService",
            Self::PutBucket => "PutBucket",
            Self::DeleteBucket => "DeleteBucket",
            Self::GetBucketObjectVersions => "GetBucketObjectVersions",
            Self::GetBucketAcl => "GetBucketACL",
            Self::PutBucketAcl => "PutBucketACL",
            Self::GetBucketConfig(_) => "GetBucketConfig",
            Self::DeleteBucketConfig => "DeleteBucketConfig",
            Self::AppendObject => "AppendObject",
            Self::GetObjectAcl => "GetObjectACL",
            Self::PutObjectAcl => "PutObjectACL",
            Self::GetObjectTagging => "GetObjectTagging",
            Self::PutObjectTagging => "PutObjectTagging",
            Self::DeleteObjectTagging => "DeleteObjectTagging",
            Self::PostObjectRestore => "PostObjectRestore",
            Self::OptionsObject => "OptionsObject",
            client => client.kind().map_or("", CallKind::name),
        }
    }

    /// What a stranger needs to be allowed to do it.
    pub(super) fn access(self) -> Access {
        match self {
            Self::GetObject | Self::HeadObject => Access::ReadObject,
            Self::GetBucket
            | Self::HeadBucket
            | Self::GetBucketObjectVersions
            | Self::ListMultipartUploads => Access::ReadBucket,
            Self::PutObject
            | Self::DeleteObject
            | Self::DeleteMultipleObjects
            | Self::InitiateMultipartUpload
            | Self::UploadPart
            | Self::CompleteMultipartUpload
            | Self::AbortMultipartUpload
            | Self::ListParts
            | Self::AppendObject => Access::WriteBucket,
            Self::OptionsObject => Access::Anyone,
            _ => Access::Owner,
        }
    }
}

/// What a request needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    Anyone,
    ReadObject,
    ReadBucket,
    WriteBucket,
    Owner,
}
