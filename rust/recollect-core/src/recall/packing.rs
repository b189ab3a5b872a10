//! Which hits fit a budget of tokens.

/// Most items that are packed exactly.
const EXACT: usize = 64;
/// Most steps of the exact search before its best so far is taken.
const STEPS: usize = 200_000;

/// The positions of the items kept, ascending: the greatest sum of scores whose tokens fit the budget.
///
/// Greedy by score per token, then exact by branch and bound (0/1 knapsack) for at most 64 items. Scores that are not
/// positive count as nothing and are left out; `scores` and `tokens` are of one length.
pub fn pack(scores: &[f32], tokens: &[u64], budget: u64) -> Vec<usize> {
    let mut order: Vec<usize> =
        (0..scores.len().min(tokens.len())).filter(|&i| scores[i] > 0.0 && tokens[i] <= budget).collect();
    // What takes no tokens comes first, at infinity: the bound of the search stops at the first that does not fit.
    let density = |i: usize| f64::from(scores[i]) / tokens[i] as f64;
    order.sort_by(|&a, &b| density(b).total_cmp(&density(a)).then(a.cmp(&b)));
    let mut room = budget;
    let mut kept: Vec<usize> = Vec::new();
    for &i in &order {
        if tokens[i] <= room {
            room -= tokens[i];
            kept.push(i);
        }
    }
    if order.len() <= EXACT {
        let best = kept.iter().map(|&i| f64::from(scores[i])).sum();
        let mut search = Search { scores, tokens, order: &order, best, kept, path: Vec::new(), steps: STEPS };
        search.descend(0, budget, 0.0);
        kept = search.kept;
    }
    kept.sort_unstable();
    kept
}

struct Search<'a> {
    scores: &'a [f32],
    tokens: &'a [u64],
    order: &'a [usize],
    best: f64,
    kept: Vec<usize>,
    path: Vec<usize>,
    steps: usize,
}

impl Search<'_> {
    fn descend(&mut self, at: usize, room: u64, sum: f64) {
        if sum > self.best {
            self.best = sum;
            self.kept.clone_from(&self.path);
        }
        if self.steps == 0 || at == self.order.len() || sum + self.bound(at, room) <= self.best {
            return;
        }
        self.steps -= 1;
        let item = self.order[at];
        if self.tokens[item] <= room {
            self.path.push(item);
            self.descend(at + 1, room - self.tokens[item], sum + f64::from(self.scores[item]));
            self.path.pop();
        }
        self.descend(at + 1, room, sum);
    }

    /// The most the rest can add, fractions allowed.
    fn bound(&self, at: usize, mut room: u64) -> f64 {
        let mut sum = 0.0;
        for &item in &self.order[at..] {
            let (score, tokens) = (f64::from(self.scores[item]), self.tokens[item]);
            if tokens > room {
                return sum + score * room as f64 / tokens as f64;
            }
            room -= tokens;
            sum += score;
        }
        sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_takes_no_tokens_is_kept_beside_the_best() {
        let (scores, tokens) = ([1.0, 9.0, 25.0, 10.0, 43.0, 36.0], [0, 2, 21, 6, 36, 35]);
        assert_eq!(pack(&scores, &tokens, 57), [0, 2, 4]);
    }

    proptest! {
        #[test]
        fn equals_brute_force(items in prop::collection::vec((0u32..50, 0u64..40), 0..13), budget in 0u64..150) {
            let scores: Vec<f32> = items.iter().map(|x| x.0 as f32).collect();
            let tokens: Vec<u64> = items.iter().map(|x| x.1).collect();
            let kept = pack(&scores, &tokens, budget);
            let sum = |set: &[usize]| set.iter().map(|&i| scores[i]).sum::<f32>();
            let cost = |set: &[usize]| set.iter().map(|&i| tokens[i]).sum::<u64>();
            prop_assert!(cost(&kept) <= budget);
            prop_assert!(kept.windows(2).all(|w| w[0] < w[1]));
            let best = (0..1usize << items.len())
                .map(|mask| (0..items.len()).filter(|i| mask >> i & 1 == 1).collect::<Vec<_>>())
                .filter(|set| cost(set) <= budget)
                .map(|set| sum(&set))
                .fold(0.0, f32::max);
            prop_assert_eq!(sum(&kept), best);
        }
    }
}
