//! What recall asks about the memories of a namespace.

use super::state::State;
use crate::bitmap::Bitmap;
use crate::id::Slot;
use crate::recall::{Role, Standing};
use crate::session::{Place, SessionId};
use crate::time::Timestamp;

/// A namespace at the time of a call.
pub(super) struct At<'a> {
    pub state: &'a State,
    pub now: Timestamp,
}

impl Standing for At<'_> {
    fn place(&self, slot: Slot) -> Option<(SessionId, Place)> {
        let entry = &self.state.entries[slot as usize];
        entry.session.map(|session| (session, entry.place(slot)))
    }

    fn event(&self, slot: Slot) -> (i64, i64) {
        let entry = &self.state.entries[slot as usize];
        (entry.time(), entry.end)
    }

    fn within(&self, from: i64, to: i64) -> Bitmap {
        self.state.times.within(&self.state.live, &self.state.entries, from, to)
    }

    fn lasting(&self) -> (i64, i64) {
        self.state.times.lasting(&self.state.live, &self.state.entries)
    }

    fn base_level(&self, slot: Slot) -> f32 {
        self.state.base_level(slot, self.now) as f32
    }

    fn speaker(&self, slot: Slot) -> Option<u32> {
        self.state.entries[slot as usize].speaker
    }

    fn asks(&self, slot: Slot) -> bool {
        self.state.entries[slot as usize].asks
    }

    fn role(&self, role: Role) -> &Bitmap {
        self.state.speakers.role(role)
    }

    fn spoken_by(&self, term: &str, each: &mut dyn FnMut(Slot)) {
        self.state.speakers.spoken_by(term, each);
    }
}
