//! What must not be shown, in every form in which it could be.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
};

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD},
};
use bytes::Bytes;

/// Secrets by name, each in all its forms.
#[derive(Default)]
pub struct Secrets(Vec<(&'static str, String)>);

/// So many characters of a secret in a row are a leak: nobody cuts them short in time.
const PIECE: usize = 12;

impl Secrets {
    /// A secret text or key, and every longer piece of it.
    pub fn add(&mut self, name: &'static str, secret: impl AsRef<[u8]>) {
        let secret = secret.as_ref();
        self.add_whole(name, secret);
        for piece in secret.chunks_exact(PIECE).filter_map(|piece| str::from_utf8(piece).ok()) {
            self.0.push((name, piece.to_owned()));
        }
    }

    /// A secret whose parts are none.
    pub fn add_whole(&mut self, name: &'static str, secret: impl AsRef<[u8]>) {
        let secret = secret.as_ref();
        assert!(secret.len() >= PIECE, "{name} is too short to be searched for");
        self.0.extend(forms(secret).into_iter().map(|form| (name, form)));
    }

    /// The names of what is shown in a text, and the forms.
    pub fn shown_in(&self, text: &str) -> BTreeSet<String> {
        let mut by_start: BTreeMap<&[u8], Vec<_>> = BTreeMap::new();
        for (name, form) in &self.0 {
            by_start.entry(&form.as_bytes()[..START]).or_default().push((name, form));
        }
        let mut begins = vec![false; 1 << 16];
        for start in by_start.keys() {
            begins[usize::from(u16::from_be_bytes([start[0], start[1]]))] = true;
        }
        let mut found = BTreeSet::new();
        // A pretty-printed list has a line for each byte.
        let dense: String = text.chars().filter(|character| !character.is_whitespace()).collect();
        for text in [text.as_bytes(), dense.as_bytes()] {
            for (at, start) in text.windows(START).enumerate() {
                if !begins[usize::from(u16::from_be_bytes([start[0], start[1]]))] {
                    continue;
                }
                for (name, form) in by_start.get(start).into_iter().flatten() {
                    if text[at..].starts_with(form.as_bytes()) {
                        found.insert(format!("{name} as {form:?}"));
                    }
                }
            }
        }
        found
    }
}

/// By so many bytes forms are looked up.
const START: usize = 8;

fn forms(secret: &[u8]) -> Vec<String> {
    let listed = |byte: fn(&u8) -> String| secret.iter().map(byte).collect::<Vec<_>>().join(",");
    let mut forms = vec![
        secret.escape_ascii().to_string(),
        format!("{:?}", Bytes::copy_from_slice(secret)).trim_matches(['b', '"']).to_owned(),
        STANDARD.encode(secret),
        STANDARD_NO_PAD.encode(secret),
        URL_SAFE_NO_PAD.encode(secret),
        hex::encode(secret),
        hex::encode_upper(secret),
        listed(u8::to_string),
        listed(|byte| format!("{byte:02x}")),
        listed(|byte| format!("0x{byte:02x}")),
        percent(secret, |byte| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte)),
        percent(secret, |byte| byte.is_ascii_alphanumeric() || b"-_.~/+=".contains(&byte)),
        percent(secret, |_| false),
    ];
    forms.push(percent(STANDARD.encode(secret).as_bytes(), |byte| byte.is_ascii_alphanumeric()));
    forms.extend(forms.clone().iter().map(|form| lower_escapes(form)));
    if let Ok(text) = str::from_utf8(secret) {
        forms.push(text.to_owned());
        forms.push(format!("{text:?}").trim_matches('"').to_owned());
    }
    // In the middle of something longer that is in base64, as `user:password` is.
    for before in 0..3 {
        let longer = STANDARD.encode([&vec![0; before], secret].concat());
        forms.push(longer[4..longer.len() - 4].to_owned());
    }
    forms.sort();
    forms.dedup();
    forms
}

fn percent(text: &[u8], kept: impl Fn(u8) -> bool) -> String {
    let mut encoded = String::new();
    for &byte in text {
        if kept(byte) {
            encoded.push(char::from(byte));
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

/// `%2F` as `%2f`.
fn lower_escapes(text: &str) -> String {
    let mut lowered = String::new();
    let mut pieces = text.split('%');
    lowered.push_str(pieces.next().unwrap_or_default());
    for piece in pieces {
        let end = piece.len().min(2);
        lowered.push('%');
        lowered.push_str(&piece[..end].to_ascii_lowercase());
        lowered.push_str(&piece[end..]);
    }
    lowered
}

#[test]
fn every_form_of_a_secret_is_found() {
    const KEY: &str = "Sec/ret+Key=0123";
    let mut secrets = Secrets::default();
    secrets.add("key", KEY);
    secrets.add("bytes", [0_u8, 255, 7, 34, 92, 10, 200, 65, 66, 67, 1, 2]);
    assert!(secrets.shown_in("Secret(redacted), Sec/ret, 0123").is_empty());
    let bytes = &[0_u8, 255, 7, 34, 92, 10, 200, 65, 66, 67, 1, 2];
    for text in [
        KEY.to_owned(),
        format!("{KEY:?}"),
        format!("{:?}", KEY.as_bytes()),
        format!("{:#?}", KEY.as_bytes()),
        format!("{:02x?}", KEY.as_bytes()),
        format!("{:?}", Bytes::from_static(KEY.as_bytes())),
        "x-cos-security-token=Sec%2Fret%2BKey%3D0123&".to_owned(),
        "x-cos-security-token=Sec%2fret%2bKey%3d0123&".to_owned(),
        STANDARD.encode(format!("user:{KEY}:and more")),
        STANDARD.encode(format!("us:{KEY}")),
        hex::encode_upper(KEY),
        format!("cut off: {}", &KEY[..PIECE]),
        format!("{bytes:?}"),
        format!("{bytes:#?}"),
        format!("{bytes:02x?}"),
        STANDARD.encode(bytes),
        format!("{:?}", Bytes::from_static(bytes)),
    ] {
        assert!(!secrets.shown_in(&text).is_empty(), "{text}");
    }
}
