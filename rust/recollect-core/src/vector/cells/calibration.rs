//! How far a search must go for a recall: read off samples of the index's own vectors.
//!
//! A sample is a query near a stored vector. Its nearest are found by a search of all cells with room to spare, and for
//! each of them it is noted how many cells, nearest first, would have reached it, and by how many standard deviations its
//! code falls short. A recall is then the share of these neighbours within reach. One sample goes with one write, so that
//! no write waits for a round of them.

use super::scanning::Reach;

/// Depths that needs are noted for: neighbours of a sample.
pub(super) const DEPTHS: [usize; 2] = [10, 100];

/// Samples of a round.
pub(super) const SAMPLES: usize = 64;

/// Cells below which there is nothing to choose.
const LEAST_CELLS: usize = 8;

/// Slack of a search that is to find all neighbours, near enough.
pub(super) const AMPLE: f32 = 3.5;

/// Share of the misses that the slack may cost; the cells may cost the others.
const BY_SLACK: f64 = 0.25;

/// What it takes to find one neighbour of one sample.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Need {
    pub cells: u32,
    pub slack: f32,
}

/// The needs that one round of samples found.
#[derive(Debug, Clone, Default, PartialEq)]
pub(in crate::vector) struct Calibration {
    /// By depth.
    pub(super) needs: [Vec<Need>; 2],
    /// Rows there were.
    pub(super) rows: usize,
    /// Cells there were.
    pub(super) cells: usize,
    /// By depth, for rising recalls, what reaches them; made by [`Calibration::finish`].
    steps: [Vec<Step>; 2],
}

/// What reaches a recall.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Step {
    recall: f64,
    need: Need,
    expected: f64,
}

/// Recalls with a step, and how much smaller the share of misses is from one to the next.
const STEPS: i32 = 80;
const FINER: f64 = 0.92;

impl Calibration {
    /// An empty round, for an index of so many rows and cells.
    pub(super) fn of(rows: usize, cells: usize) -> Self {
        Self { rows, cells, ..Self::default() }
    }

    /// Works out the steps, so that a search only looks one up.
    pub(super) fn finish(&mut self) {
        for (steps, needs) in self.steps.iter_mut().zip(&self.needs) {
            *steps = Vec::new();
            if needs.is_empty() {
                continue;
            }
            let (mut by_slack, mut by_cells) = (needs.clone(), needs.clone());
            by_slack.sort_unstable_by(|a, b| a.slack.total_cmp(&b.slack));
            by_cells.sort_unstable_by_key(|need| need.cells);
            let all = needs.len();
            let share = |recall: f64| ((recall * all as f64).ceil() as usize).clamp(1, all);
            for step in 0..STEPS {
                let recall = 1.0 - 0.5 * FINER.powi(step);
                // The share in a sample is off the share in all by about this much.
                let wanted = recall + 0.5 * (recall * (1.0 - recall) / all as f64).sqrt();
                let slack = by_slack[share(1.0 - BY_SLACK * (1.0 - wanted)) - 1].slack;
                let (mut cells, mut reached) = (0, 0);
                for need in by_cells.iter().filter(|need| need.slack <= slack) {
                    if need.cells > cells && reached >= share(wanted) {
                        break;
                    }
                    cells = need.cells;
                    reached += 1;
                }
                let expected = reached as f64 / all as f64;
                steps.push(Step { recall, need: Need { cells, slack }, expected });
            }
        }
    }

    /// How far to go for the best `k` at a recall below one, with `cells` cells by now; and the recall to expect.
    ///
    /// Nothing where the samples do not speak of so deep a search, or of so high a recall.
    pub(super) fn reach(&self, k: f64, recall: f64, cells: usize) -> Option<(Reach, f64)> {
        // The depth by which a search goes must not lie far below its own.
        let depth = DEPTHS.iter().position(|&depth| k <= 1.5 * depth as f64)?;
        if cells < LEAST_CELLS {
            return None;
        }
        let steps = &self.steps[depth];
        let step = steps.get(steps.partition_point(|step| step.recall < recall))?;
        // More cells of the same size mean finer ones: a neighbourhood is spread over more of them.
        let grown = (cells as f64 / self.cells.max(1) as f64).max(1.0).sqrt();
        let wanted = ((f64::from(step.need.cells) * grown).ceil() as usize).min(cells);
        Some((Reach { cells: wanted, slack: step.need.slack }, step.expected))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_share_of_neighbours_within_reach_is_the_recall() {
        let needs = (0..1_000).map(|i| Need { cells: 1 + i % 100, slack: (i / 100) as f32 / 10.0 }).collect();
        let mut calibration = Calibration { needs: [needs, Vec::new()], ..Calibration::of(30_000, 100) };
        calibration.finish();
        for target in [0.6, 0.9, 0.95, 0.99] {
            let (reach, expected) = calibration.reach(10.0, target, 100).unwrap();
            assert!(expected >= target && expected < target + 0.12, "{target} {expected} {reach:?}");
            let (wider, _) = calibration.reach(10.0, target, 400).unwrap();
            assert!(wider.cells > reach.cells && wider.cells <= 2 * reach.cells + 1);
        }
        assert_eq!(calibration.reach(100.0, 0.9, 100), None);
        assert_eq!(calibration.reach(10.0, 0.9, LEAST_CELLS - 1), None);
    }
}
