//! Who said which memories, by the words of their names or by role.

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;

use crate::bitmap::Bitmap;
use crate::id::Slot;
use crate::recall::Role;

/// The memories of each named speaker.
#[derive(Debug, Default)]
pub(super) struct Speakers {
    memories: BTreeMap<u32, Bitmap>,
    by_term: FxHashMap<String, Vec<u32>>,
    users: Bitmap,
    assistants: Bitmap,
}

impl Speakers {
    /// Adds a memory of a speaker; `terms` are those of the name, asked once a speaker.
    pub(super) fn insert(&mut self, speaker: u32, slot: Slot, terms: impl FnOnce() -> Vec<String>) {
        let memories = self.memories.entry(speaker).or_insert_with(|| {
            for term in terms() {
                let speakers = self.by_term.entry(term).or_default();
                if !speakers.contains(&speaker) {
                    speakers.push(speaker);
                }
            }
            Bitmap::new()
        });
        memories.insert(slot);
    }

    /// Adds a memory of a speaker who goes by a role.
    pub(super) fn insert_role(&mut self, role: Role, slot: Slot) {
        match role {
            Role::User => self.users.insert(slot),
            Role::Assistant => self.assistants.insert(slot),
        };
    }

    /// The memories of a role.
    pub(super) fn role(&self, role: Role) -> &Bitmap {
        match role {
            Role::User => &self.users,
            Role::Assistant => &self.assistants,
        }
    }

    /// Takes a memory out.
    pub(super) fn remove(&mut self, speaker: u32, slot: Slot) {
        self.users.remove(slot);
        self.assistants.remove(slot);
        if let Some(memories) = self.memories.get_mut(&speaker) {
            memories.remove(slot);
        }
    }

    /// Shows every memory of a speaker whose name holds this term.
    pub(super) fn spoken_by(&self, term: &str, each: &mut dyn FnMut(Slot)) {
        for speaker in self.by_term.get(term).into_iter().flatten() {
            self.memories.get(speaker).into_iter().flat_map(Bitmap::iter).for_each(&mut *each);
        }
    }
}
