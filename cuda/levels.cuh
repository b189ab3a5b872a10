// What rotated codes are made of: signs of SplitMix64, the butterflies of a Hadamard matrix, the levels of Lloyd and Max
// for the standard normal distribution, and f64 as 16 bits.
#pragma once
#include "steps.cuh"

#define HALF_LEVELS (BITS <= 4 ? 1u << (BITS - 1) : 1u)
#define MIDDLES (HALF_LEVELS - 1)

#if BITS == 1
__device__ const double LEVELS[1] = {0.797884561};
#elif BITS == 2
__device__ const double LEVELS[2] = {0.452780035, 1.510417608};
#elif BITS == 3
__device__ const double LEVELS[4] = {0.245094179, 0.756005281, 1.343909279, 2.151945705};
#else
__device__ const double LEVELS[8] = {0.12839503,  0.388048299, 0.656759119, 0.942340456,
                                     1.256231197, 1.618046386, 2.069017227, 2.732589571};
#endif

__device__ __forceinline__ double level_of(u32 at) { return LEVELS[at < HALF_LEVELS ? at : 0]; }

__device__ __forceinline__ double middle_of(u32 at) { return (level_of(at + 1) + level_of(at)) / 2.0; }

// The level of a code, of both signs.
__device__ __forceinline__ double signed_level(u32 code) {
    return code >= HALF_LEVELS ? level_of(code - HALF_LEVELS) : -level_of(HALF_LEVELS - 1 - code);
}

__device__ __forceinline__ bool turns(u32 at, u64 seed) {
    u64 z = seed + 0x9e3779b97f4a7c15ull * ((u64)at + 1);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    return ((z ^ (z >> 31)) >> 63) != 0;
}

template <class T> __device__ __forceinline__ void butterfly(T& low, T& high) {
    T sum = low + high, difference = low - high;
    low = sum, high = difference;
}

// The three stages within eight elements, neighbours first.
template <class T> __device__ __forceinline__ void turn_eight(T (&x)[8]) {
#pragma unroll
    for (int half = 1; half < 8; half *= 2) {
#pragma unroll
        for (int j = 0; j < 8; j++) {
            if ((j & half) == 0) butterfly(x[j], x[j + half]);
        }
    }
}

// One by the root, and a quotient, as fast as can be: within 4 units of 2^-24. A host that runs these kernels has its own.
#ifdef __CUDA_ARCH__
__device__ __forceinline__ float near_inverse_root(float x) {
    float found;
    asm("rsqrt.approx.f32 %0, %1;" : "=f"(found) : "f"(x));
    return found;
}
__device__ __forceinline__ float near_quotient(float x, float by) {
    float found;
    asm("div.approx.f32 %0, %1, %2;" : "=f"(found) : "f"(x), "f"(by));
    return found;
}
#endif

// Rounded once, ties to even: where f32 in between loses something, its last bit says so.
__device__ __forceinline__ u16 half_of_double(double x) {
    float near = (float)x;
    double off = (double)near;
    if (off != x && finite(near)) {
        u32 bits = __float_as_uint(near);
        near = __uint_as_float((fabs(off) > fabs(x) ? bits - 1 : bits) | 1u);
    }
    return half_of(near);
}

// On a middle itself the higher level is taken, which is not the same from both sides of zero.
__device__ __forceinline__ u32 code_by_middles(float x, double by) {
    double scaled = __dmul_rn((double)x, by);
    u32 code = scaled >= 0.0;
#pragma unroll
    for (u32 k = 0; k < MIDDLES; k++) code += (scaled >= middle_of(k)) + (scaled >= -middle_of(k));
    return code;
}
