// Steps and zeros of 16 bits, the code of a number between the least and the greatest of its group, and the nearest e4m3:
// the bits of NumPy, one rounding of f32 a step.
#pragma once
#include "elements.cuh"

#define HALF_ONE 0x3c00
#define ROUNDING 12582912.0f  // 1.5 * 2^23: what is added to it is rounded to a whole number, ties to even

#ifndef BITS
#define BITS 4
#endif
#define TOP ((u32)((1ull << BITS) - 1))

// A step as 16 bits: one of zero becomes 1, and no other becomes zero.
__device__ __forceinline__ u16 half_step(float step) {
    return step > 0.0f ? half_of(fmaxf(step, 5.9604644775390625e-8f)) : HALF_ONE;
}

__device__ __forceinline__ bool half_is_finite(u16 half) { return (half & 0x7fff) < 0x7c00; }

struct Step {
    float zero, scale, inverse;  // one by the scale and the greatest code
};

__device__ __forceinline__ Step step_with(u16 scale, u16 zero) {
    Step step = {of_half(zero), of_half(scale), 0.0f};
    step.inverse = __fdiv_rn(1.0f, step.scale * (float)TOP);
    return step;
}

// The step of a group; writes it down and says whether 16 bits can hold it.
__device__ __forceinline__ bool step_of(float low, float high, u16* scale, u16* zero, bool writes, Step& step) {
    u16 size = half_step(__fdiv_rn(__fsub_rn(high, low), (float)TOP)), base = half_of(__fadd_rn(low, 0.0f));
    if (writes) *scale = size, *zero = base;
    step = step_with(size, base);
    return half_is_finite(size) && half_is_finite(base);
}

// How far a product may be off the middle of two codes to be trusted: it is within 2^-22 of the share of the greatest code
// that the division gives.
#define NEAR_MIDDLE (0.5f - TOP * 4.8e-7f)

// The code as a whole number added to ROUNDING, by a product; `off` is how far it was rounded.
__device__ __forceinline__ float near_code(float x, const Step& step, float& off) {
    float share = __saturatef(__fmul_rn(__fsub_rn(x, step.zero), step.inverse));
    float whole = __fmaf_rn(share, (float)TOP, ROUNDING);
    off = fabsf(__fmaf_rn(share, (float)TOP, __fsub_rn(ROUNDING, whole)));
    return whole;
}

// The code by a division, as NumPy makes it.
__device__ __noinline__ float sure_code(float x, float zero, float scale) {
    float steps = __fdiv_rn(__fsub_rn(x, zero), scale);
    return __fadd_rn(fminf(fmaxf(steps, 0.0f), (float)TOP), ROUNDING);
}

__device__ __forceinline__ u32 code_of(float x, const Step& step) {
    float off, whole = near_code(x, step, off);
    if (off > NEAR_MIDDLE) whole = sure_code(x, step.zero, step.scale);
    return __float_as_uint(whole) & TOP;
}

// The codes of eight numbers, from the lowest bit on. Those of floats near ROUNDING are its bits and the code, so a sum of
// shifted bits, less what ROUNDING has in it, is what they are packed.
__device__ __forceinline__ u64 eight_codes(const float (&x)[8], const Step& step) {
    float whole[8], worst = 0.0f;
#pragma unroll
    for (int j = 0; j < 8; j++) {
        float off;
        whole[j] = near_code(x[j], step, off);
        worst = fmaxf(worst, off);
    }
    if (worst > NEAR_MIDDLE) {
#pragma unroll
        for (int j = 0; j < 8; j++) whole[j] = sure_code(x[j], step.zero, step.scale);
    }
    const int some = BITS == 8 ? 4 : 8;  // codes of a word
    u32 packed[2] = {0, 0}, extra = 0;
#pragma unroll
    for (int j = 0; j < 8; j++) packed[j / some] += __float_as_uint(whole[j]) << (BITS * (j % some));
#pragma unroll
    for (int j = 0; j < some; j++) extra += 0x4b400000u << (BITS * j);
    return (u64)(packed[0] - extra) | (BITS == 8 ? (u64)(packed[1] - extra) << 32 : 0);
}

// The nearest e4m3, ties to even; what is beyond the greatest becomes the greatest.
__device__ __forceinline__ u8 e4m3_of(float x) {
    float size = fabsf(x);
    u32 bits = __float_as_uint(size), code;
    if (size < 0.015625f) {
        // Below 2^-6 steps are 2^-9, whatever the exponent.
        code = __float_as_uint(__fadd_rn(__fmul_rn(size, 512.0f), ROUNDING)) & 15;
    } else {
        code = size < 464.0f ? ((bits + 0x7ffffu + ((bits >> 20) & 1u)) >> 20) - 960u : 126u;
    }
    return (u8)((code < 126u ? code : 126u) | (__float_as_uint(x) >> 31 << 7));
}
