// All products of a block of queries with a run of rows, on the matrix units.
//
// A block has 128 queries and TILE rows at a time, eight warps as two by four. Both come in pieces of 128 bytes a row,
// their cells of 16 bytes turned by the row so that neither copies nor matrix loads meet in a bank. Where there is room
// the queries stay (RESIDENT), and only rows stream. Queries are [queries up to a multiple of 128][pieces][128] bytes.
//
// TYPE, TILE, STAGES and RESIDENT are given to the compiler, so that it makes one kernel and not all of them.
#include "scan.cuh"
#include "tensor.cuh"

#define QUERIES 128
#define PIECE 128
#define THREADS 256

__device__ __forceinline__ u32 cell(u32 row, u32 chunk) { return row * PIECE + ((chunk ^ (row & 7)) << 4); }

__device__ __forceinline__ float gammas(const Scan& s, u32 query) {
    return query < s.total_queries ? s.gamma[query] : 0.0f;
}

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

    // Queries that are not there have a floor that nothing reaches.
    float floors[8];
#pragma unroll
    for (int j = 0; j < 8; j++) {
        u32 query = query_tile * QUERIES + warp_m * 64 + (j >> 1) * 16 + (j & 1) * 8 + (lane >> 2);
        floors[j] = s.dense == nullptr && query < s.total_queries ? s.floors[query] : __int_as_float(0x7f800000);
    }
    Sum sums[4][COLUMNS][4];
#pragma unroll
    for (int m = 0; m < 4; m++)
#pragma unroll
        for (int n = 0; n < COLUMNS; n++)
#pragma unroll
            for (int e = 0; e < 4; e++) sums[m][n][e] = 0;

    u32 piece = 0, tile = first;
    for (u32 step = 0; step < steps; step++) {
        await_copies<STAGES - 2>();
        __syncthreads();
        bring();
        const u8* stage = stages + (step % STAGES) * STAGE;
        const u8* left = RESIDENT ? resident + piece * QUERIES * PIECE : stage + TILE * PIECE;
        u32 rest = s.row_bytes - piece * PIECE;
        u32 inner = rest >= PIECE ? PIECE / 32 : (rest + 31) / 32;
#pragma unroll
        for (u32 kk = 0; kk < PIECE / 32; kk++) {
            if (kk < inner) {
                u32 a[4][4], b[COLUMNS / 2][4];
#pragma unroll
                for (int m = 0; m < 4; m++)
                    load_matrices(a[m], left + cell(warp_m * 64 + m * 16 + (lane & 15), kk * 2 + (lane >> 4)));
#pragma unroll
                for (int n = 0; n < COLUMNS / 2; n++)
                    load_matrices(b[n], stage + cell(warp_n * (TILE / 4) + n * 16 + (lane >> 4) * 8 + (lane & 7),
                                                     kk * 2 + ((lane >> 3) & 1)));
#pragma unroll
                for (int m = 0; m < 4; m++)
#pragma unroll
                    for (int n = 0; n < COLUMNS; n++)
                        T::multiply(sums[m][n], a[m], b[n >> 1][(n & 1) * 2], b[n >> 1][(n & 1) * 2 + 1]);
            }
        }
        if (++piece == pieces) {
            piece = 0;
            u32 at0 = tile * TILE + warp_n * (TILE / 4) + (lane & 3) * 2;
            u32 query0 = query_tile * QUERIES + warp_m * 64 + (lane >> 2);
#pragma unroll
            for (int n = 0; n < COLUMNS; n++) {
#pragma unroll
                for (int e = 0; e < 2; e++) {
                    u32 at = at0 + n * 8 + e;
                    u64 row = (u64)(at < s.count ? at : 0) * s.step;
                    float factor = s.scale == nullptr ? 1.0f : s.scale[row];
                    float scores[8];
                    u32 passing = s.dense == nullptr ? 0 : 255;
#pragma unroll
                    for (int j = 0; j < 8; j++) {
                        scores[j] = T::value(sums[j >> 1][n][(j & 1) * 2 + e]) * factor;
                        sums[j >> 1][n][(j & 1) * 2 + e] = 0;
                    }
                    if (s.bias != nullptr) {
                        float added = s.bias[row];
#pragma unroll
                        for (int j = 0; j < 8; j++) scores[j] += added * gammas(s, query0 + (j >> 1) * 16 + (j & 1) * 8);
                    }
#pragma unroll
                    for (int j = 0; j < 8; j++) passing |= scores[j] < floors[j] ? 0u : 1u << j;
                    // Few pass: one copy of the way there is enough, with the score picked by comparing.
#pragma unroll 1
                    for (int j = 0; passing >> j; j++) {
                        if (!(passing >> j & 1)) continue;
                        float score = 0.0f;
#pragma unroll
                        for (int i = 0; i < 8; i++) score = i == j ? scores[i] : score;
                        meet(s, query0 + (j >> 1) * 16 + (j & 1) * 8, at, score);
                    }
                }
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
