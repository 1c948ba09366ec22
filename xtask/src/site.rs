//! Web sites that run for as long as they are wanted: the Django project of the adapters, the example on axum, and
//! one on express-session.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::services::{self, Running};
use crate::{Failure, adapters, command};

/// The secret that every site shares with the programs beside it.
pub(crate) const SECRET: &str = "a site and a program share this";

/// A site on a port of its own, until this is dropped.
pub(crate) struct Site {
    /// The address, without a slash at its end.
    pub(crate) url: String,
    /// What it writes to its output and its log.
    pub(crate) log: PathBuf,
    _server: Running,
}

impl Site {
    /// The Django project, with these variables for its settings; its tables are made.
    pub(crate) fn django(root: &Path, python: &Path, variables: &[(&str, String)]) -> Result<Self, Failure> {
        command::run(manage(root, python, variables).args(["migrate", "--verbosity", "0"]))?;
        Self::start("the Django site", |address| {
            let mut command = manage(root, python, variables);
            command.args(["runserver", "--noreload", address]);
            command
        })
    }

    /// The example on axum, on this store and with these settings, a JSON file. [`command::build`] comes first.
    pub(crate) fn axum(root: &Path, store: &str, settings: &Path) -> Result<Self, Failure> {
        Self::start("the example on axum", |address| {
            let mut command = command::built(root, "examples/visits");
            command.args([store, "--address", address, "--settings"]).arg(settings).env("SECRET_KEY", SECRET);
            command
        })
    }

    /// A site on express-session.
    pub(crate) fn express(node: &adapters::Node) -> Result<Self, Failure> {
        Self::start("the site on express-session", |address| {
            let port = address.rsplit(':').next().unwrap_or_default();
            // By default it refuses headers of 16 KiB.
            let mut command = Command::new(&node.program);
            command.arg("--max-http-header-size=262144").arg(node.place.join("site.mjs")).arg(port);
            command
        })
    }

    fn start(name: &str, command: impl FnOnce(&str) -> Command) -> Result<Self, Failure> {
        let [port] = services::free_ports()?;
        let address = format!("127.0.0.1:{port}");
        let mut server = Running::none()?;
        let log = server.spawn(&mut command(&address), port, name)?;
        Ok(Self { url: format!("http://{address}"), log, _server: server })
    }
}

/// A command of the Django project, whose name and arguments are to be added.
pub(crate) fn manage(root: &Path, python: &Path, variables: &[(&str, String)]) -> Command {
    let mut command = Command::new(python);
    command.current_dir(root).arg("conformance/adapters/django/manage.py");
    command.env("SECRET_KEY", SECRET).envs(variables.iter().cloned());
    command
}
