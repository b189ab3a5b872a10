// What a scan of rows is asked, and what becomes of a score. What is below the floor of its query is forgotten in
// registers, so that no matrix of scores is ever written. With `dense` the scores of a sample are written instead,
// which is where the floors come from.
#pragma once
#include "keys.cuh"

struct Scan {
    const u8* queries;       // as the kernel has them, filled up with zeros
    const u8* rows;          // [rows][row_bytes] bytes, a multiple of 16
    const float* scale;      // [rows] or null: factor of the product
    const float* bias;       // [rows] or null: with `gamma` [queries], what is added
    const float* gamma;
    const float* floors;     // [queries]
    const u32* mask;         // bits [queries or 1][mask_stride] or null
    u64 mask_stride;
    u64* lists;              // [queries][room] keys of what is not below the floor
    u32* counts;             // [queries], more than `room` if some had no place
    float* dense;            // [queries][count] or null
    u32 room;
    u32 row_bytes;
    u32 count;               // rows that are looked at: 0, step, 2 * step, ...
    u32 step;
    u32 total_queries;
    u32 query_tiles;
    u32 segments;
};

// What becomes of the score of row `at * step`: written down, or kept, since it is not below the floor.
__device__ __forceinline__ void meet(const Scan& s, u32 query, u32 at, float score) {
    if (query >= s.total_queries || at >= s.count) return;
    u32 row = at * s.step;
    bool free = allowed(s.mask, s.mask_stride, query, row);
    if (s.dense != nullptr) {
        s.dense[(u64)query * s.count + at] = !free ? MINUS_INFINITY : score == score ? score : __int_as_float(0x7f800000);
    } else if (free) {
        u32 place = atomicAdd(&s.counts[query], 1u);
        if (place < s.room) s.lists[(u64)query * s.room + place] = key_of(score, row);
    }
}

// A kernel's parameters, and the Scan that they make.
#define SCAN_PARAMETERS \
    const u8* queries, const u8* rows, const float* scale, const float* bias, const float* gamma, const \
    float* floors, const u32* mask, u64 mask_stride, u64* lists, u32* counts, float* dense, u32 room, \
    u32 row_bytes, u32 count, u32 step, u32 total_queries, u32 query_tiles, u32 segments
#define SCAN_GIVEN \
    {queries, rows, scale, bias, gamma, floors, mask, mask_stride, lists, counts, dense, room, \
    row_bytes, count, step, total_queries, query_tiles, segments}
