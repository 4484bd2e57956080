//! Initiate, Upload Part, Abort and List Parts (COS product pages 436/7746, 7750, 7740, 7747).

use std::{collections::BTreeMap, ops::Bound};

use super::{
    acl::Acl,
    encryption::Encryption,
    errors::{Refusal, invalid},
    headers::{
        Chunked, Described, Encoding, check_digest, check_length, check_overwrite, encoding_param,
        number_param, tags,
    },
    list::owner,
    reply::Reply,
    request::Request,
    uploads::initiator,
    world::{Part, Upload, UploadName, World},
    xml::Document,
};

/// The highest number of a part.
pub(super) const PARTS_MAX: u16 = 10_000;

pub(super) fn initiate(world: &mut World, request: &Request<'_>) -> Result<Reply, Refusal> {
    let upload = Upload {
        initiated: request.now,
        described: Described::of(request)?,
        encryption: Encryption::of(request, world.sse_c)?,
        tags: tags(request)?,
        acl: Acl::of(request, Acl::inherited())?,
        parts: BTreeMap::new(),
    };
    let id = world.random.upload_id(request.now.secs());
    let (bucket, shown) = world.change(request)?;
    check_overwrite(request, bucket)?;
    let name = (request.key().to_owned(), id);
    let mut document = Document::new("InitiateMultipartUploadResult");
    document.leaf("Bucket", request.bucket()).leaf("Key", request.key()).leaf("UploadId", &name.1);
    let reply = upload.encryption.echo(Reply::xml(document));
    bucket.open_upload(shown, name.clone(), upload);
    world.opened = Some(name);
    Ok(reply)
}

/// The upload that a request names.
pub(super) fn upload_name(request: &Request<'_>) -> UploadName {
    (request.key().to_owned(), request.param("uploadId").unwrap_or("").to_owned())
}

/// The part that a request names.
pub(super) fn part_number(request: &Request<'_>) -> Result<u16, Refusal> {
    let text = request.param("partNumber").unwrap_or("");
    let number = text.parse().ok().filter(|number| (1..=PARTS_MAX).contains(number));
    number.ok_or_else(|| invalid(format!("partNumber {text:?} must be 1 to {PARTS_MAX}")))
}

/// The same number again replaces the part. Sizes are only checked when the upload completes.
pub(super) fn upload_part(world: &mut World, request: &Request<'_>) -> Result<Reply, Refusal> {
    let number = part_number(request)?;
    check_length(request, Chunked::Accepted)?;
    check_digest(request)?;
    let sse_c = world.sse_c;
    let sealed = world.random.hex32();
    let (bucket, _) = world.change(request)?;
    let upload = bucket.upload_mut(&upload_name(request))?;
    upload.encryption.unlock(request, sse_c)?;
    let part = Part {
        body: request.body.body.clone(),
        etag: if upload.encryption.keeps_md5() { hex::encode(request.body.md5) } else { sealed },
        crc64: Some(request.body.crc64),
        modified: request.now,
    };
    let reply = Reply::ok()
        .header("etag", format!("\"{}\"", part.etag))
        .header("x-cos-hash-crc64ecma", request.body.crc64.to_string());
    let reply = upload.encryption.echo(reply);
    upload.parts.insert(number, part);
    Ok(reply)
}

pub(super) fn abort(world: &mut World, request: &Request<'_>) -> Result<Reply, Refusal> {
    let (bucket, shown) = world.change(request)?;
    bucket.upload(&upload_name(request))?;
    bucket.close_upload(shown, &upload_name(request));
    Ok(Reply::no_content())
}

pub(super) fn list_parts(world: &World, request: &Request<'_>) -> Result<Reply, Refusal> {
    let max = number_param(request, "max-parts", 1000, 1..=1000)?;
    let marker = number_param(request, "part-number-marker", 0, 0..=u64::from(PARTS_MAX))?;
    let encoding = encoding_param(request)?;
    let upload = world.bucket(request.bucket())?.upload(&upload_name(request))?;
    let marker = u16::try_from(marker).unwrap_or(PARTS_MAX);
    let mut rest = upload.parts.range((Bound::Excluded(marker), Bound::Unbounded));
    let page: Vec<_> = rest.by_ref().take(max as usize).collect();
    let truncated = rest.next().is_some();

    let mut document = Document::new("ListPartsResult");
    document
        .leaf("Bucket", request.bucket())
        .leaf("EncodingType", if encoding == Encoding::Url { "url" } else { "" })
        .leaf("Key", encoding.name(request.key()))
        .leaf("UploadId", request.param("uploadId").unwrap_or(""));
    owner(&mut document, request.bucket());
    document.leaf("PartNumberMarker", marker);
    initiator(&mut document, request.bucket());
    for (number, part) in &page {
        document
            .open("Part")
            .leaf("PartNumber", number)
            .leaf("LastModified", part.modified.iso8601())
            .leaf("ETag", format!("\"{}\"", part.etag))
            .leaf("Size", part.body.len())
            .close();
    }
    if let Some((last, _)) = page.last().filter(|_| truncated) {
        document.leaf("NextPartNumberMarker", last);
    }
    document
        .leaf("StorageClass", &upload.described.storage_class)
        .leaf("MaxParts", max)
        .leaf("IsTruncated", truncated);
    Ok(Reply::xml(document))
}
