//! A sum of vectors that is the same in whatever order they come and go.

/// One in the place before the point; sums of 2^31 components of unit vectors fit.
const ONE: f64 = 4_294_967_296.0;

/// Sums of the components in fixed point: adding is exact, and so is taking away.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct VectorSum(Box<[i64]>);

impl VectorSum {
    /// The sum of one vector whose components are at most 1.
    pub(super) fn of(vector: &[f32]) -> Self {
        Self(vector.iter().map(|&x| (f64::from(x) * ONE).round() as i64).collect())
    }

    pub(super) fn add(&mut self, other: &VectorSum) {
        if self.0.len() < other.0.len() {
            self.0 = vec![0; other.0.len()].into();
        }
        self.0.iter_mut().zip(&other.0).for_each(|(a, b)| *a = a.wrapping_add(*b));
    }

    pub(super) fn negative(&self) -> Self {
        Self(self.0.iter().map(|x| x.wrapping_neg()).collect())
    }

    /// The mean of `count` vectors, as long as it is: near 0 where they point apart. Empty where all are zero.
    pub(super) fn mean(&self, count: usize) -> Vec<f32> {
        if self.0.iter().all(|&x| x == 0) {
            return Vec::new();
        }
        let scale = 1.0 / (ONE * count.max(1) as f64);
        self.0.iter().map(|&x| (x as f64 * scale) as f32).collect()
    }

    /// The cosine to a vector of length one, 0 of nothing.
    pub(super) fn cosine(&self, unit: &[f32]) -> f32 {
        let (mut dot, mut norm) = (0.0, 0.0);
        for (&sum, &x) in self.0.iter().zip(unit) {
            let sum = sum as f64;
            dot += sum * f64::from(x);
            norm += sum * sum;
        }
        if norm > 0.0 { (dot / norm.sqrt()) as f32 } else { 0.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_order_gives_the_same_sum(vectors in prop::collection::vec(prop::array::uniform3(-1f32..1.0), 1..20)) {
            let sum = |all: &mut dyn Iterator<Item = &[f32; 3]>| {
                let mut sum = VectorSum::default();
                all.for_each(|vector| sum.add(&VectorSum::of(vector)));
                sum
            };
            let (there, back) = (sum(&mut vectors.iter()), sum(&mut vectors.iter().rev()));
            prop_assert_eq!(&there, &back);
            prop_assume!(!there.mean(1).is_empty());
            let mut rest = there.clone();
            rest.add(&VectorSum::of(&vectors[0]).negative());
            prop_assert!(vectors.len() == 1 || rest == sum(&mut vectors[1..].iter()));
            let mean = there.mean(vectors.len());
            for (at, found) in mean.iter().enumerate() {
                let wanted = vectors.iter().map(|x| f64::from(x[at])).sum::<f64>() / vectors.len() as f64;
                prop_assert!((f64::from(*found) - wanted).abs() < 1e-6);
            }
        }
    }
}
