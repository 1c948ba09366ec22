//! The files of the repository.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Failure;

/// The files that git tracks or would track, with one of these endings.
pub(crate) fn tracked(root: &Path, endings: &[&str]) -> Result<Vec<PathBuf>, Failure> {
    let listed = crate::command::output(Command::new("git").current_dir(root).args([
        "ls-files",
        "--cached",
        "--others",
        "--exclude-standard",
    ]))?;
    let wanted = |path: &PathBuf| path.extension().is_some_and(|e| endings.iter().any(|ending| e == *ending));
    Ok(listed.lines().map(PathBuf::from).filter(wanted).filter(|path| root.join(path).is_file()).collect())
}
