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
    float zero, scale, inverse;
};

// The step of a group; writes it down and says whether 16 bits can hold it.
__device__ __forceinline__ bool step_of(float low, float high, u16* scale, u16* zero, bool writes, Step& step) {
    u16 size = half_step(__fdiv_rn(__fsub_rn(high, low), (float)TOP)), base = half_of(__fadd_rn(low, 0.0f));
    if (writes) *scale = size, *zero = base;
    step.zero = of_half(base);
    step.scale = of_half(size);
    step.inverse = __fdiv_rn(1.0f, step.scale);
    return half_is_finite(size) && half_is_finite(base);
}

// Multiplied first: only what lies near the middle of two codes, within what that can be off, is divided.
__device__ __forceinline__ u32 code_of(float x, const Step& step) {
    float above = __fsub_rn(x, step.zero);
    float near = fminf(fmaxf(__fmul_rn(above, step.inverse), 0.0f), (float)TOP);
    float whole = __fadd_rn(near, ROUNDING);
    float off = fabsf(__fsub_rn(near, __fsub_rn(whole, ROUNDING)));
    if (off > 0.4999f) {
        near = fminf(fmaxf(__fdiv_rn(above, step.scale), 0.0f), (float)TOP);
        whole = __fadd_rn(near, ROUNDING);
    }
    return __float_as_uint(whole) & TOP;
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
