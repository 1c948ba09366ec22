//! Carries out a schedule on a Rust store. All futures are polled here, by one thread, so that the schedule alone
//! decides who goes on: the same schedule gives the same history on every store whose only stops are its
//! [parts](crate::parts).

use std::collections::{BTreeMap, HashMap};
use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;
use std::time::{Duration, Instant};

use session_core::{
    AnyStore, Chain, Entries, KeyGenerator, RandomKeys, Record, SessionKey, SessionStore, StoreError,
};
use time::OffsetDateTime;
use tokio::runtime::Runtime;
use tokio::time::timeout;

use super::{CLIENTS, Move, Operation, Schedule, part_of, session};
use crate::history::{Asked, Event, History, Told};
use crate::model::EXPIRY_ENTRY;
use crate::parts::Parts;
use crate::subject::Fault;

/// How long one waits for a client that makes no progress while others are stopped: it may wait for one of those.
pub(crate) const BLOCKED: Duration = Duration::from_millis(200);

/// How long one waits where nothing is stopped any more.
const HANGS: Duration = Duration::from_secs(30);

/// When records expire: in the far future, and an hour ago.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Expiry {
    pub(crate) later: OffsetDateTime,
    pub(crate) ago: OffsetDateTime,
}

/// What a schedule is carried out on.
pub(crate) struct Stage<'a> {
    pub(crate) runtime: &'a Runtime,
    /// One handle per client, in turn.
    pub(crate) stores: &'a [AnyStore],
    pub(crate) parts: &'a Parts,
    pub(crate) expiry: Expiry,
    /// [`BLOCKED`], but in tests.
    pub(crate) patience: Duration,
}

/// An operation under way.
struct Flight<'a> {
    event: usize,
    future: Pin<Box<dyn Future<Output = Told> + Send + 'a>>,
}

struct Drive<'a> {
    stage: &'a Stage<'a>,
    keys: BTreeMap<u32, SessionKey>,
    flights: HashMap<u8, Flight<'a>>,
    history: History,
    instant: u64,
    writes: u32,
    audit: bool,
}

/// Carries out a schedule, lets everything come to its end, and asks for every session at last.
pub(crate) fn drive(stage: &Stage<'_>, schedule: &Schedule) -> Result<History, Fault> {
    let keys = drawn_keys(schedule.keys())?;
    let history = History::default();
    // What a client leaves under way is dropped inside the runtime, too.
    let _inside = stage.runtime.enter();
    let mut drive =
        Drive { stage, keys, flights: HashMap::new(), history, instant: 0, writes: 0, audit: false };
    stage.parts.set_stopping(true);
    let done = drive.all(schedule);
    stage.parts.mend();
    stage.parts.set_stopping(false);
    done.map(|()| drive.history)
}

impl Drive<'_> {
    fn all(&mut self, schedule: &Schedule) -> Result<(), Fault> {
        for one in &schedule.moves {
            self.one(one)?;
        }
        self.finish_all()?;
        self.stage.parts.mend();
        self.audit = true;
        // What is there, what can be done with it, and that it can be ended.
        for key in schedule.keys() {
            for op in
                [Operation::Load, Operation::Update, Operation::Load, Operation::Delete, Operation::Load]
            {
                for client in if op == Operation::Load { 0..2 } else { 0..1 } {
                    self.begin(client, op, key);
                    self.go(client, None, HANGS)?;
                }
            }
        }
        Ok(())
    }

    fn one(&mut self, one: &Move) -> Result<(), Fault> {
        match one {
            Move::Begin { client, op, key, stop } => {
                let client = client % CLIENTS;
                if self.flights.contains_key(&client) {
                    self.finish_all_but_blocked(client)?;
                }
                self.begin(client, *op, session(*key));
                self.go(client, *stop, self.stage.patience)
            }
            Move::Go { client, stop } => self.go(client % CLIENTS, *stop, self.stage.patience),
            Move::Drop { client } => {
                if let Some(flight) = self.flights.remove(&(client % CLIENTS)) {
                    self.history.events[flight.event].under_fault |= self.stage.parts.is_failing();
                }
                Ok(())
            }
            Move::Fail { part, call, when } => {
                if let Some(name) = part_of(*part, &self.stage.parts.names()) {
                    self.stage.parts.fail(name, *call, (*when).into());
                }
                Ok(())
            }
            Move::Mend => {
                self.stage.parts.mend();
                Ok(())
            }
            Move::Forget => {
                self.stage.parts.forget();
                Ok(())
            }
            // What lives in this process cannot be killed.
            Move::Crash { .. } => Ok(()),
        }
    }

    fn tick(&mut self) -> u64 {
        self.instant += 1;
        self.instant
    }

    fn begin(&mut self, client: u8, op: Operation, key: u32) {
        let began = self.tick();
        let asked = op.asked(|| self.write());
        let mut event = Event::new(client, key, asked, began);
        event.audit = self.audit;
        let store = &self.stage.stores[usize::from(client) % self.stage.stores.len()];
        let future = Box::pin(ask(store, self.keys[&key].clone(), asked, self.stage.expiry));
        self.flights.insert(client, Flight { event: self.history.events.len(), future });
        self.history.events.push(event);
    }

    fn write(&mut self) -> u32 {
        self.writes += 1;
        self.writes
    }

    /// Lets a client go on over so many stops, or to the end of what it has under way. One that makes no progress
    /// for so long stays where it is.
    fn go(&mut self, client: u8, stops: Option<u32>, patience: Duration) -> Result<(), Fault> {
        let Some(mut flight) = self.flights.remove(&client) else { return Ok(()) };
        let parts = self.stage.parts;
        parts.take_stopped();
        let mut left = stops;
        let alone = self.flights.is_empty();
        let moved = self.stage.runtime.block_on(async {
            let step = poll_fn(|context| match flight.future.as_mut().poll(context) {
                Poll::Ready(told) => Poll::Ready(Some(told)),
                Poll::Pending => {
                    // A store that shows no parts is stopped where it waits.
                    let stopped = parts.take_stopped() || parts.names().is_empty();
                    match &mut left {
                        Some(left) if stopped && *left <= 1 => Poll::Ready(None),
                        Some(left) if stopped => {
                            *left -= 1;
                            Poll::Pending
                        }
                        _ => Poll::Pending,
                    }
                }
            });
            timeout(if alone { HANGS } else { patience }, step).await
        });
        let event = flight.event;
        self.history.events[event].under_fault |= parts.is_failing();
        match moved {
            Ok(Some(told)) => {
                let ended = self.tick();
                let event = &mut self.history.events[event];
                event.told = told;
                event.ended = Some(ended);
            }
            Err(_) if alone => {
                let asked = self.history.events[event].asked;
                return Err(Fault::Timeout(format!(
                    "`{asked}` did not come to its end within {} s, though nothing else was under way",
                    HANGS.as_secs()
                )));
            }
            // It is stopped, or waits for somebody who is.
            Ok(None) | Err(_) => drop(self.flights.insert(client, flight)),
        }
        Ok(())
    }

    /// Lets a client finish; where it waits for others, they go on first.
    fn finish_all_but_blocked(&mut self, client: u8) -> Result<(), Fault> {
        self.go(client, None, self.stage.patience)?;
        if self.flights.contains_key(&client) { self.finish_all() } else { Ok(()) }
    }

    /// Lets all clients finish, in turn, however slow the store is just now.
    fn finish_all(&mut self) -> Result<(), Fault> {
        let until = Instant::now() + HANGS;
        while !self.flights.is_empty() {
            if Instant::now() > until {
                let words = "operations wait for each other and did not come to an end within";
                return Err(Fault::Timeout(format!("{words} {} s", HANGS.as_secs())));
            }
            for client in 0..CLIENTS {
                self.go(client, None, self.stage.patience)?;
            }
        }
        Ok(())
    }
}

/// A key for each of these sessions, by its number.
pub(super) fn drawn_keys(sessions: impl Iterator<Item = u32>) -> Result<BTreeMap<u32, SessionKey>, Fault> {
    let drawn = |number| RandomKeys.generate().map(|key| (number, key));
    sessions.map(drawn).collect::<Result<_, _>>().map_err(|error| Fault::Harness(error.to_string()))
}

/// Asks a store, and puts what it answers into the terms of a history. One that is asked to touch is one whose update does
/// that.
pub(crate) async fn ask(store: &AnyStore, key: SessionKey, asked: Asked, expiry: Expiry) -> Told {
    let failed = |error: StoreError| Told::Failed(Chain(&error).to_string());
    let updated = async |record| match store.update(&key, &record).await {
        Ok(_) => Told::Done,
        Err(StoreError::NotFound(_)) => Told::Missing,
        Err(error) => failed(error),
    };
    match asked {
        Asked::Insert(write) => match store.insert(&key, &record(write, expiry.later)).await {
            Ok(_) => Told::Done,
            Err(StoreError::Exists(_)) => Told::Taken,
            Err(error) => failed(error),
        },
        Asked::Update(write) | Asked::Upsert(write) | Asked::Touch(write) => {
            updated(record(write, expiry.later)).await
        }
        Asked::Lapse(write) => updated(lapsed(write, expiry.ago)).await,
        Asked::ClearExpired => store.clear_expired().await.map_or_else(failed, |_| Told::Done),
        Asked::Delete => store.delete(&key).await.map_or_else(failed, |()| Told::Done),
        Asked::Exists => store.exists(&key).await.map_or_else(failed, Told::There),
        Asked::Load => match store.load(&key).await {
            Ok(None) => Told::Nothing,
            Ok(Some(found)) => {
                written(&found).map_or_else(|| Told::Strange(found.data.to_json().into_owned()), Told::Found)
            }
            Err(StoreError::Corrupt { .. }) => Told::Strange("a record that does not decode".into()),
            Err(error) => failed(error),
        },
    }
}

/// Names of the two entries of a record. Both hold the number of the write, so that a mixture shows.
const NAMES: [&str; 2] = ["write", "again"];

fn record(write: u32, expires: OffsetDateTime) -> Record {
    of(write, "", expires)
}

/// One that expired an hour before it was written. Some stores keep no more of that than the entry says.
fn lapsed(write: u32, ago: OffsetDateTime) -> Record {
    of(write, &format!(r#","{EXPIRY_ENTRY}":-3600"#), ago)
}

fn of(write: u32, more: &str, expires: OffsetDateTime) -> Record {
    let [first, second] = NAMES;
    // As text: not every store tells 1 from 1.0.
    let text = format!(r#"{{"{first}":"{write}","{second}":"{write}"{more}}}"#);
    Record::new(Entries::parse(text.as_bytes()).unwrap_or_default(), expires)
}

/// The number of the write that a record is from.
fn written(record: &Record) -> Option<u32> {
    let number = |text: &str| text.strip_prefix('"')?.strip_suffix('"')?.parse::<u32>().ok();
    let [first, second] = NAMES.map(|name| record.data.get(name).and_then(number));
    let whole = NAMES.len() + usize::from(record.data.get(EXPIRY_ENTRY).is_some());
    first.filter(|_| first == second && record.data.len() == whole)
}

#[cfg(test)]
mod tests {
    use session_backends::MemoryStore;
    use session_core::Capabilities;
    use time::macros::datetime;

    use super::*;

    const EXPIRY: Expiry =
        Expiry { later: datetime!(9999-01-01 00:00 UTC), ago: datetime!(2000-01-01 00:00 UTC) };

    /// A store that is slow to insert: its client is turned to many times before it is done. Where that is dropped, it
    /// needs the runtime, as the connections of some pools do.
    struct Slow(MemoryStore);

    struct NeedsRuntime;

    impl Drop for NeedsRuntime {
        fn drop(&mut self) {
            tokio::runtime::Handle::current();
        }
    }

    impl SessionStore for Slow {
        fn capabilities(&self) -> Capabilities {
            self.0.capabilities()
        }
        async fn exists(&self, key: &SessionKey) -> Result<bool, StoreError> {
            self.0.exists(key).await
        }
        async fn load(&self, key: &SessionKey) -> Result<Option<Record>, StoreError> {
            self.0.load(key).await
        }
        async fn insert(&self, key: &SessionKey, record: &Record) -> Result<SessionKey, StoreError> {
            let _connection = NeedsRuntime;
            let mut turns = 0;
            poll_fn(|_| {
                turns += 1;
                if turns < 100 { Poll::Pending } else { Poll::Ready(()) }
            })
            .await;
            self.0.insert(key, record).await
        }
        async fn update(&self, key: &SessionKey, record: &Record) -> Result<SessionKey, StoreError> {
            self.0.update(key, record).await
        }
        async fn delete(&self, key: &SessionKey) -> Result<(), StoreError> {
            self.0.delete(key).await
        }
    }

    #[test]
    fn what_nobody_waits_for_is_dropped_inside_the_runtime() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let stores = [AnyStore::without_offload(Slow(MemoryStore::new(10)))];
        let (parts, expiry) = (Parts::default(), EXPIRY);
        let stage = Stage { runtime: &runtime, stores: &stores, parts: &parts, expiry, patience: BLOCKED };
        let begin = Move::Begin { client: 0, op: Operation::Insert, key: 1, stop: Some(1) };
        let schedule = Schedule { moves: vec![begin, Move::Drop { client: 0 }] };
        let history = drive(&stage, &schedule).unwrap();
        assert_eq!(history.events[0].ended, None);
    }

    #[test]
    fn a_slow_store_is_waited_for_also_where_several_clients_wait() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let stores = [AnyStore::without_offload(Slow(MemoryStore::new(10)))];
        let (parts, expiry) = (Parts::default(), EXPIRY);
        // Each turn is as short as can be.
        let stage =
            Stage { runtime: &runtime, stores: &stores, parts: &parts, expiry, patience: Duration::ZERO };
        let begin = |client, key| Move::Begin { client, op: Operation::Insert, key, stop: Some(1) };
        let schedule = Schedule { moves: vec![begin(0, 1), begin(1, 2), begin(2, 1)] };
        let history = drive(&stage, &schedule).unwrap();
        assert!(history.events.iter().all(|event| event.ended.is_some()), "{history:?}");
    }
}
