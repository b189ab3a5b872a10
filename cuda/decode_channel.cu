// Whole numbers that are packed channel by channel, `[heads, d, words]`, with steps `[heads, groups, d]`: the rows that they
// stand for, and products with them.
#include "asked.cuh"
#include "whole.cuh"

#define THREADS 256
#define TOP ((1u << BITS) - 1)
#define CHANNELS 64u
#define WORDS_OF_TILE (TILE * BITS / 32)
#define PITCH (WORDS_OF_TILE + 1)  // threads meet in no bank

// The steps of four channels, which may lie in one piece.
__device__ __forceinline__ void four_steps(const u16* from, u32 some, bool whole, float (&x)[4]) {
    if (whole) {
        const uint2 all = *(const uint2*)from;
        x[0] = of_half((u16)all.x), x[1] = of_half((u16)(all.x >> 16));
        x[2] = of_half((u16)all.y), x[3] = of_half((u16)(all.y >> 16));
    } else {
#pragma unroll
        for (u32 j = 0; j < 4; j++) x[j] = of_half(from[j < some ? j : some - 1]);
    }
}

#define TOKENS 16u                      // of a thread
#define WORDS_OF_THREAD (TOKENS * BITS / 32)

__device__ __forceinline__ void write_four(float* to, u32 some, bool whole, const float (&x)[4]) {
    if (whole) {
        *(float4*)to = {x[0], x[1], x[2], x[3]};
    } else {
#pragma unroll
        for (u32 j = 0; j < 4; j++) {
            if (j < some) to[j] = x[j];
        }
    }
}

// A thread takes sixteen tokens of four channels: four threads read what lies together of a channel, eight write what does
// of a row.
extern "C" __global__ void __launch_bounds__(THREADS) decode_channels(
    const u32* codes, const u16* scale, const u16* zero, float* out, u32 n, u32 d, u32 words, u32 group) {
    const u32 quads = (d + 3) / 4, across = (quads + 7) / 8, at = blockIdx.x * THREADS + threadIdx.x, lane = at & 31;
    const u32 t = (at / 32 / across * 4 + (lane >> 3)) * TOKENS, channel = (at / 32 % across * 8 + (lane & 7)) * 4;
    if (t >= n || channel >= d) return;
    const u32 groups = (n + group - 1) / group, some = min(4u, d - channel), first = t * BITS / 32;
    const bool whole = d % 4 == 0;
    const u32* row = codes + ((u64)blockIdx.y * d + channel) * words + first;
    float* to = out + ((u64)blockIdx.y * n + t) * d + channel;
    float steps[4], zeros[4];
    const u64 heads_steps = (u64)blockIdx.y * groups * d + channel;
    if (group % TOKENS == 0) {
        u32 packed[4][WORDS_OF_THREAD];
#pragma unroll
        for (u32 j = 0; j < 4; j++) {
#pragma unroll
            for (u32 w = 0; w < WORDS_OF_THREAD; w++) {
                packed[j][w] = row[(u64)(j < some ? j : some - 1) * words + (first + w < words ? w : 0)];
            }
        }
        const u64 of = heads_steps + (u64)(t / group) * d;
        four_steps(scale + of, some, whole, steps), four_steps(zero + of, some, whole, zeros);
#pragma unroll
        for (u32 i = 0; i < TOKENS; i++) {
            if (t + i >= n) return;
            float x[4];
#pragma unroll
            for (int j = 0; j < 4; j++) {
                const u32 code = packed[j][i * BITS / 32] >> (i * BITS % 32) & TOP;
                x[j] = __fmaf_rn(small(code), steps[j], zeros[j]);
            }
            write_four(to + i * d, some, whole, x);
        }
        return;
    }
    // A group may end anywhere.
#pragma unroll 1
    for (u32 i = 0; i < TOKENS && t + i < n; i++) {
        const u64 of = heads_steps + (u64)((t + i) / group) * d;
        four_steps(scale + of, some, whole, steps), four_steps(zero + of, some, whole, zeros);
        float x[4];
#pragma unroll
        for (u32 j = 0; j < 4; j++) {
            const u32 code = row[(u64)(j < some ? j : some - 1) * words + i * BITS / 32] >> (i * BITS % 32) & TOP;
            x[j] = __fmaf_rn(small(code), steps[j], zeros[j]);
        }
        write_four(to + i * d, some, whole, x);
    }
}

// Queries are `[heads, rows, d]`, `out` is `[heads, rows, n]`: a thread takes a token.
extern "C" __global__ void __launch_bounds__(TILE) logits_by_channel(
    const u32* codes, const u16* scale, const u16* zero, const float* queries, float* out, u32 n, u32 d, u32 words,
    u32 group, u32 rows) {
    __shared__ u32 held[CHANNELS * WORDS_OF_TILE];
    __shared__ float asked[CHANNELS * ROWS];
    u32 head = blockIdx.y, tile = blockIdx.x * TILE, t = min(tile + threadIdx.x, n - 1);
    u32 groups = (n + group - 1) / group, first_word = tile * BITS / 32, shift = threadIdx.x * BITS % 32;
    const u16 *steps = scale + ((u64)head * groups + t / group) * d, *zeros = zero + ((u64)head * groups + t / group) * d;
    for (u32 first = 0; first < rows; first += ROWS) {
        float sums[ROWS];
#pragma unroll
        for (int row = 0; row < ROWS; row++) sums[row] = 0.0f;
        for (u32 start = 0; start < d; start += CHANNELS) {
            u32 some = min(CHANNELS, d - start);
            __syncthreads();
            for (u32 at = threadIdx.x; at < some * WORDS_OF_TILE; at += TILE) {
                u32 word = first_word + at % WORDS_OF_TILE;
                u64 channel = (u64)head * d + start + at / WORDS_OF_TILE;
                held[at] = word < words ? codes[channel * words + word] : 0;
            }
            ask(asked, queries, head, rows, first, start, some, CHANNELS, d);
            __syncthreads();
#pragma unroll 8
            for (u32 channel = 0; channel < some; channel++) {
                u32 code = held[channel * WORDS_OF_TILE + threadIdx.x * BITS / 32] >> shift & TOP;
                Scaled by = {of_half(steps[start + channel]), of_half(zeros[start + channel])};
                add(sums, asked + channel * ROWS, __fmaf_rn(small(code), by.scale, by.zero));
            }
        }
        if (tile + threadIdx.x >= n) continue;
#pragma unroll
        for (int row = 0; row < ROWS; row++) {
            if (first + row < rows) out[((u64)head * rows + first + row) * n + t] = sums[row];
        }
    }
}

// The same where the tokens of a word share their step: codes are multiplied as they lie, and all queries that are asked
// together, `[d][ROWS]`, are shared.
extern "C" __global__ void __launch_bounds__(TILE) logits_by_columns(
    const u32* codes, const u16* scale, const u16* zero, const float* queries, float* out, u32 n, u32 d, u32 words,
    u32 group, u32 rows) {
    extern __shared__ __align__(16) u8 shared[];
    __shared__ float paid[TILE * ROWS];
    float* asked = (float*)shared;
    const u32 head = blockIdx.y, tile = blockIdx.x * TILE, t = tile + threadIdx.x;
    const Codes c = {(const u8*)codes, scale, zero, n, d, words * 4, group, 1, nullptr};
    for (u32 first = 0; first < rows; first += ROWS) {
        __syncthreads();
        ask(asked, queries, head, rows, first, 0, d, d, d);
        __syncthreads();
        channel_logits<BITS, ROWS>(c, head, tile, asked, paid);
        __syncthreads();
        if (t >= n) continue;
#pragma unroll
        for (int row = 0; row < ROWS; row++) {
            if (first + row < rows) out[((u64)head * rows + first + row) * n + t] = paid[threadIdx.x * ROWS + row];
        }
    }
}

// Weights are `[heads, rows, n]`, `parts` are `[heads, splits, rows, d]`: a thread takes a channel.
extern "C" __global__ void __launch_bounds__(TILE) sums_by_channel(
    const u32* codes, const u16* scale, const u16* zero, const float* weights, float* parts, u32 n, u32 d, u32 words,
    u32 group, u32 rows, u32 splits) {
    __shared__ float held[TILE * ROWS];
    __shared__ u32 packed[TILE * PITCH];
    u32 head = blockIdx.y, split = blockIdx.x % splits, base = blockIdx.x / splits * TILE, groups = (n + group - 1) / group;
    u32 channel = min(base + threadIdx.x, d - 1), start = split * SPLIT, end = min(n, start + SPLIT);
    for (u32 first = 0; first < rows; first += ROWS) {
        float mine[ROWS];
#pragma unroll
        for (int row = 0; row < ROWS; row++) mine[row] = 0.0f;
        for (u32 tile = start; tile < end; tile += TILE) {
            __syncthreads();
            bring_weights(held, weights, head, rows, first, tile, n);
            for (u32 at = threadIdx.x; at < TILE * WORDS_OF_TILE; at += TILE) {
                u32 of = base + at / WORDS_OF_TILE, word = tile * BITS / 32 + at % WORDS_OF_TILE;
                bool there = of < d && word < words;
                packed[at / WORDS_OF_TILE * PITCH + at % WORDS_OF_TILE] = there ? codes[((u64)head * d + of) * words + word] : 0;
            }
            __syncthreads();
            Scaled by = {0.0f, 0.0f};
            u32 word = 0;
            for (u32 t = 0; t < min(TILE, end - tile); t++) {
                if (t % (32 / BITS) == 0) word = packed[threadIdx.x * PITCH + t * BITS / 32];
                if (t == 0 || (tile + t) % group == 0) {
                    u64 step = ((u64)head * groups + (tile + t) / group) * d + channel;
                    by = {of_half(scale[step]), of_half(zero[step])};
                }
                float x = __fmaf_rn(small(word & TOP), by.scale, by.zero);
                word >>= BITS;
#pragma unroll
                for (int row = 0; row < ROWS; row++) mine[row] = __fmaf_rn(held[t * ROWS + row], x, mine[row]);
            }
        }
        if (base + threadIdx.x >= d) continue;
#pragma unroll
        for (int row = 0; row < ROWS; row++) {
            if (first + row < rows) parts[place_of(head, splits, split, rows, first + row) * d + channel] = mine[row];
        }
    }
}
