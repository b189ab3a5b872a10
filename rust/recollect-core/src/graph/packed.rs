//! Whole numbers in as few bytes each as their span needs.

/// A column: a least number, and how far each is above it in 0 to 8 bytes.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Packed {
    least: i64,
    width: usize,
    bytes: Vec<u8>,
}

fn width(span: u64) -> usize {
    (64 - span.leading_zeros() as usize).div_ceil(8)
}

impl Packed {
    pub(super) fn new(values: &[i64]) -> Self {
        let (Some(&least), Some(&most)) = (values.iter().min(), values.iter().max()) else {
            return Self::default();
        };
        let width = width(most.wrapping_sub(least) as u64);
        let mut bytes = Vec::with_capacity(width * values.len());
        if width > 0 {
            for &value in values {
                bytes.extend_from_slice(&value.wrapping_sub(least).to_le_bytes()[..width]);
            }
        }
        Self { least, width, bytes }
    }

    #[inline]
    pub(super) fn get(&self, at: usize) -> i64 {
        match self.width {
            0 => self.least,
            1 => self.least.wrapping_add(i64::from(self.bytes[at])),
            width => {
                let mut out = [0; 8];
                out[..width].copy_from_slice(&self.bytes[at * width..(at + 1) * width]);
                self.least.wrapping_add(i64::from_le_bytes(out))
            }
        }
    }

    /// Puts a value in the place of one of `len`.
    pub(super) fn set(&mut self, at: usize, value: i64, len: usize) {
        let above = value.wrapping_sub(self.least);
        if value >= self.least && width(above as u64) <= self.width {
            let width = self.width;
            self.bytes[at * width..(at + 1) * width].copy_from_slice(&above.to_le_bytes()[..width]);
        } else {
            let mut values: Vec<i64> = (0..len).map(|at| self.get(at)).collect();
            values[at] = value;
            *self = Self::new(&values);
        }
    }

    pub(super) fn remove(&mut self, range: std::ops::Range<usize>) {
        self.bytes.drain(range.start * self.width..range.end * self.width);
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes.capacity()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn numbers() -> impl Strategy<Value = i64> {
        prop_oneof![any::<i64>(), -300i64..300, Just(i64::MIN), Just(i64::MAX), Just(0)]
    }

    proptest! {
        #[test]
        fn a_column_is_a_list(
            mut model in prop::collection::vec(numbers(), 1..40),
            edits in prop::collection::vec((any::<prop::sample::Index>(), prop::option::of(numbers())), 0..20),
        ) {
            let mut column = Packed::new(&model);
            for (at, value) in edits {
                if model.is_empty() {
                    break;
                }
                let at = at.index(model.len());
                match value {
                    Some(value) => {
                        column.set(at, value, model.len());
                        model[at] = value;
                    }
                    None => {
                        column.remove(at..at + 1);
                        model.remove(at);
                    }
                }
                prop_assert_eq!((0..model.len()).map(|at| column.get(at)).collect::<Vec<_>>(), model.clone());
            }
        }
    }

    #[test]
    fn equal_numbers_take_nothing() {
        assert_eq!(Packed::new(&[7; 100]).bytes(), 0);
        assert_eq!(Packed::new(&[1 << 40, (1 << 40) + 255]).bytes(), 2);
    }
}
