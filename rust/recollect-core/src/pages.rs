//! Zeroed buffers that start on a cache line and, once large, lie on huge pages.
//!
//! A scan beyond the caches is bytes over bandwidth, and huge pages are worth about half as much again of it.
#![allow(unsafe_code)]

use std::alloc::{Layout, alloc_zeroed, dealloc};
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;

pub use bytemuck::Pod;

use crate::error::{Error, Result};

/// Bytes from which a buffer asks for huge pages, and their size.
pub const HUGE: usize = 2 << 20;

/// Bytes of a small page.
const SMALL: usize = 4096;

/// Alignment of every buffer: one cache line, one AVX-512 register.
pub const LINE: usize = 64;

/// A fixed number of zeroed elements, aligned to [`LINE`], or to [`HUGE`] from [`HUGE`] bytes on (Linux).
pub struct Pages<T: Pod> {
    start: NonNull<u8>,
    len: usize,
    room: Room,
    holds: PhantomData<T>,
}

#[derive(Clone, Copy)]
enum Room {
    Nothing,
    Heap(Layout),
    #[cfg(target_os = "linux")]
    Mapped(usize),
}

// SAFETY: `Pages` owns its memory alone, and hands it out under the borrow rules of a `Vec<T>`; `Pod` is plain data.
unsafe impl<T: Pod + Send> Send for Pages<T> {}
// SAFETY: as above; `&Pages` gives only `&[T]`.
unsafe impl<T: Pod + Sync> Sync for Pages<T> {}

impl<T: Pod> Pages<T> {
    /// Allocates `len` zeroed elements.
    ///
    /// # Errors
    /// [`Error::Storage`] if the system has no memory for them.
    pub fn zeroed(len: usize) -> Result<Self> {
        Self::reserved(len, true)
    }

    /// As [`Pages::zeroed`], on small pages, where the first touch of a huge one would take too long at once.
    ///
    /// # Errors
    /// As [`Pages::zeroed`].
    pub fn zeroed_bit_by_bit(len: usize) -> Result<Self> {
        Self::reserved(len, false)
    }

    fn reserved(len: usize, huge: bool) -> Result<Self> {
        const { assert!(align_of::<T>() <= LINE) };
        let refused = || Error::Storage(format!("no memory for {len} elements of {} bytes", size_of::<T>()));
        let bytes = len.checked_mul(size_of::<T>()).ok_or_else(refused)?;
        let (start, room) = if bytes == 0 {
            (NonNull::<AlignedLine>::dangling().cast(), Room::Nothing)
        } else {
            reserve(bytes, huge).ok_or_else(refused)?
        };
        Ok(Self { start, len, room, holds: PhantomData })
    }

    /// Writes a zero to each page of zeros, so that the system brings them all in.
    ///
    /// The buffer is still as [`Pages::zeroed`] made it.
    pub fn touch(&mut self) {
        for page in self.chunks_mut((SMALL / size_of::<T>()).max(1)) {
            if let Some(first) = page.first_mut() {
                *first = T::zeroed();
            }
        }
    }

    /// Bytes reserved from the system.
    pub fn bytes(&self) -> usize {
        match self.room {
            Room::Nothing => 0,
            Room::Heap(layout) => layout.size(),
            #[cfg(target_os = "linux")]
            Room::Mapped(bytes) => bytes,
        }
    }
}

/// `len` zeros that somebody else takes over: a vector, on huge pages as far as it spans them (Linux).
///
/// A result that is written once costs mostly the bringing in of its pages, and huge ones are 512 times fewer.
pub fn zeros<T: Pod>(len: usize) -> Vec<T> {
    let made = vec![T::zeroed(); len];
    #[cfg(target_os = "linux")]
    {
        let start = made.as_ptr() as usize;
        let (from, to) = (start.next_multiple_of(SMALL), (start + size_of_val(&made[..])) / SMALL * SMALL);
        if to >= from + 2 * HUGE {
            // SAFETY: these pages lie inside the vector, and the advice changes no contents.
            unsafe { libc::madvise(from as *mut libc::c_void, to - from, libc::MADV_HUGEPAGE) };
        }
    }
    made
}

#[repr(align(64))]
struct AlignedLine;

fn reserve(bytes: usize, huge: bool) -> Option<(NonNull<u8>, Room)> {
    #[cfg(target_os = "linux")]
    if bytes >= HUGE {
        return map(bytes, huge);
    }
    let layout = Layout::from_size_align(bytes, LINE).ok()?;
    // SAFETY: the layout has a size above zero, since `zeroed` takes no zero bytes here.
    let start = NonNull::new(unsafe { alloc_zeroed(layout) })?;
    Some((start, Room::Heap(layout)))
}

/// Maps `bytes`, aligned to a huge page, and asks for huge pages or small ones.
#[cfg(target_os = "linux")]
fn map(bytes: usize, huge: bool) -> Option<(NonNull<u8>, Room)> {
    let whole = bytes.checked_next_multiple_of(HUGE)?;
    // The last page is a huge one too where that wastes less than an eighth.
    let kept = if whole - bytes < whole / 8 { whole } else { bytes.checked_next_multiple_of(SMALL)? };
    let asked = kept.checked_add(HUGE)?;
    let (access, flags) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
    // SAFETY: an anonymous mapping at an address of the system's choice touches no memory of ours.
    let base = unsafe { libc::mmap(std::ptr::null_mut(), asked, access, flags, -1, 0) };
    if base == libc::MAP_FAILED {
        return None;
    }
    let head = (HUGE - base as usize % HUGE) % HUGE;
    let start = base.cast::<u8>().wrapping_add(head);
    let tail = asked - head - kept;
    // SAFETY: head and tail lie inside the mapping just made (head < HUGE, head + kept + tail = asked), and nobody
    // holds a pointer into them; the advice covers the part that stays and changes no contents.
    unsafe {
        if head > 0 {
            libc::munmap(base, head);
        }
        if tail > 0 {
            libc::munmap(start.wrapping_add(kept).cast(), tail);
        }
        let advice = if huge { libc::MADV_HUGEPAGE } else { libc::MADV_NOHUGEPAGE };
        libc::madvise(start.cast(), kept, advice);
    }
    Some((NonNull::new(start)?, Room::Mapped(kept)))
}

impl<T: Pod> Drop for Pages<T> {
    fn drop(&mut self) {
        match self.room {
            Room::Nothing => {}
            // SAFETY: `reserve` allocated `start` with this very layout, and it is freed only here.
            Room::Heap(layout) => unsafe { dealloc(self.start.as_ptr(), layout) },
            #[cfg(target_os = "linux")]
            // SAFETY: `map` left exactly these bytes mapped at `start`, and they are unmapped only here.
            Room::Mapped(bytes) => unsafe {
                libc::munmap(self.start.as_ptr().cast(), bytes);
            },
        }
    }
}

impl<T: Pod> Deref for Pages<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        // SAFETY: `zeroed` reserved `len` elements at `start`, aligned to LINE >= align_of::<T>() and zeroed; every
        // bit pattern is a `Pod`.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr().cast(), self.len) }
    }
}

impl<T: Pod> DerefMut for Pages<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        // SAFETY: as in `deref`, and `&mut self` makes this the only view.
        unsafe { std::slice::from_raw_parts_mut(self.start.as_ptr().cast(), self.len) }
    }
}

impl<T: Pod> std::fmt::Debug for Pages<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Pages({} elements)", self.len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zeroed_aligned_and_writable_at_every_size() {
        for bytes in [0, 1, 63, 64, 65, HUGE - 1, HUGE, HUGE + 1, 2 * HUGE - 100, 2 * HUGE, 5 * HUGE + 7] {
            for mut pages in [Pages::<i8>::zeroed(bytes), Pages::zeroed_bit_by_bit(bytes)].map(Result::unwrap)
            {
                assert_eq!(pages.len(), bytes);
                assert!(pages.iter().all(|&x| x == 0));
                let start = pages.as_ptr().addr();
                assert!(start.is_multiple_of(LINE));
                assert!(cfg!(not(target_os = "linux")) || bytes < HUGE || start.is_multiple_of(HUGE));
                assert!(pages.bytes() >= bytes && pages.bytes() <= bytes + bytes / 7 + 4096);
                pages.fill(-3);
                assert!(pages.iter().all(|&x| x == -3));
            }
        }
    }

    #[test]
    fn zeros_are_zeros_also_where_larger_ones_were_freed() {
        for len in [0, 1, HUGE, 3 * HUGE / 4 + 5, HUGE / 2, 2 * HUGE] {
            for _ in 0..2 {
                let mut made = zeros::<u32>(len);
                assert!(made.len() == len && made.iter().all(|&x| x == 0));
                made.fill(7);
            }
        }
    }

    #[test]
    fn too_much_is_an_error() {
        assert!(matches!(Pages::<f32>::zeroed(usize::MAX), Err(Error::Storage(_))));
        assert!(matches!(Pages::<f32>::zeroed(usize::MAX / 8), Err(Error::Storage(_))));
    }
}
