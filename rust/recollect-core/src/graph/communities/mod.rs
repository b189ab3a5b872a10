//! Groups of nodes that hang together more than with the rest.
//!
//! | file | idea |
//! |---|---|
//! | `simple` | the graph without directions and kinds |
//! | `label_propagation` | nodes take the label of their neighbours |
//! | `modularity` | nodes move where modularity gains most |
//! | `tally` | sums by label |

mod label_propagation;
mod modularity;
mod simple;
mod tally;

use std::str::FromStr;

use super::graph::Graph;
use super::walk::Follow;
use crate::cancel::Cancel;
use crate::error::{Error, Result};
use crate::id::Slot;
use crate::seed::Seed;

/// How communities are found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Communities {
    /// Label propagation over weights times the overlap of neighbourhoods.
    Labels,
    /// Local moving; a greater resolution makes smaller ones, 1 is usual.
    Modularity {
        /// Weight of what would be expected by chance.
        resolution: f64,
    },
}

impl FromStr for Communities {
    type Err = Error;

    fn from_str(word: &str) -> Result<Self> {
        match word {
            "labels" => Ok(Self::Labels),
            "modularity" => Ok(Self::Modularity { resolution: 1.0 }),
            _ => Err(Error::invalid("method", "expected labels or modularity")),
        }
    }
}

impl Graph {
    /// Every node in exactly one community, ascending inside; the largest community first, equal ones by their first node.
    /// Directions do not count; nodes are visited in an order that the seed gives.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a resolution that is not finite and above zero; [`Error::Cancelled`].
    pub fn communities(
        &self,
        by: Communities,
        follow: &Follow,
        seed: u64,
        cancel: Cancel<'_>,
    ) -> Result<Vec<Vec<Slot>>> {
        let (mut graph, slots) = simple::Simple::new(self, follow, cancel)?;
        let mut seed = Seed::new(seed);
        let labels = match by {
            Communities::Labels => {
                graph.weigh_by_overlap(cancel)?;
                label_propagation::propagated(&graph, &mut seed, cancel)?
            }
            Communities::Modularity { resolution } => {
                if !resolution.is_finite() || resolution <= 0.0 {
                    return Err(Error::invalid("resolution", "expected a number above 0"));
                }
                modularity::moved(&graph, resolution, &mut seed, cancel)?
            }
        };
        let (labels, count) = modularity::renumbered(labels);
        let mut groups = vec![Vec::new(); count];
        for (slot, label) in slots.into_iter().zip(labels) {
            groups[label as usize].push(slot);
        }
        groups.sort_by_key(|group| (std::cmp::Reverse(group.len()), group.first().copied()));
        Ok(groups)
    }
}
