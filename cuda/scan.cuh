// What a scan of rows is asked, and what becomes of a score. What is below the floor of its query is forgotten in
// registers, so that no matrix of scores is ever written. Compiled with DENSE the scores of a sample are written
// instead, which is where the floors come from.
#pragma once
#include "keys.cuh"

#ifndef DENSE
#define DENSE 0
#endif
#ifndef BIASED
#define BIASED 0
#endif
#define INFINITE __int_as_float(0x7f800000)

struct Scan {
    const u8* queries;       // as the kernel has them, filled up with zeros
    const u8* rows;          // [rows][row_bytes] bytes, a multiple of 16
    const float* scale;      // [rows up to a multiple of 256], for scaled types: factor of the product
    const float* bias;       // [rows likewise], compiled with BIASED: times `gamma` [queries], what is added
    const float* gamma;
    const float* floors;     // [queries]
    const u32* mask;         // bits [queries or 1][mask_stride] or null
    u64 mask_stride;
    u64* lists;              // [queries][room] keys of what is not below the floor
    u32* counts;             // [queries], more than `room` if some had no place
    float* dense;            // [queries][pitch], compiled with DENSE
    u32 pitch;               // a multiple of 4
    u32 room;
    u32 row_bytes;
    u32 count;               // rows that are looked at: 0, step, 2 * step, ...
    u32 step;
    u32 total_queries;
    u32 query_tiles;
    u32 segments;
};

// Keeps the score of row `at * step`, which is not below the floor.
__device__ __forceinline__ void keep_score(const Scan& s, u32 query, u32 at, float score) {
    if (query >= s.total_queries || at >= s.count) return;
    u32 row = at * s.step;
    if (!allowed(s.mask, s.mask_stride, query, row)) return;
    u32 place = atomicAdd(&s.counts[query], 1u);
    if (place < s.room) s.lists[(u64)query * s.room + place] = key_of(score, row);
}

// Writes the score of row `at * step` down, and NaN for a row that may not be found.
__device__ __forceinline__ void write_score(const Scan& s, u32 query, u32 at, float score) {
    if (query >= s.total_queries || at >= s.count) return;
    bool free = allowed(s.mask, s.mask_stride, query, at * s.step);
    s.dense[(u64)query * s.pitch + at] = free ? score : __int_as_float(0x7fffffff);
}

// The floor of a query; nothing reaches that of a query that is not there.
__device__ __forceinline__ float floor_of(const Scan& s, u32 query) {
    return !DENSE && query < s.total_queries ? s.floors[query] : INFINITE;
}

// The scores of a query with N rows, those of a lane of the matrix units: two of every eight from `at` on. Few of many
// pass, so one comparison stands for all, and there is one copy of the way to the list.
// `keep` takes a query, a row and its score.
template <int N, class K> __device__ __forceinline__ void meet(const Scan& s, const float (&scores)[N], u32 query,
                                                               u32 at, float floor, K keep) {
    if (DENSE) {
        if (s.mask == nullptr && query < s.total_queries && at + N * 4 <= s.count) {
            float* to = s.dense + (u64)query * s.pitch + at;
#pragma unroll
            for (int i = 0; i < N; i += 2) *(float2*)(to + i * 4) = make_float2(scores[i], scores[i + 1]);
            return;
        }
#pragma unroll
        for (int i = 0; i < N; i++) write_score(s, query, at + (i >> 1) * 8 + (i & 1), scores[i]);
        return;
    }
    float greatest[4] = {scores[0], scores[1], scores[2], scores[3]};
#pragma unroll
    for (int i = 4; i < N; i++) greatest[i & 3] = fmaxf(greatest[i & 3], scores[i]);
    if (fmaxf(fmaxf(greatest[0], greatest[1]), fmaxf(greatest[2], greatest[3])) < floor) return;
    u32 passing = 0;
#pragma unroll
    for (int i = 0; i < N; i++) passing |= scores[i] >= floor ? 1u << i : 0u;
#pragma unroll 1
    while (passing != 0) {
        int which = __ffs(passing) - 1;
        passing &= passing - 1;
        float score = 0.0f;
#pragma unroll
        for (int i = 0; i < N; i++) score = i == which ? scores[i] : score;
        keep(query, at + (which >> 1) * 8 + (which & 1), score);
    }
}

// Loads where it is written, not before: registers are short there.
__device__ __forceinline__ void load_pair(float* to, const float* from) {
#ifdef __CUDA_ARCH__
    asm volatile("ld.global.nc.v2.f32 {%0, %1}, [%2];" : "=f"(to[0]), "=f"(to[1]) : "l"(from));
#else
    to[0] = from[0], to[1] = from[1];
#endif
}

// What belongs to N rows of a lane: factors of the products, and biases.
template <class T, int N> struct Facts {
    float factors[N], biases[N];

    __device__ __forceinline__ Facts(const Scan& s, u32 at) {
#pragma unroll
        for (int i = 0; i < N; i += 2) {
            u32 first = at + i * 4;
            if (DENSE) {
#pragma unroll
                for (int e = 0; e < 2; e++) {
                    u64 row = (u64)(first + e < s.count ? first + e : 0) * s.step;
                    if (T::SCALED) factors[i + e] = __ldg(s.scale + row);
                    if (BIASED) biases[i + e] = __ldg(s.bias + row);
                }
            } else {
                if (T::SCALED) load_pair(factors + i, s.scale + first);
                if (BIASED) load_pair(biases + i, s.bias + first);
            }
        }
    }

    __device__ __forceinline__ float score(typename T::Sum sum, int i, float gamma) const {
        float score = T::value(sum);
        if (T::SCALED) score *= factors[i];
        if (BIASED) {
            score += biases[i] * gamma;
            // What overflowed comes first, and is settled by its exact score.
            score = score == score ? score : INFINITE;
        }
        return score;
    }
};

__device__ __forceinline__ float gamma_of(const Scan& s, u32 query) {
    return BIASED && query < s.total_queries ? __ldg(s.gamma + query) : 0.0f;
}

// A kernel's parameters, and the Scan that they make.
#define SCAN_PARAMETERS \
    const u8* queries, const u8* rows, const float* scale, const float* bias, const float* gamma, const \
    float* floors, const u32* mask, u64 mask_stride, u64* lists, u32* counts, float* dense, u32 pitch, \
    u32 room, u32 row_bytes, u32 count, u32 step, u32 total_queries, u32 query_tiles, u32 segments
#define SCAN_GIVEN \
    {queries, rows, scale, bias, gamma, floors, mask, mask_stride, lists, counts, dense, pitch, room, \
    row_bytes, count, step, total_queries, query_tiles, segments}
