//! Percent-encoding as COS signs and parses it, and the encoding of Content-MD5.

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use md5::{Digest as _, Md5};

/// Appends `text` with every byte except `A-Z a-z 0-9 - _ . ~` as `%XX` (upper-case hex).
pub(crate) fn encode_into(out: &mut String, text: &str) {
    push_encoded(out, text, is_bare);
}

/// The same as a new string.
pub(crate) fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    encode_into(&mut out, text);
    out
}

/// Appends the path of a key for the request line: `/` stays bare, except where a middle box could
/// collapse or remove it: the second of two slashes, one after a segment that ends in a dot, and
/// one before a last segment `.` or `..` (`a/b/..` would be taken for `a/`). COS decodes the path
/// once and takes `%2F` as `/` (Java SDK; `cos-protocol.md` §1.2).
pub(crate) fn encode_key_into(out: &mut String, key: &str) {
    if is_plain_key(key) {
        out.push_str(key);
        return;
    }
    let mut segments = key.split('/').enumerate().peekable();
    while let Some((index, segment)) = segments.next() {
        if index > 0 {
            let last_dots = matches!(segment, "." | "..") && segments.peek().is_none();
            let fragile = last_dots || out.ends_with(['.', '/']) || out.ends_with("%2F");
            out.push_str(if fragile { "%2F" } else { "/" });
        }
        push_encoded(out, segment, is_bare);
    }
}

/// Whether a key is its own path, as nearly all are. It looks at every byte even after one that
/// decides: so the compiler looks at many at a time.
fn is_plain_key(key: &str) -> bool {
    let plain = |byte| byte == b'/' || is_bare(byte);
    let fragile = |one, next| next == b'/' && (one == b'.' || one == b'/');
    let pairs = key.bytes().zip(key.bytes().skip(1));
    !key.starts_with('/')
        && !key.ends_with("/.")
        && !key.ends_with("/..")
        && key.bytes().fold(true, |all, byte| all & plain(byte))
        && !pairs.fold(false, |any, (one, next)| any | fragile(one, next))
}

/// Appends a key for the header `x-cos-copy-source`: every `/` bare.
pub(crate) fn encode_source_into(out: &mut String, key: &str) {
    push_encoded(out, key, |byte| byte == b'/' || is_bare(byte));
}

fn push_encoded(out: &mut String, text: &str, is_bare: impl Fn(u8) -> bool) {
    // Most text is bare. Without a way out of the loop many bytes are looked at at a time.
    if text.bytes().fold(true, |all, byte| all & is_bare(byte)) {
        out.push_str(text);
        return;
    }
    let mut rest = text;
    while let Some(at) = rest.bytes().position(|byte| !is_bare(byte)) {
        // What is bare is ASCII, so this is the first byte of a character.
        let (bare, tail) = rest.split_at(at);
        out.push_str(bare);
        let mut characters = tail.chars();
        if let Some(character) = characters.next() {
            for &byte in character.encode_utf8(&mut [0; 4]).as_bytes() {
                out.push('%');
                out.push(hex_digit(byte >> 4));
                out.push(hex_digit(byte & 0xF));
            }
        }
        rest = characters.as_str();
    }
    out.push_str(rest);
}

/// Whether a byte stands for itself.
pub(crate) fn is_bare(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~')
}

fn hex_digit(nibble: u8) -> char {
    char::from_digit(u32::from(nibble), 16).unwrap_or('0').to_ascii_uppercase()
}

/// Decodes `%XX` once; `+` stays. `None` if a `%` is not followed by two hex digits or the result
/// is not UTF-8.
pub(crate) fn decode(text: &str) -> Option<String> {
    if !text.contains('%') {
        return Some(text.to_owned());
    }
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            let high = char::from(bytes.next()?).to_digit(16)?;
            let low = char::from(bytes.next()?).to_digit(16)?;
            out.push(u8::try_from(high << 4 | low).ok()?);
        } else {
            out.push(byte);
        }
    }
    String::from_utf8(out).ok()
}

/// The value of `Content-MD5`.
pub(crate) fn content_md5(body: &[u8]) -> String {
    BASE64.encode(Md5::digest(body))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodes_all_but_the_unreserved() {
        for (text, encoded) in [
            ("aZ09-_.~", "aZ09-_.~"),
            ("a b+c/é%", "a%20b%2Bc%2F%C3%A9%25"),
            ("!'()*", "%21%27%28%29%2A"),
            ("照片", "%E7%85%A7%E7%89%87"),
            ("", ""),
        ] {
            assert_eq!(encode(text), encoded);
            assert_eq!(decode(encoded).as_deref(), Some(text));
        }
    }

    #[test]
    fn no_slash_of_a_key_can_be_collapsed_by_a_middle_box() {
        for (key, path) in [
            ("a/b.c", "/a/b.c"),
            ("a//b", "/a/%2Fb"),
            ("a///b", "/a/%2F%2Fb"),
            ("a/../b", "/a/..%2Fb"),
            ("./a", "/.%2Fa"),
            ("a/b/..", "/a/b%2F.."),
            ("a/.", "/a%2F."),
            ("a/./.", "/a/.%2F."),
            ("a.b./c", "/a.b.%2Fc"),
            ("a b/c?d#e", "/a%20b/c%3Fd%23e"),
            ("dir/", "/dir/"),
        ] {
            let mut out = "/".to_owned();
            encode_key_into(&mut out, key);
            assert_eq!(out, path, "{key:?}");
            assert_eq!(decode(&out), Some(format!("/{key}")));
        }
    }

    #[test]
    fn refuses_broken_escapes() {
        for text in ["%", "%4", "%zz", "a%2", "%ff"] {
            assert_eq!(decode(text), None, "{text:?}");
        }
        assert_eq!(decode("a+b").as_deref(), Some("a+b"));
    }
}
