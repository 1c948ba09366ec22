//! The files of the repository.

use std::fs;
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

/// Copies the files of a folder, and not what is in folders below it, into another one, which is made if need be.
pub(crate) fn copy(from: &Path, to: &Path) -> Result<(), Failure> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            fs::copy(entry.path(), to.join(entry.file_name()))?;
        }
    }
    Ok(())
}
