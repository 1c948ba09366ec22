//! Nothing but dependencies: what macros are written with, in one set of features.
//!
//! Each set of features of a crate asks for other macros, and they for other features of `syn`. Cargo then builds `syn`
//! anew, all macros, and whatever uses one. A gate that names this crate beside the one that it checks has them built
//! once. What a crate itself depends on is not touched: Cargo keeps the features of what runs while it builds apart.
