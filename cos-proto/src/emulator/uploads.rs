//! GET Bucket ?uploads: the unfinished uploads of a bucket (COS product page 436/7736).

use std::ops::Bound;

use super::{
    acl::owner,
    errors::Refusal,
    headers::{Encoding, encoding_param},
    list::{Entry, Grouping, common_prefixes},
    reply::Reply,
    request::Request,
    world::World,
    xml::Document,
};

pub(super) fn list(world: &World, request: &Request<'_>) -> Result<Reply, Refusal> {
    let bucket = world.bucket(request.bucket())?;
    let grouping = Grouping::of(world, request, "key-marker", "max-uploads", 1..=1000)?;
    let encoding = encoding_param(request)?;
    // Without a key marker, COS ignores the marker of the id.
    let id_marker =
        request.filled_param("upload-id-marker").filter(|_| !grouping.marker.is_empty());
    let after = |key: &str, id: &str| {
        key > grouping.marker
            || (key == grouping.marker && id_marker.is_some_and(|marker| id > marker))
    };
    let shown = bucket
        .listed_uploads
        .shown(request.now, Bound::Included((grouping.start().to_owned(), String::new())))
        .filter(|((key, id), _)| after(key, id))
        .map(|((key, id), listed)| (key.as_str(), (id, listed)));
    let page = grouping.page(shown);

    let mut document = Document::new("ListMultipartUploadsResult");
    document.leaf("Bucket", request.bucket());
    document.leaf("EncodingType", if encoding == Encoding::Url { "url" } else { "" });
    document
        .leaf("KeyMarker", encoding.name(grouping.marker))
        .leaf("UploadIdMarker", id_marker.unwrap_or(""));
    if let Some(last) = page.entries.last().filter(|_| page.truncated) {
        let id = match last {
            Entry::Item(_, (id, _)) => id.as_str(),
            Entry::Prefix(_) => "",
        };
        document.leaf("NextKeyMarker", encoding.name(last.name())).leaf("NextUploadIdMarker", id);
    }
    document
        .leaf("MaxUploads", grouping.max)
        .leaf("Prefix", encoding.name(grouping.prefix))
        .leaf("Delimiter", encoding.name(grouping.delimiter.unwrap_or("")))
        .leaf("IsTruncated", page.truncated);
    for entry in &page.entries {
        if let Entry::Item(key, (id, listed)) = entry {
            document.open("Upload").leaf("Key", encoding.name(key)).leaf("UploadId", id);
            initiator(&mut document, request.bucket());
            super::list::owner(&mut document, request.bucket());
            document
                .leaf("StorageClass", &listed.storage_class)
                .leaf("Initiated", listed.initiated.iso8601())
                .close();
        }
    }
    common_prefixes(&mut document, &page, encoding);
    Ok(Reply::xml(document))
}

pub(super) fn initiator(document: &mut Document, bucket: &str) {
    let id = owner(bucket);
    document.open("Initiator").leaf("ID", &id).leaf("DisplayName", &id).close();
}
