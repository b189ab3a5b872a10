// Softmax over the tokens of each head, out of logits to the base 2 that are there already.
#include "keys.cuh"

#define THREADS 512
#define AT_ONCE 8   // logits of a thread

// A block a row: `weights` [rows] is the logarithm of the sum over the tokens that are free, by `free` [batch][tokens],
// or infinite where none is; each sequence has `rows_each` rows.
extern "C" __global__ void __launch_bounds__(THREADS) weigh_logits(const float* logits, const u8* free, u32 rows_each,
                                                                   u32 tokens, float* weights) {
    __shared__ float tops[THREADS / 32], sums[THREADS / 32];
    const u8* mine = free + (u64)(blockIdx.x / rows_each) * tokens;
    const float* row = logits + (u64)blockIdx.x * tokens;
    float top = MINUS_INFINITY, sum = 0.0f;
    for (u32 start = threadIdx.x; start < tokens; start += THREADS * AT_ONCE) {
        // All are on their way before the first is looked at.
        float x[AT_ONCE], most = top;
        u8 open[AT_ONCE];
#pragma unroll
        for (int i = 0; i < AT_ONCE; i++) {
            const u32 at = min(start + i * THREADS, tokens - 1);
            x[i] = row[at], open[i] = mine[at];
        }
#pragma unroll
        for (int i = 0; i < AT_ONCE; i++) {
            if (start + i * THREADS >= tokens || open[i] == 0) x[i] = MINUS_INFINITY;
            most = fmaxf(most, x[i]);
        }
        if (most == MINUS_INFINITY) continue;
        sum *= exp2f(top - most);
#pragma unroll
        for (int i = 0; i < AT_ONCE; i++) sum += exp2f(x[i] - most);
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

// A thread a token: what it gets of the newest query, a mean over `rows` of all heads, written for each of `heads`; infinite
// for the last token, `ends` [batch] if given, and minus infinity where `counts` has none.
extern "C" __global__ void __launch_bounds__(256) vote_last(const float* logits, const float* weights, const u8* open,
                                                            const u8* counts, const u32* ends, u32 rows, u32 heads,
                                                            u32 tokens, float* out) {
    const u32 at = blockIdx.x * 256 + threadIdx.x, b = blockIdx.y;
    if (at >= tokens) return;
    float all = 0.0f;
    if (open[(u64)b * tokens + at] != 0) {
#pragma unroll 8
        for (u32 r = 0; r < rows; r++) {
            const u64 row = (u64)b * rows + r;
            all += exp2f(logits[row * tokens + at] - weights[row]);
        }
        all /= (float)rows;
    }
    if (at == (ends == nullptr ? tokens - 1 : ends[b])) all = -MINUS_INFINITY;
    if (counts[(u64)b * tokens + at] == 0) all = MINUS_INFINITY;
    for (u32 h = 0; h < heads; h++) out[((u64)b * heads + h) * tokens + at] = all;
}
