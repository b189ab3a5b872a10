// Attention of few queries over parts of segments whose keys are whole numbers channel by channel and whose values are such
// token by token, on matrix units (KIVI's layout). A part is taken in stages: keys of the next are on their way while values
// are looked at, and values while keys are. Four queries take the eight columns of a product, each as two floats of 16 bits,
// so nothing is lost that f32 would keep.
#ifndef KEY_BITS
#define KEY_BITS 4
#define VALUE_BITS 4
#endif
#ifndef WIDTH
#define WIDTH 128  // channels of a key
#define UNITS 4    // of 32 channels of a value
#define GROUPS 4   // of units of a value that share a step
#endif
#define WARPS 4
#define STAGE (64 * WARPS)  // tokens
#define THREADS (32 * WARPS)
#define BLOCKS (UNITS > 4 ? 2 : 4)
#define AT_ONCE 4u                               // queries
#define KEY_PITCH (STAGE * KEY_BITS / 8 + 16)     // bytes between lines of keys: pairs of them meet in no bank
#define VALUE_PITCH (UNITS * 4 * VALUE_BITS + 16)
#define PITCH (STAGE + 8)                         // numbers between rows that go over tokens
#define FILLED 9                                 // the power of two below which queries and weights are brought
#include "lines.cuh"
#include "segments.cuh"

// Writes a number as two halves.
__device__ __forceinline__ void write_halves(u16* high, u16* low, float x) {
    const u16 half = half_of(x);
    *high = half;
    *low = half_of(__fsub_rn(x, of_half(half)));
}

// Lowers the COUNT steps of a warp if one is 64 or more; returns by which power of two.
template <u32 COUNT> __device__ __forceinline__ int lower_steps(u16* steps) {
    const u32 lane = threadIdx.x & 31;
    u32 large = 0;
#pragma unroll
    for (u32 at = 2 * lane; at < COUNT; at += 64) large |= *(const u32*)(steps + at) + 0x2c002c00u;  // 64 reaches the sign
    if (!__any_sync(FULL, large & 0x80008000u)) return 0;
    for (u32 at = lane; at < COUNT; at += 32) steps[at] = half_of(of_half(steps[at]) * power_of_two(-FILLED - 2));
    __syncwarp();
    return FILLED + 2;
}

// Of arguments as `attend_to_codes` has them; a part of several stages is for at most four queries.
extern "C" __global__ void __launch_bounds__(THREADS, BLOCKS) attend_by_units(
    const float* queries, const int* until, u32 rows, const u64* segments, const u32* works, const u32* shape, u32 heads,
    u32 part, float* sums, float* stats) {
    extern __shared__ __align__(16) u8 shared[];
    __shared__ float tops[WARPS][AT_ONCE], totals[WARPS][AT_ONCE], zeros_paid[WARPS][8][AT_ONCE], base[STAGE / 32][AT_ONCE];
    __shared__ int raised[AT_ONCE];
    const Work work = ((const Work*)works)[blockIdx.x];
    const Segment segment = ((const Segment*)segments)[work.segment];
    const Shape s = *(const Shape*)shape;
    const u32 tokens = (u32)segment.tokens, end = min(work.first + part, tokens);
    const u32 warp = threadIdx.x / 32, lane = threadIdx.x & 31, g = lane >> 2, q = lane & 3, row = g & 3, first_query = 2 * (q & 1);
    const bool later = q >= 2;
    const u32 lost = g >= 4 ? FULL : 0u;
    u8* key_codes = shared;                                       // [WIDTH][KEY_PITCH]
    u8* value_codes = key_codes + WIDTH * KEY_PITCH;              // [STAGE][VALUE_PITCH]
    u16* value_steps = (u16*)(value_codes + STAGE * VALUE_PITCH);  // [STAGE][GROUPS]
    u16* value_zeros = value_steps + STAGE * GROUPS;              // [STAGE][GROUPS]
    u16* key_steps = value_zeros + STAGE * GROUPS;                // [STAGE / 32][WIDTH]
    u16* asked = key_steps + STAGE / 32 * WIDTH;                  // [3][AT_ONCE][WIDTH + 8]: halves, what they lost, and zeros
    u16* paid = asked + 3 * AT_ONCE * (WIDTH + 8);                // [2][AT_ONCE][PITCH]
    float* joined = (float*)paid;                                 // [WARPS / 2][AT_ONCE][UNITS * 32]
    const u32 key_groups = (tokens + s.key_group - 1) / s.key_group;
    auto steps_of = [&](u64 array, u32 token) {
        const u32 group = s.key_group == 32 ? token / 32 : token / s.key_group;
        return (const u16*)array + ((u64)work.own_head * key_groups + min(group, key_groups - 1)) * WIDTH;
    };
    auto bring_keys = [&](u32 first) {
        const u32 before = first * KEY_BITS / 8, bytes = (u32)segment.key_bytes, pieces = WIDTH / 8;
        bring_lines<STAGE * KEY_BITS / 8, WIDTH, THREADS>(
            key_codes, KEY_PITCH, (const u8*)segment.keys + (u64)work.own_head * WIDTH * bytes + before, bytes, WIDTH,
            min((u32)(STAGE * KEY_BITS / 8), bytes - before));
        for (u32 at = threadIdx.x; at < STAGE / 32 * pieces; at += THREADS) {
            const u16* from = steps_of(segment.key_scale, first + at / pieces * 32) + at % pieces * 8;
            copy16((u8*)(key_steps + at * 8), (const u8*)from, true);
        }
    };
    auto bring_values = [&](u32 first) {
        const u32 count = min((u32)STAGE, end - first);
        const u64 place = (u64)work.own_head * tokens + first;
        bring_lines<UNITS * 4 * VALUE_BITS, STAGE, THREADS>(
            value_codes, VALUE_PITCH, (const u8*)segment.values + place * segment.value_bytes, segment.value_bytes, count,
            UNITS * 4 * VALUE_BITS);
        bring_halves<STAGE * GROUPS, THREADS>(value_steps, (const u16*)segment.value_scale + place * GROUPS, count * GROUPS);
        bring_halves<STAGE * GROUPS, THREADS>(value_zeros, (const u16*)segment.value_zero + place * GROUPS, count * GROUPS);
    };
    bring_keys(work.first);
    end_copies();
    bring_values(work.first);
    end_copies();
    for (u32 at = threadIdx.x; at < AT_ONCE * (WIDTH + 8) / 2; at += THREADS) ((u32*)(asked + 2 * AT_ONCE * (WIDTH + 8)))[at] = 0;

    int key_lowered = 0, value_lowered = 0;
    for (u32 first_row = 0; first_row < rows; first_row += AT_ONCE) {
        // Queries as halves, each row by a power of two that lets it fill them.
        for (u32 r = warp; r < AT_ONCE; r += WARPS) {
            const float* query = queries + ((u64)work.head * rows + first_row + r) * WIDTH;
            const bool there = first_row + r < rows;
            float own[(WIDTH + 31) / 32], size = 0.0f;
#pragma unroll
            for (u32 i = 0; i < (WIDTH + 31) / 32; i++) {
                own[i] = there && lane + 32 * i < WIDTH ? query[lane + 32 * i] : 0.0f;
                size = fmaxf(size, fabsf(own[i]));
            }
            size = over_warp<float>(size, greater);
            const int by = size > 0.0f ? max(-100, min(100, FILLED - 1 + 127 - (int)(__float_as_uint(size) >> 23))) : 0;
#pragma unroll
            for (u32 i = 0; i < (WIDTH + 31) / 32; i++) {
                u16* to = asked + r * (WIDTH + 8) + lane + 32 * i;
                if (lane + 32 * i < WIDTH) write_halves(to, to + AT_ONCE * (WIDTH + 8), own[i] * power_of_two(by));
            }
            if (lane == 0) raised[r] = by;
        }
        __syncthreads();
        int last[2];
#pragma unroll
        for (int e = 0; e < 2; e++) {
            const u32 of = first_row + first_query + e;
            last[e] = of < rows ? until[(u64)(work.head / heads) * rows + of] : -1;
        }
        float top[2] = {MINUS_INFINITY, MINUS_INFINITY}, total[2] = {0.0f, 0.0f};
        float added[UNITS][2][4] = {}, zeros[4] = {0.0f, 0.0f, 0.0f, 0.0f};
#pragma unroll 1
        for (u32 first = work.first; first < end; first += STAGE) {
            const u32 count = min((u32)STAGE, end - first);
            const bool fresh = first_row == 0, begun = first > work.first;
            const u16 *high = asked + row * (WIDTH + 8) + 2 * q, *low = high + (lost ? 1 : 2) * AT_ONCE * (WIDTH + 8);
            if (warp == WARPS - 1) {
                // What zeros of keys are worth: units by queries.
                float found[4] = {0.0f, 0.0f, 0.0f, 0.0f};
                const u16 *zero = steps_of(segment.key_zero, first + 32 * min(g, STAGE / 32 - 1u)) + 2 * q;
                const u16 *more = steps_of(segment.key_zero, first + 32 * min(g + 8, STAGE / 32 - 1u)) + 2 * q;
                const u16* side = lost ? low : high;
#pragma unroll
                for (u32 from = 0; from < WIDTH; from += 16) {
                    const u32 a[4] = {*(const u32*)(zero + from), *(const u32*)(more + from),
                                      *(const u32*)(zero + from + 8), *(const u32*)(more + from + 8)};
                    Half::multiply(found, a, *(const u32*)(side + from), *(const u32*)(side + from + 8));
                }
#pragma unroll
                for (int i = 0; i < 4; i++) {
                    const float sum = found[i] + __shfl_xor_sync(FULL, found[i], 2);
                    const u32 unit = g + (i >= 2 ? 8 : 0), of = first_query + (i & 1);
                    if (!later && unit < STAGE / 32) base[unit][of] = sum * power_of_two(-raised[of]);
                }
            }
            if (begun) await_copies<0>();
            else await_copies<1>();
            __syncthreads();
            if (begun) {
                bring_values(first);
                end_copies();
            }
            const u32 first_unit = 2 * warp;
            if (fresh) key_lowered = lower_steps<2 * WIDTH>(key_steps + first_unit * WIDTH);

            // Logits of two units of tokens a warp.
            float got[2][2][4] = {};
            const u16* steps = key_steps + first_unit * WIDTH + 2 * q;
            const u8* line = key_codes + 2 * q * KEY_PITCH + first_unit * 4 * KEY_BITS + g * KEY_BITS / 2;
#pragma unroll
            for (u32 from = 0; from < WIDTH; from += 16) {
                const u32 high0 = *(const u32*)(high + from), high1 = *(const u32*)(high + from + 8);
                const u32 low0 = *(const u32*)(low + from), low1 = *(const u32*)(low + from + 8);
#pragma unroll
                for (int u = 0; u < 2; u++) {
                    const u32 step0 = *(const u32*)(steps + u * WIDTH + from), step1 = *(const u32*)(steps + u * WIDTH + from + 8);
                    multiply_unit<KEY_BITS>(got[u], line + from * KEY_PITCH + u * 4 * KEY_BITS, KEY_PITCH,
                                            stepped(high0, low0, step0, lost), stepped(high1, low1, step1, lost));
                }
            }
            // This lane is left with four tokens that follow one another, and two queries.
            const u32 unit = first_unit + later, token = unit * 32 + 4 * g;
            float logits[4][2], most[2];
#pragma unroll
            for (int m = 0; m < 2; m++) {
                float kept[4];
                join_halves(kept, got[0][m], got[1][m], later);
#pragma unroll
                for (int i = 0; i < 4; i++) logits[m + (i & 2)][i & 1] = kept[i];
            }
            const int* positions = (const int*)segment.positions;
#pragma unroll
            for (int e = 0; e < 2; e++) {
                const float by = power_of_two(key_lowered - raised[first_query + e]), zero = base[unit][first_query + e];
                const int seen = positions == nullptr ? min((int)count, last[e] - (int)(segment.start + first) + 1) : (int)count;
                most[e] = MINUS_INFINITY;
#pragma unroll
                for (int j = 0; j < 4; j++) {
                    const float logit = __fmaf_rn(logits[j][e], by * power_of_two(-raised_by<KEY_BITS>(j)), zero);
                    logits[j][e] = (int)(token + j) < seen ? logit : MINUS_INFINITY;
                }
            }
            if (positions != nullptr) {
#pragma unroll
                for (int j = 0; j < 4; j++) {
                    const int position = positions[first + min(token + j, count - 1)];
#pragma unroll
                    for (int e = 0; e < 2; e++) logits[j][e] = position <= last[e] ? logits[j][e] : MINUS_INFINITY;
                }
            }
#pragma unroll
            for (int e = 0; e < 2; e++) {
#pragma unroll
                for (int j = 0; j < 4; j++) most[e] = fmaxf(most[e], logits[j][e]);
#pragma unroll
                for (int apart = 2; apart < 32; apart *= 2) most[e] = fmaxf(most[e], __shfl_xor_sync(FULL, most[e], apart));
                if (lane < 2) tops[warp][first_query + e] = most[e];
            }
            __syncthreads();
            if (first + STAGE < end) bring_keys(first + STAGE);
            end_copies();
#pragma unroll
            for (int e = 0; e < 2; e++) {
                const float before = top[e];
#pragma unroll
                for (int other = 0; other < WARPS; other++) top[e] = fmaxf(top[e], tops[other][first_query + e]);
                // Where nothing is seen yet, a difference of infinities would be no number.
                const float least = top[e] == MINUS_INFINITY ? 0.0f : top[e], factor = exp2f(before - least);
                total[e] *= factor;
                zeros[e] *= factor;
#pragma unroll
                for (int u = 0; u < UNITS; u++) {
#pragma unroll
                    for (int i = e; i < 4; i += 2) added[u][0][i] *= factor, added[u][1][i] *= factor;
                }
                u16 halves[2][4];
#pragma unroll
                for (int j = 0; j < 4; j++) {
                    const float weight = exp2f(logits[j][e] - least);
                    total[e] += weight;
                    write_halves(&halves[0][j], &halves[1][j], weight * power_of_two(FILLED));
                }
#pragma unroll
                for (int side = 0; side < 2; side++) {
                    uint2 four;
                    four.x = halves[side][0] | (u32)halves[side][1] << 16, four.y = halves[side][2] | (u32)halves[side][3] << 16;
                    *(uint2*)(paid + (side * AT_ONCE + first_query + e) * PITCH + token) = four;
                }
            }
            await_copies<1>();
            __syncthreads();
            if (fresh) {
                const int lowered = lower_steps<64 * GROUPS>(value_steps + 64 * warp * GROUPS);
                if (lowered != value_lowered) {
                    const float by = power_of_two(value_lowered - lowered);
#pragma unroll
                    for (int u = 0; u < UNITS; u++) {
#pragma unroll
                        for (int i = 0; i < 4; i++) added[u][0][i] *= by, added[u][1][i] *= by;
                    }
                    value_lowered = lowered;
                }
            }

            // Sums over the 64 tokens of a warp, and what zeros of values are worth.
            const u16 *much = paid + row * PITCH + 64 * warp + 2 * q, *little = much + AT_ONCE * PITCH;
#pragma unroll 2
            for (u32 from = 0; from < 64; from += 16) {
                const u32 high0 = *(const u32*)(much + from), high1 = *(const u32*)(much + from + 8);
                const u32 low0 = *(const u32*)(little + from), low1 = *(const u32*)(little + from + 8);
                const u32 at = 64 * warp + from + 2 * q;
                u32 front[GROUPS], back[GROUPS];
                // Rows of groups that are none are never looked at.
                const u16* zero = value_zeros + at * GROUPS + min(g, GROUPS - 1u);
                const u32 a[4] = {zero[0] | (u32)zero[GROUPS] << 16, 0u, zero[8 * GROUPS] | (u32)zero[9 * GROUPS] << 16, 0u};
                Half::multiply(zeros, a, lost ? low0 : high0, lost ? low1 : high1);
                const u32 rest0 = low0 & lost, rest1 = low1 & lost;
                pairs_of_steps<GROUPS>(front, value_steps, at);
                pairs_of_steps<GROUPS>(back, value_steps, at + 8);
                const u8* own = value_codes + at * VALUE_PITCH + g * VALUE_BITS / 2;
#pragma unroll
                for (int u = 0; u < UNITS; u++) {
                    multiply_unit<VALUE_BITS>(added[u], own + u * 4 * VALUE_BITS, VALUE_PITCH,
                                              stepped(high0, rest0, front[u * GROUPS / UNITS], lost),
                                              stepped(high1, rest1, back[u * GROUPS / UNITS], lost));
                }
            }
        }
#pragma unroll
        for (int e = 0; e < 2; e++) {
            const float sum = zeros[e] + __shfl_xor_sync(FULL, zeros[e], 2);
            if (!later && g < GROUPS) zeros_paid[warp][g][first_query + e] = sum * power_of_two(-FILLED);
#pragma unroll
            for (int apart = 2; apart < 32; apart *= 2) total[e] += __shfl_xor_sync(FULL, total[e], apart);
            if (lane < 2) totals[warp][first_query + e] = total[e], tops[warp][first_query + e] = top[e];
        }
        // This lane is left with two channels of a unit; warps add up in two steps, in one order.
        float channels[UNITS][4];
        const float lower = power_of_two(value_lowered - FILLED);
#pragma unroll
        for (int u = 0; u < UNITS; u++) {
            join_halves(channels[u], added[u][0], added[u][1], later);
#pragma unroll
            for (int i = 0; i < 4; i++) {
                channels[u][i] *= lower * power_of_two(-(later ? raised_by<VALUE_BITS>((i & 2) + 1) : raised_by<VALUE_BITS>(i & 2)));
            }
        }
        __syncthreads();
#pragma unroll 1
        for (u32 half = 0; half < 2; half++) {
            if (warp / (WARPS / 2) != half) {
#pragma unroll
                for (int u = 0; u < UNITS; u++) {
#pragma unroll
                    for (int i = 0; i < 4; i++) {
                        const u32 channel = u * 32 + 4 * g + (i & 2) + later;
                        float& to = joined[(warp % (WARPS / 2) * AT_ONCE + first_query + (i & 1)) * UNITS * 32 + channel];
                        to = half == 0 ? channels[u][i] : to + channels[u][i];
                    }
                }
            }
            __syncthreads();
        }
        for (u32 at = threadIdx.x; at < AT_ONCE * UNITS * 32; at += THREADS) {
            const u32 r = at / (UNITS * 32), channel = at % (UNITS * 32);
            if (first_row + r >= rows || channel >= s.value_dim) continue;
            float sum = 0.0f;
#pragma unroll
            for (int other = 0; other < WARPS / 2; other++) sum += joined[other * AT_ONCE * UNITS * 32 + at];
#pragma unroll
            for (int other = 0; other < WARPS; other++) sum += zeros_paid[other][channel / 32 * GROUPS / UNITS][r];
            sums[((u64)blockIdx.x * rows + first_row + r) * s.value_dim + channel] = sum;
        }
        if (threadIdx.x < AT_ONCE && first_row + threadIdx.x < rows) {
            float sum = 0.0f;
            for (int other = 0; other < WARPS; other++) sum += totals[other][threadIdx.x];
            const u64 to = (u64)blockIdx.x * rows + first_row + threadIdx.x;
            stats[2 * to] = tops[0][threadIdx.x], stats[2 * to + 1] = sum;
        }
    }
}
