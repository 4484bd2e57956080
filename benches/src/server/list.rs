//! GET Bucket, and the list of unfinished uploads.

use std::{fmt::Write as _, ops::Bound};

use super::{
    keys::{Keys, Listed, MadeUp},
    reply::{self, Answer},
    request::Asked,
    store::{MODIFIED_ISO, Store},
};

const PAGE_MAX: usize = 1000;
const OWNER: &str = "<Owner><ID>1250000000</ID><DisplayName>1250000000</DisplayName></Owner>";

pub(super) fn objects(store: &Store, asked: &Asked) -> Answer {
    let asked_for = Query::of(asked);
    match MadeUp::of_prefix(asked_for.prefix) {
        Some(keys) => page(&keys, &asked_for),
        None => page(&store.held().objects, &asked_for),
    }
}

struct Query<'a> {
    prefix: &'a str,
    delimiter: Option<&'a str>,
    marker: &'a str,
    max: usize,
    encoded: bool,
}

impl<'a> Query<'a> {
    fn of(asked: &'a Asked) -> Self {
        let max = asked.param("max-keys").and_then(|max| max.parse().ok());
        Self {
            prefix: asked.param("prefix").unwrap_or_default(),
            delimiter: asked.param("delimiter").filter(|text| !text.is_empty()),
            marker: asked.param("marker").unwrap_or_default(),
            max: max.unwrap_or(PAGE_MAX).min(PAGE_MAX),
            encoded: asked.param("encoding-type").is_some(),
        }
    }

    fn name(&self, name: &str) -> String {
        if self.encoded { encode(name) } else { escape(name) }
    }

    /// Where the list begins.
    fn start(&self) -> Bound<&str> {
        if self.marker >= self.prefix && !self.marker.is_empty() {
            Bound::Excluded(self.marker)
        } else {
            Bound::Included(self.prefix)
        }
    }

    /// What the key is grouped under.
    fn group<'k>(&self, key: &'k str) -> Option<&'k str> {
        let delimiter = self.delimiter?;
        let rest = key.get(self.prefix.len()..)?;
        let end = rest.find(delimiter)? + delimiter.len();
        key.get(..self.prefix.len() + end)
    }
}

fn page(keys: &impl Keys, query: &Query<'_>) -> Answer {
    let mut entries = String::with_capacity(450 * query.max.min(PAGE_MAX));
    let (mut count, mut last, mut is_truncated) = (0, String::new(), false);
    let after_marker = query.group(query.marker).filter(|group| *group == query.marker).map(past);
    let mut listed = match &after_marker {
        Some(start) => keys.from(Bound::Included(start)),
        None => keys.from(query.start()),
    };
    while let Some(next) = listed.next() {
        if !next.key.starts_with(query.prefix) {
            break;
        }
        if count == query.max {
            is_truncated = true;
            break;
        }
        count += 1;
        if let Some(group) = query.group(&next.key).map(str::to_owned) {
            let name = query.name(&group);
            let _ = write!(entries, "<CommonPrefixes><Prefix>{name}</Prefix></CommonPrefixes>");
            listed = keys.from(Bound::Included(&past(&group)));
            last = group;
        } else {
            push_contents(&mut entries, &next, query);
            last = next.key.into_owned();
        }
    }
    reply::xml(frame(query, &entries, is_truncated.then_some(&*last)))
}

/// The first text after all that begin with `group`.
fn past(group: &str) -> String {
    let mut chars = group.chars();
    let next = chars.next_back().and_then(|last| char::from_u32(u32::from(last) + 1));
    format!("{}{}", chars.as_str(), next.unwrap_or(char::MAX))
}

fn push_contents(text: &mut String, listed: &Listed<'_>, query: &Query<'_>) {
    let _ = write!(
        text,
        "<Contents><Key>{}</Key><LastModified>{MODIFIED_ISO}</LastModified>\
         <ETag>&quot;{}&quot;</ETag><Size>{}</Size>{OWNER}<StorageClass>STANDARD</StorageClass>\
         </Contents>",
        query.name(&listed.key),
        listed.etag,
        listed.size
    );
}

fn frame(query: &Query<'_>, entries: &str, next: Option<&str>) -> String {
    let mut text =
        "<?xml version='1.0' encoding='utf-8' ?>\n<ListBucketResult><Name>bench-1250000000</Name>"
            .to_owned();
    if query.encoded {
        text.push_str("<EncodingType>url</EncodingType>");
    }
    let _ = write!(
        text,
        "<Prefix>{}</Prefix><Marker>{}</Marker><MaxKeys>{}</MaxKeys>",
        query.name(query.prefix),
        query.name(query.marker),
        query.max
    );
    if let Some(delimiter) = query.delimiter {
        let _ = write!(text, "<Delimiter>{}</Delimiter>", query.name(delimiter));
    }
    let _ = write!(text, "<IsTruncated>{}</IsTruncated>", next.is_some());
    if let Some(next) = next {
        let _ = write!(text, "<NextMarker>{}</NextMarker>", query.name(next));
    }
    text.push_str(entries);
    text.push_str("</ListBucketResult>");
    text
}

/// All on one page: no bench leaves many.
pub(super) fn uploads(store: &Store, asked: &Asked) -> Answer {
    let query = Query::of(asked);
    let mut text = format!(
        "<?xml version='1.0' encoding='utf-8' ?>\n<ListMultipartUploadsResult>\
         <Bucket>bench-1250000000</Bucket><Encoding-Type>{}</Encoding-Type><KeyMarker/>\
         <UploadIdMarker/><MaxUploads>1000</MaxUploads><Prefix>{}</Prefix>\
         <IsTruncated>false</IsTruncated>",
        if query.encoded { "url" } else { "" },
        query.name(query.prefix)
    );
    for (key, id) in store.held().uploads.keys().filter(|(key, _)| key.starts_with(query.prefix)) {
        let _ = write!(
            text,
            "<Upload><Key>{}</Key><UploadId>{id}</UploadId>{OWNER}\
             <StorageClass>STANDARD</StorageClass><Initiated>{MODIFIED_ISO}</Initiated></Upload>",
            query.name(key)
        );
    }
    text.push_str("</ListMultipartUploadsResult>");
    reply::xml(text)
}

fn encode(name: &str) -> String {
    name.bytes().fold(String::with_capacity(name.len()), |mut text, byte| {
        if byte.is_ascii_alphanumeric() || b"-_.~/".contains(&byte) {
            text.push(char::from(byte));
        } else {
            let _ = write!(text, "%{byte:02X}");
        }
        text
    })
}

fn escape(name: &str) -> String {
    name.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
