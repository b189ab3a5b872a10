// Codes of rows, token by token: what is packed in words of 32 bits, and the numbers that it stands for before they are
// scaled. `CODEC` says which; codes of rotated rows are those of turned rows.
#pragma once
#include "levels.cuh"

#define PLAIN 0
#define WHOLE 1
#define FLOAT8 2
#define ROTATED 3
#ifndef CODEC
#define CODEC WHOLE
#endif

struct Codes {
    const u8* codes;
    const u16 *scale, *zero;
    u32 n, width, row_bytes, group, block;
};
#define CODES_PARAMETERS \
    const u8* codes, const u16* scale, const u16* zero, u32 n, u32 width, u32 row_bytes, u32 group, u32 block
#define CODES_GIVEN {codes, scale, zero, n, width, row_bytes, group, block}

// A whole number below 2^23 as f32, without the unit of conversions.
__device__ __forceinline__ float small(u32 whole) { return __fsub_rn(__uint_as_float(0x4b000000u | whole), 8388608.0f); }

// The bits of element `j` of those that begin with a word.
template <int COUNT> __device__ __forceinline__ u32 bits_of(const u32 (&words)[COUNT], int j) {
    int at = j * BITS / 32, shift = j * BITS % 32;
#if BITS == 32
    return words[at];
#else
    u32 low = words[at] >> shift;
#if BITS == 3
    if (shift > 29) low |= words[at + 1 < COUNT ? at + 1 : at] << (32 - shift);
#endif
    return low & ((1u << BITS) - 1);
#endif
}

// What bits stand for; `levels` has those of both signs.
__device__ __forceinline__ float value_of(u32 bits, const float* levels) {
#if CODEC == PLAIN && FORM == F32
    return __uint_as_float(bits);
#elif CODEC == PLAIN
    return number((Element)bits);
#elif CODEC == FLOAT8
    return of_e4m3((u8)bits);
#elif CODEC == ROTATED
    return levels[bits];
#else
    return small(bits);
#endif
}

struct Scaled {
    float scale, zero;
};

// What the numbers of a channel of a token are multiplied by, and what is added.
__device__ __forceinline__ Scaled scaled_by(const Codes& c, u32 head, u32 t, u32 channel) {
#if CODEC == WHOLE
    u64 place = ((u64)head * c.n + t) * ((c.width + c.group - 1) / c.group) + channel / c.group;
    return {of_half(c.scale[place]), of_half(c.zero[place])};
#elif CODEC == FLOAT8
    // `group` is how many scales a block has: one, or one a channel.
    u64 place = ((u64)head * ((c.n + c.block - 1) / c.block) + t / c.block) * c.group + (c.group > 1 ? channel : 0);
    return {of_half(c.scale[place]), 0.0f};
#elif CODEC == ROTATED
    return {of_half(c.scale[(u64)head * c.n + t]), 0.0f};
#else
    return {1.0f, 0.0f};
#endif
}

// Whether so many channels of a token share their scale, wherever they begin at a multiple of that.
__device__ __forceinline__ bool scale_together(const Codes& c, u32 channels) {
#if CODEC == WHOLE
    return c.group % channels == 0 || c.group >= c.width;
#elif CODEC == FLOAT8
    return c.group == 1;
#else
    return true;
#endif
}

__device__ __forceinline__ float scaled(float value, Scaled by) {
#if CODEC == WHOLE
    return __fmaf_rn(value, by.scale, by.zero);
#elif CODEC == PLAIN
    return value;
#else
    return __fmul_rn(value, by.scale);
#endif
}

// The bits of eight elements; what lies behind the row is zero.
#define EIGHT_WORDS ((BITS * 8 + 31) / 32)
__device__ __forceinline__ void eight_words(const Codes& c, u64 row, u32 chunk, u32 (&words)[EIGHT_WORDS]) {
    const u8* at = c.codes + row * c.row_bytes + chunk * BITS;
    u32 left = c.row_bytes - chunk * BITS;
#if BITS >= 16
    if (left >= BITS && ((u64)at & 15) == 0) {
#pragma unroll
        for (int part = 0; part < BITS / 16; part++) {
            uint4 four = ((const uint4*)at)[part];
            words[4 * part] = four.x, words[4 * part + 1] = four.y, words[4 * part + 2] = four.z, words[4 * part + 3] = four.w;
        }
        return;
    }
#endif
#if BITS >= 4
    if (left >= BITS && ((u64)at & 3) == 0) {
#pragma unroll
        for (int word = 0; word < EIGHT_WORDS; word++) words[word] = ((const u32*)at)[word];
        return;
    }
#elif BITS == 2
    words[0] = *(const u16*)at;  // Words end no row within two bytes.
    return;
#endif
#pragma unroll
    for (int word = 0; word < EIGHT_WORDS; word++) words[word] = 0;
#pragma unroll
    for (u32 byte = 0; byte < BITS; byte++) {
        if (byte < left) words[byte / 4] |= (u32)at[byte] << (byte % 4 * 8);
    }
}
