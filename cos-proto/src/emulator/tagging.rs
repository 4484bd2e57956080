//! The tags of objects (COS product pages 436/42997 to 42999).

use super::{
    errors::{Code, Refusal},
    headers::{Tags, check_digest},
    reply::Reply,
    request::Request,
    world::World,
    xml::{Document, Element},
};

const TAGS_MAX: usize = 10;
const KEY_BYTES_MAX: usize = 127;
const VALUE_BYTES_MAX: usize = 255;

/// At most ten, with different keys, and short.
pub(super) fn check(tags: Tags) -> Result<Tags, Refusal> {
    let fits = |(key, value): &(String, String)| {
        (1..=KEY_BYTES_MAX).contains(&key.len()) && value.len() <= VALUE_BYTES_MAX
    };
    let mut keys: Vec<_> = tags.iter().map(|(key, _)| key).collect();
    keys.sort();
    let twice = keys.windows(2).any(|pair| pair[0] == pair[1]);
    if tags.len() <= TAGS_MAX && tags.iter().all(fits) && !twice {
        Ok(tags)
    } else {
        Err(Code::InvalidTag.into())
    }
}

pub(super) fn put(world: &mut World, request: &Request<'_>) -> Result<Reply, Refusal> {
    check_digest(request)?;
    let document = Element::read(&request.body, "Tagging")?;
    let set = document.child("TagSet").ok_or(Code::MalformedXml)?;
    let tag = |tag: &Element| {
        Some((tag.value("Key")?.to_owned(), tag.value("Value").unwrap_or("").to_owned()))
    };
    let tags: Option<Tags> = set.all("Tag").map(tag).collect();
    let tags = check(tags.ok_or(Code::MalformedXml)?)?;
    world.change(request)?.0.object_mut(request.key())?.tags = tags;
    Ok(Reply::ok())
}

pub(super) fn get(world: &World, request: &Request<'_>) -> Result<Reply, Refusal> {
    let tags = &world.bucket(request.bucket())?.object(request.key())?.tags;
    if tags.is_empty() {
        return Err(Code::NoSuchTagSet.into());
    }
    let mut document = Document::new("Tagging");
    document.open("TagSet");
    for (key, value) in tags {
        document.open("Tag").leaf("Key", key).leaf("Value", value).close();
    }
    Ok(Reply::xml(document))
}

pub(super) fn delete(world: &mut World, request: &Request<'_>) -> Result<Reply, Refusal> {
    world.change(request)?.0.object_mut(request.key())?.tags.clear();
    Ok(Reply::no_content())
}
