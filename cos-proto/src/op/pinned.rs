//! The object that a reader reads: what its first head said, and what all others must agree with.

use http::StatusCode;

use super::download::DownloadOptions;
use crate::{
    CallError, Error, ErrorKind, Key, ObjectMeta, Reason, Rejected, Reported, Verification,
    api::{Conditions, GetOptions},
    combine,
};

/// An object, known from its first head on.
#[derive(Debug)]
pub(super) struct Pinned {
    pub(super) key: Key,
    pub(super) options: DownloadOptions,
    meta: Option<ObjectMeta>,
}

impl Pinned {
    pub(super) fn new(key: Key, options: DownloadOptions) -> Self {
        Self { key, options, meta: None }
    }

    pub(super) fn meta(&self) -> Option<&ObjectMeta> {
        self.meta.as_ref()
    }

    /// Where the caller's bytes end, as far as is known: `length` may reach beyond the object.
    pub(super) fn end(&self) -> u64 {
        let asked = self.options.length.map(|length| self.options.offset.saturating_add(length));
        let size = self.meta.as_ref().map(|meta| meta.size);
        asked.unwrap_or(u64::MAX).min(size.unwrap_or(u64::MAX))
    }

    /// Compares a head with the first one.
    pub(super) fn adopt(&mut self, meta: ObjectMeta) -> Result<(), Rejected> {
        let Some(first) = &mut self.meta else {
            self.meta = Some(meta);
            return Ok(());
        };
        if (&first.etag, first.size) != (&meta.etag, meta.size) {
            return Err(Rejected::Final(Reason::Changed));
        }
        match &first.crc64 {
            Reported::Absent => first.crc64 = meta.crc64,
            Reported::Value(crc64) => {
                meta.crc64.verify(*crc64).map_err(Rejected::Final)?;
            }
            // No bytes can match it.
            Reported::Invalid(_) => {}
        }
        Ok(())
    }

    /// Takes another head for the first one, as nobody must.
    #[cfg(feature = "sim")]
    pub(super) fn unpin(&mut self, meta: ObjectMeta) {
        self.meta = Some(meta);
    }

    /// What the next request asks for, but for its range.
    pub(super) fn get_options(&self) -> GetOptions {
        let options = self.options.clone();
        let conditions = match &self.meta {
            None => options.conditions,
            Some(first) => Conditions::new().if_match(first.etag.clone()),
        };
        GetOptions {
            conditions,
            version_id: options.version_id,
            sse_c: options.sse_c,
            traffic_limit: options.traffic_limit,
            ..GetOptions::default()
        }
    }

    /// Compares the bytes from the offset to `position` with the object's CRC-64, if they are all
    /// of it, or all but those whose CRC-64 the caller knows.
    pub(super) fn verify(&self, position: u64, crc64: u64) -> Result<Verification, Reason> {
        let Some(meta) = self.meta.as_ref().filter(|meta| meta.size == position) else {
            return Ok(Verification::Unverified);
        };
        let delivered = position.saturating_sub(self.options.offset);
        match (self.options.offset, self.options.prefix_crc) {
            (0, _) => meta.crc64.verify(crc64),
            (_, Some(prefix)) => meta.crc64.verify(combine(prefix, crc64, delivered)),
            (_, None) => Ok(Verification::Unverified),
        }
    }

    /// Whether a 416 to the first request says that the offset is at or beyond the object's end.
    pub(super) fn is_beyond_the_end(&self, error: &CallError) -> bool {
        self.meta.is_none() && error.status() == Some(StatusCode::RANGE_NOT_SATISFIABLE)
    }

    /// The object's size, if such an answer tells it.
    pub(super) fn size_told(&self, error: &CallError) -> Option<u64> {
        let told = error.service().and_then(|error| error.object_size);
        told.or((self.options.offset == 0).then_some(0))
    }

    /// What the failure of a request means.
    pub(super) fn error(&self, error: CallError) -> Error {
        let shrunk = error.status() == Some(StatusCode::RANGE_NOT_SATISFIABLE);
        let error = error.into_error().at(self.key.as_str());
        if shrunk { error.with_kind(ErrorKind::Changed) } else { error }
    }
}
