// Logits with rotated codes that are 128 channels wide: sixteen lanes share a token, each with the queries of its eight
// channels in registers, and means are multiplied once for a tile.
#pragma once
#include "whole.cuh"

// The codes of eight channels of a row.
template <int WIDE> __device__ __forceinline__ u32 eight_codes_at(const u8* at) {
    if constexpr (WIDE == 4) return *(const u32*)at;
    if constexpr (WIDE == 2) return *(const u16*)at;
    if constexpr (WIDE == 1) return at[0];
    return (u32)at[0] | (u32)at[1] << 8 | (u32)at[2] << 16;
}

// What a code stands for; one bit is a sign alone, whose level is left for the end.
template <int WIDE> __device__ __forceinline__ float level_at(u32 codes, int j, const float* levels) {
    if constexpr (WIDE == 1) return __uint_as_float(((codes << (31 - j)) & 0x80000000u) ^ 0xbf800000u);
    const int shift = j * WIDE - 2;
    const u32 place = (shift < 0 ? codes << -shift : codes >> shift) & (((1u << WIDE) - 1) << 2);
    return *(const float*)((const u8*)levels + place);
}

// Logits of MANY queries with `count` tokens from `tile` on, which lie in one block of means, written to `paid` [128][MANY] by
// a block of 128 threads; those behind the last token are no numbers that count. `asked` [128][MANY].
template <int WIDE, int MANY>
__device__ __forceinline__ void turned_logits(
    const Codes& c, u32 head, u32 tile, u32 count, const float* asked, const float* levels, float* paid) {
    const int FEW = MANY < 4 ? MANY : 4, TOKENS = 16 / FEW;
    const u32 lane = threadIdx.x & 15, first = threadIdx.x / 16 * 16;
    const u64 row = (u64)head * c.n + tile;
    const u8* codes = c.codes + row * c.row_bytes + lane * WIDE;
    const float* mean = c.means + ((u64)head * ((c.n + c.block - 1) / c.block) + tile / c.block) * 128 + lane * 8;
    const float size = WIDE == 1 ? levels[1] : 1.0f;
#pragma unroll 1
    for (int from = 0; from < MANY; from += FEW) {
        float query[8][FEW], base[FEW], means[8];
        few_floats<8>(means, mean);
#pragma unroll
        for (int r = 0; r < FEW; r++) base[r] = 0.0f;
#pragma unroll
        for (int j = 0; j < 8; j++) {
            few_floats<FEW>(query[j], asked + (lane * 8 + j) * MANY + from);
#pragma unroll
            for (int r = 0; r < FEW; r++) base[r] = __fmaf_rn(query[j][r], means[j], base[r]);
        }
#pragma unroll
        for (int r = 0; r < FEW; r++) {
#pragma unroll
            for (int apart = 8; apart >= FEW; apart /= 2) base[r] += __shfl_xor_sync(FULL, base[r], apart);
        }
        if constexpr (FEW > 1) over_lanes<FEW / 2, FEW>(base, lane);
#pragma unroll 1
        for (u32 batch = 0; batch < 16; batch += TOKENS) {
            const u32 own = first + batch + lane / FEW;
            u32 words[TOKENS];
#pragma unroll
            for (int i = 0; i < TOKENS; i++) words[i] = eight_codes_at<WIDE>(codes + min(first + batch + i, count - 1) * c.row_bytes);
            const u16 factor = c.scale[row + min(own, count - 1)];
            float values[16];
#pragma unroll
            for (int i = 0; i < TOKENS; i++) {
#pragma unroll
                for (int r = 0; r < FEW; r++) values[i * FEW + r] = 0.0f;
#pragma unroll
                for (int j = 0; j < 8; j++) {
                    const float x = level_at<WIDE>(words[i], j, levels);
#pragma unroll
                    for (int r = 0; r < FEW; r++) values[i * FEW + r] = __fmaf_rn(query[j][r], x, values[i * FEW + r]);
                }
            }
            over_lanes<8, 16>(values, lane);
            paid[own * MANY + from + lane % FEW] = __fmaf_rn(values[0], of_half(factor) * size, base[0]);
        }
    }
}
