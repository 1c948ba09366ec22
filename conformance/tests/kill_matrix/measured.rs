//! What the suite finds of each fault: on the default seed the whole report, on nine others whether it is found at all.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use session_conformance::generate::Generator;
use session_conformance::model::Errata;
use session_conformance::rule::RuleId;
use session_conformance::runner::{Coverage, run_trace};
use session_conformance::subject::Subject;
use session_conformance::suite::{Config, run};

use crate::fault::Fault;
use crate::{faults, subject};

/// How many generated traces are run with each seed, where no golden trace finds the fault: fewer than by default, so
/// that the test is done soon.
pub(crate) const CASES: usize = 150;

/// The nine seeds beside the default one.
const SEEDS: [u64; 9] = [1, 2, 3, 5, 8, 13, 21, 34, 55];

/// What was found of a fault.
pub(crate) struct Found {
    pub(crate) area: &'static str,
    pub(crate) fault: &'static Fault,
    /// The rule of the first failure of the report.
    pub(crate) led_by: Option<RuleId>,
    /// The steps of the minimal trace of that failure.
    pub(crate) steps: Option<usize>,
    /// With how many of the ten seeds the fault is found.
    pub(crate) seeds: usize,
    /// What finds it.
    pub(crate) by: By,
}

impl Found {
    pub(crate) fn is_named_first(&self) -> bool {
        self.led_by.is_some_and(|rule| rule.rule().id == self.fault.rule)
    }

    /// The same in a line.
    pub(crate) fn told(&self) -> String {
        let led_by = self.led_by.map_or("nothing", |rule| rule.rule().id);
        format!(
            "{}: {} leads, its own is {}; {:?} steps; {} seeds",
            self.fault.name, led_by, self.fault.rule, self.steps, self.seeds
        )
    }
}

/// What is found of all faults.
pub(crate) fn matrix() -> Vec<Found> {
    of_each(measure)
}

/// What a function gives for each fault, in the order of the table; each core of the machine takes its share.
pub(crate) fn of_each<T: Send>(measure: impl Fn(&'static str, &'static Fault) -> T + Sync) -> Vec<T> {
    let all: Vec<_> = faults::all().collect();
    let next = AtomicUsize::new(0);
    let measured = || {
        let places = std::iter::from_fn(|| Some(next.fetch_add(1, Ordering::Relaxed)));
        let own = places.map_while(|place| all.get(place).map(|(area, fault)| (place, measure(area, fault))));
        own.collect::<Vec<_>>()
    };
    let workers = thread::available_parallelism().map_or(1, usize::from);
    let mut found: Vec<_> = thread::scope(|scope| {
        let threads: Vec<_> = (0..workers).map(|_| scope.spawn(measured)).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    found.sort_by_key(|(place, _)| *place);
    found.into_iter().map(|(_, found)| found).collect()
}

/// The traces that find a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum By {
    Golden,
    Corpus,
    /// Generated ones.
    Chance,
}

fn measure(area: &'static str, fault: &'static Fault) -> Found {
    let mut subject = subject::of(fault.on, &fault.flaw);
    let golden = config(0).with_budget(Duration::ZERO);
    let mut found =
        |config| Some(run(&mut *subject, &config, &mut |_| {})).filter(|report| !report.failures.is_empty());
    // Where a trace that was written down finds it, chance has no part in it.
    let written = [(By::Golden, golden), (By::Corpus, config(0))];
    let written = written.into_iter().find_map(|(by, config)| Some((by, found(config)?)));
    let (by, report, seeds) = written.map_or_else(
        || {
            let seeds = [Config::default().seed].into_iter().chain(SEEDS);
            let seeds = seeds.filter(|seed| is_found(&mut *subject, *seed)).count();
            (By::Chance, run(&mut *subject, &config(CASES), &mut |_| {}), seeds)
        },
        |(by, report)| (by, report, SEEDS.len() + 1),
    );
    let first = report.failures.first();
    Found {
        area,
        fault,
        led_by: first.map(|failure| failure.rule),
        steps: first.map(|failure| failure.trace.steps.len()),
        seeds,
        by,
    }
}

/// Whether generated traces find a fault.
fn is_found(subject: &mut dyn Subject, seed: u64) -> bool {
    let mut coverage = Coverage::default();
    Generator::new(subject.manifest(), seed, Config::default().steps)
        .take(CASES)
        .any(|trace| !run_trace(subject, &trace, Errata::Imitated, &mut coverage).is_held())
}

/// What is shown must not depend on how busy the machine is.
fn config(cases: usize) -> Config {
    Config::default().with_cases(cases).with_shrink(Duration::from_secs(600))
}
