//! Whether the keys of new sessions could be guessed.

use super::{Broken, Run};
use crate::application::Operation;
use crate::keys::{DRAWS, judge};
use crate::rules;

impl Run<'_> {
    pub(super) fn keys(&mut self) -> Result<(), String> {
        let rule = rules::MIDDLEWARE_KEY_UNGUESSABLE;
        let set = [Operation::Set("a".into(), 1.into())];
        let keys: Vec<String> = (0..DRAWS).map(|_| self.begin(&set)).collect::<Result<_, _>>()?;
        *self.exercised.entry(rule).or_default() += DRAWS as u64;
        if let Err(got) = judge(&keys) {
            self.broken.push(Broken {
                rule,
                request: format!("{DRAWS} sessions are begun"),
                expected: format!("{DRAWS} keys that nobody can guess"),
                got,
            });
        }
        Ok(())
    }
}
