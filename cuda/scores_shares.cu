// Softmax over the tokens of each head, out of logits to the base 2 that are there already.
#include "keys.cuh"

#define THREADS 512

// A block a row: `weights` [rows] is the logarithm of the sum over the tokens that are free, by `free` [batch][tokens],
// or infinite where none is; each sequence has `rows_each` rows.
extern "C" __global__ void __launch_bounds__(THREADS) weigh_logits(const float* logits, const u8* free, u32 rows_each,
                                                                   u32 tokens, float* weights) {
    __shared__ float tops[THREADS / 32], sums[THREADS / 32];
    const u8* mine = free + (u64)(blockIdx.x / rows_each) * tokens;
    const float* row = logits + (u64)blockIdx.x * tokens;
    float top = MINUS_INFINITY, sum = 0.0f;
    for (u32 at = threadIdx.x; at < tokens; at += THREADS) {
        if (mine[at] == 0) continue;
        float x = row[at], most = fmaxf(top, x);
        if (most == MINUS_INFINITY) continue;
        sum = sum * exp2f(top - most) + exp2f(x - most);
        top = most;
    }
    float most = top;
#pragma unroll
    for (int apart = 16; apart > 0; apart >>= 1) most = fmaxf(most, __shfl_xor_sync(FULL, most, apart));
    sum = top == MINUS_INFINITY ? 0.0f : sum * exp2f(top - most);
#pragma unroll
    for (int apart = 16; apart > 0; apart >>= 1) sum += __shfl_xor_sync(FULL, sum, apart);
    if ((threadIdx.x & 31) == 0) tops[threadIdx.x >> 5] = most, sums[threadIdx.x >> 5] = sum;
    __syncthreads();
    if (threadIdx.x != 0) return;
    float best = MINUS_INFINITY, all = 0.0f;
    for (int warp = 0; warp < THREADS / 32; warp++) best = fmaxf(best, tops[warp]);
    for (int warp = 0; warp < THREADS / 32; warp++)
        if (sums[warp] > 0.0f) all += sums[warp] * exp2f(tops[warp] - best);
    weights[blockIdx.x] = all > 0.0f ? best + log2f(all) : -MINUS_INFINITY;
}

// A thread a token: the mean over `group` rows of what they pay, plus `epsilon`, times `lengths` [heads][tokens] if given;
// zero where a token is not free, before that.
extern "C" __global__ void share_logits(const float* logits, const float* weights, const u8* free, u32 heads, u32 group,
                                        u32 tokens, const float* lengths, float epsilon, float* out) {
    const u32 at = blockIdx.x * blockDim.x + threadIdx.x;
    if (at >= tokens) return;
    float all = 0.0f;
    bool open = free[(u64)(blockIdx.y / heads) * tokens + at] != 0;
    for (u32 g = 0; g < group && open; g++) {
        u64 row = (u64)blockIdx.y * group + g;
        all += exp2f(logits[row * tokens + at] - weights[row]);
    }
    all /= (float)group;
    u64 to = (u64)blockIdx.y * tokens + at;
    out[to] = lengths == nullptr ? all : (all + epsilon) * lengths[to];
}
