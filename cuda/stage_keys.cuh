// Keys of a part, a stage of them in shared memory: whole numbers channel by channel, 32 tokens of which share their steps.
#pragma once
#include "stages.cuh"

struct StageKeys {
    static const u32 BYTES = WIDTH * KEY_PITCH + STAGE / 32 * WIDTH * 2 + 3 * AT_ONCE * (WIDTH + 8) * 2;
    const Segment& segment;
    const Work& work;
    const u32 group, groups, end;
    u8* codes;    // [WIDTH][KEY_PITCH]
    u16* steps;   // [STAGE / 32][WIDTH]
    u16* asked;   // [3][AT_ONCE][WIDTH + 8]: halves, what they lost, and zeros
    int* raised;  // [AT_ONCE]
    float (*base)[AT_ONCE];  // [STAGE / 32]
    int lowered;

    __device__ __forceinline__ StageKeys(u8* shared, const Segment& s, const Shape& all, const Work& w, u32 to)
        : segment(s), work(w), group(all.key_group), groups(((u32)s.tokens + group - 1) / group), end(to), codes(shared), lowered(0) {
        __shared__ float zeros_paid[STAGE / 32][AT_ONCE];
        __shared__ int powers[AT_ONCE];
        steps = (u16*)(codes + WIDTH * KEY_PITCH);
        asked = steps + STAGE / 32 * WIDTH;
        raised = powers, base = zeros_paid;
    }

    __device__ __forceinline__ const u16* steps_of(u64 array, u32 token) const {
        const u32 own = group == 32 ? token / 32 : token / group;
        return (const u16*)array + ((u64)work.own_head * groups + min(own, groups - 1)) * WIDTH;
    }

    __device__ __forceinline__ void bring(u32 first) const {
        const u32 before = first * KEY_BITS / 8, bytes = (u32)segment.key_bytes, pieces = WIDTH / 8;
        bring_lines<STAGE * KEY_BITS / 8, WIDTH, THREADS>(
            codes, KEY_PITCH, (const u8*)segment.keys + (u64)work.own_head * WIDTH * bytes + before, bytes, WIDTH,
            min((u32)(STAGE * KEY_BITS / 8), bytes - before));
        for (u32 at = threadIdx.x; at < STAGE / 32 * pieces; at += THREADS) {
            const u16* from = steps_of(segment.key_scale, first + at / pieces * 32) + at % pieces * 8;
            copy16((u8*)(steps + at * 8), (const u8*)from, true);
        }
    }

    __device__ __forceinline__ void begin() {
        bring(work.first);
        end_copies();
        for (u32 at = threadIdx.x; at < AT_ONCE * (WIDTH + 8) / 2; at += THREADS) ((u32*)(asked + 2 * AT_ONCE * (WIDTH + 8)))[at] = 0;
    }

    // Once nobody looks at this stage any more.
    __device__ __forceinline__ void bring_next(u32 first) const {
        if (first + STAGE < end) bring(first + STAGE);
        end_copies();
    }

    __device__ __forceinline__ void ask(const float* queries, u32 rows) {
        bring_in_halves<WIDTH>(asked, raised, queries, WIDTH, rows, WIDTH);
    }

    // Logits of two units of tokens a warp, once zeros are weighed; `fresh` where steps have just come.
    __device__ __forceinline__ void logits(float (&logits)[4][2], bool fresh) {
        const u32 warp = threadIdx.x / 32, g = (threadIdx.x & 31) >> 2, q = threadIdx.x & 3, first_query = 2 * (q & 1);
        const u32 lost = g >= 4 ? FULL : 0u, first_unit = 2 * warp;
        const bool later = q >= 2;
        const u16 *high = asked + (g & 3) * (WIDTH + 8) + 2 * q, *low = high + (lost ? 1 : 2) * AT_ONCE * (WIDTH + 8);
        if (fresh) lowered = lower_steps<2 * WIDTH>(steps + first_unit * WIDTH);
        float got[2][2][4] = {};
        const u16* step = steps + first_unit * WIDTH + 2 * q;
        const u8* line = codes + 2 * q * KEY_PITCH + first_unit * 4 * KEY_BITS + g * KEY_BITS / 2;
#pragma unroll
        for (u32 from = 0; from < WIDTH; from += 16) {
            const u32 high0 = *(const u32*)(high + from), high1 = *(const u32*)(high + from + 8);
            const u32 low0 = *(const u32*)(low + from), low1 = *(const u32*)(low + from + 8);
#pragma unroll
            for (int u = 0; u < 2; u++) {
                const u32 step0 = *(const u32*)(step + u * WIDTH + from), step1 = *(const u32*)(step + u * WIDTH + from + 8);
                multiply_unit<KEY_BITS>(got[u], line + from * KEY_PITCH + u * 4 * KEY_BITS, KEY_PITCH,
                                        stepped(high0, low0, step0, lost), stepped(high1, low1, step1, lost));
            }
        }
        const float by[2] = {power_of_two(lowered - raised[first_query]), power_of_two(lowered - raised[first_query + 1])};
        const float* zero = base[first_unit + later] + first_query;
#pragma unroll
        for (int m = 0; m < 2; m++) {
            float kept[4];
            join_halves(kept, got[0][m], got[1][m], later);
#pragma unroll
            for (int i = 0; i < 4; i++) {
                const int j = m + (i & 2), e = i & 1;
                logits[j][e] = __fmaf_rn(kept[i], by[e] * power_of_two(-raised_by<KEY_BITS>(j)), zero[e]);
            }
        }
    }

    // What zeros of a stage are worth: units by queries, by one warp.
    __device__ __forceinline__ void weigh(u32 first) {
        if (threadIdx.x / 32 != WARPS - 1) return;
        const u32 g = (threadIdx.x & 31) >> 2, q = threadIdx.x & 3;
        const u16* side = asked + (g & 3) * (WIDTH + 8) + 2 * q + (g >= 4 ? AT_ONCE * (WIDTH + 8) : 0);
        float found[4] = {0.0f, 0.0f, 0.0f, 0.0f};
        const u16 *zero = steps_of(segment.key_zero, first + 32 * min(g, STAGE / 32 - 1u)) + 2 * q;
#pragma unroll
        for (u32 from = 0; from < WIDTH; from += 16) {
            const u32 a[4] = {*(const u32*)(zero + from), 0u, *(const u32*)(zero + from + 8), 0u};
            Half::multiply(found, a, *(const u32*)(side + from), *(const u32*)(side + from + 8));
        }
#pragma unroll
        for (int e = 0; e < 2; e++) {
            const float sum = found[e] + __shfl_xor_sync(FULL, found[e], 2);
            const u32 of = 2 * (q & 1) + e;
            if (q < 2) base[g][of] = sum * power_of_two(-raised[of]);
        }
    }
};
