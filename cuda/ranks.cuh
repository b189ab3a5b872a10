// Shares of tokens in the softmax of their spreads, and ranks by what they have: by a whole block, of what it shares.
#pragma once
#include "keys.cuh"

// The greatest of `found` [count], and one over the sum of what they weigh: in all threads, every warp for itself, so that
// none waits for another.
__device__ __forceinline__ void weigh_spreads(const float* found, u32 count, float& most, float& share) {
    const u32 lane = threadIdx.x & 31;
    float sum = 0.0f;
    most = MINUS_INFINITY;
    for (u32 t = lane; t < count; t += 32) most = fmaxf(most, found[t]);
#pragma unroll
    for (int apart = 16; apart > 0; apart >>= 1) most = fmaxf(most, __shfl_xor_sync(FULL, most, apart));
    for (u32 t = lane; t < count; t += 32) sum += expf(found[t] - most);
#pragma unroll
    for (int apart = 16; apart > 0; apart >>= 1) sum += __shfl_xor_sync(FULL, sum, apart);
    share = 1.0f / sum;
}

// How many of `paid` come before number `t`, of equal ones the earlier: by two neighbouring lanes, that of `half` 0 and that
// of 1, of a warp that asks for sixteen in a row. `paid` is aligned, and infinite behind its end up to a multiple of 16.
__device__ __forceinline__ u32 rank_of(const float* paid, u32 count, u32 t, u32 half) {
    const u32 before = t & ~15u, quads = (count + 15) / 16 * 4;
    const float own = paid[t];
    u32 rank = 0;
#pragma unroll 4
    for (u32 quad = half; quad < before / 4; quad += 2) {
        const float4 some = *(const float4*)(paid + quad * 4);
        rank += (some.x <= own) + (some.y <= own) + (some.z <= own) + (some.w <= own);
    }
#pragma unroll
    for (u32 i = 0; i < 8; i++) {
        const u32 other = before + i * 2 + half;
        rank += other < t ? paid[other] <= own : paid[other] < own;
    }
#pragma unroll 4
    for (u32 quad = before / 4 + 4 + half; quad < quads; quad += 2) {
        const float4 some = *(const float4*)(paid + quad * 4);
        rank += (some.x < own) + (some.y < own) + (some.z < own) + (some.w < own);
    }
    return rank + __shfl_xor_sync(FULL, rank, 1);
}
