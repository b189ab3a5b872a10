// Sums of the numbers that codes stand for, by weights: tokens are cut into splits of one size, whatever the device, and
// their sums added in order. The cache is read once for all weights of a head.
#include "asked.cuh"
#include "sums.cuh"

// Whole numbers of which eight channels share their step are multiplied as they lie.
#ifndef STRAIGHT_VALUES
#define STRAIGHT_VALUES 0
#endif

#if STRAIGHT_VALUES
typedef Raised<BITS, ROWS, (ROWS <= 4)> Sums;
#else
typedef Summed<CODEC, BITS, ROWS> Sums;
#endif

// A thread takes eight channels of every so many tokens; `lanes` threads lie beside each other on a token. `parts` are
// `[heads, splits, rows, width]`.
extern "C" __global__ void __launch_bounds__(TILE, 4) sums_by_token(
    CODES_PARAMETERS, const float* weights, float* parts, u32 rows, u32 splits, u32 lanes) {
    __align__(16) __shared__ float held[SPLIT * ROWS];
    __shared__ float sums[TILE * 8];
    __shared__ float levels[16];
    Codes c = CODES_GIVEN;
    u32 head = blockIdx.y, split = blockIdx.x % splits, lane = threadIdx.x % lanes, slot = threadIdx.x / lanes;
    u32 slots = TILE / lanes, channel = (blockIdx.x / splits * lanes + lane) * 8;
    u32 start = split * SPLIT, end = min(n, start + SPLIT);
    bring_levels<CODEC, BITS>(levels);
    for (u32 first = 0; first < rows; first += ROWS) {
        Sums mine;
        mine.clear();
        __syncthreads();
        for (u32 tile = start; tile < end; tile += TILE) {
            bring_weights(held + (tile - start) * ROWS, weights, head, rows, first, tile, n);
        }
        __syncthreads();
        if (channel < width) mine.add(c, head, start, slot, slots, end - start, channel, held, levels);
        // Slots are added in order.
#pragma unroll
        for (int row = 0; row < ROWS; row++) {
            __syncthreads();
#pragma unroll
            for (int j = 0; j < 8; j++) sums[j * TILE + threadIdx.x] = mine.number(row, j);
            __syncthreads();
            if (first + row >= rows) continue;
            for (u32 at = threadIdx.x; at < lanes * 8; at += TILE) {
                u32 to = (blockIdx.x / splits * lanes + at / 8) * 8 + at % 8;
                if (to >= width) continue;
                float sum = 0.0f;
                for (u32 other = 0; other < slots; other++) sum += sums[at % 8 * TILE + other * lanes + at / 8];
                parts[place_of(head, splits, split, rows, first + row) * width + to] = sum;
            }
        }
    }
}

// The sums of splits, one after another.
extern "C" __global__ void __launch_bounds__(TILE) add_splits(
    const float* parts, float* out, u32 splits, u64 count) {
    u64 at = (u64)blockIdx.x * TILE + threadIdx.x;
    if (at >= count) return;
    float sum = 0.0f;
    for (u32 split = 0; split < splits; split++) sum += parts[((u64)blockIdx.y * splits + split) * count + at];
    out[(u64)blockIdx.y * count + at] = sum;
}
