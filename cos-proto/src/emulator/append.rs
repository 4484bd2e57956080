//! APPEND Object (COS product page 436/7741).

use super::{
    acl::Acl,
    checksum::joined,
    encryption::Encryption,
    errors::{Code, Refusal, invalid},
    headers::{Chunked, Described, SINGLE_BYTES_MAX, check_digest, check_length, tags},
    range,
    reply::Reply,
    request::Request,
    world::{Archive, Form, Object, World},
};

pub(super) fn append(world: &mut World, request: &Request<'_>) -> Result<Reply, Refusal> {
    let position = request.filled_param("position").and_then(|text| text.parse::<u64>().ok());
    let position = position.ok_or_else(|| invalid("position must be a number"))?;
    check_length(request, Chunked::Refused)?;
    check_digest(request)?;
    let sse_c = world.sse_c;
    let etag = world.random.hex32();
    let (bucket, shown) = world.change(request)?;
    let object = match bucket.find(request.key()) {
        None if position != 0 => return Err(Code::AppendPositionErr.into()),
        None => Object {
            body: request.body.body.clone(),
            etag,
            crc64: Some(request.body.crc64),
            modified: request.now,
            form: Form::Appendable,
            described: Described::of(request)?,
            encryption: Encryption::of(request, sse_c)?,
            tags: tags(request)?,
            acl: Acl::of(request, Acl::inherited())?,
            archive: Archive::AsStored,
        },
        Some(old) if old.form == Form::Normal => return Err(Code::ObjectNotAppendable.into()),
        Some(old) if position != old.body.len() => {
            return Err(Code::AppendPositionErr.saying(format!(
                "Position not equal object length, which is {}.",
                old.body.len()
            )));
        }
        Some(old) if old.body.len() + request.body.body.len() > SINGLE_BYTES_MAX => {
            return Err(Code::EntityTooLarge.into());
        }
        Some(old) => Object {
            body: range::join(&[&old.body, &request.body.body]),
            etag,
            crc64: old.crc64.map(|crc| joined(crc, request.body.crc64, request.body.body.len())),
            modified: request.now,
            ..old.clone()
        },
    };
    let reply = Reply::ok()
        .header("etag", object.quoted_etag())
        .header("x-cos-next-append-position", object.body.len().to_string())
        // Whatever its name says: the Go SDK compares it with the block's MD5.
        .header("x-cos-content-sha1", hex::encode(request.body.md5));
    let reply = object.encryption.echo(reply);
    bucket.put(shown, request.key(), object);
    Ok(reply)
}
