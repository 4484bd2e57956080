//! Keeps secrets out of ureq's log.
//!
//! At the level trace ureq writes down every byte of a request's head, whatever `http` calls
//! sensitive. So it is given blanks of the same length, which the connection fills in. Like the
//! [pace](super::pace), that is a matter of the thread that ureq works on.

use std::cell::RefCell;

use http::{HeaderName, HeaderValue, Request};

/// What a blank is made of; no value of ours is made of it alone.
const BLANK: u8 = b'~';

thread_local! {
    static VEILED: RefCell<Vec<Veiled>> = const { RefCell::new(Vec::new()) };
}

/// A field of a head, and what belongs there.
struct Veiled {
    /// `name: ~~~~`, with the end of its line.
    line: Vec<u8>,
    value: HeaderValue,
}

/// Does something with a request whose sensitive header values are blanks.
pub(crate) fn veiled<T>(mut request: Request<()>, work: impl FnOnce(Request<()>) -> T) -> T {
    let veiled: Vec<Veiled> = request
        .headers_mut()
        .iter_mut()
        .filter(|(_, value)| value.is_sensitive() && !value.is_empty())
        .map(|(name, value)| Veiled::new(name, value))
        .collect();
    let _reset = Reset(VEILED.replace(veiled));
    work(request)
}

/// Fills in what is blank in bytes that are about to be sent.
pub(super) fn lift(output: &mut [u8]) {
    VEILED.with_borrow_mut(|veiled| veiled.retain(|field| !field.fill(output)));
}

impl Veiled {
    /// Leaves a blank behind.
    fn new(name: &HeaderName, value: &mut HeaderValue) -> Self {
        let blank = vec![BLANK; value.len()];
        let line = [name.as_str().as_bytes(), b": ", &blank, b"\r\n"].concat();
        // Visible ASCII is a value.
        let blank = HeaderValue::from_bytes(&blank).unwrap_or(HeaderValue::from_static(""));
        Self { line, value: std::mem::replace(value, blank) }
    }

    /// Whether its line is there; then its value is, too. ureq never cuts a line in two.
    fn fill(&self, output: &mut [u8]) -> bool {
        // Another field's value may look like a line, but does not begin one.
        let begins = |at: usize| at == 0 || output[..at].ends_with(b"\r\n");
        let mut windows = output.windows(self.line.len()).enumerate();
        let found = windows.find(|(at, window)| *window == self.line && begins(*at));
        let Some((at, _)) = found else { return false };
        let end = at + self.line.len() - 2;
        output[end - self.value.len()..end].copy_from_slice(self.value.as_bytes());
        true
    }
}

/// Goes back to what was before, also when the work panics.
struct Reset(Vec<Veiled>);

impl Drop for Reset {
    fn drop(&mut self) {
        VEILED.set(std::mem::take(&mut self.0));
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;

    use super::*;

    fn request() -> Request<()> {
        let mut request = Request::new(());
        let headers = request.headers_mut();
        headers.insert("host", HeaderValue::from_static("h"));
        for (name, value) in [("authorization", "the-signature"), ("x-cos-security-token", "t")] {
            let mut value = HeaderValue::from_static(value);
            value.set_sensitive(true);
            headers.insert(HeaderName::from_static(name), value);
        }
        request
    }

    fn written(headers: &HeaderMap) -> String {
        let line = |(name, value): (&HeaderName, &HeaderValue)| {
            format!("{name}: {}\r\n", value.to_str().unwrap())
        };
        headers.iter().map(line).collect()
    }

    #[test]
    fn what_is_sensitive_is_blank_until_it_is_sent() {
        let whole = format!("GET / HTTP/1.1\r\n{}\r\n", written(request().headers()));
        veiled(request(), |blank| {
            let head = format!("GET / HTTP/1.1\r\n{}\r\n", written(blank.headers()));
            assert!(!head.contains("the-signature") && head.contains("host: h"), "{head}");
            let mut output = head.clone().into_bytes();
            lift(&mut output);
            assert_eq!(String::from_utf8(output).unwrap(), whole);
            let mut again = head.clone().into_bytes();
            lift(&mut again);
            assert_eq!(again, head.into_bytes(), "a body may look like anything");
        });
        let mut later = b"authorization: ~~~~~~~~~~~~~\r\n".to_vec();
        lift(&mut later);
        assert!(!later.starts_with(b"authorization: the"), "it is over");
    }

    #[test]
    fn a_head_may_come_line_by_line() {
        veiled(request(), |blank| {
            let mut sent = String::new();
            for line in written(blank.headers()).split_inclusive("\r\n") {
                let mut output = line.as_bytes().to_vec();
                lift(&mut output);
                sent.push_str(str::from_utf8(&output).unwrap());
            }
            assert_eq!(sent, written(request().headers()));
        });
    }

    #[test]
    fn a_value_that_looks_like_a_blank_line_is_left_alone() {
        veiled(request(), |_| {
            let line = "x: authorization: ~~~~~~~~~~~~~\r\n";
            let mut output = format!("{line}authorization: ~~~~~~~~~~~~~\r\n").into_bytes();
            lift(&mut output);
            let expected = format!("{line}authorization: the-signature\r\n");
            assert_eq!(String::from_utf8(output).unwrap(), expected);
        });
    }
}
