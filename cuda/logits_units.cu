// Products of few queries with keys on matrix units, as attention has them: whole numbers channel by channel, or rotated
// rows. A block takes a stage of tokens; blocks beside it are looked at while its own is on the way.
#ifndef KEY_BITS
#define KEY_CODEC CHANNEL
#define KEY_BITS 4
#endif
#ifndef WIDTH
#define WIDTH 128  // channels of a key
#endif
#include "stages.cuh"
#if KEY_CODEC == ROTATED
#include "stage_turned.cuh"
#else
#include "stage_keys.cuh"
#endif

// Of all heads: codes, their scales, and zeros (of rotated rows the turned means of blocks). `block` tokens share a step or
// a mean; queries are `[heads, rows, WIDTH]`, `out` is `[heads, rows, n]`.
extern "C" __global__ void __launch_bounds__(THREADS, WIDTH > 128 ? 2 : 4) logits_by_units(
    const u8* codes, const u16* scale, const void* zero, const float* queries, float* out, u32 n, u32 row_bytes, u32 block,
    u32 rows) {
    extern __shared__ __align__(16) u8 shared[];
    const u32 head = blockIdx.y, first = blockIdx.x * STAGE, lane = threadIdx.x & 31, first_query = 2 * (lane & 1);
    // A lane is left with four tokens that follow one another, and two queries.
    const u32 token = first + 64 * (threadIdx.x / 32) + 32 * ((lane & 3) >> 1) + 4 * (lane >> 2);
    Segment segment = {};
    segment.keys = (u64)codes, segment.key_scale = (u64)scale, segment.tokens = n, segment.key_bytes = row_bytes;
    segment.key_zero = segment.key_means = (u64)zero;
    Shape shape = {};
    shape.key_group = shape.key_block = block;
    const Work work = {0, head, first, head};
    StageKeys keys(shared, segment, shape, work, min(first + STAGE, n));
    keys.begin();
    for (u32 first_row = 0; first_row < rows; first_row += AT_ONCE) {
        if (first_row > 0) __syncthreads();
        keys.ask(queries + ((u64)head * rows + first_row) * WIDTH, rows - first_row);
        __syncthreads();
        keys.weigh(first);
        await_copies<0>();
        __syncthreads();
        float logits[4][2];
        keys.logits(logits, first_row == 0);
#pragma unroll
        for (int e = 0; e < 2; e++) {
            const u32 row = first_row + first_query + e;
            if (row >= rows) continue;
            float* to = out + ((u64)head * rows + row) * n + token;
            if ((n & 3) == 0) {
                float4 four;
                four.x = logits[0][e], four.y = logits[1][e], four.z = logits[2][e], four.w = logits[3][e];
                if (token < n) *(float4*)to = four;
            } else {
#pragma unroll
                for (int j = 0; j < 4; j++) {
                    if (token + j < n) to[j] = logits[j][e];
                }
            }
        }
    }
}
