//! GET Bucket (COS product page 436/7734) and the versions of a bucket that never had any.

use std::ops::Bound;

use super::{
    acl::appid,
    errors::Refusal,
    headers::{Encoding, encoding_param, number_param},
    reply::Reply,
    request::Request,
    world::{ListedObject, World},
    xml::Document,
};

/// What a list is cut and grouped by.
#[derive(Debug)]
pub(super) struct Grouping<'a> {
    pub(super) prefix: &'a str,
    pub(super) delimiter: Option<&'a str>,
    pub(super) marker: &'a str,
    /// What was asked for.
    pub(super) max: u64,
    /// What a page holds at most all the same.
    pub(super) room: u64,
}

/// One line of a list.
#[derive(Debug)]
pub(super) enum Entry<'a, T> {
    Item(&'a str, T),
    Prefix(&'a str),
}

impl<T> Entry<'_, T> {
    pub(super) fn name(&self) -> &str {
        match self {
            Self::Item(name, _) | Self::Prefix(name) => name,
        }
    }
}

/// One page: entries in the order of their bytes, and whether more would follow.
#[derive(Debug)]
pub(super) struct Page<'a, T> {
    pub(super) entries: Vec<Entry<'a, T>>,
    pub(super) truncated: bool,
}

impl<'a> Grouping<'a> {
    pub(super) fn of(
        world: &World,
        request: &'a Request<'_>,
        marker: &str,
        max: &str,
        allowed: std::ops::RangeInclusive<u64>,
    ) -> Result<Self, Refusal> {
        Ok(Self {
            prefix: request.param("prefix").unwrap_or(""),
            delimiter: request.filled_param("delimiter"),
            marker: request.param(marker).unwrap_or(""),
            max: number_param(request, max, 1000, allowed)?,
            room: world.page_entries_max,
        })
    }

    /// Where the items to group begin: at the prefix, or after the marker. Items equal to the
    /// marker are left to the caller.
    pub(super) fn start(&self) -> &'a str {
        self.prefix.max(self.marker)
    }

    /// Groups ascending items. A common prefix that is the marker has been listed before.
    pub(super) fn page<'b, T>(&self, items: impl Iterator<Item = (&'b str, T)>) -> Page<'b, T> {
        let mut page = Page { entries: Vec::new(), truncated: false };
        if self.max == 0 {
            return page;
        }
        for (name, item) in items {
            let Some(rest) = name.strip_prefix(self.prefix) else {
                if name > self.prefix {
                    break;
                }
                continue;
            };
            let group = self
                .delimiter
                .and_then(|delimiter| Some(rest.find(delimiter)? + delimiter.len()))
                .map(|end| &name[..self.prefix.len() + end]);
            let listed = |entry: &Entry<'_, T>| match (entry, group) {
                (Entry::Prefix(last), Some(group)) => *last == group,
                _ => false,
            };
            if group == Some(self.marker) || page.entries.last().is_some_and(listed) {
                continue;
            }
            if page.entries.len() as u64 == self.max.min(self.room) {
                page.truncated = true;
                break;
            }
            page.entries.push(match group {
                Some(group) => Entry::Prefix(group),
                None => Entry::Item(name, item),
            });
        }
        page
    }
}

pub(super) fn objects(world: &World, request: &Request<'_>) -> Result<Reply, Refusal> {
    let bucket = world.bucket(request.bucket())?;
    let grouping = Grouping::of(world, request, "marker", "max-keys", 0..=1000)?;
    let encoding = encoding_param(request)?;
    let shown = bucket
        .listed_objects
        .shown(request.now, Bound::Included(grouping.start().to_owned()))
        .filter(|(key, _)| key.as_str() > grouping.marker)
        .map(|(key, listed)| (key.as_str(), listed));
    let page = grouping.page(shown);

    let mut document = Document::new("ListBucketResult");
    document.leaf("Name", request.bucket());
    if encoding == Encoding::Url {
        document.leaf("EncodingType", "url");
    }
    document
        .leaf("Prefix", encoding.name(grouping.prefix))
        .leaf("Marker", encoding.name(grouping.marker))
        .leaf("MaxKeys", grouping.max);
    if let Some(delimiter) = grouping.delimiter {
        document.leaf("Delimiter", encoding.name(delimiter));
    }
    document.leaf("IsTruncated", page.truncated);
    if let Some(last) = page.entries.last().filter(|_| page.truncated) {
        document.leaf("NextMarker", encoding.name(last.name()));
    }
    common_prefixes(&mut document, &page, encoding);
    for entry in &page.entries {
        if let Entry::Item(key, listed) = entry {
            document.open("Contents").leaf("Key", encoding.name(key));
            contents(&mut document, listed);
            owner(&mut document, request.bucket());
            document.leaf("StorageClass", &listed.storage_class).close();
        }
    }
    Ok(Reply::xml(document).header("x-cos-bucket-region", &world.region))
}

/// Every object as its one version, `null`.
pub(super) fn versions(world: &World, request: &Request<'_>) -> Result<Reply, Refusal> {
    let bucket = world.bucket(request.bucket())?;
    let grouping = Grouping::of(world, request, "key-marker", "max-keys", 0..=1000)?;
    let encoding = encoding_param(request)?;
    let shown = bucket
        .listed_objects
        .shown(request.now, Bound::Included(grouping.start().to_owned()))
        .filter(|(key, _)| key.as_str() > grouping.marker)
        .map(|(key, listed)| (key.as_str(), listed));
    let page = grouping.page(shown);

    let mut document = Document::new("ListVersionsResult");
    document.leaf("Name", request.bucket());
    if encoding == Encoding::Url {
        document.leaf("EncodingType", "url");
    }
    document
        .leaf("Prefix", encoding.name(grouping.prefix))
        .leaf("KeyMarker", encoding.name(grouping.marker))
        .leaf("VersionIdMarker", request.param("version-id-marker").unwrap_or(""))
        .leaf("MaxKeys", grouping.max);
    if let Some(delimiter) = grouping.delimiter {
        document.leaf("Delimiter", encoding.name(delimiter));
    }
    document.leaf("IsTruncated", page.truncated);
    if let Some(last) = page.entries.last().filter(|_| page.truncated) {
        document.leaf("NextKeyMarker", encoding.name(last.name()));
        document
            .leaf("NextVersionIdMarker", if matches!(last, Entry::Item(..)) { "null" } else { "" });
    }
    common_prefixes(&mut document, &page, encoding);
    for entry in &page.entries {
        if let Entry::Item(key, listed) = entry {
            document.open("Version").leaf("Key", encoding.name(key));
            document.leaf("VersionId", "null").leaf("IsLatest", true);
            contents(&mut document, listed);
            document.leaf("StorageClass", &listed.storage_class);
            owner(&mut document, request.bucket());
            document.close();
        }
    }
    Ok(Reply::xml(document).header("x-cos-bucket-region", &world.region))
}

fn contents(document: &mut Document, listed: &ListedObject) {
    document
        .leaf("LastModified", listed.modified.iso8601())
        .leaf("ETag", format!("\"{}\"", listed.etag))
        .leaf("Size", listed.size);
}

pub(super) fn owner(document: &mut Document, bucket: &str) {
    let id = appid(bucket);
    document.open("Owner").leaf("ID", id).leaf("DisplayName", id).close();
}

/// Each in an element of its own.
pub(super) fn common_prefixes<T>(document: &mut Document, page: &Page<'_, T>, encoding: Encoding) {
    for entry in &page.entries {
        if let Entry::Prefix(prefix) = entry {
            document.open("CommonPrefixes").leaf("Prefix", encoding.name(prefix)).close();
        }
    }
}
