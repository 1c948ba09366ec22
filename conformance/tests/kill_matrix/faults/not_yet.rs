//! Faults that the suite does not see yet, each with what it would take. Whoever adds that moves them to the others.

/// What is wrong, and why nothing shows it.
pub(crate) struct NotYet {
    pub(crate) name: &'static str,
    pub(crate) wrong: &'static str,
    pub(crate) seen: &'static str,
    pub(crate) needs: &'static str,
}

const fn not_yet(name: &'static str, wrong: &'static str, seen: &'static str, needs: &'static str) -> NotYet {
    NotYet { name, wrong, seen, needs }
}

const EXPIRES: &str = "a step that loads from the store itself and compares `expires`";
const AT_ONCE: &str = "histories of clients that are under way at once";
const FAILURE: &str = "a backend that fails when it is told to";
const CRASH: &str = "a process that is killed";

/// The list.
pub(crate) const NOT_YET: &[NotYet] = &[
    not_yet("loads-another-expiry", "`load` gives the instant of loading for the expiry", "", EXPIRES),
    not_yet(
        "loads-expiry-in-seconds",
        "`load` gives the expiry in whole seconds, though it holds to the microsecond",
        "lucia#1392",
        EXPIRES,
    ),
    not_yet(
        "loads-expiry-of-the-entry",
        "`load` gives the expiry of the entry and not that of the record",
        "",
        EXPIRES,
    ),
    not_yet(
        "clear-selects-then-deletes",
        "clearing deletes what was renewed since it looked",
        "the sweep of a database under READ COMMITTED",
        AT_ONCE,
    ),
    not_yet(
        "failed-update-loses-the-record",
        "an `update` that fails half way leaves no record",
        "",
        FAILURE,
    ),
    not_yet(
        "torn-write",
        "a process that ends while it writes leaves half a record",
        "session-file-store#5, #21",
        CRASH,
    ),
    not_yet("acknowledged-then-lost", "a write that was answered is lost with the process", "", CRASH),
    not_yet(
        "environments-share",
        "two environments on one server see each other's sessions",
        "a key without a prefix",
        "two environments in one trace",
    ),
    not_yet(
        "seven-letters-of-two-bytes",
        "a key of seven characters and fourteen bytes counts as a key",
        "",
        "such a key among the forged ones",
    ),
];
