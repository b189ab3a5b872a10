// One number of each row of a cache, read once: its length, the sum of its sizes, its products with directions, or its
// cosine with one.
#include "scores.cuh"

#define SOUND 0    // nothing: whether a token counts
#define LENGTH 1
#define SIZE 2
#define PRODUCT 3
#define COSINE 4

#ifndef MEASURE
#define MEASURE LENGTH
#endif
#ifndef DIRECTIONS
#define DIRECTIONS 1   // of a head, that are looked at together
#endif

// By one lane in float64: what lost bits in float32, or is broken, which gives what is not a number.
__device__ __forceinline__ float measured_again(const Element* row, u32 dim, const float* direction) {
    double squares = 0.0, sizes = 0.0, product = 0.0;
#pragma unroll 1
    for (u32 at = 0; at < dim; at++) {
        float x = number(row[at]);
        if (!finite(x)) return NOT_A_NUMBER;
        squares += (double)x * x;
        sizes += x < 0.0f ? -x : x;
        if (MEASURE >= PRODUCT) product += (double)x * direction[at];
    }
    double length = sqrt(squares);
    if (MEASURE == SIZE) return (float)sizes;
    if (MEASURE == PRODUCT) return (float)product;
    if (MEASURE == COSINE) return length > SHORT ? (float)(product / length) : 0.0f;
    return (float)length;
}

// `out` is [batch][heads][stride], with `stride` directions of which these are those from `direction` on, times tokens.
// `counts` [batch][tokens], if given, says which tokens are looked at; `sound`, if given, which of them count.
extern "C" __global__ void __launch_bounds__(THREADS, 2) measure_rows(
    ROWS_PARAMETERS, const u8* counts, const float* toward, u32 all_directions, u32 direction, u32 shared_toward,
    float* out, float factor, float fill, u8* sound) {
    Rows rows = ROWS_GIVEN;
    __shared__ u8 broken[TILE];
    const u32 lane = threadIdx.x % LANES, group = threadIdx.x / LANES;
    const u32 start = blockIdx.x * TILE, b = blockIdx.y;
    for (u32 at = threadIdx.x; at < TILE; at += THREADS)
        broken[at] = start + at >= tokens || (counts != nullptr && counts[(u64)b * tokens + start + at] == 0);
    __syncthreads();
    bool looked[BESIDE];
#pragma unroll
    for (int j = 0; j < BESIDE; j++) looked[j] = broken[j * GROUPS + group] == 0;
    __syncthreads();
    for (u32 h = 0; h < heads; h++) {
        const float* ahead = toward + ((u64)(shared_toward ? 0 : b) * heads + h) * all_directions * dim + (u64)direction * dim;
        const Element* row[BESIDE];
        float squares[BESIDE] = {}, sums[DIRECTIONS][BESIDE] = {};
#pragma unroll
        for (int j = 0; j < BESIDE; j++) row[j] = rows.at(b, h, looked[j] ? start + j * GROUPS + group : 0);
        for (u32 piece = lane; piece < (rows.pieces() + LANES - 1) / LANES * LANES; piece += LANES) {
            float x[BESIDE][WIDE];
            load_pieces(x, rows, row, looked, piece);
            if (MEASURE != SIZE && MEASURE != PRODUCT) {
#pragma unroll
                for (int j = 0; j < BESIDE; j++)
#pragma unroll
                    for (int e = 0; e < WIDE; e++) squares[j] = __fmaf_rn(x[j][e], x[j][e], squares[j]);
            }
            if (MEASURE == SIZE) {
#pragma unroll
                for (int j = 0; j < BESIDE; j++)
#pragma unroll
                    for (int e = 0; e < WIDE; e++) sums[0][j] += fabsf(x[j][e]);
            }
            if (MEASURE >= PRODUCT) {
#pragma unroll
                for (int r = 0; r < DIRECTIONS; r++) {
                    float y[WIDE];
                    load_floats(y, rows, ahead + (u64)r * dim, piece);
#pragma unroll
                    for (int j = 0; j < BESIDE; j++)
#pragma unroll
                        for (int e = 0; e < WIDE; e++) sums[r][j] = __fmaf_rn(x[j][e], y[e], sums[r][j]);
                }
            }
        }
        float* to = out + ((u64)(b * heads + h) * all_directions + direction) * tokens + start;
        u32 again = 0;
#pragma unroll
        for (int j = 0; j < BESIDE; j++) {
            if (MEASURE != SIZE && MEASURE != PRODUCT) squares[j] = over_group(squares[j]);
#pragma unroll
            for (int r = 0; r < DIRECTIONS; r++) {
                float sum = MEASURE >= SIZE ? over_group(sums[r][j]) : 0.0f, found = sum;
                bool exact = MEASURE == SIZE || MEASURE == PRODUCT ? finite(sum) : in_range(squares[j]) && finite(sum);
                if (MEASURE == LENGTH) found = sqrtf(squares[j]);
                if (MEASURE == COSINE) found = sum / sqrtf(squares[j]);
                if (MEASURE == SOUND) exact = squares[j] < 1e30f;
                again |= looked[j] && lane == 0 && !exact ? 1u << j : 0u;
                if (MEASURE != SOUND && looked[j] && lane == 0) to[(u64)r * tokens + j * GROUPS + group] = factor * found;
            }
        }
#pragma unroll 1
        for (; again != 0; again &= again - 1) {
            u32 t = (__ffs(again) - 1) * GROUPS + group;
#pragma unroll 1
            for (u32 r = 0; r < DIRECTIONS; r++) {
                float found = measured_again(rows.at(b, h, start + t), dim, ahead + (u64)r * dim);
                if (found != found) broken[t] = 1;
                if (MEASURE != SOUND) to[(u64)r * tokens + t] = factor * found;
            }
        }
    }
    __syncthreads();
    const u32 wanted = MEASURE == SOUND ? 0 : DIRECTIONS;
    for (u32 at = threadIdx.x; at < TILE && start + at < tokens; at += THREADS) {
        if (sound != nullptr) sound[(u64)b * tokens + start + at] = broken[at] == 0;
        if (broken[at] == 0) continue;
        for (u32 h = 0; h < heads; h++)
            for (u32 r = 0; r < wanted; r++)
                out[((u64)(b * heads + h) * all_directions + direction + r) * tokens + start + at] = fill;
    }
}
