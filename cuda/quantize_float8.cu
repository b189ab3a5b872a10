// Eight-bit floats, e4m3, scaled so that the greatest of a token, a channel or a block of tokens is 448.
#include "eights.cuh"
#include "rows.cuh"
#include "steps.cuh"

#define THREADS 256
#define PASSES 4  // rows of a thread
#define GREATEST 448.0f

// The codes of two numbers, the first one below.
__device__ __forceinline__ u32 two_codes(float low, float high) {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 890
    u16 both;
    asm("cvt.rn.satfinite.e4m3x2.f32 %0, %1, %2;" : "=h"(both) : "f"(high), "f"(low));
    return both;
#else
    return (u32)e4m3_of(low) | (u32)e4m3_of(high) << 8;
#endif
}

__device__ __forceinline__ float greatest_of(const float (&x)[8]) {
    float most = 0.0f;
#pragma unroll
    for (int j = 0; j < 8; j++) most = fmaxf(most, fabsf(x[j]));
    return most;
}

__device__ __forceinline__ u16 scale_for(float greatest) { return half_step(__fdiv_rn(greatest, GREATEST)); }

// Codes of eight numbers, from the lowest bit on. Signs are those of the numbers: a zero has one too.
__device__ __forceinline__ u64 eight_codes_of(const float (&x)[8], float scale, float inverse) {
    u32 words[2];
#pragma unroll
    for (int w = 0; w < 2; w++) {
        float by[4];
        u32 signs = 0;
#pragma unroll
        for (int j = 0; j < 4; j++) {
            by[j] = divided(x[4 * w + j], scale, inverse);
            signs |= __float_as_uint(x[4 * w + j]) >> 31 << (8 * j + 7);
        }
        words[w] = two_codes(by[0], by[1]) | two_codes(by[2], by[3]) << 16 | signs;
    }
    return (u64)words[1] << 32 | words[0];
}

__device__ __forceinline__ void write_codes(u8* out, u32 some, const float (&x)[8], float scale, float inverse) {
    u64 packed = eight_codes_of(x, scale, inverse);
    if (some >= 8 && ((u64)out & 7) == 0) {
        *(u64*)out = packed;
    } else {
        for (u32 j = 0; j < 8 && j < some; j++) out[j] = (u8)(packed >> (8 * j));
    }
}

// Rows that are read in eights, of sixteen channels a lane: all rows of a thread are on their way at once, and the lanes of a
// row make the scale of one each.
__device__ __forceinline__ bool straight_codes(
    const Rows& rows, u32 count, u32 first, u32 slots, u32 lanes, u8* codes, u16* scale, float2 (*scales)[PASSES]) {
    const u32 lane = threadIdx.x & (lanes - 1), last = count - 1, whole = threadIdx.x / lanes;
    const Element* head = head_of(rows, blockIdx.y) + 8 * lane;
    Eight held[PASSES][2];
#pragma unroll
    for (int i = 0; i < PASSES; i++) {
        const Element* row = head + min(first + i * slots, last) * rows.token_step;
        held[i][0] = eight_at(row), held[i][1] = eight_at(row + 8 * lanes);
    }
    bool sound = true;
    float most[PASSES];
#pragma unroll
    for (int i = 0; i < PASSES; i++) {
        const Ends ends = ends_of(held[i]);
        sound = sound && are_finite(ends);
        most[i] = fmaxf(fabsf(low_of(ends)), fabsf(high_of(ends)));
    }
    for (u32 width = lanes / 2; width > 0; width >>= 1) {
#pragma unroll
        for (int i = 0; i < PASSES; i++) most[i] = fmaxf(most[i], __shfl_xor_sync(FULL, most[i], width));
    }
#pragma unroll 1
    for (u32 own = lane; own < PASSES; own += lanes) {
        float greatest = most[0];
#pragma unroll
        for (int i = 1; i < PASSES; i++) greatest = own == i ? most[i] : greatest;
        const u16 half = scale_for(greatest);
        sound = sound && half_is_finite(half);
        scales[whole][own] = {of_half(half), __fdiv_rn(1.0f, of_half(half))};
        const u32 t = first + own * slots;
        if (t < rows.n) scale[(u64)blockIdx.y * rows.n + t] = half;
    }
    __syncwarp();
#pragma unroll
    for (int i = 0; i < PASSES; i++) {
        const u32 t = first + i * slots;
        if (t >= rows.n) break;
        const float2 by = scales[whole][i];
        u64* out = (u64*)(codes + ((u64)blockIdx.y * rows.n + t) * rows.d) + lane;
#pragma unroll
        for (int half = 0; half < 2; half++) {
            float x[8];
            spread(held[i][half], x);
            out[half * lanes] = eight_codes_of(x, by.x, by.y);
        }
    }
    return sound;
}

// Rows of any width.
__device__ __forceinline__ bool codes_of_any(
    const Rows& rows, u32 count, u32 first, u32 slots, u32 lanes, u8* codes, u16* scale) {
    const u32 lane = threadIdx.x & (lanes - 1), d = rows.d;
    bool sound = true;
#pragma unroll 1
    for (u32 pass = 0; pass < PASSES; pass++) {
        u32 t = first + pass * slots;
        const Element* row = row_of(rows, blockIdx.y, t < rows.n ? t : 0, count);
        float x[8], greatest = 0.0f;
        for (u32 from = 8 * lane; from < d; from += 8 * lanes) {
            some_of(row, from, d - from, x);
            sound = sound && all_finite(x);
            greatest = fmaxf(greatest, greatest_of(x));
        }
        for (u32 width = lanes / 2; width > 0; width >>= 1) {
            greatest = fmaxf(greatest, __shfl_xor_sync(FULL, greatest, width));
        }
        if (t >= rows.n) continue;
        u16 half = scale_for(greatest);
        u64 place = (u64)blockIdx.y * rows.n + t;
        if (lane == 0) scale[place] = half;
        sound = sound && half_is_finite(half);
        float step = of_half(half), inverse = __fdiv_rn(1.0f, step);
        for (u32 from = 8 * lane; from < d; from += 8 * lanes) {
            some_of(row, from, d - from, x);
            write_codes(codes + place * d + from, d - from, x, step, inverse);
        }
    }
    return sound;
}

// A scale a token: `lanes` threads a row, a power of two up to a warp; a thread takes the same channels of PASSES rows.
extern "C" __global__ void __launch_bounds__(THREADS, BLOCKS_OF_PAIRS) float8_by_token(
    ROWS_PARAMETERS, u8* codes, u16* scale, u32* broken, u32 lanes) {
    __shared__ float2 scales[THREADS][PASSES];
    Rows rows = ROWS_GIVEN;
    const u32 slots = THREADS / lanes, begin = blockIdx.x * PASSES * slots + threadIdx.x / lanes;
    const u32 count = min(count_of(rows, blockIdx.y), n);
    const bool straight = whole_eights(rows) && d == 16 * lanes && count != 0;
    const bool sound = straight ? straight_codes(rows, count, begin, slots, lanes, codes, scale, scales)
                                : codes_of_any(rows, count, begin, slots, lanes, codes, scale);
    if (!sound) *broken = 1;
}

// A scale a channel of a block of tokens; a thread takes one channel of one block.
extern "C" __global__ void __launch_bounds__(THREADS) float8_by_channel(
    ROWS_PARAMETERS, u8* codes, u16* scale, u32* broken, u32 block) {
    Rows rows = ROWS_GIVEN;
    u32 at = blockIdx.x * THREADS + threadIdx.x, blocks = (n + block - 1) / block;
    if (at >= blocks * d) return;
    u32 channel = at % d, start = at / d * block, end = min(n, start + block), count = count_of(rows, blockIdx.y);
    float greatest = 0.0f;
    bool sound = true;
    for (u32 t = start; t < end; t++) {
        const Element* row = row_of(rows, blockIdx.y, t, count);
        float x = row == nullptr ? 0.0f : number(row[channel]);
        sound = sound && finite(x);
        greatest = fmaxf(greatest, fabsf(x));
    }
    u16 half = scale_for(greatest);
    scale[(u64)blockIdx.y * blocks * d + at] = half;
    if (!sound || !half_is_finite(half)) *broken = 1;
    float step = of_half(half), inverse = __fdiv_rn(1.0f, step);
    for (u32 t = start; t < end; t++) {
        const Element* row = row_of(rows, blockIdx.y, t, count);
        float x = row == nullptr ? 0.0f : number(row[channel]);
        codes[((u64)blockIdx.y * n + t) * d + channel] = (u8)(e4m3_of(divided(x, step, inverse)) | (__float_as_uint(x) >> 31 << 7));
    }
}

// A scale a block of tokens, all channels together; a block of threads takes one.
extern "C" __global__ void __launch_bounds__(THREADS) float8_by_head(
    ROWS_PARAMETERS, u8* codes, u16* scale, u32* broken, u32 block) {
    __shared__ float most[THREADS / 32];
    Rows rows = ROWS_GIVEN;
    u32 start = blockIdx.x * block, end = min(n, start + block), count = count_of(rows, blockIdx.y);
    u32 chunks = (d + 7) / 8, whole = (end - start) * chunks;
    float x[8], greatest = 0.0f;
    bool sound = true;
    for (u32 at = threadIdx.x; at < whole; at += THREADS) {
        u32 from = at % chunks * 8;
        some_of(row_of(rows, blockIdx.y, start + at / chunks, count), from, d - from, x);
        sound = sound && all_finite(x);
        greatest = fmaxf(greatest, greatest_of(x));
    }
#pragma unroll
    for (int width = 16; width > 0; width >>= 1) greatest = fmaxf(greatest, __shfl_xor_sync(FULL, greatest, width));
    if ((threadIdx.x & 31) == 0) most[threadIdx.x / 32] = greatest;
    __syncthreads();
#pragma unroll
    for (int warp = 0; warp < THREADS / 32; warp++) greatest = fmaxf(greatest, most[warp]);
    u16 half = scale_for(greatest);
    if (threadIdx.x == 0) scale[(u64)blockIdx.y * gridDim.x + blockIdx.x] = half;
    if (!sound || !half_is_finite(half)) *broken = 1;
    float step = of_half(half), inverse = __fdiv_rn(1.0f, step);
    for (u32 at = threadIdx.x; at < whole; at += THREADS) {
        u32 t = start + at / chunks, from = at % chunks * 8;
        some_of(row_of(rows, blockIdx.y, t, count), from, d - from, x);
        write_codes(codes + ((u64)blockIdx.y * n + t) * d + from, d - from, x, step, inverse);
    }
}
