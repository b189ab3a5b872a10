// Sums of the numbers of eight channels, by MANY rows of weights, token after token.
#pragma once
#include "whole.cuh"

template <int KIND, int WIDE, int MANY> struct Summed {
    float got[MANY][8];

    __device__ __forceinline__ void clear() {
#pragma unroll
        for (int r = 0; r < MANY; r++) {
#pragma unroll
            for (int j = 0; j < 8; j++) got[r][j] = 0.0f;
        }
    }

    __device__ __forceinline__ void scale(int row, float by) {
#pragma unroll
        for (int j = 0; j < 8; j++) got[row][j] *= by;
    }

    // Adds every `step`th of `count` tokens from `first + slot` on, weighed by `paid` [tokens][MANY].
    __device__ __forceinline__ void add(const Codes& c, u32 head, u32 first, u32 slot, u32 step, u32 count, u32 channel,
                                        const float* paid, const float* levels) {
        for (u32 t = slot; t < count; t += step) {
            float x[8];
            eight_numbers<KIND, WIDE>(c, head, first + t, channel, levels, x);
#pragma unroll
            for (int r = 0; r < MANY; r++) {
                const float share = paid[t * MANY + r];
#pragma unroll
                for (int j = 0; j < 8; j++) got[r][j] = __fmaf_rn(share, x[j], got[r][j]);
            }
        }
    }

    __device__ __forceinline__ float number(int row, int j) const { return got[row][j]; }
};

// The same of whole numbers of which the eight channels share their step: raised by the places of the channels, with what
// zeros are worth beside them.
template <int WIDE, int MANY> struct Raised {
    float got[MANY][8], base[MANY];

    __device__ __forceinline__ void clear() {
#pragma unroll
        for (int r = 0; r < MANY; r++) {
            base[r] = 0.0f;
#pragma unroll
            for (int j = 0; j < 8; j++) got[r][j] = 0.0f;
        }
    }

    __device__ __forceinline__ void scale(int row, float by) {
        base[row] *= by;
#pragma unroll
        for (int j = 0; j < 8; j++) got[row][j] *= by;
    }

    // Adds every `step`th of `count` tokens from `first + slot` on, weighed by `paid` [tokens][MANY].
    __device__ __forceinline__ void add(const Codes& c, u32 head, u32 first, u32 slot, u32 step, u32 count, u32 channel,
                                        const float* paid, const float*) {
        const int BESIDE = MANY > 4 ? 2 : 4;
        const u32 groups = (c.width + c.group - 1) / c.group, part = channel / c.group;
        for (u32 from = slot; from < count; from += BESIDE * step) {
            u32 words[BESIDE][WORDS_OF_EIGHT(WIDE)];
            u16 steps[BESIDE], zeros[BESIDE];
#pragma unroll
            for (int i = 0; i < BESIDE; i++) {
                // Behind the last token it comes again, and weighs nothing.
                const u64 row = (u64)head * c.n + first + min(from + i * step, count - 1);
                eight_words<WHOLE, WIDE>(c, row, channel / 8, words[i]);
                steps[i] = c.scale[row * groups + part], zeros[i] = c.zero[row * groups + part];
            }
#pragma unroll
            for (int i = 0; i < BESIDE; i++) {
                const u32 t = from + i * step;
                const float size = of_half(steps[i]), least = of_half(zeros[i]);
                float by[MANY];
#pragma unroll
                for (int r = 0; r < MANY; r++) {
                    const float share = t < count ? paid[t * MANY + r] : 0.0f;
                    base[r] = __fmaf_rn(share, least, base[r]);
                    by[r] = __fmul_rn(share, size);
                }
#pragma unroll
                for (int j = 0; j < 8; j++) {
                    const u32 word = words[i][j * WIDE / 32];
                    const float code = raised<WIDE>(j * WIDE % 32 < 16 ? word : word >> 16, j * WIDE % 16 / WIDE);
#pragma unroll
                    for (int r = 0; r < MANY; r++) got[r][j] = __fmaf_rn(by[r], code, got[r][j]);
                }
            }
        }
    }

    __device__ __forceinline__ float number(int row, int j) const {
        return __fmaf_rn(got[row][j], lowering<WIDE>(j), base[row]);
    }
};
