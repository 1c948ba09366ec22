//! `sessionspec new`: the files that put a store of one's own under the suite. They run as they are, with a small store
//! in them that holds.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::Finding;
use crate::output::{command, print};

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The language of the store
    #[arg(value_enum)]
    language: Language,
    /// Where the files are written, if not here
    #[arg(value_name = "DIR")]
    directory: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Language {
    Rust,
    Python,
    Node,
    Php,
    Go,
}

/// A file: where it goes, and what it holds.
type Template = (&'static str, &'static str);

impl Language {
    fn files(self) -> &'static [Template] {
        match self {
            Self::Rust => &[
                ("Cargo.toml", include_str!("../../../templates/rust/Cargo.toml.in")),
                ("src/lib.rs", include_str!("../../../templates/rust/lib.rs")),
                ("tests/conformance.rs", include_str!("../../../templates/rust/conformance.rs")),
            ],
            Self::Python => &[("adapter.py", include_str!("../../../adapters/python-dict/adapter.py"))],
            Self::Node => &[("adapter.mjs", include_str!("../../../templates/adapter.mjs"))],
            Self::Php => &[("adapter.php", include_str!("../../../templates/adapter.php"))],
            Self::Go => &[("adapter.go", include_str!("../../../templates/adapter.go"))],
        }
    }

    /// What runs them.
    fn next(self, directory: &Path) -> String {
        let file = quoted(&directory.join(self.files()[0].0).display().to_string());
        let interpreter = match self {
            Self::Rust => return format!("cargo test --manifest-path {file}"),
            Self::Python => "python3",
            Self::Node => "node",
            Self::Php => "php",
            Self::Go => "go run",
        };
        format!("{} run --cmd {}", command(), quoted(&format!("{interpreter} {file}")))
    }
}

/// A word as a shell reads it.
pub(crate) fn quoted(word: &str) -> String {
    // What has a NUL in it could not have been an argument of ours.
    shlex::try_quote(word).map_or_else(|_| word.into(), Into::into)
}

pub(crate) fn run(arguments: &Arguments) -> Result<Finding, String> {
    let language = arguments.language;
    let directory = arguments.directory.as_deref().unwrap_or(Path::new(""));
    let places: Vec<PathBuf> = language.files().iter().map(|(name, _)| directory.join(name)).collect();
    if let Some(there) = places.iter().find(|place| place.exists()) {
        return Err(format!(
            "{} is there already, and is left as it is; name another directory, as in `{} new {} my-store`",
            there.display(),
            command(),
            format!("{language:?}").to_lowercase(),
        ));
    }
    for (place, (_, text)) in places.iter().zip(language.files()) {
        write(place, text).map_err(|error| format!("cannot write {}: {error}", place.display()))?;
        print(&format!("wrote {}\n", place.display()))?;
    }
    print(&format!(
        "The small store in it holds every rule that applies. Put your own in its place.\nnext: {}\n",
        language.next(directory)
    ))?;
    Ok(Finding::Held)
}

fn write(place: &Path, text: &str) -> std::io::Result<()> {
    if let Some(directory) = place.parent() {
        fs::create_dir_all(directory)?;
    }
    let text =
        text.replace("python-dict", "my-store").replace("# CRATES\n", &crates(repository().as_deref()));
    // What somebody has made since it was looked for stays too.
    fs::File::create_new(place)?.write_all(text.as_bytes())
}

/// The clone of the repository in which this program was built, if it is still there. There is none where the program
/// comes from a registry of crates.
fn repository() -> Option<PathBuf> {
    let clone = Path::new(env!("CARGO_MANIFEST_DIR")).parent()?;
    clone.join("session-core/Cargo.toml").exists().then(|| clone.to_owned())
}

/// The dependencies of a crate under the suite: by their paths in a clone, else by their version.
fn crates(clone: Option<&Path>) -> String {
    let version = env!("CARGO_PKG_VERSION");
    let from = |folder: &str| match clone {
        // TOML's basic strings escape quotes and backslashes as Rust's do.
        Some(clone) => format!("path = {:?}", clone.join(folder).display().to_string()),
        None => format!("version = {version:?}"),
    };
    let note = clone.map_or_else(String::new, |_| {
        format!(
            "# Not on crates.io yet: these are the crates of the clone whose `sessionspec` wrote this file. Once they are\n\
             # published, `version = {version:?}` stands in the place of each path.\n"
        )
    });
    let (core, suite) = (from("session-core"), from("conformance"));
    format!(
        "{note}[dependencies]\nsession-core = {{ {core} }}\n\n\
         [dev-dependencies]\nsession-conformance = {{ {suite}, default-features = false }}\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crates_are_those_of_a_clone_where_there_is_one() {
        let of_clone = crates(Some(Path::new("/my \"clone\"")));
        assert!(
            of_clone.contains("session-core = { path = \"/my \\\"clone\\\"/session-core\" }\n"),
            "{of_clone}"
        );
        assert!(of_clone.contains("Not on crates.io yet"));
        let published = crates(None);
        assert!(published.starts_with("[dependencies]\nsession-core = { version = \"0."), "{published}");
        assert!(!published.contains("path"), "{published}");
    }

    #[test]
    fn what_is_next_can_be_pasted_into_a_shell_whatever_the_directory_is_called() {
        assert_eq!(Language::Rust.next(Path::new("")), "cargo test --manifest-path Cargo.toml");
        let next = Language::Rust.next(Path::new("my store"));
        assert_eq!(next, "cargo test --manifest-path 'my store/Cargo.toml'");
        let next = Language::Node.next(Path::new("it's"));
        let words = shlex::split(&next).unwrap();
        assert_eq!(shlex::split(words.last().unwrap()).unwrap(), ["node", "it's/adapter.mjs"]);
    }
}
