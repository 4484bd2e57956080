//! `x-cos-copy-source` in both forms: `<bucket>.<host>/<key>` and `/<bucket>/<key>`.

use super::{
    conditions::{Outcome, evaluate},
    errors::{Code, Refusal},
    headers::names_current_version,
    request::Request,
    routing::{bucket_of_host, check_key},
    world::{Form, Object, World},
};
use crate::verify::{Plus, decode};

/// What a copy reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct CopySource {
    pub(super) bucket: String,
    pub(super) key: String,
    version: Option<String>,
}

impl CopySource {
    /// Reads the header. The key is decoded once, `%2F` is a slash, `+` a plus.
    pub(super) fn of(request: &Request<'_>, first: &str) -> Result<Self, Refusal> {
        let text = request.header("x-cos-copy-source").unwrap_or("");
        Self::parse(text, first).ok_or_else(|| Code::InvalidCopySource.into())
    }

    fn parse(text: &str, first: &str) -> Option<Self> {
        let (place, query) = text.split_once('?').unwrap_or((text, ""));
        // `http://…` has no bucket before its first slash.
        if place.contains("://") {
            return None;
        }
        let (bucket, key) = if let Some(s3) = place.strip_prefix('/') {
            let (bucket, key) = s3.split_once('/')?;
            (decode(bucket, Plus::Plus)?, key)
        } else {
            let (host, key) = place.split_once('/')?;
            (bucket_of_host(host, first)?, key)
        };
        let key = decode(key, Plus::Plus).filter(|key| !key.is_empty())?;
        check_key(&key).ok()?;
        let version = query
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .find(|(name, _)| name.eq_ignore_ascii_case("versionId"))
            .map(|(_, value)| value.to_owned())
            .filter(|version| !version.is_empty());
        Some(Self { bucket, key, version })
    }

    /// The object, after all that can forbid to copy it. Every failed condition is a 412.
    pub(super) fn open(&self, world: &World, request: &Request<'_>) -> Result<Object, Refusal> {
        let bucket = world.bucket(&self.bucket)?;
        if !names_current_version(self.version.as_deref()) {
            return Err(Code::NoSuchVersion.into());
        }
        let object = bucket.object(&self.key)?;
        if object.is_frozen() {
            return Err(Code::InvalidObjectState.into());
        }
        if object.form == Form::Appendable {
            return Err(Code::InvalidRequest.saying("An appendable object cannot be copied."));
        }
        if evaluate(request, "x-cos-copy-source-", object) != Outcome::Holds {
            return Err(Code::PreconditionFailed.into());
        }
        object.encryption.unlock_source(request, world.sse_c)?;
        Ok(object.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_both_forms_and_every_encoding() {
        for (text, bucket, key) in [
            ("a-1.cos.ap-x.myqcloud.com/dir/k", "a-1", "dir/k"),
            ("a-1.cos.ap-x.myqcloud.com/dir%2Fk", "a-1", "dir/k"),
            ("a-1.localhost:80/a%20b%2Bc+d%25", "a-1", "a b+c+d%"),
            ("a-1.cos.ap-x.myqcloud.com/./..//k", "a-1", "./..//k"),
            ("/a-1/dir/k", "a-1", "dir/k"),
            ("/a-1/%E7%85%A7", "a-1", "照"),
            ("127.0.0.1:80/k", "first-1", "k"),
            ("a-1.x/k?versionId=null", "a-1", "k"),
            ("a-1.x/k?versionId=", "a-1", "k"),
        ] {
            let source = CopySource::parse(text, "first-1").unwrap();
            assert_eq!((source.bucket.as_str(), source.key.as_str()), (bucket, key), "{text}");
            assert!(names_current_version(source.version.as_deref()), "{text}");
        }
        for text in ["", "/", "k", "/a-1", "/a-1/", "a-1.x/", "http://a-1.x/k", "a-1.x/%zz"] {
            assert_eq!(CopySource::parse(text, "first-1"), None, "{text:?}");
        }
    }
}
