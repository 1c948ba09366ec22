//! A build without time zones: there is no value of a zone.

use time::{OffsetDateTime, PrimitiveDateTime};

#[derive(Clone, PartialEq, Eq)]
pub(super) enum Zone {}

pub(super) fn named(_: &str) -> Result<Zone, &'static str> {
    Err("this build has no time zones; switch on the feature `time-zone` of session-core")
}

pub(super) fn name(zone: &Zone) -> &str {
    match *zone {}
}

pub(super) fn offset(zone: &Zone, _: OffsetDateTime) -> i32 {
    match *zone {}
}

pub(super) fn instant(zone: &Zone, _: PrimitiveDateTime) -> Option<OffsetDateTime> {
    match *zone {}
}
