//! Where a range could be cut: directories beside those in which a page has ended.

use crate::{KEY_BYTES_MAX, api::ListedObject};

/// A directory to be asked what is in it, behind `marker`.
#[derive(Debug)]
pub(super) struct Probe {
    pub(super) id: u64,
    pub(super) directory: String,
    pub(super) marker: String,
    /// So many of its children fill about a page.
    pub(super) children: usize,
    pub(super) state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Wanted,
    UnderWay,
    /// There are further names, which are wanted once those that are known run out.
    Later,
}

/// A path may have hundreds of names; those nearest to its end are what comes next.
const LEVELS_MAX: usize = 16;

/// What to ask about after a page of keys that ended at `last`, in a list that began at `from`.
///
/// All directories above `last` are asked for at once, from the one that has `from` in it down to
/// the first whose children are so small that only several of them fill a page.
pub(super) fn probes(prefix: &str, from: &str, page: &[ListedObject], last: &str) -> Vec<Probe> {
    let mut probes = Vec::new();
    let mut directory = common_directory(from, last).max(prefix);
    while let Some(rest) = last.strip_prefix(directory) {
        let (keys, children) = count(directory, page);
        let Some(fill) = fill(page.len(), keys, children) else { break };
        // With so small children, asking for them costs as much as listing what is in them.
        if fill > page.len().div_ceil(4) {
            break;
        }
        let child = rest.find('/').and_then(|slash| rest.get(..=slash));
        probes.push(Probe {
            id: 0,
            directory: directory.to_owned(),
            marker: behind(directory, child).unwrap_or_else(|| last.to_owned()),
            children: fill,
            state: State::Wanted,
        });
        let small = children.saturating_mul(page.len()) > keys.saturating_mul(2);
        let Some(child) = child.filter(|_| !small) else { break };
        let deeper = directory.len().saturating_add(child.len());
        let Some(deeper) = last.get(..deeper) else { break };
        directory = deeper;
    }
    let surplus = probes.len().saturating_sub(LEVELS_MAX);
    probes.drain(..surplus);
    probes
}

/// How many children fill nine tenths of a page: a range that is a little longer than a page costs
/// two.
fn fill(page: usize, keys: usize, children: usize) -> Option<usize> {
    let fill = page.saturating_mul(children).saturating_mul(9);
    Some(fill.checked_div(keys.saturating_mul(10))?.max(1))
}

/// A marker behind all that is in the child.
fn behind(directory: &str, child: Option<&str>) -> Option<String> {
    let behind = format!("{directory}{}{}", child?, char::MAX);
    (behind.len() <= KEY_BYTES_MAX).then_some(behind)
}

/// How many keys of the page are in the directory, and how many children they are in.
fn count(directory: &str, page: &[ListedObject]) -> (usize, usize) {
    let (mut keys, mut children, mut before) = (0_usize, 0_usize, None);
    for object in page {
        let Some(rest) = object.key.strip_prefix(directory) else { continue };
        let child = rest.split_inclusive('/').next();
        keys = keys.saturating_add(1);
        if child != before {
            children = children.saturating_add(1);
            before = child;
        }
    }
    (keys, children)
}

/// The deepest directory that both keys are in; with its slash.
fn common_directory<'a>(one: &str, other: &'a str) -> &'a str {
    let bytes = one.bytes().zip(other.bytes());
    let common = bytes.take_while(|(one, other)| one == other).count();
    let slash = other.bytes().take(common).rposition(|byte| byte == b'/');
    slash.and_then(|at| other.get(..=at)).unwrap_or_default()
}
