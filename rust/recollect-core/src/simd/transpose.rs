//! Rows to columns in registers, in steps that the compiler makes shuffles of.

/// Rows, and elements of each: a line of memory of four bytes an element.
pub(super) const SIDE: usize = 16;

/// Turns rows into columns, by exchanging ever smaller blocks.
#[inline(always)]
pub(super) fn transpose<T: Copy>(square: &mut [[T; SIDE]; SIDE]) {
    exchange::<8, T>(square);
    exchange::<4, T>(square);
    exchange::<2, T>(square);
    exchange::<1, T>(square);
}

#[inline(always)]
fn exchange<const DISTANCE: usize, T: Copy>(square: &mut [[T; SIDE]; SIDE]) {
    for row in 0..SIDE {
        if row & DISTANCE != 0 {
            continue;
        }
        let (upper, lower) = (square[row], square[row + DISTANCE]);
        for i in 0..SIDE {
            square[row][i] = if i & DISTANCE == 0 { upper[i] } else { lower[i - DISTANCE] };
        }
        for i in 0..SIDE {
            square[row + DISTANCE][i] = if i & DISTANCE == 0 { upper[i + DISTANCE] } else { lower[i] };
        }
    }
}
