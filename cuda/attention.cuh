// Products of queries with keys, tile by tile. One side of a tile stays in shared memory, the other streams through it in
// pieces of 128 bytes a row, and a warp has 32 queries by 32 keys of what comes out. On matrix units (UNIT is Half or
// Brain) both sides are of 16 bits; compiled with PLAIN they become float32 on their way in, whatever their form.
#pragma once
#include "elements.cuh"
#include "copies.cuh"
#include "tensor.cuh"

#ifndef PLAIN
#define PLAIN 1
#endif
#ifndef KEYS
#define KEYS 128   // of a tile
#endif
#define QUERIES 64
#define THREADS (2 * KEYS)
#define PIECE 128
#define STAGES 3

#if PLAIN
typedef float Cell;
typedef float Query;
#else
typedef u16 Cell;
typedef Element Query;
#endif
#define CELLS (16 / (int)sizeof(Cell))   // of 16 bytes

// Rows of queries or keys: where they begin, what is between them, and whether they are made of aligned pieces.
template <class E> struct Side {
    const E* first;
    u64 step;
    u32 dim;
    bool whole;

    // 16 bytes of a row, as cells; zeros beyond its end.
    __device__ __forceinline__ void bring(u8* to, u32 row, u32 at, bool valid) const {
        valid = valid && at < dim;
        const E* from = first + (valid ? row * step + at : 0);
        if (sizeof(E) == sizeof(Cell) && whole) {
            copy16(to, (const u8*)from, valid);
        } else {
#pragma unroll
            for (int e = 0; e < CELLS; e++) ((Cell*)to)[e] = valid && at + e < dim ? cell_of(from[e]) : (Cell)0;
        }
    }
    static __device__ __forceinline__ Cell cell_of(float x) { return (Cell)x; }
    template <class O> static __device__ __forceinline__ Cell cell_of(O x) {
#if PLAIN
        return number(x);
#else
        return x;
#endif
    }
};

// Products of a warp: two times 16 queries with four times 8 keys, as matrix units lay them over lanes.
struct Products {
    float sums[2][4][4];

    __device__ __forceinline__ void clear() {
#pragma unroll
        for (int m = 0; m < 2; m++)
#pragma unroll
            for (int n = 0; n < 4; n++)
#pragma unroll
                for (int e = 0; e < 4; e++) sums[m][n][e] = 0.0f;
    }

    // Adds those of a piece; `left` are queries from the first of this warp on, `right` keys.
    __device__ __forceinline__ void add(const u8* left, const u8* right, u32 lane) {
#if PLAIN
#pragma unroll 1
        for (u32 chunk = 0; chunk < PIECE / 16; chunk++) {
            float4 x[4];
#pragma unroll
            for (u32 i = 0; i < 4; i++)
                x[i] = *(const float4*)(left + cell((i >> 1) * 16 + (i & 1) * 8 + (lane >> 2), chunk));
#pragma unroll
            for (u32 j = 0; j < 8; j++) {
                float4 y = *(const float4*)(right + cell((j >> 1) * 8 + (lane & 3) * 2 + (j & 1), chunk));
#pragma unroll
                for (u32 i = 0; i < 4; i++) {
                    float& sum = sums[i >> 1][j >> 1][(i & 1) * 2 + (j & 1)];
                    sum = __fmaf_rn(x[i].x, y.x, sum);
                    sum = __fmaf_rn(x[i].y, y.y, sum);
                    sum = __fmaf_rn(x[i].z, y.z, sum);
                    sum = __fmaf_rn(x[i].w, y.w, sum);
                }
            }
        }
#else
#pragma unroll
        for (u32 part = 0; part < PIECE / 32; part++) {
            u32 a[2][4], b[2][4];
#pragma unroll
            for (u32 m = 0; m < 2; m++) load_matrices(a[m], left + cell(m * 16 + (lane & 15), part * 2 + (lane >> 4)));
#pragma unroll
            for (u32 n = 0; n < 2; n++)
                load_matrices(b[n], right + cell(n * 16 + (lane >> 4) * 8 + (lane & 7), part * 2 + ((lane >> 3) & 1)));
#pragma unroll
            for (u32 m = 0; m < 2; m++)
#pragma unroll
                for (u32 n = 0; n < 4; n++)
                    UNIT::multiply(sums[m][n], a[m], b[n >> 1][(n & 1) * 2], b[n >> 1][(n & 1) * 2 + 1]);
        }
#endif
    }
};

// Which query and which key of its 32 by 32 a lane has the product of: `i` of 4 queries, `j` of 8 keys.
__device__ __forceinline__ u32 query_of(u32 i, u32 lane) { return (i >> 1) * 16 + (i & 1) * 8 + (lane >> 2); }
__device__ __forceinline__ u32 key_of_lane(u32 j, u32 lane) { return (j >> 1) * 8 + (lane & 3) * 2 + (j & 1); }

// Brings the pieces of `ROWS` rows to `to` at once, to stay there.
template <int ROWS, class S> __device__ __forceinline__ void bring_all(u8* to, u32 pieces, const S& side) {
    const u32 chunk = threadIdx.x & 7;
    for (u32 piece = 0; piece < pieces; piece++)
        for (u32 row = threadIdx.x >> 3; row < ROWS; row += THREADS / 8)
            side(to + piece * ROWS * PIECE + cell(row, chunk), row, piece * (PIECE / 16) + chunk);
}

// Streams tiles of ROWS rows past what stays: `next` gives the first tile from one on that has to be looked at, `bring`
// brings a chunk of a row of a tile, `add` multiplies a piece, and `finish` has a tile when it is done.
template <int ROWS, class N, class B, class A, class F> __device__ __forceinline__ void stream(
    u8* stages, u32 pieces, u32 first, u32 end, N next, B bring, A add, F finish) {
    u32 coming = next(first), coming_piece = 0, count = 0;
    auto bring_one = [&]() {
        if (coming < end) {
            u8* to = stages + count % STAGES * ROWS * PIECE;
            const u32 chunk = threadIdx.x & 7;
#pragma unroll
            for (u32 j = 0; j < ROWS * 8 / THREADS; j++) {
                u32 row = (threadIdx.x >> 3) + j * (THREADS / 8);
                bring(to + cell(row, chunk), coming, row, coming_piece * (PIECE / 16) + chunk);
            }
            if (++coming_piece == pieces) coming_piece = 0, coming = next(coming + 1);
        }
        count++;
        end_copies();
    };
    for (int j = 0; j < STAGES - 1; j++) bring_one();
    u32 done = 0;
    for (u32 tile = next(first); tile < end; tile = next(tile + 1)) {
        for (u32 piece = 0; piece < pieces; piece++, done++) {
            await_copies<STAGES - 2>();
            __syncthreads();
            bring_one();
            add(stages + done % STAGES * ROWS * PIECE, piece);
        }
        finish(tile);
    }
}
