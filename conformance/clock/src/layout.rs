// The file that the suite writes and the library in a program maps: where in it what stands. Both sides are compiled
// with this file.
//
// There are two slots. Who sets the clock fills the one that is not in use, and then counts the byte at `COUNTER` up;
// its lowest bit names the slot in use. A single byte is never seen half written, and a writer that dies leaves the
// slot in use as it was.

/// How large the file is: a page.
pub(crate) const LENGTH: usize = 4096;

/// What stands at the beginning of such a file.
pub(crate) const MAGIC: [u8; 8] = *b"sessclk1";

/// Where the counter is, a byte.
pub(crate) const COUNTER: usize = 8;

/// Where the byte is that tells what the monotonic clocks do: one of the two below.
pub(crate) const MONOTONIC: usize = 9;

/// The monotonic clocks go on in real time, and over each move of the clock.
pub(crate) const GOES_ON: u8 = 0;

/// The monotonic clocks stand still with the clock, and count whole seconds.
pub(crate) const STANDS: u8 = 1;

/// Where the slots begin. A slot is two numbers of eight bytes: the instant, in microseconds since the Unix epoch, and
/// by how many microseconds the clock was moved forward altogether.
pub(crate) const SLOTS: usize = 16;

/// How large a slot is.
pub(crate) const SLOT: usize = 16;

/// The instant of a clock that shows real time.
pub(crate) const REAL: i64 = i64::MIN;

/// The variable that names the file.
pub(crate) const VARIABLE: &str = "SESSIONSPEC_CLOCK";
