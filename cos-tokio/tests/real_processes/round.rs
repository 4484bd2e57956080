//! One round: a service, a network, one child after the other, and at the end a close look.

use std::{
    collections::BTreeSet,
    env,
    io::{BufRead as _, BufReader, Write as _},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex, PoisonError, mpsc},
    thread,
    time::Duration,
};

use cos_proto::{emulator::Settings, sim::Dice};
use cos_tokio::emulator::{Listen, Server};

use crate::{
    child,
    either::{Adapter, Driver},
    model::{Model, World},
    network::Network,
    plan::Planner,
    step::{Event, Line, Outcome, Step},
    tally::Tally,
};

const SLOTS: usize = 3;
const LIVES: usize = 6;
const STEPS: usize = 5;

/// Lists show what is written only after this.
const LIST_LAG: Duration = Duration::from_secs(20);
/// The service's clock is behind, so that nothing is too young to be swept.
const BEHIND: i64 = -10;
/// A child that says nothing for so long hangs.
const GUARD: Duration = Duration::from_secs(120);

pub struct Round {
    dice: Dice,
    server: Server,
    network: Network,
    planners: Vec<Planner>,
    models: Vec<Model>,
    tally: Tally,
}

/// When a child is killed.
#[derive(Clone, Copy, Debug)]
enum Kill {
    Never,
    /// After so many lines.
    Lines(u64),
    /// Before so many bytes go on to the service.
    Bytes(u64),
}

impl Kill {
    fn throw(dice: &mut Dice) -> Self {
        match dice.below(6) {
            0 => Self::Never,
            1 | 2 => Self::Lines(dice.between(2, 25)),
            _ => {
                let bytes = 1 << dice.between(12, 26);
                Self::Bytes(dice.below(bytes))
            }
        }
    }
}

impl Round {
    pub fn new(seed: u64) -> Self {
        let mut dice = Dice::new(seed);
        let settings =
            Settings { list_lag: LIST_LAG, skew_seconds: BEHIND, seed, ..Settings::default() };
        let server = Server::start_blocking(settings, Listen::default()).expect("a server");
        let network = Network::new(server.addr(), dice.split());
        let mut tally = Tally::default();
        for name in ["killed at a line", "killed at a byte", "ended by itself"] {
            tally.count("children", name, 0);
        }
        for name in ["put", "close", "commit", "cancel", "resume", "move", "delete", "read"] {
            tally.count("acknowledged", name, 0);
        }
        Self {
            dice,
            server,
            network,
            planners: (0..SLOTS).map(Planner::new).collect(),
            models: (0..SLOTS).map(|slot| Model::new(slot as u64)).collect(),
            tally,
        }
    }

    pub fn run(mut self) -> Tally {
        for _ in 0..LIVES {
            self.live();
        }
        let adapter = *self.dice.pick(&Adapter::ALL);
        let config = child::config(&self.server.endpoint());
        let driver = Driver::new(adapter, &config, (), None).expect("a driver");
        let strays = self.server.with(|emulator| emulator.open_uploads().len());
        self.tally.count("left to clean up", "uploads", strays as u64);
        self.inspect(&driver);
        self.clean_up(&driver);
        for (fault, times) in self.network.fired() {
            self.tally.count("network", fault, times);
        }
        self.tally
    }

    /// Runs a child until it has done all or is killed.
    fn live(&mut self) {
        let adapter = *self.dice.pick(&Adapter::ALL);
        let kill = Kill::throw(&mut self.dice);
        let mut plans = Vec::new();
        for (planner, model) in self.planners.iter_mut().zip(&self.models) {
            plans.push(planner.plan(&mut self.dice, STEPS, model.worlds()));
        }
        let (process, lines) = self.start(adapter, &plans);
        let process = Arc::new(Mutex::new(process));
        let shoot = |process: &Mutex<Child>| {
            // It may have ended by itself.
            let _ = process.lock().unwrap_or_else(PoisonError::into_inner).kill();
        };
        if let Kill::Bytes(bytes) = kill {
            let process = Arc::clone(&process);
            self.network.after_bytes(bytes, move || shoot(&process));
        }
        let mut heard = 0;
        loop {
            let line = match lines.recv_timeout(GUARD) {
                Ok(line) => line,
                Err(mpsc::RecvTimeoutError::Disconnected) => break,
                Err(mpsc::RecvTimeoutError::Timeout) => {
                    shoot(&process);
                    panic!("the child ({}) hangs; it was told {plans:#?}", adapter.name());
                }
            };
            heard += 1;
            if matches!(kill, Kill::Lines(lines) if lines == heard) {
                shoot(&process);
            }
            self.hear(&plans[line.slot][line.step], &line);
        }
        let status =
            process.lock().unwrap_or_else(PoisonError::into_inner).wait().expect("it ended");
        let killed = std::os::unix::process::ExitStatusExt::signal(&status) == Some(9);
        assert!(killed || status.success(), "the child ({}): {status}", adapter.name());
        self.tally.count("adapters", adapter.name(), 1);
        let end = match kill {
            _ if !killed => "ended by itself",
            Kill::Lines(_) => "killed at a line",
            Kill::Bytes(_) | Kill::Never => "killed at a byte",
        };
        self.tally.count("children", end, 1);
        self.network.settle();
        self.models.iter_mut().for_each(Model::died);
    }

    fn start(&self, adapter: Adapter, plans: &[Vec<Step>]) -> (Child, mpsc::Receiver<Line>) {
        let mut process = Command::new(env::current_exe().expect("this program"))
            .args(["--ignored", "--exact", "child_process", "--nocapture"])
            .env(child::ADAPTER, adapter.name())
            .env(child::ENDPOINT, self.network.endpoint())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a process");
        let mut input = process.stdin.take().expect("piped");
        for (slot, steps) in plans.iter().enumerate() {
            for (number, step) in steps.iter().enumerate() {
                writeln!(input, "{slot} {number} {step}").expect("it reads its plan");
            }
        }
        let output = BufReader::new(process.stdout.take().expect("piped"));
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                if let Some(line) = Line::parse(&line) {
                    // The round has failed if nobody listens.
                    let _ = sender.send(line);
                }
            }
        });
        (process, lines)
    }

    fn hear(&mut self, step: &Step, line: &Line) {
        let name = step.name();
        match &line.event {
            Event::Begin => self.tally.count("begun", name, 1),
            Event::Ended(Outcome::Failed(kind, _)) => self.tally.count("failed as", kind, 1),
            Event::Ended(_) => self.tally.count("acknowledged", name, 1),
            Event::Opened(size) if *size > 0 => self.tally.count("acknowledged", "resume", 1),
            Event::Opened(_) | Event::Skipped => {}
        }
        if let Err(why) = self.models[line.slot].hear(step, &line.event) {
            panic!("{why}");
        }
    }

    /// Looks at everything, without faults.
    fn inspect(&mut self, driver: &Driver) {
        for slot in 0..SLOTS {
            let steps = self.planners[slot].inspection(self.models[slot].worlds());
            for (number, step) in steps.iter().enumerate() {
                let mut events = vec![Event::Begin];
                let outcome =
                    child::perform(driver, slot as u64, step, &mut |event| events.push(event));
                if let Outcome::Failed(_, text) = &outcome {
                    panic!("{step} failed without a fault: {text}");
                }
                events.push(Event::Ended(outcome));
                for event in events {
                    self.hear(step, &Line { slot, step: number, event });
                }
            }
        }
    }

    /// Sweeps, and sees that nothing is left but files.
    fn clean_up(&mut self, driver: &Driver) {
        self.server.advance(LIST_LAG * 2);
        let swept = driver.sweep(Duration::ZERO).expect("swept");
        self.tally.count("swept", "uploads", swept.aborted);
        self.tally.count("swept", "records", swept.records);
        self.server.advance(LIST_LAG * 2);
        let bucket = Settings::default().buckets.remove(0);
        let (uploads, keys) =
            self.server.with(|emulator| (emulator.open_uploads(), emulator.keys(&bucket)));
        assert_eq!(uploads, [], "uploads are left");
        let keys: BTreeSet<String> = keys.iter().map(|key| key.replacen("chaos", "", 1)).collect();
        let mut listed: BTreeSet<String> = BTreeSet::new();
        for slot in driver.list("/").unwrap_or_default() {
            listed.extend(driver.list(&slot).expect("listed"));
        }
        assert_eq!(listed, keys, "the lists show something else than there is");
        let walked: BTreeSet<String> = driver.walk("/").expect("walked").into_iter().collect();
        assert_eq!(walked, keys, "the walk shows something else than there is");
        let is_so = |(slot, model): (usize, &Model)| {
            let prefix = format!("/slot{slot}/");
            let there: BTreeSet<String> =
                keys.iter().filter(|key| key.starts_with(&prefix)).cloned().collect();
            model.worlds().iter().map(World::files).any(|files| files == there)
        };
        let agree = self.models.iter().enumerate().all(is_so);
        assert!(agree, "no world has the keys {keys:?}");
    }
}
