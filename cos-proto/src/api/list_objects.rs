//! GET Bucket, which lists objects (436/7734).

use http::Method;

use super::{
    ListedKey, StorageClass,
    listed_key::PageKeys,
    page::{self, Encoding, PAGE_MAX},
};
use crate::{
    Call, CallKind, ETag, Rejected, Reply, UnixTime,
    xml::{Document, missing},
};

/// What to list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ListOptions {
    /// Only keys that begin so; empty for all.
    pub prefix: String,
    /// Keys that are equal up to this, after the prefix, become one common prefix.
    pub delimiter: Option<String>,
    /// Only keys after this one, in the order of their bytes; empty for all.
    pub marker: String,
    /// How many keys and common prefixes one page holds together: 1 to 1000, which is also COS's
    /// default.
    pub max_keys: Option<u16>,
}

impl ListOptions {
    /// All keys that begin with `prefix`.
    pub fn new(prefix: impl Into<String>) -> Self {
        Self { prefix: prefix.into(), ..Self::default() }
    }

    /// Groups keys by this delimiter, usually `/`.
    #[must_use]
    pub fn delimiter(mut self, delimiter: impl Into<String>) -> Self {
        self.delimiter = Some(delimiter.into());
        self
    }

    /// Only keys after this one.
    #[must_use]
    pub fn marker(mut self, marker: impl Into<String>) -> Self {
        self.marker = marker.into();
        self
    }

    /// At most so many keys and common prefixes on a page.
    #[must_use]
    pub fn max_keys(mut self, max_keys: u16) -> Self {
        self.max_keys = Some(max_keys);
        self
    }
}

/// One page of a list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ListPage {
    /// The objects, in the order of their keys' bytes.
    pub objects: Vec<ListedObject>,
    /// What keys have in common up to the delimiter.
    pub common_prefixes: Vec<String>,
    /// Whether there is more; then `next_marker` is there.
    pub is_truncated: bool,
    /// The marker of the next page. It may be a common prefix.
    pub next_marker: Option<String>,
}

impl ListPage {
    pub(crate) fn entries(&self) -> usize {
        self.objects.len().saturating_add(self.common_prefixes.len())
    }
}

/// One object on a page.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ListedObject {
    /// Its key. A list shows keys that a [`Key`](crate::Key) could not name, too.
    pub key: ListedKey,
    /// Its size in bytes.
    pub size: u64,
    /// Its entity tag.
    pub etag: ETag,
    /// When it was written.
    pub last_modified: Option<UnixTime>,
    /// Its storage class.
    pub storage_class: StorageClass,
}

/// Lists one page.
pub(crate) fn call(options: &ListOptions) -> Call {
    let mut call = Call::new(CallKind::GetBucket, Method::GET, None);
    if !options.prefix.is_empty() {
        call = call.query("prefix", &*options.prefix);
    }
    if let Some(delimiter) = options.delimiter.as_deref().filter(|text| !text.is_empty()) {
        call = call.query("delimiter", delimiter);
    }
    if !options.marker.is_empty() {
        call = call.query("marker", &*options.marker);
    }
    if let Some(max) = options.max_keys {
        call = call.query("max-keys", max.clamp(1, PAGE_MAX).to_string());
    }
    call.query("encoding-type", "url")
}

pub(crate) fn decode(reply: &Reply) -> Result<ListPage, Rejected> {
    let mut document = Document::open(reply.body(), "ListBucketResult")?;
    let mut page = ListPage::default();
    let (mut encoding, mut truncated) = (Encoding::default(), None);
    // Keys are a quarter of a page of COS's.
    let mut keys = PageKeys::with_capacity(reply.body().len().div_euclid(4));
    while let Some(name) = document.child()? {
        match name {
            "Contents" => {
                document.count_entry()?;
                page.objects.push(object(&mut document, &mut keys)?);
            }
            "CommonPrefixes" | "CommonPrefixs" => {
                page::common_prefix(&mut document, &mut page.common_prefixes)?;
            }
            "EncodingType" | "Encoding-Type" => encoding = Encoding::read(&mut document)?,
            "IsTruncated" => truncated = page::boolean(&mut document)?,
            "NextMarker" => page.next_marker = Some(document.text(str::to_owned)?),
            _ => document.skip()?,
        }
    }
    page.is_truncated = truncated.ok_or_else(|| missing("IsTruncated"))?;
    // The element that says how names are encoded may follow them.
    keys.share(encoding, &mut page.objects)?;
    for prefix in &mut page.common_prefixes {
        *prefix = encoding.decode(std::mem::take(prefix))?;
    }
    page.next_marker = match page.next_marker.take().filter(|_| page.is_truncated) {
        Some(marker) if !marker.is_empty() => Some(encoding.decode(marker)?),
        _ if page.is_truncated => Some(last_entry(&page).ok_or_else(|| missing("NextMarker"))?),
        _ => None,
    };
    Ok(page)
}

/// Where a truncated page ends that does not say so itself.
fn last_entry(page: &ListPage) -> Option<String> {
    let key = page.objects.last().map(|object| object.key.as_str());
    key.max(page.common_prefixes.last().map(String::as_str)).map(str::to_owned)
}

fn object(document: &mut Document<'_>, keys: &mut PageKeys) -> Result<ListedObject, Rejected> {
    let (mut key, mut size, mut etag) = (None, None, None);
    let (mut last_modified, mut storage_class) = (None, StorageClass::STANDARD);
    while let Some(name) = document.child()? {
        match name {
            "Key" => key = Some(document.text(|text| keys.add(text))?),
            "LastModified" => last_modified = document.text(UnixTime::parse_iso8601)?,
            "ETag" => etag = Some(document.text(ETag::new)?),
            "Size" => size = page::number(document)?,
            "StorageClass" => storage_class = document.text(StorageClass::from_wire)?,
            _ => document.skip()?,
        }
    }
    Ok(ListedObject {
        key: key.ok_or_else(|| missing("Contents/Key"))?,
        size: size.ok_or_else(|| missing("Contents/Size"))?,
        etag: etag.ok_or_else(|| missing("Contents/ETag"))?,
        last_modified,
        storage_class,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Reason,
        api::testing::{assert_wire, reply, sample},
    };

    fn page(body: &str) -> ListPage {
        decode(&reply(200, &[], body)).expect(body)
    }

    fn keys(page: &ListPage) -> Vec<&str> {
        page.objects.iter().map(|object| &*object.key).collect()
    }

    /// A page with these elements.
    fn xml(inner: &str) -> String {
        format!("<ListBucketResult>{inner}</ListBucketResult>")
    }

    fn contents(key: &str) -> String {
        format!("<Contents><Key>{key}</Key><ETag>\"e\"</ETag><Size>1</Size></Contents>")
    }

    #[test]
    fn leaves_out_what_is_empty_and_always_asks_for_encoded_names() {
        assert_wire(call(&ListOptions::default()), &["GET /?encoding-type=url"]);
        let empty = ListOptions::new("").delimiter("").marker("");
        assert_wire(call(&empty), &["GET /?encoding-type=url"]);
        let options = ListOptions::new("dir/ é").delimiter("/").marker("dir/a+b").max_keys(10);
        assert_wire(
            call(&options),
            &["GET /?prefix=dir%2F%20%C3%A9&delimiter=%2F&marker=dir%2Fa%2Bb&max-keys=10\
             &encoding-type=url"],
        );
        for (max, sent) in [(0, 1), (1000, 1000), (u16::MAX, 1000)] {
            let line = format!("GET /?max-keys={sent}&encoding-type=url");
            assert_wire(call(&ListOptions::new("").max_keys(max)), &[&line]);
        }
    }

    #[test]
    fn reads_objects_with_all_that_is_said_about_them() {
        let page = page(&sample("list_simple.xml"));
        assert_eq!(keys(&page), ["a.bin", "cold/c.bin", "dir/b.bin", "tier.bin"]);
        assert_eq!((page.is_truncated, page.next_marker), (false, None));
        assert_eq!(
            page.objects[2],
            ListedObject {
                key: "dir/b.bin".into(),
                size: 3_145_729,
                etag: ETag::new("aa259a62513358f69e98e72e59856d88-3"),
                last_modified: Some(UnixTime::from_secs(1_795_145_850)),
                storage_class: StorageClass::STANDARD,
            }
        );
        assert_eq!(page.objects[1].storage_class, StorageClass::ARCHIVE);
        assert_eq!(page.objects[3].storage_class, "INTELLIGENT_TIERING");
    }

    #[test]
    fn reads_empty_pages_and_common_prefixes() {
        assert_eq!(page(&sample("list_empty.xml")), ListPage::default());
        let page = page(&sample("list_prefix_delimiter.xml"));
        assert_eq!(keys(&page), ["dir/", "dir/obj"]);
        assert_eq!(page.common_prefixes, ["dir/sub-1/", "dir/sub-2/"]);
    }

    #[test]
    fn the_next_marker_may_be_a_key_or_a_common_prefix() {
        let flat = page(&sample("list_page1_flat_truncated.xml"));
        assert_eq!((flat.is_truncated, flat.next_marker.as_deref()), (true, Some("k2")));
        let grouped = page(&sample("list_page1_delimiter_nextmarker_is_prefix.xml"));
        assert_eq!(grouped.next_marker.as_deref(), Some("dir-3/"));
        let last = page(&sample("list_page2_after_prefix_marker.xml"));
        assert_eq!(keys(&last), ["x-object-1", "x-object-2"]);
        assert_eq!((last.common_prefixes, last.next_marker), (vec!["dir-4/".to_owned()], None));
    }

    #[test]
    fn encoded_names_are_decoded_once_and_plus_stays() {
        let page = page(&sample("list_encoded_keys.xml"));
        let expected = ["照片/100%&<>.txt", "照片/Tencent Cloud.jpg", "照片/ctl\u{1}name"];
        assert_eq!(keys(&page), expected);
        assert_eq!(page.common_prefixes, ["照片/a+b/"]);
        assert_eq!(page.next_marker.as_deref(), Some("照片/ctl\u{1}name"));
    }

    #[test]
    fn names_are_taken_as_the_page_says_they_are_written() {
        let end = "<IsTruncated>false</IsTruncated>";
        for (said, key, expected) in [
            ("<EncodingType>url</EncodingType>", "a%20b+c", "a b+c"),
            ("<Encoding-Type>url</Encoding-Type>", "a%2520b", "a%20b"),
            ("<EncodingType/>", "a%20b", "a%20b"),
            ("<Encoding-Type></Encoding-Type>", "100%", "100%"),
            ("", "a%20b", "a b"),
            ("", "100%", "100%"),
            ("", "%ff", "%ff"),
        ] {
            // The element may also follow the keys.
            for inner in
                [format!("{said}{}{end}", contents(key)), format!("{}{end}{said}", contents(key))]
            {
                assert_eq!(keys(&page(&xml(&inner))), [expected], "{inner}");
            }
        }
        let body = xml(&format!("<EncodingType>url</EncodingType>{}{end}", contents("100%")));
        assert!(matches!(decode(&reply(200, &[], &body)), Err(Rejected::Retry(_))));
    }

    #[test]
    fn entities_in_names_and_tags_are_resolved() {
        let page = page(&sample("list_unencoded_entities.xml"));
        assert_eq!(keys(&page), ["a&b<c>.txt", "照片/腾讯云.jpg"]);
        assert_eq!(page.objects[0].etag.as_str(), "ee8de918d05640145b18f70f4c3aa602");
    }

    #[test]
    fn a_truncated_page_always_has_a_marker() {
        let truncated = "<IsTruncated>true</IsTruncated>";
        let prefix =
            |name: &str| format!("<CommonPrefixes><Prefix>{name}</Prefix></CommonPrefixes>");
        for (inner, marker) in [
            (contents("b"), "b"),
            (prefix("c/"), "c/"),
            (contents("b") + &prefix("c/"), "c/"),
            (contents("d") + &prefix("c/"), "d"),
            (contents("d") + "<NextMarker/>", "d"),
            (contents("a%2Bb"), "a+b"),
        ] {
            let page = page(&xml(&format!("{inner}{truncated}")));
            assert_eq!(page.next_marker.as_deref(), Some(marker), "{inner}");
        }
        let body = xml(truncated);
        assert!(matches!(decode(&reply(200, &[], &body)), Err(Rejected::Retry(_))));
        let whole = page(&xml("<NextMarker>x</NextMarker><IsTruncated>false</IsTruncated>"));
        assert_eq!(whole.next_marker, None);
    }

    #[test]
    fn unknown_elements_and_misspelt_ones_are_no_harm() {
        let body =
            xml("<New><Contents><Key>no</Key></Contents></New><IsTruncated> false </IsTruncated>\
             <CommonPrefixs><New/><Prefix>a/</Prefix></CommonPrefixs>\
             <Contents><New>x</New><Key>k</Key><ETag>e</ETag><Size> 7 </Size>\
             <LastModified>new form</LastModified><StorageClass>FUTURE</StorageClass></Contents>");
        let page = page(&body);
        assert_eq!((keys(&page), page.objects[0].size), (vec!["k"], 7));
        assert_eq!(page.objects[0].last_modified, None);
        assert_eq!(page.objects[0].storage_class.as_str(), "FUTURE");
        assert_eq!(page.common_prefixes, ["a/"]);
    }

    #[test]
    fn a_page_that_would_lose_objects_does_not_count() {
        let end = "<IsTruncated>false</IsTruncated>";
        for inner in [
            String::new(),
            "<IsTruncated/>".to_owned(),
            "<IsTruncated>1</IsTruncated>".to_owned(),
            format!("{end}<Contents><ETag>e</ETag><Size>1</Size></Contents>"),
            format!("{end}<Contents><Key>k</Key><Size>1</Size></Contents>"),
            format!("{end}<Contents><Key>k</Key><ETag>e</ETag></Contents>"),
            format!("{end}<Contents><Key>k</Key><ETag>e</ETag><Size>-1</Size></Contents>"),
            format!("{end}<Contents><Key>k</Key><ETag>e</ETag><Size>1</Size>"),
        ] {
            let refused = decode(&reply(200, &[], &xml(&inner)));
            assert!(matches!(refused, Err(Rejected::Retry(Reason::Malformed(_)))), "{inner}");
        }
    }

    #[test]
    fn a_page_of_far_too_many_entries_is_refused_for_good() {
        let page = |entries: usize| {
            let inner = contents("k").repeat(entries) + "<IsTruncated>false</IsTruncated>";
            decode(&reply(200, &[], &xml(&inner)))
        };
        assert_eq!(page(2000).expect("a page").objects.len(), 2000);
        assert!(matches!(page(2001), Err(Rejected::Final(Reason::Malformed(_)))));
    }
}
