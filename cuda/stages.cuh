// A stage of tokens in shared memory: 64 for each warp, of which matrix units take 32 at a time. Four queries take the eight
// columns of a product, each as two floats of 16 bits, so nothing is lost that f32 would keep.
#pragma once
#include "lines.cuh"
#include "segments.cuh"

#ifndef WARPS
#define WARPS 4
#endif
#define STAGE (64 * WARPS)  // tokens
#define THREADS (32 * WARPS)
#define AT_ONCE 4u                                // queries
#define KEY_PITCH (STAGE * KEY_BITS / 8 + 16)     // bytes between lines of keys: pairs of them meet in no bank
#define VALUE_PITCH (UNITS * 4 * VALUE_BITS + 16)
#define PITCH (STAGE + 8)                         // numbers between rows that go over tokens
#define FILLED 9                                  // the power of two below which queries and weights are brought

// Writes a number as two halves.
__device__ __forceinline__ void write_halves(u16* high, u16* low, float x) {
    const u16 half = half_of(x);
    *high = half;
    *low = half_of(__fsub_rn(x, of_half(half)));
}

// The first `there` of COUNT numbers of each of `rows` rows that lie `stride` apart, as halves and what these lost,
// `halves` [2][AT_ONCE][COUNT + 8], each row by a power of two that lets it fill them.
template <u32 COUNT>
__device__ __forceinline__ void bring_in_halves(u16* halves, int* raised, const float* from, u64 stride, u32 rows, u32 there) {
    const u32 lane = threadIdx.x & 31;
    for (u32 r = threadIdx.x / 32; r < AT_ONCE; r += WARPS) {
        float own[(COUNT + 31) / 32], size = 0.0f;
#pragma unroll
        for (u32 i = 0; i < (COUNT + 31) / 32; i++) {
            own[i] = r < rows && lane + 32 * i < there ? from[r * stride + lane + 32 * i] : 0.0f;
            size = fmaxf(size, fabsf(own[i]));
        }
        size = over_warp<float>(size, greater);
        const int by = size > 0.0f ? max(-100, min(100, FILLED - 1 + 127 - (int)(__float_as_uint(size) >> 23))) : 0;
#pragma unroll
        for (u32 i = 0; i < (COUNT + 31) / 32; i++) {
            u16* to = halves + r * (COUNT + 8) + lane + 32 * i;
            if (lane + 32 * i < COUNT) write_halves(to, to + AT_ONCE * (COUNT + 8), own[i] * power_of_two(by));
        }
        if (lane == 0) raised[r] = by;
    }
}

// Lowers the COUNT steps of a warp if one is 64 or more; returns by which power of two.
template <u32 COUNT> __device__ __forceinline__ int lower_steps(u16* steps) {
    const u32 lane = threadIdx.x & 31;
    u32 large = 0;
#pragma unroll
    for (u32 at = 2 * lane; at < COUNT; at += 64) large |= *(const u32*)(steps + at) + 0x2c002c00u;  // 64 reaches the sign
    if (!__any_sync(FULL, large & 0x80008000u)) return 0;
    for (u32 at = lane; at < COUNT; at += 32) steps[at] = half_of(of_half(steps[at]) * power_of_two(-FILLED - 2));
    __syncwarp();
    return FILLED + 2;
}
