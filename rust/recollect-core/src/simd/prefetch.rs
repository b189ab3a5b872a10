//! Asking for memory before it is read; changes nothing but the time of the read.

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::{_MM_HINT_T0, _MM_HINT_T1, _mm_prefetch};

/// Bytes between the line a scan reads and the line it asks for: across the end of a small page, inside the caches.
#[cfg(target_arch = "x86_64")]
pub(super) const AHEAD: usize = 4096;

/// Asks for all cache lines of a slice, soon to be read.
#[inline]
pub fn prefetch<T>(slice: &[T]) {
    for line in (0..size_of_val(slice)).step_by(64) {
        let at = slice.as_ptr().cast::<u8>().wrapping_add(line);
        #[cfg(target_arch = "x86_64")]
        // SAFETY: SSE is part of x86-64, and a prefetch never faults whatever the address is.
        unsafe {
            _mm_prefetch::<_MM_HINT_T0>(at.cast());
        }
        #[cfg(target_arch = "aarch64")]
        // SAFETY: a prefetch never faults whatever the address is, and changes no register.
        unsafe {
            std::arch::asm!("prfm pldl1keep, [{at}]", at = in(reg) at, options(readonly, nostack, preserves_flags));
        }
        #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
        let _ = at;
    }
}

/// Asks for the line [`AHEAD`] of an element that a scan reads, into the second cache; the first is too small.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
pub(super) fn prefetch_ahead<T>(of: &T) {
    let at = std::ptr::from_ref(of).cast::<i8>().wrapping_add(AHEAD);
    // SAFETY: SSE is part of x86-64, and a prefetch never faults, mapped address or not.
    unsafe { _mm_prefetch::<_MM_HINT_T1>(at) };
}
