// Queries and weights of products with codes: so many at a time, those of a channel or a token together.
#pragma once
#include "codes.cuh"

#ifndef ROWS
#define ROWS 8
#endif
#define TILE 128u   // tokens of a block, and its threads
#define SPLIT 512u  // tokens whose sum one block of threads makes

// Queries `[heads, rows, width]`, a stage of their channels.
__device__ __forceinline__ void ask(
    float* asked, const float* queries, u32 head, u32 rows, u32 first, u32 start, u32 some, u32 stage, u32 width) {
    for (u32 at = threadIdx.x; at < stage * ROWS; at += TILE) {
        u32 channel = at / ROWS, row = first + at % ROWS;
        bool there = channel < some && row < rows;
        asked[at] = there ? queries[((u64)head * rows + row) * width + start + channel] : 0.0f;
    }
}

__device__ __forceinline__ void add(float (&sums)[ROWS], const float* asked, float x) {
#pragma unroll
    for (int row = 0; row < ROWS; row++) sums[row] = __fmaf_rn(asked[row], x, sums[row]);
}

// Weights `[heads, rows, n]` of a tile, those of a token together.
__device__ __forceinline__ void bring_weights(float* held, const float* weights, u32 head, u32 rows, u32 first, u32 tile, u32 n) {
    for (u32 at = threadIdx.x; at < TILE * ROWS; at += TILE) {
        u32 row = first + at / TILE, t = tile + at % TILE;
        held[at % TILE * ROWS + at / TILE] = row < rows && t < n ? weights[((u64)head * rows + row) * n + t] : 0.0f;
    }
}

__device__ __forceinline__ u64 place_of(u32 head, u32 splits, u32 split, u32 rows, u32 row) {
    return ((u64)head * splits + split) * rows + row;
}
