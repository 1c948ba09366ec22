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

/// The list.
pub(crate) const NOT_YET: &[NotYet] = &[
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
        "such a key among the forged ones; Django's engine for files refuses it with an error",
    ),
];
