//! XML written with escaping, and read into a small bounded tree.

use std::{
    borrow::Cow,
    fmt::{Display, Write as _},
};

use quick_xml::{Reader, events::Event};

use super::{
    Received,
    errors::{Code, Refusal},
};

/// The largest request document: 10 000 parts, or 1000 keys, fit.
const BYTES_MAX: u64 = 4 * 1024 * 1024;
const DEPTH_MAX: usize = 8;

/// A document being written.
#[derive(Debug)]
pub(super) struct Document {
    text: String,
    open: Vec<&'static str>,
}

impl Document {
    pub(super) fn new(root: &'static str) -> Self {
        let mut document = Self {
            // As COS writes it, quotes and space included.
            text: "<?xml version='1.0' encoding='utf-8' ?>\n".to_owned(),
            open: Vec::new(),
        };
        document.open(root);
        document
    }

    /// The same with attributes, which must be escaped already.
    pub(super) fn with_attributes(root: &'static str, attributes: &str) -> Self {
        let mut document = Self::new(root);
        document.text.insert_str(document.text.len() - 1, &format!(" {attributes}"));
        document
    }

    pub(super) fn open(&mut self, name: &'static str) -> &mut Self {
        self.text.push('<');
        self.text.push_str(name);
        self.text.push('>');
        self.open.push(name);
        self
    }

    /// Opens with attributes, which must be escaped already.
    pub(super) fn open_with(&mut self, name: &'static str, attributes: &str) -> &mut Self {
        let _ = write!(self.text, "<{name} {attributes}>");
        self.open.push(name);
        self
    }

    pub(super) fn close(&mut self) -> &mut Self {
        if let Some(name) = self.open.pop() {
            let _ = write!(self.text, "</{name}>");
        }
        self
    }

    /// An element with text; without any, an empty element.
    pub(super) fn leaf(&mut self, name: &str, value: impl Display) -> &mut Self {
        let value = value.to_string();
        if value.is_empty() {
            let _ = write!(self.text, "<{name}/>");
        } else {
            let _ = write!(self.text, "<{name}>{}</{name}>", escape(&value));
        }
        self
    }

    /// Text of the element that is open.
    pub(super) fn text(&mut self, text: &str) -> &mut Self {
        self.text.push_str(&escape(text));
        self
    }

    pub(super) fn finish(mut self) -> String {
        while !self.open.is_empty() {
            self.close();
        }
        self.text
    }
}

fn escape(text: &str) -> Cow<'_, str> {
    if !text.contains(['&', '<', '>', '"', '\r']) {
        return text.into();
    }
    let mut escaped = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            // A reader would turn a bare one into a line feed.
            '\r' => escaped.push_str("&#13;"),
            c => escaped.push(c),
        }
    }
    escaped.into()
}

/// An element that was read.
#[derive(Debug, Default)]
pub(super) struct Element {
    /// Without a namespace prefix.
    pub(super) name: String,
    pub(super) text: String,
    pub(super) children: Vec<Self>,
}

impl Element {
    /// Reads a request's document, whose root must have this name.
    pub(super) fn read(body: &Received, root: &str) -> Result<Self, Refusal> {
        if body.body.len() > BYTES_MAX {
            return Err(Code::XmlSizeLimit.into());
        }
        let bytes = body.body.to_bytes();
        let text = std::str::from_utf8(&bytes).map_err(|_| Code::MalformedXml)?;
        let element = parse(text).ok_or(Code::MalformedXml)?;
        if element.name == root { Ok(element) } else { Err(Code::MalformedXml.into()) }
    }

    pub(super) fn all(&self, name: &str) -> impl Iterator<Item = &Self> {
        self.children.iter().filter(move |child| child.name == name)
    }

    pub(super) fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }

    /// The text of a child.
    pub(super) fn value(&self, name: &str) -> Option<&str> {
        self.child(name).map(|child| child.text.as_str())
    }
}

fn parse(text: &str) -> Option<Element> {
    let mut reader = Reader::from_str(text.trim_start_matches('\u{feff}').trim_start());
    let mut open = vec![Element::default()];
    loop {
        match reader.read_event().ok()? {
            Event::Start(start) => {
                if open.len() > DEPTH_MAX {
                    return None;
                }
                open.push(Element::named(start.local_name().as_ref()));
            }
            Event::Empty(start) => {
                let element = Element::named(start.local_name().as_ref());
                open.last_mut()?.children.push(element);
            }
            Event::End(_) => {
                let element = open.pop()?;
                open.last_mut()?.children.push(element);
            }
            Event::Text(part) => open.last_mut()?.text.push_str(&part.xml10_content()),
            Event::CData(part) => open.last_mut()?.text.push_str(&part.xml10_content()),
            Event::GeneralRef(part) => {
                let c = match part.resolve_char_ref().ok()? {
                    Some(c) => c,
                    None => named_entity(&part.xml10_content())?,
                };
                open.last_mut()?.text.push(c);
            }
            // A document type could define entities; no client sends one.
            Event::DocType(_) => return None,
            Event::Eof => break,
            _ => {}
        }
    }
    let mut root = open.pop().filter(|_| open.is_empty())?;
    if root.children.len() == 1 && root.text.trim().is_empty() { root.children.pop() } else { None }
}

impl Element {
    fn named(name: &str) -> Self {
        Self { name: name.to_owned(), ..Self::default() }
    }
}

fn named_entity(name: &str) -> Option<char> {
    Some(match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        _ => return None,
    })
}
