//! What a ledger must answer, kept in plain vectors.

use std::collections::BTreeMap;

use recollect_core::cancel::Cancel;
use recollect_core::journal::event::{Event, NamespaceId, Written};
use recollect_core::journal::ledger::{Commit, Head, Ledger, Reader};
use recollect_core::namespace::Namespace;
use recollect_core::record::Metadata;

#[derive(Debug, Clone, Default)]
pub(crate) struct Model(pub(crate) BTreeMap<String, Told>);

#[derive(Debug, Clone)]
pub(crate) struct Told {
    pub(crate) id: NamespaceId,
    pub(crate) config: Metadata,
    pub(crate) entries: Vec<(Event, Option<Written>)>,
}

impl Model {
    pub(crate) fn take(&mut self, path: &Namespace, id: NamespaceId, config: &Metadata, commit: &Commit<'_>) {
        let new = || Told { id, config: config.clone(), entries: Vec::new() };
        let told = self.0.entry(path.to_string()).or_insert_with(new);
        for event in commit.events {
            let content = commit.contents.iter().find(|content| content.seq == event.seq);
            let keys = commit.embeddings.iter().find(|keys| keys.seq == event.seq);
            let written = content.cloned().map(Written::Content).or(keys.cloned().map(Written::Keys));
            told.entries.push((event.clone(), written));
        }
        for (seq, status) in commit.restated {
            if let Some(Written::Content(content)) = &mut told.entries[*seq as usize - 1].1 {
                content.record.status = *status;
            }
        }
        for seq in commit.erased {
            told.entries[*seq as usize - 1].1 = None;
        }
        if let Some(config) = commit.config {
            told.config = config.clone();
        }
    }

    /// Compares everything a ledger says with the model.
    pub(crate) fn compare(&self, ledger: &dyn Ledger) {
        let reader = ledger.read().unwrap();
        for (path, told) in &self.0 {
            told.compare(path, &*reader);
        }
        for prefix in self.0.keys().map(String::as_str).chain(["", "a", "a/b"]) {
            let prefix: Namespace = prefix.parse().unwrap();
            let mut found = Vec::new();
            reader
                .list(&prefix, &mut |head| {
                    found.push(head.path.to_string());
                    Ok(())
                })
                .unwrap();
            let inside = |path: &&String| path.parse::<Namespace>().unwrap().starts_with(&prefix);
            let expected: Vec<String> = self.0.keys().filter(inside).cloned().collect();
            assert_eq!(found, expected, "below {prefix}");
        }
        let verified = ledger.verify(Cancel::never()).unwrap();
        assert_eq!(verified.damage, Vec::<String>::new());
        assert_eq!(verified.namespaces, self.0.len() as u64);
        let events: usize = self.0.values().map(|told| told.entries.len()).sum();
        assert_eq!(verified.events, events as u64);
    }
}

impl Told {
    fn compare(&self, path: &str, reader: &dyn Reader) {
        let head: Head = reader.resolve(&path.parse().unwrap()).unwrap().unwrap();
        assert_eq!(reader.head(self.id).unwrap().unwrap(), head);
        assert_eq!((head.id, head.seq), (self.id, self.entries.len() as u64));
        assert_eq!(head.rows, self.entries.iter().filter(|(_, content)| content.is_some()).count() as u64);
        assert_eq!(head.config, self.config);
        for after in [0, self.entries.len() / 2, self.entries.len()] {
            assert_eq!(entries(reader, self.id, after as u64), self.entries[after..]);
        }
        let seqs: Vec<u64> = (0..=self.entries.len() as u64 + 1).rev().collect();
        for vectors in [true, false] {
            let found = reader.contents(self.id, &seqs, vectors).unwrap();
            for (seq, found) in seqs.iter().zip(found) {
                let told = seq.checked_sub(1).and_then(|at| self.entries.get(at as usize));
                let mut expected = told.and_then(|(_, written)| written.as_ref()?.content().cloned());
                if let (false, Some(content)) = (vectors, &mut expected) {
                    content.vectors.clear();
                }
                assert_eq!(found, expected, "content {seq}");
            }
        }
        let told = |seq: &u64| self.entries.get(seq.checked_sub(1)? as usize)?.1.as_ref()?.keys().cloned();
        let expected: Vec<_> = seqs.iter().map(told).collect();
        assert_eq!(reader.embeddings(self.id, &seqs).unwrap(), expected);
        let uids = self.entries.iter().map(|(event, _)| event.uid);
        for uid in uids.chain([recollect_core::id::Uid([99; 16])]) {
            let of = |(event, _): &&(Event, _)| event.uid == uid;
            let expected: Vec<Event> =
                self.entries.iter().filter(of).map(|(event, _)| event.clone()).collect();
            assert_eq!(reader.history(self.id, uid).unwrap(), expected);
        }
    }
}

pub(crate) fn entries(reader: &dyn Reader, id: NamespaceId, after: u64) -> Vec<(Event, Option<Written>)> {
    let mut found = Vec::new();
    reader
        .events(id, after, &mut |event, written| {
            found.push((event, written));
            Ok(())
        })
        .unwrap();
    found
}
