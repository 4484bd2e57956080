//! Complete Multipart Upload (COS product page 436/7742).

use md5::{Digest as _, Md5};

use super::{
    checksum::joined,
    errors::{Code, Refusal},
    headers::{check_digest, check_overwrite},
    multipart::{PARTS_MAX, upload_name},
    range,
    reply::Reply,
    request::Request,
    world::{Archive, Form, Object, Part, Upload, World},
    xml::{Document, Element},
};

pub(super) fn complete(world: &mut World, request: &Request<'_>) -> Result<Reply, Refusal> {
    check_digest(request)?;
    let name = upload_name(request);
    let part_bytes_min = world.part_bytes_min;
    let (bucket, shown) = world.change(request)?;
    let upload = bucket.upload(&name)?;
    let parts = listed(request, upload, part_bytes_min)?;
    check_overwrite(request, bucket)?;
    let object = assemble(request, upload, &parts, &name.1);
    let reply = answer(request, &object);
    bucket.close_upload(shown, &name);
    bucket.put(shown, request.key(), object);
    Ok(reply)
}

/// The parts that the document lists, checked: ascending from 1 without a gap, there with this
/// ETag, and large enough.
fn listed<'a>(
    request: &Request<'_>,
    upload: &'a Upload,
    part_bytes_min: u64,
) -> Result<Vec<&'a Part>, Refusal> {
    let document = Element::read(&request.body, "CompleteMultipartUpload")?;
    let mut named = Vec::new();
    for part in document.all("Part") {
        let number = part.value("PartNumber").and_then(|text| text.trim().parse::<u16>().ok());
        let etag = part.value("ETag").map(|text| text.trim().trim_matches('"'));
        let (Some(number), Some(etag)) = (number, etag) else {
            return Err(Code::MalformedXml.into());
        };
        named.push((number, etag));
    }
    if named.is_empty() || named.len() > usize::from(PARTS_MAX) {
        return Err(Code::MalformedXml.into());
    }
    if !named.windows(2).all(|pair| pair[0].0 < pair[1].0) {
        return Err(Code::InvalidPartOrder.into());
    }
    let mut parts = Vec::new();
    for ((number, etag), expected) in named.iter().zip(1..) {
        let part = upload.parts.get(number).filter(|part| part.etag == *etag);
        parts.push(part.filter(|_| *number == expected).ok_or(Code::InvalidPart)?);
    }
    let (_, but_last) = parts.split_last().ok_or(Code::MalformedXml)?;
    if but_last.iter().any(|part| part.body.len() < part_bytes_min) {
        return Err(Code::EntityTooSmall.into());
    }
    Ok(parts)
}

/// The object of the parts; parts that are not listed are dropped with the upload.
fn assemble(request: &Request<'_>, upload: &Upload, parts: &[&Part], id: &str) -> Object {
    let crc64 =
        parts.iter().try_fold(0, |crc, part| Some(joined(crc, part.crc64?, part.body.len())));
    // Opaque: with the id in it, nobody can rebuild it from the parts' MD5s.
    let mut etag = Md5::new();
    etag.update(id);
    for part in parts {
        etag.update(&part.etag);
    }
    Object {
        body: range::join(&parts.iter().map(|part| &part.body).collect::<Vec<_>>()),
        etag: format!("{}-{}", hex::encode(etag.finalize()), parts.len()),
        crc64,
        modified: request.now,
        form: Form::Normal,
        described: upload.described.clone(),
        encryption: upload.encryption.clone(),
        tags: upload.tags.clone(),
        acl: upload.acl.clone(),
        archive: Archive::AsStored,
    }
}

fn answer(request: &Request<'_>, object: &Object) -> Reply {
    let mut document = Document::with_attributes(
        "CompleteMultipartUploadResult",
        "xmlns=\"http://www.qcloud.com/document/product/436/7751\"",
    );
    document
        .leaf("Location", format!("http://{}/{}", request.host, request.key()))
        .leaf("Bucket", request.bucket())
        .leaf("Key", request.key())
        .leaf("ETag", object.quoted_etag());
    let mut reply = Reply::xml(document).chunked();
    if let Some(crc64) = object.crc64 {
        reply = reply.header("x-cos-hash-crc64ecma", crc64.to_string());
    }
    object.encryption.echo(reply)
}
