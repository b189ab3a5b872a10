// Codes of rows `[heads, n, width]` and the numbers that they stand for; those of rotated rows stand for turned rows. What a
// codec is, is known when a kernel is compiled.
#pragma once
#include "elements.cuh"

#define PLAIN 0
#define WHOLE 1
#define FLOAT8 2
#define ROTATED 3
#define CHANNEL 4  // WHOLE, but packed channel by channel: `[heads, width, words]`
#ifndef CODEC
#define CODEC WHOLE
#endif
#ifndef BITS
#define BITS 4
#endif

struct Codes {
    const u8* codes;
    const u16 *scale, *zero;
    u32 n, width, row_bytes, group, block;
    const float* means;  // of turned rows, `[heads, blocks, width]`; null where they are not to be added
};
#define CODES_PARAMETERS \
    const u8* codes, const u16* scale, const u16* zero, u32 n, u32 width, u32 row_bytes, u32 group, u32 block
#define CODES_GIVEN {codes, scale, zero, n, width, row_bytes, group, block, nullptr}

// The positive levels of Lloyd and Max, of one bit first.
__device__ const float POSITIVE[15] = {0.797884561f, 0.452780035f, 1.510417608f, 0.245094179f, 0.756005281f,
                                       1.343909279f, 2.151945705f, 0.12839503f,  0.388048299f, 0.656759119f,
                                       0.942340456f, 1.256231197f, 1.618046386f, 2.069017227f, 2.732589571f};

// Writes the levels of a codec to shared memory, by its first threads.
template <int KIND, int WIDE> __device__ __forceinline__ void bring_levels(float* levels) {
    const u32 half = WIDE <= 4 ? 1u << (WIDE - 1) : 0u;
    if (KIND == ROTATED && threadIdx.x < 2 * half) {
        bool positive = threadIdx.x >= half;
        float level = POSITIVE[half - 1 + (positive ? threadIdx.x - half : half - 1 - threadIdx.x)];
        levels[threadIdx.x] = positive ? level : -level;
    }
}

// A whole number below 2^23 as f32, without the unit of conversions.
__device__ __forceinline__ float small(u32 whole) { return __fsub_rn(__uint_as_float(0x4b000000u | whole), 8388608.0f); }

// The bits of element `j` of those that begin with a word.
template <int WIDE, int COUNT> __device__ __forceinline__ u32 bits_of(const u32 (&words)[COUNT], int j) {
    int at = j * WIDE / 32, shift = j * WIDE % 32;
    if constexpr (WIDE == 32) return words[j];
    u32 low = words[at] >> shift;
    if (shift + WIDE > 32) low |= words[at + 1 < COUNT ? at + 1 : at] << (32 - shift);
    return low & (u32)((1ull << WIDE) - 1);
}

// What bits stand for; `levels` has those of both signs.
template <int KIND> __device__ __forceinline__ float value_of(u32 bits, const float* levels) {
    if constexpr (KIND == ROTATED) return levels[bits];
    if constexpr (KIND == FLOAT8) return of_e4m3((u8)bits);
    if constexpr (KIND == WHOLE || KIND == CHANNEL) return small(bits);
#if FORM == F32
    return __uint_as_float(bits);
#else
    return number((Element)bits);
#endif
}

struct Scaled {
    float scale, zero;
};

// What the number of a channel of a token is multiplied by, and what is added.
template <int KIND> __device__ __forceinline__ Scaled scaled_by(const Codes& c, u32 head, u32 t, u32 channel) {
    u64 token = (u64)head * c.n + t;
    if constexpr (KIND == WHOLE) {
        u64 place = token * ((c.width + c.group - 1) / c.group) + channel / c.group;
        return {of_half(c.scale[place]), of_half(c.zero[place])};
    }
    if constexpr (KIND == CHANNEL) {
        u64 place = ((u64)head * ((c.n + c.group - 1) / c.group) + t / c.group) * c.width + channel;
        return {of_half(c.scale[place]), of_half(c.zero[place])};
    }
    u64 block = (u64)head * ((c.n + c.block - 1) / c.block) + t / c.block;
    if constexpr (KIND == FLOAT8) {
        // `group` is how many scales a block has: one, or one a channel.
        return {of_half(c.scale[block * c.group + (c.group > 1 ? channel : 0)]), 0.0f};
    }
    if constexpr (KIND == ROTATED) {
        return {of_half(c.scale[token]), c.means == nullptr ? 0.0f : c.means[block * c.width + channel]};
    }
    return {1.0f, 0.0f};
}

// Whether so many channels of a token share their scale, wherever they begin at a multiple of that.
template <int KIND> __device__ __forceinline__ bool scale_together(const Codes& c, u32 channels) {
    if constexpr (KIND == WHOLE) return c.group % channels == 0 || c.group >= c.width;
    if constexpr (KIND == FLOAT8) return c.group == 1;
    if constexpr (KIND == ROTATED) return c.means == nullptr;
    return KIND == PLAIN;
}

template <int KIND> __device__ __forceinline__ float scaled(float value, Scaled by) {
    if constexpr (KIND == PLAIN) return value;
    if constexpr (KIND == FLOAT8) return __fmul_rn(value, by.scale);
    return __fmaf_rn(value, by.scale, by.zero);
}

// The bits of eight elements of a row; what lies behind the row is zero.
#define WORDS_OF_EIGHT(WIDE) ((WIDE * 8 + 31) / 32)
template <int KIND, int WIDE>
__device__ __forceinline__ void eight_words(const Codes& c, u64 row, u32 chunk, u32 (&words)[WORDS_OF_EIGHT(WIDE)]) {
    const u8* at = c.codes + row * c.row_bytes + chunk * WIDE;
    u32 left = c.row_bytes - chunk * WIDE;
    if constexpr (WIDE >= 16) {
        if (left >= WIDE && ((u64)at & 15) == 0) {
#pragma unroll
            for (int part = 0; part < WIDE / 16; part++) {
                uint4 four = ((const uint4*)at)[part];
                words[4 * part] = four.x, words[4 * part + 1] = four.y;
                words[4 * part + 2] = four.z, words[4 * part + 3] = four.w;
            }
            return;
        }
    }
    if constexpr (WIDE == 2) {
        words[0] = *(const u16*)at;  // Rows are whole words.
        return;
    }
    if (WIDE >= 4 && left >= WIDE && ((u64)at & 3) == 0) {
#pragma unroll
        for (int word = 0; word < WORDS_OF_EIGHT(WIDE); word++) words[word] = ((const u32*)at)[word];
        return;
    }
#pragma unroll
    for (int word = 0; word < WORDS_OF_EIGHT(WIDE); word++) words[word] = 0;
#pragma unroll
    for (u32 byte = 0; byte < WIDE; byte++) {
        if (byte < left) words[byte / 4] |= (u32)at[byte] << (byte % 4 * 8);
    }
}

// The numbers of eight channels of a token; what lies behind the row is no number that counts.
template <int KIND, int WIDE>
__device__ __forceinline__ void eight_numbers(
    const Codes& c, u32 head, u32 t, u32 channel, const float* levels, float (&x)[8]) {
    if constexpr (KIND == CHANNEL) {
        // Words of a row, of which `row_bytes` says how many bytes they are.
#pragma unroll
        for (int j = 0; j < 8; j++) {
            u32 at = channel + j < c.width ? channel + j : c.width - 1;
            u32 word = *(const u32*)(c.codes + ((u64)head * c.width + at) * c.row_bytes + t * WIDE / 32 * 4);
            u32 bits = word >> (t * WIDE % 32) & (u32)((1ull << WIDE) - 1);
            x[j] = scaled<KIND>(small(bits), scaled_by<KIND>(c, head, t, at));
        }
        return;
    }
    u32 words[WORDS_OF_EIGHT(WIDE)];
    eight_words<KIND, WIDE>(c, (u64)head * c.n + t, channel / 8, words);
    bool alike = scale_together<KIND>(c, 8);
    Scaled by = scaled_by<KIND>(c, head, t, channel);
#pragma unroll
    for (int j = 0; j < 8; j++) {
        if (!alike && channel + j < c.width) by = scaled_by<KIND>(c, head, t, channel + j);
        x[j] = scaled<KIND>(value_of<KIND>(bits_of<WIDE>(words, j), levels), by);
    }
}
