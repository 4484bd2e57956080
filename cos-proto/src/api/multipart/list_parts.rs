//! List Parts (436/7747).

use http::Method;

use crate::{
    Call, CallKind, ETag, Key, PartNumber, Rejected, Reply, UnixTime, UploadId,
    api::page,
    xml::{Document, missing},
};

/// One page of an upload's parts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PartsPage {
    /// The parts, by number.
    pub parts: Vec<ListedPart>,
    /// Whether there is more; then `next_marker` is there.
    pub is_truncated: bool,
    /// The marker of the next page.
    pub next_marker: Option<PartNumber>,
}

/// One part that was uploaded.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ListedPart {
    /// Its number.
    pub number: PartNumber,
    /// Its entity tag.
    pub etag: ETag,
    /// Its size in bytes.
    pub size: u64,
    /// When it was uploaded.
    pub last_modified: Option<UnixTime>,
}

/// Lists one page of parts, those after `marker`.
pub(crate) fn call(key: &Key, upload: &UploadId, marker: Option<PartNumber>) -> Call {
    let call = Call::new(CallKind::ListParts, Method::GET, Some(key.clone()))
        .query("uploadId", upload.as_str())
        .query("encoding-type", "url");
    match marker {
        Some(marker) => call.query("part-number-marker", marker.to_string()),
        None => call,
    }
}

pub(crate) fn decode(reply: &Reply) -> Result<PartsPage, Rejected> {
    let mut document = Document::open(reply.body(), "ListPartsResult")?;
    let mut page = PartsPage::default();
    let mut truncated = None;
    while let Some(name) = document.child()? {
        match name {
            "Part" => {
                document.count_entry()?;
                page.parts.push(part(&mut document)?);
            }
            "IsTruncated" => truncated = page::boolean(&mut document)?,
            "NextPartNumberMarker" => page.next_marker = part_number(&mut document)?,
            _ => document.skip()?,
        }
    }
    page.is_truncated = truncated.ok_or_else(|| missing("IsTruncated"))?;
    page.next_marker = if page.is_truncated {
        let last = page.parts.last().map(|part| part.number);
        Some(page.next_marker.or(last).ok_or_else(|| missing("NextPartNumberMarker"))?)
    } else {
        None
    };
    Ok(page)
}

fn part(document: &mut Document<'_>) -> Result<ListedPart, Rejected> {
    let (mut number, mut etag, mut size, mut last_modified) = (None, None, None, None);
    while let Some(name) = document.child()? {
        match name {
            "PartNumber" => number = part_number(document)?,
            "ETag" => etag = Some(document.text(ETag::new)?),
            "Size" => size = page::number(document)?,
            "LastModified" => last_modified = document.text(UnixTime::parse_iso8601)?,
            _ => document.skip()?,
        }
    }
    Ok(ListedPart {
        number: number.ok_or_else(|| missing("Part/PartNumber"))?,
        etag: etag.ok_or_else(|| missing("Part/ETag"))?,
        size: size.ok_or_else(|| missing("Part/Size"))?,
        last_modified,
    })
}

fn part_number(document: &mut Document<'_>) -> Result<Option<PartNumber>, Rejected> {
    Ok(document.text(|text| PartNumber::new(text.trim().parse().ok()?))?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Reason,
        api::testing::{assert_wire, key, part as number, reply, sample, upload_id},
    };

    fn page(body: &str) -> PartsPage {
        decode(&reply(200, &[], body)).expect(body)
    }

    #[test]
    fn names_the_upload_first() {
        let first = call(&key("a b"), &upload_id(), None);
        assert_wire(first, &["GET /a%20b?uploadId=1763609850cbb7df&encoding-type=url"]);
        assert_wire(
            call(&key("k"), &upload_id(), Some(number(1000))),
            &["GET /k?uploadId=1763609850cbb7df&encoding-type=url&part-number-marker=1000"],
        );
    }

    #[test]
    fn reads_parts() {
        let page = page(&sample("list_parts.xml"));
        assert_eq!((page.is_truncated, page.next_marker), (false, None));
        assert_eq!(page.parts.iter().map(|part| part.number.get()).collect::<Vec<_>>(), [1, 2, 3]);
        assert_eq!(
            page.parts[2],
            ListedPart {
                number: number(3),
                etag: ETag::new("762890d6c9a871b7bd136037cb2260cd"),
                size: 10,
                last_modified: Some(UnixTime::from_secs(1_795_145_853)),
            }
        );
    }

    #[test]
    fn reads_empty_and_truncated_pages() {
        assert_eq!(page(&sample("list_parts_empty.xml")), PartsPage::default());
        let first = sample("list_parts_page1.xml");
        assert_eq!(page(&first).next_marker, Some(number(1)));
        let unsaid = first.replace("<NextPartNumberMarker>1</NextPartNumberMarker>", "");
        assert_eq!(page(&unsaid).next_marker, Some(number(1)));
    }

    #[test]
    fn a_page_with_an_impossible_part_does_not_count() {
        let sample = sample("list_parts_page1.xml");
        for (old, new) in [
            ("<PartNumber>1<", "<PartNumber>0<"),
            ("<PartNumber>1<", "<PartNumber>10001<"),
            ("<PartNumber>1<", "<PartNumber>x<"),
            ("<Size>1048576<", "<Size>1 MB<"),
            ("<IsTruncated>true<", "<IsTruncated>yes<"),
        ] {
            assert!(sample.contains(old));
            let refused = decode(&reply(200, &[], &sample.replace(old, new)));
            assert!(matches!(refused, Err(Rejected::Retry(Reason::Malformed(_)))), "{new}");
        }
    }
}
