// Eight floats of each lane, written so that neighbours fill a sector of memory together.
#pragma once
#include "keys.cuh"

#define NO_PLACE (~0ull)

// Lanes of a pair write the eights of one after those of the other, each a half: `place` is where in `out` the eight of a lane
// goes, at a multiple of four, or NO_PLACE. All lanes of a warp are here.
__device__ __forceinline__ void write_in_pairs(float* out, u64 place, const float (&x)[8]) {
    const bool odd = threadIdx.x & 1;
    float4 kept, away;
    kept = odd ? float4{x[4], x[5], x[6], x[7]} : float4{x[0], x[1], x[2], x[3]};
    away = odd ? float4{x[0], x[1], x[2], x[3]} : float4{x[4], x[5], x[6], x[7]};
    const float4 other = {__shfl_xor_sync(FULL, away.x, 1), __shfl_xor_sync(FULL, away.y, 1),
                          __shfl_xor_sync(FULL, away.z, 1), __shfl_xor_sync(FULL, away.w, 1)};
    // First the eight of the even lane, then that of the odd one.
    const u64 beside = __shfl_xor_sync(FULL, place, 1), first = odd ? beside : place, second = odd ? place : beside;
    if (first != NO_PLACE) *(float4*)(out + first + 4 * odd) = odd ? other : kept;
    if (second != NO_PLACE) *(float4*)(out + second + 4 * odd) = odd ? kept : other;
}
