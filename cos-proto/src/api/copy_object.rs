//! PUT Object - Copy (436/10881): 200 at once, the outcome in the body.

use http::{HeaderValue, Method};

use super::{Conditions, ObjectOptions, SseC, names, object_meta};
use crate::{
    Call, CallKind, CopySource, ETag, Error, ErrorKind, Key, Rejected, Reply, Reported, UnixTime,
    call::ErrorIn200,
    xml::{Document, missing},
};

/// How an object is copied. Storage class, ACL and encryption are never the source's: they are what
/// the object's options say, or COS's defaults.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CopyOptions {
    object: ObjectOptions,
    metadata: MetadataDirective,
    tagging: TaggingDirective,
    conditions: Conditions,
    source_sse_c: Option<SseC>,
}

/// Where the copy's user metadata and content headers come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "COS knows these two")]
pub enum MetadataDirective {
    /// The source.
    #[default]
    Copy,
    /// The options; what they do not say is lost.
    Replaced,
}

/// Where the copy's tags come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "COS knows these two")]
pub enum TaggingDirective {
    /// The source.
    #[default]
    Copy,
    /// The options.
    Replaced,
}

impl CopyOptions {
    /// A copy with these options. Tags come from the options if they have any, else from the source.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidParameter`] if metadata is to be copied although the options have some:
    /// COS would ignore it.
    pub fn new(object: ObjectOptions, metadata: MetadataDirective) -> Result<Self, Error> {
        if metadata == MetadataDirective::Copy && object.is_described() {
            return Err(Error::new(
                ErrorKind::InvalidParameter,
                "a copy that keeps the source's metadata cannot be given metadata or content \
                 headers; use MetadataDirective::Replaced",
            ));
        }
        let tagging =
            if object.has_tags() { TaggingDirective::Replaced } else { TaggingDirective::Copy };
        Ok(Self { object, metadata, tagging, ..Self::default() })
    }

    /// The copy has no tag of the source's, also if the options have none.
    #[must_use]
    pub fn replace_tags(mut self) -> Self {
        self.tagging = TaggingDirective::Replaced;
        self
    }

    /// Conditions on the source; COS answers 412 to each that fails.
    #[must_use]
    pub fn conditions(mut self, conditions: Conditions) -> Self {
        self.conditions = conditions;
        self
    }

    /// The key of a source under SSE-C.
    #[must_use]
    pub fn source_sse_c(mut self, key: SseC) -> Self {
        self.source_sse_c = Some(key);
        self
    }

    /// The copy's options.
    pub fn object(&self) -> &ObjectOptions {
        &self.object
    }

    /// Where the copy's metadata comes from.
    pub fn metadata(&self) -> MetadataDirective {
        self.metadata
    }

    /// Where the copy's tags come from.
    pub fn tagging(&self) -> TaggingDirective {
        self.tagging
    }

    pub(crate) fn source_conditions(&self) -> &Conditions {
        &self.conditions
    }

    pub(crate) fn source_key(&self) -> Option<&SseC> {
        self.source_sse_c.as_ref()
    }
}

/// What a copy of an object or part answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Copied {
    pub(crate) etag: ETag,
    pub(crate) crc64: Reported,
    pub(crate) last_modified: Option<UnixTime>,
    pub(crate) version_id: Option<String>,
}

/// Copies an object of at most 5 GB.
pub(crate) fn call(destination: &Key, source: &CopySource, options: &CopyOptions) -> Call {
    let mut call = Call::new(CallKind::PutObjectCopy, Method::PUT, Some(destination.clone()));
    call.copy_source = Some(source.clone());
    call.error_in_200 = ErrorIn200::Possible;
    let headers = &mut call.headers;
    options.object.write(headers);
    if options.metadata == MetadataDirective::Replaced {
        headers.insert(names::METADATA_DIRECTIVE, REPLACED);
    }
    if options.tagging == TaggingDirective::Replaced {
        headers.insert(names::TAGGING_DIRECTIVE, REPLACED);
    }
    options.conditions.write_for_source(headers);
    if let Some(key) = &options.source_sse_c {
        key.write_for_source(headers);
    }
    call
}

/// Not `REPLACE`, as S3 has it.
const REPLACED: HeaderValue = HeaderValue::from_static("Replaced");

pub(crate) fn decode(reply: &Reply) -> Result<Copied, Rejected> {
    Copied::decode(reply, "CopyObjectResult")
}

impl Copied {
    pub(crate) fn decode(reply: &Reply, root: &str) -> Result<Self, Rejected> {
        let mut document = Document::open(reply.body(), root)?;
        let (mut etag, mut crc64) = (None, Reported::Absent);
        let (mut last_modified, mut version_id) = (None, None);
        while let Some(name) = document.child()? {
            match name {
                "ETag" => etag = Some(document.text(ETag::new)?),
                "CRC64" => crc64 = document.text(|text| Reported::parse(Some(text)))?,
                "LastModified" => last_modified = document.text(UnixTime::parse_iso8601)?,
                "VersionId" => version_id = Some(document.text(str::to_owned)?),
                _ => document.skip()?,
            }
        }
        let etag = etag.filter(|etag| !etag.as_str().is_empty()).ok_or_else(|| missing("ETag"))?;
        let version_id = version_id.or_else(|| object_meta::version_id(reply.headers()));
        Ok(Self { etag, crc64, last_modified, version_id })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Bucket, Reason, Region,
        api::{
            Acl, Encryption, Overwrite, StorageClass, TrafficLimit,
            testing::{assert_wire, key, reply, sample},
        },
    };

    const SOURCE: &str =
        "x-cos-copy-source: examplebucket-1250000000.cos.ap-beijing.myqcloud.com/dir/a%20b";

    #[test]
    fn copies_everything_by_default() {
        let source = CopySource::new(key("dir/a b"));
        let call = call(&key("dst"), &source, &CopyOptions::default());
        assert_eq!(call.error_in_200, ErrorIn200::Possible);
        assert_wire(call, &["PUT /dst", "content-length: 0", SOURCE]);
    }

    #[test]
    fn sends_every_option() {
        let at = UnixTime::from_secs(784_111_777);
        let object = ObjectOptions::new()
            .metadata("a", "b")
            .and_then(|options| options.content_type("text/plain"))
            .and_then(|options| options.tag("k", "v"))
            .expect("options")
            .storage_class(StorageClass::COLD)
            .acl(Acl::Private)
            .encryption(Encryption::SseC(SseC::new([7; 32])))
            .overwrite(Overwrite::Forbid)
            .traffic_limit(TrafficLimit::new(819_200).expect("a limit"));
        let options = CopyOptions::new(object, MetadataDirective::Replaced)
            .expect("options")
            .source_sse_c(SseC::new([0; 32]))
            .conditions(
                Conditions::new()
                    .if_match(ETag::new("a"))
                    .if_none_match(ETag::new("b"))
                    .if_modified_since(at)
                    .if_unmodified_since(at),
            );
        let source = CopySource::new(key("dir/a b"))
            .in_bucket(
                Bucket::new("other-1250000001").expect("bucket"),
                Region::new("eu-frankfurt").expect("region"),
            )
            .version("v1");
        assert_wire(
            call(&key("dst"), &source, &options),
            &[
                "PUT /dst",
                "content-length: 0",
                "content-type: text/plain",
                "x-cos-acl: private",
                "x-cos-copy-source: other-1250000001.cos.eu-frankfurt.myqcloud.com/dir/a%20b?versionId=v1",
                "x-cos-copy-source-if-match: \"a\"",
                "x-cos-copy-source-if-modified-since: Sun, 06 Nov 1994 08:49:37 GMT",
                "x-cos-copy-source-if-none-match: \"b\"",
                "x-cos-copy-source-if-unmodified-since: Sun, 06 Nov 1994 08:49:37 GMT",
                "x-cos-copy-source-server-side-encryption-customer-algorithm: AES256",
                "x-cos-copy-source-server-side-encryption-customer-key: AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
                "x-cos-copy-source-server-side-encryption-customer-key-md5: cLyPS3KoaSFGi/joRB3OUQ==",
                "x-cos-forbid-overwrite: true",
                "x-cos-meta-a: b",
                "x-cos-metadata-directive: Replaced",
                "x-cos-server-side-encryption-customer-algorithm: AES256",
                "x-cos-server-side-encryption-customer-key: BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=",
                "x-cos-server-side-encryption-customer-key-md5: y4HAEFCYWuvAXWFTtA1Qpg==",
                "x-cos-storage-class: COLD",
                "x-cos-tagging: k=v",
                "x-cos-tagging-directive: Replaced",
            ],
        );
    }

    #[test]
    fn tags_can_be_dropped_and_metadata_is_never_silently_ignored() {
        let options = CopyOptions::default().replace_tags();
        assert_wire(
            call(&key("dst"), &CopySource::new(key("dir/a b")), &options),
            &["PUT /dst", "content-length: 0", SOURCE, "x-cos-tagging-directive: Replaced"],
        );
        let described = ObjectOptions::new().metadata("a", "b").expect("metadata");
        let error = CopyOptions::new(described, MetadataDirective::Copy).expect_err("ignored");
        assert_eq!(error.kind(), &ErrorKind::InvalidParameter);
    }

    #[test]
    fn the_result_is_in_the_body() {
        let copied = decode(&reply(200, &[], &sample("copy_ok.xml"))).expect("copied");
        assert_eq!(
            copied,
            Copied {
                etag: ETag::new("ee8de918d05640145b18f70f4c3aa602"),
                crc64: Reported::Value(16_749_565_679_157_681_890),
                last_modified: Some(UnixTime::from_secs(1_795_198_830)),
                version_id: None,
            }
        );
        let body = sample("copy_ok_versioned_multipart_source_no_crc.xml");
        let copied = decode(&reply(200, &[], &body)).expect("copied");
        assert_eq!(copied.crc64, Reported::Absent);
        assert_eq!(copied.version_id.as_deref(), Some("MTg0NDUxNTc0NDYxOTI4MzU0MDI"));
        let body = "<CopyObjectResult><ETag>e</ETag><CRC64>x</CRC64></CopyObjectResult>";
        let copied = decode(&reply(200, &[("x-cos-version-id", "v")], body)).expect("copied");
        assert_eq!(copied.crc64, Reported::Invalid("x".to_owned()));
        assert_eq!(copied.version_id.as_deref(), Some("v"));
    }

    #[test]
    fn an_answer_without_a_tag_does_not_count() {
        for body in [
            "",
            "  ",
            "<CopyObjectResult/>",
            "<CopyObjectResult><ETag/></CopyObjectResult>",
            "<CopyObjectResult><ETag>e</ETag>",
            "<CopyPartResult><ETag>e</ETag></CopyPartResult>",
        ] {
            let refused = decode(&reply(200, &[], body));
            assert!(matches!(refused, Err(Rejected::Retry(Reason::Malformed(_)))), "{body}");
        }
    }
}
