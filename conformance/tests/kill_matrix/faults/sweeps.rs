//! Stores that clear too much, or too little.

use session_core::StoreError;
use time::Duration;

use crate::fault::Base::{Cache, Database, Memory, Unswept};
use crate::fault::{Fault, Flaw, fault};

pub(super) const FAULTS: &[Fault] = &[
    fault(
        "clear-takes-all",
        "expiry.clear.keeps-live",
        "clearing removes live records too",
        "spring-session gh-421",
        Database,
        Flaw::Sweep(|at| Ok(at.sweep_those(|_| true))),
    ),
    fault(
        "clear-takes-the-wrong-ones",
        "expiry.clear.keeps-live",
        "clearing removes the live records and keeps the others",
        "AxumSession 0.3.3: `>` for `<`",
        Database,
        Flaw::Sweep(|at| {
            let now = at.now;
            Ok(at.sweep_those(|row| row.record.expires > now))
        }),
    ),
    fault(
        "clear-takes-the-nearly-expired",
        "expiry.clear.keeps-live",
        "clearing removes what expires within a minute",
        "",
        Database,
        Flaw::Sweep(|at| {
            let now = at.now;
            Ok(at.sweep_those(|row| row.record.expires - now < Duration::MINUTE))
        }),
    ),
    fault(
        "clear-forgets-renewals",
        "expiry.clear.keeps-live",
        "clearing goes by the expiry that a record first had",
        "govuk-prototype-kit#2399; a read that is not repeated when the row is deleted",
        Database,
        Flaw::Sweep(|at| {
            let now = at.now;
            Ok(at.sweep_those(|row| row.first_expires < now))
        }),
    ),
    fault(
        "clear-takes-the-old",
        "expiry.clear.keeps-live",
        "clearing removes what was made five seconds ago",
        "a gc by the time of modification",
        Memory,
        Flaw::Sweep(|at| {
            let now = at.now;
            Ok(at.sweep_those(|row| now - row.made > Duration::seconds(5)))
        }),
    ),
    fault(
        "clear-takes-nothing",
        "expiry.clear.removes",
        "clearing removes nothing",
        "",
        Database,
        Flaw::Sweep(|_| Ok(0)),
    ),
    fault(
        "clear-only-when-long-dead",
        "expiry.clear.removes",
        "clearing leaves what expired within the last hour",
        "",
        Database,
        Flaw::Sweep(|at| {
            let now = at.now;
            Ok(at.sweep_those(|row| now - row.record.expires > Duration::HOUR))
        }),
    ),
    fault(
        "clear-stops-after-one",
        "expiry.clear.removes",
        "clearing removes one record at a time",
        "scs 85bfcb2",
        Database,
        Flaw::Sweep(|at| {
            let (now, mut gone) = (at.now, 0);
            Ok(at.sweep_those(|row| {
                let dead = row.record.expires < now && gone < 1;
                gone += u32::from(dead);
                dead
            }))
        }),
    ),
    fault(
        "clear-stops-after-two",
        "expiry.clear.removes",
        "clearing removes two records at most",
        "a LIMIT without a loop",
        Database,
        Flaw::Sweep(|at| {
            let (now, mut gone) = (at.now, 0);
            Ok(at.sweep_those(|row| {
                let dead = row.record.expires < now && gone < 2;
                gone += u32::from(dead);
                dead
            }))
        }),
    ),
    fault(
        "clear-stops-at-the-first-live",
        "expiry.clear.removes",
        "clearing ends at the first record that lives",
        "a queue in the order of making",
        Database,
        Flaw::Sweep(|at| {
            let (now, mut live) = (at.now, false);
            Ok(at.sweep_those(|row| {
                live |= row.record.expires >= now;
                !live
            }))
        }),
    ),
    fault(
        "clear-takes-only-the-handles-own",
        "expiry.clear.removes",
        "clearing leaves what the other handle wrote",
        "",
        Database,
        Flaw::Sweep(|at| {
            let (now, second) = (at.now, at.second);
            Ok(at.sweep_those(|row| row.record.expires < now && row.by_second == second))
        }),
    ),
    fault(
        "clear-fails-where-nothing-is",
        "expiry.clear.removes",
        "clearing is an error where nothing has expired",
        "",
        Database,
        Flaw::Sweep(|at| match at.sweep()? {
            0 => Err(StoreError::unavailable("clear", "no rows")),
            gone => Ok(gone),
        }),
    ),
    fault(
        "clear-takes-the-instant",
        "expiry.clear.boundary",
        "clearing removes what expires at this instant",
        "`<=` for `<`",
        Database,
        Flaw::Sweep(|at| {
            let now = at.now;
            Ok(at.sweep_those(|row| row.record.expires <= now))
        }),
    ),
    fault(
        "clear-takes-the-empty",
        "expiry.clear.keeps-live",
        "clearing removes the sessions without an expiry of their own",
        "axum_session: `expires IS NULL`",
        Database,
        Flaw::Sweep(|at| {
            let now = at.now;
            Ok(at.sweep_those(|row| {
                row.record.expires < now || !row.record.data.contains_key("_session_expiry")
            }))
        }),
    ),
    fault(
        "clear-of-a-cache-takes-all",
        "expiry.clear.keeps-live",
        "clearing a cache flushes it",
        "FLUSHALL",
        Cache,
        Flaw::Sweep(|at| Ok(at.sweep_those(|_| true))),
    ),
    fault(
        "clear-of-a-cache-fails",
        "expiry.clear.automatic",
        "clearing a cache is an error",
        "",
        Cache,
        Flaw::Sweep(|_| Err(StoreError::unsupported("this cache", "clear expired sessions"))),
    ),
    fault(
        "clear-counts-nothing",
        "expiry.clear.count",
        "clearing tells that it removed nothing",
        "",
        Database,
        Flaw::Sweep(|at| {
            let now = at.now;
            at.sweep_those(|row| row.record.expires < now);
            Ok(0)
        }),
    ),
    fault(
        "clear-counts-all",
        "expiry.clear.count",
        "clearing tells how many records there were",
        "",
        Database,
        Flaw::Sweep(|at| {
            let now = at.now;
            let mut all = 0;
            at.sweep_those(|row| {
                all += 1;
                row.record.expires < now
            });
            Ok(all)
        }),
    ),
    fault(
        "clear-pretends",
        "expiry.clear.refused",
        "a store that cannot clear says that it did",
        "",
        Unswept,
        Flaw::Sweep(|_| Ok(0)),
    ),
    fault(
        "clear-is-another-error",
        "expiry.clear.refused",
        "a store that cannot clear says that the storage failed",
        "",
        Unswept,
        Flaw::Sweep(|_| Err(StoreError::unavailable("clear", "not implemented"))),
    ),
];
