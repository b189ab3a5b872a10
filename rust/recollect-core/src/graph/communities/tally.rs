//! Sums by label, cleared in the time of what was added.

/// One sum a label.
#[derive(Debug)]
pub(super) struct Tally {
    sums: Vec<f64>,
    used: Vec<u32>,
}

impl Tally {
    pub(super) fn new(labels: usize) -> Self {
        Self { sums: vec![0.0; labels], used: Vec::new() }
    }

    pub(super) fn clear(&mut self) {
        self.used.drain(..).for_each(|label| self.sums[label as usize] = 0.0);
    }

    /// Adds a weight above zero.
    pub(super) fn add(&mut self, label: u32, weight: f64) {
        let sum = &mut self.sums[label as usize];
        if *sum == 0.0 {
            self.used.push(label);
        }
        *sum += weight;
    }

    pub(super) fn of(&self, label: u32) -> f64 {
        self.sums[label as usize]
    }

    pub(super) fn used(&self) -> &[u32] {
        &self.used
    }

    /// The label with the greatest sum; `own` where it is as great, else the smallest of equals.
    pub(super) fn best(&self, own: u32) -> u32 {
        let mut best = own;
        for &label in &self.used {
            let (sum, most) = (self.of(label), self.of(best));
            if sum > most || (sum == most && best != own && label < best) {
                best = label;
            }
        }
        best
    }
}
