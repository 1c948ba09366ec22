//! For programs without an async runtime: any future of this crate can be waited for.

/// Runs a future to its end on the present thread.
///
/// ```
/// use session_core::blocking::Wait;
///
/// assert_eq!(async { 1 + 1 }.wait(), 2);
/// ```
pub trait Wait: Future + Sized {
    /// Waits for the future. Not to be called on a thread that runs futures: it would stand still.
    fn wait(self) -> Self::Output {
        futures_lite::future::block_on(self)
    }
}

impl<F: Future> Wait for F {}
