// The scan for compute capability 9.0: as `scan.cu`, with the products of warpgroups. The queries of a block stay in
// shared memory, 64 for each of two warpgroups, and 128 rows at a time stream by in pieces of 128 bytes. Sums are there
// twice: while the units work on one tile, the threads look at the scores of the one before.
//
// TYPE, STAGES, DENSE and BIASED are given to the compiler.
#include "scan.cuh"
#include "copies.cuh"
#include "warpgroup.cuh"

#define QUERIES 128
#define TILE 128
#define PIECE 128
#define THREADS 256
#define GROUP_COLUMNS 16
#define QUEUE 128

// Scores on their way to the lists. A place in a list takes an answer from far away, so what passes waits here until the
// units have the next tile to work on. Places go round; `base` is how many have left.
struct Queue {
    float scores[QUEUE];
    u32 rows[QUEUE];
    u8 queries[QUEUE];
    u32 count;
};

template <class T> __device__ __forceinline__ void scan(const Scan& s, u8* shared, Queue& queue) {
    typedef typename T::Sum Sum;
    // Where registers are short the threads wait for the units, and the units for the threads.
    constexpr bool OVERLAP = !DENSE && !(T::SCALED && BIASED);
    const u32 lane = threadIdx.x & 31, warp = (threadIdx.x >> 5) & 3, group = threadIdx.x >> 7;
    const u32 pieces = (s.row_bytes + PIECE - 1) / PIECE;
    const u32 query_tile = blockIdx.x % s.query_tiles, segment = blockIdx.x / s.query_tiles;
    const u32 tiles = (s.count + TILE - 1) / TILE;
    const u32 first = (u32)((u64)tiles * segment / s.segments), end = (u32)((u64)tiles * (segment + 1) / s.segments);
    if (first == end) return;
    const u8* queries = s.queries + (u64)query_tile * QUERIES * pieces * PIECE;
    u8* resident = shared;
    u8* stages = shared + pieces * QUERIES * PIECE;
    const u32 steps = (end - first) * pieces;
    const u32 chunk = threadIdx.x & 7, line = threadIdx.x >> 3;

    u32 next_tile = first, next_piece = 0, next = 0;
    auto bring = [&]() {
        if (next < steps) {
            u8* stage = stages + (next % STAGES) * TILE * PIECE;
            u32 byte = next_piece * PIECE + chunk * 16, at = next_tile * TILE + line;
            const u8* from = s.rows + (u64)at * s.step * s.row_bytes + byte;
            u64 apart = (u64)32 * s.step * s.row_bytes;
#pragma unroll
            for (int j = 0; j < TILE / 32; j++) {
                bool valid = at + 32 * j < s.count && byte < s.row_bytes;
                copy16(stage + cell(line + 32 * j, chunk), valid ? from + j * apart : s.rows, valid);
            }
            if (++next_piece == pieces) {
                next_piece = 0;
                next_tile++;
            }
        }
        next++;
        end_copies();
    };
    for (u32 piece = 0; piece < pieces; piece++) {
#pragma unroll
        for (int j = 0; j < QUERIES / 32; j++) {
            u32 row = line + 32 * j;
            copy16(resident + piece * QUERIES * PIECE + cell(row, chunk),
                   queries + (u64)row * pieces * PIECE + piece * PIECE + chunk * 16, true);
        }
    }
#pragma unroll
    for (int j = 0; j < STAGES - 2; j++) bring();

    const u32 query = query_tile * QUERIES + group * 64 + warp * 16 + (lane >> 2);
    const float floors[2] = {floor_of(s, query), floor_of(s, query + 8)};
    const float gammas[2] = {gamma_of(s, query), gamma_of(s, query + 8)};
    u32 base = 0, step = 0;
    auto listed = [&](u32 query, u32 at, float score) {
        u32 place = atomicAdd(&queue.count, 1u);
        if (place - base >= QUEUE) {
            keep_score(s, query, at, score);
            return;
        }
        queue.scores[place % QUEUE] = score;
        queue.rows[place % QUEUE] = at;
        queue.queries[place % QUEUE] = (u8)(query % QUERIES);
    };
    auto leave = [&]() {
        u32 count = queue.count;
        u32 end = count - base > QUEUE ? base + QUEUE : count;
        u32 mine = base + threadIdx.x;
        if (mine < end) {
            u32 place = mine % QUEUE;
            keep_score(s, query_tile * QUERIES + queue.queries[place], queue.rows[place], queue.scores[place]);
        }
        base = count;
        // Nobody adds before all have taken theirs: with more pieces a barrier comes before the next look anyway.
        if (pieces == 1) __syncthreads();
    };
    auto look = [&](Sum (&sums)[TILE / 2], u32 tile) {
        u32 at0 = tile * TILE + (lane & 3) * 2;
#pragma unroll
        for (int n = 0; n < TILE / 8; n += GROUP_COLUMNS / 2) {
            const Facts<T, GROUP_COLUMNS> facts(s, at0 + n * 8);
#pragma unroll
            for (int half = 0; half < 2; half++) {
                float scores[GROUP_COLUMNS];
#pragma unroll
                for (int i = 0; i < GROUP_COLUMNS; i++)
                    scores[i] = facts.score(sums[(n + (i >> 1)) * 4 + half * 2 + (i & 1)], i, gammas[half]);
                meet(s, scores, query + 8 * half, at0 + n * 8, floors[half], listed);
            }
        }
    };
    auto issue = [&](Sum (&sums)[TILE / 2], u32 piece) {
        await_copies<STAGES - 3>();
        show_copies();
        __syncthreads();
        // The products before the last are done in both groups, so their stage is free.
        bring();
        u64 a = described(resident + piece * QUERIES * PIECE + group * 64 * PIECE);
        u64 b = described(stages + (step % STAGES) * TILE * PIECE);
        begin_products();
#pragma unroll
        for (int part = 0; part < PIECE / 32; part++) T::multiply(sums, a + 2 * part, b + 2 * part, piece > 0 || part > 0);
        end_products();
        step++;
    };
    // One tile into `sums`, and meanwhile a look at the tile before, which is in `before`.
    auto work = [&](Sum (&sums)[TILE / 2], Sum (&before)[TILE / 2], u32 tile) {
        issue(sums, 0);
        if (!DENSE && pieces == 1) leave();
        if (OVERLAP && tile > first) look(before, tile - 1);
        for (u32 piece = 1; piece < pieces; piece++) {
            issue(sums, piece);
            if (!DENSE && piece == 1) leave();
            await_products<1>();
        }
        await_products<0>();
    };
    if (threadIdx.x == 0) queue.count = 0;
    Sum even[TILE / 2], odd[TILE / 2];
    u32 tile = first;
    if (!OVERLAP) {
        for (; tile < end; tile++) {
            work(even, even, tile);
            __syncthreads();
            look(even, tile);
        }
        __syncthreads();
        if (!DENSE) leave();
        return;
    }
    work(even, odd, tile++);
    for (; tile + 1 < end; tile += 2) {
        work(odd, even, tile);
        work(even, odd, tile + 1);
    }
    if (tile < end) {
        work(odd, even, tile);
        __syncthreads();
        look(odd, tile);
    } else {
        __syncthreads();
        look(even, tile - 1);
    }
    __syncthreads();
    leave();
}

extern "C" __global__ void __launch_bounds__(THREADS, 1) scan_rows(SCAN_PARAMETERS) {
    Scan s = SCAN_GIVEN;
    extern __shared__ __align__(128) u8 shared[];
    __shared__ Queue queue;
    scan<TYPE>(s, rounded_up(shared), queue);
}
