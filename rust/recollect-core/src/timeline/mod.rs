//! When things happened: events in order, and above them a temporal tree of consolidation levels.
//!
//! | file | idea |
//! |---|---|
//! | `level`, `settings` | segments, sessions, windows of the calendar, all there is; how a timeline is made |
//! | `event`, `sum`, `terms` | what is kept of an event; vectors and words of many |
//! | `node`, `arena` | a node, and where nodes are found |
//! | `timeline`, `changing` | events are found by time; they come and go |
//! | `settling`, `runs` | what a change means for the nodes above; sessions that nobody named |
//! | `closing` | which windows are over |
//! | `walk`, `climbing`, `descent` | up, down and beside; from the fine to the coarse and from the coarse to the fine |
//! | `block` | runs of events as units with a representative |
//! | `segment` | all of it as bytes |
//! | `named` | ids of the outside, sessions and words by their texts, a file |

mod arena;
mod block;
mod changing;
mod climbing;
mod closing;
mod descent;
mod event;
mod level;
mod named;
mod node;
mod runs;
mod segment;
mod settings;
mod settling;
mod sum;
mod terms;
#[expect(clippy::module_inception, reason = "the room is named for it")]
mod timeline;
mod walk;

pub use block::{Block, Representative, representatives};
pub use climbing::Beside;
pub use closing::Tally;
pub use descent::{Found, Sought, Step};
pub use event::Event;
pub use level::Level;
pub use named::NamedTimeline;
pub use node::{Item, Key, NodeId, State, View};
pub use settings::Settings;
pub use timeline::{MAX_EVENTS, Timeline};

#[cfg(test)]
mod tests;
