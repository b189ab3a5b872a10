//! Asking for memory before it is read.

/// Bytes that a scan asks for ahead of the row it reads.
pub(super) const AHEAD: usize = 4096;

/// Asks for the cache lines of a slice; changes nothing but the time of a later read.
#[inline(always)]
pub fn prefetch<T>(rows: &[T]) {
    let bytes = size_of_val(rows);
    for line in (0..bytes).step_by(64) {
        prefetch_line(rows.as_ptr().cast::<u8>().wrapping_add(line));
    }
}

/// Asks for the line at an address, which need not be mapped.
#[inline(always)]
pub(super) fn prefetch_line(at: *const u8) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: SSE is part of x86-64, and a prefetch never faults whatever the address is.
    unsafe {
        std::arch::x86_64::_mm_prefetch::<{ std::arch::x86_64::_MM_HINT_T0 }>(at.cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = at;
}
