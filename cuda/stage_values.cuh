// Values of a part, a stage of them in shared memory: whole numbers token by token, in units of 32 channels.
#pragma once
#include "stages.cuh"

struct StageValues {
    static const u32 BYTES = STAGE * VALUE_PITCH + 4 * STAGE * GROUPS;
    const Segment& segment;
    const u64 place;  // of the first token of all heads
    const u32 first, end;
    u8* codes;           // [STAGE][VALUE_PITCH]
    u16 *steps, *zeros;  // [STAGE][GROUPS]
    float added[UNITS][2][4], base[4];
    int lowered;

    __device__ __forceinline__ StageValues(u8* shared, const Segment& s, const Work& work, u32 to)
        : segment(s), place((u64)work.own_head * s.tokens), first(work.first), end(to), codes(shared), lowered(0) {
        steps = (u16*)(codes + STAGE * VALUE_PITCH);
        zeros = steps + STAGE * GROUPS;
    }

    __device__ __forceinline__ void clear() {
#pragma unroll
        for (int i = 0; i < 4; i++) {
            base[i] = 0.0f;
#pragma unroll
            for (int u = 0; u < UNITS; u++) added[u][0][i] = added[u][1][i] = 0.0f;
        }
    }

    __device__ __forceinline__ void bring(u32 from) const {
        const u32 count = min((u32)STAGE, end - from);
        const u64 at = place + from;
        bring_lines<UNITS * 4 * VALUE_BITS, STAGE, THREADS>(
            codes, VALUE_PITCH, (const u8*)segment.values + at * segment.value_bytes, segment.value_bytes, count, UNITS * 4 * VALUE_BITS);
        bring_halves<STAGE * GROUPS, THREADS>(steps, (const u16*)segment.value_scale + at * GROUPS, count * GROUPS);
        bring_halves<STAGE * GROUPS, THREADS>(zeros, (const u16*)segment.value_zero + at * GROUPS, count * GROUPS);
    }

    // Multiplies the sums of a query: of the two whose columns this lane has.
    __device__ __forceinline__ void scale(int e, float factor) {
        base[e] *= factor;
#pragma unroll
        for (int u = 0; u < UNITS; u++) {
#pragma unroll
            for (int i = e; i < 4; i += 2) added[u][0][i] *= factor, added[u][1][i] *= factor;
        }
    }

    // Adds the values of the 64 tokens of a warp, and what zeros are worth, by weights `paid`; `fresh` where steps have just come.
    __device__ __forceinline__ void add(const u16* paid, bool fresh) {
        const u32 warp = threadIdx.x / 32, g = (threadIdx.x & 31) >> 2, q = threadIdx.x & 3, lost = g >= 4 ? FULL : 0u;
        if (fresh) {
            const int by = lower_steps<64 * GROUPS>(steps + 64 * warp * GROUPS);
            if (by != lowered) {
                const float power = power_of_two(lowered - by), kept[2] = {base[0], base[1]};
                scale(0, power), scale(1, power);
                base[0] = kept[0], base[1] = kept[1], lowered = by;
            }
        }
        const u16 *much = paid + (g & 3) * PITCH + 64 * warp + 2 * q, *little = much + AT_ONCE * PITCH;
#pragma unroll 2
        for (u32 from = 0; from < 64; from += 16) {
            const u32 high0 = *(const u32*)(much + from), high1 = *(const u32*)(much + from + 8);
            const u32 low0 = *(const u32*)(little + from), low1 = *(const u32*)(little + from + 8);
            const u32 at = 64 * warp + from + 2 * q;
            // Rows of groups that are none are never looked at.
            const u16* zero = zeros + at * GROUPS + min(g, GROUPS - 1u);
            const u32 a[4] = {zero[0] | (u32)zero[GROUPS] << 16, 0u, zero[8 * GROUPS] | (u32)zero[9 * GROUPS] << 16, 0u};
            Half::multiply(base, a, lost ? low0 : high0, lost ? low1 : high1);
            const u32 rest0 = low0 & lost, rest1 = low1 & lost;
            u32 front[GROUPS], back[GROUPS];
            pairs_of_steps<GROUPS>(front, steps, at);
            pairs_of_steps<GROUPS>(back, steps, at + 8);
            const u8* line = codes + at * VALUE_PITCH + g * VALUE_BITS / 2;
#pragma unroll
            for (int u = 0; u < UNITS; u++) {
                multiply_unit<VALUE_BITS>(added[u], line + u * 4 * VALUE_BITS, VALUE_PITCH,
                                          stepped(high0, rest0, front[u * GROUPS / UNITS], lost),
                                          stepped(high1, rest1, back[u * GROUPS / UNITS], lost));
            }
        }
    }

    // Writes the sums of the block, of `rows` queries at most; `joined` [WARPS / 2][AT_ONCE][UNITS * 32] is where warps meet.
    __device__ __forceinline__ void write(float* joined, float* sums, u32 dim, u32 rows) {
        __shared__ float zeros_paid[WARPS][8][AT_ONCE];
        const u32 warp = threadIdx.x / 32, g = (threadIdx.x & 31) >> 2, q = threadIdx.x & 3, first_query = 2 * (q & 1);
        const bool later = q >= 2;
#pragma unroll
        for (int e = 0; e < 2; e++) {
            const float sum = base[e] + __shfl_xor_sync(FULL, base[e], 2);
            if (!later && g < GROUPS) zeros_paid[warp][g][first_query + e] = sum * power_of_two(-FILLED);
        }
        // This lane is left with two channels of a unit; warps add up in two steps, in one order.
        float channels[UNITS][4];
        const float lower = power_of_two(lowered - FILLED);
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
            if (r >= rows || channel >= dim) continue;
            float sum = 0.0f;
#pragma unroll
            for (int other = 0; other < WARPS / 2; other++) sum += joined[other * AT_ONCE * UNITS * 32 + at];
#pragma unroll
            for (int other = 0; other < WARPS; other++) sum += zeros_paid[other][channel / 32 * GROUPS / UNITS][r];
            sums[(u64)r * dim + channel] = sum;
        }
    }
};
