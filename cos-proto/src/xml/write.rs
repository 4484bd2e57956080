//! XML as requests carry it.

/// Whether XML 1.0 can carry the text at all (production 2, `Char`).
pub(crate) fn is_text(text: &str) -> bool {
    text.chars()
        .all(|character| matches!(character, '\t' | '\n' | '\r' | ' '..='\u{fffd}' | '\u{10000}'..))
}

/// Appends `<name>text</name>`.
pub(crate) fn push_element(out: &mut String, name: &str, text: &str) {
    out.push('<');
    out.push_str(name);
    out.push('>');
    escape_into(out, text);
    out.push_str("</");
    out.push_str(name);
    out.push('>');
}

/// Appends text so that a parser gives back the same characters.
fn escape_into(out: &mut String, text: &str) {
    let mut rest = text;
    while let Some(at) = rest.find(['&', '<', '>', '\r']) {
        let (plain, tail) = rest.split_at(at);
        out.push_str(plain);
        let mut characters = tail.chars();
        out.push_str(match characters.next() {
            Some('&') => "&amp;",
            Some('<') => "&lt;",
            Some('>') => "&gt;",
            // A bare one would be read as a line feed.
            _ => "&#13;",
        });
        rest = characters.as_str();
    }
    out.push_str(rest);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::xml::Document;

    #[test]
    fn what_is_written_reads_back() {
        for value in ["", "a&b<c>\"'", "\r\n\t ", "]]>", "照片/é", "&amp;"] {
            let mut xml = "<R>".to_owned();
            push_element(&mut xml, "K", value);
            xml.push_str("</R>");
            let mut document = Document::open(xml.as_bytes(), "R").expect("R");
            assert_eq!(document.child().expect("K"), Some("K"));
            assert_eq!(document.text(str::to_owned).expect("text"), value, "{xml}");
        }
    }

    #[test]
    fn knows_which_text_xml_can_carry() {
        for text in ["", "a\t\n\r", "\u{fffd}", "\u{10ffff}", "\u{7f}"] {
            assert!(is_text(text), "{text:?}");
        }
        for text in ["\0", "\u{1}", "\u{1f}", "\u{fffe}", "\u{ffff}"] {
            assert!(!is_text(text), "{text:?}");
        }
    }
}
