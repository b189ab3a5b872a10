// Elements of keys and values in the form that a kernel is compiled for, as floats.
#pragma once
#include "halves.cuh"

#define F32 0
#define F16 1
#define BF16 2
#define E4M3 3
#ifndef FORM
#define FORM F16
#endif

__device__ __forceinline__ float of_brain(u16 bits) { return __uint_as_float((u32)bits << 16); }

// Exponent and fraction are where f32 has them, 120 powers of two lower; the pattern of ones is no number.
__device__ __forceinline__ float of_e4m3(u8 code) {
    float size = __uint_as_float((u32)(code & 127) << 20) * 1.329227995784916e36f;
    size = (code & 127) == 127 ? __int_as_float(0x7fffffff) : size;
    return code & 128 ? -size : size;
}

__device__ __forceinline__ bool finite(float x) { return fabsf(x) < __int_as_float(0x7f800000); }

#if FORM == F32
typedef float Element;
__device__ __forceinline__ float number(Element element) { return element; }
#elif FORM == F16
typedef u16 Element;
__device__ __forceinline__ float number(Element element) { return of_half(element); }
#elif FORM == BF16
typedef u16 Element;
__device__ __forceinline__ float number(Element element) { return of_brain(element); }
#else
typedef u8 Element;
__device__ __forceinline__ float number(Element element) { return of_e4m3(element); }
#endif

// Whether rows that begin at this address can be read eight elements at a time.
__device__ __forceinline__ bool in_eights(const Element* row) {
    return ((u64)row & (sizeof(Element) == 1 ? 7 : 15)) == 0;
}

__device__ __forceinline__ void copy_eight(Element* to, const Element* from) {
#if FORM == F32
    ((uint4*)to)[1] = ((const uint4*)from)[1];
#endif
#if FORM == E4M3
    *(u64*)to = *(const u64*)from;
#else
    *(uint4*)to = *(const uint4*)from;
#endif
}

// Eight elements that lie side by side, by loads of 16 bytes.
__device__ __forceinline__ void eight(const Element* row, float (&x)[8]) {
#if FORM == F32
    float4 a = *(const float4*)row, b = *(const float4*)(row + 4);
    x[0] = a.x, x[1] = a.y, x[2] = a.z, x[3] = a.w, x[4] = b.x, x[5] = b.y, x[6] = b.z, x[7] = b.w;
#elif FORM == E4M3
    u64 all = *(const u64*)row;
#pragma unroll
    for (int j = 0; j < 8; j++) x[j] = number((u8)(all >> (8 * j)));
#else
    uint4 all = *(const uint4*)row;
    const u32 pairs[4] = {all.x, all.y, all.z, all.w};
#pragma unroll
    for (int j = 0; j < 4; j++) {
        x[2 * j] = number((u16)pairs[j]);
        x[2 * j + 1] = number((u16)(pairs[j] >> 16));
    }
#endif
}
