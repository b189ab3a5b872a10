// Attention of few queries over segments of codes, each cut into parts: a part gives its sum, its greatest logit and what
// that sum weighs, and parts are joined afterwards. Codes are read once for as many queries of a head as ROWS says, and no
// row is made of them. Where keys are rotated, queries are turned; where values are, the sum of a part is turned back.
#ifndef ROWS
#define ROWS 8  // queries of a head that are attended together
#endif
#ifndef KEY_CODEC
#define KEY_CODEC WHOLE
#define KEY_BITS 4
#define VALUE_CODEC WHOLE
#define VALUE_BITS 4
#endif
// Keys of which the tokens of a word share their step, or rotated ones of 128 channels of which the tokens of a tile share
// their means, and values of which eight channels share their step, are multiplied as they lie.
#ifndef STRAIGHT_KEYS
#define STRAIGHT_KEYS 0
#endif
#ifndef STRAIGHT_VALUES
#define STRAIGHT_VALUES 0
#endif
#define TILE 128u  // tokens at a time, and the threads of a block
#define BLOCKS (ROWS > 4 || SPARING ? 3 : 4)
#include "segments.cuh"
#include "sums.cuh"
#include "turned.cuh"

#if STRAIGHT_VALUES
typedef Raised<VALUE_BITS, ROWS> Sums;
#else
typedef Summed<VALUE_CODEC, VALUE_BITS, ROWS> Sums;
#endif

// `queries` are `[heads of all sequences, rows, key_width]`, scaled for logits to the base 2; `until` `[sequences, rows]` is
// the last position that a query sees, for `heads` heads of a sequence. `sums` are `[works, rows, value_dim]`, `stats`
// `[works, rows, 2]`: the greatest logit, and what the sum weighs. `signs` turn values back: `[value_dim]`, by `back`.
extern "C" __global__ void __launch_bounds__(TILE, BLOCKS) attend_to_codes(
    const float* queries, const int* until, u32 rows, const u64* segments, const u32* works, const u32* shape, u32 heads,
    u32 part, u32 lanes, const float* signs, float back, float* sums, float* stats) {
    extern __shared__ __align__(16) u8 shared[];
    __align__(16) __shared__ float paid[TILE * ROWS];
    __shared__ float levels[2][16], factors[ROWS], tops[ROWS], totals[ROWS];
    const Work work = ((const Work*)works)[blockIdx.x];
    const Segment segment = ((const Segment*)segments)[work.segment];
    const Shape s = *(const Shape*)shape;
    const u32 tokens = (u32)segment.tokens, end = min(tokens, work.first + part), first_row = blockIdx.y * ROWS;
    const u32 warp = threadIdx.x / 32, lane = threadIdx.x & 31;
    float* asked = (float*)shared;                    // [key_width][ROWS]
    float* row_of_sums = asked + s.key_width * ROWS;  // [TILE * 8], and then a row
    const Codes keys = {(const u8*)segment.keys, (const u16*)segment.key_scale, (const u16*)segment.key_zero, tokens, s.key_width,
                        (u32)segment.key_bytes, s.key_group, s.key_block, (const float*)segment.key_means};
    const Codes values = {(const u8*)segment.values, (const u16*)segment.value_scale, (const u16*)segment.value_zero, tokens,
                          s.value_width, (u32)segment.value_bytes, s.value_group, s.value_block, (const float*)segment.value_means};
    const int* positions = (const int*)segment.positions;
    bring_levels<KEY_CODEC, KEY_BITS>(levels[0]);
    bring_levels<VALUE_CODEC, VALUE_BITS>(levels[1]);
    for (u32 at = threadIdx.x; at < s.key_width * ROWS; at += TILE) {
        u32 row = first_row + at % ROWS;
        asked[at] = row < rows ? queries[((u64)work.head * rows + row) * s.key_width + at / ROWS] : 0.0f;
    }
    // A thread takes eight channels of the values of every so many tokens.
    const u32 chunk = threadIdx.x % lanes, slot = threadIdx.x / lanes, slots = TILE / lanes;
    const u32 turns = (s.value_width + 8 * lanes - 1) / (8 * lanes);
    for (u32 turn = 0; turn < turns; turn++) {
        const u32 channel = (turn * lanes + chunk) * 8;
        Sums total;
        total.clear();
        __syncthreads();
        if (threadIdx.x < ROWS) tops[threadIdx.x] = MINUS_INFINITY, totals[threadIdx.x] = 0.0f;
        for (u32 tile = work.first; tile < end; tile += TILE) {
            __syncthreads();
            const u32 own = tile + threadIdx.x;
#if STRAIGHT_KEYS
#if KEY_CODEC == ROTATED
            turned_logits<KEY_BITS, ROWS>(keys, work.own_head, tile, min(TILE, end - tile), asked, levels[0], paid);
#else
            channel_logits<KEY_BITS, ROWS>(keys, work.own_head, tile, asked, paid);
#endif
            __syncthreads();
#else
            float logits[ROWS];
#pragma unroll
            for (int r = 0; r < ROWS; r++) logits[r] = 0.0f;
            for (u32 from = 0; own < end && from < s.key_width; from += 8) {
                float x[8];
                eight_numbers<KEY_CODEC, KEY_BITS>(keys, work.own_head, own, from, levels[0], x);
#pragma unroll
                for (int j = 0; j < 8; j++) {
                    if (from + j >= s.key_width) break;
#pragma unroll
                    for (int r = 0; r < ROWS; r++) logits[r] = __fmaf_rn(asked[(from + j) * ROWS + r], x[j], logits[r]);
                }
            }
#endif
            const int position = own >= end ? 0 : positions == nullptr ? (int)(segment.start + own) : positions[own];
#pragma unroll
            for (int r = 0; r < ROWS; r++) {
                bool sees = own < end && first_row + r < rows && position <= until[(u64)(work.head / heads) * rows + first_row + r];
                float& to = paid[threadIdx.x * ROWS + r];
#if STRAIGHT_KEYS
                to = sees ? to : MINUS_INFINITY;
#else
                to = sees ? logits[r] : MINUS_INFINITY;
#endif
            }
            __syncthreads();
            for (u32 r = warp; r < ROWS; r += TILE / 32) {
                float top = tops[r], most = top, sum = 0.0f;
                for (u32 t = lane; t < TILE; t += 32) most = fmaxf(most, paid[t * ROWS + r]);
                most = over_warp(most, greater);
                // Where nothing is seen yet, a difference of infinities would be no number.
                float base = most == MINUS_INFINITY ? 0.0f : most;
                for (u32 t = lane; t < TILE; t += 32) {
                    paid[t * ROWS + r] = exp2f(paid[t * ROWS + r] - base);
                    sum += paid[t * ROWS + r];
                }
                sum = over_warp(sum, sum_of);
                if (lane == 0) {
                    factors[r] = exp2f(top - base);
                    totals[r] = totals[r] * factors[r] + sum;
                    tops[r] = most;
                }
            }
            __syncthreads();
#pragma unroll
            for (int r = 0; r < ROWS; r++) total.scale(r, factors[r]);
            if (channel >= s.value_width) continue;
            total.add(values, work.own_head, tile, slot, slots, min(TILE, end - tile), channel, paid, levels[1]);
        }
        // Slots are added in order; a row that was turned is whole here, and turned back.
#pragma unroll
        for (int r = 0; r < ROWS; r++) {
            __syncthreads();
#pragma unroll
            for (int j = 0; j < 8; j++) row_of_sums[j * TILE + threadIdx.x] = total.number(r, j);
            __syncthreads();
            if (first_row + r >= rows) continue;
            const u64 to = ((u64)blockIdx.x * rows + first_row + r);
            for (u32 at = threadIdx.x; at < lanes * 8; at += TILE) {
                float sum = 0.0f;
                for (u32 other = 0; other < slots; other++) sum += row_of_sums[at % 8 * TILE + other * lanes + at / 8];
                u32 of = turn * lanes * 8 + at;
                if (VALUE_CODEC == ROTATED) row_of_sums[TILE * 8 + at] = sum;
                else if (of < s.value_dim) sums[to * s.value_dim + of] = sum;
            }
            if (VALUE_CODEC == ROTATED) {
                float* row = row_of_sums + TILE * 8;
                for (u32 half = 1; half < s.value_width; half *= 2) {
                    __syncthreads();
                    for (u32 pair = threadIdx.x; pair < s.value_width / 2; pair += TILE) {
                        u32 low = pair / half * 2 * half + pair % half;
                        float a = row[low], b = row[low + half];
                        row[low] = a + b, row[low + half] = a - b;
                    }
                }
                __syncthreads();
                for (u32 at = threadIdx.x; at < s.value_dim; at += TILE) {
                    sums[to * s.value_dim + at] = __fmul_rn(__fmul_rn(row[at], back), signs[at]);
                }
            }
            if (threadIdx.x == 0 && turn == 0) stats[2 * to] = tops[r], stats[2 * to + 1] = totals[r];
        }
    }
}
