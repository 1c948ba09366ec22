//! Nothing is built here; see `src/lib.rs`.

fn main() {}
