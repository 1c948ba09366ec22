//! What a command that takes long shows meanwhile, on standard error: bars on a terminal, and elsewhere a line now and
//! then, so that nobody takes it for dead.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use session_conformance::observation::shown;

use crate::output::tell;

/// How long it is quiet where there is no terminal.
const QUIET: Duration = Duration::from_secs(5);

/// How far some subjects are.
pub(crate) struct Progress {
    bars: Option<MultiProgress>,
    /// What is counted.
    what: &'static str,
}

/// How far one of them is.
pub(crate) struct Subject {
    name: String,
    what: &'static str,
    bar: Option<ProgressBar>,
    lines: Lines,
}

impl Progress {
    pub(crate) fn of(what: &'static str) -> Self {
        Self { bars: std::io::stderr().is_terminal().then(MultiProgress::new), what }
    }

    pub(crate) fn subject(&self, name: &str) -> Subject {
        let template = format!("{{prefix:10}} {{bar:24}} {{pos}}/{{len}} {}  {{wide_msg}}", self.what);
        let bar = self.bars.as_ref().map(|bars| {
            let bar = bars.add(ProgressBar::new(1)).with_prefix(shown(name));
            match ProgressStyle::with_template(&template) {
                Ok(style) => bar.with_style(style),
                Err(_) => bar,
            }
        });
        Subject { name: name.into(), what: self.what, bar, lines: Lines { next: Instant::now() + QUIET } }
    }
}

impl Subject {
    pub(crate) fn reach(&mut self, done: usize, total: usize) {
        if let Some(bar) = &self.bar {
            bar.set_length(total as u64);
            bar.set_position(done as u64);
        } else if self.lines.due(Instant::now()) {
            tell(&format!("{}: {done} of {total} {}", shown(&self.name), self.what));
        }
    }

    /// Shows what is being looked at, where somebody sees it.
    pub(crate) fn work(&self, on: String) {
        if let Some(bar) = &self.bar {
            bar.set_message(on);
        }
    }

    /// Says something at once.
    pub(crate) fn say(&self, what: &str) {
        let line = format!("{}: {what}", shown(&self.name));
        match &self.bar {
            Some(bar) => bar.println(line),
            None => tell(&line),
        }
    }
}

impl Drop for Subject {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// When the next line is due.
struct Lines {
    next: Instant,
}

impl Lines {
    fn due(&mut self, now: Instant) -> bool {
        let due = now >= self.next;
        if due {
            self.next = now + QUIET;
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_due_after_each_while_and_not_between() {
        let start = Instant::now();
        let mut lines = Lines { next: start + QUIET };
        let seen: Vec<bool> =
            [0, 4, 5, 6, 9, 30, 31].map(|s| lines.due(start + Duration::from_secs(s))).into();
        assert_eq!(seen, [false, false, true, false, false, true, false]);
    }
}
