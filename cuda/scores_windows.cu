// The share of a token in the squared length of its window, of keys times of values, over their sum in the head.
#include "scores.cuh"

#define ROUNDS 4   // windows of some lanes, one after the other

__device__ __forceinline__ double over_some(double x, u32 lanes) {
    for (u32 apart = lanes / 2; apart > 0; apart >>= 1) x += __shfl_xor_sync(FULL, x, apart);
    return x;
}

// Some lanes a window of tokens that count, those of `places` [batch][tokens], of which `filled` [batch] are. `keys` and
// `values` are lengths [batch][heads][tokens]. With `sums` [batch * heads][blocks] alone the shares of a block are added up
// there; then these are given, and the shares over them are written, in place of lengths of values if need be: a token is
// read by no lane but its own. What is written nowhere else in `out` stays as it is.
__device__ __forceinline__ double some_shares(const float* keys, const float* values, const u32* where, u32 count, u32 window,
                                              u32 lanes, double by, float* out) {
    const u32 lane = threadIdx.x % lanes, together = THREADS / lanes;
    double all = 0.0;
    for (u32 round = 0; round < ROUNDS; round++) {
        const u64 begins = ((u64)(blockIdx.x * ROUNDS + round) * together + threadIdx.x / lanes) * window;
        const u32 start = begins < count ? (u32)begins : count, end = window < count - start ? start + window : count;
        double of_keys = 0.0, of_values = 0.0;
        for (u32 i = start + lane; i < end; i += lanes) {
            const double k = keys[where[i]], v = values[where[i]];
            of_keys += k * k;
            of_values += v * v;
        }
        of_keys = over_some(of_keys, lanes), of_values = over_some(of_values, lanes);
        // One division for all of a window.
        const double key_part = 1.0 / (of_keys > 0.0 ? of_keys : 1.0), value_part = 1.0 / (of_values > 0.0 ? of_values : 1.0);
        for (u32 i = start + lane; i < end; i += lanes) {
            const double k = keys[where[i]], v = values[where[i]], share = k * k * key_part * (v * v * value_part);
            if (out == nullptr) all += share;
            else out[where[i]] = (float)(share * by);
        }
    }
    return all;
}

__device__ __forceinline__ double over_block(double x, double* warps) {
    x = over_some(x, 32);
    if ((threadIdx.x & 31) == 0) warps[threadIdx.x >> 5] = x;
    __syncthreads();
    double all = 0.0;
    for (int warp = 0; warp < THREADS / 32; warp++) all += warps[warp];
    return all;
}

extern "C" __global__ void __launch_bounds__(THREADS) sum_windows(
    const float* keys, const float* values, const u32* places, const u32* filled, u32 heads, u32 tokens, u32 window, u32 lanes,
    double* sums) {
    __shared__ double warps[THREADS / 32];
    const u32 b = blockIdx.y / heads;
    const u64 head = (u64)blockIdx.y * tokens;
    const double all = over_block(
        some_shares(keys + head, values + head, places + (u64)b * tokens, filled[b], window, lanes, 0.0, nullptr), warps);
    if (threadIdx.x == 0) sums[(u64)blockIdx.y * gridDim.x + blockIdx.x] = all;
}

extern "C" __global__ void __launch_bounds__(THREADS) share_windows(
    const float* keys, const float* values, const u32* places, const u32* filled, u32 heads, u32 tokens, u32 window, u32 lanes,
    const double* sums, float* out) {
    __shared__ double warps[THREADS / 32];
    const u32 b = blockIdx.y / heads;
    const u64 head = (u64)blockIdx.y * tokens;
    double mine = 0.0;
    for (u32 at = threadIdx.x; at < gridDim.x; at += THREADS) mine += sums[(u64)blockIdx.y * gridDim.x + at];
    const double total = over_block(mine, warps);
    some_shares(keys + head, values + head, places + (u64)b * tokens, filled[b], window, lanes,
                1.0 / (total > 0.0 ? total : 1.0), out + head);
}
