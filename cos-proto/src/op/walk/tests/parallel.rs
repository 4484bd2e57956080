//! Walks by several lists are those by one, whatever the order of answers.

use std::collections::BTreeSet;

use super::*;
use crate::{op::testing::lost, split_mix::SplitMix64};

/// Plays lists of some keys in pages; which answer comes next is the seed's choice.
struct Lists {
    keys: BTreeSet<String>,
    per_page: usize,
    random: SplitMix64,
    /// Calls that fail: those with a delimiter, or those for which this holds of the marker.
    fails: fn(probe: bool, marker: &str) -> bool,
    asked: usize,
    most_pages: usize,
    most_under_way: usize,
}

/// What came of a walk: its entries, directories with a slash, and whether it ended well.
type Walked = (Vec<String>, bool);

impl Lists {
    fn new(keys: &[String], per_page: usize, seed: u64) -> Self {
        let keys = keys.iter().cloned().collect();
        let random = SplitMix64::new(seed);
        let fails = |_, _: &str| false;
        Self { keys, per_page, random, fails, asked: 0, most_pages: 0, most_under_way: 0 }
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.random.next() % u64::try_from(end).expect("small")).expect("small")
    }

    fn answer(&self, call: &Call) -> Option<Reply> {
        let prefix = query(call, "prefix").unwrap_or_default();
        let marker = query(call, "marker").unwrap_or_default();
        let delimiter = query(call, "delimiter");
        assert!(marker.len() <= crate::KEY_BYTES_MAX, "{marker}");
        if (self.fails)(delimiter.is_some(), marker) {
            return None;
        }
        let (mut objects, mut prefixes, mut last) = (Vec::new(), Vec::<&str>::new(), "");
        let mut more = false;
        for key in self.keys.iter().filter(|key| key.starts_with(prefix) && &***key > marker) {
            let group = delimiter.and_then(|slash| {
                let end = key[prefix.len()..].find(slash)?;
                Some(&key[..=prefix.len() + end])
            });
            if group.is_some() && prefixes.last() == group.as_ref() {
                continue;
            }
            if objects.len() + prefixes.len() == self.per_page {
                more = true;
                break;
            }
            last = group.unwrap_or(key);
            match group {
                Some(group) => prefixes.push(group),
                None => objects.push((&**key, 1)),
            }
        }
        Some(page(&objects, &prefixes, more.then_some(last)))
    }

    /// Walks to the end; `each` may skip or stop.
    fn walk(&mut self, mut walk: Walk, mut each: impl FnMut(&mut Walk, &WalkEntry)) -> Walked {
        let (mut seen, mut under_way) = (Vec::new(), Vec::new());
        loop {
            match walk.next() {
                Next::Call(tag) => {
                    self.asked += 1;
                    under_way.push(tag);
                }
                Next::Done(result) => return (seen, result.is_ok()),
                Next::Pending => {
                    assert!(!under_way.is_empty(), "waits for nothing");
                    self.arrive(&mut walk, &mut under_way);
                }
                Next::Idle if !under_way.is_empty() && self.below(3) > 0 => {
                    self.arrive(&mut walk, &mut under_way);
                }
                Next::Idle => {
                    let entry = walk.next_entry().expect("idle without an entry");
                    let slash = if entry.is_dir { "/" } else { "" };
                    seen.push(format!("{}{slash}", entry.path));
                    each(&mut walk, &entry);
                }
            }
            self.most_pages = self.most_pages.max(walk.keys.pages());
            self.most_under_way = self.most_under_way.max(under_way.len());
        }
    }

    fn arrive(&mut self, walk: &mut Walk, under_way: &mut Vec<Tag>) {
        let at = self.below(under_way.len());
        let tag = under_way.swap_remove(at);
        match self.answer(&walk.call(tag)) {
            Some(reply) => walk.on_reply(tag, reply).expect("accepted"),
            None => walk.on_error(tag, lost()),
        }
    }
}

fn walk_by(lists: usize, from: &str, start_after: Option<&str>) -> Walk {
    let mut options = WalkOptions::new().parallel(NonZeroUsize::new(lists).expect("some"));
    options.start_after = start_after.map(path);
    Walk::new(&RootDirectory::default(), &path(from), &options)
}

/// Names around the slash, placeholders, empty names, records, and keys as long as may be.
fn tree(random: &mut SplitMix64, size: u64) -> Vec<String> {
    const NAMES: [&str; 14] =
        ["a", "a-", "a.", "a0", "b", "b~upload", "", "ü", "\u{10FFFF}", "c", "d", "e", "f g", "z"];
    let mut keys = BTreeSet::new();
    for _ in 0..random.next() % size {
        let mut key = String::new();
        for _ in 0..=random.next() % 4 {
            let name = usize::try_from(random.next() % 14).expect("small");
            key.push_str(NAMES[name]);
            key.push('/');
        }
        match random.next() % 8 {
            0 => {}
            1 => key.push_str(&"x".repeat(crate::KEY_BYTES_MAX - key.len())),
            2 => {
                key.push_str(&"y".repeat(crate::KEY_BYTES_MAX - 3 - key.len()));
                key.push_str("/x");
            }
            number => key.push_str(&number.to_string()),
        }
        if !key.starts_with('/') {
            keys.insert(key);
        }
    }
    keys.into_iter().collect()
}

/// The registry's layout in small: `blobs` and `repositories` below names that stand alone.
fn registry(blobs: usize, repositories: usize) -> Vec<String> {
    let blob = |n: usize| format!("docker/v2/blobs/{:02x}/{n:06}/data", n * 256 / blobs);
    let link = |n: usize| format!("docker/v2/repositories/lib/app-{:03}/{n:06}/link", n / 10);
    (0..blobs).map(blob).chain((0..repositories * 10).map(link)).collect()
}

#[test]
fn any_tree_is_walked_as_by_one_list() {
    for seed in 0..1000 {
        let mut random = SplitMix64::new(seed);
        let keys = tree(&mut random, if seed % 10 == 0 { 400 } else { 60 });
        let per_page = [1, 2, 3, 7, 40][usize::try_from(seed % 5).expect("small")];
        let from = ["/", "/a", "/b/c", "/a0"][usize::try_from(random.next() % 4).expect("small")];
        let after = [None, None, Some("/a/b"), Some("/b"), Some("/a-/c/d")];
        let after = after[usize::try_from(random.next() % 5).expect("small")];
        let lists = 2 + usize::try_from(seed % 8).expect("small");
        let skips = random.next() % 4;
        let stop = random.next() % 100;
        let control = move || {
            let mut told = 0;
            move |walk: &mut Walk, entry: &WalkEntry| {
                told += 1;
                let sum = entry.path.bytes().map(u64::from).sum::<u64>();
                if skips == 1 && entry.is_dir && sum % 3 == 0 {
                    walk.go_on(WalkControl::Skip, entry);
                } else if skips == 2 && sum % 7 == 0 {
                    let parent = entry.path.rsplit_once('/').expect("a slash").0;
                    walk.skip(if parent.is_empty() { "/" } else { parent });
                } else if told == stop {
                    walk.stop();
                }
            }
        };
        let expected = Lists::new(&keys, 1000, 0).walk(walk_by(1, from, after), control());
        let mut lists_of = Lists::new(&keys, per_page, seed);
        if seed % 3 == 0 {
            lists_of.fails = |probe, marker| probe && marker.len() % 2 == 0;
        }
        let got = lists_of.walk(walk_by(lists, from, after), control());
        assert_eq!(got, expected, "seed {seed}, {lists} lists, {per_page} a page of {keys:?}");
        assert!(lists_of.most_under_way <= lists, "seed {seed}");
        assert!(lists_of.most_pages <= 4 * lists + 2, "seed {seed}: {}", lists_of.most_pages);
    }
}

#[test]
fn an_error_comes_after_the_entries_before_it() {
    let keys = registry(600, 60);
    let fails = |probe: bool, marker: &str| !probe && marker > "docker/v2/blobs/80";
    for seed in 0..60 {
        let mut serial = Lists::new(&keys, 10, 0);
        let (all, _) = serial.walk(walk_by(1, "/", None), |_, _| {});
        let mut lists = Lists::new(&keys, 10, seed);
        lists.fails = fails;
        let (seen, well) = lists.walk(walk_by(5, "/", None), |_, _| {});
        assert!(!well && all.starts_with(&seen), "seed {seed}");
        assert!(seen.len() > all.len() / 4, "seed {seed}: {} of {}", seen.len(), all.len());
        // What is skipped may fail.
        let mut lists = Lists::new(&keys, 10, seed);
        lists.fails = |probe, marker| !probe && marker.starts_with("docker/v2/blobs/8");
        let (seen, well) = lists.walk(walk_by(5, "/", None), |walk, entry| {
            if entry.path == "/docker/v2/blobs" {
                walk.skip(&entry.path);
            }
        });
        assert!(well, "seed {seed}");
        assert_eq!(seen.iter().filter(|path| path.ends_with("/link")).count(), 600);
    }
}

#[test]
fn once_what_comes_next_has_failed_nothing_is_asked_for() {
    let keys = registry(2000, 0);
    let lists = Lists::new(&keys, 10, 0);
    let mut walk = walk_by(6, "/", None);
    let mut under_way = Vec::new();
    let failed = loop {
        match walk.next() {
            Next::Call(tag) => under_way.push(tag),
            Next::Idle => while walk.next_entry().is_some() {},
            Next::Pending => {
                let tag = under_way.remove(0);
                if walk.keys.lengths().0 > 4 && Some(tag) == walk.keys.front() {
                    break tag;
                }
                let reply = lists.answer(&walk.call(tag)).expect("no failure");
                walk.on_reply(tag, reply).expect("accepted");
            }
            Next::Done(result) => panic!("{result:?}"),
        }
    };
    // Others have ended meanwhile, so there is room.
    for tag in under_way.drain(..) {
        let reply = lists.answer(&walk.call(tag)).expect("no failure");
        walk.on_reply(tag, reply).expect("accepted");
    }
    walk.on_error(failed, lost());
    assert!(!walk.has_entry());
    assert!(matches!(walk.next(), Next::Done(Err(_))));
}

#[test]
fn the_front_is_asked_for_while_others_hold_all_they_may() {
    let keys = registry(4000, 100);
    let mut lists = Lists::new(&keys, 10, 0);
    let mut walk = walk_by(3, "/", None);
    let (mut under_way, mut seen, mut held_back) = (Vec::new(), 0, 0);
    loop {
        match walk.next() {
            Next::Call(tag) => under_way.push(tag),
            Next::Idle => {
                while walk.next_entry().is_some() {
                    seen += 1;
                }
            }
            Next::Done(result) => break result.expect("walked"),
            Next::Pending => {
                // The front's answer comes last of all.
                let front = under_way.iter().position(|tag| Some(*tag) == walk.keys.front());
                let other = (0..under_way.len()).find(|at| Some(*at) != front);
                held_back += usize::from(other.is_none());
                let tag = under_way.swap_remove(other.or(front).expect("some"));
                let reply = lists.answer(&walk.call(tag)).expect("no failure");
                walk.on_reply(tag, reply).expect("accepted");
            }
        }
        assert!(walk.keys.pages() <= 4 * 3 + 2);
        assert!(under_way.len() <= 3);
        lists.most_pages = lists.most_pages.max(walk.keys.pages());
    }
    assert!(seen > 4000 + 1000);
    assert!(held_back > 0 && lists.most_pages >= 4 * 3, "{held_back}, {}", lists.most_pages);
}

#[test]
fn a_large_tree_is_divided_into_about_as_many_lists_as_it_has_pages() {
    let keys = registry(20_000, 2000);
    for per_page in [100, 400, 1000] {
        let mut lists = Lists::new(&keys, per_page, 1);
        let (seen, well) = lists.walk(walk_by(9, "/", None), |_, _| {});
        assert!(well && seen.len() > keys.len());
        let pages = keys.len() / per_page;
        assert!(lists.asked <= pages * 3 / 2 + 20, "{} lists for {pages} pages", lists.asked);
        assert!(rounds(&keys, per_page, 9) <= pages / 5 + 6, "{}", rounds(&keys, per_page, 9));
    }
}

/// How often all lists under way are answered at once.
fn rounds(keys: &[String], per_page: usize, parallel: usize) -> usize {
    let lists = Lists::new(keys, per_page, 0);
    let mut walk = walk_by(parallel, "/", None);
    let (mut under_way, mut rounds) = (Vec::new(), 0);
    loop {
        match walk.next() {
            Next::Call(tag) => under_way.push(tag),
            Next::Idle => while walk.next_entry().is_some() {},
            Next::Done(result) => {
                result.expect("walked");
                return rounds;
            }
            Next::Pending => {
                rounds += 1;
                for tag in under_way.drain(..) {
                    let reply = lists.answer(&walk.call(tag)).expect("no failure");
                    walk.on_reply(tag, reply).expect("accepted");
                }
            }
        }
    }
}

#[test]
fn what_is_known_does_not_grow_with_the_tree() {
    let most = |blobs: usize, repositories: usize| {
        let keys = registry(blobs, repositories);
        let mut lists = Lists::new(&keys, 100, 1);
        let mut most = (0, 0);
        lists.walk(walk_by(4, "/", None), |walk, _| {
            let (ranges, cuts) = walk.keys.lengths();
            most = (most.0.max(ranges), most.1.max(cuts));
        });
        most
    };
    for (blobs, repositories) in [(2000, 100), (40_000, 4000)] {
        let (ranges, cuts) = most(blobs, repositories);
        assert!(ranges <= 30 && cuts <= 300, "{blobs}: {ranges} ranges, {cuts} cuts");
    }
}

#[test]
fn small_directories_and_flat_ones_cost_no_more_than_by_one_list() {
    let flat: Vec<String> = (0..5000).map(|number| format!("{number:05}")).collect();
    let tiny: Vec<String> = (0..5000).map(|number| format!("{number:05}/x")).collect();
    for keys in [flat, tiny] {
        let mut lists = Lists::new(&keys, 100, 1);
        lists.walk(walk_by(9, "/", None), |_, _| {});
        assert!((50..=60).contains(&lists.asked), "{}", lists.asked);
    }
    let mut lists = Lists::new(&registry(50, 5), 1000, 1);
    lists.walk(walk_by(9, "/", None), |_, _| {});
    assert_eq!(lists.asked, 1, "one page has no need of names");
}

#[test]
fn late_answers_after_a_stop_or_a_skip_are_ignored() {
    let keys = registry(2000, 0);
    let lists = Lists::new(&keys, 10, 0);
    let mut walk = walk_by(6, "/", None);
    let mut under_way = Vec::new();
    while under_way.len() < 6 {
        if let Next::Call(tag) = walk.next() {
            under_way.push(tag);
            continue;
        }
        let tag = under_way.remove(0);
        let reply = lists.answer(&walk.call(tag)).expect("no failure");
        walk.on_reply(tag, reply).expect("accepted");
    }
    assert!(!walk.is_over());
    walk.skip("/docker");
    for tag in under_way.drain(..3) {
        walk.call(tag);
        walk.on_reply(tag, page(&[], &[], None)).expect("ignored");
    }
    walk.stop();
    assert!(walk.is_over());
    for tag in under_way {
        walk.on_error(tag, lost());
    }
    walk.ends().expect("over");
}

#[test]
fn names_without_end_that_lead_to_nothing_are_given_up() {
    let mut walk = walk_by(4, "/", None);
    let first = walk.starts();
    let keys: Vec<String> = (0..10).map(|number| format!("a/{number}/x")).collect();
    let keys: Vec<(&str, u64)> = keys.iter().map(|key| (&**key, 1)).collect();
    walk.on_reply(first, page(&keys, &[], Some("a/9/x"))).expect("accepted");
    let (mut under_way, mut names) = (Vec::new(), 0);
    for _ in 0..1000 {
        match walk.next() {
            Next::Call(tag) if Some(tag) == walk.keys.front() => {}
            Next::Call(tag) => under_way.push(tag),
            Next::Idle => while walk.next_entry().is_some() {},
            Next::Pending if under_way.is_empty() => return,
            Next::Pending => {
                let tag = under_way.remove(0);
                names += 1;
                let name = format!("b{names:09}/");
                let reply = match tag {
                    Tag::Page(_) => page(&[], &[], None),
                    Tag::Probe(_) => page(&[], &[&name], Some(&name)),
                };
                walk.on_reply(tag, reply).expect("accepted");
            }
            Next::Done(result) => panic!("{result:?}"),
        }
    }
    panic!("goes on and on");
}
