//! Who points at 64 nodes in a row: each node once, whatever the number of edges between the two.

use super::page::PAGE;
use crate::id::Slot;

/// Longest short list of an empty page.
const SHORT: usize = 16;

/// Sorted columns and a short sorted list of what came since, as in the page of edges.
#[derive(Debug, Clone)]
pub(super) struct Sources {
    starts: [u32; PAGE + 1],
    all: Vec<Slot>,
    added: Vec<(u8, Slot)>,
}

impl Default for Sources {
    fn default() -> Self {
        Self { starts: [0; PAGE + 1], all: Vec::new(), added: Vec::new() }
    }
}

impl Sources {
    fn range(&self, node: usize) -> std::ops::Range<usize> {
        self.starts[node] as usize..self.starts[node + 1] as usize
    }

    fn added_of(&self, node: usize) -> &[(u8, Slot)] {
        let start = self.added.partition_point(|x| usize::from(x.0) < node);
        let end = start + self.added[start..].partition_point(|x| usize::from(x.0) == node);
        &self.added[start..end]
    }

    pub(super) fn count(&self, node: usize) -> usize {
        self.range(node).len() + self.added_of(node).len()
    }

    /// Who points at a node, ascending.
    pub(super) fn of(&self, node: usize) -> impl Iterator<Item = Slot> + '_ {
        let mut old = self.all[self.range(node)].iter().copied().peekable();
        let mut new = self.added_of(node).iter().map(|x| x.1).peekable();
        std::iter::from_fn(move || match (old.peek(), new.peek()) {
            (Some(a), Some(b)) if b < a => new.next(),
            (Some(_), _) => old.next(),
            _ => new.next(),
        })
    }

    /// Takes in one that is not there.
    pub(super) fn insert(&mut self, node: usize, src: Slot) {
        let entry = (node as u8, src);
        let at = self.added.partition_point(|x| *x < entry);
        self.added.insert(at, entry);
        if self.added.len() > SHORT + self.all.len().isqrt() {
            self.absorb(&[]);
        }
    }

    /// Takes one away that is there.
    pub(super) fn remove(&mut self, node: usize, src: Slot) {
        if let Ok(at) = self.added.binary_search(&(node as u8, src)) {
            self.added.remove(at);
            return;
        }
        let range = self.range(node);
        if let Ok(at) = self.all[range.clone()].binary_search(&src) {
            self.all.remove(range.start + at);
            self.starts[node + 1..].iter_mut().for_each(|start| *start -= 1);
        }
    }

    /// Takes all of a node away.
    pub(super) fn clear(&mut self, node: usize) {
        let range = self.range(node);
        self.starts[node + 1..].iter_mut().for_each(|start| *start -= range.len() as u32);
        self.all.drain(range);
        self.added.retain(|x| usize::from(x.0) != node);
    }

    /// Merges everything, with `more` sorted; what is there already is passed over.
    pub(super) fn absorb(&mut self, more: &[(u8, Slot)]) {
        let mut all = Vec::with_capacity(self.all.len() + self.added.len() + more.len());
        let (mut starts, mut more) = ([0; PAGE + 1], more.iter().copied().peekable());
        for node in 0..PAGE {
            let own = |entry: &(u8, Slot)| usize::from(entry.0) == node;
            for old in self.of(node) {
                while let Some(next) = more.next_if(|x| own(x) && x.1 < old) {
                    all.push(next.1);
                }
                more.next_if(|x| own(x) && x.1 == old);
                all.push(old);
            }
            while let Some(next) = more.next_if(own) {
                all.push(next.1);
            }
            starts[node + 1] = all.len() as u32;
        }
        all.shrink_to_fit();
        *self = Self { starts, all, added: Vec::new() };
    }

    pub(super) fn bytes(&self) -> usize {
        size_of::<Self>() + 4 * self.all.capacity() + self.added.capacity() * size_of::<(u8, Slot)>()
    }
}
