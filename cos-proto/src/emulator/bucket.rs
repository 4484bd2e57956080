//! The buckets themselves (COS product pages 436/8291, 7738, 7732, 7735), and what was never
//! configured for them.

use super::{
    acl::{Acl, owner},
    errors::{Code, Refusal},
    reply::Reply,
    request::Request,
    world::{Bucket, World},
    xml::Document,
};

/// `name-appid`, as one label of a host name.
pub(super) fn valid_name(name: &str) -> bool {
    let Some((name_part, appid)) = name.rsplit_once('-') else { return false };
    let letters = |b: u8| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-');
    name.len() <= 63
        && !name_part.is_empty()
        && name_part.bytes().all(letters)
        && !name_part.starts_with('-')
        && !appid.is_empty()
        && appid.bytes().all(|b| b.is_ascii_digit())
}

pub(super) fn service(world: &World) -> Reply {
    let mut document = Document::new("ListAllMyBucketsResult");
    let id = world.buckets.keys().next().map(|name| owner(name)).unwrap_or_default();
    document.open("Owner").leaf("ID", &id).leaf("DisplayName", &id).close();
    document.open("Buckets");
    for (name, bucket) in &world.buckets {
        document
            .open("Bucket")
            .leaf("Name", name)
            .leaf("Location", &world.region)
            .leaf("CreationDate", bucket.created.iso8601())
            .leaf("BucketType", "cos")
            .close();
    }
    Reply::xml(document)
}

pub(super) fn put(world: &mut World, request: &Request<'_>) -> Result<Reply, Refusal> {
    if !valid_name(request.bucket()) {
        return Err(Code::InvalidBucketName.into());
    }
    if world.buckets.contains_key(request.bucket()) {
        return Err(Code::BucketAlreadyOwnedByYou.into());
    }
    let acl = Acl::of(request, Acl::private())?;
    world.buckets.insert(request.bucket().to_owned(), Bucket::new(request.now, acl));
    Ok(Reply::ok())
}

pub(super) fn delete(world: &mut World, request: &Request<'_>) -> Result<Reply, Refusal> {
    if !world.bucket(request.bucket())?.is_empty() {
        return Err(Code::BucketNotEmpty.into());
    }
    world.buckets.remove(request.bucket());
    Ok(Reply::no_content())
}

pub(super) fn head(world: &World) -> Reply {
    Reply::ok().header("x-cos-bucket-region", &world.region)
}

/// A sub-resource that was never configured: an empty document, or the 404 that says so.
pub(super) fn config(world: &World, name: &'static str) -> Result<Reply, Refusal> {
    let (code, what) = match name {
        "versioning" => return Ok(Reply::xml(Document::new("VersioningConfiguration"))),
        "logging" => return Ok(Reply::xml(Document::new("BucketLoggingStatus"))),
        "accelerate" => return Ok(Reply::xml(Document::new("AccelerateConfiguration"))),
        "location" => {
            let mut document = Document::new("LocationConstraint");
            document.text(&world.region);
            return Ok(Reply::xml(document));
        }
        "cors" => ("NoSuchCORSConfiguration", "CORS configuration"),
        "encryption" => ("NoSuchEncryptionConfiguration", "encryption configuration"),
        "lifecycle" => ("NoSuchLifecycleConfiguration", "lifecycle configuration"),
        "policy" => ("NoSuchBucketPolicy", "bucket policy"),
        "tagging" => return Err(Code::NoSuchTagSet.into()),
        "website" => ("NoSuchWebsiteConfiguration", "website configuration"),
        "replication" => ("ReplicationConfigurationNotFoundError", "replication configuration"),
        _ => ("NoSuchConfiguration", "configuration"),
    };
    Err(Refusal::new(404, code, format!("The {what} does not exist.")))
}
