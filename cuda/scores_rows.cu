// One number of each row of a cache, read once: its length, the sum of its sizes, its products with directions, or its
// cosine with one.
#include "pieces.cuh"

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
// `counts` [batch][tokens], if given, says which tokens are looked at; `sound`, if given, which of them count; `only`, if
// given, whether there is anything to do.
extern "C" __global__ void __launch_bounds__(THREADS, DIRECTIONS > 1 ? 2 : 3) measure_rows(
    ROWS_PARAMETERS, const u8* counts, const float* toward, u32 all_directions, u32 direction, u32 shared_toward,
    float* out, float factor, float fill, u8* sound, const u32* only) {
    Rows rows = ROWS_GIVEN;
    __shared__ u8 broken[TILE];
    if (only != nullptr && *only == 0) return;
    const u32 lane = threadIdx.x % LANES, turns = (rows.pieces() + LANES - 1) / LANES;
    const u32 start = blockIdx.x * TILE, b = blockIdx.y;
    for (u32 at = threadIdx.x; at < TILE; at += THREADS)
        broken[at] = start + at >= tokens || (counts != nullptr && counts[(u64)b * tokens + start + at] == 0);
    __syncthreads();
    u32 looked = 0;
    const Element* row[BESIDE];
#pragma unroll
    for (int j = 0; j < BESIDE; j++) {
        const u32 t = place_of(j);
        if (broken[t] == 0) looked |= 1u << j;
        row[j] = rows.at(b, 0, broken[t] == 0 ? start + t : 0);
    }
    __syncthreads();
    typedef Shared<DIRECTIONS * BESIDE> Sums;
    Piece coming[BESIDE];
    bring_pieces(coming, rows, row, lane);
    for (u32 h = 0; h < heads; h++) {
        const float* ahead = toward + ((u64)(shared_toward ? 0 : b) * heads + h) * all_directions * dim + (u64)direction * dim;
        float squares[BESIDE] = {}, sums[DIRECTIONS * BESIDE] = {};
        for (u32 turn = 0; turn < turns; turn++) {
            const u32 piece = turn * LANES + lane, mask = mask_of(rows, piece);
            float y[WIDE];
            if (MEASURE >= PRODUCT) bring_floats(y, rows, ahead, piece);
            Piece held[BESIDE];
#pragma unroll
            for (int j = 0; j < BESIDE; j++) held[j] = coming[j];
            // What comes next is under way while this is worked on.
            const bool over = turn + 1 == turns;
#pragma unroll
            for (int j = 0; j < BESIDE; j++) row[j] += over ? rows.head : 0;
            if (!over || h + 1 < heads) bring_pieces(coming, rows, row, over ? lane : piece + LANES);
#pragma unroll
            for (int j = 0; j < BESIDE; j++) {
                float x[WIDE];
                spread_piece(x, held[j], mask);
#pragma unroll
                for (int e = 0; e < WIDE; e++) {
                    if (MEASURE != SIZE && MEASURE != PRODUCT) squares[j] = __fmaf_rn(x[e], x[e], squares[j]);
                    if (MEASURE == SIZE) sums[j] += fabsf(x[e]);
                    if (MEASURE >= PRODUCT) sums[j] = __fmaf_rn(x[e], y[e], sums[j]);
                }
            }
#pragma unroll
            for (int r = 1; r < DIRECTIONS; r++) {
                // Of many directions there is no room for all at once, which loads without a branch would ask for.
                if (DIRECTIONS > 4) load_floats(y, rows, ahead + r * dim, piece);
                else bring_floats(y, rows, ahead + r * dim, piece);
#pragma unroll
                for (int j = 0; j < BESIDE; j++) {
                    float x[WIDE];
                    spread_piece(x, held[j], mask);
#pragma unroll
                    for (int e = 0; e < WIDE; e++) sums[r * BESIDE + j] = __fmaf_rn(x[e], y[e], sums[r * BESIDE + j]);
                }
            }
        }
        float* to = out + ((u64)(b * heads + h) * all_directions + direction) * tokens + start;
        if (MEASURE != SIZE && MEASURE != PRODUCT) Shared<BESIDE>::add_up(squares);
        if (MEASURE >= SIZE) Sums::add_up(sums);
        u32 again = 0;
#pragma unroll
        for (int i = 0; i < Sums::OWN; i++) {
            const u32 r = (Sums::first_of() + i) / BESIDE, j = (Sums::first_of() + i) % BESIDE;
            const float sum = MEASURE >= SIZE ? sums[i] : 0.0f;
            float found = sum;
            bool exact = MEASURE == SIZE || MEASURE == PRODUCT ? finite(sum) : in_range(squares[i]) && finite(sum);
            if (MEASURE == LENGTH) found = sqrtf(squares[i]);
            if (MEASURE == COSINE) found = sum / sqrtf(squares[i]);
            if (MEASURE == SOUND) exact = squares[i] < 1e30f;
            if ((looked >> j & 1) == 0 || !Sums::has_the_say()) continue;
            again |= exact ? 0u : 1u << i;
            if (MEASURE != SOUND) to[(u64)r * tokens + place_of(j)] = factor * found;
        }
#pragma unroll 1
        for (; again != 0; again &= again - 1) {
            const u32 one = Sums::first_of() + __ffs(again) - 1, r = one / BESIDE, t = place_of(one % BESIDE);
            const float found = measured_again(rows.at(b, h, start + t), dim, ahead + (u64)r * dim);
            if (found != found) broken[t] = 1;
            if (MEASURE != SOUND) to[(u64)r * tokens + t] = factor * found;
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
