// Sums over the threads of a block that come before one, for keeping what passes in its order.
#pragma once
#include "keys.cuh"

// The sum over the threads before this one; `total` becomes that over all. `warps` has room for one number a warp, and
// one more.
__device__ __forceinline__ u32 sum_before(u32 x, u32* warps, u32& total) {
    const u32 lane = threadIdx.x & 31, warp = threadIdx.x >> 5, count = blockDim.x >> 5;
    u32 sum = x;
#pragma unroll
    for (int apart = 1; apart < 32; apart <<= 1) {
        u32 before = __shfl_sync(FULL, sum, (int)lane - apart);
        if ((int)lane >= apart) sum += before;
    }
    __syncthreads();
    if (lane == 31) warps[warp] = sum;
    __syncthreads();
    if (threadIdx.x == 0) {
        u32 before = 0;
        for (u32 at = 0; at < count; at++) {
            u32 mine = warps[at];
            warps[at] = before;
            before += mine;
        }
        warps[count] = before;
    }
    __syncthreads();
    total = warps[count];
    return warps[warp] + sum - x;
}
