//! The floor of walks and of recursive deletes: one page after the other, and no document read
//! beyond what the next request needs.

use http::Method;
use http_body_util::BodyExt as _;

use super::{
    bare_hyper::{BareHyper, Sent},
    client::Failed,
};

impl BareHyper {
    /// How many keys with this prefix there are.
    pub(super) async fn count_keys(&self, prefix: &str) -> Result<u64, Failed> {
        let (mut count, mut marker) = (0, Some(String::new()));
        while let Some(after) = marker {
            let page = self.page(prefix, &after).await?;
            count += page.matches("<Key>").count() as u64;
            marker = element(&page, "NextMarker").map(str::to_owned);
        }
        Ok(count)
    }

    /// Deletes all keys with this prefix, a page and its batch after the other; answers how many.
    pub(super) async fn delete_all(&self, prefix: &str) -> Result<u64, Failed> {
        let (mut count, mut marker) = (0, Some(String::new()));
        while let Some(after) = marker {
            let page = self.page(prefix, &after).await?;
            let keys = page.split("<Contents>").skip(1).filter_map(|one| element(one, "Key"));
            let objects = keys.map(|key| {
                count += 1;
                format!("<Object><Key>{key}</Key></Object>")
            });
            let batch = objects.collect::<String>();
            let document = format!("<Delete><Quiet>true</Quiet>{batch}</Delete>");
            let deleted = self.send(Method::POST, "?delete", Sent::document(document)).await?;
            deleted.into_body().collect().await?;
            marker = element(&page, "NextMarker").map(str::to_owned);
        }
        Ok(count)
    }

    /// Puts so many small objects below a prefix, on the server itself.
    pub(super) async fn seed(&self, prefix: &str, count: u64) -> Result<(), Failed> {
        let path = format!("~seed?prefix={prefix}&count={count}");
        let seeded = self.send(Method::POST, &path, Sent::empty()).await?;
        seeded.into_body().collect().await?;
        Ok(())
    }

    async fn page(&self, prefix: &str, marker: &str) -> Result<String, Failed> {
        let path = format!("?prefix={prefix}&marker={marker}&encoding-type=url");
        let page = self.send(Method::GET, &path, Sent::empty()).await?;
        Ok(String::from_utf8(page.into_body().collect().await?.to_bytes().into())?)
    }
}

fn element<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(&format!("<{name}>"))?;
    rest.split_once(&format!("</{name}>")).map(|(inner, _)| inner)
}
