//! How short memories are.

/// Mean length, in terms, at which the gate is half open.
const LENGTH: f32 = 30.0;
/// Least gate that is worth the work.
const LEAST: f32 = 0.05;

/// How far memories of this mean length lean on their surroundings, in `[0, 1]`.
pub(super) fn brevity(length: f32) -> f32 {
    let gate = 1.0 / (1.0 + (length / LENGTH).powi(2));
    if gate < LEAST { 0.0 } else { gate }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remarks_lean_on_their_surroundings_and_pages_do_not() {
        assert_eq!(brevity(0.0), 1.0);
        assert_eq!(brevity(LENGTH), 0.5);
        assert_eq!(brevity(500.0), 0.0);
    }
}
