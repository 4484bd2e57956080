//! A list page read as OpenDAL's service for COS reads it (core.rs, lister.rs).

use bytes::{Buf as _, Bytes};
use serde::Deserialize;

use crate::core::{
    lists::{KEYS, sizes},
    measure::{Race, ensure},
};

#[derive(Default, Debug, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Output {
    name: String,
    prefix: String,
    contents: Vec<Content>,
    common_prefixes: Vec<CommonPrefix>,
    marker: String,
    next_marker: Option<String>,
}

#[derive(Default, Debug, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct CommonPrefix {
    prefix: String,
}

#[derive(Default, Debug, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Content {
    key: String,
    last_modified: String,
    #[serde(rename = "ETag")]
    etag: Option<String>,
    size: u64,
}

pub(in crate::core) fn read_list<'a>(race: &mut Race<'a>, body: &'a Bytes) {
    let expected = sizes();
    race.add("OpenDAL", move || {
        let output: Output = opendal_xml::de::from_reader(body.clone().reader())?;
        let bytes: u64 = output.contents.iter().map(|content| content.size).sum();
        ensure(output.contents.len() == KEYS && bytes == expected, "another page")
    });
}
