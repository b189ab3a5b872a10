//! How memories were used: when, with what reward, and which are pinned.
//!
//! Rewards move a value as in MemRL (2026): `value += 0.3 * (reward - value)`, from 0. How often a memory was judged and
//! how often it was of help are counted as in ReMe (2025).

use std::collections::BTreeMap;

use rustc_hash::FxHashSet;
use serde_json::Value;

use crate::activation::History;
use crate::bytes::{Reader as Bytes, Writer};
use crate::error::{Error, Result};
use crate::id::Uid;
use crate::record::Metadata;

/// How far a reward moves a value.
const RATE: f32 = 0.3;

/// The uses of one memory.
#[derive(Debug, Clone, PartialEq)]
pub struct Use {
    /// When it came to be and when it was of use.
    pub history: History,
    /// How often it was judged.
    pub judged: u32,
    /// How often the reward was above zero.
    pub succeeded: u32,
    /// What its rewards came to, in `[-1, 1]`.
    pub value: f32,
}

impl Use {
    /// A memory that came to be and was not used yet.
    pub(super) fn new(at: i64, turn: u64) -> Self {
        Self { history: History::new(at, turn), judged: 0, succeeded: 0, value: 0.0 }
    }

    fn judge(&mut self, reward: f32) {
        self.judged = self.judged.saturating_add(1);
        self.succeeded = self.succeeded.saturating_add(u32::from(reward > 0.0));
        self.value += RATE * (reward - self.value);
    }
}

/// The uses of the memories that were used, and the pinned ones.
#[derive(Debug, Default)]
pub(super) struct Uses {
    of: BTreeMap<Uid, Use>,
    pinned: FxHashSet<Uid>,
}

impl Uses {
    pub(super) fn get(&self, uid: Uid) -> Option<&Use> {
        self.of.get(&uid)
    }

    pub(super) fn is_pinned(&self, uid: Uid) -> bool {
        self.pinned.contains(&uid)
    }

    /// Whether no memory was ever used.
    pub(super) fn is_empty(&self) -> bool {
        self.of.is_empty() && self.pinned.is_empty()
    }

    /// A use of a memory that came to be at `born` (time, turn).
    pub(super) fn recall(&mut self, uid: Uid, born: (i64, u64), at: i64, turn: u64) {
        self.entry(uid, born).history.touch(at, turn);
    }

    pub(super) fn reward(&mut self, uid: Uid, born: (i64, u64), reward: f32) {
        self.entry(uid, born).judge(reward);
    }

    fn entry(&mut self, uid: Uid, born: (i64, u64)) -> &mut Use {
        self.of.entry(uid).or_insert_with(|| Use::new(born.0, born.1))
    }

    pub(super) fn pin(&mut self, uid: Uid, pinned: bool) {
        if pinned {
            self.pinned.insert(uid);
        } else {
            self.pinned.remove(&uid);
        }
    }

    pub(super) fn remove(&mut self, uid: Uid) {
        self.of.remove(&uid);
        self.pinned.remove(&uid);
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        let mut out = Writer::default();
        if self.is_empty() {
            return out.0;
        }
        out.u64(self.of.len() as u64);
        for (uid, used) in &self.of {
            out.raw(&uid.0);
            used.history.encode(&mut out);
            out.u32(used.judged);
            out.u32(used.succeeded);
            out.f32(used.value);
        }
        let mut pinned: Vec<_> = self.pinned.iter().collect();
        pinned.sort_unstable();
        out.u64(pinned.len() as u64);
        pinned.iter().for_each(|uid| out.raw(&uid.0));
        out.0
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<Self> {
        let mut uses = Self::default();
        let mut from = Bytes::new(bytes);
        for _ in 0..from.count(28)? {
            let uid = Uid(from.array()?);
            let history = History::decode(&mut from)?;
            let (judged, succeeded, value) = (from.u32()?, from.u32()?, from.f32()?);
            uses.of.insert(uid, Use { history, judged, succeeded, value });
        }
        for _ in 0..from.count(16)? {
            uses.pinned.insert(Uid(from.array()?));
        }
        if from.is_empty() {
            Ok(uses)
        } else {
            Err(Error::Storage("a segment holds what no index writes".into()))
        }
    }
}

/// The memories that the detail of an event names.
pub(super) fn named(detail: &Metadata) -> impl Iterator<Item = Uid> + '_ {
    let list = detail.get("uids").and_then(Value::as_array).into_iter().flatten();
    list.filter_map(|uid| uid.as_str()?.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rewards_move_a_value_and_all_of_it_survives_as_bytes() {
        let (a, b) = (Uid([1; 16]), Uid([2; 16]));
        let mut uses = Uses::default();
        for (reward, value) in [(1.0, 0.3), (1.0, 0.51), (-1.0, 0.057)] {
            uses.reward(a, (5, 1), reward);
            assert!((uses.get(a).unwrap().value - value).abs() < 1e-6);
        }
        assert_eq!((uses.get(a).unwrap().judged, uses.get(a).unwrap().succeeded), (3, 2));
        (0..20).for_each(|at| uses.recall(b, (5, 1), 10 + at, at as u64));
        uses.pin(b, true);
        let again = Uses::decode(&uses.encode()).unwrap();
        assert_eq!((again.get(a), again.get(b)), (uses.get(a), uses.get(b)));
        assert!(again.is_pinned(b) && !again.is_pinned(a));
        let bytes = uses.encode();
        assert!((1..bytes.len()).all(|end| Uses::decode(&bytes[..end]).is_err()));
        uses.remove(b);
        assert!(!uses.is_pinned(b) && uses.get(b).is_none());
    }
}
