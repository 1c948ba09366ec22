//! Shrinks a failing trace to the smallest that still fails: our own minimiser, on the trace.
//!
//! Every part of a trace is a trace, so steps can be left out freely. What makes the difference to a
//! general shrinker is what it knows of traces: an object that goes takes its operations with it and
//! renumbers the others, time that went by before a step that goes can go by before the next, and an
//! expiry and the time that passes can shrink together.

use crate::call::Handles;
use crate::op::{Expiry, KeyRef, Op, SessionOp};
use crate::trace::{Settings, Step, Trace};

/// Gives the smallest trace found that still fails, asking at most `budget` times.
///
/// `fails` tells whether a trace fails, which `trace` itself must; `None` ends the search.
pub fn minimise(trace: &Trace, budget: usize, fails: impl FnMut(&Trace) -> Option<bool>) -> Trace {
    let mut search = Search { best: trace.clone(), fails, left: budget };
    loop {
        let before = search.best.clone();
        search.drop_blocks();
        search.drop_pairs();
        search.simplify_steps();
        search.shrink_times();
        search.try_with(|trace| trace.settings = Settings::default());
        if search.best == before || search.is_over() {
            return search.best;
        }
    }
}

struct Search<F> {
    best: Trace,
    fails: F,
    left: usize,
}

impl<F: FnMut(&Trace) -> Option<bool>> Search<F> {
    /// Takes the candidate if it differs and still fails.
    fn accept(&mut self, candidate: Trace) -> bool {
        if self.is_over() || candidate == self.best {
            return false;
        }
        self.left -= 1;
        let accepted = (self.fails)(&candidate);
        match accepted {
            Some(true) => self.best = candidate,
            Some(false) => {}
            None => self.left = 0,
        }
        accepted == Some(true)
    }

    /// Whether nothing more can be asked. Who makes a candidate looks first: of a trace of thousands of steps there are
    /// millions.
    fn is_over(&self) -> bool {
        self.left == 0
    }

    fn try_with(&mut self, change: impl FnOnce(&mut Trace)) -> bool {
        if self.is_over() {
            return false;
        }
        let mut candidate = self.best.clone();
        change(&mut candidate);
        self.accept(candidate)
    }

    /// Leaves out blocks of steps: half of them, a quarter, …, one.
    fn drop_blocks(&mut self) {
        let mut size = self.best.steps.len().div_ceil(2).max(1);
        loop {
            let mut end = self.best.steps.len();
            while end > 0 {
                let start = end.saturating_sub(size);
                let block: Vec<usize> = (start..end).collect();
                self.drop_steps(&block);
                end = start.min(self.best.steps.len());
            }
            if size == 1 {
                return;
            }
            size = size.div_ceil(2);
        }
    }

    /// Leaves out any two steps: a save and what was set for it go together.
    fn drop_pairs(&mut self) {
        let mut first = 0;
        while first < self.best.steps.len() {
            let mut second = first + 1;
            let mut dropped = false;
            while second < self.best.steps.len() && !dropped {
                dropped = self.drop_steps(&[first, second]);
                second += 1;
            }
            if !dropped {
                first += 1;
            }
        }
    }

    /// Leaves out the given steps, in each of the ways that keep the rest meaning what it meant.
    fn drop_steps(&mut self, dropped: &[usize]) -> bool {
        if self.is_over() {
            return false;
        }
        let plain = without(&self.best, dropped, Time::Goes);
        let carried = without(&self.best, dropped, Time::Carried);
        for candidate in [plain, carried] {
            let fewer_keys = lower_keys(&candidate);
            if self.accept(candidate) || self.accept(fewer_keys) {
                return true;
            }
        }
        false
    }

    /// Puts a simpler step in the place of each.
    fn simplify_steps(&mut self) {
        for index in 0..self.best.steps.len() {
            for simpler in simpler_steps(&self.best.steps[index]) {
                self.try_with(|trace| trace.steps[index] = simpler);
            }
        }
        let retargeted = lower_keys(&self.best);
        self.accept(retargeted);
    }

    /// Makes times shorter: alone, or an expiry together with the time that passes.
    fn shrink_times(&mut self) {
        const SHORT: [i64; 4] = [0, 1, 1_000_000, 10_000_000];
        for index in 0..self.best.steps.len() {
            for advance in SHORT {
                if advance < self.best.steps[index].advance {
                    self.try_with(|trace| trace.steps[index].advance = advance);
                }
            }
        }
        for set in 0..self.best.steps.len() {
            let Op::Session(session, SessionOp::SetExpiry(Expiry::Seconds(seconds))) =
                self.best.steps[set].op
            else {
                continue;
            };
            for passing in 0..self.best.steps.len() {
                for shorter in [1, 10] {
                    let saved = (seconds - shorter).saturating_mul(1_000_000);
                    if saved <= 0 || self.best.steps[passing].advance < saved {
                        continue;
                    }
                    self.try_with(|trace| {
                        trace.steps[set].op =
                            Op::Session(session, SessionOp::SetExpiry(Expiry::Seconds(shorter)));
                        trace.steps[passing].advance -= saved;
                    });
                }
            }
        }
    }
}

/// What becomes of the time that passed before a step that is left out.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Time {
    Goes,
    Carried,
}

/// The trace without some steps. The operations on an object whose making is left out go too, and the
/// other objects are renumbered.
fn without(trace: &Trace, dropped: &[usize], time: Time) -> Trace {
    let mut made = 0;
    // For each object of the trace, its new number, or none if it goes.
    let mut numbers: Vec<Option<u32>> = Vec::new();
    for (index, step) in trace.steps.iter().enumerate() {
        if step.op.makes_session() {
            let kept = !dropped.contains(&index);
            made += u32::from(kept);
            numbers.push(kept.then_some(made));
        }
    }
    let mut carried = 0;
    let mut handles = Handles::default();
    let mut steps = Vec::new();
    for (index, step) in trace.steps.iter().enumerate() {
        let mut step = step.clone();
        step.advance += carried;
        carried = 0;
        let mut keep = !dropped.contains(&index);
        if let Op::Session(number, _) = &mut step.op
            && let Some(session) = handles.session(*number)
        {
            match numbers[session] {
                Some(new) => *number = new,
                None => keep = false,
            }
        }
        handles.sessions += usize::from(step.op.makes_session());
        if keep {
            steps.push(step);
        } else if time == Time::Carried {
            carried = step.advance;
        }
    }
    Trace { settings: trace.settings, steps }
}

/// The trace with every key number one lower, for when the first key is no longer issued.
fn lower_keys(trace: &Trace) -> Trace {
    let lower = |key: KeyRef| match key {
        KeyRef::Issued(n) => KeyRef::Issued(n.saturating_sub(1).max(1)),
        KeyRef::Altered(n, alteration) => KeyRef::Altered(n.saturating_sub(1).max(1), alteration),
        forged @ KeyRef::Forged(_) => forged,
    };
    let mut trace = trace.clone();
    for step in &mut trace.steps {
        if let Some(key) = step.op.key() {
            step.op = step.op.with_key(lower(key));
        }
    }
    trace
}

/// Steps that are simpler than this one, the simplest first.
fn simpler_steps(step: &Step) -> Vec<Step> {
    let mut simpler = Vec::new();
    let mut with = |op: Op| simpler.push(Step { op, ..step.clone() });
    if let Op::Session(number, op) = &step.op {
        for op in op.simpler() {
            with(Op::Session(*number, op));
        }
        if *number > 1 {
            with(Op::Session(1, op.clone()));
            with(Op::Session(number - 1, op.clone()));
        }
    }
    for key in step.op.key().map(lower_numbers).unwrap_or_default() {
        with(step.op.with_key(key));
    }
    if step.client != 0 {
        simpler.push(Step { client: 0, ..step.clone() });
    }
    simpler
}

fn lower_numbers(key: KeyRef) -> Vec<KeyRef> {
    match key {
        KeyRef::Issued(n) => (1..n).map(KeyRef::Issued).collect(),
        KeyRef::Altered(n, alteration) => (1..n).map(|n| KeyRef::Altered(n, alteration)).collect(),
        KeyRef::Forged(_) => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generate::Generator;
    use crate::manifest::Manifest;
    use crate::trace::TraceFile;

    fn trace(lines: &[&str]) -> Trace {
        let header = format!("{{\"sessionspec_trace\":1,\"steps\":{}}}", lines.len());
        TraceFile::parse(&format!("{header}\n{}", lines.join("\n"))).unwrap().trace
    }

    #[test]
    fn an_object_that_goes_takes_its_operations_and_renumbers_the_rest() {
        let before = trace(&[
            r#"{"op":"new"}"#,
            r#"{"op":"new"}"#,
            r#"{"op":"save","session":1}"#,
            r#"{"op":"flush","session":2}"#,
        ]);
        let after = trace(&[r#"{"op":"new"}"#, r#"{"op":"flush","session":1}"#]);
        assert_eq!(without(&before, &[0], Time::Goes), after);
    }

    #[test]
    fn time_before_a_dropped_step_can_be_carried_to_the_next() {
        let before =
            trace(&[r#"{"op":"new"}"#, r#"{"op":"clear-expired","advance_us":5}"#, r#"{"op":"reopen"}"#]);
        let after = trace(&[r#"{"op":"new"}"#, r#"{"op":"reopen","advance_us":5}"#]);
        assert_eq!(without(&before, &[1], Time::Carried), after);
    }

    /// A predicate with a known minimum: a set, later a save, of the same object, with time between.
    fn needs_three_things(trace: &Trace) -> bool {
        let mut set = None;
        let mut time = 0;
        let mut handles = Handles::default();
        for step in &trace.steps {
            time += step.advance;
            match &step.op {
                Op::Session(n, op) => match (handles.session(*n), op) {
                    (Some(session), SessionOp::Set(..)) => set = Some((session, time)),
                    (Some(session), SessionOp::Save)
                        if set.is_some_and(|(of, at)| of == session && time > at) =>
                    {
                        return true;
                    }
                    _ => {}
                },
                op => handles.sessions += usize::from(op.makes_session()),
            }
        }
        false
    }

    /// As many sessions, each of them saved.
    fn long(sessions: usize) -> Trace {
        let one = |number| [r#"{"op":"new"}"#.to_owned(), format!(r#"{{"op":"save","session":{number}}}"#)];
        let lines: Vec<String> = (1..=sessions).flat_map(one).collect();
        trace(&lines.iter().map(String::as_str).collect::<Vec<_>>())
    }

    #[test]
    fn a_search_ends_when_it_is_told_to() {
        let whole = long(3_000);
        let mut asked = 0;
        let small = minimise(&whole, usize::MAX, |candidate| {
            asked += 1;
            (asked < 5).then_some(candidate.steps.len() >= 3_000)
        });
        assert_eq!((small.steps.len(), asked), (3_000, 5));
    }

    #[test]
    fn of_a_long_trace_no_more_is_tried_than_the_budget_allows() {
        let mut asked = 0;
        let small = minimise(&long(3_000), 20, |candidate| {
            asked += 1;
            Some(candidate.steps.len() > 3_000)
        });
        assert_eq!(asked, 20);
        assert!((3_001..6_000).contains(&small.steps.len()), "{}", small.steps.len());
    }

    #[test]
    fn generated_failures_reach_the_known_minimum() {
        let mut found = 0;
        for trace in Generator::new(&Manifest::reference(), 3, 40).take(300) {
            if needs_three_things(&trace) {
                found += 1;
                let small = minimise(&trace, 2_000, |trace| Some(needs_three_things(trace)));
                assert_eq!(small.steps.len(), 3, "{}", small.to_jsonl(None));
                assert!(small.steps.iter().map(|step| step.advance).sum::<i64>() <= 1);
            }
        }
        assert!(found > 50, "only {found} traces failed: the test tests nothing");
    }
}
