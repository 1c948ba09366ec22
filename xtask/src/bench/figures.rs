//! What the benchmarks have left behind: criterion's files, and numbers in JSON.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::Failure;

/// What criterion has left behind.
pub(super) struct Figures<'a> {
    pub(super) root: &'a Path,
}

impl Figures<'_> {
    fn directory(&self, group: &str) -> PathBuf {
        self.root.join("target/criterion").join(group)
    }

    /// Whether this group was measured.
    pub(super) fn has(&self, group: &str) -> bool {
        self.directory(group).exists()
    }

    /// What was measured in this group.
    pub(super) fn names(&self, group: &str) -> Result<Vec<String>, Failure> {
        let directory = self.directory(group);
        let found = fs::read_dir(&directory)
            .and_then(|found| found.map(|entry| Ok(entry?.file_name())).collect::<io::Result<Vec<_>>>())
            .map_err(|error| Failure::one("bench", format!("{}: {error}", directory.display())))?;
        let names = found.into_iter().filter_map(|name| name.into_string().ok());
        // Criterion keeps a summary beside them.
        Ok(names.filter(|name| name != "report").collect())
    }

    /// The rounds in which something was measured; it is one itself if there were none.
    fn rounds(&self, group: &str, name: &str) -> Result<Vec<PathBuf>, Failure> {
        let whole = self.directory(group).join(name);
        if whole.join("new").exists() {
            return Ok(vec![whole]);
        }
        let rounds = fs::read_dir(&whole)
            .and_then(|rounds| rounds.map(|round| Ok(round?.path())).collect::<io::Result<Vec<_>>>())
            .map_err(|error| Failure::one("bench", format!("{}: {error}", whole.display())))?;
        // Criterion keeps a summary beside them.
        Ok(rounds.into_iter().filter(|round| round.join("new").exists()).collect())
    }

    /// The median time of the quickest round, in nanoseconds: what else runs on the machine only ever slows.
    pub(super) fn time(&self, group: &str, name: &str) -> Result<f64, Failure> {
        let times = self.rounds(group, name)?.into_iter().map(|round| {
            let estimates = read(&round.join("new/estimates.json"))?;
            number(&estimates, "/median/point_estimate")
        });
        let quickest = times.collect::<Result<Vec<_>, _>>()?.into_iter().reduce(f64::min);
        quickest.ok_or_else(|| Failure::one("bench", format!("nothing was measured of {group}, {name}")))
    }

    /// Elements in a second.
    pub(super) fn throughput(&self, group: &str, name: &str) -> Result<f64, Failure> {
        let about = self.directory(group).join(name).join("new/benchmark.json");
        let elements = number(&read(&about)?, "/throughput/Elements")?;
        Ok(elements * 1e9 / self.time(group, name)?)
    }
}

fn read(path: &Path) -> Result<Value, Failure> {
    let fault = |reason: String| Failure::one("bench", format!("{}: {reason}", path.display()));
    let text = fs::read_to_string(path).map_err(|error| fault(error.to_string()))?;
    serde_json::from_str(&text).map_err(|error| fault(error.to_string()))
}

/// A number in JSON.
pub(super) fn number(json: &Value, pointer: &str) -> Result<f64, Failure> {
    let found = json.pointer(pointer).and_then(Value::as_f64);
    found.ok_or_else(|| Failure::one("bench", format!("no number at {pointer} of {json}")))
}

/// What criterion leaves behind after two rounds, of which the second was the quicker.
#[cfg(test)]
pub(super) fn measured(root: &Path, group: &str, name: &str, time: u64) {
    for (round, slower) in [("0", 100), ("1", 0)] {
        let directory = root.join("target/criterion").join(group).join(name).join(round).join("new");
        fs::create_dir_all(&directory).unwrap();
        let estimates = serde_json::json!({ "median": { "point_estimate": time + slower } });
        fs::write(directory.join("estimates.json"), estimates.to_string()).unwrap();
    }
}
