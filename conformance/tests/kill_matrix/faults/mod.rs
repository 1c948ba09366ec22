//! The table: each fault in a row, in a file by what it is about.

mod cookies;
mod data;
mod expiry;
mod handles;
mod keys;
mod layered;
mod lifecycle;
mod listing;
mod names;
mod not_yet;
mod numbers;
mod sessions;
mod sessions_dictionary;
mod sessions_flags;
mod sites;
mod sweeps;

use crate::fault::Fault;

pub(crate) use not_yet::NOT_YET;

/// All of them.
pub(crate) fn all() -> impl Iterator<Item = (&'static str, &'static Fault)> {
    let areas: [(&str, &'static [Fault]); 15] = [
        ("Keys", keys::FAULTS),
        ("Records", lifecycle::FAULTS),
        ("All sessions at once", listing::FAULTS),
        ("Time", expiry::FAULTS),
        ("Clearing", sweeps::FAULTS),
        ("Values", data::FAULTS),
        ("Numbers and sizes", numbers::FAULTS),
        ("Names and order", names::FAULTS),
        ("Second handles and restarts", handles::FAULTS),
        ("Several sites", sites::FAULTS),
        ("A cache in front", layered::FAULTS),
        ("Cookies", cookies::FAULTS),
        ("Sessions: their life", sessions::FAULTS),
        ("Sessions: the dictionary", sessions_dictionary::FAULTS),
        ("Sessions: flags and expiry", sessions_flags::FAULTS),
    ];
    areas.into_iter().flat_map(|(area, faults)| faults.iter().map(move |fault| (area, fault)))
}
