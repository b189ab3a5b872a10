// Attention of few queries over parts of segments of plain keys and values of 16 bits, on matrix units. What a lane loads is
// what units take from it, so rows go from memory to registers; a warp has 16 tokens at once. Up to eight queries come
// as two numbers of 16 bits each, in the upper and lower rows of a product, and so do the weights of tokens.
#define ROWS 8
#include "attention_decode.cuh"
#include "sides.cuh"
#include "tensor.cuh"

#ifndef WIDTH
#define WIDTH 128   // dimensions of a key
#define VALUES 128  // and of a value
#endif
#ifndef SIDES
#define SIDES 2     // numbers of 16 bits that a query is made of
#endif
#define WARPS (THREADS / 32)
#define TOKENS 16
#define KEY_PIECES ((WIDTH + 31) / 32)     // each of eight dimensions for four lanes
#define VALUE_PIECES ((VALUES + 63) / 64)  // and for eight
#define PITCH ((KEY_PIECES + 1 - KEY_PIECES % 2) * 32)  // numbers between queries: those of neighbours meet in no bank
#define AHEAD (WIDTH <= 128 && VALUES <= 128)  // whether there are registers for the keys that come next
#define WIDER (VALUE_PIECES * 64 + 8)

struct Tile {
    uint4 keys[2][KEY_PIECES], values[VALUE_PIECES][4];

    __device__ __forceinline__ static uint4 piece_of(const Element* row, u32 at, u32 width) {
        return at < width ? __ldg((const uint4*)(row + at)) : make_uint4(0, 0, 0, 0);
    }

    // Keys of the tokens `g` and `8 + g` behind `start`, eight dimensions of 32.
    __device__ __forceinline__ void load_keys(const Rows& rows, u32 start, u32 last, u32 lane) {
#pragma unroll
        for (u32 half = 0; half < 2; half++) {
            const Element* row = rows.at(0, 0, min(start + 8 * half + lane / 4, last));
#pragma unroll
            for (u32 i = 0; i < KEY_PIECES; i++) keys[half][i] = piece_of(row, 32 * i + 8 * (lane & 3), WIDTH);
        }
    }

    // Values of four tokens, two of each half, eight dimensions of 64.
    __device__ __forceinline__ void load_values(const Rows& rows, u32 start, u32 last, u32 lane) {
#pragma unroll
        for (u32 t = 0; t < 4; t++) {
            const Element* row = rows.at(0, 0, min(start + t / 2 * 8 + 2 * (lane & 3) + t % 2, last));
#pragma unroll
            for (u32 i = 0; i < VALUE_PIECES; i++) values[i][t] = piece_of(row, 64 * i + 8 * (lane / 4), VALUES);
        }
    }
};

// Arguments as of `attend_parts`, but for `queries`, which are not scaled yet, and `scale` of logits to the base 2. A block a
// part and eight queries.
extern "C" __global__ void __launch_bounds__(THREADS, BLOCKS) attend_rows(
    const float* queries, const int* until, u32 rows, const u64* segments, const u32* works, u32 heads, float scale, u32 part,
    float* sums, float* stats) {
    __align__(16) __shared__ u16 asked[SIDES][ROWS][PITCH];
    __shared__ float scales[ROWS], tops[WARPS][ROWS], totals[WARPS][ROWS], joined[WARPS][ROWS][WIDER];
    const u32 lane = threadIdx.x & 31, warp = threadIdx.x / 32, g = lane / 4, q = lane & 3;
    const u32 first_row = blockIdx.y * ROWS, some = min((u32)ROWS, rows - first_row);
    const Work work = ((const Work*)works)[blockIdx.x];
    const Segment segment = ((const Segment*)segments)[work.segment];
    const Met met = met_by(segment, work, queries, until, rows, heads, WIDTH, true, part);
    const Rows values = {(const Element*)segment.values + work.own_head * segment.value_head, 0, 0, segment.value_token, 1,
                         (u32)segment.tokens, VALUES, true};
    const u32 last = met.end - 1;
    Tile tile;
    if (AHEAD) tile.load_keys(met.keys, met.first + TOKENS * warp, last, lane);
    for (u32 r = warp; r < ROWS; r += WARPS) {
        const float* own = met.queries + (u64)(first_row + r) * WIDTH;
        float size = 0.0f;
        for (u32 at = lane; at < WIDTH && r < some; at += 32) size = fmaxf(size, fabsf(own[at]));
#pragma unroll
        for (int apart = 16; apart > 0; apart >>= 1) size = fmaxf(size, __shfl_xor_sync(FULL, size, apart));
        const int by = Side16::raised(size);
        for (u32 at = lane; at < KEY_PIECES * 32; at += 32) {
            float x = at < WIDTH && r < some ? own[at] * power_of_two(by) : 0.0f;
#pragma unroll
            for (int side = 0; side < SIDES; side++) {
                asked[side][r][at] = Side16::of(x);
                x = __fsub_rn(x, number(asked[side][r][at]));
            }
        }
        if (lane == 0) scales[r] = scale * power_of_two(-by);
    }
    __syncthreads();
    const float own_scale = scales[g];
    const int seen = g < some ? met.until[first_row + g] : -1;
    float added[VALUE_PIECES][8][4] = {};
    float top = MINUS_INFINITY, total = 0.0f;
#pragma unroll 1
    for (u32 start = met.first + TOKENS * warp; start < met.end; start += TOKENS * WARPS) {
        if (!AHEAD) tile.load_keys(met.keys, start, last, lane);
        if (AHEAD) tile.load_values(values, start, last, lane);
        float logits[2][4] = {};
#pragma unroll
        for (u32 i = 0; i < KEY_PIECES; i++) {
            uint4 side[SIDES > 2 ? 3 : 2] = {};
#pragma unroll
            for (int at = 0; at < SIDES; at++) side[at] = *(const uint4*)&asked[at][g][32 * i + 8 * q];
#pragma unroll
            for (u32 half = 0; half < 2; half++) {
                const uint4 k = tile.keys[half][i];
                const u32 front[4] = {side[0].x, side[1].x, side[0].y, side[1].y};
                const u32 back[4] = {side[0].z, side[1].z, side[0].w, side[1].w};
                Side16::Unit::multiply(logits[half], front, k.x, k.y);
                Side16::Unit::multiply(logits[half], back, k.z, k.w);
#if SIDES > 2
                const u32 front_rest[4] = {side[2].x, 0u, side[2].y, 0u}, back_rest[4] = {side[2].z, 0u, side[2].w, 0u};
                Side16::Unit::multiply(logits[half], front_rest, k.x, k.y);
                Side16::Unit::multiply(logits[half], back_rest, k.z, k.w);
#endif
            }
        }
        if (!AHEAD) tile.load_values(values, start, last, lane);
        if (AHEAD && start + TOKENS * WARPS < met.end) tile.load_keys(met.keys, start + TOKENS * WARPS, last, lane);
        float weights[2][2], most = MINUS_INFINITY;
#pragma unroll
        for (u32 half = 0; half < 2; half++)
#pragma unroll
            for (u32 e = 0; e < 2; e++) {
                const u32 token = start + 8 * half + 2 * q + e;
                const int position = met.positions == nullptr ? (int)token : met.positions[min(token, last)];
                const bool sees = token < met.end && position <= seen;
                weights[half][e] = sees ? __fmaf_rn(logits[half][e], own_scale, logits[half][e + 2] * own_scale) : MINUS_INFINITY;
                most = fmaxf(most, weights[half][e]);
            }
        most = fmaxf(most, __shfl_xor_sync(FULL, most, 1));
        most = fmaxf(most, __shfl_xor_sync(FULL, most, 2));
        most = fmaxf(top, most);
        // Where nothing is seen yet, a difference of infinities would be no number.
        const float base = most == MINUS_INFINITY ? 0.0f : most;
        if (__any_sync(FULL, most > top)) {
            const float factor = exp2f(top - base);
            total *= factor;
#pragma unroll
            for (u32 i = 0; i < VALUE_PIECES; i++)
#pragma unroll
                for (u32 m = 0; m < 8; m++)
#pragma unroll
                    for (u32 e = 0; e < 4; e++) added[i][m][e] *= factor;
        }
        top = most;
        u32 paid[4];
#pragma unroll
        for (u32 half = 0; half < 2; half++) {
            float raised[2];
#pragma unroll
            for (u32 e = 0; e < 2; e++) {
                const float weight = exp2f(weights[half][e] - base);
                total += weight;
                raised[e] = weight * power_of_two(Side16::FILLED);
            }
            paid[2 * half] = Side16::pair(raised[0], raised[1]);
            paid[2 * half + 1] = Side16::pair(__fsub_rn(raised[0], number((u16)paid[2 * half])),
                                              __fsub_rn(raised[1], number((u16)(paid[2 * half] >> 16))));
        }
#pragma unroll
        for (u32 i = 0; i < VALUE_PIECES; i++) {
            u32 words[4][4];
#pragma unroll
            for (u32 t = 0; t < 4; t++) {
                const uint4 v = tile.values[i][t];
                words[t][0] = v.x, words[t][1] = v.y, words[t][2] = v.z, words[t][3] = v.w;
            }
#pragma unroll
            for (u32 m = 0; m < 8; m++) {
                const u32 w = m / 2;
                const u32 front = m % 2 ? upper_pair(words[0][w], words[1][w]) : lower_pair(words[0][w], words[1][w]);
                const u32 back = m % 2 ? upper_pair(words[2][w], words[3][w]) : lower_pair(words[2][w], words[3][w]);
                Side16::Unit::multiply(added[i][m], paid, front, back);
            }
        }
    }
    total += __shfl_xor_sync(FULL, total, 1);
    total += __shfl_xor_sync(FULL, total, 2);
    if (q == 0) tops[warp][g] = top, totals[warp][g] = total;
    __syncthreads();
    float most = MINUS_INFINITY;
#pragma unroll
    for (u32 other = 0; other < WARPS; other++) most = fmaxf(most, tops[other][g]);
    const float share = exp2f(top - (most == MINUS_INFINITY ? 0.0f : most)) * power_of_two(-Side16::FILLED);
#pragma unroll
    for (u32 i = 0; i < VALUE_PIECES; i++)
#pragma unroll
        for (u32 m = 0; m < 8; m++)
#pragma unroll
            for (u32 e = 0; e < 2; e++) joined[warp][g][64 * i + 8 * (2 * q + e) + m] = (added[i][m][e] + added[i][m][e + 2]) * share;
    __syncthreads();
    const u64 to = (u64)blockIdx.x * rows + first_row;
    for (u32 at = threadIdx.x; at < some * VALUES; at += THREADS) {
        const u32 r = at / VALUES, channel = at % VALUES;
        float sum = 0.0f;
#pragma unroll
        for (u32 other = 0; other < WARPS; other++) sum += joined[other][r][channel];
        sums[(to + r) * VALUES + channel] = sum;
    }
    if (threadIdx.x < some) {
        const u32 r = threadIdx.x;
        float greatest = MINUS_INFINITY, sum = 0.0f;
        for (u32 other = 0; other < WARPS; other++) greatest = fmaxf(greatest, tops[other][r]);
        const float own = greatest == MINUS_INFINITY ? 0.0f : greatest;
        for (u32 other = 0; other < WARPS; other++) sum += totals[other][r] * exp2f(tops[other][r] - own);
        stats[2 * (to + r)] = greatest, stats[2 * (to + r) + 1] = sum;
    }
}
