// Keys of a part, a stage of them in shared memory: rotated rows of 128 channels, 128 tokens of which are centred alike. A level
// is two halves, of which matrix units take one after the other; bytes of both are looked up by four codes at once.
#pragma once
#include "lanes.cuh"
#include "stages.cuh"

#define ROW_BYTES (WIDTH * KEY_BITS / 8)
#define LEVELS_RAISED 6  // the power of two that lets the second half of a level keep its bits
#define CENTRES (STAGE / 128)

// Codes of eight channels as numbers of four bits.
__device__ __forceinline__ u32 in_fours(const u32 (&words)[KEY_BITS], int eight) {
    if constexpr (KEY_BITS == 4) return words[eight];
    const int at = eight * KEY_BITS / 4, shift = eight * KEY_BITS * 8 % 32;
    u32 x = words[at] >> shift;
    if (shift + 8 * KEY_BITS > 32) x |= words[at + 1 < KEY_BITS ? at + 1 : at] << (32 - shift);
    if constexpr (KEY_BITS == 3) {
        x = (x & 0x00000fffu) | (x << 4 & 0x0fff0000u);
        x = (x & 0x003f003fu) | (x << 2 & 0x3f003f00u);
        return (x & 0x07070707u) | (x << 1 & 0x70707070u);
    }
    if constexpr (KEY_BITS == 1) {
        x = (x & 0x0000000fu) | (x << 12 & 0x000f0000u);
        x = (x & 0x00030003u) | (x << 6 & 0x03000300u);
        return (x & 0x01010101u) | (x << 3 & 0x10101010u);
    }
    x = (x & 0x000000ffu) | (x << 8 & 0x00ff0000u);
    x = (x & 0x000f000fu) | (x << 4 & 0x0f000f00u);
    return (x & 0x03030303u) | (x << 2 & 0x30303030u);
}

// Bytes of the halves of levels: those of 4 bits are of the positive ones, as the others are their mirror.
struct Levels {
    u32 bytes[4][2];  // high and low of the first half, then of the second

    // Halves are written whole: a compiler (NVRTC 13.0) stores zeros for the lower byte of a number just converted.
    __device__ __forceinline__ static void write(u16 (*table)[8]) {
        const u32 at = threadIdx.x;
        if (at >= 8) return;
        const u32 half = 1u << (KEY_BITS - 1), code = KEY_BITS == 4 ? at + half : at & (2 * half - 1);
        const float level = KEY_BITS == 1 ? 1.0f : POSITIVE[half - 1 + (code >= half ? code - half : half - 1 - code)];
        const float size = KEY_BITS == 1 ? 1.0f : level * power_of_two(LEVELS_RAISED);
        u16 first = half_of(size);
        if (of_half(first) > size) first--;  // so that the rest has the same sign
        const u16 rest = half_of(__fsub_rn(size, of_half(first))), sign = code < half ? 0x8000 : 0;
        table[0][at] = first | sign, table[1][at] = rest | sign;
    }

    __device__ __forceinline__ void read(const u16 (*table)[8]) {
#pragma unroll
        for (int half = 0; half < 2; half++) {
            const uint4 all = *(const uint4*)table[half];
            bytes[2 * half][0] = permuted(all.x, all.y, 0x7531u), bytes[2 * half][1] = permuted(all.z, all.w, 0x7531u);
            bytes[2 * half + 1][0] = permuted(all.x, all.y, 0x6420u), bytes[2 * half + 1][1] = permuted(all.z, all.w, 0x6420u);
        }
    }

    // Four codes, the lower 16 bits of `fours`, as two pairs of halves; `signs` are added to their higher bytes.
    __device__ __forceinline__ void pairs(u32 (&pairs)[2], int half, u32 fours, u32 signs) const {
        const u32 high = permuted(bytes[2 * half][0], bytes[2 * half][1], fours) + signs;
        const u32 low = KEY_BITS == 1 ? 0u : permuted(bytes[2 * half + 1][0], bytes[2 * half + 1][1], fours);
        pairs[0] = permuted(low, high, 0x5140u), pairs[1] = permuted(low, high, 0x7362u);
    }
};

struct StageKeys {
    static const u32 BYTES = STAGE * ROW_BYTES + STAGE * 2 + CENTRES * WIDTH * 4 + AT_ONCE * (WIDTH * 4 + 2 * (WIDTH + 8) * 2);
    const Segment& segment;
    const Work& work;
    const u32 block, end;
    u8* codes;      // [STAGE][ROW_BYTES], of 32 tokens every fourth beside each other
    u16* steps;     // [STAGE]
    float* centres; // [CENTRES][WIDTH]
    float* queries; // [AT_ONCE][WIDTH]
    u16* asked;     // [2][AT_ONCE][WIDTH + 8]: halves, and what they lost
    int* raised;    // [AT_ONCE]
    u16 (*table)[8];

    __device__ __forceinline__ StageKeys(u8* shared, const Segment& s, const Shape& all, const Work& w, u32 to)
        : segment(s), work(w), block(all.key_block), end(to), codes(shared) {
        __shared__ int powers[AT_ONCE];
        __align__(16) __shared__ u16 halves[2][8];
        steps = (u16*)(codes + STAGE * ROW_BYTES);
        centres = (float*)(steps + STAGE);
        queries = centres + CENTRES * WIDTH;
        asked = (u16*)(queries + AT_ONCE * WIDTH);
        raised = powers, table = halves;
    }

    __device__ __forceinline__ void bring(u32 first) const {
        const u32 tokens = (u32)segment.tokens, there = tokens - first;
        const u8* from = (const u8*)segment.keys + ((u64)work.own_head * tokens + first) * ROW_BYTES;
#pragma unroll
        for (u32 at = threadIdx.x; at < STAGE * KEY_BITS; at += THREADS) {
            const u32 token = at / KEY_BITS, slot = (token & ~31u) | (token & 3) << 3 | (token >> 2 & 7);
            copy16(codes + slot * ROW_BYTES + at % KEY_BITS * 16, from + (token < there ? at * 16 : 0), token < there);
        }
        bring_halves<STAGE, THREADS>(steps, (const u16*)segment.key_scale + (u64)work.own_head * tokens + first, min((u32)STAGE, there));
        const u32 all = (tokens + block - 1) / block, own = threadIdx.x / (WIDTH / 4), piece = threadIdx.x % (WIDTH / 4) * 4;
        if (own < CENTRES) {
            const u32 which = min((first + 128 * own) / block, all - 1);
            copy16((u8*)(centres + own * WIDTH + piece), (const u8*)((const float*)segment.key_means + ((u64)work.own_head * all + which) * WIDTH + piece), true);
        }
    }

    __device__ __forceinline__ void begin() {
        Levels::write(table);
        bring(work.first);
        end_copies();
    }

    // Once nobody looks at this stage any more.
    __device__ __forceinline__ void bring_next(u32 first) const {
        if (first + STAGE < end) bring(first + STAGE);
        end_copies();
    }

    __device__ __forceinline__ void ask(const float* from, u32 rows) {
        bring_in_halves<WIDTH>(asked, raised, from, WIDTH, rows, WIDTH);
        for (u32 at = threadIdx.x; at < AT_ONCE * WIDTH; at += THREADS) queries[at] = at / WIDTH < rows ? from[at] : 0.0f;
    }

    __device__ __forceinline__ void weigh(u32) {}

    // Logits of 64 tokens a warp.
    __device__ __forceinline__ void logits(float (&logits)[4][2], bool) {
        const u32 warp = threadIdx.x / 32, lane = threadIdx.x & 31, g = lane >> 2, q = lane & 3, first_query = 2 * (q & 1);
        const bool later = q >= 2;
        Levels levels;
        levels.read(table);
        float got[4][4] = {};
        const u16* own = asked + ((g >> 2) * AT_ONCE + (g & 3)) * (WIDTH + 8) + 32 * q;
#pragma unroll
        for (int tile = 0; tile < 4; tile++) {
            u32 words[2][KEY_BITS];
#pragma unroll
            for (int row = 0; row < 2; row++) {
                const u8* at = codes + (64 * warp + 32 * (tile / 2) + 8 * (2 * (tile % 2) + row) + g) * ROW_BYTES + 4 * KEY_BITS * q;
                row_words(words[row], at);
            }
#pragma unroll
            for (int eight = 0; eight < 4; eight++) {
                const u32 fours[2] = {in_fours(words[0], eight), in_fours(words[1], eight)};
                u32 places[2] = {fours[0], fours[1]};
                if constexpr (KEY_BITS == 4) {
#pragma unroll
                    for (int row = 0; row < 2; row++) {
                        places[row] = (fours[row] ^ ((~fours[row] >> 3 & 0x11111111u) * 7u)) & 0x77777777u;
                    }
                }
                const uint4 side = *(const uint4*)(own + 8 * eight);
                const u32 b[4] = {side.x, side.y, side.z, side.w};
#pragma unroll
                for (int half = 0; half < 2; half++) {
                    u32 signs[2] = {0u, 0u};
                    if constexpr (KEY_BITS == 4) {
                        // A set fourth bit repeats the sign of the byte, which is zero.
#pragma unroll
                        for (int row = 0; row < 2; row++) {
                            signs[row] = permuted(0x40404040u, 0x40404040u, fours[row] >> (16 * half)) << 1;
                        }
                    }
#pragma unroll
                    for (int part = 0; part < (KEY_BITS == 1 ? 1 : 2); part++) {
                        u32 front[2], back[2];
                        levels.pairs(front, part, places[0] >> (16 * half), signs[0]);
                        levels.pairs(back, part, places[1] >> (16 * half), signs[1]);
                        const u32 a[4] = {front[0], back[0], front[1], back[1]};
                        Half::multiply(got[tile], a, b[2 * half], b[2 * half + 1]);
                    }
                }
            }
        }
        float base[AT_ONCE];
        weigh_centre(base, centres + warp / (WARPS / CENTRES) * WIDTH, lane);
        const uint2 four = *(const uint2*)(steps + 64 * warp + 32 * later + 4 * g);
        const u32 factors[4] = {four.x & 0xffffu, four.x >> 16, four.y & 0xffffu, four.y >> 16};
#pragma unroll
        for (int e = 0; e < 2; e++) {
            const float by = power_of_two(-raised[first_query + e] - (KEY_BITS == 1 ? 0 : LEVELS_RAISED)) * (KEY_BITS == 1 ? POSITIVE[0] : 1.0f);
            const float mean = __shfl_sync(FULL, base[0], (first_query + e) * 8);
#pragma unroll
            for (int j = 0; j < 4; j++) {
                const float near = got[j / 2][j % 2 * 2 + e], far = got[2 + j / 2][j % 2 * 2 + e];
                const float sum = (later ? far : near) + __shfl_xor_sync(FULL, later ? near : far, 2);
                logits[j][e] = __fmaf_rn(sum * by, of_half((u16)factors[j]), mean);
            }
        }
    }

    // What the centre of 128 tokens is worth to each query: a lane is left with that of query `lane / 8`, in front.
    __device__ __forceinline__ void weigh_centre(float (&base)[AT_ONCE], const float* centre, u32 lane) const {
        const float4 mean = *(const float4*)(centre + 4 * lane);
#pragma unroll
        for (u32 r = 0; r < AT_ONCE; r++) {
            const float4 query = *(const float4*)(queries + r * WIDTH + 4 * lane);
            base[r] = __fmaf_rn(query.x, mean.x, __fmaf_rn(query.y, mean.y, __fmaf_rn(query.z, mean.z, query.w * mean.w)));
        }
        over_lanes<16, AT_ONCE>(base, lane);
    }

    __device__ __forceinline__ static void row_words(u32 (&words)[KEY_BITS], const u8* at) {
        if constexpr (KEY_BITS == 4) {
            const uint4 all = *(const uint4*)at;
            words[0] = all.x, words[1] = all.y, words[2] = all.z, words[3] = all.w;
        } else if constexpr (KEY_BITS == 2) {
            const uint2 all = *(const uint2*)at;
            words[0] = all.x, words[1] = all.y;
        } else {
#pragma unroll
            for (int word = 0; word < KEY_BITS; word++) words[word] = ((const u32*)at)[word];
        }
    }
};
