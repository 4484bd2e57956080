//! A world: a few processes, their programs, the network and the service between, and the model
//! that watches.

use std::{cell::Cell, collections::BTreeMap, num::NonZeroUsize, rc::Rc, time::Duration};

use super::{
    audit::{audit, recorded_upload},
    client::Client,
    dice::Dice,
    executor::{Executor, TaskId, Timers},
    model::{self, Model, ProcessId},
    network::{Network, Weather},
    paths::{OWN, Paths},
    planted::Planted,
    process::Process,
    program::{Program, Shared, millis},
    report::Report,
    service::Service,
};
use crate::{
    Bucket, Endpoint, Error, Region, Session,
    driver::{Driver, DriverSettings},
    emulator::{Emulator, Settings},
    op::CopyLimits,
    path::is_driver_path,
};

/// How a world is run.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Options {
    /// The bug that is planted in the clients.
    pub planted: Planted,
    /// Whether to tell the story in [`Report::trace`].
    pub trace: bool,
}

impl Options {
    /// Without a bug and without a story.
    pub fn new() -> Self {
        Self::default()
    }

    /// With a bug planted.
    #[must_use]
    pub fn planted(mut self, planted: Planted) -> Self {
        self.planted = planted;
        self
    }

    /// With or without the story.
    #[must_use]
    pub fn trace(mut self, trace: bool) -> Self {
        self.trace = trace;
        self
    }
}

/// Runs one world from its beginning to the audit of what is left.
pub fn run(dice: Dice, options: &Options) -> Report {
    match World::new(dice, options) {
        Ok(mut world) => {
            world.play();
            world.report()
        }
        Err(error) => Report {
            violation: Some(format!("the world cannot be set up: {error}")),
            transcript: 0,
            counts: super::report::Counts::default(),
            trace: Vec::new(),
        },
    }
}

/// The emulator's first.
pub(super) const BUCKET: &str = "examplebucket-1250000000";
/// The longest story: beyond it a world is taken for one that does not end.
const STEPS_MAX: u64 = 200_000;
/// Steps that may follow once the faults have stopped.
const CALM_STEPS_MAX: u64 = 50_000;

pub(super) struct World {
    pub(super) shared: Rc<Shared>,
    executor: Executor,
    dice: Dice,
    scale: Scale,
    /// How long lists may lag.
    pub(super) lag_max: Duration,
    /// How much damage the model has been told of.
    damage_told: usize,
    planted: Planted,
    clients: Vec<Seat>,
    processes: u32,
    steps: u64,
    calm_since: Option<u64>,
    crashes_left: u64,
}

/// What is drawn once and holds for all drivers of a world.
#[derive(Clone, Debug)]
struct Scale {
    chunk_size: u64,
    part_bytes_min: u64,
    /// How many entries a page of a list has.
    page_entries_max: u64,
    max_concurrency: usize,
    sharing: u64,
    /// How many in a thousand operations are reads, besides those that are anyway.
    reading: u64,
}

/// A client's seat: the process that sits in it may be killed and replaced.
struct Seat {
    process: ProcessId,
    client: Client,
    tasks: Vec<TaskId>,
    programs: Vec<(Paths, Rc<Cell<u32>>)>,
}

impl Scale {
    fn draw(dice: &mut Dice) -> Self {
        let part_bytes_min = *dice.pick(&[32, 64]);
        Self {
            chunk_size: part_bytes_min * dice.between(1, 4),
            part_bytes_min,
            page_entries_max: *dice.pick(&[2, 3, 1000]),
            max_concurrency: *dice.pick(&[1, 2, 2, 3, 4, 10]),
            sharing: *dice.pick(&[0, 200, 500, 900]),
            reading: *dice.pick(&[0, 0, 0, 600]),
        }
    }

    /// Larger objects are copied by parts.
    fn copy_threshold(&self) -> u64 {
        self.part_bytes_min * 3
    }
}

impl World {
    fn new(mut dice: Dice, options: &Options) -> Result<Self, Error> {
        let scale = Scale::draw(&mut dice);
        let weather = Weather::of(&mut dice);
        let settings = Settings {
            seed: dice.split().next_u64(),
            part_bytes_min: scale.part_bytes_min,
            page_entries_max: scale.page_entries_max,
            ..Settings::default()
        };
        let model = Model::new(model::Settings {
            list_lag: weather.list_lag.as_millis() as u64,
            chunk_size: scale.chunk_size,
            part_bytes_min: scale.part_bytes_min,
            copy_threshold: scale.copy_threshold(),
            fair: weather.is_fair(),
            // Its own chunk, the driver's budget, and what is being cut into parts.
            writer_bytes_max: (scale.max_concurrency as u64 + 2) * scale.chunk_size,
            ..model::Settings::default()
        });
        let lag_max = weather.list_lag.max(weather.uploads_lag);
        let mut network = Network::new(Emulator::new(settings)?, weather, dice.split());
        if options.trace {
            network.keep_trace();
        }
        let timers = Rc::new(Timers::default());
        let service = Service::new(network, Rc::clone(&timers), options.trace);
        let mut world = Self {
            shared: Shared::new(service, model),
            executor: Executor::new(timers),
            scale,
            lag_max,
            damage_told: 0,
            planted: options.planted,
            clients: Vec::new(),
            processes: 0,
            steps: 0,
            calm_since: None,
            crashes_left: dice.below(4),
            dice,
        };
        world.seat_clients()?;
        Ok(world)
    }

    fn seat_clients(&mut self) -> Result<(), Error> {
        let mut task = 0;
        for _ in 0..self.dice.between(2, 3) {
            let mut programs = Vec::new();
            for _ in 0..self.dice.between(1, 2) {
                task += 1;
                let operations = Rc::new(Cell::new(self.dice.between(2, 5) as u32));
                programs.push((Paths::of_task(task, self.scale.sharing), operations));
            }
            let (process, client) = self.start_process()?;
            let mut seat = Seat { process, client, tasks: Vec::new(), programs };
            self.start_programs(&mut seat);
            self.clients.push(seat);
        }
        Ok(())
    }

    /// A process that knows nothing of those before it.
    pub(super) fn start_process(&mut self) -> Result<(ProcessId, Client), Error> {
        self.processes += 1;
        let (bucket, region) = (Bucket::new(BUCKET)?, Region::new("ap-guangzhou")?);
        let endpoint = Endpoint::of(&bucket, &region, false);
        let session = Session::new(bucket, region, endpoint)
            .with_credentials(self.shared.service.credentials());
        let part = self.scale.part_bytes_min;
        let concurrency = NonZeroUsize::new(self.scale.max_concurrency);
        let settings = DriverSettings {
            chunk_size: self.scale.chunk_size,
            part_bytes_min: part,
            max_concurrency: concurrency.unwrap_or(NonZeroUsize::MIN),
            copy_limits: CopyLimits::new(self.scale.copy_threshold(), part * 2),
            planted: self.planted,
            ..DriverSettings::default()
        };
        let driver = Driver::with_settings(session, settings);
        let skew = self.shared.service.network(Network::skew);
        let dice = self.dice.split();
        let service = Rc::clone(&self.shared.service);
        let process = Process::new(service, driver, skew, self.planted, dice);
        Ok((ProcessId(self.processes), Client(process)))
    }

    fn start_programs(&mut self, seat: &mut Seat) {
        for (paths, left) in &seat.programs {
            let program = Program {
                client: seat.client.clone(),
                process: seat.process,
                shared: Rc::clone(&self.shared),
                paths: paths.clone(),
                dice: self.dice.split(),
                known: Vec::new(),
                sizes: BTreeMap::new(),
                reading: self.scale.reading,
                left: Rc::clone(left),
            };
            seat.tasks.push(self.executor.spawn(program.play()));
        }
    }

    fn play(&mut self) {
        // The storm may end before the programs do, so that they also meet fair weather.
        let storm_steps = self.dice.between(200, 4000);
        self.run_until_idle(Some(storm_steps));
        self.calm_down();
        self.drain();
        let at = self.shared.millis();
        self.shared.model.borrow_mut().settle(at);
        if !self.is_violated() {
            audit(self);
        }
    }

    pub(super) fn is_violated(&self) -> bool {
        self.shared.service.is_violated()
    }

    fn calm_down(&mut self) {
        if self.calm_since.is_none() {
            self.calm_since = Some(self.steps);
            self.shared.service.network(Network::calm_down);
            self.shared.service.calm_down();
        }
    }

    /// What is late arrives.
    fn drain(&mut self) {
        while !self.is_violated()
            && self.shared.service.network(|network| network.next_at()).is_some()
        {
            self.step();
        }
    }

    /// Runs a program that must not meet any fault to its end.
    pub(super) fn run_program(&mut self, program: impl Future<Output = ()> + 'static) {
        self.calm_since = Some(self.steps);
        self.executor.spawn(program);
        self.run_until_idle(None);
    }

    fn run_until_idle(&mut self, storm_steps: Option<u64>) {
        loop {
            self.executor.run();
            self.shared.service.check_bounds();
            if self.executor.is_idle() || self.is_violated() {
                return;
            }
            if storm_steps.is_some_and(|storm| self.steps > storm) {
                self.calm_down();
            }
            self.check_end_in_sight();
            self.crash_now_and_then();
            self.executor.run();
            if self.executor.is_idle() || self.is_violated() {
                return;
            }
            if !self.step() {
                self.shared.service.violation("programs wait for ever".to_owned());
            }
        }
    }

    fn check_end_in_sight(&self) {
        let calm = self.calm_since.map_or(0, |since| self.steps - since);
        if self.steps > STEPS_MAX || calm > CALM_STEPS_MAX {
            let text = format!("no end after {} steps, {calm} of them without faults", self.steps);
            self.shared.service.violation(text);
        }
    }

    /// Moves time to the next thing that happens; false if nothing ever does.
    fn step(&mut self) -> bool {
        self.steps += 1;
        let service = &self.shared.service;
        let before = service.ticks();
        let happens = service.network(|network| network.next_at());
        let rings = service.timers().next();
        match (happens, rings) {
            (None, None) => return false,
            (happens, Some(rings)) if happens.is_none_or(|at| rings <= at) => {
                service.network(|network| network.sleep_until(rings));
            }
            _ => {
                if let Some(arrived) = service.network(Network::step) {
                    service.deliver(arrived);
                }
            }
        }
        let now = service.ticks();
        service.timers().ring(now);
        if now < before {
            service.violation(format!("time went back from {before:?} to {now:?}"));
        }
        self.tell_of_damage();
        self.check_requests();
        true
    }

    /// A part goes only where a record says so: else a crash would leave it to nobody. Nobody hurries
    /// when asked to wait.
    fn check_requests(&self) {
        let service = &self.shared.service;
        let (stored, impatient) =
            service.network(|network| (network.take_parts_stored(), network.take_impatient()));
        if let Some(impatient) = impatient {
            service.violation(impatient);
        }
        for (key, upload) in stored {
            // At a shared path one writer may take the place of another's record, and what a sweep has
            // decided to delete may be another by then.
            let swept = self.shared.sweeps.get() > 0;
            if swept || !key.starts_with(OWN) || !is_driver_path(&format!("/{key}")) {
                continue;
            }
            if recorded_upload(self, &key).is_none_or(|recorded| recorded != upload) {
                let text = format!("a part of {key} was stored in {upload}, which no record names");
                service.violation(text);
            }
        }
    }

    /// What the network stored damaged may be read until it is overwritten.
    fn tell_of_damage(&mut self) {
        let at = self.shared.millis();
        self.shared.service.network(|network| {
            let damaged = network.damaged();
            let total = damaged.values().map(Vec::len).sum();
            if total == self.damage_told {
                return;
            }
            self.damage_told = total;
            let now = network.ticks();
            for (key, contents) in damaged {
                for damaged in contents.iter().filter(|damaged| damaged.from == now) {
                    self.shared.model.borrow_mut().damaged(at, key, damaged.content.clone());
                }
            }
        });
    }

    fn crash_now_and_then(&mut self) {
        if self.crashes_left == 0 || self.calm_since.is_some() || !self.dice.happens(8) {
            return;
        }
        self.crashes_left -= 1;
        let victim = self.dice.below(self.clients.len() as u64) as usize;
        let mut seat = self.clients.remove(victim);
        if seat.tasks.iter().any(|task| self.executor.is_running(*task)) {
            let at = self.shared.millis();
            self.shared.model.borrow_mut().crash(at, seat.process);
            self.shared.counts.borrow_mut().crashes += 1;
            self.shared.service.network(|network| {
                network.note(b"crash", || format!("{:?} crashes", seat.process));
            });
            seat.tasks.drain(..).for_each(|task| self.executor.kill(task));
            match self.start_process() {
                Ok((process, client)) => {
                    seat.process = process;
                    seat.client = client;
                    self.start_programs(&mut seat);
                }
                Err(error) => self.shared.service.violation(error.to_string()),
            }
        }
        self.clients.insert(victim, seat);
    }

    /// The paths of all files that calls were about, and the other keys.
    pub(super) fn touched(&self) -> (Vec<String>, Vec<String>) {
        let model = self.shared.model.borrow();
        let (files, keys): (Vec<_>, Vec<_>) =
            model.keys().map(str::to_owned).partition(|key| is_driver_path(&format!("/{key}")));
        (files.into_iter().map(|key| format!("/{key}")).collect(), keys)
    }

    pub(super) fn part_bytes_min(&self) -> u64 {
        self.scale.part_bytes_min
    }

    /// Programs of the processes that have come through, for one more look at their own paths.
    pub(super) fn survivors(&mut self) -> Vec<Program> {
        let mut survivors = Vec::new();
        for seat in &self.clients {
            survivors.push(Program {
                client: seat.client.clone(),
                process: seat.process,
                shared: Rc::clone(&self.shared),
                paths: seat.programs[0].0.clone(),
                dice: self.dice.split(),
                known: Vec::new(),
                sizes: BTreeMap::new(),
                reading: 0,
                left: Rc::default(),
            });
        }
        survivors
    }

    /// A process that comes after all others.
    pub(super) fn auditor(&mut self) -> Result<Program, Error> {
        let (process, client) = self.start_process()?;
        Ok(Program {
            client,
            process,
            shared: Rc::clone(&self.shared),
            paths: Paths::of_task(0, 0),
            dice: self.dice.split(),
            known: Vec::new(),
            sizes: BTreeMap::new(),
            reading: 0,
            left: Rc::default(),
        })
    }

    fn report(self) -> Report {
        let mut counts = self.shared.counts.borrow().clone();
        counts.worlds = 1;
        counts.clients = self.clients.len() as u64;
        let service = &self.shared.service;
        service.network(|network| counts.network.add(network.counts()));
        Report {
            violation: service.take_violation().map(|text| {
                format!("{text} (at {} ms, step {})", millis(service.ticks()), self.steps)
            }),
            transcript: service.network(|network| network.transcript()),
            counts,
            trace: service.network(|network| network.trace().to_vec()),
        }
    }
}
