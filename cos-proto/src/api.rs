//! One file per COS call: encode the request, decode the reply. No sequencing.
//!
//! The calls themselves are made by operations; public are the options that go in and the pages
//! that come out.

pub(crate) mod copy_object;
pub(crate) mod delete_object;
pub(crate) mod delete_objects;
pub(crate) mod get_object;
pub(crate) mod head_bucket;
pub(crate) mod head_object;
pub(crate) mod header_value;
pub(crate) mod list_objects;
mod listed_key;
pub(crate) mod multipart;
pub(crate) mod names;
pub(crate) mod object_meta;
pub(crate) mod put_object;

mod byte_range;
mod conditions;
mod encryption;
mod object_options;
mod page;
#[cfg(test)]
mod sample_tests;
mod service_error;
mod storage_class;
#[cfg(test)]
pub(crate) mod testing;
mod traffic_limit;

use http::{HeaderMap, header};

pub use self::{
    byte_range::ByteRange,
    conditions::Conditions,
    copy_object::{CopyOptions, MetadataDirective, TaggingDirective},
    encryption::{Encryption, SseC, SseKms},
    get_object::{GetOptions, ResponseOverrides},
    list_objects::{ListOptions, ListPage, ListedObject},
    listed_key::ListedKey,
    multipart::{ListUploadsOptions, ListedPart, ListedUpload, PartsPage, UploadsPage},
    object_options::{Acl, ObjectOptions, Overwrite},
    storage_class::StorageClass,
    traffic_limit::TrafficLimit,
};
pub(crate) use self::{
    multipart::{CompleteOptions, PartOptions},
    service_error::service_error,
};
use crate::UnixTime;

/// The service's clock: the header `Date`.
pub(crate) fn date(headers: &HeaderMap) -> Option<UnixTime> {
    UnixTime::parse_http_date(headers.get(header::DATE)?.to_str().ok()?)
}
