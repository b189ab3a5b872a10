//! What events say of links between memories and of their uses, applied.

use super::entry::TRUSTED;
use super::state::State;
use super::uses;
use crate::association::LinkDetail;
use crate::error::Result;
use crate::id::Uid;
use crate::journal::event::{Event, Op};

impl State {
    /// Links two memories as an event has it, or takes links away; one of memories that are gone changes nothing.
    pub(super) fn tie(&mut self, event: &Event) -> Result<()> {
        let text = |name: &str| event.detail.get(name).and_then(serde_json::Value::as_str);
        let number = |name: &str| event.detail.get(name).and_then(serde_json::Value::as_f64);
        let Some(Ok(other)) = text("to").map(str::parse::<Uid>) else { return Ok(()) };
        let (Some(&src), Some(&dst)) = (self.uids.get(&event.uid), self.uids.get(&other)) else {
            return Ok(());
        };
        let (src, dst) = (&self.entries[src as usize], &self.entries[dst as usize]);
        let (nodes, trusted) = ((src.node, dst.node), (src.trusted(), dst.trusted()));
        if event.op == Op::Unlinked {
            self.associations.unlink(nodes.0, nodes.1, text("relation"));
            return Ok(());
        }
        let (Some(relation), Some(weight)) = (text("relation"), number("weight")) else { return Ok(()) };
        let detail = LinkDetail {
            relation,
            weight: weight as f32,
            time: event.detail.get("time").and_then(serde_json::Value::as_i64).unwrap_or(event.at.0),
            trusted: number("trust").is_none_or(|trust| trust >= f64::from(TRUSTED)),
        };
        self.associations.link(nodes, trusted, &detail)
    }

    /// Notes the uses that an event has.
    pub(super) fn note_use(&mut self, event: &Event) {
        let reward = event.detail.get("reward").and_then(serde_json::Value::as_f64);
        for uid in uses::named(&event.detail) {
            let Some(&slot) = self.uids.get(&uid) else { continue };
            let entry = &self.entries[slot as usize];
            let born = (entry.time(), entry.turn);
            match (event.op, reward) {
                (Op::Recalled, _) => self.uses.recall(uid, born, event.at.0, self.turn),
                (Op::Rewarded, Some(reward)) => self.uses.reward(uid, born, reward as f32),
                (Op::Pinned, _) => {
                    self.uses.pin(uid, event.detail.get("pinned").is_some_and(|x| x == true));
                }
                _ => {}
            }
        }
    }
}
