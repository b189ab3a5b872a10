//! Vectors brought into the form in which rows are written, many at a time on several threads.

use crate::cancel::Cancel;
use crate::error::Result;
use crate::id::Slot;
use crate::vector::Keep;
use crate::vector::admission::admit_slot;
use crate::vector::batch::{SHARE, shared};
use crate::vector::flat::FlatIndex;
use crate::vector::scalar_quantizer::quantize;

/// Some vectors, each with its codes and with scale, norm and residual.
struct Ready {
    vectors: Vec<f32>,
    codes: Vec<i8>,
    facts: Vec<[f32; 3]>,
}

impl FlatIndex {
    /// As [`FlatIndex::insert_row`] of many vectors, `(slots, dim)`; appends the numbers of their rows.
    ///
    /// # Errors
    /// As [`FlatIndex::insert`], and [`Error::Cancelled`](crate::error::Error::Cancelled). Without memory some of the
    /// slots own their vector; after any other failure none does.
    pub(super) fn insert_rows(
        &mut self,
        slots: &[Slot],
        vectors: &[f32],
        rows: &mut Vec<usize>,
        threads: usize,
        cancel: Cancel<'_>,
    ) -> Result<()> {
        let dim = self.dim();
        let ready = shared(slots.len(), SHARE, threads, cancel, |share, cancel| {
            cancel.check()?;
            slots[share.clone()].iter().try_for_each(|&slot| admit_slot(slot))?;
            Ok(vec![self.ready(&vectors[share.start * dim..share.end * dim])?])
        })?;
        let mut slots = slots.iter();
        for Ready { vectors, codes, facts } in &ready {
            let parts = vectors.chunks_exact(dim).zip(codes.chunks_exact(dim)).zip(facts);
            for (((vector, codes), &facts), &slot) in parts.zip(&mut slots) {
                self.owners.reserve(slot)?;
                let row = self.owners.next_row();
                self.rows.put_ready(row, vector, codes, facts)?;
                self.owners.take(slot);
                rows.push(row);
            }
        }
        Ok(())
    }

    fn ready(&self, vectors: &[f32]) -> Result<Ready> {
        let (dim, mut vectors) = (self.dim(), vectors.to_vec());
        let (mut codes, mut facts) = (vec![0; vectors.len()], Vec::with_capacity(vectors.len() / dim));
        for (vector, codes) in vectors.chunks_exact_mut(dim).zip(codes.chunks_exact_mut(dim)) {
            self.check("vector", vector)?;
            self.keep().prepare(self.metric, vector);
            let (scale, norm, residual) = quantize(vector, codes);
            facts.push([scale, norm, if self.keep() == Keep::Int8 { 0.0 } else { residual }]);
        }
        Ok(Ready { vectors, codes, facts })
    }
}
