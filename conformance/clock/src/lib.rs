//! A clock that is set from outside, for programs that do not know it.
//!
//! A [`MovedClock`] is a file and a library beside it. A program that is started with the clock's
//! [environment](MovedClock::environment) loads the library before anything else (`LD_PRELOAD`), and the library answers
//! `clock_gettime`, `gettimeofday`, `time` and their like with the instant that the file holds. Nothing in the program is
//! changed, and it need not know: a Redis, a memcached, a Python, PHP or Node process all obey.
//!
//! ```no_run
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let mut clock = session_clock::MovedClock::new()?;
//! clock.set(1_893_456_000_000_000)?; // 2030-01-01T00:00:00Z
//! std::process::Command::new("date").envs(clock.environment()).status()?;
//! # Ok(())
//! # }
//! ```
//!
//! - The date stands still at the instant that was set, until it is set again. A clock that was never set shows real
//!   time, and so does one that was [released](MovedClock::release).
//! - The monotonic clocks go on in real time, and over each move forward: event loops and timeouts work, and what
//!   counts a life by them counts the moves. [`Monotonic::Stands`] is for programs that derive the date from them.
//! - Waiting is not moved: `sleep`, `poll` and waiting until an instant take the real time that the program means.
//!
//! What does not obey: programs that are linked statically or ask the kernel without the C library (as Go's do),
//! programs of another C library (musl), programs that clear their environment, and the times that the file system
//! notes. Whoever uses this asks the program for its time first. It works on Linux with glibc, on `x86_64` and `aarch64`;
//! elsewhere [`MovedClock::new`] says so.
//!
//! The library's source is `preload.rs`. It is the one place of the repository with `unsafe` code, and says why.

mod file;
mod layout;

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use file::ClockFile;
use tempfile::TempDir;

/// The variable that names the file of the clock under which a program runs.
pub const VARIABLE: &str = layout::VARIABLE;

/// The variable by which the loader is told of libraries.
const PRELOAD: &str = "LD_PRELOAD";

/// The library, or why this build has none.
const LIBRARY: Result<&[u8], &str> = include!(concat!(env!("OUT_DIR"), "/library.rs"));

/// The name of the library's file.
const LIBRARY_NAME: &str = "session_clock.so";

/// What the monotonic clocks of a program do, by which timers and event loops run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Monotonic {
    /// They go on in real time, and over each move of the clock.
    GoesOn,
    /// They stand still with the date, and jump by whole seconds with it. For programs that derive the date from them,
    /// as memcached does; timers are over only when the clock is moved.
    Stands,
}

/// A clock that can be set, for programs that are started under it.
///
/// ```no_run
/// use session_clock::MovedClock;
///
/// let mut clock = MovedClock::new()?;
/// let mut server = std::process::Command::new("redis-server").envs(clock.environment()).spawn()?;
/// clock.set(1_893_456_000_000_000)?; // to 2030: whatever expires until then is gone
/// clock.release()?;
/// server.kill()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct MovedClock {
    path: PathBuf,
    library: PathBuf,
    file: ClockFile,
    /// Holds the files that are removed with the clock.
    _place: Option<TempDir>,
}

/// Why there is no such clock, or why it was not set.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClockError {
    /// Programs of this system cannot be moved, or the library could not be compiled.
    #[error("{0}")]
    NotSupported(&'static str),
    /// The file cannot be made, read or written.
    #[error("the clock {}: {source}", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The file is something else.
    #[error("{} is no clock: `sessionspec clock` makes one", .0.display())]
    NoClock(PathBuf),
    /// Another process sets this clock.
    #[error("the clock {} is set by another process, and only one may do so", .0.display())]
    InUse(PathBuf),
    /// A program could not be started under a clock.
    #[error("the program cannot be started under a clock: {0}")]
    NotStarted(#[source] io::Error),
    /// The loader takes no library from such a place.
    #[error("no library can be loaded from {}: its path has a space or a colon in it (TMPDIR names another place)", .0.display())]
    Path(PathBuf),
}

impl ClockError {
    fn file(path: &Path, source: io::Error) -> Self {
        Self::File { path: path.into(), source }
    }
}

/// Whether a program's clock can be moved here.
///
/// # Errors
/// [`ClockError::NotSupported`], with the reason.
pub fn supported() -> Result<(), ClockError> {
    LIBRARY.map(drop).map_err(ClockError::NotSupported)
}

impl MovedClock {
    /// A new clock, which shows real time until it is set. Its files are in a temporary directory and go with it.
    ///
    /// # Errors
    /// [`ClockError`].
    pub fn new() -> Result<Self, ClockError> {
        Self::with(Monotonic::GoesOn)
    }

    /// The same, and what the monotonic clocks do.
    ///
    /// # Errors
    /// [`ClockError`].
    pub fn with(monotonic: Monotonic) -> Result<Self, ClockError> {
        let (place, library) = unpack()?;
        let path = place.path().join("clock");
        let file = ClockFile::create(&path, monotonic)?;
        Ok(Self { path, library, file, _place: Some(place) })
    }

    /// A clock whose file has this path, with the library beside it; if it is there already, that one. The files stay.
    ///
    /// # Errors
    /// [`ClockError`].
    pub fn at(path: &Path, monotonic: Monotonic) -> Result<Self, ClockError> {
        let bytes = LIBRARY.map_err(ClockError::NotSupported)?;
        let path = &std::path::absolute(path).map_err(|error| ClockError::file(path, error))?;
        let mut library = path.clone().into_os_string();
        library.push(".so");
        let library = loadable(library.into())?;
        // Programs that have it loaded keep the one that was there.
        let making = library.with_extension("so.new");
        fs::write(&making, bytes).map_err(|error| ClockError::file(&making, error))?;
        fs::rename(&making, &library).map_err(|error| ClockError::file(&library, error))?;
        let file = match ClockFile::create(path, monotonic) {
            Err(ClockError::File { source, .. }) if source.kind() == io::ErrorKind::AlreadyExists => {
                ClockFile::open(path)?
            }
            made => made?,
        };
        Ok(Self { path: path.into(), library, file, _place: None })
    }

    /// The clock of a program that runs already: the file that another process has made. It may be set by one process
    /// at a time, from its first [`set`](Self::set) on.
    ///
    /// # Errors
    /// [`ClockError`].
    pub fn open(path: &Path) -> Result<Self, ClockError> {
        let file = ClockFile::open(path)?;
        let (place, library) = unpack()?;
        Ok(Self { path: path.into(), library, file, _place: Some(place) })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What it was set to, in microseconds since the Unix epoch; `None` if it shows real time.
    pub fn instant(&self) -> Option<i64> {
        self.file.instant()
    }

    /// By how many microseconds it was moved forward since it was made. Programs count that on their monotonic clocks,
    /// which some keep in 64 bits of nanoseconds: 292 years.
    pub fn moved(&self) -> i64 {
        self.file.moved()
    }

    /// Sets it, in microseconds since the Unix epoch. Programs under it see that at once.
    ///
    /// # Errors
    /// [`ClockError::File`], or [`ClockError::InUse`].
    pub fn set(&mut self, instant: i64) -> Result<(), ClockError> {
        self.file.set(&self.path, instant)
    }

    /// Sets it for a program that is yet to be started, where none runs under it any more: by how much it was moved
    /// before counts no longer.
    ///
    /// # Errors
    /// As [`set`](Self::set).
    pub fn renew(&mut self, instant: i64) -> Result<(), ClockError> {
        self.file.renew(&self.path, instant)
    }

    /// Has it show real time again. Monotonic clocks do not go back.
    ///
    /// # Errors
    /// As [`set`](Self::set).
    pub fn release(&mut self) -> Result<(), ClockError> {
        self.file.release(&self.path)
    }

    /// The variables with which a program runs under this clock. Libraries that this process is to load are loaded
    /// too, after ours.
    pub fn environment(&self) -> [(&'static str, OsString); 2] {
        [(PRELOAD, self.libraries(std::env::var_os(PRELOAD))), (VARIABLE, self.path.clone().into())]
    }

    fn libraries(&self, others: Option<OsString>) -> OsString {
        let mut libraries = self.library.clone().into_os_string();
        if let Some(others) = others.filter(|others| !others.is_empty()) {
            libraries.push(" ");
            libraries.push(others);
        }
        libraries
    }
}

/// Writes the library into a directory of its own, where every user can read it: servers run as others.
fn unpack() -> Result<(TempDir, PathBuf), ClockError> {
    let bytes = LIBRARY.map_err(ClockError::NotSupported)?;
    let temporary = std::env::temp_dir();
    let made = tempfile::Builder::new().prefix("sessionspec-clock-").tempdir();
    let place = made.map_err(|error| ClockError::file(&temporary, error))?;
    let library = loadable(place.path().join(LIBRARY_NAME))?;
    open_to_all(place.path()).map_err(|error| ClockError::file(place.path(), error))?;
    fs::write(&library, bytes).map_err(|error| ClockError::file(&library, error))?;
    Ok((place, library))
}

/// A path that the loader takes: it splits what it is told at spaces and colons.
fn loadable(path: PathBuf) -> Result<PathBuf, ClockError> {
    if path.to_string_lossy().contains([' ', ':']) { Err(ClockError::Path(path)) } else { Ok(path) }
}

#[cfg(unix)]
fn open_to_all(directory: &Path) -> io::Result<()> {
    fs::set_permissions(directory, std::os::unix::fs::PermissionsExt::from_mode(0o755))
}

/// Where there is no such library, nobody loads it.
#[cfg(not(unix))]
fn open_to_all(_: &Path) -> io::Result<()> {
    Ok(())
}
