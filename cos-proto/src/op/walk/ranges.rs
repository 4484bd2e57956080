//! The keys below a prefix in the order of their bytes, from several lists at once.
//!
//! ```text
//! front ──▶ [from a/ until c/) [from c/ until f/) … [from x/)       each: pages held, one under way
//!           entries are taken    asked ahead, while few pages are held
//! ```
//!
//! It begins with one range that is everything. After a page that has not ended its range, lists by
//! directory tell names where it could be cut. They are hints: each range drops what is not in it,
//! so ranges follow each other without a gap wherever they are cut, and a probe that fails costs
//! nothing but speed.
//!
//! | what comes next | limit |
//! |---|---|
//! | the front's page | two held; never how many others hold |
//! | probes | |
//! | the first page of a large directory that was found | pages held by all |
//! | pages of the earliest ranges, and of what is cut off them | the same |

use std::{
    collections::{BTreeSet, VecDeque},
    ops::Bound,
};

use super::{
    probe::{Probe, State, probes},
    range::Range,
};
use crate::{
    Call, CallError, KEY_BYTES_MAX, Rejected, Reply,
    api::{self, ListOptions, ListPage, ListedObject},
};

/// One list of a walk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(unnameable_types, reason = "opaque: only compared")]
pub enum Tag {
    Page(u64),
    Probe(u64),
}

#[derive(Debug)]
pub(super) struct Ranges {
    prefix: String,
    /// How many lists may be under way.
    parallel: usize,
    under_way: usize,
    /// In the order of their keys. The front is never spent.
    queue: VecDeque<Range>,
    /// Directories at which ranges may be cut.
    cuts: BTreeSet<String>,
    /// At which of them: every so manyth, as pages turn out.
    stride: usize,
    probes: Vec<Probe>,
    ids: u64,
    /// How many ranges in a row had nothing in them.
    barren: usize,
    /// Keys that begin so are passed over.
    skipped: Option<String>,
    #[cfg(feature = "sim")]
    pub(super) simulated: crate::sim::Simulated,
}

/// Pages that may be held or under way, the front's among them, when one behind it is asked for; for
/// each list that may be under way.
const PAGES_AHEAD: usize = 4;
/// Pages that the front holds before it is asked for more.
const FRONT_PAGES: usize = 2;
/// No further probes while so many directories are known.
const CUTS_MAX: usize = 2000;
/// After so many ranges in a row without a key there are no further probes: names that lead to nothing
/// might have no end.
const BARREN_MAX: usize = 100;
const STRIDE_MAX: usize = 1024;
/// A range that was cut to about a page is not worth a probe until it has taken several.
const PROBE_AFTER: usize = 2;
/// A list of one directory's names is gone on with only while fewer of that kind wait.
const PROBES_MAX: usize = 32;

impl Ranges {
    pub(super) fn new(prefix: String, marker: String, parallel: usize) -> Self {
        Self {
            prefix,
            parallel,
            under_way: 0,
            queue: VecDeque::from([Range::all(marker)]),
            cuts: BTreeSet::new(),
            stride: 1,
            probes: Vec::new(),
            ids: 0,
            barren: 0,
            skipped: None,
            #[cfg(feature = "sim")]
            simulated: crate::sim::Simulated::default(),
        }
    }

    pub(super) fn prefix(&self) -> &str {
        &self.prefix
    }

    /// The next key that is not passed over, if it is here.
    pub(super) fn pop(&mut self) -> Option<ListedObject> {
        while let Some(front) = self.queue.front_mut() {
            let skipped = self.skipped.as_deref();
            match front.pop() {
                Some(object) if skipped.is_some_and(|skipped| object.key.starts_with(skipped)) => {}
                Some(object) => return Some(object),
                None if front.is_spent() => drop(self.queue.pop_front()),
                None => return None,
            }
        }
        None
    }

    /// There are no further keys.
    pub(super) fn is_over(&self) -> bool {
        self.queue.iter().all(Range::is_spent)
    }

    /// Whether what comes next has failed.
    pub(super) fn has_failed(&self) -> bool {
        self.queue.front().is_some_and(Range::has_failed)
    }

    pub(super) fn take_failure(&mut self) -> Option<CallError> {
        self.queue.front_mut().filter(|front| front.has_failed())?.failed.take()
    }

    /// Passes over all keys that begin with `below`; what is under way for them is not wanted.
    pub(super) fn skip(&mut self, below: String) {
        self.queue.retain(|range| !range.is_within(&below));
        self.cuts.retain(|cut| !cut.starts_with(&below));
        self.probes.retain(|probe| !probe.directory.starts_with(&below));
        self.skipped = Some(below);
    }

    /// How many pages are held or under way.
    #[cfg(test)]
    pub(super) fn pages(&self) -> usize {
        self.queue.iter().map(Range::pages_counted).sum()
    }

    /// What comes next.
    #[cfg(test)]
    pub(super) fn front(&self) -> Option<Tag> {
        self.queue.front().map(|range| Tag::Page(range.id))
    }

    /// How many ranges and cuts there are.
    #[cfg(test)]
    pub(super) fn lengths(&self) -> (usize, usize) {
        (self.queue.len(), self.cuts.len())
    }

    pub(super) fn stop(&mut self) {
        self.queue.clear();
        self.cuts.clear();
        self.probes.clear();
    }

    /// The next list to ask for, which now has been; `at_hand` if entries wait to be taken.
    pub(super) fn start(&mut self, at_hand: bool) -> Option<Tag> {
        if self.under_way >= self.parallel {
            return None;
        }
        let tag = match self.start_front(at_hand) {
            None if self.parallel > 1 => self.start_probe().or_else(|| self.start_ahead()),
            front => front,
        }?;
        self.under_way = self.under_way.saturating_add(1);
        Some(tag)
    }

    pub(super) fn call(&self, tag: Tag) -> Call {
        let options = ListOptions::new(&*self.prefix);
        let options = match tag {
            Tag::Page(id) => match self.queue.iter().find(|range| range.id == id) {
                Some(range) => options.marker(&**range.pages.marker()),
                None => options.max_keys(1),
            },
            Tag::Probe(id) => match self.probes.iter().find(|probe| probe.id == id) {
                Some(probe) => {
                    ListOptions::new(&*probe.directory).delimiter("/").marker(&*probe.marker)
                }
                None => options.max_keys(1),
            },
        };
        api::list_objects::call(&options)
    }

    pub(super) fn on_reply(&mut self, tag: Tag, reply: &Reply) -> Result<(), Rejected> {
        match tag {
            Tag::Page(id) => {
                if let Some(at) = self.queue.iter().position(|range| range.id == id) {
                    self.on_page(at, api::list_objects::decode(reply)?)?;
                }
            }
            Tag::Probe(id) => {
                if let Some(at) = self.probes.iter().position(|probe| probe.id == id) {
                    let page = api::list_objects::decode(reply)?;
                    let probe = self.probes.swap_remove(at);
                    self.on_names(probe, page);
                }
            }
        }
        self.under_way = self.under_way.saturating_sub(1);
        Ok(())
    }

    pub(super) fn on_error(&mut self, tag: Tag, error: CallError) {
        self.under_way = self.under_way.saturating_sub(1);
        match tag {
            Tag::Page(id) => {
                if let Some(range) = self.queue.iter_mut().find(|range| range.id == id) {
                    range.pages.end();
                    range.failed = Some(error);
                }
            }
            Tag::Probe(id) => self.probes.retain(|probe| probe.id != id),
        }
    }

    fn start_front(&mut self, at_hand: bool) -> Option<Tag> {
        let front = self.queue.front()?;
        let wanted = if self.parallel > 1 {
            front.pages_held() < FRONT_PAGES
        } else {
            front.pages_held() == 0 && !at_hand
        };
        if wanted { self.start_range(0) } else { None }
    }

    fn start_range(&mut self, at: usize) -> Option<Tag> {
        let range = self.queue.get_mut(at)?;
        if let Some(skipped) = &self.skipped {
            range.jump(skipped);
        }
        range.pages.start().then_some(Tag::Page(range.id))
    }

    fn start_probe(&mut self) -> Option<Tag> {
        // What two turns of all lists use up: the next names are here in time.
        let few = self.parallel.saturating_mul(2).saturating_mul(self.stride);
        let few = self.cuts.len() < few.min(CUTS_MAX);
        let may_start = |probe: &&mut Probe| match probe.state {
            State::Wanted => true,
            State::UnderWay => false,
            State::Later => few,
        };
        let probes = self.probes.iter_mut().filter(may_start);
        // The nearest names first.
        let probe = probes.min_by(|one, other| one.marker.cmp(&other.marker))?;
        probe.state = State::UnderWay;
        Some(Tag::Probe(probe.id))
    }

    /// A page behind the front, the earliest first.
    fn start_ahead(&mut self) -> Option<Tag> {
        let pages = self.queue.iter().map(Range::pages_counted);
        if pages.fold(0, usize::saturating_add) >= self.parallel.saturating_mul(PAGES_AHEAD) {
            return None;
        }
        // What comes after a failure is not wanted, unless that is skipped.
        let wanted = self.queue.iter().take_while(|range| range.failed.is_none()).count();
        if let Some(at) = self.queue.iter().take(wanted).position(|range| !range.is_begun()) {
            return self.start_range(at);
        }
        for at in 0..wanted {
            if at > 0
                && let Some(tag) = self.start_range(at)
            {
                return Some(tag);
            }
            if let Some(cut) = self.cut_within(at) {
                self.split(at, &cut, PROBE_AFTER);
                return self.start_range(at.saturating_add(1));
            }
        }
        None
    }

    /// The next directory at which the range is to be cut. It and those before it are used up.
    fn cut_within(&mut self, at: usize) -> Option<String> {
        let range = self.queue.get(at)?;
        let behind = (Bound::Excluded(range.known()), Bound::Unbounded);
        let cuts = self.cuts.range::<str, _>(behind).take_while(|cut| range.may_end_at(cut));
        let used: Vec<String> = cuts.take(self.stride).cloned().collect();
        for cut in &used {
            self.cuts.remove(cut);
        }
        used.into_iter().next_back()
    }

    fn split(&mut self, at: usize, cut: &str, probe_after: usize) {
        self.ids = self.ids.saturating_add(1);
        if let Some(range) = self.queue.get_mut(at) {
            let rest = range.split(self.ids, cut, probe_after);
            self.queue.insert(at.saturating_add(1), rest);
        }
    }

    fn on_page(&mut self, at: usize, mut page: ListPage) -> Result<(), Rejected> {
        let entries = page.entries();
        let Some(range) = self.queue.get_mut(at) else { return Ok(()) };
        range.pages.advance(page.next_marker.take(), entries)?;
        if planted!(self.simulated, WalkLosesPageEnd) && page.is_truncated {
            page.objects.pop();
        }
        self.take_over(at);
        self.consider_probes(at, &page.objects);
        let Some(range) = self.queue.get_mut(at) else { return Ok(()) };
        let kept = range.keep(page);
        #[cfg(feature = "sim")]
        if planted!(self.simulated, WalkRangeLosesFirst) && range.read == 1 && range.id > 0 {
            range.lose_first();
        }
        self.barren = if kept > 0 { 0 } else { self.barren.saturating_add(1) };
        // As long as ranges turn out too short they are made longer, and the other way round.
        if range.read == 1 && range.id > 0 {
            if !range.pages.is_over() {
                self.stride = self.stride.div_ceil(2);
            } else if kept.saturating_mul(2) < entries {
                self.stride = self.stride.saturating_mul(2).min(STRIDE_MAX);
            }
        }
        self.tidy();
        Ok(())
    }

    /// A page that reaches beyond its range takes the place of ranges that have not begun.
    fn take_over(&mut self, at: usize) {
        let next = at.saturating_add(1);
        while let (Some(range), Some(after)) = (self.queue.get(at), self.queue.get(next))
            && !after.is_begun()
            && (range.pages.is_over() || *range.pages.marker() > after.from)
        {
            let until = self.queue.remove(next).and_then(|after| after.until);
            if let Some(range) = self.queue.get_mut(at) {
                range.until = until;
            }
        }
    }

    /// Asks where a range that goes on could be cut, unless that is known, and less and less often.
    fn consider_probes(&mut self, at: usize, page: &[ListedObject]) {
        let Some(range) = self.queue.get_mut(at).filter(|_| self.parallel > 1) else { return };
        let last = range.pages.marker();
        let ends = range.pages.is_over() || range.until.as_ref().is_some_and(|until| last >= until);
        let read = range.read.saturating_add(1);
        let enough = self.cuts.len() >= CUTS_MAX || self.barren >= BARREN_MAX;
        let enough = enough || self.probes.iter().any(|probe| probe.state != State::Later);
        let behind = (Bound::Excluded(last.as_str()), Bound::Unbounded);
        let next = self.cuts.range::<str, _>(behind).next();
        let known = next.is_some_and(|cut| range.may_end_at(cut));
        if ends || enough || known || read < range.probe_after {
            return;
        }
        let from = if range.from.is_empty() { &self.prefix } else { &range.from };
        for mut probe in probes(&self.prefix, from, page, last) {
            if range.until.as_ref().is_none_or(|until| probe.marker < *until) {
                self.ids = self.ids.saturating_add(1);
                probe.id = self.ids;
                self.probes.retain(|later| later.directory != probe.directory);
                self.probes.push(probe);
            }
        }
        range.probe_after = read.saturating_mul(2);
    }

    /// Names at which ranges may be cut; large directories begin ranges of their own at once, so that
    /// they can be cut, too, before their turn comes.
    fn on_names(&mut self, mut probe: Probe, page: ListPage) {
        if self.barren >= BARREN_MAX {
            return;
        }
        let each = probe.children.max(1);
        let mut useful = false;
        let mut names = page.common_prefixes.into_iter().filter(|name| name.len() <= KEY_BYTES_MAX);
        while let Some(name) = names.nth(each.saturating_sub(1)) {
            let waiting = self.queue.iter().filter(|range| !range.is_begun()).count();
            let within = self.queue.iter().position(|range| range.may_end_at(&name));
            let Some(at) = within else { continue };
            useful = true;
            if each == 1 && waiting < self.parallel {
                self.split(at, &name, 1);
            } else {
                self.cuts.insert(name);
            }
        }
        if let Some(marker) = page.next_marker
            && useful
            && marker > probe.marker
            && self.probes.len() < PROBES_MAX
        {
            (probe.marker, probe.state) = (marker, State::Later);
            self.probes.push(probe);
        }
    }

    /// Forgets ranges that are done and directories that lie behind.
    fn tidy(&mut self) {
        self.queue.retain(|range| !range.is_spent());
        let Some(front) = self.queue.front() else { return };
        while self.cuts.first().is_some_and(|cut| **cut <= *front.known()) {
            self.cuts.pop_first();
        }
        let known = front.known();
        self.probes.retain(|probe| probe.state != State::Later || *probe.marker > *known);
    }
}
