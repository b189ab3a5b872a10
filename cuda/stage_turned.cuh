// Keys of a part that are rotated rows of 128 channels, 128 tokens of which are centred alike: logits in f32, from memory.
#pragma once
#include "stage_values.cuh"
#include "turned.cuh"

struct StageKeys {
    static const u32 BYTES = (WIDTH + STAGE) * AT_ONCE * 4;
    static const int BESIDE = 0;
    const Codes codes;
    const u32 head, end;
    float* asked;  // [WIDTH][AT_ONCE]
    float* found;  // [STAGE][AT_ONCE]
    float* levels;

    __device__ __forceinline__ StageKeys(u8* shared, const Segment& s, const Shape& all, const Work& work, u32 to)
        : codes{(const u8*)s.keys, (const u16*)s.key_scale, nullptr, (u32)s.tokens, WIDTH, (u32)s.key_bytes, 1, all.key_block,
                (const float*)s.key_means},
          head(work.own_head), end(to), asked((float*)shared), found(asked + WIDTH * AT_ONCE) {
        __shared__ float own[16];
        levels = own;
    }

    __device__ __forceinline__ void begin() { bring_levels<ROTATED, KEY_BITS>(levels); }

    __device__ __forceinline__ void bring_next(u32) const {}

    __device__ __forceinline__ void ask(const float* queries, u32 rows) {
        for (u32 at = threadIdx.x; at < AT_ONCE * WIDTH; at += THREADS) {
            asked[at] = at % AT_ONCE < rows ? queries[at % AT_ONCE * WIDTH + at / AT_ONCE] : 0.0f;
        }
    }

    __device__ __forceinline__ void logits(float (&logits)[4][2], u32 first, bool, const StageValues&) {
        const u32 warp = threadIdx.x / 32, lane = threadIdx.x & 31, count = min((u32)STAGE, end - first);
#pragma unroll 1
        for (u32 tile = 0; tile < count; tile += 128) {
            turned_logits<KEY_BITS, AT_ONCE>(codes, head, first + tile, min(128u, count - tile), asked, levels, found + tile * AT_ONCE);
        }
        __syncthreads();
        const float* own = found + (64 * warp + 32 * ((lane & 3) >> 1) + 4 * (lane >> 2)) * AT_ONCE + 2 * (lane & 1);
#pragma unroll
        for (int j = 0; j < 4; j++) logits[j][0] = own[j * AT_ONCE], logits[j][1] = own[j * AT_ONCE + 1];
    }
};
