//! The calls under way, in the order in which they began.

use super::slot::Slot;

/// Slots by number. They are few, so a search is shorter than any map's, and nearly always it is one.
#[derive(Debug)]
pub(super) struct Slots<T> {
    begun: u64,
    taken: Vec<(u64, Slot<T>)>,
}

impl<T> Slots<T> {
    pub(super) const fn new() -> Self {
        Self { begun: 0, taken: Vec::new() }
    }

    /// Takes a slot for a call.
    pub(super) fn begin(&mut self, tag: T) {
        self.begun = self.begun.saturating_add(1);
        if self.taken.capacity() == 0 {
            // A vector begins with room for four, of which most operations need one.
            self.taken.reserve_exact(1);
        }
        self.taken.push((self.begun, Slot::new(tag)));
    }

    pub(super) fn get(&self, number: u64) -> Option<&Slot<T>> {
        self.iter().find_map(|(own, slot)| (own == number).then_some(slot))
    }

    pub(super) fn get_mut(&mut self, number: u64) -> Option<&mut Slot<T>> {
        self.taken.iter_mut().find_map(|(own, slot)| (*own == number).then_some(slot))
    }

    pub(super) fn remove(&mut self, number: u64) -> Option<Slot<T>> {
        let at = self.iter().position(|(own, _)| own == number)?;
        Some(self.taken.remove(at).1)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (u64, &Slot<T>)> {
        self.taken.iter().map(|(number, slot)| (*number, slot))
    }

    pub(super) fn values(&self) -> impl Iterator<Item = &Slot<T>> {
        self.taken.iter().map(|(_, slot)| slot)
    }

    pub(super) fn values_mut(&mut self) -> impl Iterator<Item = &mut Slot<T>> {
        self.taken.iter_mut().map(|(_, slot)| slot)
    }

    pub(super) fn len(&self) -> usize {
        self.taken.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.taken.is_empty()
    }

    pub(super) fn clear(&mut self) {
        self.taken.clear();
    }
}
