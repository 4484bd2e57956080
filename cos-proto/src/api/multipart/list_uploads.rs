//! List Multipart Uploads (436/7736).

use http::Method;

use crate::{
    Call, CallKind, Rejected, Reply, UnixTime, UploadId,
    api::page::{self, Encoding, PAGE_MAX},
    xml::{Document, missing},
};

/// Which unfinished uploads to list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ListUploadsOptions {
    /// Only keys that begin so; empty for all.
    pub prefix: String,
    /// Keys that are equal up to this, after the prefix, become one common prefix.
    pub delimiter: Option<String>,
    /// Only uploads of keys after this one; empty for all.
    pub key_marker: String,
    /// With it also uploads of the marker's own key, with ids after this one; COS ignores it
    /// without a key marker.
    pub upload_id_marker: Option<UploadId>,
    /// How many uploads one page holds: 1 to 1000, which is also COS's default.
    pub max_uploads: Option<u16>,
}

impl ListUploadsOptions {
    /// All uploads of keys that begin with `prefix`.
    pub fn new(prefix: impl Into<String>) -> Self {
        Self { prefix: prefix.into(), ..Self::default() }
    }

    /// Groups keys by this delimiter, usually `/`.
    #[must_use]
    pub fn delimiter(mut self, delimiter: impl Into<String>) -> Self {
        self.delimiter = Some(delimiter.into());
        self
    }

    /// Only uploads of keys after this one.
    #[must_use]
    pub fn key_marker(mut self, key: impl Into<String>) -> Self {
        self.key_marker = key.into();
        self
    }

    /// Also uploads of the marker's own key, with ids after this one.
    #[must_use]
    pub fn upload_id_marker(mut self, id: UploadId) -> Self {
        self.upload_id_marker = Some(id);
        self
    }

    /// At most so many uploads on a page.
    #[must_use]
    pub fn max_uploads(mut self, max_uploads: u16) -> Self {
        self.max_uploads = Some(max_uploads);
        self
    }
}

/// One page of unfinished uploads.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct UploadsPage {
    /// The uploads, by key and then by id.
    pub uploads: Vec<ListedUpload>,
    /// What keys have in common up to the delimiter.
    pub common_prefixes: Vec<String>,
    /// Whether there is more; then `next_key_marker` is there.
    pub is_truncated: bool,
    /// The key marker of the next page.
    pub next_key_marker: Option<String>,
    /// The upload id marker of the next page.
    pub next_upload_id_marker: Option<UploadId>,
}

impl UploadsPage {
    pub(crate) fn entries(&self) -> usize {
        self.uploads.len().saturating_add(self.common_prefixes.len())
    }
}

/// One unfinished upload.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ListedUpload {
    /// The key it was begun for.
    pub key: String,
    /// Its id.
    pub upload_id: UploadId,
    /// When it was begun.
    pub initiated: Option<UnixTime>,
}

/// Lists one page.
pub(crate) fn call(options: &ListUploadsOptions) -> Call {
    let mut call =
        Call::new(CallKind::ListMultipartUploads, Method::GET, None).query("uploads", "");
    if !options.prefix.is_empty() {
        call = call.query("prefix", &*options.prefix);
    }
    if let Some(delimiter) = options.delimiter.as_deref().filter(|text| !text.is_empty()) {
        call = call.query("delimiter", delimiter);
    }
    if !options.key_marker.is_empty() {
        call = call.query("key-marker", &*options.key_marker);
        if let Some(id) = &options.upload_id_marker {
            call = call.query("upload-id-marker", id.as_str());
        }
    }
    if let Some(max) = options.max_uploads {
        call = call.query("max-uploads", max.clamp(1, PAGE_MAX).to_string());
    }
    call.query("encoding-type", "url")
}

pub(crate) fn decode(reply: &Reply) -> Result<UploadsPage, Rejected> {
    let mut document = Document::open(reply.body(), "ListMultipartUploadsResult")?;
    let mut page = UploadsPage::default();
    let (mut encoding, mut truncated) = (Encoding::default(), None);
    while let Some(name) = document.child()? {
        match name {
            "Upload" => {
                document.count_entry()?;
                page.uploads.push(upload(&mut document)?);
            }
            "CommonPrefixes" | "CommonPrefixs" => {
                page::common_prefix(&mut document, &mut page.common_prefixes)?;
            }
            "EncodingType" | "Encoding-Type" => encoding = Encoding::read(&mut document)?,
            "IsTruncated" => truncated = page::boolean(&mut document)?,
            "NextKeyMarker" => page.next_key_marker = Some(document.text(str::to_owned)?),
            "NextUploadIdMarker" => page.next_upload_id_marker = upload_id(&mut document)?,
            _ => document.skip()?,
        }
    }
    page.is_truncated = truncated.ok_or_else(|| missing("IsTruncated"))?;
    for upload in &mut page.uploads {
        upload.key = encoding.decode(std::mem::take(&mut upload.key))?;
    }
    for prefix in &mut page.common_prefixes {
        *prefix = encoding.decode(std::mem::take(prefix))?;
    }
    if !page.is_truncated {
        (page.next_key_marker, page.next_upload_id_marker) = (None, None);
    } else if let Some(marker) = page.next_key_marker.take().filter(|text| !text.is_empty()) {
        page.next_key_marker = Some(encoding.decode(marker)?);
    } else {
        let (key, id) = last_entry(&page).ok_or_else(|| missing("NextKeyMarker"))?;
        (page.next_key_marker, page.next_upload_id_marker) = (Some(key), id);
    }
    Ok(page)
}

/// Where a truncated page ends that does not say so itself.
fn last_entry(page: &UploadsPage) -> Option<(String, Option<UploadId>)> {
    let upload = page.uploads.last().map(|last| (&last.key, Some(&last.upload_id)));
    let prefix = page.common_prefixes.last().map(|last| (last, None));
    upload.max(prefix).map(|(key, id)| (key.clone(), id.cloned()))
}

fn upload(document: &mut Document<'_>) -> Result<ListedUpload, Rejected> {
    let (mut key, mut id, mut initiated) = (None, None, None);
    while let Some(name) = document.child()? {
        match name {
            "Key" => key = Some(document.text(str::to_owned)?),
            "UploadId" | "UploadID" => id = upload_id(document)?,
            "Initiated" => initiated = document.text(UnixTime::parse_iso8601)?,
            _ => document.skip()?,
        }
    }
    Ok(ListedUpload {
        key: key.ok_or_else(|| missing("Upload/Key"))?,
        upload_id: id.ok_or_else(|| missing("Upload/UploadId"))?,
        initiated,
    })
}

fn upload_id(document: &mut Document<'_>) -> Result<Option<UploadId>, Rejected> {
    Ok(document.text(|text| UploadId::new(text).ok())?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Reason,
        api::testing::{assert_wire, reply, sample, upload_id},
    };

    fn page(body: &str) -> UploadsPage {
        decode(&reply(200, &[], body)).expect(body)
    }

    #[test]
    fn leaves_out_what_is_empty_or_void() {
        assert_wire(call(&ListUploadsOptions::default()), &["GET /?uploads&encoding-type=url"]);
        let options = ListUploadsOptions::new("dir/").upload_id_marker(upload_id());
        assert_wire(call(&options), &["GET /?uploads&prefix=dir%2F&encoding-type=url"]);
        assert_wire(
            call(&options.key_marker("dir/a b").delimiter("/").max_uploads(5000)),
            &["GET /?uploads&prefix=dir%2F&delimiter=%2F&key-marker=dir%2Fa%20b\
             &upload-id-marker=1763609850cbb7df&max-uploads=1000&encoding-type=url"],
        );
    }

    #[test]
    fn reads_several_uploads_of_one_key() {
        let page = page(&sample("list_multipart_uploads.xml"));
        assert!(!page.is_truncated && page.next_key_marker.is_none());
        assert_eq!(page.uploads.len(), 2);
        let id = "1763609850cbb7df1d11846c073ad648e8f33b087cec2381df437acdc833cf654b9ecc6362";
        assert_eq!(
            page.uploads[1],
            ListedUpload {
                key: "big.bin".to_owned(),
                upload_id: UploadId::new(id).expect("an id"),
                initiated: Some(UnixTime::from_secs(1_795_147_200)),
            }
        );
    }

    #[test]
    fn reads_common_prefixes_in_either_spelling() {
        let body = sample("list_multipart_uploads_common_prefixes.xml");
        assert_eq!(page(&body).common_prefixes, ["dir/"]);
        let body = body.replace("CommonPrefixes", "CommonPrefixs");
        assert_eq!(page(&body).common_prefixes, ["dir/"]);
    }

    #[test]
    fn markers_are_decoded_or_inferred() {
        let body = sample("list_multipart_uploads_page_encoded.xml");
        let said = page(&body);
        assert_eq!(said.uploads[0].key, "dir/大 file.bin");
        assert_eq!(said.next_key_marker.as_deref(), Some("dir/大 file.bin"));
        assert_eq!(said.next_upload_id_marker.as_ref(), Some(&said.uploads[0].upload_id));
        let unsaid = body.replace("NextKeyMarker", "A").replace("NextUploadIdMarker", "B");
        assert_eq!(page(&unsaid), said);
        let prefix = "<CommonPrefixes><Prefix>e/</Prefix></CommonPrefixes><IsTruncated>";
        let unsaid = page(&unsaid.replace("<IsTruncated>", prefix));
        assert_eq!(unsaid.next_key_marker.as_deref(), Some("e/"));
        assert_eq!(unsaid.next_upload_id_marker, None);
    }

    #[test]
    fn the_old_spelling_of_the_id_is_read_too() {
        let body = sample("list_multipart_uploads.xml").replace("UploadId>", "UploadID>");
        assert_eq!(page(&body).uploads.len(), 2);
    }

    #[test]
    fn a_page_that_would_lose_uploads_does_not_count() {
        let sample = sample("list_multipart_uploads.xml");
        for (old, new) in [
            ("<IsTruncated>false<", "<IsTruncated><"),
            ("<Upload>\n\t\t<Key>big.bin</Key>", "<Upload>"),
            ("<UploadId>1763", "<UploadId> 1763"),
        ] {
            assert!(sample.contains(old), "{old}");
            let refused = decode(&reply(200, &[], &sample.replace(old, new)));
            assert!(matches!(refused, Err(Rejected::Retry(Reason::Malformed(_)))), "{new}");
        }
        let empty = "<ListMultipartUploadsResult><IsTruncated>true</IsTruncated>\
                     </ListMultipartUploadsResult>";
        assert!(decode(&reply(200, &[], empty)).is_err());
    }
}
