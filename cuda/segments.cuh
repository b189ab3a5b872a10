// Segments of codes, their parts, and what a block of threads does with one.
#pragma once
#include "codes.cuh"

// Where the parts of a segment begin, its tokens, and the bytes of a row of its codes. Positions are int32; without them
// tokens follow one another from `start` on.
struct Segment {
    u64 keys, key_scale, key_zero, key_means, values, value_scale, value_zero, value_means;
    u64 positions, start, tokens, key_bytes, value_bytes;
};

// What all segments have in common.
struct Shape {
    u32 key_group, key_block, value_group, value_block, key_width, value_width, value_dim;
};

// What a block of threads does: a part of a segment, for one of its heads, and for which head of which sequence that is.
struct Work {
    u32 segment, own_head, first, head;
};

template <class T> __device__ __forceinline__ T over_warp(T value, T (*joined)(T, T)) {
#pragma unroll
    for (int apart = 16; apart > 0; apart >>= 1) value = joined(value, __shfl_xor_sync(FULL, value, apart));
    return value;
}
__device__ __forceinline__ float greater(float a, float b) { return fmaxf(a, b); }
__device__ __forceinline__ float sum_of(float a, float b) { return a + b; }
