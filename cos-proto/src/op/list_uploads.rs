//! Lists unfinished multipart uploads page by page.
//!
//! ```text
//! Ready ──GET ?uploads──▶ page untaken ──taken, truncated──▶ Ready
//!                                     └──taken, last page──▶ done
//! ```

use super::pages::{Pages, UploadsMarker};
use crate::{
    Call, CallError, Error, Next, Operation, Rejected, Reply,
    api::{self, ListUploadsOptions, UploadsPage},
};

/// Lists unfinished multipart uploads (436/7736), at most one untaken page at a time.
///
/// The list lags behind the uploads: use it to clean up, never to find one to resume.
#[derive(Debug)]
pub struct ListUploads {
    options: ListUploadsOptions,
    pages: Pages<UploadsMarker>,
    page: Option<UploadsPage>,
    failed: Option<Error>,
}

impl ListUploads {
    /// Lists by these options; their markers say after which upload to begin.
    pub fn new(options: ListUploadsOptions) -> Self {
        let (key, upload) = (options.key_marker.clone(), options.upload_id_marker.clone());
        Self { options, pages: Pages::new(UploadsMarker { key, upload }), page: None, failed: None }
    }

    /// The page that has arrived, once. Until it is taken no other is asked for.
    pub fn take_page(&mut self) -> Option<UploadsPage> {
        self.page.take()
    }
}

/// The options of a page after `marker`.
pub(crate) fn uploads_after(prefix: &str, marker: &UploadsMarker) -> ListUploadsOptions {
    let mut options = ListUploadsOptions::new(prefix);
    options.key_marker.clone_from(&marker.key);
    options.upload_id_marker.clone_from(&marker.upload);
    options
}

impl Operation for ListUploads {
    type Tag = ();
    type Output = Result<(), Error>;

    fn next(&mut self) -> Next<(), Self::Output> {
        if self.page.is_some() {
            return Next::Idle;
        }
        if let Some(error) = self.failed.take() {
            return Next::Done(Err(error));
        }
        if self.pages.start() {
            return Next::Call(());
        }
        if self.pages.is_over() { Next::Done(Ok(())) } else { Next::Pending }
    }

    fn call(&self, (): ()) -> Call {
        let UploadsMarker { key, upload } = self.pages.marker().clone();
        api::multipart::list_uploads::call(&ListUploadsOptions {
            key_marker: key,
            upload_id_marker: upload,
            ..self.options.clone()
        })
    }

    fn on_reply(&mut self, (): (), reply: Reply) -> Result<(), Rejected> {
        let page = api::multipart::list_uploads::decode(&reply)?;
        self.pages.advance(UploadsMarker::after(&page), page.entries())?;
        self.page = Some(page);
        Ok(())
    }

    fn on_error(&mut self, (): (), error: CallError) {
        self.pages.end();
        self.failed = Some(error.into_error().at(&*self.options.prefix));
    }
}
