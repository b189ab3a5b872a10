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

// x / scale as a division rounds it: the reciprocal of a scale of 16 bits is rounded once, so a product with it is off by so
// little that what remains makes it right. A zero may lose its sign.
__device__ __forceinline__ float divided(float x, float scale, float inverse) {
    float near = __fmul_rn(x, inverse);
    return __fmaf_rn(__fmaf_rn(-near, scale, x), inverse, near);
}

struct __align__(16) Step {
    float zero, scale;
    float inverse, offset;  // one by the scale and the greatest code; minus the zero times that
};

__device__ __forceinline__ Step step_with(u16 scale, u16 zero) {
    Step step = {of_half(zero), of_half(scale), 0.0f, 0.0f};
    step.inverse = __fdiv_rn(1.0f, step.scale * (float)TOP);
    step.offset = -__fmul_rn(step.zero, step.inverse);
    return step;
}

// The step of a group as 16 bits, and whether these can hold it.
__device__ __forceinline__ bool step_of(float low, float high, u16& size, u16& base) {
    size = half_step(__fdiv_rn(__fsub_rn(high, low), (float)TOP)), base = half_of(__fadd_rn(low, 0.0f));
    return half_is_finite(size) && half_is_finite(base);
}

// The same; writes it down too.
__device__ __forceinline__ bool step_of(float low, float high, u16* scale, u16* zero, bool writes, Step& step) {
    u16 size, base;
    bool sound = step_of(low, high, size, base);
    if (writes) *scale = size, *zero = base;
    step = step_with(size, base);
    return sound;
}

// How far a product may be rounded to be trusted. It is off the division by 4 units of 2^-24 of itself, of which two are
// its own and two the division's, and by one of the offset.
__device__ __forceinline__ float trusted(const Step& step) {
    return __fmaf_rn(-8e-8f * TOP, fabsf(step.offset), 0.5f - 3.6e-7f * TOP);
}

// The code as a whole number added to ROUNDING, by a product; `off` is how far it was rounded.
__device__ __forceinline__ float near_code(float x, const Step& step, float& off) {
    float share = __saturatef(__fmaf_rn(x, step.inverse, step.offset));
    float whole = __fmaf_rn(share, (float)TOP, ROUNDING);
    off = fabsf(__fmaf_rn(share, (float)TOP, __fsub_rn(ROUNDING, whole)));
    return whole;
}

// The code by a division, as NumPy makes it; `inverse` is one by the scale.
__device__ __forceinline__ float sure_code(float x, const Step& step, float inverse) {
    float steps = divided(__fsub_rn(x, step.zero), step.scale, inverse);
    return __fadd_rn(fminf(fmaxf(steps, 0.0f), (float)TOP), ROUNDING);
}

__device__ __forceinline__ u32 code_of(float x, const Step& step) {
    float off, whole = near_code(x, step, off);
    if (off > trusted(step)) whole = sure_code(x, step, __fdiv_rn(1.0f, step.scale));
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
    if (worst > trusted(step)) {
        const float inverse = __fdiv_rn(1.0f, step.scale);
#pragma unroll
        for (int j = 0; j < 8; j++) whole[j] = sure_code(x[j], step, inverse);
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
