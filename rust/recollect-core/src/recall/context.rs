//! What stands beside a candidate: its neighbours in the session, and the session as a whole.

use crate::bitmap::Bitmap;
use crate::id::Slot;
use crate::session::Place;

use super::positions::Positions;
use super::view::View;

/// How far a neighbourhood reaches to each side, in memories of the session.
pub(super) const REACH: usize = 2;

/// One memory in this many is few: each is looked up by itself.
pub(super) const FEW: usize = 16;

/// A candidate inside its session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Member {
    /// Position in the order of the session.
    pub ordinal: u32,
    /// Position among the candidates.
    pub at: u32,
}

/// The candidates grouped by session, each group in order; sessions with one candidate are left out.
#[derive(Debug, Default)]
pub(super) struct Context {
    members: Vec<Member>,
    ends: Vec<usize>,
}

impl Context {
    /// The sessions of the candidates, or where not `all` are asked for those of the candidates with a word of the query:
    /// the words of the others add nothing to anybody.
    pub(super) fn of(view: &View<'_>, slots: &[Slot], words: &[f32], all: bool) -> Self {
        let mut context = Self::default();
        if view.sessions.is_empty() || words.is_empty() && !all {
            return context;
        }
        let positions = Positions::of(slots, view.uids.len());
        let speaks = |at: usize| all || words[at] > 0.0;
        let asked =
            if all { slots.len() } else { words.iter().map(|&b| usize::from(b > 0.0)).sum::<usize>() };
        if asked * FEW > view.uids.len() {
            // Looking up the session of each costs more than walking all of them.
            view.sessions.iter().filter(|x| x.len() > 1).for_each(|places| context.group(places, &positions));
            return context;
        }
        let asked = slots.iter().enumerate().filter(|x| speaks(x.0));
        let sessions: Bitmap = asked.filter_map(|x| view.standing.place(*x.1)).map(|x| x.0).collect();
        for session in sessions.iter() {
            let places = view.sessions.members(session);
            if places.len() > 1 {
                context.group(places, &positions);
            }
        }
        context
    }

    fn group(&mut self, places: &[Place], positions: &Positions) {
        let start = self.members.len();
        let known = places.iter().enumerate().filter_map(|(ordinal, place)| {
            positions.get(place.slot).map(|at| Member { ordinal: ordinal as u32, at: at as u32 })
        });
        self.members.extend(known);
        if self.members.len() < start + 2 {
            self.members.truncate(start);
        } else {
            self.ends.push(self.members.len());
        }
    }

    /// One session of candidates in order.
    #[cfg(test)]
    pub(super) fn single(ordinals: &[u32]) -> Self {
        let members: Vec<Member> = (0..).zip(ordinals).map(|(at, &ordinal)| Member { ordinal, at }).collect();
        Self { ends: vec![members.len()], members }
    }

    /// The groups.
    pub(super) fn sessions(&self) -> impl Iterator<Item = &[Member]> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(&self.ends).map(|(start, &end)| &self.members[start..end])
    }
}

/// Adds the neighbours of candidates to them, in ascending order, each once.
pub(super) fn widen(view: &View<'_>, slots: &mut Vec<Slot>) {
    let found = slots.len();
    for at in 0..found {
        let Some((session, place)) = view.standing.place(slots[at]) else { continue };
        let Some((members, here)) = view.sessions.around(session, place) else { continue };
        let near = here.saturating_sub(REACH)..(here + REACH + 1).min(members.len());
        slots.extend(members[near].iter().map(|x| x.slot));
    }
    slots.sort_unstable();
    slots.dedup();
    if let Some(allow) = view.allow {
        slots.retain(|&slot| allow.contains(slot));
    }
}
