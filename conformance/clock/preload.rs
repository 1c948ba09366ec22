//! The library that is loaded into a program (`LD_PRELOAD`) to answer for the system's clock: with the instant that the
//! suite has written into a file.
//!
//! This is the one source in the repository with `unsafe` in it. What it does cannot be done without: it takes the place
//! of functions of the C library, which pass raw pointers, and maps memory that another process writes. It is compiled
//! by `build.rs`, apart from everything else, and runs only in programs that are checked.
//!
//! It is called before `main`, in signal handlers, after `fork` and by allocators. So there is no allocation, no lock
//! and no panic in it, and no standard library; the real time comes straight from the kernel.
//!
//! What it answers, once the clock was set:
//!
//! - the clocks that tell the date stand at the instant that was set;
//! - the monotonic clocks go on in real time, so that timers and event loops work, and over each move of the clock; or,
//!   if the file says so, stand still with it, for programs that derive the date from them;
//! - waiting until an instant (`pthread_cond_timedwait` and its like) waits as long as the program means to: the kernel
//!   knows only the real clocks.

#![no_std]
#![deny(unsafe_op_in_unsafe_fn)]

#[expect(dead_code, reason = "it has what the writing side needs, too")]
#[path = "src/layout.rs"]
mod layout;

use core::arch::asm;
use core::ffi::{CStr, c_char, c_int, c_long, c_void};
use core::ptr;
use core::sync::atomic::{AtomicI64, AtomicPtr, AtomicU8, Ordering, fence};

const SECOND_NS: i64 = 1_000_000_000;
const SECOND_US: i64 = 1_000_000;

// The clocks' numbers in the kernel.
const CLOCK_REALTIME: c_int = 0;
const CLOCK_MONOTONIC: c_int = 1;
const CLOCK_MONOTONIC_RAW: c_int = 4;
const CLOCK_REALTIME_COARSE: c_int = 5;
const CLOCK_MONOTONIC_COARSE: c_int = 6;
const CLOCK_BOOTTIME: c_int = 7;
const CLOCK_REALTIME_ALARM: c_int = 8;
const CLOCK_BOOTTIME_ALARM: c_int = 9;
const CLOCK_TAI: c_int = 11;

/// In `clock_nanosleep` and `timerfd_settime`: the time is an instant.
const ABSOLUTE: c_int = 1;

const ENOSYS: c_int = 38;

// The kernel's numbers of what is called here.
#[cfg(target_arch = "x86_64")]
mod number {
    pub(crate) const CLOSE: i64 = 3;
    pub(crate) const LSEEK: i64 = 8;
    pub(crate) const MMAP: i64 = 9;
    pub(crate) const GETTIMEOFDAY: i64 = 96;
    pub(crate) const TIME: i64 = 201;
    pub(crate) const FUTEX: i64 = 202;
    pub(crate) const CLOCK_GETTIME: i64 = 228;
    pub(crate) const CLOCK_NANOSLEEP: i64 = 230;
    pub(crate) const OPENAT: i64 = 257;
}
#[cfg(target_arch = "aarch64")]
mod number {
    pub(crate) const CLOSE: i64 = 57;
    pub(crate) const LSEEK: i64 = 62;
    pub(crate) const MMAP: i64 = 222;
    pub(crate) const GETTIMEOFDAY: i64 = 169;
    /// There is none; no call has this number.
    pub(crate) const TIME: i64 = -1;
    pub(crate) const FUTEX: i64 = 98;
    pub(crate) const CLOCK_GETTIME: i64 = 113;
    pub(crate) const CLOCK_NANOSLEEP: i64 = 115;
    pub(crate) const OPENAT: i64 = 56;
}

#[derive(Clone, Copy)]
#[repr(C)]
pub struct Timespec {
    sec: i64,
    nsec: i64,
}

#[derive(Clone, Copy)]
#[repr(C)]
pub struct Timeval {
    sec: i64,
    usec: i64,
}

#[derive(Clone, Copy)]
#[repr(C)]
pub struct Itimerspec {
    interval: Timespec,
    value: Timespec,
}

#[link(name = "dl")]
unsafe extern "C" {
    fn dlsym(handle: *mut c_void, name: *const c_char) -> *mut c_void;
    fn dlvsym(handle: *mut c_void, name: *const c_char, version: *const c_char) -> *mut c_void;
}

#[link(name = "c")]
unsafe extern "C" {
    fn __errno_location() -> *mut c_int;
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}

// ---------------------------------------------------------------------------------------------------- the kernel

/// Asks the kernel. What is below zero is an error's number.
///
/// # Safety
/// The arguments must be what the kernel expects under this number.
#[cfg(target_arch = "x86_64")]
unsafe fn kernel(number: i64, [a, b, c, d, e, f]: [i64; 6]) -> i64 {
    let answer;
    // SAFETY: the registers are those of the kernel's interface, and the stack is not touched.
    unsafe {
        asm!("syscall", inlateout("rax") number => answer, in("rdi") a, in("rsi") b, in("rdx") c, in("r10") d,
             in("r8") e, in("r9") f, lateout("rcx") _, lateout("r11") _, options(nostack));
    }
    answer
}

/// As above.
///
/// # Safety
/// The arguments must be what the kernel expects under this number.
#[cfg(target_arch = "aarch64")]
unsafe fn kernel(number: i64, [a, b, c, d, e, f]: [i64; 6]) -> i64 {
    let answer;
    // SAFETY: the registers are those of the kernel's interface, and the stack is not touched.
    unsafe {
        asm!("svc 0", in("x8") number, inlateout("x0") a => answer, in("x1") b, in("x2") c, in("x3") d,
             in("x4") e, in("x5") f, options(nostack));
    }
    answer
}

/// An answer of the kernel as the C library gives it.
fn returned(answer: i64) -> i64 {
    if (-4095..0).contains(&answer) {
        // SAFETY: the C library gives the address of the thread's own number.
        unsafe { *__errno_location() = (-answer) as c_int };
        return -1;
    }
    answer
}

/// The real time of a clock; nothing if there is no such clock.
fn real(clock: c_int) -> Option<Timespec> {
    let mut now = Timespec { sec: 0, nsec: 0 };
    // SAFETY: the kernel fills the structure, which lives until after the call.
    let answer =
        unsafe { kernel(number::CLOCK_GETTIME, [clock.into(), ptr::from_mut(&mut now) as i64, 0, 0, 0, 0]) };
    (answer == 0).then_some(now)
}

// ------------------------------------------------------------------------------------------------------ the file

/// The file, mapped; null where there is none. It is set once, before `main`, and stays.
static PAGE: AtomicPtr<u8> = AtomicPtr::new(ptr::null_mut());

/// Called by the loader before the program's own beginning.
#[used]
#[unsafe(link_section = ".init_array")]
static BEGIN: unsafe extern "C" fn(c_int, *const *const c_char, *const *const c_char) = begin;

/// # Safety
/// The last argument must be the environment, whose end is a null.
unsafe extern "C" fn begin(_: c_int, _: *const *const c_char, mut environment: *const *const c_char) {
    // SAFETY: the loader gives the environment, which ends with a null.
    while let Some(variable) = unsafe { environment.as_ref() }.filter(|variable| !variable.is_null()) {
        // SAFETY: each of its elements is a text.
        let text = unsafe { CStr::from_ptr(*variable) };
        let path = text.to_bytes().strip_prefix(layout::VARIABLE.as_bytes());
        if path.is_some_and(|rest| rest.first() == Some(&b'=')) {
            // SAFETY: the text goes on behind the name and the sign.
            map(unsafe { variable.add(layout::VARIABLE.len() + 1) });
        }
        // SAFETY: this was not the end.
        environment = unsafe { environment.add(1) };
    }
}

/// Maps the file of this path, if it is one of ours.
fn map(path: *const c_char) {
    const AT_FDCWD: i64 = -100;
    const O_CLOEXEC: i64 = 0o2_000_000;
    const SEEK_END: i64 = 2;
    const PROT_READ: i64 = 1;
    const MAP_SHARED: i64 = 1;
    let length = layout::LENGTH as i64;
    // SAFETY: the path is a text. What is mapped is read only, and never unmapped; the file is as long as that, so
    // that reading it cannot fail.
    unsafe {
        let file = kernel(number::OPENAT, [AT_FDCWD, path as i64, O_CLOEXEC, 0, 0, 0]);
        if file < 0 {
            return;
        }
        if kernel(number::LSEEK, [file, 0, SEEK_END, 0, 0, 0]) >= length {
            let page = kernel(number::MMAP, [0, length, PROT_READ, MAP_SHARED, file, 0]);
            if page > 0 && *(page as *const [u8; 8]) == layout::MAGIC {
                PAGE.store(page as *mut u8, Ordering::Release);
            }
        }
        kernel(number::CLOSE, [file, 0, 0, 0, 0, 0]);
    }
}

/// What the file says.
struct Reading {
    /// In microseconds since the Unix epoch; nothing while the clock shows real time.
    instant: Option<i64>,
    /// By how many microseconds the clock was moved forward altogether.
    moved: i64,
    /// Whether the monotonic clocks stand still.
    stands: bool,
}

/// What the file says now; nothing if there is none, or if the clock was never set. One that shows real time again has
/// been moved all the same: monotonic clocks never go back.
fn reading() -> Option<Reading> {
    let page = PAGE.load(Ordering::Acquire);
    if page.is_null() {
        return None;
    }
    // SAFETY: the page is mapped for as long as the program runs, and all of these are within it and aligned. Others
    // write it, so each is read as an atomic.
    unsafe {
        let counter = &*page.add(layout::COUNTER).cast::<AtomicU8>();
        let stands =
            (*page.add(layout::MONOTONIC).cast::<AtomicU8>()).load(Ordering::Relaxed) == layout::STANDS;
        loop {
            let count = counter.load(Ordering::Acquire);
            let slot = page.add(layout::SLOTS + layout::SLOT * usize::from(count & 1)).cast::<AtomicI64>();
            let instant = (*slot).load(Ordering::Relaxed);
            let moved = (*slot.add(1)).load(Ordering::Relaxed);
            fence(Ordering::Acquire);
            // A slot in use is not written. If it is in use no longer, the next one is read.
            if counter.load(Ordering::Relaxed) == count {
                let instant = (instant != layout::REAL).then_some(instant);
                let is_set = instant.is_some() || moved != 0;
                return is_set.then_some(Reading { instant, moved, stands });
            }
        }
    }
}

// -------------------------------------------------------------------------------------------------------- clocks

/// What a clock shows; nothing for those that are left to the kernel.
fn shown(clock: c_int, reading: &Reading) -> Option<Timespec> {
    match clock {
        CLOCK_REALTIME | CLOCK_REALTIME_COARSE | CLOCK_REALTIME_ALARM | CLOCK_TAI => date(reading),
        CLOCK_MONOTONIC
        | CLOCK_MONOTONIC_RAW
        | CLOCK_MONOTONIC_COARSE
        | CLOCK_BOOTTIME
        | CLOCK_BOOTTIME_ALARM => {
            match reading.instant {
                // Far from the date, so that the two can be told apart; whole seconds, so that it is always over a
                // second when the date comes to another one.
                Some(instant) if reading.stands => {
                    Some(Timespec { sec: instant.div_euclid(SECOND_US) - 1_500_000_000, nsec: 0 })
                }
                _ => {
                    let now = real(clock)?;
                    let nsec = now.nsec + reading.moved.rem_euclid(SECOND_US) * 1_000;
                    let sec = now.sec + reading.moved.div_euclid(SECOND_US);
                    Some(Timespec { sec: sec + nsec / SECOND_NS, nsec: nsec % SECOND_NS })
                }
            }
        }
        _ => None,
    }
}

/// The date, if it was set.
fn date(reading: &Reading) -> Option<Timespec> {
    let instant = reading.instant?;
    Some(Timespec { sec: instant.div_euclid(SECOND_US), nsec: instant.rem_euclid(SECOND_US) * 1_000 })
}

/// # Safety
/// As the C library's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn clock_gettime(clock: c_int, now: *mut Timespec) -> c_int {
    let reading = reading().filter(|_| !now.is_null());
    match reading.and_then(|reading| shown(clock, &reading)) {
        // SAFETY: it is the caller's, and not null.
        Some(shown) => unsafe { *now = shown },
        // SAFETY: what the caller gave is the kernel's to judge.
        None => unsafe {
            return returned(kernel(number::CLOCK_GETTIME, [clock.into(), now as i64, 0, 0, 0, 0])) as c_int;
        },
    }
    0
}

/// # Safety
/// As the C library's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gettimeofday(now: *mut Timeval, zone: *mut [c_int; 2]) -> c_int {
    let date = reading().and_then(|reading| date(&reading)).filter(|_| !now.is_null());
    let Some(Timespec { sec, nsec }) = date else {
        // SAFETY: what the caller gave is the kernel's to judge.
        return returned(unsafe { kernel(number::GETTIMEOFDAY, [now as i64, zone as i64, 0, 0, 0, 0]) })
            as c_int;
    };
    // SAFETY: they are the caller's; the first is not null.
    unsafe {
        *now = Timeval { sec, usec: nsec / 1_000 };
        if let Some(zone) = zone.as_mut() {
            *zone = [0, 0];
        }
    }
    0
}

/// # Safety
/// As the C library's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn time(now: *mut i64) -> i64 {
    let date = reading().and_then(|reading| date(&reading)).or_else(|| real(CLOCK_REALTIME));
    let seconds = date.map_or(-1, |date| date.sec);
    // SAFETY: it is the caller's, or null.
    if let Some(now) = unsafe { now.as_mut() } {
        *now = seconds;
    }
    seconds
}

/// # Safety
/// As the C library's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn timespec_get(now: *mut Timespec, base: c_int) -> c_int {
    const UTC: c_int = 1;
    const MONOTONIC: c_int = 2;
    let clock = match base {
        UTC => CLOCK_REALTIME,
        MONOTONIC => CLOCK_MONOTONIC,
        _ => return 0,
    };
    // SAFETY: as the caller's.
    if unsafe { clock_gettime(clock, now) } == 0 { base } else { 0 }
}

// ------------------------------------------------------------------------------------------------------- waiting

/// An instant of a clock as this library shows it, in the time of the kernel's clock of that number.
fn in_real_time(clock: c_int, until: Timespec) -> Timespec {
    let Some(shown) = reading().and_then(|reading| shown(clock, &reading)) else { return until };
    let Some(real) = real(clock) else { return until };
    let nsec = until.nsec.saturating_sub(shown.nsec).saturating_add(real.nsec);
    let sec = until.sec.saturating_sub(shown.sec).saturating_add(real.sec);
    let sec = sec.saturating_add(nsec.div_euclid(SECOND_NS));
    // What is over is over; the kernel takes no instant before its beginning.
    if sec < 0 { Timespec { sec: 0, nsec: 0 } } else { Timespec { sec, nsec: nsec.rem_euclid(SECOND_NS) } }
}

/// The clock that an instant is meant on, where the caller does not say: the nearer one. The date is decades ahead of
/// the monotonic clocks.
fn clock_of(until: &Timespec) -> c_int {
    let Some(reading) = reading() else { return CLOCK_REALTIME };
    let distance = |clock| {
        shown(clock, &reading).map_or(i64::MAX, |now| until.sec.saturating_sub(now.sec).saturating_abs())
    };
    if distance(CLOCK_MONOTONIC) < distance(CLOCK_REALTIME) { CLOCK_MONOTONIC } else { CLOCK_REALTIME }
}

/// The same, of what a caller points at; nothing if that is null.
///
/// # Safety
/// The pointer must be null or to a time.
unsafe fn translated(clock: Option<c_int>, until: *const Timespec) -> Option<Timespec> {
    // SAFETY: as the caller says.
    let until = unsafe { until.as_ref() }?;
    Some(in_real_time(clock.unwrap_or_else(|| clock_of(until)), *until))
}

/// The pointer to a time, or null.
fn pointer(time: &Option<Timespec>) -> *const Timespec {
    time.as_ref().map_or(ptr::null(), ptr::from_ref)
}

/// A function of the C library, found when it is first called; null if this C library has none of the name.
struct Next {
    name: &'static CStr,
    found: AtomicPtr<c_void>,
}

impl Next {
    const fn named(name: &'static CStr) -> Self {
        Self { name, found: AtomicPtr::new(ptr::null_mut()) }
    }

    fn find(&self) -> *mut c_void {
        const RTLD_NEXT: *mut c_void = -1_isize as *mut c_void;
        let found = self.found.load(Ordering::Acquire);
        if !found.is_null() {
            return found;
        }
        // The condition variables of before 2.3.2 have another form, and some loaders give theirs without a version.
        // SAFETY: the names are texts.
        let mut next = unsafe { dlvsym(RTLD_NEXT, self.name.as_ptr(), c"GLIBC_2.3.2".as_ptr()) };
        if next.is_null() {
            // SAFETY: as above.
            next = unsafe { dlsym(RTLD_NEXT, self.name.as_ptr()) };
        }
        self.found.store(next, Ordering::Release);
        next
    }
}

/// Functions that wait until an instant, which is their last argument. Those with `clock` say of which clock; the
/// others have objects that know it.
macro_rules! waiting {
    ($($name:ident ( $($argument:ident),* $(; $clock:ident)? ) = $text:literal;)*) => {$(
        /// # Safety
        /// As the C library's.
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $name(
            $($argument: *mut c_void,)* $($clock: c_int,)? until: *const Timespec,
        ) -> c_int {
            static NEXT: Next = Next::named($text);
            type Function = unsafe extern "C" fn(
                $(waiting!(@pointer $argument),)* $(waiting!(@number $clock),)? *const Timespec,
            ) -> c_int;
            let next = NEXT.find();
            if next.is_null() {
                return ENOSYS;
            }
            let clock = None::<c_int>;
            $(let clock = clock.or(Some($clock));)?
            // SAFETY: the function of this name has this form, and its arguments are the caller's.
            unsafe {
                let until = translated(clock, until);
                let next = core::mem::transmute::<*mut c_void, Function>(next);
                next($($argument,)* $($clock,)? pointer(&until))
            }
        }
    )*};
    (@pointer $argument:ident) => { *mut c_void };
    (@number $argument:ident) => { c_int };
}

waiting! {
    pthread_cond_timedwait(condition, mutex) = c"pthread_cond_timedwait";
    pthread_cond_clockwait(condition, mutex; clock) = c"pthread_cond_clockwait";
    pthread_mutex_timedlock(mutex) = c"pthread_mutex_timedlock";
    pthread_mutex_clocklock(mutex; clock) = c"pthread_mutex_clocklock";
    pthread_rwlock_timedrdlock(lock) = c"pthread_rwlock_timedrdlock";
    pthread_rwlock_timedwrlock(lock) = c"pthread_rwlock_timedwrlock";
    pthread_rwlock_clockrdlock(lock; clock) = c"pthread_rwlock_clockrdlock";
    pthread_rwlock_clockwrlock(lock; clock) = c"pthread_rwlock_clockwrlock";
    sem_timedwait(semaphore) = c"sem_timedwait";
    sem_clockwait(semaphore; clock) = c"sem_clockwait";
}

/// # Safety
/// As the C library's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn clock_nanosleep(
    clock: c_int,
    flags: c_int,
    until: *const Timespec,
    left: *mut Timespec,
) -> c_int {
    static NEXT: Next = Next::named(c"clock_nanosleep");
    type Function = unsafe extern "C" fn(c_int, c_int, *const Timespec, *mut Timespec) -> c_int;
    let next = NEXT.find();
    if next.is_null() {
        return ENOSYS;
    }
    // SAFETY: the function of this name has this form, and its arguments are the caller's.
    unsafe {
        let next = core::mem::transmute::<*mut c_void, Function>(next);
        if flags & ABSOLUTE == 0 {
            return next(clock, flags, until, left);
        }
        let until = translated(Some(clock), until);
        next(clock, flags, pointer(&until), left)
    }
}

/// # Safety
/// As the C library's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn timerfd_settime(
    timer: c_int,
    flags: c_int,
    new: *const Itimerspec,
    old: *mut Itimerspec,
) -> c_int {
    static NEXT: Next = Next::named(c"timerfd_settime");
    type Function = unsafe extern "C" fn(c_int, c_int, *const Itimerspec, *mut Itimerspec) -> c_int;
    let next = NEXT.find();
    if next.is_null() {
        return ENOSYS;
    }
    // SAFETY: the function of this name has this form, and its arguments are the caller's.
    unsafe {
        let next = core::mem::transmute::<*mut c_void, Function>(next);
        match new.as_ref() {
            // No time at all stops the timer.
            Some(set) if flags & ABSOLUTE != 0 && (set.value.sec, set.value.nsec) != (0, 0) => {
                let value = in_real_time(clock_of(&set.value), set.value);
                next(timer, flags, &Itimerspec { interval: set.interval, value }, old)
            }
            _ => next(timer, flags, new, old),
        }
    }
}

/// Programs that go to the kernel by the C library's `syscall`, as Rust's standard library does to wait.
///
/// # Safety
/// As the C library's. It takes any number of arguments; those that were not given are not looked at by the kernel.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn syscall(
    call: c_long,
    a: c_long,
    b: c_long,
    c: c_long,
    d: c_long,
    e: c_long,
    f: c_long,
) -> c_long {
    const WAIT_BITSET: c_long = 9;
    const LOCK_PI: c_long = 6;
    const COMMAND: c_long = 0x7f;
    const REALTIME: c_long = 256;
    // SAFETY: the arguments are the caller's, and of the form that belongs to the number.
    unsafe {
        match call {
            number::CLOCK_GETTIME => clock_gettime(a as c_int, b as *mut Timespec).into(),
            number::GETTIMEOFDAY => gettimeofday(a as *mut Timeval, b as *mut [c_int; 2]).into(),
            number::TIME => time(a as *mut i64),
            number::FUTEX if matches!(b & COMMAND, WAIT_BITSET | LOCK_PI) => {
                let date = b & REALTIME != 0 || b & COMMAND == LOCK_PI;
                let clock = if date { CLOCK_REALTIME } else { CLOCK_MONOTONIC };
                let until = translated(Some(clock), d as *const Timespec);
                returned(kernel(call, [a, b, c, pointer(&until) as i64, e, f]))
            }
            number::CLOCK_NANOSLEEP if b & c_long::from(ABSOLUTE) != 0 => {
                let until = translated(Some(a as c_int), c as *const Timespec);
                returned(kernel(call, [a, b, pointer(&until) as i64, d, e, f]))
            }
            _ => returned(kernel(call, [a, b, c, d, e, f])),
        }
    }
}
