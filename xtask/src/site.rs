//! Web sites that run for as long as they are wanted: the Django project of the adapters, and the example on axum.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::services::{self, Running};
use crate::{Failure, command};

/// The only user of the Django site.
pub(crate) const USER: &str = "ada";
pub(crate) const PASSWORD: &str = "lovelace";

/// The secret that every site shares with the programs beside it.
pub(crate) const SECRET: &str = "a site and a program share this";

/// A site on a port of its own, until this is dropped.
pub(crate) struct Site {
    /// The address, without a slash at its end.
    pub(crate) url: String,
    _server: Server,
}

/// What is stopped at the end; neither is looked at again.
enum Server {
    Django { _running: Running },
    Axum(Child),
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Self::Axum(child) = self {
            // One that is gone already is what is wanted.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Site {
    /// The Django project, with these variables for its settings, and its one user.
    pub(crate) fn django(root: &Path, python: &Path, variables: &[(&str, String)]) -> Result<Self, Failure> {
        let manage = |arguments: &[&str]| {
            let mut command = Command::new(python);
            command.current_dir(root).arg("conformance/adapters/django/manage.py").args(arguments);
            command.env("SECRET_KEY", SECRET).envs(variables.iter().cloned());
            command
        };
        command::run(&mut manage(&["migrate", "--verbosity", "0"]))?;
        let mut user = manage(&["createsuperuser", "--noinput", "--verbosity", "0"]);
        user.args(["--username", USER, "--email", "ada@example.com"]);
        command::run(user.env("DJANGO_SUPERUSER_PASSWORD", PASSWORD))?;

        let port = services::free_port()?;
        let address = format!("127.0.0.1:{port}");
        let mut running = Running::none()?;
        running.spawn(&mut manage(&["runserver", "--noreload", &address]), port, "the Django site")?;
        Ok(Self { url: format!("http://{address}"), _server: Server::Django { _running: running } })
    }

    /// The example on axum, on this store and with these settings, a JSON file. [`build_example`] comes first.
    pub(crate) fn axum(root: &Path, store: &str, settings: &Path) -> Result<Self, Failure> {
        let mut command = Command::new(root.join("target/debug/examples/visits"));
        command.args([store, "--address", "127.0.0.1:0", "--settings"]).arg(settings);
        // Its log is wanted only if it does not start.
        let log = tempfile::NamedTempFile::new()?;
        command.env("SECRET_KEY", SECRET).stdout(Stdio::piped()).stderr(log.reopen()?);
        let mut child = command.spawn()?;
        let mut line = String::new();
        let output = child.stdout.take().map(BufReader::new);
        let read = output.map(|mut output| output.read_line(&mut line));
        let server = Server::Axum(child);
        if let (Some(Ok(_)), Some(url)) = (read, line.trim_end().strip_suffix('/')) {
            return Ok(Self { url: url.into(), _server: server });
        }
        let said = std::fs::read_to_string(log.path()).unwrap_or_default();
        Err(Failure::one("site", format!("the example on axum does not start: {said}")))
    }
}

/// Builds an example of the stores, with the features with which the gate of tests has built all beneath it.
pub(crate) fn build_example(root: &Path, name: &str) -> Result<(), Failure> {
    let mut build = Command::new("cargo");
    build.current_dir(root).args(["build", "--quiet", "--workspace", "--all-features", "--example", name]);
    command::run(&mut build)
}
