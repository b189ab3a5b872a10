// Sums over lanes of several values at once: lanes exchange what they will not need, so each step halves what is left.
#pragma once
#include "keys.cuh"

// Adds up the first COUNT values over lanes whose numbers differ in the bits from HALF down to LAST. Where there are more
// lanes than values, neighbours are left with the same sum, in front; else a lane is left with as many as its share: those
// from its number times that on.
template <int HALF, int COUNT, int LAST = 1, int SIZE>
__device__ __forceinline__ void over_lanes(float (&values)[SIZE], u32 lane) {
    if constexpr (COUNT > 1) {
        const bool upper = lane & HALF;
#pragma unroll
        for (int i = 0; i < COUNT / 2; i++) {
            const float away = upper ? values[i] : values[i + COUNT / 2], kept = upper ? values[i + COUNT / 2] : values[i];
            values[i] = kept + __shfl_xor_sync(FULL, away, HALF);
        }
    } else {
        values[0] += __shfl_xor_sync(FULL, values[0], HALF);
    }
    if constexpr (HALF > LAST) over_lanes<HALF / 2, (COUNT > 1 ? COUNT / 2 : 1), LAST>(values, lane);
}
