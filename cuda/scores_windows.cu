// The share of a token in the squared length of its window, of keys times of values, over their sum in the head.
#include "scores.cuh"

// A block a head. `keys` and `values` are lengths [batch][heads][tokens]; `places` and `filled` the tokens that count.
// What is written nowhere else in `out` stays as it is.
extern "C" __global__ void __launch_bounds__(THREADS) share_windows(
    const float* keys, const float* values, const u32* places, const u32* filled, u32 heads, u32 tokens, u32 window,
    float* out) {
    __shared__ double warps[THREADS / 32];
    const u32 b = blockIdx.x / heads, count = filled[b];
    const u32* where = places + (u64)b * tokens;
    const u64 head = (u64)blockIdx.x * tokens;
    double mine = 0.0, total = 0.0;
    for (int turn = 0; turn < 2; turn++) {
        for (u32 start = threadIdx.x * window; start < count; start += THREADS * window) {
            u32 end = start + window < count ? start + window : count;
            double of_keys = 0.0, of_values = 0.0;
            for (u32 i = start; i < end; i++) {
                double k = keys[head + where[i]], v = values[head + where[i]];
                of_keys += k * k;
                of_values += v * v;
            }
            for (u32 i = start; i < end; i++) {
                double k = keys[head + where[i]], v = values[head + where[i]];
                double share = (k * k / (of_keys > 0.0 ? of_keys : 1.0)) * (v * v / (of_values > 0.0 ? of_values : 1.0));
                if (turn == 0) mine += share;
                else out[head + where[i]] = (float)(share / (total > 0.0 ? total : 1.0));
            }
        }
        if (turn == 1) break;
#pragma unroll
        for (int apart = 16; apart > 0; apart >>= 1) mine += __shfl_xor_sync(FULL, mine, apart);
        if ((threadIdx.x & 31) == 0) warps[threadIdx.x >> 5] = mine;
        __syncthreads();
        for (int warp = 0; warp < THREADS / 32; warp++) total += warps[warp];
    }
}
