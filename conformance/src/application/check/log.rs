//! Whether the application writes the keys of sessions into its logs.

use super::{Broken, Run};
use crate::rules;

impl Run<'_> {
    /// Looks at what the application has written since it was driven, if that can be seen.
    pub(super) fn log(&mut self) -> Result<(), String> {
        let Some(written) = self.application.written()? else { return Ok(()) };
        let rule = rules::MIDDLEWARE_KEY_NOT_LOGGED;
        *self.exercised.entry(rule).or_default() += self.keys.len() as u64;
        let told = written.lines().find_map(|line| {
            let key = self.keys.iter().find(|key| line.contains(key.as_str()))?;
            // Whoever reads the report need not learn it either.
            Some(line.replace(key.as_str(), "<the key>"))
        });
        if let Some(line) = told {
            self.broken.push(Broken {
                rule,
                request: format!("{} sessions are begun", self.keys.len()),
                expected: "none of their keys in what the application writes".into(),
                got: format!("the line `{line}`"),
            });
        }
        Ok(())
    }
}
