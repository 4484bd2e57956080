//! GET and HEAD of one object (COS product pages 436/7753 and 436/7745).

use http::StatusCode;

use super::{
    Downloads,
    conditions::{Outcome, evaluate},
    errors::{Code, Refusal},
    headers::names_current_version,
    range::{self, Wanted},
    reply::Reply,
    request::Request,
    world::{Archive, Form, Object, World},
};
use crate::verify::Identity;

/// Parameters that set a header of the answer.
const OVERRIDES: [(&str, &str); 6] = [
    ("response-content-type", "content-type"),
    ("response-content-language", "content-language"),
    ("response-expires", "expires"),
    ("response-cache-control", "cache-control"),
    ("response-content-disposition", "content-disposition"),
    ("response-content-encoding", "content-encoding"),
];

pub(super) fn get(world: &World, request: &Request<'_>) -> Result<Reply, Refusal> {
    let object = find(world, request)?;
    if object.is_frozen() {
        return Err(Code::InvalidObjectState.into());
    }
    match evaluate(request, "", object) {
        Outcome::Failed => return Err(Code::PreconditionFailed.into()),
        Outcome::NotModified => {
            return Ok(not_modified(object).header("etag", object.quoted_etag()));
        }
        Outcome::Holds => {}
    }
    let size = object.body.len();
    let reply = match range::wanted(request.header("range"), size) {
        Wanted::Unsatisfiable => {
            return Err(Refusal::from(Code::InvalidRange)
                .header("content-range", format!("bytes */{size}")));
        }
        Wanted::Whole => Reply::ok().body(object.body.clone()),
        Wanted::Part(range) => Reply::new(StatusCode::PARTIAL_CONTENT)
            .header("content-range", format!("bytes {}-{}/{size}", range.start, range.end - 1))
            .body(range::slice(&object.body, &range)),
    };
    let reply = overridden(request, described(object, reply))?;
    Ok(match world.downloads {
        Downloads::Forced if is_default_domain(&request.host) => {
            reply.header("content-disposition", "attachment").header("x-cos-force-download", "true")
        }
        _ => reply,
    })
}

pub(super) fn head(world: &World, request: &Request<'_>) -> Result<Reply, Refusal> {
    let object = find(world, request)?;
    match evaluate(request, "", object) {
        Outcome::Failed => Err(Code::PreconditionFailed.into()),
        // A 304 to HEAD has no ETag.
        Outcome::NotModified => Ok(not_modified(object)),
        // The body gives the length; HEAD drops it.
        Outcome::Holds => Ok(described(object, Reply::ok().body(object.body.clone()))),
    }
}

fn find<'a>(world: &'a World, request: &Request<'_>) -> Result<&'a Object, Refusal> {
    let bucket = world.bucket(request.bucket())?;
    if !names_current_version(request.filled_param("versionId")) {
        return Err(Code::NoSuchVersion.into());
    }
    let object = bucket.object(request.key())?;
    object.encryption.unlock(request, world.sse_c)?;
    Ok(object)
}

fn not_modified(object: &Object) -> Reply {
    let reply =
        Reply::new(StatusCode::NOT_MODIFIED).header("last-modified", object.modified.http_date());
    with_crc(object, reply)
}

/// The headers of GET and HEAD. ETag and CRC are those of the whole object, also for a range.
fn described(object: &Object, reply: Reply) -> Reply {
    let mut reply = reply
        .header("content-type", "application/octet-stream")
        .headers(object.described.headers())
        .header("accept-ranges", "bytes")
        .header("etag", object.quoted_etag())
        .header("last-modified", object.modified.http_date());
    reply = with_crc(object, reply);
    if object.described.storage_class != "STANDARD" {
        reply = reply.header("x-cos-storage-class", &object.described.storage_class);
    }
    if object.form == Form::Appendable {
        reply = reply
            .header("x-cos-object-type", "appendable")
            .header("x-cos-next-append-position", object.body.len().to_string());
    }
    if object.archive == Archive::Restored {
        reply = reply.header("x-cos-restore", "ongoing-request=\"false\"");
    }
    if !object.tags.is_empty() {
        reply = reply.header("x-cos-tagging-count", object.tags.len().to_string());
    }
    object.encryption.echo(reply)
}

fn with_crc(object: &Object, reply: Reply) -> Reply {
    match object.crc64 {
        Some(crc64) => reply.header("x-cos-hash-crc64ecma", crc64.to_string()),
        None => reply,
    }
}

/// `response-*` parameters need a signed request.
fn overridden(request: &Request<'_>, reply: Reply) -> Result<Reply, Refusal> {
    let mut reply = reply;
    for (param, header) in OVERRIDES {
        let Some(value) = request.filled_param(param) else { continue };
        if request.identity == Identity::Anonymous {
            return Err(Code::InvalidRequest
                .saying("Response headers cannot be overridden by a request that is not signed."));
        }
        reply = reply.header(header, value);
    }
    Ok(reply)
}

fn is_default_domain(host: &str) -> bool {
    let host = super::request::without_port(host);
    host.ends_with(".myqcloud.com") || host.ends_with(".tencentcos.cn")
}
