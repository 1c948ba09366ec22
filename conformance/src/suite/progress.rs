//! What the suite tells while it runs.

use crate::manifest::Manifest;
use crate::report::Failure;
use crate::rule::RuleId;

/// What the suite looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Work {
    /// The golden trace of a rule.
    Rule(RuleId),
    /// Traces with values, names and keys that stores have changed or mistaken.
    Corpus,
    /// Generated traces.
    Generated,
    /// What overlaps, fails and dies.
    Overlapping,
}

/// What is told while the suite runs.
#[derive(Debug)]
#[non_exhaustive]
pub enum Progress<'a> {
    /// So many traces of so many are done.
    Done {
        /// How many are done.
        done: usize,
        /// How many there are.
        total: usize,
    },
    /// What is looked at from here on.
    Working(Work),
    /// A rule was found to be broken, and its trace was made small.
    Failed {
        /// How.
        failure: &'a Failure,
        /// Of what.
        manifest: &'a Manifest,
    },
}
