//! One namespace in plain vectors: what every write must answer and leave behind.

use std::collections::BTreeMap;

use recollect_core::id::Uid;
use recollect_core::journal::event::Op;
use recollect_core::record::{Record, Status};
use recollect_core::store::{Draft, Edit, Held, Outcome};
use recollect_core::time::Timestamp;
use recollect_core::vector::Keep;

use crate::conditions::Choice;
use crate::life::{Life, Told, Version, expiry, same};

pub(crate) const NOBODY: Uid = Uid([0; 16]);

#[derive(Debug, Clone, Default)]
pub(crate) struct Book {
    pub(crate) lives: Vec<Life>,
    pub(crate) told: Vec<Told>,
    pub(crate) keys: BTreeMap<String, (Uid, u32)>,
    pub(crate) has_space: bool,
    /// The form of its vectors.
    pub(crate) keep: Keep,
    /// Renewals the next write must journal: who, until when, since when.
    pub(crate) pending: Vec<(Uid, i64, i64)>,
}

impl Book {
    pub(crate) fn life(&self, uid: Uid) -> Option<&Life> {
        self.lives.iter().find(|life| life.uid == uid)
    }

    fn life_mut(&mut self, uid: Uid) -> &mut Life {
        self.lives.iter_mut().find(|life| life.uid == uid).unwrap()
    }

    fn tell(&mut self, op: Op, uid: Uid, version: u32, at: i64, key: Option<&String>) -> u64 {
        self.told.push(Told { op, uid, version, at, key: key.cloned() });
        if let Some(key) = key {
            self.keys.insert(key.clone(), (uid, version));
        }
        self.told.len() as u64
    }

    /// Joins the space with the first vectors.
    fn join(&mut self, vectors: bool, now: i64) {
        if vectors && !self.has_space {
            self.has_space = true;
            if !self.told.is_empty() {
                self.tell(Op::Configured, NOBODY, 0, now, None);
            }
        }
    }

    fn journal_renewals(&mut self, now: i64) {
        for (uid, expires, _) in std::mem::take(&mut self.pending) {
            self.tell(Op::Touched, uid, 0, now, None);
            if let Some(life) = self.lives.iter_mut().find(|life| life.uid == uid && life.live()) {
                life.expires = life.expires.max(Some(expires));
            }
        }
    }

    /// What `unload`, `checkpoint` and `close` do first.
    pub(crate) fn flush(&mut self) {
        if let Some(latest) = self.pending.iter().map(|x| x.2).max() {
            self.journal_renewals(latest);
        }
    }

    pub(crate) fn add(&mut self, drafts: &[Draft], keep: bool, now: i64, outcomes: &[Outcome]) {
        self.join(drafts.iter().any(|draft| !draft.vectors.is_empty()), now);
        assert_eq!(drafts.len(), outcomes.len());
        let mentions = |life: &Life| (life.uid, life.mentions);
        let before: BTreeMap<Uid, u32> = self.lives.iter().filter(|x| x.live()).map(mentions).collect();
        let written = self.lives.iter().flat_map(|life| &life.versions).map(|x| x.record.turn);
        let mut turn = written.max().unwrap_or(0);
        for (draft, outcome) in drafts.iter().zip(outcomes) {
            let answer = |op, uid, version, reason: &str, mentions| {
                let expected = Outcome { uid, version, op, reason: reason.into(), mentions };
                assert_eq!(*outcome, expected);
            };
            if let Some(&(uid, version)) = draft.key.as_ref().and_then(|key| self.keys.get(key)) {
                let mentions = before.get(&uid).copied().unwrap_or(1);
                answer(Op::Noop, uid, version, "idempotency key seen before", mentions);
                continue;
            }
            let record = self.record(draft, outcome.uid, turn, now);
            let twins = self.lives.iter().filter(|x| !keep && x.seen(now) && same(x.record(), &record));
            if let Some(uid) = twins.min_by_key(|x| x.last().seq).map(|x| x.uid) {
                let life = self.life_mut(uid);
                life.mentions += 1;
                let (version, mentions) = (life.record().version, life.mentions);
                answer(Op::Noop, uid, version, "duplicate", mentions);
                self.tell(Op::Noop, uid, version, now, draft.key.as_ref());
                continue;
            }
            answer(Op::Added, outcome.uid, 1, "", 1);
            assert!(outcome.uid != NOBODY && self.life(outcome.uid).is_none());
            turn = turn.max(record.turn);
            let seq = self.tell(Op::Added, outcome.uid, 1, now, draft.key.as_ref());
            self.lives.push(Life {
                uid: outcome.uid,
                versions: vec![Version { record, vectors: draft.vectors.clone(), seq }],
                deleted: false,
                mentions: 1,
                expires: expiry(draft.ttl, now),
            });
        }
        self.journal_renewals(now);
    }

    fn record(&self, draft: &Draft, uid: Uid, turn: u64, now: i64) -> Record {
        let mut provenance = draft.provenance.clone();
        for parent in provenance.parents.iter().filter_map(|&uid| self.life(uid)).filter(|x| x.live()) {
            provenance.trust = provenance.trust.min(parent.record().provenance.trust);
        }
        Record {
            uid,
            version: 1,
            kind: draft.kind,
            status: Status::Active,
            text: draft.text.clone(),
            metadata: draft.metadata.clone(),
            tags: draft.tags.clone(),
            speaker: draft.speaker.clone(),
            session: draft.session.clone(),
            event: draft.event,
            ingested: Timestamp(now),
            turn: draft.turn.unwrap_or(turn + 1),
            importance: draft.importance,
            confidence: draft.confidence,
            provenance,
            ttl: draft.ttl,
        }
    }

    /// The answer to an update; none where it is refused.
    pub(crate) fn update(&mut self, uid: Uid, edit: &Edit, now: i64) -> Option<Outcome> {
        let outcome = |uid, version, op, reason: &str, mentions| {
            Some(Outcome { uid, version, op, reason: reason.into(), mentions })
        };
        let vectors = edit.vectors.as_ref().is_some_and(|x| !x.is_empty());
        if let Some(&(uid, version)) = edit.key.as_ref().and_then(|key| self.keys.get(key)) {
            self.join(vectors, now);
            self.journal_renewals(now);
            let mentions = self.life(uid).filter(|x| x.live()).map_or(1, |x| x.mentions);
            return outcome(uid, version, Op::Noop, "idempotency key seen before", mentions);
        }
        let life = self.life(uid).filter(|x| x.seen(now))?;
        let old = life.last().clone();
        if edit.expect_version.is_some_and(|version| version != old.record.version) {
            return None;
        }
        self.join(vectors, now);
        let mut new = old;
        if edit.text.as_ref().is_some_and(|text| *text != new.record.text) {
            new.vectors.clear();
        }
        new.vectors = edit.vectors.clone().unwrap_or(new.vectors);
        let record = &mut new.record;
        record.text = edit.text.clone().unwrap_or(record.text.clone());
        record.kind = edit.kind.unwrap_or(record.kind);
        record.metadata = edit.metadata.clone().unwrap_or(record.metadata.clone());
        record.tags = edit.tags.clone().unwrap_or(record.tags.clone());
        record.event = edit.event.or(record.event);
        record.importance = edit.importance.unwrap_or(record.importance);
        (record.version, record.ingested) = (record.version + 1, Timestamp(now));
        let (version, ttl) = (record.version, record.ttl);
        new.seq = self.tell(Op::Updated, uid, version, now, edit.key.as_ref());
        let life = self.life_mut(uid);
        life.versions.last_mut().unwrap().record.status = Status::Archived;
        life.versions.push(new);
        life.expires = expiry(ttl, now);
        let mentions = life.mentions;
        self.journal_renewals(now);
        outcome(uid, version, Op::Updated, &edit.reason, mentions)
    }

    /// The answers to a deletion; none where it is refused.
    pub(crate) fn delete(&mut self, uids: &[Uid], reason: &str, now: i64) -> Option<Vec<Outcome>> {
        let distinct = (1..uids.len()).all(|at| !uids[..at].contains(&uids[at]));
        let seen = uids.iter().all(|&uid| self.life(uid).is_some_and(|x| x.seen(now)));
        if !distinct || !seen {
            return None;
        }
        let mut outcomes = Vec::new();
        for &uid in uids {
            let life = self.life_mut(uid);
            life.deleted = true;
            let last = &mut life.versions.last_mut().unwrap().record;
            last.status = Status::Deleted;
            let (version, mentions) = (last.version, life.mentions);
            self.tell(Op::Deleted, uid, version, now, None);
            outcomes.push(Outcome { uid, version, op: Op::Deleted, reason: reason.into(), mentions });
        }
        self.journal_renewals(now);
        Some(outcomes)
    }

    /// Whether an erasure is taken.
    pub(crate) fn erase(&mut self, uids: &[Uid], now: i64) -> bool {
        if !uids.iter().all(|&uid| self.life(uid).is_some_and(|x| !x.versions.is_empty())) {
            return false;
        }
        for &uid in uids {
            self.life_mut(uid).versions.clear();
            self.tell(Op::Erased, uid, 0, now, None);
        }
        self.journal_renewals(now);
        true
    }

    /// The version and mentions a noop answers with; none where it is refused.
    pub(crate) fn noop(&mut self, uid: Option<Uid>, now: i64) -> Option<(u32, u32)> {
        let answer = match uid {
            None => (0, 0),
            Some(uid) => {
                let life = self.life(uid).filter(|x| x.seen(now))?;
                (life.record().version, life.mentions)
            }
        };
        self.tell(Op::Noop, uid.unwrap_or(NOBODY), answer.0, now, None);
        self.journal_renewals(now);
        Some(answer)
    }

    /// A read starts the time of sliding memories anew.
    pub(crate) fn renew(&mut self, uids: impl Iterator<Item = Uid>, now: i64) {
        for uid in uids {
            let life = self.life_mut(uid);
            if let Some(ttl) = life.record().ttl.filter(|ttl| ttl.sliding && life.seen(now)) {
                let expires = now + ttl.micros;
                life.expires = life.expires.max(Some(expires));
                self.pending.push((uid, expires, now));
            }
        }
    }

    pub(crate) fn chosen(&self, choice: &Choice, now: i64) -> Vec<&Life> {
        self.lives.iter().filter(|life| life.seen(now) && choice.admits(life.record())).collect()
    }
}

/// A live memory as the store must show it.
pub(crate) fn held(life: &Life) -> Held {
    Held { record: life.record().clone(), expires: life.expires.map(Timestamp), mentions: life.mentions }
}
