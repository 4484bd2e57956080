//! XML as COS prints and reads it, on quick-xml's events: bounded, without namespaces, attributes or
//! entities beyond XML's own.

mod leaf;
mod write;

use std::{borrow::Cow, io::BufRead};

use quick_xml::{
    Reader,
    events::{BytesRef, Event},
};

use self::leaf::Leaf;
pub(crate) use self::write::{is_text, push_element};
use crate::{Reason, Rejected};

/// How deep elements may nest; COS's nest three deep.
const DEPTH_MAX: usize = 16;
/// The most bytes of text in one element. An encoded key has at most 2550.
const TEXT_BYTES_MAX: usize = 16 * 1024;
/// The most entries in one document: twice what COS puts on a page.
const ENTRIES_MAX: usize = 2000;

/// A document that cannot be read: what is wrong with it.
#[derive(Debug)]
pub(crate) struct Malformed {
    what: String,
    /// The same request would bring the same.
    hopeless: bool,
}

impl Malformed {
    pub(crate) fn new(what: impl Into<String>) -> Self {
        Self { what: what.into(), hopeless: false }
    }
}

impl From<Malformed> for Rejected {
    fn from(malformed: Malformed) -> Self {
        let reason = Reason::Malformed(malformed.what);
        if malformed.hopeless { Self::Final(reason) } else { Self::Retry(reason) }
    }
}

/// A walk through a document. [`child`](Self::child) enters the next element; each entered element
/// is then read by [`text`](Self::text), passed by [`skip`](Self::skip), or walked by `child` until
/// that answers `None`.
pub(crate) struct Document<'a> {
    text: &'a str,
    reader: Reader<&'a [u8]>,
    /// The text of the entered element, if all of it was read with its name; with entities or without.
    leaf: Option<(&'a str, bool)>,
    /// Most elements of a page are leaves in the same plain spelling: to find the ends of one takes a
    /// fraction of what the events take.
    leaves: bool,
    /// What was read last: after [`child`](Self::child) the start of the element it entered.
    event: Event<'a>,
    depth: usize,
    entries: usize,
    /// Text that is not in one piece.
    joined: String,
}

impl<'a> Document<'a> {
    /// Enters the root element, which must have this name. White space and a byte order mark may
    /// precede the document: COS keeps connections alive by spaces.
    pub(crate) fn open(body: &'a [u8], root: &str) -> Result<Self, Malformed> {
        let text = str::from_utf8(body).map_err(|_| Malformed::new("XML that is not UTF-8"))?;
        let text = text.trim_start_matches(|c: char| c.is_ascii_whitespace() || c == '\u{feff}');
        let reader = Reader::from_str(text);
        let mut document = Self {
            text,
            reader,
            leaf: None,
            leaves: true,
            event: Event::Eof,
            depth: 0,
            entries: 0,
            joined: String::new(),
        };
        match document.child()? {
            Some(name) if name == root => Ok(document),
            Some(name) => Err(Malformed::new(format!("<{name:.40}> instead of <{root}>"))),
            None => Err(Malformed::new(format!("no <{root}>"))),
        }
    }

    /// Enters the next element inside the one that is open, and answers its name without a
    /// namespace prefix; or leaves the open one, and answers `None`.
    #[inline]
    pub(crate) fn child(&mut self) -> Result<Option<&str>, Malformed> {
        if self.leaf.take().is_some() {
            self.depth = self.depth.saturating_sub(1);
            return Ok(None);
        }
        if let Some(name) = self.plain_leaf() {
            return Ok(Some(name));
        }
        loop {
            self.read()?;
            match self.event {
                Event::Start(_) => break,
                Event::Empty(_) => {
                    self.leaf = Some(("", false));
                    break;
                }
                Event::End(_) => {
                    self.depth = self.depth.saturating_sub(1);
                    return Ok(None);
                }
                Event::Eof => return Err(Malformed::new("XML that ends early")),
                // White space between elements, and what is no data.
                Event::Text(_)
                | Event::CData(_)
                | Event::GeneralRef(_)
                | Event::Comment(_)
                | Event::Decl(_)
                | Event::PI(_) => {}
                Event::DocType(_) => return Err(Malformed::new("XML with a document type")),
            }
        }
        self.depth = self.depth.saturating_add(1);
        if self.depth > DEPTH_MAX {
            return Err(Malformed::new("XML that is nested too deep"));
        }
        let (Event::Start(start) | Event::Empty(start)) = &self.event else { return Ok(None) };
        Ok(Some(start.local_name().into_inner()))
    }

    /// Enters the next element if it is a plain leaf.
    #[inline]
    fn plain_leaf(&mut self) -> Option<&'a str> {
        // Only between elements: not in the text before one.
        let between = matches!(self.event, Event::Start(_) | Event::Empty(_) | Event::End(_));
        if !self.leaves || !between || self.depth >= DEPTH_MAX {
            return None;
        }
        let at = self.text.len().checked_sub(self.reader.get_ref().len())?;
        let leaf = Leaf::read(self.text.get(at..)?)?;
        self.reader.stream().consume(leaf.bytes);
        self.leaf = Some((leaf.text, leaf.escaped));
        self.depth = self.depth.saturating_add(1);
        Some(leaf.name)
    }

    /// Has every element read by events: what plain leaves are compared with.
    #[cfg(any(test, feature = "fuzz"))]
    pub(crate) fn without_leaves(mut self) -> Self {
        self.leaves = false;
        self
    }

    /// Reads the text of the entered element, and leaves it.
    #[inline]
    pub(crate) fn text<T>(&mut self, read: impl FnOnce(&str) -> T) -> Result<T, Malformed> {
        if let Some((text, escaped)) = self.leaf.take() {
            self.depth = self.depth.saturating_sub(1);
            if !escaped {
                return Ok(read(text));
            }
            self.joined.clear();
            leaf::unescape_into(&mut self.joined, text);
            return Ok(read(&self.joined));
        }
        self.read()?;
        let mut first = Cow::Borrowed("");
        if let Event::Text(text) = &self.event {
            first = text.xml10_content();
            self.read()?;
        }
        if matches!(self.event, Event::End(_)) && first.len() <= TEXT_BYTES_MAX {
            self.depth = self.depth.saturating_sub(1);
            return Ok(read(&first));
        }
        self.join_text(&first)?;
        Ok(read(&self.joined))
    }

    /// Text in several pieces: references and CDATA sections are events of their own.
    fn join_text(&mut self, first: &str) -> Result<(), Malformed> {
        self.joined.clear();
        self.joined.push_str(first);
        loop {
            if self.joined.len() > TEXT_BYTES_MAX {
                return Err(Malformed::new("XML with too much text in one element"));
            }
            match &self.event {
                Event::Text(text) => self.joined.push_str(&text.xml10_content()),
                Event::CData(text) => self.joined.push_str(&text.xml10_content()),
                Event::GeneralRef(reference) => self.joined.push(character(reference)?),
                Event::Comment(_) | Event::PI(_) => {}
                Event::End(_) => {
                    self.depth = self.depth.saturating_sub(1);
                    return Ok(());
                }
                Event::Eof => return Err(Malformed::new("XML that ends early")),
                Event::Start(_) | Event::Empty(_) | Event::Decl(_) | Event::DocType(_) => {
                    return Err(Malformed::new("XML with an element instead of text"));
                }
            }
            self.read()?;
        }
    }

    /// Leaves the entered element, whatever is in it.
    pub(crate) fn skip(&mut self) -> Result<(), Malformed> {
        let outer = self.depth.saturating_sub(1);
        while self.depth > outer {
            self.child()?;
        }
        Ok(())
    }

    /// Counts an entry of a list.
    pub(crate) fn count_entry(&mut self) -> Result<(), Malformed> {
        self.entries = self.entries.saturating_add(1);
        if self.entries > ENTRIES_MAX {
            return Err(Malformed {
                what: "a list of too many entries".to_owned(),
                hopeless: true,
            });
        }
        Ok(())
    }

    #[inline]
    fn read(&mut self) -> Result<(), Malformed> {
        match self.reader.read_event() {
            Ok(event) => {
                self.event = event;
                Ok(())
            }
            Err(error) => Err(syntax(&self.reader, &error)),
        }
    }
}

#[cold]
fn syntax(reader: &Reader<&[u8]>, error: &quick_xml::Error) -> Malformed {
    Malformed::new(format!("XML at byte {}: {:.200}", reader.error_position(), error.to_string()))
}

/// An element that should be there is not, or holds nonsense.
pub(crate) fn missing(element: &str) -> Malformed {
    Malformed::new(format!("no element {element} that can be read"))
}

/// One of XML's own five entities. Others are refused: COS declares none.
fn entity(name: &str) -> Option<char> {
    match name {
        "lt" => Some('<'),
        "gt" => Some('>'),
        "amp" => Some('&'),
        "apos" => Some('\''),
        "quot" => Some('"'),
        _ => None,
    }
}

/// A character reference, or an entity.
fn character(reference: &BytesRef<'_>) -> Result<char, Malformed> {
    let name = &**reference;
    entity(name)
        .or_else(|| reference.resolve_char_ref().ok().flatten())
        .ok_or_else(|| Malformed::new(format!("the unknown entity &{name:.40};")))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The text of the root's only child.
    fn text(inner: &str) -> Result<String, String> {
        let xml = format!("<R><K>{inner}</K></R>");
        let read = |document: &mut Document<'_>| {
            assert_eq!(document.child()?, Some("K"));
            let text = document.text(str::to_owned)?;
            assert_eq!(document.child()?, None);
            Ok(text)
        };
        let mut document = Document::open(xml.as_bytes(), "R").map_err(|error| error.what)?;
        read(&mut document).map_err(|error: Malformed| error.what)
    }

    #[test]
    fn text_is_joined_from_references_cdata_and_what_stands_between() {
        for (inner, expected) in [
            ("", ""),
            ("plain", "plain"),
            (" kept  spaces ", " kept  spaces "),
            ("&lt;&gt;&amp;&apos;&quot;", "<>&'\""),
            ("a&amp;b", "a&b"),
            ("&#65;&#x42;&#xe9;&#28023;", "ABé海"),
            ("&amp;amp;", "&amp;"),
            ("a<![CDATA[<b>&amp;]]>c", "a<b>&amp;c"),
            ("a<!-- no -->b<?no?>c", "abc"),
            ("line\r\nfeed&#13;", "line\nfeed\r"),
            ("照片", "照片"),
        ] {
            assert_eq!(text(inner).as_deref(), Ok(expected), "{inner:?}");
        }
    }

    #[test]
    fn text_that_cannot_be_read_is_refused() {
        for (inner, what) in [
            ("&nbsp;", "unknown entity"),
            ("&#xD800;", "unknown entity"),
            ("&#x110000;", "unknown entity"),
            ("&#;", "unknown entity"),
            ("&", "XML at byte"),
            ("a<b>c</b>", "an element instead of text"),
            ("</R>", "XML at byte"),
            (&"x".repeat(TEXT_BYTES_MAX + 1), "too much text"),
            (&"&amp;".repeat(TEXT_BYTES_MAX + 1), "too much text"),
        ] {
            let error = text(inner).expect_err(what);
            assert!(error.contains(what), "{error}");
        }
    }

    #[test]
    fn the_document_may_be_preceded_by_white_space_and_a_byte_order_mark() {
        for before in
            ["", " \r\n\t  ", "\u{feff}", "  \u{feff}\n", "\n<?xml version='1.0' ?>\n<!-- c -->"]
        {
            let xml = format!("{before}<R a='1' xmlns=\"x\"><K/></R>");
            let mut document = Document::open(xml.as_bytes(), "R").expect(before);
            assert_eq!(document.child().expect("a child"), Some("K"));
            document.skip().expect("K");
            assert_eq!(document.child().expect("the end"), None);
        }
    }

    #[test]
    fn namespace_prefixes_and_attributes_do_not_matter() {
        let xml = b"<n:R xmlns:n='u'><n:K id='1' broken>v</n:K ></n:R>";
        let mut document = Document::open(xml, "R").expect("R");
        assert_eq!(document.child().expect("K"), Some("K"));
        assert_eq!(document.text(str::to_owned).expect("v"), "v");
    }

    #[test]
    fn skipping_passes_whatever_is_inside() {
        let xml = b"<R><A>t<B><C/></B>&unknown;</A><K>v</K></R>";
        let mut document = Document::open(xml, "R").expect("R");
        assert_eq!(document.child().expect("A"), Some("A"));
        document.skip().expect("A");
        assert_eq!(document.child().expect("K"), Some("K"));
        assert_eq!(document.text(str::to_owned).expect("v"), "v");
        assert_eq!(document.child().expect("the end"), None);
    }

    #[test]
    fn bombs_and_other_documents_are_refused_early() {
        let deep = "<R>".repeat(100_000);
        let laughs = "<!DOCTYPE R [<!ENTITY a 'aa'>]><R>&a;</R>".to_owned();
        let attribute = format!("<R a='{}'", "x".repeat(1 << 20));
        for (xml, what) in [
            (&deep, "nested too deep"),
            (&laughs, "document type"),
            (&attribute, "XML at byte"),
            (&String::new(), "ends early"),
            (&"text only".to_owned(), "ends early"),
            (&"<html><p>".to_owned(), "<html> instead of <R>"),
            (&format!("<{}/>", "n".repeat(1 << 20)), "instead of <R>"),
            (&"</R>".to_owned(), "XML at byte"),
        ] {
            let outcome = Document::open(xml.as_bytes(), "R").and_then(|mut document| {
                while document.child()?.is_some() {}
                Ok(())
            });
            let error = outcome.expect_err(what).what;
            assert!(error.contains(what) && error.len() < 300, "{error}");
        }
        assert!(Document::open(b"<R>\xff</R>", "R").is_err());
    }

    #[test]
    fn entries_are_counted() {
        let mut document = Document::open(b"<R/>", "R").expect("R");
        for _ in 0..ENTRIES_MAX {
            document.count_entry().expect("an entry");
        }
        let error = document.count_entry().expect_err("one too many");
        assert!(matches!(error.into(), Rejected::Final(Reason::Malformed(_))));
    }
}
