//! Stores that list, count or remove all their sessions, and not those that there are.

use session_conformance::observation::Listed;

use crate::fault::Base::Listing;
use crate::fault::{Fault, Flaw, fault};
use crate::plain::entries_of;

pub(super) const FAULTS: &[Fault] = &[
    fault(
        "list-has-the-expired",
        "lifecycle.all.listed",
        "the list has what has expired and was not asked for since",
        "",
        Listing,
        Flaw::Lists(|at| at.listed(|_, _| true)),
    ),
    fault(
        "list-ends-after-the-first",
        "lifecycle.all.listed",
        "the list has the first session only",
        "",
        Listing,
        Flaw::Lists(|at| Ok(at.all()?.into_iter().take(1).collect())),
    ),
    fault(
        "list-has-no-data",
        "lifecycle.all.listed",
        "the sessions of the list are empty",
        "",
        Listing,
        Flaw::Lists(|at| {
            let nothing = entries_of("{}");
            Ok(at.all()?.iter().map(|listed| Listed::new(listed.key.as_deref(), Some(&nothing))).collect())
        }),
    ),
    fault(
        "list-has-the-deleted",
        "lifecycle.all.listed",
        "the list comes from an index from which nothing is removed",
        "",
        Listing,
        Flaw::Lists(|at| {
            let mut all = at.all()?;
            all.extend(at.state.deleted.iter().map(|place| Listed::new(Some(place), None)));
            Ok(all)
        }),
    ),
    fault(
        "length-counts-writes",
        "lifecycle.all.counted",
        "the number of sessions is that of writes",
        "",
        Listing,
        Flaw::Counts(|at| Ok(at.state.writes)),
    ),
    fault(
        "length-is-nought",
        "lifecycle.all.counted",
        "the number of sessions is always 0",
        "",
        Listing,
        Flaw::Counts(|_| Ok(0)),
    ),
    fault(
        "remove-all-does-nothing",
        "lifecycle.all.cleared",
        "removing all sessions removes none",
        "",
        Listing,
        Flaw::Empties(|_| Ok(())),
    ),
    fault(
        "remove-all-leaves-what-others-wrote",
        "lifecycle.all.cleared",
        "removing all sessions leaves those that the other handle wrote",
        "",
        Listing,
        Flaw::Empties(|at| {
            let second = at.second;
            at.sweep_those(|row| row.by_second == second);
            Ok(())
        }),
    ),
];
