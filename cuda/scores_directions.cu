// The mean direction of the keys of a head: every row by its length, added up, with the rows read once.
#include "pieces.cuh"

#define SPAN 256   // tokens of a block, a multiple of TILE

// A look at a piece of some rows: the pieces whose directions are added up come last, so that they are still at hand.
struct Look {
    u32 head, turn, first, other;

    __device__ __forceinline__ u32 piece(u32 turns) const {
        const u32 now = turn + other;
        return (now < turns ? now : now - turns) * LANES + threadIdx.x % LANES;
    }
    __device__ __forceinline__ bool last_of_rows(u32 turns) const { return other == turns; }
    __device__ __forceinline__ bool last_of_turn(u32 turns) const { return other == turns && first + TILE >= SPAN; }
    __device__ __forceinline__ Look next(u32 turns) const {
        if (other < turns) return {head, turn, first, other + 1};
        if (first + TILE < SPAN) return {head, turn, first + TILE, 1};
        return turn + 1 < turns ? Look{head, turn + 1, 0, 1} : Look{head + 1, 0, 0, 1};
    }
};

__device__ __forceinline__ void bring(Piece (&coming)[BESIDE], const Rows& rows, u32 b, u32 start, const u8* left_out,
                                      const Look& look, u32 turns) {
    const Element* row[BESIDE];
#pragma unroll
    for (int j = 0; j < BESIDE; j++) {
        const u32 t = look.first + place_of(j);
        row[j] = rows.at(b, look.head, (left_out[t] & 1) == 0 ? start + t : 0);
    }
    bring_pieces(coming, rows, row, look.piece(turns));
}

// Adds up the directions of the rows of each head that are not left out, to `sums` [heads][dim].
__device__ __forceinline__ void add_directions(const Rows& rows, u32 b, u32 start, u8* left_out,
                                               float (*across)[LANES * WIDE], float* sums) {
    typedef Shared<BESIDE> Own;
    const u32 lane = threadIdx.x % LANES, turns = (rows.pieces() + LANES - 1) / LANES;
    Piece coming[BESIDE];
    Look look = {0, 0, 0, 1};
    float total[WIDE] = {}, squares[BESIDE] = {};
    bring(coming, rows, b, start, left_out, look, turns);
    while (look.head < rows.heads) {
        Piece held[BESIDE];
#pragma unroll
        for (int j = 0; j < BESIDE; j++) held[j] = coming[j];
        const Look next = look.next(turns);
        if (next.head < rows.heads) bring(coming, rows, b, start, left_out, next, turns);
        const u32 mask = mask_of(rows, look.piece(turns));
#pragma unroll
        for (int j = 0; j < BESIDE; j++) {
            if (left_out[look.first + place_of(j)] & 1) held[j] = {};
            float x[WIDE];
            spread_piece(x, held[j], mask);
#pragma unroll
            for (int e = 0; e < WIDE; e++) squares[j] = __fmaf_rn(x[e], x[e], squares[j]);
        }
        if (look.last_of_rows(turns)) {
            Own::add_up(squares);
            const u32 t = look.first + place_of(Own::first_of());
            float length = sqrtf(squares[0]);
            if (!in_range(squares[0]) && (left_out[t] & 1) == 0 && Own::has_the_say()) {
                length = length_again(rows.at(b, look.head, start + t), rows.dim);
                if (length != length) left_out[t] = 2;
            }
            const float weight = length > SHORT ? 1.0f / length : 0.0f;
#pragma unroll
            for (int j = 0; j < BESIDE; j++) {
                const float by = __shfl_sync(FULL, weight, threadIdx.x % 32 - lane + j * Own::ALIKE);
                float x[WIDE];
                forget_floats(held[j]);
                spread_piece(x, held[j], mask);
#pragma unroll
                for (int e = 0; e < WIDE; e++) total[e] = __fmaf_rn(x[e], by, total[e]);
                squares[j] = 0.0f;
            }
        }
        if (look.last_of_turn(turns)) {
            // Groups of a warp, then warps: always in the same order.
#pragma unroll
            for (int apart = LANES; apart < 32; apart <<= 1)
#pragma unroll
                for (int e = 0; e < WIDE; e++) total[e] += __shfl_xor_sync(FULL, total[e], apart);
            __syncthreads();
            if ((threadIdx.x & 31) < LANES) {
#pragma unroll
                for (int e = 0; e < WIDE; e++) across[threadIdx.x >> 5][lane * WIDE + e] = total[e];
            }
            __syncthreads();
            for (u32 at = threadIdx.x; at < LANES * WIDE; at += THREADS) {
                u32 channel = look.turn * LANES * WIDE + at;
                if (channel >= rows.dim) break;
                float sum = 0.0f;
                for (int warp = 0; warp < THREADS / 32; warp++) sum += across[warp][at];
                sums[look.head * rows.dim + channel] = sum;
            }
#pragma unroll
            for (int e = 0; e < WIDE; e++) total[e] = 0.0f;
        }
        look = next;
    }
}

// Sums of the directions of SPAN tokens, `parts` [batch][spans][heads][dim], and how many of these count,
// `counted` [batch][spans]; `counts` and `sound` as of measure_rows.
extern "C" __global__ void __launch_bounds__(THREADS, 3) sum_directions(ROWS_PARAMETERS, const u8* counts, float* parts,
                                                                     u32* counted, u8* sound) {
    Rows rows = ROWS_GIVEN;
    __shared__ u8 left_out[SPAN];
    __shared__ u32 sounds;
    __shared__ float across[THREADS / 32][LANES * WIDE];
    const u32 start = blockIdx.x * SPAN, b = blockIdx.y;
    if (threadIdx.x == 0) sounds = 0;
    for (u32 at = threadIdx.x; at < SPAN; at += THREADS)
        left_out[at] = start + at >= tokens || (counts != nullptr && counts[(u64)b * tokens + start + at] == 0);
    __syncthreads();
    // Rare: a token that is broken anywhere counts nowhere, so the sums are made again without it.
    for (int attempt = 0; attempt < 2; attempt++) {
        add_directions(rows, b, start, left_out, across, parts + ((u64)b * gridDim.x + blockIdx.x) * heads * dim);
        __syncthreads();
        bool broken = false;
        for (u32 at = threadIdx.x; at < SPAN; at += THREADS) {
            broken = broken || left_out[at] == 2;
            if (left_out[at] == 2) left_out[at] = 1;
        }
        if (!__syncthreads_or(broken)) break;
    }
    for (u32 at = threadIdx.x; at < SPAN && start + at < tokens; at += THREADS) {
        sound[(u64)b * tokens + start + at] = left_out[at] == 0;
        if (left_out[at] == 0) atomicAdd(&sounds, 1u);
    }
    __syncthreads();
    if (threadIdx.x == 0) counted[(u64)b * gridDim.x + blockIdx.x] = sounds;
}

// Adds the parts up, to `sums` float64 [batch][heads][dim], or, with `mean`, to sums over the tokens that count.
extern "C" __global__ void __launch_bounds__(THREADS) join_directions(const float* parts, const u32* counted, u32 spans,
                                                                      u32 width, u32 mean, double* sums) {
    u32 at = blockIdx.x * THREADS + threadIdx.x, count = 0;
    if (at >= width) return;
    double sum = 0.0;
#pragma unroll 8
    for (u32 span = 0; span < spans; span++) {
        sum += parts[((u64)blockIdx.y * spans + span) * width + at];
        count += counted[(u64)blockIdx.y * spans + span];
    }
    sums[(u64)blockIdx.y * width + at] = mean ? sum / (double)max(count, 1u) : sum;
}

// Directions of length one, or zeros of what is no longer than `none`, of float64 rows: a warp a row.
extern "C" __global__ void __launch_bounds__(THREADS) directions_of(const double* means, float* directions, u32 count, u32 dim,
                                                                   float none) {
    u32 row = blockIdx.x * (THREADS / 32) + (threadIdx.x >> 5), lane = threadIdx.x & 31;
    if (row >= count) return;
    double squares = 0.0;
    for (u32 at = lane; at < dim; at += 32) squares += means[(u64)row * dim + at] * means[(u64)row * dim + at];
#pragma unroll
    for (int apart = 16; apart > 0; apart >>= 1) squares += __shfl_xor_sync(FULL, squares, apart);
    double length = sqrt(squares);
    for (u32 at = lane; at < dim; at += 32)
        directions[(u64)row * dim + at] = length > (double)none ? (float)(means[(u64)row * dim + at] / length) : 0.0f;
}
