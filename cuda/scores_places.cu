// Which tokens of a sequence count, in their order, and which come first of all.
#include "prefix.cuh"

#define THREADS 256
#define A_TURN 8   // tokens of a thread at a time

// How many of the tokens before `end` count, of bytes that are 0 or 1; in all threads.
__device__ __forceinline__ u32 count_before(const u8* counts, u32 end, u32* warps) {
    u32 mine = 0, total, words = ((u64)counts & 15) == 0 ? end / 16 : 0;
#pragma unroll 4
    for (u32 at = threadIdx.x; at < words; at += THREADS) {
        const uint4 some = ((const uint4*)counts)[at];
        // Bytes that are one fall on bits of their own.
        mine += __popc(some.x | some.y << 1 | some.z << 2 | some.w << 3);
    }
    for (u32 at = words * 16 + threadIdx.x; at < end; at += THREADS) mine += counts[at];
    sum_before(mine, warps, total);
    return total;
}

// A block some tokens of a sequence: `places` [batch][tokens] of tokens that count, of which `counts` [batch][tokens] is one
// and zero of others, and `filled` [batch] how many do; what is behind is not set.
extern "C" __global__ void __launch_bounds__(THREADS) list_places(const u8* counts, u32 tokens, u32* places, u32* filled) {
    __shared__ u32 warps[THREADS / 32];
    const u8* mine = counts + (u64)blockIdx.y * tokens;
    u32* to = places + (u64)blockIdx.y * tokens;
    const u32 start = blockIdx.x * THREADS * A_TURN, first = start + threadIdx.x * A_TURN;
    u32 passing = 0, total;
#pragma unroll
    for (u32 j = 0; j < A_TURN; j++) passing |= first + j < tokens && mine[first + j] != 0 ? 1u << j : 0u;
    // Blocks do not wait for those before them: bytes are counted faster than that.
    const u32 before = count_before(mine, start, warps);
    u32 place = before + sum_before((u32)__popc(passing), warps, total);
#pragma unroll
    for (u32 j = 0; j < A_TURN; j++)
        if (passing >> j & 1) to[place++] = first + j;
    if (threadIdx.x == 0 && blockIdx.x + 1 == gridDim.x) filled[blockIdx.y] = before + total;
}

// A block a sequence: the first `sinks` tokens that are no padding, by `present` [batch][tokens] if given, become infinite in
// `scores` [batch][heads][tokens] where they count.
extern "C" __global__ void __launch_bounds__(THREADS) raise_first(const u8* present, const u8* counts, u32 heads, u32 tokens,
                                                                  u32 sinks, float* scores) {
    __shared__ u32 warps[THREADS / 32];
    const u64 mine = (u64)blockIdx.x * tokens;
    u32 done = 0;
    for (u32 start = 0; start < tokens && done < sinks; start += THREADS) {
        const u32 at = start + threadIdx.x;
        const bool here = at < tokens && (present == nullptr || present[mine + at] != 0);
        u32 total;
        const u32 place = done + sum_before(here, warps, total);
        done += total;
        if (!here || place >= sinks || counts[mine + at] == 0) continue;
        for (u32 h = 0; h < heads; h++) scores[mine * heads + (u64)h * tokens + at] = -MINUS_INFINITY;
    }
}

// A thread a token: infinite in all heads of `scores` [batch][heads][tokens] where it counts, and minus infinity where not;
// `only`, if given, says whether there is anything to do.
extern "C" __global__ void __launch_bounds__(THREADS) raise_all(const u8* counts, u32 heads, u32 tokens, float* scores,
                                                                const u32* only) {
    const u32 at = blockIdx.x * THREADS + threadIdx.x;
    if (at >= tokens || (only != nullptr && *only == 0)) return;
    const float score = counts[(u64)blockIdx.y * tokens + at] != 0 ? -MINUS_INFINITY : MINUS_INFINITY;
    for (u32 h = 0; h < heads; h++) scores[((u64)blockIdx.y * heads + h) * tokens + at] = score;
}
