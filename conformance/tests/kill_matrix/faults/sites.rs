//! Stores that reach into the storage of another site on the same server.

use crate::fault::Base::Sites;
use crate::fault::{Fault, Flaw, fault};

pub(super) const FAULTS: &[Fault] = &[
    fault(
        "one-table-for-all-sites",
        "lifecycle.other-storage",
        "all sites have one table, whatever name they were given",
        "",
        Sites,
        Flaw::OneSite,
    ),
    fault(
        "delete-reaches-every-site",
        "lifecycle.other-storage",
        "`delete` removes what is under the key on every site",
        "",
        Sites,
        Flaw::Delete(|at, key| {
            at.sweep_everywhere(|place, _| place.ends_with(key.as_str()));
            Ok(())
        }),
    ),
    fault(
        "load-falls-back-to-another-site",
        "lifecycle.other-storage",
        "a key that is not found is looked for on the other sites",
        "",
        Sites,
        Flaw::Load(|at, key| {
            let mut rows = at.state.rows.iter();
            let elsewhere = rows.find(|(place, row)| {
                place.ends_with(&format!(":{}", key.as_str())) && at.now < row.record.expires
            });
            let elsewhere = elsewhere.map(|(_, row)| row.record.clone());
            Ok(at.load(key)?.or(elsewhere))
        }),
    ),
    fault(
        "clear-sweeps-every-site",
        "lifecycle.other-storage",
        "clearing removes what has expired on every site",
        "",
        Sites,
        Flaw::Sweep(|at| {
            let now = at.now;
            Ok(at.sweep_everywhere(|_, row| row.record.expires < now))
        }),
    ),
    fault(
        "remove-all-flushes-the-server",
        "lifecycle.other-storage",
        "removing all sessions empties the server, with the sessions of every site",
        "",
        Sites,
        Flaw::Empties(|at| {
            at.sweep_everywhere(|_, _| true);
            Ok(())
        }),
    ),
    fault(
        "length-counts-every-site",
        "lifecycle.other-storage",
        "the number of sessions is that of all sites",
        "",
        Sites,
        Flaw::Counts(|at| Ok(at.state.rows.len() as u64)),
    ),
];
