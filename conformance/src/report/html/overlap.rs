//! The timeline of a history: a lane for each client, in which its operations are bars that may overlap those of others,
//! and one for the store, with what it has promised: after which answers which record must be there. Time goes to the
//! right, as far as the answer that does not fit.

use super::Picture;
use super::canvas::{Area, Canvas, cut, width};
use crate::history::{Asked, Event, History, Told, Violation};

/// The most operations that are drawn: the last ones.
const MOST_EVENTS: usize = 60;

/// The longest text in a bar, in characters.
const MOST_CHARACTERS: usize = 30;

const AXIS: usize = 44;
const BAR: usize = 38;
const ROW: usize = 46;
const STORE: usize = 44;
const LABELS: usize = 132;
const EDGE: usize = 12;
/// What stands where the process dies.
const KILLED: &str = "process killed";
/// What stands where nothing is under way any more.
const QUIET: &str = "all is quiet";
/// The least room between two instants.
const INSTANT: usize = 16;

/// Draws what happened, as far as the answer that does not fit.
pub(super) fn draw(history: &History, violation: &Violation) -> Option<Picture> {
    let wrong = history.events.get(violation.event)?;
    let last = wrong.ended.unwrap_or(u64::MAX);
    let mut events: Vec<(usize, &Event)> = history
        .events
        .iter()
        .enumerate()
        .filter(|(_, event)| event.key == wrong.key && event.began < last)
        .collect();
    let left_out = events.len().saturating_sub(MOST_EVENTS);
    events.drain(..left_out);
    let bars: Vec<Bar> =
        events.into_iter().map(|(at, event)| Bar::of(event, last, at == violation.event)).collect();
    let first = bars.first().map_or(0, |bar| bar.began);
    let crashes = history.crashes.iter().copied().filter(|died| (first..last).contains(died)).collect();
    let before = if left_out > 0 { "something" } else { "nothing" };
    Some(Plan::of(bars, crashes, before).draw(wrong.key))
}

/// Draws what a right store has answered: a timeline for each session. What the suite asks at the end is left out.
pub(super) fn held(history: &History) -> Vec<Picture> {
    let mut keys: Vec<u32> =
        history.events.iter().filter(|event| !event.audit).map(|event| event.key).collect();
    keys.sort_unstable();
    keys.dedup();
    let picture = |key| {
        let events = history.events.iter().filter(|event| event.key == key && !event.audit);
        Plan::of(events.map(|event| Bar::of(event, u64::MAX, false)).collect(), Vec::new(), "nothing")
            .draw(key)
    };
    keys.into_iter().map(picture).collect()
}

/// What a loading had to find in the place of an answer that does not fit, by what the store had answered before; `None`
/// for other operations.
pub(super) fn expected(history: &History, violation: &Violation) -> Option<String> {
    let wrong = history.events.get(violation.event).filter(|event| event.asked == Asked::Load)?;
    let last = wrong.ended?;
    let known = history.events.iter().filter(|event| event.key == wrong.key && event.began < last);
    let bars = known.map(|event| Bar::of(event, last, false)).collect();
    Some(Plan::of(bars, Vec::new(), "nothing").possible(last).join(" or "))
}

/// An operation.
struct Bar {
    client: u8,
    asked: Asked,
    /// What is known of the answer.
    told: Told,
    began: u64,
    /// When the answer came; none if it did not, or not yet.
    ended: Option<u64>,
    label: String,
    answer: String,
    under_fault: bool,
    audit: bool,
    wrong: bool,
    /// Its row in the lane of its client: more than one where the client left something under way.
    row: usize,
}

impl Bar {
    fn of(event: &Event, last: u64, wrong: bool) -> Self {
        let ended = event.ended.filter(|ended| *ended <= last);
        let told = if ended.is_some() { event.told.clone() } else { Told::Unanswered };
        let answer = match (ended, &event.told) {
            (None, Told::Unanswered) => "nobody waited".to_owned(),
            (None, _) => "still under way".into(),
            (Some(_), told) => told.to_string(),
        };
        Self {
            client: event.client,
            asked: event.asked,
            told,
            began: event.began,
            ended,
            label: event.asked.to_string(),
            answer: format!("→ {answer}"),
            under_fault: event.under_fault,
            audit: event.audit,
            wrong,
            row: 0,
        }
    }

    /// Whether it changes the record, if it is done.
    fn writes(&self) -> bool {
        let refused = matches!(self.told, Told::Taken | Told::Missing);
        !refused && self.asked.is_write()
    }

    /// The instant after which it can no longer take effect.
    fn settled(&self) -> u64 {
        self.ended.filter(|_| !self.told.is_open()).unwrap_or(u64::MAX)
    }

    /// What is in the store once it has taken effect.
    fn leaves(&self) -> String {
        self.asked.written().map_or_else(|| "nothing".into(), |write| format!("w{write}"))
    }
}

struct Plan {
    bars: Vec<Bar>,
    crashes: Vec<u64>,
    /// Every beginning and end, in order.
    instants: Vec<u64>,
    /// Where each of them is, and the right edge.
    places: Vec<usize>,
    /// The clients, with the rows that each needs.
    clients: Vec<(u8, usize)>,
    /// What is in the store before all of them.
    before: &'static str,
}

impl Plan {
    fn of(mut bars: Vec<Bar>, crashes: Vec<u64>, before: &'static str) -> Self {
        let mut instants: Vec<u64> = bars
            .iter()
            .flat_map(|bar| [Some(bar.began), bar.ended])
            .flatten()
            .chain(crashes.clone())
            .collect();
        instants.sort_unstable();
        instants.dedup();
        let clients = rows(&mut bars);
        let mut plan = Self { bars, crashes, instants, places: Vec::new(), clients, before };
        plan.place();
        plan
    }

    /// Gives each instant its place, so far from the one before that what is written in the bars has room.
    fn place(&mut self) {
        let mut rooms = vec![INSTANT; self.instants.len()];
        let mut bars: Vec<&Bar> = self.bars.iter().collect();
        bars.sort_by_key(|bar| bar.ended.unwrap_or(u64::MAX));
        for bar in bars {
            let texts = [&bar.label, &bar.answer].map(|text| width(&cut(text, MOST_CHARACTERS)));
            let wanted = texts.into_iter().max().unwrap_or_default() + 18;
            let from = self.index(bar.began);
            let to = bar.ended.map_or(rooms.len(), |ended| self.index(ended));
            let room: usize = rooms[from..to].iter().sum();
            if let Some(last) = rooms[from..to].last_mut() {
                *last += wanted.saturating_sub(room);
            }
        }
        let mut x = EDGE;
        self.places = vec![x];
        for room in rooms {
            x += room;
            self.places.push(x);
        }
    }

    fn index(&self, instant: u64) -> usize {
        self.instants.partition_point(|other| *other < instant)
    }

    fn x(&self, instant: u64) -> usize {
        self.places[self.index(instant)]
    }

    fn width(&self) -> usize {
        let bars = self.places.last().copied().unwrap_or_default();
        let deaths = self.crashes.iter().map(|died| self.x(*died) + width(KILLED));
        let quiet = self.bars.iter().find(|bar| bar.audit).map(|bar| self.x(bar.began) + width(QUIET));
        deaths.chain(quiet).chain([bars]).max().unwrap_or_default() + EDGE
    }

    /// The upper edge of a client's lane.
    fn lane(&self, client: u8) -> usize {
        let before = self.clients.iter().take_while(|(other, _)| *other != client);
        AXIS + before.map(|(_, rows)| rows * ROW + 6).sum::<usize>()
    }

    fn store(&self) -> usize {
        AXIS + self.clients.iter().map(|(_, rows)| rows * ROW + 6).sum::<usize>() + 8
    }

    fn height(&self) -> usize {
        self.store() + STORE
    }

    fn draw(&self, key: u32) -> Picture {
        let mut canvas = Canvas::new(self.width(), self.height());
        for (client, _) in self.clients.iter().skip(1) {
            canvas.line("edge", (0, self.lane(*client) - 4), (self.width(), self.lane(*client) - 4));
        }
        canvas.line("edge", (0, self.store() - 6), (self.width(), self.store() - 6));
        if let Some(first) = self.bars.iter().find(|bar| bar.audit) {
            let x = self.x(first.began) - 6;
            canvas.line("quiet", (x, 4), (x, self.height()));
            canvas.text("time", (x + 5, 14), QUIET);
        }
        self.promises(&mut canvas);
        for bar in &self.bars {
            self.bar(&mut canvas, bar);
        }
        for died in &self.crashes {
            let x = self.x(*died);
            canvas.line("death", (x, 4), (x, self.height()));
            canvas.text("wrong", (x + 5, 14), KILLED);
        }
        if let Some(wrong) = self.bars.iter().find(|bar| bar.wrong) {
            let x = wrong.ended.map_or(self.width() - EDGE, |ended| self.x(ended));
            canvas.line("here", (x, 22), (x, self.height()));
            canvas.text("wrong end", (x - 4, 30), "does not fit");
        }
        let described = format!("{} operations of {} clients on k{key}", self.bars.len(), self.clients.len());
        Picture { labels: self.labels(key), lanes: canvas.finish(&described) }
    }

    fn bar(&self, canvas: &mut Canvas, bar: &Bar) {
        let (x, y) = (self.x(bar.began), self.lane(bar.client) + bar.row * ROW);
        let to = bar.ended.map_or(self.width() - EDGE, |ended| self.x(ended));
        let class = match bar {
            Bar { wrong: true, .. } => "op bad",
            Bar { under_fault: true, .. } => "op fault",
            Bar { ended: None, .. } => "op open",
            _ => "op",
        };
        let fault = if bar.under_fault { ", while a part of the store fails" } else { "" };
        canvas.group(&format!("client {}: {} {}{fault}", bar.client, bar.label, bar.answer), |canvas| {
            let area = Area { x, y, width: to.saturating_sub(x).max(8), height: BAR };
            canvas.area(class, area);
            canvas.text("", (x + 8, y + 16), &cut(&bar.label, MOST_CHARACTERS));
            let class = if bar.wrong { "wrong" } else { "answer" };
            canvas.text(class, (x + 8, y + 31), &cut(&bar.answer, MOST_CHARACTERS));
        });
    }

    /// What may be in the store between two instants.
    fn possible(&self, from: u64) -> Vec<String> {
        let begun: Vec<&Bar> = self.bars.iter().filter(|bar| bar.writes() && bar.began <= from).collect();
        let done = |bar: &&&Bar| bar.settled() <= from;
        let last = |one: &&&Bar| !begun.iter().filter(done).any(|other| one.settled() < other.began);
        // What is deleted cannot be updated, unless it was made again.
        let deleted =
            begun.iter().filter(done).filter(|bar| bar.asked == Asked::Delete).map(|bar| bar.began).max();
        let made = begun.iter().any(|bar| {
            matches!(bar.asked, Asked::Insert(_) | Asked::Upsert(_))
                && deleted.is_some_and(|deleted| bar.settled() > deleted)
        });
        let is_lost = |bar: &&&Bar| matches!(bar.asked, Asked::Update(_)) && deleted.is_some() && !made;
        let mut possible: Vec<String> =
            begun.iter().filter(last).filter(|bar| !is_lost(bar)).map(|bar| bar.leaves()).collect();
        if !begun.iter().any(|bar| bar.settled() <= from) {
            possible.insert(0, self.before.into());
        }
        let mut seen = Vec::new();
        possible.retain(|one| {
            !seen.contains(one) && {
                seen.push(one.clone());
                true
            }
        });
        possible
    }

    /// The lane of the store: what must be there by what it has answered, or what may be while it is being changed.
    fn promises(&self, canvas: &mut Canvas) {
        let y = self.store();
        let mut runs: Vec<(usize, usize, Vec<String>)> = Vec::new();
        for (index, instant) in self.instants.iter().enumerate() {
            let (from, to) = (self.places[index], self.places[index + 1]);
            let possible = self.possible(*instant);
            match runs.last_mut() {
                Some((_, end, same)) if *same == possible => *end = to,
                _ => runs.push((from, to, possible)),
            }
        }
        for (from, to, possible) in runs {
            let text = possible.join(" or ");
            canvas.group(&format!("in the store: {text}"), |canvas| {
                let class = match possible.as_slice() {
                    [one] if one == "nothing" => "empty",
                    [_] => "life",
                    _ => "either",
                };
                canvas.area(class, Area { x: from, y: y + 22, width: to - from, height: 10 });
                let room = (to - from).saturating_sub(2) * 10 / 73;
                let shown = if text.chars().count() <= room { text.as_str() } else { "" };
                canvas.text("expires mid", (usize::midpoint(from, to), y + 14), shown);
            });
        }
    }

    /// The names of the lanes, a picture of their own that stays where it is when the lanes are scrolled.
    fn labels(&self, key: u32) -> String {
        let mut canvas = Canvas::new(LABELS, self.height());
        for (client, _) in &self.clients {
            canvas.text("name", (0, self.lane(*client) + 24), &format!("client {client}"));
        }
        canvas.text("name", (0, self.store() + 20), &format!("store, k{key}"));
        canvas.text("faint", (0, self.store() + 35), "by its answers");
        canvas.finish("the lanes")
    }
}

/// Gives each operation a row in which it overlaps no other of its client; the clients, each with its rows.
fn rows(bars: &mut [Bar]) -> Vec<(u8, usize)> {
    let mut clients: Vec<u8> = bars.iter().map(|bar| bar.client).collect();
    clients.sort_unstable();
    clients.dedup();
    let mut needed = Vec::new();
    for client in clients {
        let mut ends: Vec<u64> = Vec::new();
        for bar in bars.iter_mut().filter(|bar| bar.client == client) {
            let end = bar.ended.unwrap_or(u64::MAX);
            bar.row = ends.iter().position(|free| *free < bar.began).unwrap_or(ends.len());
            match ends.get_mut(bar.row) {
                Some(free) => *free = end,
                None => ends.push(end),
            }
        }
        needed.push((client, ends.len()));
    }
    needed
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules;

    fn event(client: u8, asked: Asked, told: Told, began: u64, ended: Option<u64>) -> Event {
        Event { told, ended, ..Event::new(client, 1, asked, began) }
    }

    fn revived() -> History {
        let events = vec![
            event(0, Asked::Insert(1), Told::Done, 1, Some(2)),
            event(0, Asked::Update(2), Told::Done, 3, Some(6)),
            event(1, Asked::Delete, Told::Done, 4, Some(5)),
            event(2, Asked::Load, Told::Found(2), 7, Some(8)),
        ];
        History { events, crashes: Vec::new() }
    }

    fn violation(event: usize) -> Violation {
        Violation { rule: rules::CONCURRENT_DELETE_FINAL, event, reason: "because".into() }
    }

    #[test]
    fn each_operation_is_a_bar_and_the_one_that_does_not_fit_is_marked() {
        let picture = draw(&revived(), &violation(3)).unwrap();
        assert_eq!(picture.lanes.matches("class=\"op\"").count(), 3, "{}", picture.lanes);
        assert_eq!(picture.lanes.matches("class=\"op bad\"").count(), 1, "{}", picture.lanes);
        assert_eq!(picture.labels.matches(">client ").count(), 3, "{}", picture.labels);
    }

    #[test]
    fn what_a_right_store_answers_is_drawn_for_each_session() {
        let mut history = revived();
        history.events[3].key = 2;
        history.events.push(Event { audit: true, ..event(0, Asked::Load, Told::Nothing, 9, Some(10)) });
        let pictures = held(&history);
        let bars = |picture: &Picture| picture.lanes.matches("class=\"op\"").count();
        assert_eq!(pictures.iter().map(bars).collect::<Vec<_>>(), [3, 1]);
        assert!(pictures.iter().all(|picture| !picture.lanes.contains("does not fit")));
    }

    #[test]
    fn the_store_holds_what_it_has_acknowledged_and_either_while_writes_overlap() {
        let bars = revived().events.iter().map(|event| Bar::of(event, 8, false)).collect();
        let plan = Plan::of(bars, Vec::new(), "nothing");
        let possible = |instant| plan.possible(instant).join(" or ");
        assert_eq!(possible(1), "nothing or w1");
        assert_eq!(possible(2), "w1");
        assert_eq!(possible(4), "w1 or w2 or nothing");
        assert_eq!(possible(5), "nothing");
        assert_eq!(possible(8), "nothing");
        assert_eq!(expected(&revived(), &violation(3)).as_deref(), Some("nothing"));
        assert_eq!(expected(&revived(), &violation(2)), None);
    }

    #[test]
    fn where_saving_creates_a_save_that_overlaps_with_a_deletion_may_stay() {
        let events = [
            event(0, Asked::Upsert(1), Told::Done, 1, Some(2)),
            event(0, Asked::Upsert(2), Told::Done, 3, Some(6)),
            event(1, Asked::Delete, Told::Done, 4, Some(5)),
            event(1, Asked::Touch(1), Told::Done, 7, Some(8)),
            event(0, Asked::Lapse(3), Told::Done, 9, Some(10)),
        ];
        let plan =
            Plan::of(events.iter().map(|event| Bar::of(event, 10, false)).collect(), Vec::new(), "nothing");
        let possible = |instant| plan.possible(instant).join(" or ");
        assert_eq!(possible(2), "w1");
        assert_eq!(possible(8), "w2 or nothing");
        assert_eq!(possible(10), "nothing");
    }

    #[test]
    fn what_a_client_left_under_way_has_a_row_of_its_own() {
        let history = History {
            events: vec![
                event(0, Asked::Insert(1), Told::Unanswered, 1, None),
                event(0, Asked::Load, Told::Nothing, 2, Some(3)),
                event(0, Asked::Load, Told::Found(1), 4, Some(5)),
            ],
            crashes: Vec::new(),
        };
        let mut bars: Vec<Bar> = history.events.iter().map(|event| Bar::of(event, 5, false)).collect();
        assert_eq!(rows(&mut bars), [(0, 2)]);
        assert_eq!(bars.iter().map(|bar| bar.row).collect::<Vec<_>>(), [0, 1, 1]);
    }

    #[test]
    fn of_a_long_history_the_end_is_drawn() {
        let many = (0..200).map(|n| event(0, Asked::Load, Told::Nothing, 2 * n + 1, Some(2 * n + 2)));
        let history = History { events: many.collect(), crashes: vec![3] };
        let picture = draw(&history, &violation(199)).unwrap().lanes;
        assert_eq!(picture.matches("<rect class=\"op").count(), MOST_EVENTS, "{picture}");
        assert!(!picture.contains("killed"), "{picture}");
    }
}
