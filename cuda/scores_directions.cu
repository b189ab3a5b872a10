// The mean direction of the keys of a head: every row by its length, added up, with the rows read once.
#include "scores.cuh"

#define SPAN 256   // tokens of a block, a multiple of TILE

// Adds the directions of the rows of one head that are not left out to `sums` [dim].
__device__ __forceinline__ void add_directions(const Rows& rows, u32 b, u32 h, u32 start, u8* left_out,
                                               float (*across)[LANES * WIDE], float* sums) {
    const u32 lane = threadIdx.x % LANES, group = threadIdx.x / LANES;
    const u32 turns = (rows.pieces() + LANES - 1) / LANES;
    for (u32 turn = 0; turn < turns; turn++) {
        float total[WIDE] = {};
        for (u32 first = 0; first < SPAN; first += TILE) {
            const Element* row[BESIDE];
            float squares[BESIDE] = {}, x[BESIDE][WIDE];
            bool looked[BESIDE];
#pragma unroll
            for (int j = 0; j < BESIDE; j++) {
                u32 t = first + j * GROUPS + group;
                looked[j] = (left_out[t] & 1) == 0;
                row[j] = rows.at(b, h, looked[j] ? start + t : 0);
            }
            // The pieces that are added now come last, so that they are still at hand.
            for (u32 other = 1; other <= turns; other++) {
                load_pieces(x, rows, row, looked, (turn + other) % turns * LANES + lane);
#pragma unroll
                for (int j = 0; j < BESIDE; j++) {
#pragma unroll
                    for (int e = 0; e < WIDE; e++) squares[j] = __fmaf_rn(x[j][e], x[j][e], squares[j]);
                }
            }
            u32 again = 0;
            float lengths[BESIDE];
#pragma unroll
            for (int j = 0; j < BESIDE; j++) {
                squares[j] = over_group(squares[j]);
                lengths[j] = sqrtf(squares[j]);
                again |= looked[j] && !in_range(squares[j]) ? 1u << j : 0u;
            }
#pragma unroll 1
            for (; again != 0; again &= again - 1) {
                int which = __ffs(again) - 1;
                u32 t = first + which * GROUPS + group;
                float length = length_again(rows.at(b, h, start + t), rows.dim);
                if (length != length && lane == 0) left_out[t] = 2;
#pragma unroll
                for (int j = 0; j < BESIDE; j++) lengths[j] = j == which ? length : lengths[j];
            }
#pragma unroll
            for (int j = 0; j < BESIDE; j++) {
                float weight = lengths[j] > SHORT ? 1.0f / lengths[j] : 0.0f;
#pragma unroll
                for (int e = 0; e < WIDE; e++) total[e] = __fmaf_rn(x[j][e], weight, total[e]);
            }
        }
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
            u32 channel = turn * LANES * WIDE + at;
            if (channel >= rows.dim) break;
            float sum = 0.0f;
            for (int warp = 0; warp < THREADS / 32; warp++) sum += across[warp][at];
            sums[channel] = sum;
        }
    }
}

// Sums of the directions of SPAN tokens, `parts` [batch][spans][heads][dim]; `counts` and `sound` as of measure_rows.
extern "C" __global__ void __launch_bounds__(THREADS, 2) sum_directions(ROWS_PARAMETERS, const u8* counts, float* parts,
                                                                     u8* sound) {
    Rows rows = ROWS_GIVEN;
    __shared__ u8 left_out[SPAN];
    __shared__ float across[THREADS / 32][LANES * WIDE];
    const u32 start = blockIdx.x * SPAN, b = blockIdx.y;
    for (u32 at = threadIdx.x; at < SPAN; at += THREADS)
        left_out[at] = start + at >= tokens || (counts != nullptr && counts[(u64)b * tokens + start + at] == 0);
    __syncthreads();
    // Rare: a token that is broken anywhere counts nowhere, so the sums are made again without it.
    for (int attempt = 0; attempt < 2; attempt++) {
        for (u32 h = 0; h < heads; h++)
            add_directions(rows, b, h, start, left_out, across, parts + (((u64)b * gridDim.x + blockIdx.x) * heads + h) * dim);
        bool broken = false;
        for (u32 at = threadIdx.x; at < SPAN; at += THREADS) {
            broken = broken || left_out[at] == 2;
            if (left_out[at] == 2) left_out[at] = 1;
        }
        if (!__syncthreads_or(broken)) break;
    }
    for (u32 at = threadIdx.x; at < SPAN && start + at < tokens; at += THREADS)
        sound[(u64)b * tokens + start + at] = left_out[at] == 0;
}

// Adds the parts up, to `sums` float64 [batch][heads][dim].
extern "C" __global__ void __launch_bounds__(THREADS) join_directions(const float* parts, u32 spans, u32 width,
                                                                      double* sums) {
    u32 at = blockIdx.x * THREADS + threadIdx.x;
    if (at >= width) return;
    double sum = 0.0;
    for (u32 span = 0; span < spans; span++) sum += parts[((u64)blockIdx.y * spans + span) * width + at];
    sums[(u64)blockIdx.y * width + at] = sum;
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
