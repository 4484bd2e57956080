//! Keys, paths and the root directory, against rules that are written down a second time.

use super::choice::Choice;
use crate::{
    Bucket, CopySource, DriverPath, Endpoint, Key, Region, RootDirectory,
    encode::{decode, encode, encode_key_into},
    path::is_component,
};

pub(super) fn paths(data: &[u8]) {
    let mut choice = Choice::of(data);
    let kind = choice.byte() % 4;
    match kind {
        0 => {
            let root = choice.text(64);
            rooted(root, &String::from_utf8_lossy(choice.rest()));
        }
        1 => key(&String::from_utf8_lossy(choice.rest())),
        2 => {
            let parent = format!("/{}", choice.text(64));
            within(&parent, &String::from_utf8_lossy(choice.rest()));
        }
        _ => names(&String::from_utf8_lossy(choice.rest())),
    }
}

/// `^(/[A-Za-z0-9._-]+)+$` by hand.
fn is_path(text: &str) -> bool {
    let mut previous = '\0';
    for character in text.chars() {
        match character {
            '/' if previous == '/' => return false,
            '/' => {}
            _ if previous == '\0' => return false,
            'a'..='z' | 'A'..='Z' | '0'..='9' | '.' | '_' | '-' => {}
            _ => return false,
        }
        previous = character;
    }
    !matches!(previous, '\0' | '/')
}

fn rooted(root: &str, path: &str) {
    assert_eq!(DriverPath::new(path).is_ok(), is_path(path), "{path:?}");
    let (Ok(root), Ok(path)) = (RootDirectory::new(root), DriverPath::new(path)) else { return };
    assert!(root.prefix().is_empty() || root.prefix().ends_with('/'));
    assert!(!root.prefix().starts_with('/') && !root.prefix().contains("//"));
    let Ok(key) = root.key(&path) else {
        // Too long, or nothing but dots.
        let long = root.prefix().len() + path.as_str().len() > 851;
        assert!(long || path.as_str().contains("/."), "{root:?} {path}");
        return;
    };
    assert_eq!(root.path_of(key.as_str()).as_deref(), Some(path.as_str()));
    assert_eq!(root.prefix_of(&path), format!("{key}/"));
    assert!(key.as_str().starts_with(root.prefix()));
    assert!(path.is_within(&path));
}

fn within(parent: &str, path: &str) {
    let (Ok(parent), Ok(path)) = (DriverPath::or_root(parent), DriverPath::or_root(path)) else {
        return;
    };
    let components = |path: &DriverPath| -> Vec<String> {
        path.as_str().split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect()
    };
    let (above, below) = (components(&parent), components(&path));
    assert_eq!(path.is_within(&parent), below.starts_with(&above), "{path} in {parent}");
}

fn key(text: &str) {
    assert_eq!(decode(&encode(text)).as_deref(), Some(text));
    let Ok(key) = Key::new(text) else { return };
    assert!((1..=850).contains(&text.len()) && !text.starts_with(['/', '\\']));
    let mut path = "/".to_owned();
    encode_key_into(&mut path, text);
    assert_eq!(decode(&path).as_deref(), Some(&*format!("/{text}")));
    assert!(path.parse::<http::Uri>().is_ok(), "{path}");
    // A middle box that removes dot segments and doubled slashes finds nothing to do.
    let segments: Vec<&str> = path.split('/').skip(1).collect();
    for (index, segment) in segments.iter().enumerate() {
        assert!(!matches!(*segment, "." | ".."), "{path}");
        assert!(!segment.is_empty() || index + 1 == segments.len(), "{path}");
    }
    let (bucket, region) = (Bucket::new("b-1"), Region::new("r"));
    let (bucket, region) = (bucket.expect("a bucket"), region.expect("a region"));
    let source = CopySource::new(key).version("v&1").header(&bucket, &region);
    let (place, version) = source.split_once('?').expect("a version");
    let (host, encoded) = place.split_once('/').expect("a key");
    assert_eq!((host, version), ("b-1.cos.r.myqcloud.com", "versionId=v%261"));
    assert_eq!(decode(encoded).as_deref(), Some(text));
    assert!(http::HeaderValue::from_str(&source).is_ok());
}

fn names(text: &str) {
    assert_eq!(is_component(text), is_path(&format!("/{text}")) && !text.contains('/'));
    for valid in [Bucket::new(text).is_ok(), Region::new(text).is_ok()] {
        assert!(!valid || (text.len() <= 63 && text.is_ascii()));
    }
    if let Ok(endpoint) = text.parse::<Endpoint>() {
        let again: Endpoint = endpoint.to_string().parse().expect("what we write we read");
        assert_eq!(endpoint, again, "{text:?}");
        assert!(!endpoint.authority().contains('@'));
        assert!(http::HeaderValue::from_str(endpoint.authority()).is_ok());
    }
}
