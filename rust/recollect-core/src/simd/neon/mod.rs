//! Kernels for aarch64, where counting instructions showed that the compiler leaves much of NEON unused.

mod bits;
mod codes;
mod gathered;
mod hadamard;
mod halves;
mod rows;
mod sketch;

pub(super) use bits::{at_least, positive, reaching};
pub(super) use codes::{dot as dot_i8, dotprod, multiplied};
pub(super) use gathered::disagreement_of;
pub(super) use hadamard::hadamard;
pub(super) use halves::{narrow_f16, widen_f16};
pub(super) use rows::*;
pub(super) use sketch::disagreement;
