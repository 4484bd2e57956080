//! One file per operation, on keys: which calls, in what order, and what their replies mean.

pub mod record;

mod abort_upload;
#[cfg(all(test, feature = "emulator"))]
mod against_emulator;
mod batches;
mod copy;
mod delete_keys;
mod delete_object;
mod delete_tree;
mod download;
mod failures;
mod fetch;
mod head;
mod head_bucket;
mod list;
mod list_children;
mod list_parts;
mod list_uploads;
mod move_object;
mod once;
mod paged;
mod pages;
mod pinned;
mod put;
mod read_ahead;
mod reaper;
pub(crate) mod settle;
mod stat;
mod sweep;
#[cfg(test)]
pub(crate) mod test_store;
#[cfg(test)]
pub(crate) mod testing;
mod upload;
mod walk;

pub use self::{
    abort_upload::{AbortOutcome, AbortUpload},
    copy::{Copy, CopyLimits, CopyOutcome},
    delete_keys::{DeleteKeys, DeletedCount},
    delete_object::DeleteObject,
    delete_tree::{DeleteOutcome, DeleteTree},
    download::{Download, DownloadOptions, DownloadOutcome},
    fetch::{Fetch, Fetched},
    head::Head,
    head_bucket::{BucketInfo, HeadBucket},
    list::List,
    list_children::ListChildren,
    list_parts::ListParts,
    list_uploads::ListUploads,
    move_object::Move,
    paged::Paged,
    put::{Put, PutOutcome},
    read_ahead::{RangeTag, ReadAhead, ReadAheadOptions},
    record::{NotARecord, PartRecord, UploadState},
    stat::{Stat, StatInfo},
    sweep::{Sweep, SweepOutcome},
    upload::{Append, OnFailure, Tag as UploadTag, Upload, UploadOptions, UploadOutcome},
    walk::{Walk, WalkControl, WalkEntry, WalkOptions},
};
