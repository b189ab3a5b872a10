// Eight elements as they lie in memory, and the ends of many: what is least, and what is greatest. Two numbers of 16 bits
// are compared at once where the device can; then a number that is not finite leaves its mark in an end.
#pragma once
#include "elements.cuh"

#if (FORM == F16 || FORM == BF16) && !(defined(__CUDA_ARCH__) && __CUDA_ARCH__ < 800)
#define IN_PAIRS 1
#else
#define IN_PAIRS 0
#endif

// A host that runs these kernels brings comparisons of its own.
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 800
#define COMPARISON_OF_PAIRS(name, instruction) \
    __device__ __forceinline__ u32 name(u32 a, u32 b) { \
        u32 both; \
        asm(instruction " %0, %1, %2;" : "=r"(both) : "r"(a), "r"(b)); \
        return both; \
    }
COMPARISON_OF_PAIRS(lesser_halves, "min.NaN.f16x2")
COMPARISON_OF_PAIRS(greater_halves, "max.NaN.f16x2")
COMPARISON_OF_PAIRS(lesser_brains, "min.NaN.bf16x2")
COMPARISON_OF_PAIRS(greater_brains, "max.NaN.bf16x2")
#endif

// Blocks of 256 threads beside each other, each thread with four pairs of eights: wide floats take more registers.
#define BLOCKS_OF_PAIRS (FORM == F16 || FORM == BF16 ? 3 : 2)

struct Eight {
#if FORM == F32
    uint4 low, high;
#elif FORM == E4M3
    uint2 words;
#else
    uint4 words;
#endif
};

// Without a branch, so that many are under way at once.
__device__ __forceinline__ Eight eight_at(const Element* row) {
#if FORM == F32
    return {*(const uint4*)row, *(const uint4*)(row + 4)};
#elif FORM == E4M3
    return {*(const uint2*)row};
#else
    return {*(const uint4*)row};
#endif
}

// Eight elements that may begin anywhere, of which `some` are there; zeros for others, and of no row.
__device__ __forceinline__ Eight some_eight(const Element* row, u32 start, u32 some) {
    if (row != nullptr && some >= 8 && in_eights(row + start)) return eight_at(row + start);
    Eight eight = {};
    Element held[8];
#pragma unroll
    for (int j = 0; j < 8; j++) held[j] = row == nullptr || j >= (int)some ? (Element)0 : row[start + j];
#if FORM == F32
    u32 words[8];
#pragma unroll
    for (int j = 0; j < 8; j++) words[j] = __float_as_uint(held[j]);
    eight = {{words[0], words[1], words[2], words[3]}, {words[4], words[5], words[6], words[7]}};
#elif FORM == E4M3
    u32 words[2] = {0, 0};
#pragma unroll
    for (int j = 0; j < 8; j++) words[j / 4] |= (u32)held[j] << (j % 4 * 8);
    eight.words = {words[0], words[1]};
#else
    eight.words = {held[0] | (u32)held[1] << 16, held[2] | (u32)held[3] << 16, held[4] | (u32)held[5] << 16,
                   held[6] | (u32)held[7] << 16};
#endif
    return eight;
}

__device__ __forceinline__ float element_of(const Eight& eight, int j) {
#if FORM == F32
    const u32 all[8] = {eight.low.x, eight.low.y, eight.low.z, eight.low.w, eight.high.x, eight.high.y, eight.high.z, eight.high.w};
    return __uint_as_float(all[j]);
#elif FORM == E4M3
    return number((u8)((j < 4 ? eight.words.x : eight.words.y) >> (j % 4 * 8)));
#else
    const u32 pairs[4] = {eight.words.x, eight.words.y, eight.words.z, eight.words.w};
#if FORM == BF16
    return __uint_as_float(j % 2 ? pairs[j / 2] & 0xffff0000u : pairs[j / 2] << 16);
#else
    return number((u16)(pairs[j / 2] >> (j % 2 * 16)));
#endif
#endif
}

// The bits that give an eight other signs where bit `j` of `turned` is set.
__device__ __forceinline__ Eight signs_of_eight(u32 turned) {
    const int some = 4 / sizeof(Element), bits = 8 * sizeof(Element);  // elements of a word
    Eight signs = {};
    u32* words = (u32*)&signs;
#pragma unroll
    for (int j = 0; j < 8; j++) words[j / some] |= (turned >> j & 1) << (bits * (j % some + 1) - 1);
    return signs;
}

__device__ __forceinline__ Eight flipped(const Eight& eight, const Eight& signs) {
    Eight found;
    const u32 *bits = (const u32*)&eight, *others = (const u32*)&signs;
    u32* to = (u32*)&found;
#pragma unroll
    for (int w = 0; w < (int)(sizeof(Eight) / 4); w++) to[w] = bits[w] ^ others[w];
    return found;
}

__device__ __forceinline__ void spread(const Eight& eight, float (&x)[8]) {
#pragma unroll
    for (int j = 0; j < 8; j++) x[j] = element_of(eight, j);
}

__device__ __forceinline__ bool all_finite(const Eight& eight) {
    bool sound = true;
#pragma unroll
    for (int j = 0; j < 8; j++) sound = sound && finite(element_of(eight, j));
    return sound;
}

#if IN_PAIRS
__device__ __forceinline__ u32 lesser_pair(u32 a, u32 b) { return FORM == F16 ? lesser_halves(a, b) : lesser_brains(a, b); }
__device__ __forceinline__ u32 greater_pair(u32 a, u32 b) { return FORM == F16 ? greater_halves(a, b) : greater_brains(a, b); }

// The least, and above it minus the greatest.
struct Ends {
    u32 both;
};

__device__ __forceinline__ Ends joined(Ends a, Ends b) { return {lesser_pair(a.both, b.both)}; }
__device__ __forceinline__ Ends ends_beside(Ends ends, u32 apart) { return {__shfl_xor_sync(FULL, ends.both, apart)}; }
__device__ __forceinline__ float low_of(Ends ends) { return number((u16)ends.both); }
__device__ __forceinline__ float high_of(Ends ends) { return number((u16)(ends.both >> 16 ^ 0x8000u)); }

template <int N> __device__ __forceinline__ Ends ends_of(const Eight (&held)[N]) {
    u32 low = held[0].words.x, high = low;
#pragma unroll
    for (int i = 0; i < N; i++) {
        const u32 pairs[4] = {held[i].words.x, held[i].words.y, held[i].words.z, held[i].words.w};
#pragma unroll
        for (int j = 0; j < 4; j++) low = lesser_pair(low, pairs[j]), high = greater_pair(high, pairs[j]);
    }
    high ^= 0x80008000u;
    // Those of even places against those of odd ones.
    return {lesser_pair((low & 0xffffu) | high << 16, low >> 16 | (high & 0xffff0000u))};
}

__device__ __forceinline__ bool are_finite(Ends ends) { return finite(low_of(ends)) && finite(high_of(ends)); }

// The ends of each channel over eight rows and over four lanes that are eight apart, of which number `slot` gets those of
// channels `2 * slot` and the next.
__device__ __forceinline__ void ends_across(const Eight (&x)[8], u32 slot, Ends (&own)[2]) {
    u32 low[4] = {x[0].words.x, x[0].words.y, x[0].words.z, x[0].words.w}, high[4];
#pragma unroll
    for (int j = 0; j < 4; j++) high[j] = low[j];
#pragma unroll
    for (int i = 1; i < 8; i++) {
        const u32 pairs[4] = {x[i].words.x, x[i].words.y, x[i].words.z, x[i].words.w};
#pragma unroll
        for (int j = 0; j < 4; j++) low[j] = lesser_pair(low[j], pairs[j]), high[j] = greater_pair(high[j], pairs[j]);
    }
    // What a lane does not need is exchanged for what it does: a half, then a quarter.
    const bool upper = slot & 2, odd = slot & 1;
#pragma unroll
    for (int j = 0; j < 2; j++) {
        const u32 low_away = __shfl_xor_sync(FULL, upper ? low[j] : low[j + 2], 16);
        const u32 high_away = __shfl_xor_sync(FULL, upper ? high[j] : high[j + 2], 16);
        low[j] = lesser_pair(upper ? low[j + 2] : low[j], low_away);
        high[j] = greater_pair(upper ? high[j + 2] : high[j], high_away);
    }
    const u32 low_away = __shfl_xor_sync(FULL, odd ? low[0] : low[1], 8);
    const u32 high_away = __shfl_xor_sync(FULL, odd ? high[0] : high[1], 8);
    const u32 least = lesser_pair(odd ? low[1] : low[0], low_away);
    const u32 most = greater_pair(odd ? high[1] : high[0], high_away) ^ 0x80008000u;
    own[0] = {(least & 0xffffu) | most << 16}, own[1] = {least >> 16 | (most & 0xffff0000u)};
}
#else
struct Ends {
    float low, high;
    u32 broken;
};

__device__ __forceinline__ Ends joined(Ends a, Ends b) {
    return {fminf(a.low, b.low), fmaxf(a.high, b.high), a.broken | b.broken};
}
__device__ __forceinline__ Ends ends_beside(Ends ends, u32 apart) {
    return {__shfl_xor_sync(FULL, ends.low, apart), __shfl_xor_sync(FULL, ends.high, apart), ends.broken};
}
__device__ __forceinline__ float low_of(Ends ends) { return ends.low; }
__device__ __forceinline__ float high_of(Ends ends) { return ends.high; }

template <int N> __device__ __forceinline__ Ends ends_of(const Eight (&held)[N]) {
    Ends ends = {element_of(held[0], 0), element_of(held[0], 0), 0};
#pragma unroll
    for (int i = 0; i < N; i++) {
#pragma unroll
        for (int j = 0; j < 8; j++) {
            const float x = element_of(held[i], j);
            ends = {fminf(ends.low, x), fmaxf(ends.high, x), ends.broken | !finite(x)};
        }
    }
    return ends;
}

__device__ __forceinline__ bool are_finite(Ends ends) { return ends.broken == 0; }

// The ends of each channel over eight rows and over four lanes that are eight apart, of which number `slot` gets those of
// channels `2 * slot` and the next; each lane knows of broken numbers of its own.
__device__ __forceinline__ void ends_across(const Eight (&x)[8], u32 slot, Ends (&own)[2]) {
    bool sound = true;
#pragma unroll
    for (int i = 0; i < 8; i++) sound = sound && all_finite(x[i]);
#pragma unroll
    for (int j = 0; j < 8; j++) {
        Ends ends = {element_of(x[0], j), element_of(x[0], j), !sound};
#pragma unroll
        for (int i = 1; i < 8; i++) {
            const float one = element_of(x[i], j);
            ends.low = fminf(ends.low, one), ends.high = fmaxf(ends.high, one);
        }
        ends = joined(ends, ends_beside(ends, 8));
        ends = joined(ends, ends_beside(ends, 16));
        if (slot == (u32)j / 2) own[j % 2] = ends;
    }
}
#endif
