//! What is logged while something is done.

#[path = "../captured/mod.rs"]
mod captured;

use captured::Log;

/// All that `tracing` is told on this thread meanwhile.
pub(crate) fn logged(work: impl FnOnce()) -> String {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt().with_writer(log.clone()).with_ansi(false).finish();
    tracing::subscriber::with_default(subscriber, work);
    log.text()
}
