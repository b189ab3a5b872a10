// Few queries, and the parts of segments that they meet.
#pragma once
#ifndef ROWS
#define ROWS 4   // queries of a head that are attended together
#endif
#if ROWS > 4
// Fewer threads have more registers.
#define THREADS 128
#define BLOCKS 2
#else
#define THREADS 256
#define BLOCKS 2
#endif
#include "lanes.cuh"
#include "scores.cuh"

// A segment: where keys, values and positions of tokens begin, in bytes; what is between heads and tokens of keys, then
// of values, in elements; and its tokens. Without positions a token has its place.
struct Segment {
    u64 keys, values, positions, key_head, key_token, value_head, value_token, tokens;
};

// What a block does: a part of a segment, for one of its heads, and for which head of which sequence that is.
struct Work {
    u32 segment, own_head, first, head;
};

// A part, with what is asked of it.
struct Met {
    Rows keys;
    const int* positions;
    const float* queries;   // those of the head, [rows][dim], for logits to the base 2
    const int* until;       // those of the sequence, [rows]: the last position that a query sees
    u32 rows, first, end;

    // The logits of ROWS queries from `first_row` on with the TILE tokens from `start` on, to `out`; minus infinity where
    // there is none, or it is not seen.
    __device__ __forceinline__ void logits(u32 first_row, u32 start, float (*out)[TILE]) const {
        const u32 lane = threadIdx.x % LANES, group = threadIdx.x / LANES;
        float products[ROWS * BESIDE] = {};
        bool has[BESIDE];
        const Element* row[BESIDE];
#pragma unroll
        for (int j = 0; j < BESIDE; j++) {
            u32 t = start + j * GROUPS + group;
            has[j] = t < end;
            row[j] = keys.at(0, 0, has[j] ? t : 0);
        }
        for (u32 piece = lane; piece < (keys.pieces() + LANES - 1) / LANES * LANES; piece += LANES) {
            float x[BESIDE][WIDE];
            load_pieces(x, keys, row, has, piece);
#pragma unroll
            for (int r = 0; r < ROWS; r++) {
                float y[WIDE];
                u32 which = first_row + r < rows ? first_row + r : 0;
                load_floats(y, keys, queries + (u64)which * keys.dim, piece);
#pragma unroll
                for (int j = 0; j < BESIDE; j++)
#pragma unroll
                    for (int e = 0; e < WIDE; e++) products[r * BESIDE + j] = __fmaf_rn(x[j][e], y[e], products[r * BESIDE + j]);
            }
        }
        over_lanes<LANES / 2, ROWS * BESIDE>(products, lane);
        const int OWN = ROWS * BESIDE > LANES ? ROWS * BESIDE / LANES : 1;
        const u32 alike = LANES / (ROWS * BESIDE / OWN), own = lane / alike * OWN;
        if (lane % alike != 0) return;
#pragma unroll
        for (int i = 0; i < OWN; i++) {
            const u32 r = (own + i) / BESIDE, at = (own + i) % BESIDE * GROUPS + group, t = start + at;
            const bool there = t < end && first_row + r < rows;
            const int position = positions == nullptr || !there ? (int)t : positions[t];
            out[r][at] = there && position <= until[first_row + r] ? products[i] : MINUS_INFINITY;
        }
    }
};

// What a work is about; rows of one head of a segment have no other head.
__device__ __forceinline__ Met met_by(const Segment& segment, const Work& work, const float* queries, const int* until,
                                      u32 rows, u32 heads, u32 dim, bool whole, u32 part) {
    const u32 tokens = (u32)segment.tokens, end = work.first + part;
    Rows keys = {(const Element*)segment.keys + work.own_head * segment.key_head, 0, 0, segment.key_token, 1, tokens, dim, whole};
    return {keys, (const int*)segment.positions, queries + (u64)work.head * rows * dim,
            until + (u64)(work.head / heads) * rows, rows, work.first, end < tokens ? end : tokens};
}
