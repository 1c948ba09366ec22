//! What the command prints: colours where somebody looks at it, none in a pipe or with `NO_COLOR`, and no fuss if the reader
//! has seen enough.

use std::io::{ErrorKind, Write};

use anstyle::{AnsiColor, Style};

const GOOD: Style = AnsiColor::Green.on_default().bold();
const BAD: Style = AnsiColor::Red.on_default().bold();

/// Prints; a reader that has seen enough is no error.
pub(crate) fn print(text: &str) -> Result<(), String> {
    let mut stdout = anstream::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(format!("cannot print: {error}")),
        _ => Ok(()),
    }
}

/// Tells something on standard error.
pub(crate) fn tell(text: &str) {
    // Where nobody listens any more there is nobody to tell that.
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

/// A report with colours in it. They are taken out again where none are wanted.
pub(crate) fn paint(text: &str) -> String {
    text.split_inclusive('\n').map(painted).collect()
}

fn painted(line: &str) -> String {
    for word in ["FAIL", "CRASH", "TIMEOUT", "FLAKY"] {
        if let Some(rest) = line.strip_prefix(word).filter(|rest| rest.starts_with(' ')) {
            return format!("{BAD}{word}{BAD:#}{rest}");
        }
    }
    if let Some(rest) = line.strip_prefix("all held: ") {
        return format!("{GOOD}all held{GOOD:#}: {rest}");
    }
    if let Some((verdict, rest)) = line.split_once(": ")
        && (verdict.ends_with(" did not hold") || verdict.ends_with(" could not be driven"))
    {
        return format!("{BAD}{verdict}{BAD:#}: {rest}");
    }
    let mut out = line.to_owned();
    for word in ["FAIL", "ERROR"] {
        out = out.replace(&format!(" {word} "), &format!(" {BAD}{word}{BAD:#} "));
    }
    out.replace("<- here", &format!("{BAD}<- here{BAD:#}"))
}

/// How the command is called here: by the alias of a workspace, or by its name.
pub(crate) fn command() -> &'static str {
    // Cargo sets it for what it runs.
    if std::env::var_os("CARGO").is_some() { "cargo sessionspec" } else { "sessionspec" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_change_no_word() {
        let text = "FAIL r[key.short]  MUST\n  t=0  s1.save  expected a  got b  <- here\nkey  FAIL 3/4  4/4\n\
                    1 subject did not hold: 3 rules\nall held: 3 rules\n";
        let painted = paint(text);
        assert_eq!(painted.matches(&format!("{BAD}")).count(), 4, "{painted:?}");
        assert_eq!(painted.matches(&format!("{GOOD}")).count(), 1, "{painted:?}");
        assert_eq!(anstream::adapter::strip_str(&painted).to_string(), text);
    }
}
