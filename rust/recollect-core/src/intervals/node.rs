//! Leaves and inner nodes.

use super::span::{Key, Span, Summary};

/// Intervals of a leaf at most.
const LEAF: usize = 64;
/// Children of an inner node at most.
const INNER: usize = 32;

#[derive(Debug, Clone)]
pub(super) enum Node {
    Leaf(Vec<Span>),
    Inner(Vec<Child>),
}

/// A subtree: its first key, what is known of it, and itself.
#[derive(Debug, Clone)]
pub(super) struct Child {
    pub(super) first: Key,
    pub(super) summary: Summary,
    pub(super) node: Node,
}

impl Child {
    pub(super) fn new(node: Node) -> Self {
        Self { first: node.first(), summary: node.summary(), node }
    }

    fn look_again(&mut self) {
        self.first = self.node.first();
        self.summary = self.node.summary();
    }
}

/// What taking a span in did to a node.
pub(super) enum Taken {
    /// It fits.
    Fits,
    /// It fits after a split; the new node stands behind this one.
    Split(Node),
}

impl Node {
    fn first(&self) -> Key {
        match self {
            Node::Leaf(spans) => spans.first().map_or((i64::MAX, u32::MAX), Span::key),
            Node::Inner(children) => children.first().map_or((i64::MAX, u32::MAX), |child| child.first),
        }
    }

    pub(super) fn summary(&self) -> Summary {
        match self {
            Node::Leaf(spans) => spans.iter().fold(Summary::NONE, |sum, span| sum.with(span.into())),
            Node::Inner(children) => {
                children.iter().fold(Summary::NONE, |sum, child| sum.with(child.summary))
            }
        }
    }

    fn len(&self) -> usize {
        match self {
            Node::Leaf(spans) => spans.len(),
            Node::Inner(children) => children.len(),
        }
    }

    fn most(&self) -> usize {
        match self {
            Node::Leaf(_) => LEAF,
            Node::Inner(_) => INNER,
        }
    }

    /// Takes in a span whose key is not there.
    pub(super) fn insert(&mut self, span: Span) -> Taken {
        match self {
            Node::Leaf(spans) => {
                let at = match spans.last() {
                    Some(last) if last.key() > span.key() => spans.partition_point(|x| x.key() < span.key()),
                    _ => spans.len(),
                };
                if spans.len() < LEAF {
                    spans.insert(at, span);
                    return Taken::Fits;
                }
                // What comes in order leaves full leaves behind.
                if at == LEAF {
                    return Taken::Split(Node::Leaf(vec![span]));
                }
                let mut right = spans.split_off(LEAF / 2);
                match at.checked_sub(LEAF / 2) {
                    Some(at) if at > 0 => right.insert(at, span),
                    _ => spans.insert(at, span),
                }
                Taken::Split(Node::Leaf(right))
            }
            Node::Inner(children) => {
                let at = place(children, span.key());
                let child = &mut children[at];
                match child.node.insert(span) {
                    Taken::Fits => {
                        child.first = child.first.min(span.key());
                        child.summary = child.summary.with((&span).into());
                        return Taken::Fits;
                    }
                    Taken::Split(right) => {
                        child.look_again();
                        children.insert(at + 1, Child::new(right));
                    }
                }
                if children.len() <= INNER {
                    return Taken::Fits;
                }
                let split = if at + 2 == children.len() { INNER } else { INNER / 2 };
                Taken::Split(Node::Inner(children.split_off(split)))
            }
        }
    }

    /// Takes out the span of a key.
    pub(super) fn remove(&mut self, key: Key) -> Option<Span> {
        match self {
            Node::Leaf(spans) => spans.binary_search_by_key(&key, Span::key).ok().map(|at| spans.remove(at)),
            Node::Inner(children) => {
                let at = place(children, key);
                let gone = children[at].node.remove(key)?;
                children[at].look_again();
                mend(children, at);
                Some(gone)
            }
        }
    }

    /// Gives the span of a key another end and weight; what it was.
    pub(super) fn replace(&mut self, span: Span) -> Option<Span> {
        match self {
            Node::Leaf(spans) => {
                let at = spans.binary_search_by_key(&span.key(), Span::key).ok()?;
                Some(std::mem::replace(&mut spans[at], span))
            }
            Node::Inner(children) => {
                let at = place(children, span.key());
                let child = &mut children[at];
                let before = child.node.replace(span)?;
                if before.end <= span.end && before.weight <= span.weight {
                    let grown = child.summary.with((&span).into());
                    child.summary = Summary { count: child.summary.count, ..grown };
                } else {
                    child.summary = child.node.summary();
                }
                Some(before)
            }
        }
    }
}

/// The child in which a key stands, or would.
pub(super) fn place(children: &[Child], key: Key) -> usize {
    match children.last() {
        Some(last) if last.first <= key => children.len() - 1,
        _ => children.partition_point(|child| child.first <= key).saturating_sub(1),
    }
}

/// Drops a child that is empty, or joins one that is nearly so with a neighbour that has room.
fn mend(children: &mut Vec<Child>, at: usize) {
    let (len, most) = (children[at].node.len(), children[at].node.most());
    if len == 0 {
        children.remove(at);
        return;
    }
    if len >= most / 4 {
        return;
    }
    let fits = |other: usize| children.get(other).is_some_and(|x| x.node.len() + len <= most / 4 * 3);
    let left = match at.checked_sub(1) {
        Some(before) if fits(before) => before,
        _ if fits(at + 1) => at,
        _ => return,
    };
    let right = children.remove(left + 1);
    match (&mut children[left].node, right.node) {
        (Node::Leaf(spans), Node::Leaf(more)) => spans.extend(more),
        (Node::Inner(all), Node::Inner(more)) => all.extend(more),
        // All leaves lie equally deep.
        (_, node) => children.insert(left + 1, Child::new(node)),
    }
    children[left].look_again();
}
