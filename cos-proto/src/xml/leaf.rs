//! An element that holds nothing but text, in the one spelling that COS uses.

use memchr::{memchr, memchr2};

use super::TEXT_BYTES_MAX;

/// `<name>text</name>`, and nothing unusual about it.
pub(super) struct Leaf<'a> {
    pub(super) name: &'a str,
    /// As it is written: with `&lt;` and its like if `escaped`.
    pub(super) text: &'a str,
    pub(super) escaped: bool,
    /// How long it is, with white space before it.
    pub(super) bytes: usize,
}

impl<'a> Leaf<'a> {
    /// What `rest` begins with, unless that is anything else: other markup, text that means something
    /// other than it says, or an element that does not end. A parser has to look at those.
    pub(super) fn read(rest: &'a str) -> Option<Self> {
        let start = rest.trim_ascii_start().strip_prefix('<')?;
        let (name, inner) = start.split_at_checked(
            start.bytes().position(|byte| !byte.is_ascii_alphanumeric() && byte != b'-')?,
        )?;
        let inner = inner.strip_prefix('>').filter(|_| !name.is_empty())?;
        let (text, end) = inner.split_at_checked(memchr(b'<', inner.as_bytes())?)?;
        let after = end.strip_prefix("</")?.strip_prefix(name)?.strip_prefix('>')?;
        let escaped = match memchr2(b'&', b'\r', text.as_bytes()) {
            None => false,
            // A parser reads a carriage return as a line feed.
            Some(_) if text.contains('\r') => return None,
            Some(_) => true,
        };
        let plain = text.len() <= TEXT_BYTES_MAX;
        let bytes = rest.len().checked_sub(after.len())?;
        (plain && (!escaped || pieces(text).all(|piece| piece.is_some()))).then_some(Self {
            name,
            text,
            escaped,
            bytes,
        })
    }
}

/// Appends text of a [`Leaf`] with its entities resolved.
pub(super) fn unescape_into(out: &mut String, text: &str) {
    for (plain, entity) in pieces(text).flatten() {
        out.push_str(plain);
        out.extend(entity);
    }
}

/// Pieces of text, each with the entity that ends it; `None` where that is none of XML's own five.
fn pieces(text: &str) -> impl Iterator<Item = Option<(&str, Option<char>)>> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest.take()?;
        let at = memchr(b'&', text.as_bytes());
        let Some((plain, reference)) = at.and_then(|at| text.split_at_checked(at)) else {
            return Some(Some((text, None)));
        };
        let end = memchr(b';', reference.as_bytes());
        let known =
            end.and_then(|end| reference.split_at_checked(end)).and_then(|(name, after)| {
                rest = Some(after.strip_prefix(';')?);
                super::entity(name.strip_prefix('&')?)
            });
        Some(known.map(|character| (plain, Some(character))))
    })
}

#[cfg(test)]
mod tests {
    use super::{super::Document, *};

    /// What is in the root, read as text or passed; and why that ends.
    fn read(inner: &str, leaves: bool, pass: bool) -> Vec<String> {
        let xml = format!("<R>{inner}</R>");
        let document = Document::open(xml.as_bytes(), "R").expect("R");
        let mut document = if leaves { document } else { document.without_leaves() };
        let mut seen = Vec::new();
        loop {
            let name = match document.child() {
                Ok(Some(name)) => name.to_owned(),
                end => {
                    let end = format!("{end:?}");
                    seen.push(format!("{end} at {}", document.reader.buffer_position()));
                    return seen;
                }
            };
            let text = if pass {
                document.skip().map(|()| String::new())
            } else {
                document.text(str::to_owned)
            };
            let refused = text.is_err();
            seen.push(format!("{name}: {text:?}"));
            if refused {
                return seen;
            }
        }
    }

    #[test]
    fn leaves_and_events_give_the_same() {
        let long = "x".repeat(TEXT_BYTES_MAX);
        let pieces = [
            "plain",
            " \r\n\t",
            "a &lt;&amp;&quot; b",
            "&amp;amp;",
            "&#65;",
            "&nope;",
            "&",
            "&;",
            ";",
            "]]>",
            "<![CDATA[<K>x</K>]]>",
            "<!-- <K>x</K> -->",
            "<?p <K>x</K>?>",
            "<K/>",
            "<K a='1'/>",
            "<K></K>",
            "<K >",
            "<K>",
            "<K a='>'>",
            "</K>",
            "</K >",
            "</ K>",
            "<n:K>",
            "</n:K>",
            "<New-1>",
            "</New-1>",
            "<",
            ">",
            "</",
            "<K",
            "照片\u{feff}",
            "line\r\nfeed",
            "\0",
            &long,
            "<!DOCTYPE x>",
        ];
        for (at, one) in pieces.iter().enumerate() {
            for (and, two) in pieces.iter().enumerate() {
                let three = pieces[(at + 7 * and) % pieces.len()];
                for inner in [
                    format!("<K>{one}{two}</K>{three}<L>v</L>"),
                    format!("{one}<K>{two}</K>{three}"),
                    format!("{one}{two}{three}<L> &apos;v </L> "),
                ] {
                    for pass in [false, true] {
                        let events = read(&inner, false, pass);
                        assert_eq!(read(&inner, true, pass), events, "{inner:.200}");
                    }
                }
            }
        }
    }

    #[test]
    fn only_plain_text_in_one_element_is_a_leaf() {
        let leaf = |rest: &'static str| {
            Leaf::read(rest).map(|leaf| (leaf.name, leaf.text, leaf.escaped, leaf.bytes))
        };
        assert_eq!(leaf("\n <Key>a b</Key><x>"), Some(("Key", "a b", false, 16)));
        assert_eq!(leaf("<E>&quot;</E>"), Some(("E", "&quot;", true, 13)));
        for other in [
            "",
            "<",
            "<K>",
            "<K>a",
            "<K>a</",
            "<K>a</K",
            "<K>a</L>",
            "<K>a</K >",
            "<K a=''>a</K>",
            "<K/>",
            "<>a</>",
            "<x:K>a</x:K>",
            "<K>a<L/></K>",
            "<K>&#65;</K>",
            "<K>&nope;</K>",
            "<K>&lt</K>",
            "<K>\r</K>",
            "<K><!-- c --></K>",
            "a<K>a</K>",
            "</K>",
        ] {
            assert_eq!(leaf(other), None, "{other}");
        }
    }
}
