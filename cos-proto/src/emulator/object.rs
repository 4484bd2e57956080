//! PUT and DELETE of one object (COS product pages 436/7749 and 436/7743).

use super::{
    acl::Acl,
    encryption::Encryption,
    errors::Refusal,
    headers::{
        Chunked, Described, check_digest, check_length, check_overwrite, names_current_version,
        tags,
    },
    reply::Reply,
    request::Request,
    world::{Archive, Form, Object, World},
};

pub(super) fn put(world: &mut World, request: &Request<'_>) -> Result<Reply, Refusal> {
    check_length(request, Chunked::Accepted)?;
    check_digest(request)?;
    let encryption = Encryption::of(request, world.sse_c)?;
    let object = Object {
        body: request.body.body.clone(),
        etag: if encryption.keeps_md5() {
            hex::encode(request.body.md5)
        } else {
            world.random.hex32()
        },
        crc64: Some(request.body.crc64),
        modified: request.now,
        form: Form::Normal,
        described: Described::of(request)?,
        encryption,
        tags: tags(request)?,
        acl: Acl::of(request, Acl::inherited())?,
        archive: Archive::AsStored,
    };
    let (bucket, shown) = world.change(request)?;
    check_overwrite(request, bucket)?;
    let reply = written(&object);
    bucket.put(shown, request.key(), object);
    Ok(reply)
}

/// The answer to a write whose result is this object.
pub(super) fn written(object: &Object) -> Reply {
    let mut reply = Reply::ok().header("etag", object.quoted_etag());
    if let Some(crc64) = object.crc64 {
        reply = reply.header("x-cos-hash-crc64ecma", crc64.to_string());
    }
    if object.described.storage_class != "STANDARD" {
        reply = reply.header("x-cos-storage-class", &object.described.storage_class);
    }
    object.encryption.echo(reply)
}

/// 204 also when there is nothing. A version that a bucket without versioning does not have is
/// nothing.
pub(super) fn delete(world: &mut World, request: &Request<'_>) -> Result<Reply, Refusal> {
    let (bucket, shown) = world.change(request)?;
    if names_current_version(request.filled_param("versionId")) {
        bucket.remove(shown, request.key());
    }
    Ok(Reply::no_content())
}
