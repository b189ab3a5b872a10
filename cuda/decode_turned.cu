// Rotated rows back to what their codes stand for, in f64 as NumPy does, for widths of which a few lanes hold a row in
// registers: 32 numbers each.
#define CODEC 3  // ROTATED
#include "codes.cuh"
#include "eights_out.cuh"
#include "levels.cuh"

#define THREADS 128
#ifndef WIDTH
#define WIDTH 128  // of a turned row: 64, 128, 256 or 512
#endif
#define LANES (WIDTH / 32)
#define CHUNKS 4  // eights of a lane
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 1000
#define BLOCKS 4  // of a multiprocessor; with five the compiler spills
#else
#define BLOCKS 5
#endif

// `by` is one by the root of the width; `d` elements of a row count, and rows of `out` are aligned where `whole`.
extern "C" __global__ void __launch_bounds__(THREADS, BLOCKS) decode_turned(
    CODES_PARAMETERS, float* out, u32 d, u64 seed, double by, u32 whole) {
    __shared__ double levels[2 * HALF_LEVELS];
    __shared__ u8 turned_by[WIDTH / 8];
    if (threadIdx.x < 2 * HALF_LEVELS) levels[threadIdx.x] = signed_level(threadIdx.x);
#pragma unroll 1
    for (u32 at = threadIdx.x; at < WIDTH; at += THREADS) {
        u32 bits = (u32)turns(at, seed) << at % 8;
#pragma unroll
        for (int apart = 1; apart < 8; apart *= 2) bits |= __shfl_xor_sync(FULL, bits, apart);
        if (at % 8 == 0) turned_by[at / 8] = (u8)bits;
    }
    __syncthreads();
    const u32 lane = threadIdx.x & (LANES - 1);
    u32 signs = 0;
#pragma unroll
    for (int i = 0; i < CHUNKS; i++) signs |= (u32)turned_by[lane + LANES * i] << (8 * i);
    const Codes c = CODES_GIVEN;
    const u32 own = (blockIdx.x * THREADS + threadIdx.x) / LANES, t = min(own, n - 1), blocks = (n + block - 1) / block;
    const u64 place = (u64)blockIdx.y * n + t;
    u32 words[CHUNKS][WORDS_OF_EIGHT(BITS)];
#pragma unroll
    for (int i = 0; i < CHUNKS; i++) eight_words<ROTATED, BITS>(c, place, lane + LANES * i, words[i]);
    const double factor = (double)of_half(scale[place]);
    double x[CHUNKS][8];
#pragma unroll
    for (int i = 0; i < CHUNKS; i++) {
#pragma unroll
        for (int j = 0; j < 8; j++) x[i][j] = __dmul_rn(levels[bits_of<BITS>(words[i], j)], factor);
        turn_eight(x[i]);
    }
#pragma unroll
    for (int apart = 1; apart < LANES; apart *= 2) {
        // The upper of two lanes has the difference.
        const double sign = lane & apart ? -1.0 : 1.0;
#pragma unroll
        for (int i = 0; i < CHUNKS; i++) {
#pragma unroll
            for (int j = 0; j < 8; j++) {
                x[i][j] = __fma_rn(x[i][j], sign, __shfl_xor_sync(FULL, x[i][j], apart));
            }
        }
    }
#pragma unroll
    for (int half = 1; half < CHUNKS; half *= 2) {
#pragma unroll
        for (int i = 0; i < CHUNKS; i++) {
#pragma unroll
            for (int j = 0; j < 8; j++) {
                if ((i & half) == 0) butterfly(x[i][j], x[i + half][j]);
            }
        }
    }
    const u16* mean = zero + ((u64)blockIdx.y * blocks + t / block) * d;
#pragma unroll
    for (int i = 0; i < CHUNKS; i++) {
        const u32 channel = 8 * (lane + LANES * i);
        float found[8];
        uint4 pairs = {0, 0, 0, 0};
        if (whole && channel < d) {
            pairs = *(const uint4*)(mean + channel);
        } else if (!whole) {
            u32 halves[8];
#pragma unroll
            for (u32 j = 0; j < 8; j++) halves[j] = channel + j < d ? mean[channel + j] : 0;
            pairs = {halves[0] | halves[1] << 16, halves[2] | halves[3] << 16, halves[4] | halves[5] << 16,
                     halves[6] | halves[7] << 16};
        }
        const u32 centres[4] = {pairs.x, pairs.y, pairs.z, pairs.w};
#pragma unroll
        for (u32 j = 0; j < 8; j++) {
            const double turned = __dmul_rn(x[i][j], signs >> (8 * i + j) & 1 ? -by : by);
            found[j] = (float)__dadd_rn((double)of_half((u16)(centres[j / 2] >> (j % 2 * 16))), turned);
        }
        if (whole) {
            write_in_pairs(out, own < n && channel < d ? place * d + channel : NO_PLACE, found);
            continue;
        }
#pragma unroll
        for (u32 j = 0; j < 8; j++) {
            if (own < n && channel + j < d) out[place * d + channel + j] = found[j];
        }
    }
}
