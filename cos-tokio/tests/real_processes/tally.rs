//! What happened, counted.

use std::{collections::BTreeMap, fmt};

/// Counts by group and name.
#[derive(Clone, Debug, Default)]
pub struct Tally(BTreeMap<(&'static str, String), u64>);

impl Tally {
    pub fn count(&mut self, group: &'static str, name: impl Into<String>, times: u64) {
        *self.0.entry((group, name.into())).or_default() += times;
    }

    pub fn add(&mut self, other: &Self) {
        for ((group, name), times) in &other.0 {
            self.count(group, name.clone(), *times);
        }
    }

    /// What could have come about and did not.
    pub fn missing(&self) -> Vec<&str> {
        let never = self.0.iter().filter(|(_, times)| **times == 0);
        never.map(|((_, name), _)| &**name).collect()
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut last = "";
        for ((group, name), times) in &self.0 {
            if *group != last {
                write!(out, "\n{group}:")?;
                last = group;
            }
            write!(out, "  {name} {times}")?;
        }
        Ok(())
    }
}
