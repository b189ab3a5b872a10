// Floats of 16 bits and back. A host that runs these kernels brings conversions of its own.
#pragma once
#include "keys.cuh"

__device__ __forceinline__ float power_of_two(int exponent) { return __uint_as_float((u32)(127 + exponent) << 23); }

// The upper 16 bits of a float, to the nearest, ties to even; the number is finite.
__device__ __forceinline__ u16 brain_of(float x) {
    u32 bits = __float_as_uint(x);
    return (u16)((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
}

#ifdef __CUDA_ARCH__
__device__ __forceinline__ float of_half(u16 half) {
    float x;
    asm("cvt.f32.f16 %0, %1;" : "=f"(x) : "h"(half));
    return x;
}
__device__ __forceinline__ u16 half_of(float x) {
    u16 half;
    asm("cvt.rn.f16.f32 %0, %1;" : "=h"(half) : "f"(x));
    return half;
}
// Products of two pairs, and products with a sum, each rounded once.
__device__ __forceinline__ u32 times_pair(u32 a, u32 b) {
    u32 x;
    asm("mul.rn.f16x2 %0, %1, %2;" : "=r"(x) : "r"(a), "r"(b));
    return x;
}
__device__ __forceinline__ u32 times_pair_plus(u32 a, u32 b, u32 c) {
    u32 x;
    asm("fma.rn.f16x2 %0, %1, %2, %3;" : "=r"(x) : "r"(a), "r"(b), "r"(c));
    return x;
}
#endif
