//! PUT Object - Copy and Upload Part - Copy (COS product pages 436/10881 and 436/8287).

use md5::{Digest as _, Md5};

use super::{
    acl::Acl,
    copy_source::CopySource,
    effects::flipped,
    encryption::Encryption,
    errors::{Code, Refusal, invalid},
    headers::{Described, METADATA_PREFIX, SINGLE_BYTES_MAX, check_overwrite, tags},
    multipart::{part_number, upload_name},
    range,
    reply::Reply,
    request::Request,
    world::{Archive, Form, Object, Part, World},
    xml::Document,
};
use crate::{Crc64, Payload};

/// Where metadata or tags of a copy come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Directive {
    Copy,
    Replaced,
}

impl Directive {
    fn of(request: &Request<'_>, header: &str) -> Result<Self, Refusal> {
        match request.header(header) {
            None => Ok(Self::Copy),
            Some(text) if text.eq_ignore_ascii_case("copy") => Ok(Self::Copy),
            Some(text) if text.eq_ignore_ascii_case("replaced") => Ok(Self::Replaced),
            Some(text) => Err(invalid(format!("{header} {text:?} must be Copy or Replaced"))),
        }
    }
}

pub(super) fn object(
    world: &mut World,
    request: &Request<'_>,
    first: &str,
) -> Result<Reply, Refusal> {
    let metadata = Directive::of(request, "x-cos-metadata-directive")?;
    let tagging = Directive::of(request, "x-cos-tagging-directive")?;
    let source = CopySource::of(request, first)?;
    let onto_itself = source.bucket == request.bucket() && source.key == request.key();
    if onto_itself && metadata == Directive::Copy {
        return Err(Code::InvalidRequest
            .saying("A copy onto itself must have x-cos-metadata-directive Replaced."));
    }
    let from = source.open(world, request)?;
    if from.body.len() > SINGLE_BYTES_MAX {
        return Err(Code::InvalidRequest.saying("The copy source is larger than 5 GB."));
    }
    let encryption = Encryption::of(request, world.sse_c)?;
    let etag = if encryption.keeps_md5() && from.encryption.keeps_md5() {
        from.etag.clone()
    } else {
        world.random.hex32()
    };
    let (body, crc64) = stored(request, from.body.clone(), from.crc64);
    let object = Object {
        etag,
        modified: request.now,
        form: Form::Normal,
        described: described(request, metadata, &from.described)?,
        encryption,
        tags: match tagging {
            Directive::Copy => from.tags.clone(),
            Directive::Replaced => tags(request)?,
        },
        // Rights, encryption and storage class are not copied.
        acl: Acl::of(request, Acl::inherited())?,
        archive: Archive::AsStored,
        body,
        crc64,
    };
    let (bucket, shown) = world.change(request)?;
    check_overwrite(request, bucket)?;
    let mut document = Document::new("CopyObjectResult");
    document.leaf("ETag", object.quoted_etag());
    if let Some(crc64) = object.crc64 {
        document.leaf("CRC64", crc64);
    }
    document.leaf("LastModified", request.now.iso8601());
    let reply = object.encryption.echo(Reply::xml(document).chunked());
    bucket.put(shown, request.key(), object);
    Ok(reply)
}

fn described(
    request: &Request<'_>,
    directive: Directive,
    source: &Described,
) -> Result<Described, Refusal> {
    let given = Described::of(request)?;
    match directive {
        Directive::Replaced => Ok(given),
        Directive::Copy => {
            let named = |name: &http::HeaderName| name.as_str().starts_with(METADATA_PREFIX);
            if request.headers.keys().any(named) {
                return Err(invalid("x-cos-meta-* needs x-cos-metadata-directive Replaced"));
            }
            Ok(Described { storage_class: given.storage_class, ..source.clone() })
        }
    }
}

pub(super) fn part(
    world: &mut World,
    request: &Request<'_>,
    first: &str,
) -> Result<Reply, Refusal> {
    let number = part_number(request)?;
    let name = upload_name(request);
    world.bucket(request.bucket())?.upload(&name)?.encryption.unlock(request, world.sse_c)?;
    let from = CopySource::of(request, first)?.open(world, request)?;
    let (body, etag, crc64) = match request.header("x-cos-copy-source-range") {
        None => (from.body.clone(), from.etag.clone(), from.crc64),
        Some(text) => cut(text, &from)?,
    };
    let (body, crc64) = stored(request, body, crc64);
    if body.len() > SINGLE_BYTES_MAX {
        return Err(Code::InvalidRequest.saying("A part cannot be larger than 5 GB."));
    }
    let mut document = Document::new("CopyPartResult");
    document.leaf("ETag", format!("\"{etag}\""));
    document.leaf("LastModified", request.now.iso8601());
    if let Some(crc64) = crc64 {
        document.leaf("CRC64", crc64);
    }
    let (bucket, _) = world.change(request)?;
    let upload = bucket.upload_mut(&name)?;
    upload.parts.insert(number, Part { body, etag, crc64, modified: request.now });
    Ok(upload.encryption.echo(Reply::xml(document).chunked()))
}

/// A part of an object: its bytes, a tag and, if the source has a CRC, its own.
fn cut(text: &str, from: &Object) -> Result<(Payload, String, Option<u64>), Refusal> {
    let (first, last) = range::both_ends(text)
        .ok_or_else(|| invalid(format!("x-cos-copy-source-range {text:?} must be bytes=a-b")))?;
    if last >= from.body.len() {
        return Err(Code::InvalidRange.into());
    }
    let body = range::slice(&from.body, &(first..last + 1));
    // Not the MD5 of the bytes: hashing gigabytes here would hold up everybody else, and a tag
    // only has to differ where the bytes do.
    let etag = hex::encode(Md5::digest(format!("{}:{first}-{last}", from.etag)));
    let crc64 = from.crc64.map(|_| crc64_of(&body));
    Ok((body, etag, crc64))
}

/// What a copy leaves, and its CRC: the same bytes, unless a fault damages them.
fn stored(request: &Request<'_>, body: Payload, crc64: Option<u64>) -> (Payload, Option<u64>) {
    if !request.damages_copy {
        return (body, crc64);
    }
    let body = flipped(&body);
    let crc64 = crc64.map(|_| crc64_of(&body));
    (body, crc64)
}

fn crc64_of(body: &Payload) -> u64 {
    let mut crc64 = Crc64::new();
    body.chunks().iter().for_each(|chunk| crc64.update(chunk));
    crc64.value()
}
