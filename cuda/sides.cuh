// Numbers of 16 bits that stand for floats as one side of matrix units: what the first of them loses the next one has.
#pragma once
#include "elements.cuh"
#include "tensor.cuh"

// The lower halves of two words side by side, and their upper ones.
__device__ __forceinline__ u32 lower_pair(u32 a, u32 b) { return (a & 0xffffu) | b << 16; }
__device__ __forceinline__ u32 upper_pair(u32 a, u32 b) { return a >> 16 | (b & 0xffff0000u); }

#if FORM == BF16
struct Side16 {
    typedef Brain Unit;
    static const int FILLED = 0;
    // The exponents are those of floats, so nothing has to be raised.
    static __device__ __forceinline__ int raised(float) { return 0; }
    // What is not a number stays so, whatever its bits are.
    static __device__ __forceinline__ u16 of(float x) { return x == x ? brain_of(x) : (u16)0x7fff; }
    static __device__ __forceinline__ u32 pair(float low, float high) { return of(low) | (u32)of(high) << 16; }
};
#else
struct Side16 {
    typedef Half Unit;
    static const int FILLED = 9;  // the power of two below which numbers are brought
    static __device__ __forceinline__ int raised(float size) {
        return size > 0.0f ? max(-100, min(100, FILLED - 1 + 127 - (int)(__float_as_uint(size) >> 23))) : 0;
    }
    static __device__ __forceinline__ u16 of(float x) { return half_of(x); }
    static __device__ __forceinline__ u32 pair(float low, float high) { return half_of(low) | (u32)half_of(high) << 16; }
};
#endif
