//! What the course of a conversation adds.
//!
//! | part | what it adds |
//! |---|---|
//! | speaker | 2 for the user where the query speaks of "me", for the assistant where it asks what "you" said; only where both speak |
//! | recency | `2 exp(-age / 20)`, the age in memories, where the query is a turn itself: three sentences or more |
//! | replies | half of the lead of a question over the 31st candidate, for the answer: what another one says next; the question loses 0.5 |
//!
//! The words by which a query speaks of somebody are English ones, and count in namespaces of that language.

use super::parts::add;
use super::pool::Pool;
use super::positions::Positions;
use super::sentences::{closes, ends};
use super::view::{Role, View};
use crate::id::Slot;
use crate::lexical::Language;
use crate::session::Place;

const SPEAKER: f32 = 2.0;
const RECENCY: f32 = 2.0;
/// Memories after which recency has fallen to 1/e.
const FADE: f32 = 20.0;
/// Memories that are recent at all.
const RECENT: usize = 256;
const REPLY: f32 = 0.5;
const ASKED: f32 = 0.5;
/// Candidates whose questions count.
const LEADING: usize = 30;
/// Sentences that make a query a turn of its own.
const SENTENCES: usize = 3;

const MYSELF: [&str; 7] = ["i", "me", "my", "mine", "myself", "im", "ive"];
const BEFORE_YOU: [&str; 5] = ["did", "have", "had", "were", "was"];
const AFTER_YOU: [&str; 6] = ["said", "told", "gave", "made", "wrote", "sent"];

/// Whether a query is of three sentences or more, and so rather what was said last than a question.
pub(super) fn is_turn(text: &str) -> bool {
    let (mut sentences, mut ended) = (0, false);
    for c in text.trim().chars().chain([' ']) {
        if ended && c.is_whitespace() {
            sentences += 1;
        }
        ended = ends(c) || ended && closes(c);
    }
    sentences >= SENTENCES
}

/// Of whom a query speaks.
fn role_of(text: &str) -> Option<Role> {
    let lower = text.to_lowercase();
    let words: Vec<&str> = lower.split(|c: char| !c.is_alphanumeric()).filter(|x| !x.is_empty()).collect();
    let asked = |pair: &[&str]| {
        pair[1] == "you" && BEFORE_YOU.contains(&pair[0])
            || pair[0] == "you"
                && (AFTER_YOU.contains(&pair[1]) || pair[1].len() > 2 && pair[1].ends_with("ed"))
    };
    if words.windows(2).any(asked) {
        return Some(Role::Assistant);
    }
    words.iter().any(|word| MYSELF.contains(word)).then_some(Role::User)
}

/// Adds to what the one said of whom the query speaks.
pub(super) fn address(view: &View<'_>, text: &str, pool: &mut Pool) {
    let standing = view.standing;
    let speaks = |role: Role| standing.role(role).iter().any(|slot| view.admitted().contains(slot));
    if view.lexical.analyzer().language() != Some(Language::English) {
        return;
    }
    let Some(role) = role_of(text) else { return };
    if !speaks(Role::User) || !speaks(Role::Assistant) {
        return;
    }
    let memories = standing.role(role);
    let part = |slot: &Slot| if memories.contains(*slot) { SPEAKER } else { 0.0 };
    pool.given.speaker = pool.slots.iter().map(part).collect();
    pool.role = Some(role);
}

/// Adds to what was said lately in a session, among the candidates.
pub(super) fn date(view: &View<'_>, pool: &mut Pool) {
    let placed = |(at, &slot): (usize, &Slot)| Some((view.standing.place(slot)?.1, at));
    let mut latest: Vec<(Place, usize)> = pool.slots.iter().enumerate().filter_map(placed).collect();
    if latest.len() > RECENT {
        latest.select_nth_unstable_by(RECENT, |a, b| b.cmp(a));
        latest.truncate(RECENT);
    }
    if latest.is_empty() {
        return;
    }
    latest.sort_unstable_by(|a, b| b.cmp(a));
    pool.given.recency = vec![0.0; pool.slots.len()];
    for (age, (_, at)) in latest.into_iter().enumerate() {
        pool.given.recency[at] = RECENCY * libm::expf(-(age as f32) / FADE);
    }
}

/// Adds to the answers of questions that lead by the `scores` so far, there too.
pub(super) fn reply(view: &View<'_>, pool: &mut Pool, scores: &mut [f32]) {
    let best = pool.leading(scores, LEADING);
    let Some(floor) = best.last().map(|&at| scores[at]) else { return };
    let mut gains: Vec<(usize, f32)> = Vec::new();
    let mut positions = None;
    for &at in best.iter().filter(|&&at| scores[at] > floor) {
        let Some(answer) = answer(view, pool.slots[at]) else { continue };
        let positions = positions.get_or_insert_with(|| Positions::of(&pool.slots, view.uids.len()));
        if let Some(to) = positions.get(answer) {
            gains.push((to, REPLY * (scores[at] - floor)));
            gains.push((at, -ASKED));
        }
    }
    if gains.is_empty() {
        return;
    }
    let mut parts = vec![0.0; pool.slots.len()];
    gains.into_iter().for_each(|(at, gain)| parts[at] += gain);
    add(scores, &parts);
    pool.given.replies = parts;
}

/// What another named speaker says next after a question.
fn answer(view: &View<'_>, slot: Slot) -> Option<Slot> {
    let standing = view.standing;
    if !standing.asks(slot) {
        return None;
    }
    let (session, place) = standing.place(slot)?;
    let (members, here) = view.sessions.around(session, place)?;
    let next = members.get(here + 1)?.slot;
    let (one, other) = (standing.speaker(slot)?, standing.speaker(next)?);
    let plays =
        |slot: Slot| [Role::User, Role::Assistant].iter().any(|&role| standing.role(role).contains(slot));
    (one != other && !plays(slot) && !plays(next)).then_some(next)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_make_a_turn() {
        assert!(is_turn("We moved. It was fine! \"Was it?\" "));
        assert!(!is_turn("We moved to 3.5 and v1.2.3. Was it fine?"));
        assert!(!is_turn(""));
    }

    #[test]
    fn a_query_speaks_of_the_user_or_of_the_assistant() {
        for (text, role) in [
            ("What did I say?", Some(Role::User)),
            ("What's my dog called", Some(Role::User)),
            ("What did you tell me", Some(Role::Assistant)),
            ("the list you suggested to me", Some(Role::Assistant)),
            ("Where does Ilse live? Is she ill?", None),
            ("would you know", None),
        ] {
            assert_eq!(role_of(text), role, "{text}");
        }
    }
}
