//! Mean and deviation of the latest values.

/// A difference that rounding may make.
const SLACK: f64 = 1e-6;

#[derive(Debug, Clone)]
pub(super) struct Window {
    values: Vec<f64>,
    size: usize,
    next: usize,
    mean: f64,
    /// Sum of squared differences from the mean.
    spread: f64,
}

impl Window {
    pub(super) fn new(size: usize) -> Self {
        Self { values: Vec::new(), size, next: 0, mean: 0.0, spread: 0.0 }
    }

    /// Whether a value is more than `gamma` deviations over the mean; never of fewer than two values.
    pub(super) fn exceeded(&self, value: f64, gamma: f64) -> bool {
        let count = self.values.len();
        count >= 2 && value > self.mean + gamma * (self.spread.max(0.0) / count as f64).sqrt() + SLACK
    }

    /// Takes a value in the place of the oldest (Welford's update, both ways).
    pub(super) fn push(&mut self, value: f64) {
        if self.values.len() < self.size {
            self.values.push(value);
            let apart = value - self.mean;
            self.mean += apart / self.values.len() as f64;
            self.spread += apart * (value - self.mean);
            return;
        }
        let old = std::mem::replace(&mut self.values[self.next], value);
        let before = self.mean;
        self.mean += (value - old) / self.size as f64;
        self.spread += (value - old) * (value - self.mean + old - before);
        self.next = (self.next + 1) % self.size;
        if self.next == 0 {
            // What rounding left behind does not stay.
            self.mean = self.values.iter().sum::<f64>() / self.size as f64;
            self.spread = self.values.iter().map(|x| (x - self.mean) * (x - self.mean)).sum();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn it_knows_mean_and_deviation(values in prop::collection::vec(-9.0..9.0f64, 1..60), size in 2usize..9) {
            let mut window = Window::new(size);
            for (at, &value) in values.iter().enumerate() {
                window.push(value);
                let latest = &values[(at + 1).saturating_sub(size)..=at];
                let mean = latest.iter().sum::<f64>() / latest.len() as f64;
                let spread: f64 = latest.iter().map(|x| (x - mean) * (x - mean)).sum();
                prop_assert!((window.mean - mean).abs() < 1e-9 && (window.spread - spread).abs() < 1e-7);
            }
        }
    }
}
