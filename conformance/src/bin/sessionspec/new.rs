//! `sessionspec new`: the files that put a store of one's own under the suite. They run as they are, with a store in them
//! that is a dictionary and holds.

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
    /// Where the files are written
    #[arg(value_name = "DIR", default_value = ".")]
    directory: PathBuf,
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
        let adapter = |interpreter: &str| {
            let file = directory.join(self.files()[0].0).display().to_string();
            let file = shlex::try_quote(&file).unwrap_or_default().into_owned();
            let line = format!("{interpreter} {file}");
            let quoted = shlex::try_quote(&line).unwrap_or_default().into_owned();
            format!("{} run --cmd {quoted}", command())
        };
        match self {
            Self::Rust => format!("cargo test --manifest-path {}", directory.join("Cargo.toml").display()),
            Self::Python => adapter("python3"),
            Self::Node => adapter("node"),
            Self::Php => adapter("php"),
            Self::Go => adapter("go run"),
        }
    }
}

pub(crate) fn run(arguments: &Arguments) -> Result<Finding, String> {
    let Arguments { language, directory } = arguments;
    let places: Vec<PathBuf> = language.files().iter().map(|(name, _)| directory.join(name)).collect();
    if let Some(there) = places.iter().find(|place| place.exists()) {
        return Err(format!("{} is there already, and is left as it is", there.display()));
    }
    for (place, (_, text)) in places.iter().zip(language.files()) {
        write(place, text).map_err(|error| format!("cannot write {}: {error}", place.display()))?;
        print(&format!("wrote {}\n", place.display()))?;
    }
    print(&format!(
        "It holds as it is: put your own store in the place of the one in it.\nnext: {}\n",
        language.next(directory)
    ))?;
    Ok(Finding::Held)
}

fn write(place: &Path, text: &str) -> std::io::Result<()> {
    if let Some(directory) = place.parent() {
        fs::create_dir_all(directory)?;
    }
    // What somebody has made since it was looked for stays too.
    fs::File::create_new(place)?.write_all(text.replace("python-dict", "my-store").as_bytes())
}
