//! `cargo xtask book`: the documents as a site, in `target/book`, with what the suite found on the embedded stores.

use std::path::Path;

use crate::{Failure, command};

/// The arguments of `sessionspec` for the report that the site is made with.
pub(crate) const SUITE: &str = "run --report json=target/embedded.json";

/// The arguments of `book`.
pub(crate) const SITE: &str = "--report target/embedded.json --to target/book";

/// Makes the site and checks it.
pub(crate) fn run(root: &Path) -> Result<(), Failure> {
    command::build(root)?;
    command::run(command::sessionspec(root).args(SUITE.split(' ')))?;
    command::run(command::built(root, "book").args(SITE.split(' ')))
}
