// Floats of 16 bits and back. A host that runs these kernels brings conversions of its own.
#pragma once
#include "keys.cuh"

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
#endif
