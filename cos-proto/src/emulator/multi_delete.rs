//! DELETE Multiple Objects (COS product page 436/8289).

use super::{
    errors::{Code, Refusal},
    faults::message_of,
    headers::{check_digest, names_current_version},
    reply::Reply,
    request::Request,
    world::World,
    xml::{Document, Element},
};

const KEYS_MAX: usize = 1000;

/// 200 for every request that is well-formed; a missing key counts as deleted.
pub(super) fn delete(world: &mut World, request: &Request<'_>) -> Result<Reply, Refusal> {
    if request.header("content-md5").is_none() {
        return Err(
            Code::InvalidRequest.saying("Missing required header for this request: Content-MD5")
        );
    }
    check_digest(request)?;
    let wanted = Element::read(&request.body, "Delete")?;
    let quiet = match wanted.value("Quiet").map(str::trim) {
        None | Some("false" | "") => false,
        Some("true") => true,
        Some(_) => return Err(Code::MalformedXml.into()),
    };
    let objects: Vec<_> = wanted.all("Object").collect();
    if objects.is_empty() || objects.len() > KEYS_MAX {
        return Err(Code::MalformedXml.into());
    }
    let keys: Option<Vec<_>> = objects.iter().map(|object| object.value("Key")).collect();
    let keys = keys.filter(|keys| keys.iter().all(|key| !key.is_empty()));
    let keys = keys.ok_or(Code::MalformedXml)?;

    let (bucket, shown) = world.change(request)?;
    let mut document = Document::new("DeleteResult");
    let refused = request.refuses_key.map(|number| number % objects.len());
    for (number, (object, key)) in objects.iter().zip(keys).enumerate() {
        if refused == Some(number) {
            let code = "InternalError";
            document.open("Error").leaf("Key", key);
            document.leaf("Code", code).leaf("Message", message_of(code)).close();
            continue;
        }
        let version = object.value("VersionId").filter(|version| !version.is_empty());
        // A key with a slash before it "succeeds" and deletes nothing.
        if names_current_version(version) && !key.starts_with('/') {
            bucket.remove(shown, key);
        }
        if !quiet {
            document.open("Deleted").leaf("Key", key);
            if let Some(version) = version {
                document.leaf("VersionId", version);
            }
            document.close();
        }
    }
    Ok(Reply::xml(document))
}
