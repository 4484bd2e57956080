//! What the slots of a child are told to do: steps that make sense as things stand.

use std::collections::BTreeSet;

use cos_proto::sim::Dice;

use crate::{
    content::aligned,
    model::{Model, World},
    step::{End, Open, Step},
};

/// Where writers end, where their files are moved to, and what is written at once.
pub const PATHS: [&str; 3] = ["upload", "blob", "link"];

pub fn path(slot: usize, name: &str) -> String {
    format!("/slot{slot}/{name}")
}

/// A slot's planner.
pub struct Planner {
    slot: usize,
    generation: u64,
}

impl Planner {
    pub fn new(slot: usize) -> Self {
        Self { slot, generation: 0 }
    }

    /// So many steps for a child that finds one of these worlds.
    pub fn plan(&mut self, dice: &mut Dice, steps: usize, worlds: &BTreeSet<World>) -> Vec<Step> {
        let mut worlds = worlds.clone();
        (0..steps)
            .map(|_| {
                let step = self.step(dice, &worlds);
                worlds = Model::foresee(&worlds, &step);
                step
            })
            .collect()
    }

    /// How to find out what there is: by reading, by going on with what was closed, by reading again.
    pub fn inspection(&mut self, worlds: &BTreeSet<World>) -> Vec<Step> {
        let mut steps = Vec::new();
        for name in PATHS {
            let path = path(self.slot, name);
            let generation = self.next();
            steps.push(Step::Read { path: path.clone() });
            if let Some(generations) = Model::appendable(worlds, &path) {
                let (open, grow, end) = (Open::Append(generations), 6 << 20, End::Commit);
                steps.push(Step::Write { path: path.clone(), open, generation, grow, end });
                steps.push(Step::Read { path });
            }
        }
        steps
    }

    fn next(&mut self) -> u64 {
        self.generation += 1;
        self.generation
    }

    fn step(&mut self, dice: &mut Dice, worlds: &BTreeSet<World>) -> Step {
        let generation = self.next();
        let any = path(self.slot, dice.pick::<&str>(&PATHS));
        match dice.below(20) {
            0..=9 => {
                let path = path(self.slot, dice.pick::<&str>(&["upload", "upload", "blob"]));
                let appendable = Model::appendable(worlds, &path).filter(|_| dice.happens(850));
                let open = appendable.map_or(Open::Create, Open::Append);
                let end = match dice.below(20) {
                    0..=10 => End::Close,
                    11..=17 => End::Commit,
                    _ => End::Cancel,
                };
                let status = end == End::Close && open != Open::Create && dice.happens(150);
                let grow = if status { 0 } else { size(dice) };
                Step::Write { path, open, generation, grow, end }
            }
            10 | 11 => Step::Move { from: path(self.slot, "upload"), to: path(self.slot, "blob") },
            12..=14 => Step::Put { path: any, generation, size: aligned(size(dice), generation) },
            15 => Step::Delete { path: any },
            _ => Step::Read { path: any },
        }
    }
}

/// Less than a record's tail, less than a part, more than one, more than two.
fn size(dice: &mut Dice) -> u64 {
    let (least, most) = *dice.pick(&[
        (1, 4000),
        (4000, 900_000),
        (1 << 20, 4 << 20),
        (5 << 20, 9 << 20),
        (5 << 20, 9 << 20),
        (10 << 20, 13 << 20),
    ]);
    dice.between(least, most)
}
