//! What may be at the service: all worlds that agree with what the children have said.
//!
//! It knows the rules of a storage driver and nothing of how one is made. A step that has begun and
//! was not acknowledged may or may not have happened, in all the pieces in which it could stop.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    content::{Content, aligned, crc, is_of},
    step::{End, Event, Open, Outcome, Step},
};

/// A file's content: a beginning of a generation's stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    pub generation: u64,
    pub size: u64,
}

/// An upload that was closed, or claimed, and not committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Unfinished {
    pub version: Version,
    /// The file there was when it began.
    base: Option<Version>,
    /// Its multipart upload may be gone: something that ends it got that far.
    lost: bool,
}

/// What is at a path.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    pub object: Option<Version>,
    pub upload: Option<Unfinished>,
}

impl Place {
    /// Whether a writer that appends would go on with the upload.
    fn resumable(&self) -> Option<Unfinished> {
        self.upload.filter(|upload| self.object.is_none() || self.object == upload.base)
    }

    /// Ends the upload, or stops on the way: first its parts go, then what names it.
    fn discarding(self) -> [Self; 3] {
        let lost = self.upload.map(|upload| Unfinished { lost: true, ..upload });
        [self, Self { upload: lost, ..self }, Self { upload: None, ..self }]
    }
}

/// All paths of a slot.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct World(BTreeMap<String, Place>);

impl World {
    pub fn at(&self, path: &str) -> Place {
        self.0.get(path).copied().unwrap_or_default()
    }

    fn with(&self, path: &str, place: Place) -> Self {
        let mut world = self.clone();
        world.0.insert(path.to_owned(), place);
        world
    }

    /// The paths of files.
    pub fn files(&self) -> BTreeSet<String> {
        let files = self.0.iter().filter(|(_, place)| place.object.is_some());
        files.map(|(path, _)| path.clone()).collect()
    }
}

/// How opening a writer ends in a world.
enum Opened {
    Open(World, u64),
    Refused(World, Outcome),
}

fn open(world: &World, path: &str, how: &Open) -> Opened {
    let place = world.at(path);
    let cleared = || world.with(path, Place { upload: None, ..place });
    match (how, place.resumable(), place.object) {
        (Open::Create, ..) => Opened::Open(cleared(), 0),
        (Open::Append(_), Some(upload), _) => Opened::Open(world.clone(), upload.version.size),
        (Open::Append(_), None, None) => Opened::Refused(cleared(), Outcome::NotFound),
        (Open::Append(_), None, Some(object)) => {
            Opened::Refused(cleared(), Outcome::Exists(object.size))
        }
    }
}

/// Where a step on an open writer may stop, and where it is when it is done.
struct Writing {
    stops: Vec<World>,
    ends: Vec<World>,
    size: u64,
}

fn writing(world: &World, step: &Step, at: u64) -> Writing {
    let Step::Write { path, generation, grow, end, .. } = step else {
        panic!("{step} has no writer")
    };
    let place = world.at(path);
    let resumed = place.upload.filter(|upload| upload.version.size > 0);
    let generation = resumed.map_or(*generation, |upload| upload.version.generation);
    let size = if *grow == 0 { at } else { aligned(at + grow, generation) };
    let version = Version { generation, size };
    let empty = Version { generation: 0, size: 0 };
    let fresh = Unfinished { version: empty, base: place.object, lost: false };
    let claimed = Place { upload: Some(place.upload.unwrap_or(fresh)), ..place };
    let upload = |change: fn(Unfinished, Version) -> Unfinished| {
        claimed.upload.map(|upload| change(upload, version))
    };
    let ends = match end {
        End::Close if *grow == 0 => vec![place],
        End::Close => {
            let closed = upload(|upload, version| Unfinished { version, ..upload });
            vec![Place { upload: closed, ..place }]
        }
        // Deleting the record may fail all by itself: it is dead by then.
        End::Commit => {
            let lost = upload(|upload, _| Unfinished { lost: true, ..upload });
            let object = Some(version);
            vec![Place { object, upload: None }, Place { object, upload: lost }]
        }
        End::Cancel => vec![Place { upload: None, ..place }],
    };
    let mut stops = vec![place, claimed];
    if *end == End::Cancel {
        stops.extend(claimed.discarding());
    }
    stops.extend(&ends);
    let worlds = |places: Vec<Place>| places.iter().map(|it| world.with(path, *it)).collect();
    Writing { stops: worlds(stops), ends: worlds(ends), size }
}

/// Everywhere a step may stop in a world.
fn stops(world: &World, step: &Step) -> Vec<World> {
    let mut all = vec![world.clone()];
    match step {
        Step::Read { .. } => {}
        Step::Put { .. } | Step::Delete { .. } => all.extend(ends(world, step)),
        Step::Move { from, to } => {
            if world.at(from).object.is_some() {
                let object = world.at(from).object;
                all.push(world.with(to, Place { object, ..world.at(to) }));
            }
            all.extend(ends(world, step));
        }
        Step::Write { path, open: how, .. } => {
            all.extend(world.at(path).discarding().map(|place| world.with(path, place)));
            match open(world, path, how) {
                Opened::Open(world, at) => all.extend(writing(&world, step, at).stops),
                Opened::Refused(world, _) => all.push(world),
            }
        }
    }
    if let Step::Delete { path } = step {
        for place in world.at(path).discarding() {
            all.push(world.with(path, place));
            all.push(world.with(path, Place { object: None, ..place }));
        }
    }
    all
}

/// Where a step, other than one with a writer, is when it is done.
fn ends(world: &World, step: &Step) -> Vec<World> {
    match step {
        Step::Put { path, generation, size } => {
            let object = Some(Version { generation: *generation, size: *size });
            vec![world.with(path, Place { object, ..world.at(path) })]
        }
        Step::Delete { path } => vec![world.with(path, Place::default())],
        Step::Move { from, to } => {
            let Some(object) = world.at(from).object else { return Vec::new() };
            let moved = world.with(to, Place { object: Some(object), ..world.at(to) });
            vec![moved.with(from, Place { object: None, ..world.at(from) })]
        }
        Step::Read { .. } => vec![world.clone()],
        Step::Write { .. } => Vec::new(),
    }
}

/// A slot: its worlds, and the step that is under way.
pub struct Model {
    slot: u64,
    worlds: BTreeSet<World>,
    /// The worlds before the step, or when its writer was open, and at which size.
    under_way: Option<(Step, BTreeSet<World>, Option<u64>)>,
    crcs: BTreeMap<Version, u64>,
}

/// What a step may fail as while the network is bad.
const BAD_LUCK: [&str; 5] = ["Transport", "OutcomeUnknown", "Throttled", "Service", "Malformed"];

impl Model {
    pub fn new(slot: u64) -> Self {
        let worlds = BTreeSet::from([World::default()]);
        Self { slot, worlds, under_way: None, crcs: BTreeMap::new() }
    }

    pub fn worlds(&self) -> &BTreeSet<World> {
        &self.worlds
    }

    /// The child is gone: what it had begun may have happened.
    pub fn died(&mut self) {
        self.under_way = None;
    }

    /// Takes in what the slot says of a step.
    ///
    /// # Errors
    /// There is no world in which it could be so.
    pub fn hear(&mut self, step: &Step, event: &Event) -> Result<(), String> {
        let before = self.worlds.clone();
        self.take_in(step, event).map_err(|why| {
            format!("{step}: {event:?}: {why}; before it the worlds were {before:#?}")
        })
    }

    fn take_in(&mut self, step: &Step, event: &Event) -> Result<(), String> {
        match event {
            Event::Skipped => {}
            Event::Begin => {
                if matches!(step, Step::Read { .. }) {
                    self.know_contents();
                }
                let before = self.worlds.clone();
                self.worlds = before.iter().flat_map(|world| stops(world, step)).collect();
                self.under_way = Some((step.clone(), before, None));
            }
            Event::Opened(size) => {
                let before = self.before(step)?;
                let Step::Write { path, open: how, .. } = step else {
                    return Err("it has no writer".to_owned());
                };
                let opened = before.iter().filter_map(|world| match open(world, path, how) {
                    Opened::Open(world, at) if at == *size => Some(world),
                    _ => None,
                });
                let opened: BTreeSet<World> = opened.collect();
                let stops = |world| writing(world, step, *size).stops;
                self.settle(opened.iter().flat_map(stops).collect())?;
                self.under_way = Some((step.clone(), opened, Some(*size)));
            }
            Event::Ended(outcome) => {
                let before = self.before(step)?;
                let at = self.under_way.take().and_then(|(_, _, at)| at);
                if let Outcome::Failed(kind, _) = outcome {
                    return Self::failed(&before, step, kind);
                }
                let after = before.iter().flat_map(|world| self.after(world, step, at, outcome));
                let after = after.collect();
                self.settle(after)?;
            }
        }
        Ok(())
    }

    fn before(&self, step: &Step) -> Result<BTreeSet<World>, String> {
        match &self.under_way {
            Some((begun, before, _)) if begun == step => Ok(before.clone()),
            _ => Err("it has not begun".to_owned()),
        }
    }

    fn settle(&mut self, worlds: BTreeSet<World>) -> Result<(), String> {
        if worlds.is_empty() {
            return Err("impossible".to_owned());
        }
        self.worlds = worlds;
        Ok(())
    }

    fn failed(before: &BTreeSet<World>, step: &Step, kind: &str) -> Result<(), String> {
        let lost = |world: &World| {
            let path = step.paths().first().map_or(Place::default(), |path| world.at(path));
            path.upload.is_some_and(|upload| upload.lost)
        };
        match kind {
            _ if BAD_LUCK.contains(&kind) => Ok(()),
            "UploadLost" if before.iter().any(lost) => Ok(()),
            _ => Err("no fault explains that".to_owned()),
        }
    }

    /// The worlds after a step with this outcome, if it can have it in this world.
    fn after(&self, world: &World, step: &Step, at: Option<u64>, outcome: &Outcome) -> Vec<World> {
        match (step, outcome) {
            (Step::Write { .. }, Outcome::Done(size)) => match at {
                Some(at) => {
                    let writing = writing(world, step, at);
                    if writing.size == *size { writing.ends } else { Vec::new() }
                }
                None => Vec::new(),
            },
            (Step::Write { path, open: how, .. }, outcome) => match open(world, path, how) {
                Opened::Refused(world, refused) if refused == *outcome && at.is_none() => {
                    vec![world]
                }
                _ => Vec::new(),
            },
            (Step::Read { path }, outcome) => {
                let object = world.at(path).object;
                let is_so = match outcome {
                    Outcome::NotFound => object.is_none(),
                    Outcome::Object { size, crc } => object.is_some_and(|version| {
                        version.size == *size && self.crcs.get(&version) == Some(crc)
                    }),
                    _ => false,
                };
                is_so.then(|| world.clone()).into_iter().collect()
            }
            (Step::Put { .. } | Step::Delete { .. } | Step::Move { .. }, Outcome::Done(_)) => {
                ends(world, step)
            }
            (Step::Delete { path }, Outcome::NotFound) if world.at(path) == Place::default() => {
                vec![world.clone()]
            }
            (Step::Move { from, .. }, Outcome::NotFound) if world.at(from).object.is_none() => {
                vec![world.clone()]
            }
            _ => Vec::new(),
        }
    }

    /// Computes what reading the files of all worlds gives.
    fn know_contents(&mut self) {
        let objects = self.worlds.iter().flat_map(|world| world.0.values());
        for version in objects.filter_map(|place| place.object) {
            let slot = self.slot;
            self.crcs.entry(version).or_insert_with(|| {
                crc(&Content::new(slot, version.generation).bytes(0, version.size))
            });
        }
    }

    /// What worlds there are after a step that does not fail, for who plans the next.
    pub fn foresee(worlds: &BTreeSet<World>, step: &Step) -> BTreeSet<World> {
        let mut after = BTreeSet::new();
        for world in worlds {
            match step {
                Step::Write { path, open: how, .. } => match open(world, path, how) {
                    Opened::Open(world, at) => after.extend(writing(&world, step, at).ends),
                    Opened::Refused(world, _) => {
                        after.insert(world);
                    }
                },
                _ => after.extend(ends(world, step)),
            }
            if matches!(step, Step::Move { .. } | Step::Delete { .. }) {
                let missing = step.paths().first().is_none_or(|it| world.at(it).object.is_none());
                after.extend(missing.then(|| world.clone()));
            }
        }
        after
    }

    /// The generations to append with; `None` if it cannot be known what would come of it.
    pub fn appendable(worlds: &BTreeSet<World>, path: &str) -> Option<Vec<u64>> {
        let resumable: Vec<_> =
            worlds.iter().filter_map(|world| world.at(path).resumable()).collect();
        let sizes = resumable.iter().map(|upload| upload.version).filter(|it| it.size > 0);
        let known: BTreeSet<u64> = sizes.map(|version| version.generation).collect();
        let clash = known.iter().any(|one| known.iter().any(|two| one < two && is_of(*one, *two)));
        let lost = resumable.iter().any(|upload| upload.lost);
        (!resumable.is_empty() && !clash && !lost).then(|| known.into_iter().collect())
    }
}
