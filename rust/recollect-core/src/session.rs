//! The order of memories inside their sessions: who stands next to whom.

use std::collections::BTreeMap;

use crate::id::Slot;

/// Where a memory stands in its session: by time, then turn, then slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Start of the event, or the time of the write, microseconds.
    pub time: i64,
    /// Turn counter.
    pub turn: u64,
    /// The memory.
    pub slot: Slot,
}

/// Number of a session in its namespace.
pub type SessionId = u32;

/// The sessions of a namespace, each in order.
#[derive(Debug, Default)]
pub struct Sessions {
    members: BTreeMap<SessionId, Vec<Place>>,
}

impl Sessions {
    /// Puts a memory in its place. Amortised O(1) for one that comes last.
    pub fn insert(&mut self, session: SessionId, place: Place) {
        let members = self.members.entry(session).or_default();
        match members.last() {
            Some(last) if *last > place => {
                let at = members.partition_point(|x| *x < place);
                members.insert(at, place);
            }
            _ => members.push(place),
        }
    }

    /// Takes a memory out.
    pub fn remove(&mut self, session: SessionId, place: Place) {
        if let Some(members) = self.members.get_mut(&session) {
            if let Ok(at) = members.binary_search(&place) {
                members.remove(at);
            }
            if members.is_empty() {
                self.members.remove(&session);
            }
        }
    }

    /// The members of a session in order.
    pub fn members(&self, session: SessionId) -> &[Place] {
        self.members.get(&session).map_or(&[], Vec::as_slice)
    }

    /// The members of a session with the position of one of them.
    pub fn around(&self, session: SessionId, place: Place) -> Option<(&[Place], usize)> {
        let members = self.members(session);
        members.binary_search(&place).ok().map(|at| (members, at))
    }

    /// Number of sessions.
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// The members of every session, sessions in ascending order of their numbers.
    pub fn iter(&self) -> impl Iterator<Item = &[Place]> {
        self.members.values().map(Vec::as_slice)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn stays_in_order(ops in prop::collection::vec((any::<bool>(), 0u32..3, 0i64..9, 0u32..20), 0..120)) {
            let mut sessions = Sessions::default();
            let mut model: Vec<(SessionId, Place)> = Vec::new();
            for (add, session, time, slot) in ops {
                let place = Place { time, turn: 0, slot };
                if add && !model.contains(&(session, place)) {
                    sessions.insert(session, place);
                    model.push((session, place));
                } else if !add {
                    sessions.remove(session, place);
                    model.retain(|x| *x != (session, place));
                }
            }
            for session in 0..3 {
                let mut expected: Vec<_> = model.iter().filter(|x| x.0 == session).map(|x| x.1).collect();
                expected.sort();
                prop_assert_eq!(sessions.members(session), &expected[..]);
                for (at, place) in expected.iter().enumerate() {
                    prop_assert_eq!(sessions.around(session, *place).unwrap().1, at);
                }
            }
        }
    }
}
