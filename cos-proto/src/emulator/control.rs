//! What tests do to an emulator and see of it, past the protocol.

use std::{collections::BTreeMap, time::Duration};

use super::{
    Emulator, Fault, FaultId, Logged, Received,
    acl::Acl,
    clock::Moment,
    encryption::Encryption,
    headers::Described,
    world::{Archive, Form, Object, Shown},
};
use crate::{Credentials, Payload};

/// An object as it is stored.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Stored {
    /// Its bytes.
    pub body: Payload,
    /// Its tag, without quotes.
    pub etag: String,
    /// Its CRC-64, unless it was made to lack one.
    pub crc64: Option<u64>,
    /// Content headers and user metadata by lower-case name, and what no answer shows as such:
    /// `x-cos-storage-class`, `x-cos-acl`, `x-cos-tagging` (`k=v&…`, decoded),
    /// `x-cos-server-side-encryption-context`.
    pub headers: BTreeMap<String, String>,
}

impl Emulator {
    /// Moves the clock forward.
    pub fn advance(&mut self, by: Duration) {
        self.clock.advance(by);
        self.last = self.last.after(by);
    }

    /// Has something go wrong; faults injected earlier come first.
    pub fn inject(&mut self, fault: Fault) -> FaultId {
        self.faults.arm(fault)
    }

    /// How often an injected fault has met a request.
    pub fn fired(&self, id: FaultId) -> u32 {
        self.faults.fired(id)
    }

    /// How many requests have met a random fault.
    pub fn random_faults(&self) -> u64 {
        self.faults.random_fired()
    }

    /// Ends injected faults; how often they fired stays known.
    pub fn clear_faults(&mut self) {
        self.faults.disarm();
    }

    /// Sets the share of requests, 0 to 1, that meet a random fault.
    pub fn set_fault_rate(&mut self, rate: f64) {
        self.faults.set_rate(rate);
    }

    /// Sets the lag of lists for what is written or deleted from now on.
    pub fn set_list_lag(&mut self, lag: Duration) {
        self.world.lag = lag;
        self.world.uploads_lag = lag;
    }

    /// Sets the lag of lists of uploads only, for what is opened or ended from now on.
    pub fn set_uploads_lag(&mut self, lag: Duration) {
        self.world.uploads_lag = lag;
    }

    /// Whether the last request was executed, whatever was answered.
    pub fn executed(&self) -> bool {
        self.executed
    }

    /// The key and id of the upload that was opened last, once.
    pub fn take_opened(&mut self) -> Option<(String, String)> {
        self.world.opened.take()
    }

    /// Moves the clock by so many seconds, backward if negative: a service whose clock is off.
    pub fn shift_clock(&mut self, seconds: i64) {
        self.clock.shift(seconds);
    }

    /// Who may sign.
    pub fn credentials(&self) -> &[Credentials] {
        &self.credentials
    }

    /// Replaces who may sign.
    pub fn set_credentials(&mut self, credentials: Vec<Credentials>) {
        self.credentials = credentials;
    }

    /// The unfinished uploads, as (bucket, key, upload id), whatever lists show yet.
    pub fn open_uploads(&self) -> Vec<(String, String, String)> {
        let named = |(name, bucket): (&String, &super::world::Bucket)| {
            let of_bucket = |(key, id): &(String, String)| (name.clone(), key.clone(), id.clone());
            bucket.upload_names().map(of_bucket).collect::<Vec<_>>()
        };
        self.world.buckets.iter().flat_map(named).collect()
    }

    /// The keys of a bucket in order, whatever lists show yet.
    pub fn keys(&self, bucket: &str) -> Vec<String> {
        self.world.buckets.get(bucket).map_or(Vec::new(), |bucket| bucket.keys().cloned().collect())
    }

    /// An object.
    pub fn object(&self, bucket: &str, key: &str) -> Option<Stored> {
        let object = self.world.buckets.get(bucket)?.find(key)?;
        let text =
            |value: &http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let mut headers: BTreeMap<String, String> = object
            .described
            .headers()
            .map(|(name, value)| (name.to_owned(), text(value)))
            .collect();
        let mut add = |name: &str, value: String| headers.insert(name.to_owned(), value);
        add("x-cos-storage-class", object.described.storage_class.clone());
        add("x-cos-acl", object.acl.canned.name().to_owned());
        if !object.tags.is_empty() {
            let tags = object.tags.iter().map(|(key, value)| format!("{key}={value}"));
            add("x-cos-tagging", tags.collect::<Vec<_>>().join("&"));
        }
        if let Some(context) = object.encryption.context() {
            add("x-cos-server-side-encryption-context", text(context));
        }
        Some(Stored {
            body: object.body.clone(),
            etag: object.etag.clone(),
            crc64: object.crc64,
            headers,
        })
    }

    /// The content of an object of the first bucket.
    pub fn content(&self, key: &str) -> Option<bytes::Bytes> {
        Some(self.world.buckets.get(&self.first)?.find(key)?.body.to_bytes())
    }

    /// Stores an object past the protocol, whatever its key; lists show it at once. False if there
    /// is no such bucket.
    pub fn put_raw(&mut self, bucket: &str, key: &str, body: impl Into<Payload>) -> bool {
        let received = Received::from(body.into());
        let Some(bucket) = self.world.buckets.get_mut(bucket) else { return false };
        let object = Object {
            body: received.body,
            etag: hex::encode(received.md5),
            crc64: Some(received.crc64),
            modified: self.last,
            form: Form::Normal,
            described: Described::plain(),
            encryption: Encryption::None,
            tags: Vec::new(),
            acl: Acl::inherited(),
            archive: Archive::AsStored,
        };
        let always = Moment(i64::MIN);
        bucket.put(Shown { now: self.last, from: always, uploads_from: always }, key, object);
        true
    }

    /// Has an object be older than COS's CRCs: nothing states its CRC-64 any more. False if there
    /// is no such object.
    pub fn forget_crc(&mut self, bucket: &str, key: &str) -> bool {
        let bucket = self.world.buckets.get_mut(bucket);
        let object = bucket.and_then(|bucket| bucket.object_mut(key).ok());
        object.map(|object| object.crc64 = None).is_some()
    }

    /// The requests so far, oldest first; of very many the last 100 000.
    pub fn request_log(&self) -> Vec<Logged> {
        self.log.to_vec()
    }

    /// Whether requests are remembered from now on; they are unless told.
    pub fn keep_log(&mut self, keep: bool) {
        self.log.keep(keep);
    }

    /// Forgets the requests so far.
    pub fn clear_log(&mut self) {
        self.log.clear();
    }
}
