//! Random traces, the same for the same seed. proptest draws the choices; what it calls shrinking is not
//! used, because the suite has a minimiser that knows traces.
//!
//! The draws are biased to where stores go wrong: few entries and few sessions, so that operations meet;
//! times that step exactly on the instant of an expiry; second handles; hostile keys and values.

use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::{Union, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use crate::json::{Json, Name};
use crate::manifest::{ClockLevel, Hook, Manifest, Operation, Reach, Values};
use crate::op::{Alteration, Entries, Expiry, ExpiryQuery, Forged, KeyRef, Op, SessionOp, StorageOp};
use crate::rules;
use crate::trace::{OTHER_STORAGE, START, Settings, Step, Trace};
use crate::value::TraceValue;

const SECOND: i64 = 1_000_000;

/// Longer than 30 days, in seconds: some caches take such a life for a date in 1970.
const MONTH: i64 = 31 * 86_400;

/// In seconds.
const YEAR: i64 = 365 * 86_400;

/// A source of random traces for subjects with a certain manifest.
pub struct Generator {
    runner: TestRunner,
    traces: BoxedStrategy<Trace>,
    /// What the subject's clock can show.
    reach: Reach,
    /// Which values it keeps.
    values: Values,
}

impl std::fmt::Debug for Generator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Generator")
    }
}

impl Generator {
    /// Traces of up to `steps` steps. The same seed gives the same traces.
    pub fn new(manifest: &Manifest, seed: u64, steps: usize) -> Self {
        let traces = traces(manifest, steps.max(2));
        Self { runner: runner(seed), traces, reach: manifest.clock_reach, values: manifest.values }
    }
}

/// The chance that a seed stands for.
pub(crate) fn chance(seed: u64) -> TestRng {
    // Each choice takes a generator of its own, and this is the one that is made at little cost. Its
    // seed must not be all zeros.
    let mut bytes = [1_u8; 16];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    TestRng::from_seed(RngAlgorithm::XorShift, &bytes)
}

/// What draws from strategies by that chance.
pub(crate) fn runner(seed: u64) -> TestRunner {
    let config = Config { failure_persistence: None, ..Config::default() };
    TestRunner::new_with_rng(config, chance(seed))
}

impl Iterator for Generator {
    type Item = Trace;

    fn next(&mut self) -> Option<Trace> {
        // None of the strategies filters, so none of them rejects.
        self.traces
            .new_tree(&mut self.runner)
            .ok()
            .map(|tree| tree.current().fitted(self.reach, &self.values))
    }
}

fn traces(manifest: &Manifest, steps: usize) -> BoxedStrategy<Trace> {
    // Swarm testing: each trace does without some kinds of operation, so that the rest meet more often.
    let groups = groups(manifest);
    let (clock, span) = (manifest.clock, manifest.clock_reach.span);
    let clients = clients(manifest.other_storage);
    let masks = proptest::collection::vec(proptest::bool::weighted(0.7), groups.len());
    (masks, settings(clock))
        .prop_flat_map(move |(mask, settings)| {
            let chosen = groups.iter().zip(mask).filter(|((_, always, _), on)| *always || *on);
            let ops = Union::new_weighted(chosen.map(|((weight, _, op), _)| (*weight, op.clone())).collect());
            let step = (ops, advances(clock, span), clients.clone()).prop_map(|(op, advance, client)| Step {
                client,
                advance,
                op,
            });
            proptest::collection::vec(step, 2..=steps).prop_map(move |mut steps| {
                // Without an object nothing happens.
                steps.insert(0, Step { client: 0, advance: 0, op: Op::New });
                Trace { settings, steps }
            })
        })
        .boxed()
}

/// Kinds of operation: their weight, whether every trace has them, and how they are drawn.
fn groups(manifest: &Manifest) -> Vec<(u32, bool, BoxedStrategy<Op>)> {
    let on = |op: BoxedStrategy<SessionOp>| {
        (1_u32..5, op).prop_map(|(session, op)| Op::Session(session, op)).boxed()
    };
    let fixed = |ops: Vec<SessionOp>| on(select(ops).boxed());
    let named = |make: fn(Name) -> SessionOp| on(names().prop_map(make).boxed());
    let valued = |make: fn(Name, TraceValue) -> SessionOp| {
        on((names(), values(manifest)).prop_map(move |(name, value)| make(name, value)).boxed())
    };
    let mut groups = vec![
        (4, true, Just(Op::New).boxed()),
        (14, true, keys().prop_map(Op::Open).boxed()),
        (12, true, valued(SessionOp::Set)),
        (16, true, fixed(vec![SessionOp::Save])),
        (8, true, named(SessionOp::Get)),
        (5, true, fixed(vec![SessionOp::Items, SessionOp::Items, SessionOp::Keys, SessionOp::Values])),
        (3, false, fixed(vec![SessionOp::Create])),
        (3, false, fixed(vec![SessionOp::SaveMustCreate])),
        (4, false, fixed(vec![SessionOp::CycleKey])),
        (3, false, fixed(vec![SessionOp::Flush])),
        (3, false, fixed(vec![SessionOp::Clear])),
        (3, false, fixed(vec![SessionOp::Delete])),
        (3, false, fixed(vec![SessionOp::IsEmpty])),
        (3, false, named(SessionOp::Contains)),
        (3, false, named(SessionOp::Pop)),
        (3, false, named(SessionOp::Remove)),
        (3, false, valued(SessionOp::SetDefault)),
        (2, false, valued(SessionOp::PopDefault)),
        (4, false, valued(SessionOp::Push)),
        (
            3,
            false,
            on(proptest::collection::vec((names(), values(manifest)), 0..3)
                .prop_map(|mut items| {
                    // An object has each name once; these are few.
                    let given: Vec<_> = items.iter().map(|(name, _)| name.clone()).collect();
                    let mut index = 0;
                    items.retain(|(name, _)| {
                        index += 1;
                        !given[..index - 1].contains(name)
                    });
                    SessionOp::Update(Entries(items))
                })
                .boxed()),
        ),
        (
            3,
            false,
            fixed(vec![SessionOp::SetTestCookie, SessionOp::TestCookieWorked, SessionOp::DeleteTestCookie]),
        ),
        (8, false, on(expiries(manifest.clock).prop_map(SessionOp::SetExpiry).boxed())),
        (
            4,
            false,
            on(queries()
                .prop_flat_map(|q| select(vec![SessionOp::GetExpiryAge(q), SessionOp::GetExpiryDate(q)]))
                .boxed()),
        ),
        (2, false, fixed(vec![SessionOp::GetExpireAtBrowserClose, SessionOp::GetSessionCookieAge])),
        (6, false, keys().prop_map(|key| Op::Storage(StorageOp::Exists(key))).boxed()),
        (5, false, keys().prop_map(|key| Op::Storage(StorageOp::DeleteKey(key))).boxed()),
        (4, false, Just(Op::Storage(StorageOp::ClearExpired)).boxed()),
        (1, false, Just(Op::Storage(StorageOp::Reopen)).boxed()),
    ];
    let issued = || (1_u32..6).prop_map(KeyRef::Issued);
    if manifest.hooks.contains(&Hook::ForceKeys) {
        groups.push((2, false, issued().prop_map(|key| Op::Storage(StorageOp::ForceKey(key))).boxed()));
    }
    if rules::EXPIRY_TOLD.not_for(manifest).is_none() {
        groups.push((4, false, keys().prop_map(|key| Op::Storage(StorageOp::Expires(key))).boxed()));
    }
    for (operation, op) in [
        (Operation::All, StorageOp::All),
        (Operation::Length, StorageOp::Length),
        (Operation::Clear, StorageOp::ClearAll),
    ] {
        if manifest.offers(operation) {
            groups.push((2, false, Just(Op::Storage(op)).boxed()));
        }
    }
    if manifest.hooks.contains(&Hook::Rotate) {
        groups.push((2, false, Just(Op::Storage(StorageOp::Rotate)).boxed()));
    }
    if manifest.hooks.contains(&Hook::Damage) {
        groups.push((1, false, issued().prop_map(|key| Op::Storage(StorageOp::Damage(key))).boxed()));
    }
    groups
}

fn settings(clock: ClockLevel) -> BoxedStrategy<Settings> {
    let of = |cookie_age, expire_at_browser_close| Settings { cookie_age, expire_at_browser_close };
    let (long, short) = match clock {
        ClockLevel::Virtual | ClockLevel::Moved => (6, 3),
        // While such a trace runs nothing must expire.
        ClockLevel::Wall => (1, 0),
    };
    prop_oneof![
        long * 6 => Just(Settings::default()),
        short * 2 => Just(of(10, false)),
        short => Just(of(1, true)),
        long => Just(of(86_400, true)),
    ]
    .boxed()
}

fn advances(clock: ClockLevel, span: i64) -> BoxedStrategy<i64> {
    if clock == ClockLevel::Wall {
        return Just(0).boxed();
    }
    let age = Settings::default().cookie_age * SECOND;
    // Not further: in the third century from now, instants as doubles no longer tell microseconds.
    let far = if span < 100 * YEAR * SECOND { YEAR } else { 10 * YEAR };
    prop_oneof![
        20 => Just(0),
        1 => Just(1),
        1 => Just(SECOND),
        1 => Just(10 * SECOND - 1),
        2 => Just(10 * SECOND),
        1 => Just(10 * SECOND + 1),
        1 => select(vec![age - 1, age, age + 1]),
        1 => Just(far * SECOND),
    ]
    .boxed()
}

fn clients(other_storage: bool) -> BoxedStrategy<u8> {
    if other_storage {
        prop_oneof![15 => Just(0), 3 => Just(1), 2 => Just(OTHER_STORAGE)].boxed()
    } else {
        proptest::bool::weighted(0.15).prop_map(u8::from).boxed()
    }
}

fn keys() -> BoxedStrategy<KeyRef> {
    prop_oneof![
        16 => (1_u32..6).prop_map(KeyRef::Issued),
        1 => (1_u32..4, select(Alteration::ALL.to_vec())).prop_map(|(n, alteration)| KeyRef::Altered(n, alteration)),
        1 => select(Forged::ALL.to_vec()).prop_map(KeyRef::Forged),
    ]
    .boxed()
}

fn names() -> BoxedStrategy<Name> {
    let texts = |names: &[&str]| select(names.iter().map(|name| Name::from(*name)).collect::<Vec<_>>());
    prop_oneof![
        12 => texts(&["a", "b", "c", "l"]),
        1 => texts(&["", "a.b", "\"", "😀", "$serde_json::private::Number", "testcookie", "_auth_user_id"]),
        1 => texts(&["A", "10", "9", " a ", "\u{e9}", "e\u{301}", "cookie", "__proto__"]),
    ]
    .boxed()
}

fn values(manifest: &Manifest) -> BoxedStrategy<TraceValue> {
    // Whether a long value that compresses well fits into a small record, the store alone can tell.
    let limit = manifest.capabilities.max_record_bytes;
    // And so with one of 70,000 that does not, where the limit is about as large.
    let near = limit.is_some_and(|limit| (35_000..140_000).contains(&limit));
    let uncertain = |text: &str| {
        (limit.is_some() && text.starts_with(r#"{"$repeat""#)) || (near && text.starts_with(r#"{"$random""#))
    };
    let written = |texts: &[&str]| {
        let fit = texts.iter().filter(|text| !uncertain(text));
        // Each of these is a value; the tests of this module see to it.
        select(fit.filter_map(|text| TraceValue::parse(text).ok()).collect::<Vec<_>>())
    };
    prop_oneof![
        8 => written(&["0", "1", "2", "3"]),
        4 => written(&["[]", "[1]", "{}", "{\"x\":{\"y\":[null]}}"]),
        2 => written(&["[3,1,1,2]", "{\"z\":null,\"e\":[],\"a\":{}}", "\" a \"", "\"e\u{301}\""]),
        2 => written(&["null", "true", "false", "\"\"", "\"text\"", "-1", "9007199254740992"]),
        1 => written(AWKWARD),
        1 => proptest::collection::vec(any::<char>(), 0..12)
            .prop_map(|chars| TraceValue::from(Json::text(&chars.into_iter().collect::<String>()))),
    ]
    .boxed()
}

/// Values that stores have lost.
const AWKWARD: &[&str] = &[
    r#""a:b.c,d=e-f_g/h""#,
    r#""\u0000\u001f\u007f""#,
    r#""é ß 中""#,
    r#""😀""#,
    r#""\r\n\u2028""#,
    "0.1",
    "1e+16",
    "5e-324",
    "-0.0",
    "9007199254740993",
    "18446744073709551616",
    "1000000000000000000000000000000",
    r#"{"$serde_json::private::Number":"1"}"#,
    r#"{"$json":"NaN"}"#,
    r#"{"$json":"[-Infinity]"}"#,
    r#"{"$json":"\"\\ud800\""}"#,
    r#"{"$nested":300}"#,
    r#"{"$repeat":["é",12000]}"#,
    r#"{"$random":70000}"#,
];

fn expiries(clock: ClockLevel) -> BoxedStrategy<Expiry> {
    if clock == ClockLevel::Wall {
        // Over for a second, or not for an hour. Whether one that ends now is over, only a clock that is set can tell: a
        // server that counts in milliseconds still has it in the one in which it ends.
        return prop_oneof![
            2 => Just(Expiry::Default),
            4 => select(vec![0, -5, -1, 3_600, MONTH, 365 * 86_400]).prop_map(Expiry::Seconds),
            1 => Just(Expiry::Seconds(1_000_000_000_000)),
            2 => select(vec![3_600 * SECOND, -SECOND]).prop_map(Expiry::Duration),
            2 => (select(vec![3_600 * SECOND, -SECOND]), select(vec![0, 330, -720]))
                .prop_map(|(after, offset)| Expiry::At(START + after, offset)),
        ]
        .boxed();
    }
    prop_oneof![
        2 => Just(Expiry::Default),
        2 => Just(Expiry::Seconds(0)),
        4 => select(vec![1, 10, 10, 20, 60, MONTH, YEAR, 30 * YEAR]).prop_map(Expiry::Seconds),
        1 => select(vec![-5, -1]).prop_map(Expiry::Seconds),
        1 => Just(Expiry::Seconds(1_000_000_000_000)),
        3 => select(vec![10 * SECOND, 1_500_000, 1, 0, -SECOND]).prop_map(Expiry::Duration),
        3 => dates(),
    ]
    .boxed()
}

fn dates() -> BoxedStrategy<Expiry> {
    let year_9999 = 253_402_300_799_000_000;
    prop_oneof![
        5 => (
            select(vec![10 * SECOND, 20 * SECOND, 60 * SECOND + 1, -SECOND]),
            select(vec![0, 330, -210, 840, -720]),
        )
            .prop_map(|(after, offset)| Expiry::At(START + after, offset)),
        1 => Just(Expiry::At(year_9999, 0)),
    ]
    .boxed()
}

fn queries() -> BoxedStrategy<ExpiryQuery> {
    let modification = proptest::option::weighted(0.3, select(vec![START - 7 * SECOND, START + 1]));
    let expiry = proptest::option::weighted(
        0.4,
        prop_oneof![Just(Expiry::Default), select(vec![0, 5, -5, MONTH]).prop_map(Expiry::Seconds), dates()],
    );
    (modification, expiry).prop_map(|(modification, expiry)| ExpiryQuery { modification, expiry }).boxed()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::TraceFile;

    #[test]
    fn the_same_seed_gives_the_same_traces() {
        let manifest = Manifest::reference();
        let draw = |seed| Generator::new(&manifest, seed, 20).take(20).collect::<Vec<_>>();
        assert_eq!(draw(7), draw(7));
        assert_ne!(draw(7), draw(8));
    }

    #[test]
    fn every_awkward_value_is_a_value() {
        for text in AWKWARD {
            assert!(TraceValue::parse(text).is_ok(), "{text}");
        }
    }

    #[test]
    fn nothing_ends_while_a_trace_runs_on_a_clock_that_cannot_be_set() {
        let mut manifest = Manifest::reference();
        manifest.clock = ClockLevel::Wall;
        let (mut over, mut later) = (0, 0);
        for trace in Generator::new(&manifest, 1, 40).take(500) {
            for step in trace.steps {
                let Op::Session(_, SessionOp::SetExpiry(expiry)) = step.op else { continue };
                let life = match expiry {
                    // The first ends with the browser, and on the server when the default does.
                    Expiry::Default | Expiry::Seconds(0) => trace.settings.cookie_age * SECOND,
                    Expiry::Seconds(seconds) => seconds.saturating_mul(SECOND),
                    Expiry::Duration(life) => life,
                    Expiry::At(at, _) => at - START,
                };
                assert!(life <= -SECOND || life >= 3_600 * SECOND, "{expiry:?}");
                if life < 0 { over += 1 } else { later += 1 }
            }
        }
        assert!(over > 0 && later > 0, "{over}, {later}");
    }

    #[test]
    fn every_generated_trace_survives_being_written_and_read() {
        for trace in Generator::new(&Manifest::reference(), 1, 40).take(200) {
            let text = trace.to_jsonl(None);
            assert_eq!(TraceFile::parse(&text).unwrap().trace, trace, "{text}");
        }
    }
}
