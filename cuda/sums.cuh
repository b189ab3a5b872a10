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
// zeros are worth beside them. With AHEAD those of the next tokens are on their way while these are added.
template <int WIDE, int MANY, bool AHEAD = false> struct Raised {
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
        const int BESIDE = MANY > 4 || SPARING ? 2 : 4, SOME = WORDS_OF_EIGHT(WIDE);
        const u32 groups = (c.width + c.group - 1) / c.group, whole = WHOLE_BITS, row_step = step * c.row_bytes, one = step * groups;
        const u64 row = (u64)head * c.n + first + slot;
        const u8* codes = c.codes + row * c.row_bytes + channel / 8 * WIDE;
        const u16 *scale = c.scale + row * groups + channel / c.group, *zero = c.zero + row * groups + channel / c.group;
        auto bring = [&](u32 (&words)[SOME], u16& size, u16& least) {
            if constexpr (WIDE == 2) {
                words[0] = *(const u16*)codes;
            } else {
#pragma unroll
                for (int word = 0; word < SOME; word++) words[word] = ((const u32*)codes)[word];
            }
            size = *scale, least = *zero;
            codes += row_step, scale += one, zero += one;
        };
        auto join = [&](const u32 (&words)[SOME], u16 size_bits, u16 least_bits, const float* weights) {
            const float size = of_half(size_bits), least = of_half(least_bits);
            float share[MANY], by[MANY];
            few_floats<MANY>(share, weights);
#pragma unroll
            for (int r = 0; r < MANY; r++) {
                base[r] = __fmaf_rn(share[r], least, base[r]);
                by[r] = __fmul_rn(share[r], size);
            }
#pragma unroll
            for (int j = 0; j < 8; j++) {
                const u32 word = words[j * WIDE / 32];
                const float code = raised<WIDE>(j * WIDE % 32 < 16 ? word : word >> 16, j * WIDE % 16 / WIDE, whole);
#pragma unroll
                for (int r = 0; r < MANY; r++) got[r][j] = __fmaf_rn(by[r], code, got[r][j]);
            }
        };
        u32 t = slot, held[BESIDE][SOME];
        u16 sizes[BESIDE], least[BESIDE];
        if constexpr (AHEAD) {
            u32 coming[BESIDE][SOME];
            u16 coming_sizes[BESIDE], coming_least[BESIDE];
            bool more = t + (BESIDE - 1) * step < count;
            auto turn = [&](auto& now, auto& now_sizes, auto& now_least, auto& next, auto& next_sizes, auto& next_least) {
                const float* weights = paid + t * MANY;
                t += BESIDE * step, more = t + (BESIDE - 1) * step < count;
                if (more) {
#pragma unroll
                    for (int i = 0; i < BESIDE; i++) bring(next[i], next_sizes[i], next_least[i]);
                }
#pragma unroll
                for (int i = 0; i < BESIDE; i++) join(now[i], now_sizes[i], now_least[i], weights + i * step * MANY);
            };
            if (more) {
#pragma unroll
                for (int i = 0; i < BESIDE; i++) bring(held[i], sizes[i], least[i]);
            }
            while (more) {
                turn(held, sizes, least, coming, coming_sizes, coming_least);
                if (more) turn(coming, coming_sizes, coming_least, held, sizes, least);
            }
        } else {
            for (; t + (BESIDE - 1) * step < count; t += BESIDE * step) {
#pragma unroll
                for (int i = 0; i < BESIDE; i++) bring(held[i], sizes[i], least[i]);
#pragma unroll
                for (int i = 0; i < BESIDE; i++) join(held[i], sizes[i], least[i], paid + (t + i * step) * MANY);
            }
        }
#pragma unroll 1
        for (; t < count; t += step) {
            bring(held[0], sizes[0], least[0]);
            join(held[0], sizes[0], least[0], paid + t * MANY);
        }
    }

    __device__ __forceinline__ float number(int row, int j) const {
        return __fmaf_rn(got[row][j], lowering<WIDE>(j), base[row]);
    }
};
