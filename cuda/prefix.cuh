// Sums over the threads of a block that come before one, for keeping what passes in its order.
#pragma once
#include "keys.cuh"

// The sum over the lanes up to this one.
__device__ __forceinline__ u32 sum_up_to(u32 x, u32 lane) {
#pragma unroll
    for (int apart = 1; apart < 32; apart <<= 1) {
        u32 before = __shfl_sync(FULL, x, (int)lane - apart);
        if ((int)lane >= apart) x += before;
    }
    return x;
}

// The sum over the threads before this one; `total` becomes that over all. `warps` has room for one number a warp.
__device__ __forceinline__ u32 sum_before(u32 x, u32* warps, u32& total) {
    const u32 lane = threadIdx.x & 31, warp = threadIdx.x >> 5, count = blockDim.x >> 5;
    const u32 sum = sum_up_to(x, lane);
    __syncthreads();
    if (lane == 31) warps[warp] = sum;
    __syncthreads();
    // Every warp adds up the others by itself, as nobody has to wait for that.
    const u32 own = lane < count ? warps[lane] : 0, all = sum_up_to(own, lane);
    total = __shfl_sync(FULL, all, 31);
    return __shfl_sync(FULL, all - own, warp) + sum - x;
}
