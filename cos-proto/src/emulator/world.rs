//! What the service stores: buckets, objects, unfinished uploads, as maps.

use std::{collections::BTreeMap, time::Duration};

use super::{
    Downloads, Settings, SseCTransport,
    acl::Acl,
    clock::Moment,
    encryption::Encryption,
    errors::{Code, Refusal},
    headers::{Described, Tags},
    lagged::Lagged,
    random::Random,
    request::Request,
};
use crate::Payload;

/// Everything that is stored, and what decides how it is shown.
#[derive(Debug)]
pub(super) struct World {
    pub(super) buckets: BTreeMap<String, Bucket>,
    pub(super) region: String,
    pub(super) lag: Duration,
    pub(super) part_bytes_min: u64,
    pub(super) page_entries_max: u64,
    /// That of the lists of uploads.
    pub(super) uploads_lag: Duration,
    /// The upload that was opened last, until somebody asks.
    pub(super) opened: Option<UploadName>,
    pub(super) downloads: Downloads,
    pub(super) sse_c: SseCTransport,
    pub(super) random: Random,
}

impl World {
    pub(super) fn new(settings: &Settings) -> Self {
        let bucket = |name: &String| (name.clone(), Bucket::new(Moment(0), Acl::private()));
        Self {
            buckets: settings.buckets.iter().map(bucket).collect(),
            region: settings.region.clone(),
            lag: settings.list_lag,
            uploads_lag: settings.list_lag,
            part_bytes_min: settings.part_bytes_min,
            page_entries_max: settings.page_entries_max,
            opened: None,
            downloads: settings.downloads,
            sse_c: settings.sse_c,
            random: Random::new(settings.seed),
        }
    }

    pub(super) fn bucket(&self, name: &str) -> Result<&Bucket, Refusal> {
        self.buckets.get(name).ok_or_else(|| Code::NoSuchBucket.into())
    }

    /// The bucket that a request addresses, and when its lists show a change made now.
    pub(super) fn change(
        &mut self,
        request: &Request<'_>,
    ) -> Result<(&mut Bucket, Shown), Refusal> {
        let shown = Shown {
            now: request.now,
            from: request.now.after(self.lag),
            uploads_from: request.now.after(self.uploads_lag),
        };
        let bucket = self.buckets.get_mut(request.bucket()).ok_or(Code::NoSuchBucket)?;
        Ok((bucket, shown))
    }
}

/// When a change is made and from when on lists show it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shown {
    pub(super) now: Moment,
    pub(super) from: Moment,
    /// The same for lists of uploads.
    pub(super) uploads_from: Moment,
}

/// The name of an upload: its key and its id.
pub(super) type UploadName = (String, String);

/// One bucket.
#[derive(Debug)]
pub(super) struct Bucket {
    pub(super) created: Moment,
    pub(super) acl: Acl,
    objects: BTreeMap<String, Object>,
    uploads: BTreeMap<UploadName, Upload>,
    pub(super) listed_objects: Lagged<String, ListedObject>,
    pub(super) listed_uploads: Lagged<UploadName, ListedUpload>,
}

impl Bucket {
    pub(super) fn new(created: Moment, acl: Acl) -> Self {
        Self {
            created,
            acl,
            objects: BTreeMap::new(),
            uploads: BTreeMap::new(),
            listed_objects: Lagged::new(),
            listed_uploads: Lagged::new(),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.objects.is_empty() && self.uploads.is_empty()
    }

    pub(super) fn find(&self, key: &str) -> Option<&Object> {
        self.objects.get(key)
    }

    pub(super) fn object(&self, key: &str) -> Result<&Object, Refusal> {
        self.objects.get(key).ok_or_else(|| Code::NoSuchKey.into())
    }

    /// To change what no list shows.
    pub(super) fn object_mut(&mut self, key: &str) -> Result<&mut Object, Refusal> {
        self.objects.get_mut(key).ok_or_else(|| Code::NoSuchKey.into())
    }

    pub(super) fn keys(&self) -> impl Iterator<Item = &String> {
        self.objects.keys()
    }

    pub(super) fn put(&mut self, shown: Shown, key: &str, object: Object) {
        let listed = ListedObject {
            size: object.body.len(),
            etag: object.etag.clone(),
            modified: object.modified,
            storage_class: object.described.storage_class.clone(),
        };
        self.listed_objects.set(shown.now, shown.from, key.to_owned(), Some(listed));
        self.objects.insert(key.to_owned(), object);
    }

    pub(super) fn remove(&mut self, shown: Shown, key: &str) {
        if self.objects.remove(key).is_some() {
            self.listed_objects.set(shown.now, shown.from, key.to_owned(), None);
        }
    }

    pub(super) fn open_upload(&mut self, shown: Shown, name: UploadName, upload: Upload) {
        let listed = ListedUpload {
            initiated: upload.initiated,
            storage_class: upload.described.storage_class.clone(),
        };
        self.listed_uploads.set(shown.now, shown.uploads_from, name.clone(), Some(listed));
        self.uploads.insert(name, upload);
    }

    pub(super) fn close_upload(&mut self, shown: Shown, name: &UploadName) -> Option<Upload> {
        let upload = self.uploads.remove(name)?;
        self.listed_uploads.set(shown.now, shown.uploads_from, name.clone(), None);
        Some(upload)
    }

    pub(super) fn upload(&self, name: &UploadName) -> Result<&Upload, Refusal> {
        self.uploads.get(name).ok_or_else(|| Code::NoSuchUpload.into())
    }

    pub(super) fn upload_mut(&mut self, name: &UploadName) -> Result<&mut Upload, Refusal> {
        self.uploads.get_mut(name).ok_or_else(|| Code::NoSuchUpload.into())
    }

    pub(super) fn upload_names(&self) -> impl Iterator<Item = &UploadName> {
        self.uploads.keys()
    }
}

/// One object.
#[derive(Clone, Debug)]
pub(super) struct Object {
    pub(super) body: Payload,
    /// Without quotes.
    pub(super) etag: String,
    /// Objects older than the service's CRCs have none.
    pub(super) crc64: Option<u64>,
    pub(super) modified: Moment,
    pub(super) form: Form,
    pub(super) described: Described,
    pub(super) encryption: Encryption,
    pub(super) tags: Tags,
    pub(super) acl: Acl,
    pub(super) archive: Archive,
}

impl Object {
    pub(super) fn quoted_etag(&self) -> String {
        format!("\"{}\"", self.etag)
    }

    /// Whether it must be restored before it can be read.
    pub(super) fn is_frozen(&self) -> bool {
        self.archive == Archive::AsStored
            && matches!(self.described.storage_class.as_str(), "ARCHIVE" | "DEEP_ARCHIVE")
    }
}

/// How an object came about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Normal,
    Appendable,
}

/// Whether an archived object has been restored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Archive {
    AsStored,
    Restored,
}

/// What a list shows of an object.
#[derive(Debug)]
pub(super) struct ListedObject {
    pub(super) size: u64,
    pub(super) etag: String,
    pub(super) modified: Moment,
    pub(super) storage_class: String,
}

/// What a list shows of an upload.
#[derive(Debug)]
pub(super) struct ListedUpload {
    pub(super) initiated: Moment,
    pub(super) storage_class: String,
}

/// An unfinished upload: what its object will be.
#[derive(Debug)]
pub(super) struct Upload {
    pub(super) initiated: Moment,
    pub(super) described: Described,
    pub(super) encryption: Encryption,
    pub(super) tags: Tags,
    pub(super) acl: Acl,
    pub(super) parts: BTreeMap<u16, Part>,
}

/// One part.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) body: Payload,
    pub(super) etag: String,
    pub(super) crc64: Option<u64>,
    pub(super) modified: Moment,
}
