// Pieces of rows as they lie in memory: brought while those before them are worked on, and spread when they are needed.
#pragma once
#include "lanes.cuh"
#include "scores.cuh"

// Rows of a warp lie beside each other: which of a block's is the one of this thread that is number `j` of BESIDE.
__device__ __forceinline__ u32 place_of(u32 j) {
    return (threadIdx.x / 32 * BESIDE + j) * (32 / LANES) + threadIdx.x % 32 / LANES;
}

// Bits of a piece that are a row's: none beyond its end.
__device__ __forceinline__ u32 mask_of(const Rows& rows, u32 piece) { return piece < rows.pieces() ? FULL : 0u; }

// The same piece of several rows. No load waits for another, and nothing is done to what comes, which would wait for it.
template <int N>
__device__ __forceinline__ void bring_pieces(Piece (&held)[N], const Rows& rows, const Element* const (&row)[N], u32 piece) {
    const u32 at = piece < rows.pieces() ? piece * WIDE : 0;
    if (rows.whole) {
#pragma unroll
        for (int j = 0; j < N; j++) held[j] = __ldg((const Piece*)(row[j] + at));
        return;
    }
#pragma unroll
    for (int j = 0; j < N; j++) {
#if FORM == F32
        float words[WIDE];
#else
        u32 words[WIDE * sizeof(Element) / 4] = {};
#endif
#pragma unroll
        for (int e = 0; e < WIDE; e++) {
            const Element one = at + e < rows.dim ? row[j][at + e] : (Element)0;
#if FORM == F32
            words[e] = one;
#else
            const int some = 4 / sizeof(Element);
            words[e / some] |= (u32)one << (e % some * 8 * sizeof(Element));
#endif
        }
#if FORM == E4M3
        held[j] = {words[0], words[1]};
#else
        held[j] = {words[0], words[1], words[2], words[3]};
#endif
    }
}

// Floats that lie as a row does, for products with a piece: what comes where a row has no piece is multiplied by zeros.
__device__ __forceinline__ void bring_floats(float (&y)[WIDE], const Rows& rows, const float* row, u32 piece) {
    if (!rows.whole) return load_floats(y, rows, row, piece);
    const float4* four = (const float4*)(row + (piece < rows.pieces() ? piece * WIDE : 0));
#pragma unroll
    for (int e = 0; e < WIDE; e += 4) {
        const float4 some = __ldg(four + e / 4);
        y[e] = some.x, y[e + 1] = some.y, y[e + 2] = some.z, y[e + 3] = some.w;
    }
}

// A piece as floats; zeros where it is no part of its row.
__device__ __forceinline__ void spread_piece(float (&x)[WIDE], Piece piece, u32 mask) {
#if FORM == F32
    const float all[4] = {piece.x, piece.y, piece.z, piece.w};
#pragma unroll
    for (int e = 0; e < WIDE; e++) x[e] = __uint_as_float(__float_as_uint(all[e]) & mask);
#elif FORM == E4M3
    spread(x, {piece.x & mask, piece.y & mask});
#elif FORM == BF16
    const u32 pairs[4] = {piece.x, piece.y, piece.z, piece.w};
#pragma unroll
    for (int e = 0; e < WIDE; e += 2) {
        x[e] = __uint_as_float((pairs[e / 2] & mask) << 16);
        x[e + 1] = __uint_as_float(pairs[e / 2] & 0xffff0000u & mask);
    }
#else
    spread(x, {piece.x & mask, piece.y & mask, piece.z & mask, piece.w & mask});
#endif
}

// Has the compiler spread a piece again, rather than keep its floats in registers.
__device__ __forceinline__ void forget_floats(Piece& piece) {
#ifdef __CUDA_ARCH__
#if FORM == F32
    asm volatile("" : "+f"(piece.x), "+f"(piece.y), "+f"(piece.z), "+f"(piece.w));
#elif FORM == E4M3
    asm volatile("" : "+r"(piece.x), "+r"(piece.y));
#else
    asm volatile("" : "+r"(piece.x), "+r"(piece.y), "+r"(piece.z), "+r"(piece.w));
#endif
#endif
}

// The sums over the lanes of a group of COUNT values, in place: a lane is left with OWN of them in front, those from
// `first_of` on, and of lanes that are left with the same ones the first has the say.
template <int COUNT> struct Shared {
    static const int OWN = COUNT > LANES ? COUNT / LANES : 1;
    static const u32 ALIKE = LANES / (COUNT / OWN);

    static __device__ __forceinline__ void add_up(float (&values)[COUNT]) { over_lanes<LANES / 2, COUNT>(values, threadIdx.x % LANES); }
    static __device__ __forceinline__ u32 first_of() { return threadIdx.x % LANES / ALIKE * OWN; }
    static __device__ __forceinline__ bool has_the_say() { return threadIdx.x % LANES % ALIKE == 0; }
};
