//! Files that the suite wrote, or its user.

use session_conformance::report::{Difference, KnownFailures, Written, badge};

/// A report is compared with itself, and nothing is worse; known failures are read or refused.
pub fn check(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else { return };
    let _ = KnownFailures::parse(text);
    let Ok(report) = Written::parse(text) else { return };
    let _ = badge(&report);
    let again = Written::parse(text).expect("it was read just now");
    assert!(!Difference::of(&report, &again, 2.0).is_worse(), "a report is worse than itself");
}
