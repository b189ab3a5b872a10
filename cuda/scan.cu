// All products of a block of queries with a run of rows, on the matrix units.
//
// A block has 128 queries and TILE rows at a time, eight warps as two by four. Both come in pieces of 128 bytes a row,
// their cells of 16 bytes turned by the row so that neither copies nor matrix loads meet in a bank. Where there is room
// the queries stay (RESIDENT), and only rows stream. Queries are [queries up to a multiple of 128][pieces][128] bytes.
//
// TYPE, TILE, STAGES and RESIDENT are given to the compiler, so that it makes one kernel and not all of them.
#include "scan.cuh"
#include "copies.cuh"
#include "tensor.cuh"

#define QUERIES 128
#define PIECE 128
#define THREADS 256

template <class T> __device__ __forceinline__ void scan(const Scan& s, u8* shared) {
    constexpr int COLUMNS = TILE / 32;  // tiles of 8 rows that a warp has
    typedef typename T::Sum Sum;
    const u32 lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
    const u32 warp_m = warp & 1, warp_n = warp >> 1;
    const u32 pieces = (s.row_bytes + PIECE - 1) / PIECE;
    const u32 query_tile = blockIdx.x % s.query_tiles, segment = blockIdx.x / s.query_tiles;
    const u32 tiles = (s.count + TILE - 1) / TILE;
    const u32 first = (u32)((u64)tiles * segment / s.segments), end = (u32)((u64)tiles * (segment + 1) / s.segments);
    if (first == end) return;
    const u8* queries = s.queries + (u64)query_tile * QUERIES * pieces * PIECE;
    u8* resident = shared;
    u8* stages = shared + (RESIDENT ? pieces * QUERIES * PIECE : 0);
    constexpr u32 STAGE = (RESIDENT ? TILE : TILE + QUERIES) * PIECE;
    const u32 steps = (end - first) * pieces;
    const u32 chunk = threadIdx.x & 7, line = threadIdx.x >> 3;

    auto bring_queries = [&](u8* to, u32 piece) {
#pragma unroll
        for (int j = 0; j < QUERIES / 32; j++) {
            u32 row = line + 32 * j;
            copy16(to + cell(row, chunk), queries + (u64)row * pieces * PIECE + piece * PIECE + chunk * 16, true);
        }
    };
    u32 next_tile = first, next_piece = 0, next = 0;
    auto bring = [&]() {
        if (next < steps) {
            u8* stage = stages + (next % STAGES) * STAGE;
            u32 byte = next_piece * PIECE + chunk * 16;
#pragma unroll
            for (int j = 0; j < TILE / 32; j++) {
                u32 row = line + 32 * j, at = next_tile * TILE + row;
                bool valid = at < s.count && byte < s.row_bytes;
                const u8* from = s.rows + (valid ? (u64)at * s.step * s.row_bytes + byte : 0);
                copy16(stage + cell(row, chunk), from, valid);
            }
            if (!RESIDENT) bring_queries(stage + TILE * PIECE, next_piece);
            if (++next_piece == pieces) {
                next_piece = 0;
                next_tile++;
            }
        }
        next++;
        end_copies();
    };

    if (RESIDENT) {
        for (u32 piece = 0; piece < pieces; piece++) bring_queries(resident + piece * QUERIES * PIECE, piece);
    }
#pragma unroll
    for (int j = 0; j < STAGES - 1; j++) bring();

    float floors[8];
#pragma unroll
    for (int j = 0; j < 8; j++)
        floors[j] = floor_of(s, query_tile * QUERIES + warp_m * 64 + (j >> 1) * 16 + (j & 1) * 8 + (lane >> 2));
    Sum sums[4][COLUMNS][4];
#pragma unroll
    for (int m = 0; m < 4; m++)
#pragma unroll
        for (int n = 0; n < COLUMNS; n++)
#pragma unroll
            for (int e = 0; e < 4; e++) sums[m][n][e] = 0;

    auto multiply_part = [&](const u8* left, const u8* right, u32 part) {
        u32 a[4][4], b[COLUMNS / 2][4];
#pragma unroll
        for (int m = 0; m < 4; m++)
            load_matrices(a[m], left + cell(warp_m * 64 + m * 16 + (lane & 15), part * 2 + (lane >> 4)));
#pragma unroll
        for (int n = 0; n < COLUMNS / 2; n++)
            load_matrices(b[n], right + cell(warp_n * (TILE / 4) + n * 16 + (lane >> 4) * 8 + (lane & 7),
                                             part * 2 + ((lane >> 3) & 1)));
#pragma unroll
        for (int m = 0; m < 4; m++)
#pragma unroll
            for (int n = 0; n < COLUMNS; n++)
                T::multiply(sums[m][n], a[m], b[n >> 1][(n & 1) * 2], b[n >> 1][(n & 1) * 2 + 1]);
    };
    auto listed = [&](u32 query, u32 at, float score) { keep_score(s, query, at, score); };
    u32 piece = 0, tile = first;
    for (u32 step = 0; step < steps; step++) {
        await_copies<STAGES - 2>();
        __syncthreads();
        bring();
        const u8* stage = stages + (step % STAGES) * STAGE;
        const u8* left = RESIDENT ? resident + piece * QUERIES * PIECE : stage + TILE * PIECE;
        u32 rest = s.row_bytes - piece * PIECE;
        if (rest > PIECE - 32) {
#pragma unroll
            for (u32 part = 0; part < PIECE / 32; part++) multiply_part(left, stage, part);
        } else {
            for (u32 part = 0; part * 32 < rest; part++) multiply_part(left, stage, part);
        }
        if (++piece == pieces) {
            piece = 0;
            u32 at0 = tile * TILE + warp_n * (TILE / 4) + (lane & 3) * 2;
            u32 query0 = query_tile * QUERIES + warp_m * 64 + (lane >> 2);
            const Facts<T, 2 * COLUMNS> facts(s, at0);
#pragma unroll
            for (int j = 0; j < 8; j++) {
                float scores[2 * COLUMNS];
                u32 query = query0 + (j >> 1) * 16 + (j & 1) * 8;
                float gamma = gamma_of(s, query);
#pragma unroll
                for (int i = 0; i < 2 * COLUMNS; i++) {
                    Sum& sum = sums[j >> 1][i >> 1][(j & 1) * 2 + (i & 1)];
                    scores[i] = facts.score(sum, i, gamma);
                    sum = 0;
                }
                meet(s, scores, query, at0, floors[j], listed);
            }
            tile++;
        }
    }
}

extern "C" __global__ void __launch_bounds__(THREADS, 1) scan_rows(SCAN_PARAMETERS) {
    Scan s = SCAN_GIVEN;
    extern __shared__ __align__(128) u8 shared[];
    scan<TYPE>(s, shared);
}
