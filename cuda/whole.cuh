// Products with whole numbers that stay packed: a code is looked at where it lies in its half of a word, so it comes as a
// power of two times itself, by which sums are divided once in the end; and steps are multiplied into what codes are
// multiplied with. No bits are lost by either.
#pragma once
#include "codes.cuh"
#include "lanes.cuh"

// The bits of 2^23. The compiler does not know them, so they stay in a register and masks are part of instructions.
__device__ u32 WHOLE_BITS = 0x4b000000u;

// The code at a place of the lower half of a word, times 2^(WIDE * place), without the unit of conversions.
template <int WIDE> __device__ __forceinline__ float raised(u32 half, int place, u32 whole) {
    const u32 mask = ((1u << WIDE) - 1) << (WIDE * place);
    return __fsub_rn(__uint_as_float((half & mask) | whole), 8388608.0f);
}

// What lowers the code at place `at` of its word again.
template <int WIDE> __device__ __forceinline__ float lowering(int at) {
    return __uint_as_float((u32)(127 - WIDE * (at % (16 / WIDE))) << 23);
}

// Older devices have too few registers for as many loads at once.
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ < 800
#define SPARING 1
#else
#define SPARING 0
#endif

// So many floats that lie side by side, at a multiple of their bytes.
template <int MANY> __device__ __forceinline__ void few_floats(float (&x)[MANY], const float* from) {
    if constexpr (MANY == 2) {
        const float2 two = *(const float2*)from;
        x[0] = two.x, x[1] = two.y;
    } else if constexpr (MANY % 4 == 0) {
#pragma unroll
        for (int r = 0; r < MANY; r += 4) {
            const float4 four = *(const float4*)(from + r);
            x[r] = four.x, x[r + 1] = four.y, x[r + 2] = four.z, x[r + 3] = four.w;
        }
    } else {
#pragma unroll
        for (int r = 0; r < MANY; r++) x[r] = from[r];
    }
}

// Codes that lie channel by channel: a thread takes the tokens of a word and every so many channels, and eight words lie
// beside each other in a warp.
template <int WIDE> struct Columns {
    static const u32 TOKENS = 32 / WIDE, WORDS = 128 / TOKENS, ACROSS = WORDS / 8, SLICES = 4 / ACROSS;
};

// Logits of MANY queries with the 128 tokens from `tile` on, written to `paid` [128][MANY] by a block of 128 threads; those
// behind the last token are no numbers that count. `asked` [width][MANY]. Tokens of a word have one step.
template <int WIDE, int MANY>
__device__ __forceinline__ void channel_logits(const Codes& c, u32 head, u32 tile, const float* asked, float* paid) {
    typedef Columns<WIDE> Column;
    const int TOKENS = Column::TOKENS, MOST = TOKENS > 8 ? 2 : 4, FEW = MANY < MOST ? MANY : MOST, STRIDE = 4 * Column::SLICES;
    const int BESIDE = MANY > 4 || TOKENS > 8 || SPARING ? 2 : 4;
    const u32 lane = threadIdx.x & 31, warp = threadIdx.x >> 5, whole = WHOLE_BITS;
    const u32 column = warp % Column::ACROSS * 8 + (lane & 7), round = warp / Column::ACROSS;
    const u32 all = c.row_bytes / 4, first = tile * WIDE / 32 + column, word_at = first < all ? first : all - 1;
    const u32 group = min(tile + column * TOKENS, c.n - 1) / c.group, groups = (c.n + c.group - 1) / c.group;
    const u32* words = (const u32*)c.codes + (u64)head * c.width * all + word_at;
    const u16 *scale = c.scale + ((u64)head * groups + group) * c.width, *zero = c.zero + ((u64)head * groups + group) * c.width;
#pragma unroll 1
    for (int from = 0; from < MANY; from += FEW) {
        float sums[TOKENS * FEW], base[FEW];  // [TOKENS][FEW]
#pragma unroll
        for (int r = 0; r < FEW; r++) {
            base[r] = 0.0f;
#pragma unroll
            for (int t = 0; t < TOKENS; t++) sums[t * FEW + r] = 0.0f;
        }
        auto add = [&](u32 word, u16 step_bits, u16 zero_bits, u32 channel) {
            const float step = of_half(step_bits), least = of_half(zero_bits);
            float query[FEW], by[FEW];
            few_floats<FEW>(query, asked + channel * MANY + from);
#pragma unroll
            for (int r = 0; r < FEW; r++) {
                base[r] = __fmaf_rn(query[r], least, base[r]);
                by[r] = __fmul_rn(query[r], step);
            }
#pragma unroll
            for (int t = 0; t < TOKENS; t++) {
                const float code = raised<WIDE>(t < TOKENS / 2 ? word : word >> 16, t % (TOKENS / 2), whole);
#pragma unroll
                for (int r = 0; r < FEW; r++) sums[t * FEW + r] = __fmaf_rn(by[r], code, sums[t * FEW + r]);
            }
        };
        // Those of the next channels are on their way while these are multiplied.
        u32 channel = round * 4 + (lane >> 3), held[BESIDE], coming[BESIDE];
        u16 steps[BESIDE], zeros[BESIDE], coming_steps[BESIDE], coming_zeros[BESIDE];
        const u32 *word = words + (u64)channel * all;
        auto bring = [&](u32 (&to)[BESIDE], u16 (&to_steps)[BESIDE], u16 (&to_zeros)[BESIDE]) {
#pragma unroll
            for (int i = 0; i < BESIDE; i++) {
                to[i] = *word, to_steps[i] = scale[channel + i * STRIDE], to_zeros[i] = zero[channel + i * STRIDE];
                word += STRIDE * all;
            }
        };
        bool more = channel + (BESIDE - 1) * STRIDE < c.width;
        if (more) bring(held, steps, zeros);
        while (more) {
            const u32 now = channel;
            channel += BESIDE * STRIDE;
            more = channel + (BESIDE - 1) * STRIDE < c.width;
            if (more) bring(coming, coming_steps, coming_zeros);
#pragma unroll
            for (int i = 0; i < BESIDE; i++) add(held[i], steps[i], zeros[i], now + i * STRIDE);
#pragma unroll
            for (int i = 0; i < BESIDE; i++) held[i] = coming[i], steps[i] = coming_steps[i], zeros[i] = coming_zeros[i];
        }
#pragma unroll 1
        for (; channel < c.width; channel += STRIDE, word += STRIDE * all) add(*word, scale[channel], zero[channel], channel);
#pragma unroll
        for (int t = 0; t < TOKENS; t++) {
#pragma unroll
            for (int r = 0; r < FEW; r++) sums[t * FEW + r] = __fmaf_rn(sums[t * FEW + r], lowering<WIDE>(t), base[r]);
        }
        // Four lanes share a word: each is left with a quarter of its tokens.
        over_lanes<16, TOKENS * FEW, 8>(sums, lane);
        const u32 place = column * TOKENS + (lane & 16 ? TOKENS / 2 : 0) + (lane & 8 ? TOKENS / 4 : 0);
        for (u32 turn = 0; turn < Column::SLICES; turn++) {
            if (turn > 0) __syncthreads();
            if (turn != round) continue;
#pragma unroll
            for (int t = 0; t < TOKENS / 4; t++) {
#pragma unroll
                for (int r = 0; r < FEW; r++) {
                    float& to = paid[(place + t) * MANY + from + r];
                    to = turn == 0 ? sums[t * FEW + r] : to + sums[t * FEW + r];
                }
            }
        }
    }
}
