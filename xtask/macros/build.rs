//! Cargo builds what a build script depends on only if there is one. This does nothing.

fn main() {}
