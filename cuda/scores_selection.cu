// Which tokens of a head stay: the first, the newest, then the best of the others within a budget, in their order. A
// block a head. Scores that are minus infinity or not a number never stay.
#include "prefix.cuh"

#define THREADS 1024
#define BINS 2048            // digits of 11 bits, the last of 10
#define CHUNK (THREADS * 4)  // tokens that the block looks at together

struct Head {
    const float* scores;
    u32 tokens;
    bool whole;  // rows begin at 16 bytes

    __device__ __forceinline__ void four(float (&x)[4], u32 at) const {
        if (whole && at + 4 <= tokens) {
            float4 all = *(const float4*)(scores + at);
            x[0] = all.x, x[1] = all.y, x[2] = all.z, x[3] = all.w;
        } else {
#pragma unroll
            for (u32 e = 0; e < 4; e++) x[e] = at + e < tokens ? scores[at + e] : MINUS_INFINITY;
        }
    }
};

// What stays of a head: tokens before `sinks`, from `recent` on, and of those between `first` and `end` what has a key
// above `cut`, and the first `ties` of those at it.
struct Choice {
    u32 sinks, first, end, recent, cut, ties, kept, unused;
};

__device__ __forceinline__ bool alive(float x) { return x > MINUS_INFINITY; }

__device__ __forceinline__ u32 total_over(u32 x, u32* warps) {
    u32 total;
    sum_before(x, warps, total);
    return total;
}

// Counts digits of the keys that agree with `known` in the bits above, and finds the one in which the `wanted`-th
// greatest key lies; `wanted` becomes its place among those with that digit.
__device__ __forceinline__ u32 digit_of(const Head& head, const Choice& choice, bool limited, double threshold, u32 known,
                                        u32 shift, u32 bits, u32& wanted, u32* bins, u32* warps, u32* found) {
    const u32 count = 1u << bits;
    for (u32 at = threadIdx.x; at < BINS; at += THREADS) bins[at] = 0;
    __syncthreads();
#pragma unroll 4
    for (u32 at = threadIdx.x * 4; at < head.tokens; at += CHUNK) {
        float x[4];
        head.four(x, at);
#pragma unroll
        for (u32 e = 0; e < 4; e++) {
            bool other = at + e >= choice.first && at + e < choice.end && alive(x[e]) && (!limited || x[e] >= threshold);
            u32 key = ordered(x[e]);
            // Shifts of 32 bits and more are not defined.
            if (other && (shift + bits >= 32 || key >> (shift + bits) == known >> (shift + bits)))
                atomicAdd(&bins[key >> shift & (count - 1)], 1u);
        }
    }
    __syncthreads();
    // The greatest digits first: a thread has two of them.
    u32 high = count - 1 - 2 * threadIdx.x, mine[2] = {}, total;
    bool has = 2 * threadIdx.x < count;
    if (has) mine[0] = bins[high], mine[1] = bins[high - 1];
    u32 before = sum_before(mine[0] + mine[1], warps, total);
    if (has && before < wanted && wanted <= before + mine[0] + mine[1]) {
        bool upper = wanted <= before + mine[0];
        found[0] = upper ? high : high - 1;
        found[1] = wanted - before - (upper ? 0 : mine[0]);
    }
    __syncthreads();
    wanted = found[1];
    u32 digit = found[0];
    __syncthreads();
    return known | digit << shift;
}

// `limits` [heads of all sequences] are budgets; `limited` says that others need the threshold.
extern "C" __global__ void __launch_bounds__(THREADS) choose_tokens(
    const float* scores, u32 tokens, const u32* limits, u32 one_limit, u32 n_sink, u32 n_recent, u32 limited,
    double threshold, u32* choices, u32* counts) {
    __shared__ u32 bins[BINS], warps[THREADS / 32], found[2], places[4];
    Head head = {scores + (u64)blockIdx.x * tokens, tokens, tokens % 4 == 0};
    u32 living = 0;
#pragma unroll 4
    for (u32 start = threadIdx.x * 4; start < tokens; start += CHUNK) {
        float x[4];
        head.four(x, start);
#pragma unroll
        for (int e = 0; e < 4; e++) living += alive(x[e]);
    }
    living = total_over(living, warps);
    const u32 given = limits == nullptr ? one_limit : limits[blockIdx.x], limit = given > 1 ? given : 1;
    u32 all_sinks = n_sink < living ? n_sink : living;
    u32 all_recent = n_recent < living - all_sinks ? n_recent : living - all_sinks;
    u32 sinks = all_sinks < limit ? all_sinks : limit;
    u32 recent = all_recent < limit - sinks ? all_recent : limit - sinks;
    const u32 targets[4] = {sinks, all_sinks, living - all_recent, living - recent};
    // Where every token has a score, the places are these numbers.
    if (threadIdx.x < 4) places[threadIdx.x] = living == tokens ? targets[threadIdx.x] : tokens;
    u32 done = 0;
    for (u32 start = 0; start < tokens && living != tokens; start += CHUNK) {
        float x[4];
        u32 at = start + threadIdx.x * 4, mine = 0, total;
        head.four(x, at);
#pragma unroll
        for (int e = 0; e < 4; e++) mine += alive(x[e]);
        u32 which = done + sum_before(mine, warps, total);
#pragma unroll
        for (u32 e = 0; e < 4; e++) {
            if (!alive(x[e])) continue;
#pragma unroll
            for (int j = 0; j < 4; j++)
                if (which == targets[j]) places[j] = at + e;
            which++;
        }
        done += total;
    }
    __syncthreads();
    Choice choice = {places[0], places[1], places[2], places[3], 0, 0, 0, 0};
    u32 others = living - all_sinks - all_recent;
    if (limited) {
        others = 0;
#pragma unroll 4
        for (u32 start = threadIdx.x * 4; start < tokens; start += CHUNK) {
            float x[4];
            head.four(x, start);
#pragma unroll
            for (u32 e = 0; e < 4; e++)
                others += start + e >= choice.first && start + e < choice.end && alive(x[e]) && x[e] >= threshold;
        }
        others = total_over(others, warps);
    }
    u32 wanted = limit - sinks - recent;
    bool nobody = limited && others == 0 && all_sinks + all_recent == 0;
    if (nobody) {
        // Attention to nothing has no value: the best stays, whatever it scored.
        others = living, limited = 0;
        wanted = living < 1 ? living : 1;
    }
    choice.kept = sinks + recent + (wanted < others ? wanted : others);
    if (wanted == 0) {
        choice.cut = FULL;
    } else if (wanted < others) {
        u32 left = wanted;
        u32 key = digit_of(head, choice, limited != 0, threshold, 0, 21, 11, left, bins, warps, found);
        key = digit_of(head, choice, limited != 0, threshold, key, 10, 11, left, bins, warps, found);
        choice.cut = digit_of(head, choice, limited != 0, threshold, key, 0, 10, left, bins, warps, found);
        choice.ties = left;
    } else if (limited) {
        // All that reach the threshold, whose key is what divides them from the rest.
        choice.ties = FULL;
    }
    if (threadIdx.x == 0) {
        ((Choice*)choices)[blockIdx.x] = choice;
        counts[blockIdx.x] = choice.kept;
    }
}

// Where heads begin and the last one ends, `[rows + 1]`: one block.
extern "C" __global__ void __launch_bounds__(THREADS) bound_heads(const u32* counts, u32 rows, u32* bounds) {
    __shared__ u32 warps[THREADS / 32];
    u32 before = 0;
    for (u32 start = 0; start < rows; start += THREADS) {
        u32 at = start + threadIdx.x, total, mine = sum_before(at < rows ? counts[at] : 0, warps, total);
        if (at < rows) bounds[at] = before + mine;
        before += total;
    }
    if (threadIdx.x == 0) bounds[rows] = before;
}

// Writes what stays to `indices`, and which positions these are; heads begin at `starts`.
extern "C" __global__ void __launch_bounds__(THREADS) list_chosen(
    const float* scores, u32 tokens, const u32* choices, u32 limited, double threshold, const u32* starts,
    const u32* positions, u32 heads, u64 batch_step, u64 head_step, u32* indices, u32* held) {
    __shared__ u32 warps[THREADS / 32];
    Head head = {scores + (u64)blockIdx.x * tokens, tokens, tokens % 4 == 0};
    Choice choice = ((const Choice*)choices)[blockIdx.x];
    const u32* mine = positions == nullptr ? nullptr
                                           : positions + blockIdx.x / heads * batch_step + blockIdx.x % heads * head_step;
    bool reaching = limited != 0 && choice.ties == FULL;
    u32 sure_before = starts[blockIdx.x], ties_before = 0;
    float next[4];
    head.four(next, threadIdx.x * 4);
    for (u32 start = 0; start < tokens; start += CHUNK) {
        float x[4] = {next[0], next[1], next[2], next[3]};
        u32 at = start + threadIdx.x * 4, sure = 0, ties = 0, total;
        // The next are on their way while these are counted.
        head.four(next, at + CHUNK);
#pragma unroll
        for (u32 e = 0; e < 4; e++) {
            u32 key = ordered(x[e]), t = at + e;
            bool other = alive(x[e]) && t >= choice.first && t < choice.end;
            bool above = reaching ? x[e] >= threshold : key > choice.cut;
            bool always = alive(x[e]) && (t < choice.sinks || t >= choice.recent);
            sure |= always || (other && above) ? 1u << e : 0u;
            ties |= !reaching && other && key == choice.cut ? 1u << e : 0u;
        }
        u32 before = sum_before((u32)__popc(sure) | (u32)__popc(ties) << 16, warps, total);
        u32 sure_at = sure_before + (before & 0xffff), ties_at = ties_before + (before >> 16);
#pragma unroll
        for (u32 e = 0; e < 4; e++) {
            bool tie = ties >> e & 1, taken = (sure >> e & 1) || (tie && ties_at < choice.ties);
            if (taken) {
                u32 to = sure_at + (ties_at < choice.ties ? ties_at : choice.ties);
                indices[to] = at + e;
                if (mine != nullptr) held[to] = mine[at + e];
            }
            sure_at += sure >> e & 1;
            ties_at += tie;
        }
        sure_before += total & 0xffff;
        ties_before += total >> 16;
    }
}
