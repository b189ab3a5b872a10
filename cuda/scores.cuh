// Rows of a cache as scores read them: numbers of one FORM, a group of LANES lanes a row, 16 bytes a lane at once.
// A token with a number that is not finite, in any head, counts in none.
#pragma once
#include "elements.cuh"

#ifndef LANES
#define LANES 16
#endif

#ifndef THREADS
#define THREADS 256
#endif
#define NOT_A_NUMBER __int_as_float(0x7fffffff)
#define SHORT 1e-12f              // a row no longer than this has no direction
#define GROUPS (THREADS / LANES)
#ifndef BESIDE
#define BESIDE 4                  // rows of a group that are on their way at once
#endif
#define TILE (GROUPS * BESIDE)    // tokens of a block
#define WIDE (FORM == F32 ? 4 : 8)   // elements of a piece

// Whether a sum of squares has all its bits in float32.
__device__ __forceinline__ bool in_range(float squares) { return squares >= 1e-30f && squares < 1e30f; }

// Where rows lie, in elements; `whole` if they are made of aligned pieces.
struct Rows {
    const Element* first;
    u64 batch, head, token;
    u32 heads, tokens, dim;
    bool whole;

    __device__ __forceinline__ const Element* at(u32 b, u32 h, u32 t) const {
        return first + b * batch + h * head + t * token;
    }
    __device__ __forceinline__ u32 pieces() const { return (dim + WIDE - 1) / WIDE; }
};

#define ROWS_PARAMETERS \
    const Element* first, u64 batch_step, u64 head_step, u64 token_step, u32 heads, u32 tokens, u32 dim, u32 whole
#ifndef ALIGNED
#define ALIGNED whole   // or 0 or 1, if what is compiled is for one of both alone
#endif
#define ROWS_GIVEN {first, batch_step, head_step, token_step, heads, tokens, dim, ALIGNED != 0}

// A piece of a row; zeros beyond its end.
__device__ __forceinline__ void load_piece(float (&x)[WIDE], const Rows& rows, const Element* row, u32 piece) {
    if (rows.whole && piece < rows.pieces()) {
#if FORM == F32
        float4 four = __ldg((const float4*)(row + piece * WIDE));
        x[0] = four.x, x[1] = four.y, x[2] = four.z, x[3] = four.w;
#else
        eight(row + piece * WIDE, x);
#endif
    } else {
#pragma unroll
        for (int e = 0; e < WIDE; e++) x[e] = piece * WIDE + e < rows.dim ? number(row[piece * WIDE + e]) : 0.0f;
    }
}

#if FORM == F32
typedef float4 Piece;
#elif FORM == E4M3
typedef uint2 Piece;
#else
typedef uint4 Piece;
#endif

__device__ __forceinline__ void spread(float (&x)[WIDE], Piece piece) {
#if FORM == F32
    x[0] = piece.x, x[1] = piece.y, x[2] = piece.z, x[3] = piece.w;
#elif FORM == E4M3
#pragma unroll
    for (int e = 0; e < WIDE; e++) x[e] = number((u8)((e < 4 ? piece.x : piece.y) >> (e % 4 * 8)));
#else
    const u32 pairs[4] = {piece.x, piece.y, piece.z, piece.w};
#pragma unroll
    for (int e = 0; e < WIDE; e++) x[e] = number((u16)(pairs[e / 2] >> (e % 2 * 16)));
#endif
}

// The same piece of several rows, of those that are to be had; zeros of the others. Without a branch between loads all of
// them are on their way before the first is waited for.
template <int N>
__device__ __forceinline__ void load_pieces(
    float (&x)[N][WIDE], const Rows& rows, const Element* const (&row)[N], const bool (&has)[N], u32 piece) {
    const bool there = piece < rows.pieces();
    if (rows.whole) {
        Piece held[N];
#pragma unroll
        for (int j = 0; j < N; j++) held[j] = __ldg((const Piece*)(row[j] + (there ? piece : 0) * WIDE));
#pragma unroll
        for (int j = 0; j < N; j++) {
            // Zeros are the same bits in every form.
            if (!there || !has[j]) held[j] = {};
            spread(x[j], held[j]);
        }
    } else {
#pragma unroll
        for (int j = 0; j < N; j++) load_piece(x[j], rows, row[j], has[j] ? piece : rows.pieces());
    }
}

// The same of floats that lie as a row does.
__device__ __forceinline__ void load_floats(float (&x)[WIDE], const Rows& rows, const float* row, u32 piece) {
    if (rows.whole && piece < rows.pieces()) {
#pragma unroll
        for (int e = 0; e < WIDE; e += 4) {
            float4 four = __ldg((const float4*)(row + piece * WIDE + e));
            x[e] = four.x, x[e + 1] = four.y, x[e + 2] = four.z, x[e + 3] = four.w;
        }
    } else {
#pragma unroll
        for (int e = 0; e < WIDE; e++) x[e] = piece * WIDE + e < rows.dim ? row[piece * WIDE + e] : 0.0f;
    }
}

// The sum over the lanes of a group, in all of them.
__device__ __forceinline__ float over_group(float x) {
#pragma unroll
    for (int apart = LANES / 2; apart > 0; apart >>= 1) x += __shfl_xor_sync(FULL, x, apart);
    return x;
}

// The length of a row by one lane in float64, which is not a number for a broken one.
__device__ __forceinline__ float length_again(const Element* row, u32 dim) {
    double squares = 0.0;
#pragma unroll 1
    for (u32 at = 0; at < dim; at++) {
        float x = number(row[at]);
        if (!finite(x)) return NOT_A_NUMBER;
        squares += (double)x * x;
    }
    return (float)sqrt(squares);
}
