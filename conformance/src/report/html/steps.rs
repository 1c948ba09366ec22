//! The timeline of a trace: a lane for each session object, one for what is done elsewhere, and one for each record that
//! the store must hold, as the model has it. Time goes to the right: a column per step, and between two columns as much
//! room as is needed to show that time went by and whether a record expired in it.

use std::collections::BTreeMap;

use super::canvas::{Area, Canvas, cut, width};
use super::{Picture, span};
use crate::manifest::Manifest;
use crate::model::{Errata, Model};
use crate::op::{Key, Op};
use crate::report::counted;
use crate::runner::Divergence;
use crate::trace::{OTHER_STORAGE, START, Trace};

/// The longest trace that is drawn, in steps. The longest golden one has 117; what is minimal is far shorter.
const MOST_STEPS: usize = 120;

/// The longest text in a column, in characters.
const MOST_CHARACTERS: usize = 34;

const AXIS: usize = 34;
const LANE: usize = 62;
const RECORD: usize = 40;
const LABELS: usize = 132;
/// The room between two columns.
const GAP: usize = 14;
/// The room between two columns where time goes by.
const WAIT: usize = 104;
/// The room after the last column, in which a record lives on.
const TAIL: usize = 96;

/// What each step showed, in words.
pub(super) struct Shown {
    /// The answers, in the order of the steps. There may be fewer of them than steps.
    pub(super) answers: Vec<String>,
    /// What the last answer had to be instead.
    pub(super) expected: Option<String>,
}

impl Shown {
    /// What a subject showed up to the step that was not as expected.
    pub(super) fn of(divergence: &Divergence) -> Self {
        let mut answers: Vec<String> =
            divergence.seen.iter().map(|seen| crate::report::seen_text(seen.as_ref())).collect();
        answers.push(crate::report::observed_text(divergence));
        Self { answers, expected: Some(crate::report::expected_text(divergence)) }
    }

    /// What the model answers, up to the step at which the subject ended so.
    pub(super) fn until(trace: &Trace, manifest: &Manifest, end: &str) -> Self {
        let mut shown = Self::expected(trace, manifest);
        shown.expected = shown.answers.pop();
        shown.answers.push(end.into());
        shown
    }

    /// What the model answers.
    pub(super) fn expected(trace: &Trace, manifest: &Manifest) -> Self {
        let mut model = Model::new(manifest, trace.settings, Errata::Imitated);
        let answer = |step| match model.step(step).map(|expected| expected.outcome) {
            None => "acts on nothing".into(),
            Some(Ok(answer)) => answer.to_string(),
            Some(Err(kind)) => kind.name().into(),
        };
        Self { answers: trace.steps.iter().map(answer).collect(), expected: None }
    }
}

/// Draws a trace on a subject with this manifest; `None` if it is too long for that.
pub(super) fn draw(trace: &Trace, manifest: &Manifest, shown: &Shown) -> Option<Picture> {
    if trace.steps.is_empty() || trace.steps.len() > MOST_STEPS {
        return None;
    }
    Some(Plan::of(trace, manifest, shown).draw())
}

/// Where something is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Lane {
    /// On a session object, counted from 0.
    Session(usize),
    /// Not on a session object of the trace.
    Elsewhere,
}

/// Where a record is: whether in the other storage, and under which key.
type Place = (bool, Key);

/// A record for a reader.
fn named((is_other, key): Place) -> String {
    if is_other { format!("{key} (other)") } else { key.to_string() }
}

/// A step.
struct Column {
    /// When, in microseconds from the start.
    now: i64,
    /// How long nothing was done before.
    advance: i64,
    lane: Lane,
    client: u8,
    label: String,
    answer: String,
    /// What the last answer had to be instead.
    expected: Option<String>,
    /// The records after it: when they expire, from the start, and which write made them so.
    records: BTreeMap<Place, (i64, u64)>,
    /// Its left edge.
    x: usize,
    width: usize,
}

impl Column {
    fn center(&self) -> usize {
        self.x + self.width / 2
    }
}

struct Plan {
    columns: Vec<Column>,
    lanes: Vec<Lane>,
    keys: Vec<Place>,
    width: usize,
}

impl Plan {
    fn of(trace: &Trace, manifest: &Manifest, shown: &Shown) -> Self {
        let mut model = Model::new(manifest, trace.settings, Errata::Imitated);
        let mut columns: Vec<Column> = Vec::new();
        let (mut x, mut now) = (GAP, 0);
        let last = shown.answers.len().saturating_sub(1);
        for (index, step) in trace.steps.iter().enumerate() {
            let sessions = model.sessions();
            let (lane, label) = match &step.op {
                Op::New => (Lane::Session(sessions), "new".to_owned()),
                Op::Open(key) => (Lane::Session(sessions), format!("open {key}")),
                Op::Session(number, op) => {
                    (model.handles().session(*number).map_or(Lane::Elsewhere, Lane::Session), op.text())
                }
                Op::Storage(op) => {
                    let other = if step.client == OTHER_STORAGE { " (other storage)" } else { "" };
                    (Lane::Elsewhere, op.text().replace(" elsewhere", "") + other)
                }
            };
            model.step(step);
            now += step.advance;
            let answer = shown.answers.get(index).cloned().unwrap_or_default();
            let expected = shown.expected.clone().filter(|_| index == last);
            let longest =
                [width(&label), width(&answer) + if expected.is_some() { width("expected ") } else { 0 }];
            let longest =
                longest.into_iter().chain(expected.iter().map(|text| width(text) + width("expected "))).max();
            let width = longest.unwrap_or_default().clamp(56, MOST_CHARACTERS * 8) + 16;
            x += if step.advance > 0 { WAIT } else { 0 };
            let records =
                model.records().map(|(place, expires, write)| (place, (expires - START, write))).collect();
            let (advance, client) = (step.advance, step.client);
            columns.push(Column { now, advance, lane, client, label, answer, expected, records, x, width });
            x += width + GAP;
        }
        let mut lanes: Vec<Lane> = columns.iter().map(|column| column.lane).collect();
        lanes.sort_unstable();
        lanes.dedup();
        let mut keys: Vec<Place> = columns.iter().flat_map(|column| column.records.keys().copied()).collect();
        keys.sort_unstable();
        keys.dedup();
        Self { columns, lanes, keys, width: x + TAIL }
    }

    fn lane(&self, lane: Lane) -> usize {
        let at = self.lanes.iter().position(|other| *other == lane).unwrap_or_default();
        AXIS + at * LANE
    }

    /// Where the lanes of the records begin.
    fn store(&self) -> usize {
        AXIS + self.lanes.len() * LANE + 12
    }

    fn height(&self) -> usize {
        self.store() + self.keys.len().max(1) * RECORD + 8
    }

    fn draw(&self) -> Picture {
        let mut canvas = Canvas::new(self.width, self.height());
        let wrong = self.columns.iter().find(|column| column.expected.is_some());
        if let Some(wrong) = wrong {
            let area = Area { x: wrong.x - 5, y: 2, width: wrong.width + 10, height: self.height() - 6 };
            canvas.area("band", area);
            canvas.text("wrong mid", (wrong.center(), 14), "differs here");
        }
        self.passing(&mut canvas);
        self.tracks(&mut canvas);
        for (row, key) in self.keys.iter().enumerate() {
            self.record(&mut canvas, *key, self.store() + row * RECORD);
        }
        for column in &self.columns {
            self.step(&mut canvas, column);
        }
        let described = format!(
            "{} of {} on {}",
            counted(self.columns.len(), "step"),
            counted(self.lanes.len(), "session"),
            counted(self.keys.len(), "record")
        );
        Picture { labels: self.labels(), lanes: canvas.finish(&described) }
    }

    /// The axis of time: where it goes by, and how long.
    fn passing(&self, canvas: &mut Canvas) {
        for (index, column) in self.columns.iter().enumerate() {
            if column.advance > 0 {
                let wait = Area { x: column.x - WAIT, y: 20, width: WAIT - GAP, height: self.height() - 26 };
                canvas.group(&format!("{} go by", span(column.advance)), |canvas| {
                    canvas.area("wait", wait);
                    canvas.text(
                        "time mid",
                        (wait.x + wait.width / 2, 14),
                        &format!("+ {}", span(column.advance)),
                    );
                });
            }
            let is_told = column.expected.is_none() && (index == 0 || column.advance != 0);
            if is_told {
                let text = if column.now == 0 { "start".into() } else { span(column.now) };
                canvas.text("time mid", (column.center(), 14), &text);
            }
        }
    }

    /// The line of each session object from where it is made, and of what is done elsewhere.
    fn tracks(&self, canvas: &mut Canvas) {
        for lane in &self.lanes {
            let y = self.lane(*lane) + 18;
            let first = self.columns.iter().find(|column| column.lane == *lane);
            let from = match lane {
                Lane::Elsewhere => 0,
                Lane::Session(_) => first.map_or(0, Column::center),
            };
            canvas.line("track", (from, y), (self.width, y));
        }
        let y = self.store() - 8;
        canvas.line("edge", (0, y), (self.width, y));
        if self.keys.is_empty() {
            canvas.text("faint", (GAP, self.store() + RECORD / 2 + 4), "nothing is stored");
        }
    }

    /// What is done in a step, and the answer; and a line to the record that it wrote or removed.
    fn step(&self, canvas: &mut Canvas, column: &Column) {
        let y = self.lane(column.lane) + 4;
        let wrong = column.expected.is_some();
        let words = format!("{} → {}", column.label, column.answer);
        canvas.group(&words, |canvas| {
            let area = Area { x: column.x, y, width: column.width, height: 28 };
            canvas.area(if wrong { "op bad" } else { "op" }, area);
            canvas.text("mid", (column.center(), y + 18), &cut(&column.label, MOST_CHARACTERS));
            let answer = cut(&column.answer, MOST_CHARACTERS);
            match &column.expected {
                None => canvas.text("answer mid", (column.center(), y + 42), &answer),
                Some(expected) => {
                    let expected = format!("expected {}", cut(expected, MOST_CHARACTERS - 9));
                    canvas.text("want mid", (column.center(), y + 41), &expected);
                    canvas.text("wrong mid", (column.center(), y + 55), &format!("got {answer}"));
                }
            }
        });
    }

    /// How a record lives, as it must be: from its first writing to its removal or its expiry.
    fn record(&self, canvas: &mut Canvas, key: Place, y: usize) {
        let middle = y + RECORD / 2;
        let mut write = None;
        for (index, column) in self.columns.iter().enumerate() {
            let found = column.records.get(&key).copied();
            let Some((expires, version)) = found else {
                if write.take().is_some() {
                    canvas.line(
                        "touch",
                        (column.center(), self.lane(column.lane) + 32),
                        (column.center(), middle),
                    );
                    canvas.text("gone mid", (column.center(), middle + 5), "✕");
                }
                continue;
            };
            let next = self.columns.get(index + 1);
            let to = next.map_or(self.width - 8, Column::center);
            self.life(canvas, key, column, next, (expires, middle, to));
            if write != Some(version) {
                canvas.line(
                    "touch",
                    (column.center(), self.lane(column.lane) + 32),
                    (column.center(), middle),
                );
                canvas.dot("write", (column.center(), middle));
            }
            write = Some(version);
        }
    }

    /// A record from one step to the next, and its expiry if that is between them.
    fn life(
        &self,
        canvas: &mut Canvas,
        key: Place,
        column: &Column,
        next: Option<&Column>,
        (expires, y, to): (i64, usize, usize),
    ) {
        let from = column.center();
        let bar =
            |from: usize, to: usize| Area { x: from, y: y - 5, width: to.saturating_sub(from), height: 10 };
        let text = format!("{} expires at {}", named(key), span(expires));
        if expires <= column.now {
            canvas.area("over", bar(from, to));
        } else if let Some(next) = next.filter(|next| expires <= next.now) {
            // The last place of the room means: exactly at the instant of the next step.
            let room = usize::try_from(next.now - column.now).unwrap_or(usize::MAX).max(1);
            let gone = usize::try_from(expires - column.now).unwrap_or_default();
            let at =
                next.x - WAIT + share(gone, room, WAIT - GAP - 6) + if expires == next.now { 6 } else { 0 };
            canvas.group(&text, |canvas| {
                canvas.area("life", bar(from, at));
                canvas.area("over", bar(at, to));
                canvas.line("expiry", (at, y - 14), (at, y + 14));
                canvas.text("expires end", (at - 4, y - 9), "expires");
            });
        } else {
            canvas.area("life", bar(from, to));
            if next.is_none() {
                canvas.text(
                    "expires end",
                    (self.width - 8, y - 9),
                    &cut(&format!("until {}", span(expires)), 22),
                );
            }
        }
    }

    /// The names of the lanes, a picture of their own that stays where it is when the lanes are scrolled.
    fn labels(&self) -> String {
        let mut canvas = Canvas::new(LABELS, self.height());
        let handles = self.columns.iter().any(|column| column.client != 0);
        for lane in &self.lanes {
            let y = self.lane(*lane) + 22;
            let (name, beneath) = match lane {
                Lane::Session(number) => {
                    let made = self.columns.iter().find(|column| column.lane == *lane);
                    let handle = match made.map_or(0, |column| column.client) {
                        0 => "1st handle",
                        OTHER_STORAGE => "other storage",
                        _ => "2nd handle",
                    };
                    (format!("session s{}", number + 1), if handles { handle } else { "" })
                }
                Lane::Elsewhere => ("elsewhere".into(), "no session object"),
            };
            canvas.text("name", (0, y), &name);
            canvas.text("faint", (0, y + 15), beneath);
        }
        let store = self.store();
        if self.keys.is_empty() {
            canvas.text("name", (0, store + RECORD / 2 + 4), "store");
        }
        for (row, key) in self.keys.iter().enumerate() {
            let y = store + row * RECORD + RECORD / 2;
            canvas.text("name", (0, y + 4), &cut(&format!("record {}", named(*key)), 17));
        }
        canvas.finish("the lanes")
    }
}

/// A part of a length, without overflow.
fn share(part: usize, whole: usize, length: usize) -> usize {
    let wide = part as u128 * length as u128 / (whole as u128).max(1);
    usize::try_from(wide).unwrap_or(length).min(length)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::TraceFile;

    fn picture(lines: &[&str]) -> String {
        let header = format!("{{\"sessionspec_trace\":1,\"steps\":{}}}", lines.len());
        let text = [&[header.as_str()], lines].concat().join("\n");
        let trace = TraceFile::parse(&text).unwrap().trace;
        let manifest = Manifest::reference();
        draw(&trace, &manifest, &Shown::expected(&trace, &manifest)).unwrap().lanes
    }

    #[test]
    fn each_session_and_each_record_has_a_lane_and_each_step_its_answer() {
        let picture = picture(&[
            r#"{"op":"new"}"#,
            r#"{"op":"save","session":1}"#,
            r#"{"op":"open","key":"k1"}"#,
            r#"{"op":"delete-key","key":"k1"}"#,
            r#"{"op":"save","session":1}"#,
        ]);
        assert_eq!(picture.matches("class=\"track\"").count(), 3, "{picture}");
        assert_eq!(picture.matches("class=\"op\"").count(), 5, "{picture}");
        assert_eq!(picture.matches("class=\"write\"").count(), 1, "{picture}");
        assert!(picture.contains("✕") && picture.contains("update-error"), "{picture}");
    }

    #[test]
    fn an_expiry_is_drawn_in_the_time_in_which_it_is_and_after_it_the_record_is_over() {
        let life = [r#"{"op":"new"}"#, r#"{"op":"save","session":1}"#];
        let before =
            picture(&[&life[..], &[r#"{"op":"exists","key":"k1","advance_us":1209599999999}"#]].concat());
        assert!(!before.contains("class=\"expiry\""), "{before}");
        let at =
            picture(&[&life[..], &[r#"{"op":"exists","key":"k1","advance_us":1209600000000}"#]].concat());
        assert_eq!(at.matches("class=\"expiry\"").count(), 1, "{at}");
        assert!(at.contains("+ 14 d") && at.contains("class=\"over\""), "{at}");
    }

    #[test]
    fn a_part_of_a_length_is_never_longer_than_it() {
        assert_eq!(share(1, 2, 100), 50);
        assert_eq!(share(usize::MAX, 1, 100), 100);
        assert_eq!(share(5, 0, 100), 100);
    }
}
