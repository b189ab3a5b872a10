// Keys of results: greater is better. The score is above, in an order that integers have too; below it the row,
// turned round so that the lower row wins a tie. 0 is nobody.
#pragma once

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;

#define FULL 0xffffffffu
#define MINUS_INFINITY __int_as_float(0xff800000)

__device__ __forceinline__ u32 ordered(float score) {
    u32 bits = __float_as_uint(score + 0.0f);  // -0 becomes +0, so that both tie
    return bits ^ ((bits >> 31) ? 0xffffffffu : 0x80000000u);
}

__device__ __forceinline__ float unordered(u32 bits) {
    return __uint_as_float(bits ^ ((bits >> 31) ? 0x80000000u : 0xffffffffu));
}

__device__ __forceinline__ u64 key_of(float score, u32 row) {
    return ((u64)ordered(score) << 32) | (u32)~row;
}

__device__ __forceinline__ u32 row_of(u64 key) { return ~(u32)key; }

__device__ __forceinline__ float score_of(u64 key) { return unordered((u32)(key >> 32)); }

// Whether a row may be found; no mask allows all.
__device__ __forceinline__ bool allowed(const u32* mask, u64 stride, int query, u32 row) {
    return mask == nullptr || (mask[(u64)query * stride + (row >> 5)] >> (row & 31)) & 1u;
}
