//! Choices made by a fuzzer's bytes. Used up, they choose the first of everything.

use arbitrary::Unstructured;

/// The bytes of one run, read from their beginning.
pub(super) struct Choice<'a>(Unstructured<'a>);

impl<'a> Choice<'a> {
    pub(super) fn of(data: &'a [u8]) -> Self {
        Self(Unstructured::new(data))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn byte(&mut self) -> u8 {
        self.0.arbitrary().unwrap_or(0)
    }

    pub(super) fn number(&mut self) -> u64 {
        self.0.arbitrary().unwrap_or(0)
    }

    pub(super) fn signed(&mut self) -> i64 {
        self.0.arbitrary().unwrap_or(0)
    }

    pub(super) fn flag(&mut self) -> bool {
        self.byte() & 1 == 1
    }

    /// Below `bound`, at most 256 of them.
    pub(super) fn below(&mut self, bound: usize) -> usize {
        usize::from(self.byte()) % bound.max(1)
    }

    pub(super) fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }

    pub(super) fn pick_ref<'b, T>(&mut self, from: &'b [T]) -> &'b T {
        &from[self.below(from.len())]
    }

    /// Up to `max` bytes, their number first.
    pub(super) fn bytes(&mut self, max: usize) -> &'a [u8] {
        let length = self.below(max + 1).min(self.0.len());
        self.0.bytes(length).unwrap_or_default()
    }

    /// Up to `max` bytes that are a text: what is none of it is cut.
    pub(super) fn text(&mut self, max: usize) -> &'a str {
        let bytes = self.bytes(max);
        match std::str::from_utf8(bytes) {
            Ok(text) => text,
            Err(error) => std::str::from_utf8(&bytes[..error.valid_up_to()]).unwrap_or_default(),
        }
    }

    /// Either one of these or a text of up to `max` bytes.
    pub(super) fn text_or(&mut self, known: &[&'a str], max: usize) -> &'a str {
        let index = self.below(known.len() + 1);
        known.get(index).copied().unwrap_or_else(|| self.text(max))
    }

    /// All that is left.
    pub(super) fn rest(&mut self) -> &'a [u8] {
        let length = self.0.len();
        self.0.bytes(length).unwrap_or_default()
    }
}
