//! The number of this process, kept: to ask the system takes longer than many a look-up.

#![allow(unsafe_code)]

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

/// 0 as long as nobody asked.
static NUMBER: AtomicU32 = AtomicU32::new(0);

/// The number of this process, as [`std::process::id`]. A fork forgets what its parent knew.
pub fn id() -> u32 {
    match NUMBER.load(Ordering::Relaxed) {
        0 => asked(),
        number => number,
    }
}

#[cold]
fn asked() -> u32 {
    static FORGETS: OnceLock<bool> = OnceLock::new();
    let number = std::process::id();
    if *FORGETS.get_or_init(forgets) {
        NUMBER.store(number, Ordering::Relaxed);
    }
    number
}

/// Has forks forget the number; false where they cannot be told to.
#[cfg(unix)]
fn forgets() -> bool {
    extern "C" fn forget() {
        NUMBER.store(0, Ordering::Relaxed);
    }
    // SAFETY: the handler stays as long as the process, and only stores to an atomic, which a fork may do at once.
    unsafe { libc::pthread_atfork(None, None, Some(forget)) == 0 }
}

#[cfg(not(unix))]
fn forgets() -> bool {
    true
}

#[cfg(test)]
mod tests {
    #[test]
    fn it_is_what_the_system_says() {
        assert_eq!([super::id(), super::id()], [std::process::id(); 2]);
    }
}
