// What queries pay to keys, summed up over queries, with no matrix of them: first what each query pays in all, then what
// each key gets of it. Query heads that share a head are read one after another, each with `span` places for its queries.
#include "attention.cuh"

#define LOG2E 1.4426950408889634f
#define TOGETHER 0   // what is added up over the queries and query heads of a head
#define EACH 1       // over the queries of each query head
#define MOST 2       // over queries, of the query head that pays the most
#define GREATEST 3   // the most that any query pays

#ifndef HOW
#define HOW TOGETHER
#endif

// `until` [batch][window]: a query sees the tokens before that; `most` [batch][most_count], the greatest of those of a
// tile of queries, or of all where several query heads share a tile. `counts` [batch][tokens]: others are not seen.
#define ATTEND_PARAMETERS \
    const Query* queries, u64 query_batch, u64 query_head, u64 query_step, u32 queries_whole, u32 window, u32 group, \
    u32 span, const u32* until, const u32* most, u32 most_count, const Element* keys, u64 key_batch, u64 key_head, \
    u64 key_step, u32 keys_whole, u32 heads, u32 tokens, u32 dim, const u8* counts, float scale
#define ATTEND_GIVEN \
    {queries, query_batch, query_head, query_step, queries_whole != 0, window, group, span, until, most, most_count, \
     keys, key_batch, key_head, key_step, keys_whole != 0, heads, tokens, dim, counts, scale}

struct Attend {
    const Query* queries;
    u64 query_batch, query_head, query_step;
    bool queries_whole;
    u32 window, group, span;
    const u32* until;
    const u32* most;
    u32 most_count;
    const Element* keys;
    u64 key_batch, key_head, key_step;
    bool keys_whole;
    u32 heads, tokens, dim;
    const u8* counts;
    float scale;

    __device__ __forceinline__ u32 pieces() const { return (dim * (u32)sizeof(Cell) + PIECE - 1) / PIECE; }
    __device__ __forceinline__ u32 tiles() const { return (group * span + QUERIES - 1) / QUERIES; }
    __device__ __forceinline__ bool has(u32 row) const { return row / span < group && row % span < window; }
    __device__ __forceinline__ u32 seen(u32 b, u32 row) const { return has(row) ? until[(u64)b * window + row % span] : 0; }
    __device__ __forceinline__ u32 seen_by_tile(u32 b, u32 tile) const { return most[(u64)b * most_count + tile % most_count]; }
    __device__ __forceinline__ void bring_query(u8* to, u32 b, u32 h, u32 row, u32 chunk) const {
        const Side<Query> side = {queries + b * query_batch + (h * group + (has(row) ? row / span : 0)) * query_head,
                                  query_step, dim, queries_whole};
        side.bring(to, row % span, chunk * CELLS, has(row));
    }
    __device__ __forceinline__ void bring_key(u8* to, u32 b, u32 h, u32 key, u32 chunk) const {
        const Side<Element> side = {keys + b * key_batch + h * key_head, key_step, dim, keys_whole};
        side.bring(to, key, chunk * CELLS, key < tokens);
    }
};

// The greatest logit and the sum of powers of two of a tile of queries over a part of the keys, as logarithms to the
// base 2: `parts` [batch][heads][parts][rows up to a multiple of QUERIES][2]. A block a part and a tile.
extern "C" __global__ void __launch_bounds__(THREADS, 2) weigh_keys(ATTEND_PARAMETERS, u32 part_keys, float* parts) {
    const Attend s = ATTEND_GIVEN;
    extern __shared__ __align__(128) u8 shared[];
    __shared__ float across[KEYS / 32][QUERIES][2];
    const u32 lane = threadIdx.x & 31, warp = threadIdx.x >> 5, warp_m = warp & 1, warp_n = warp >> 1;
    const u32 tile = blockIdx.x % s.tiles(), part = blockIdx.x / s.tiles(), b = blockIdx.y / heads, h = blockIdx.y % heads;
    const u32 pieces = s.pieces(), visible = s.seen_by_tile(b, tile), part_count = gridDim.x / s.tiles();
    u32 stop = (part + 1) * part_keys < visible ? (part + 1) * part_keys : visible;
    const u32 first = part * part_keys / KEYS, end = stop > part * part_keys ? (stop + KEYS - 1) / KEYS : first;
    u8* stages = shared + pieces * QUERIES * PIECE;
    bring_all<QUERIES>(shared, pieces, [&](u8* to, u32 row, u32 chunk) { s.bring_query(to, b, h, tile * QUERIES + row, chunk); });
    float top[4], sum[4];
    u32 until_row[4];
#pragma unroll
    for (u32 i = 0; i < 4; i++) {
        top[i] = MINUS_INFINITY, sum[i] = 0.0f;
        until_row[i] = s.seen(b, tile * QUERIES + warp_m * 32 + query_of(i, lane));
    }
    Products products;
    products.clear();
    stream<KEYS>(
        stages, pieces, first, end, [](u32 at) { return at; },
        [&](u8* to, u32 at, u32 row, u32 chunk) { s.bring_key(to, b, h, at * KEYS + row, chunk); },
        [&](const u8* right, u32 piece) {
            products.add(shared + piece * QUERIES * PIECE + warp_m * 32 * PIECE, right + warp_n * 32 * PIECE, lane);
        },
        [&](u32 at) {
            u32 counted = 0;
#pragma unroll
            for (u32 j = 0; j < 8; j++) {
                u32 key = at * KEYS + warp_n * 32 + key_of_lane(j, lane);
                if (key < tokens && counts[(u64)b * tokens + key] != 0) counted |= 1u << j;
            }
#pragma unroll
            for (u32 i = 0; i < 4; i++) {
                float most_here = top[i], x[8];
#pragma unroll
                for (u32 j = 0; j < 8; j++) {
                    u32 key = at * KEYS + warp_n * 32 + key_of_lane(j, lane);
                    bool sees = (counted >> j & 1) && key < until_row[i];
                    x[j] = sees ? products.sums[i >> 1][j >> 1][(i & 1) * 2 + (j & 1)] * s.scale : MINUS_INFINITY;
                    most_here = fmaxf(most_here, x[j]);
                }
                most_here = fmaxf(most_here, __shfl_xor_sync(FULL, most_here, 1));
                most_here = fmaxf(most_here, __shfl_xor_sync(FULL, most_here, 2));
                // Where nothing is seen yet, a difference of infinities would be no number.
                float base = most_here == MINUS_INFINITY ? 0.0f : most_here;
                sum[i] *= exp2f(top[i] - base);
#pragma unroll
                for (u32 j = 0; j < 8; j++) sum[i] += exp2f(x[j] - base);
                top[i] = most_here;
            }
            products.clear();
        });
#pragma unroll
    for (u32 i = 0; i < 4; i++) {
        sum[i] += __shfl_xor_sync(FULL, sum[i], 1);
        sum[i] += __shfl_xor_sync(FULL, sum[i], 2);
        if ((lane & 3) == 0) {
            across[warp_n][warp_m * 32 + query_of(i, lane)][0] = top[i];
            across[warp_n][warp_m * 32 + query_of(i, lane)][1] = sum[i];
        }
    }
    __syncthreads();
    for (u32 row = threadIdx.x; row < QUERIES; row += THREADS) {
        float most_here = MINUS_INFINITY, all = 0.0f;
        for (int at = 0; at < KEYS / 32; at++) most_here = fmaxf(most_here, across[at][row][0]);
        float base = most_here == MINUS_INFINITY ? 0.0f : most_here;
        for (int at = 0; at < KEYS / 32; at++) all += across[at][row][1] * exp2f(across[at][row][0] - base);
        u64 to = (((u64)blockIdx.y * part_count + part) * s.tiles() + tile) * QUERIES + row;
        parts[2 * to] = most_here;
        parts[2 * to + 1] = all;
    }
}

// Joins the parts: `weights` [batch][heads][rows] is the logarithm to the base 2 of all that a query weighs; infinite,
// so that it pays nothing, for one that sees nothing.
extern "C" __global__ void join_weights(const float* parts, u32 part_count, u32 rows, float* weights) {
    u32 row = blockIdx.x * blockDim.x + threadIdx.x;
    if (row >= rows) return;
    float most = MINUS_INFINITY, all = 0.0f;
    const float* mine = parts + 2 * ((u64)blockIdx.y * part_count * rows + row);
    for (u32 part = 0; part < part_count; part++) most = fmaxf(most, mine[2 * (u64)part * rows]);
    float base = most == MINUS_INFINITY ? 0.0f : most;
    for (u32 part = 0; part < part_count; part++) all += mine[2 * (u64)part * rows + 1] * exp2f(mine[2 * (u64)part * rows] - base);
    weights[(u64)blockIdx.y * rows + row] = all > 0.0f ? base + log2f(all) : -MINUS_INFINITY;
}

// What a tile of keys gets: `out` [batch][heads][tokens], or [batch][query heads][tokens] for EACH. `votes`
// [batch][window] is what a query counts.
extern "C" __global__ void __launch_bounds__(THREADS, 2) receive(ATTEND_PARAMETERS, const float* weights, const float* votes,
                                                                 float fill, float* out) {
    const Attend s = ATTEND_GIVEN;
    extern __shared__ __align__(128) u8 shared[];
    __shared__ float across[2][KEYS];
    const u32 lane = threadIdx.x & 31, warp = threadIdx.x >> 5, warp_m = warp & 1, warp_n = warp >> 1;
    const u32 b = blockIdx.y / heads, h = blockIdx.y % heads, first_key = blockIdx.x * KEYS;
    const u32 pieces = s.pieces(), tiles = s.tiles(), beside = s.span / QUERIES;
    u8* stages = shared + pieces * KEYS * PIECE;
    bring_all<KEYS>(shared, pieces, [&](u8* to, u32 row, u32 chunk) { s.bring_key(to, b, h, first_key + row, chunk); });
    // For MOST the query heads of a tile of queries come one after another.
    auto which = [&](u32 at) { return HOW == MOST ? at % group * beside + at / group : at; };
    float got[8] = {};
    float best[HOW == MOST ? 32 : 1];
#pragma unroll
    for (int e = 0; e < (HOW == MOST ? 32 : 1); e++) best[e] = 0.0f;
    auto write = [&](u64 head) {
#pragma unroll
        for (u32 j = 0; j < 8; j++) {
#pragma unroll
            for (int apart = 4; apart < 32; apart <<= 1) {
                float other = __shfl_xor_sync(FULL, got[j], apart);
                got[j] = HOW == GREATEST ? fmaxf(got[j], other) : got[j] + other;
            }
            if (lane < 4) across[warp_m][warp_n * 32 + key_of_lane(j, lane)] = got[j];
            got[j] = 0.0f;
        }
        __syncthreads();
        for (u32 at = threadIdx.x; at < KEYS && first_key + at < tokens; at += THREADS) {
            float one = across[0][at], other = across[1][at];
            bool counted = counts[(u64)b * tokens + first_key + at] != 0;
            out[head * tokens + first_key + at] = !counted ? fill : HOW == GREATEST ? fmaxf(one, other) : one + other;
        }
        __syncthreads();
    };
    u32 written = 0;   // query heads, for EACH
    Products products;
    products.clear();
    stream<QUERIES>(
        stages, pieces, 0, tiles,
        [&](u32 at) {
            while (at < tiles && s.seen_by_tile(b, which(at)) <= first_key) at++;
            return at;
        },
        [&](u8* to, u32 at, u32 row, u32 chunk) { s.bring_query(to, b, h, which(at) * QUERIES + row, chunk); },
        [&](const u8* left, u32 piece) {
            products.add(left + warp_m * 32 * PIECE, shared + piece * KEYS * PIECE + warp_n * 32 * PIECE, lane);
        },
        [&](u32 at) {
            if (HOW == EACH) {
                for (; written < at / beside; written++) write((u64)blockIdx.y * group + written);
            }
#pragma unroll
            for (u32 i = 0; i < 4; i++) {
                u32 row = which(at) * QUERIES + warp_m * 32 + query_of(i, lane);
                u32 until_row = s.seen(b, row);
                float weight = weights[(u64)blockIdx.y * tiles * QUERIES + row];
                float vote = until_row != 0 ? votes[(u64)b * window + row % span] : 0.0f;
#pragma unroll
                for (u32 j = 0; j < 8; j++) {
                    u32 key = first_key + warp_n * 32 + key_of_lane(j, lane);
                    float x = products.sums[i >> 1][j >> 1][(i & 1) * 2 + (j & 1)];
                    float paid = key < until_row ? exp2f(x * s.scale - weight) : 0.0f;
                    if (HOW == GREATEST) {
                        got[j] = fmaxf(got[j], paid);
                    } else if (HOW == MOST) {
                        float& greatest = best[HOW == MOST ? i * 8 + j : 0];
                        greatest = at % group == 0 ? paid : fmaxf(greatest, paid);
                        if (at % group == group - 1) got[j] = __fmaf_rn(vote, greatest, got[j]);
                    } else {
                        got[j] = __fmaf_rn(vote, paid, got[j]);
                    }
                }
            }
            products.clear();
        });
    if (HOW == EACH) {
        for (; written < group; written++) write((u64)blockIdx.y * group + written);
    } else {
        write(blockIdx.y);
    }
}
