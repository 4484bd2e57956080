//! Delete Multiple Objects.

use std::fmt::Write as _;

use hyper::body::Incoming;

use super::{
    multipart::element,
    reply::{self, Answer},
    request::receive_document,
    store::Store,
};

pub(super) async fn many(store: &Store, body: Incoming) -> Result<Answer, hyper::Error> {
    let document = receive_document(body).await?;
    let quiet = element(&document, "Quiet").is_some_and(|text| text == "true");
    let mut text = "<?xml version='1.0' encoding='utf-8' ?>\n<DeleteResult>".to_owned();
    let mut held = store.held();
    for named in document.split("<Object>").skip(1) {
        let Some(key) = element(named, "Key") else { continue };
        held.objects.remove(&unescape(key));
        if !quiet {
            let _ = write!(text, "<Deleted><Key>{key}</Key></Deleted>");
        }
    }
    text.push_str("</DeleteResult>");
    Ok(reply::xml(text))
}

fn unescape(text: &str) -> String {
    let text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"");
    text.replace("&apos;", "'").replace("&amp;", "&")
}
