// Eight-bit floats, e4m3, scaled so that the greatest of a token, a channel or a block of tokens is 448.
#include "rows.cuh"
#include "steps.cuh"

#define THREADS 256
#define GREATEST 448.0f

// x / scale as a division rounds it: the reciprocal of a scale of 16 bits is rounded once, so a product with it is off by so
// little that what remains makes it right.
__device__ __forceinline__ float divided(float x, float scale, float inverse) {
    float near = __fmul_rn(x, inverse);
    float sure = __fmaf_rn(__fmaf_rn(-near, scale, x), inverse, near);
    return near == 0.0f ? near : sure;  // A zero keeps its sign.
}

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

__device__ __forceinline__ void write_codes(u8* out, u32 some, const float (&x)[8], float scale, float inverse) {
    u32 words[2];
#pragma unroll
    for (int w = 0; w < 2; w++) {
        float by[4];
#pragma unroll
        for (int j = 0; j < 4; j++) by[j] = divided(x[4 * w + j], scale, inverse);
        words[w] = two_codes(by[0], by[1]) | two_codes(by[2], by[3]) << 16;
    }
    u64 packed = (u64)words[1] << 32 | words[0];
    if (some >= 8 && ((u64)out & 7) == 0) {
        *(u64*)out = packed;
    } else {
        for (u32 j = 0; j < 8 && j < some; j++) out[j] = (u8)(packed >> (8 * j));
    }
}

// A scale a token: `lanes` threads a row, a power of two up to a warp, each with eight channels at a time.
extern "C" __global__ void __launch_bounds__(THREADS) float8_by_token(
    ROWS_PARAMETERS, u8* codes, u16* scale, u32* broken, u32 lanes) {
    Rows rows = ROWS_GIVEN;
    u32 at = (blockIdx.x * THREADS + threadIdx.x) / lanes, lane = threadIdx.x & (lanes - 1);
    bool real = at < n, sound = true;
    const Element* row = row_of(rows, blockIdx.y, real ? at : 0, count_of(rows, blockIdx.y));
    float x[8], greatest = 0.0f;
    for (u32 from = 8 * lane; from < d; from += 8 * lanes) {
        some_of(row, from, d - from, x);
        sound = sound && all_finite(x);
        greatest = fmaxf(greatest, greatest_of(x));
    }
    for (u32 width = lanes / 2; width > 0; width >>= 1) {
        greatest = fmaxf(greatest, __shfl_xor_sync(FULL, greatest, width));
    }
    if (!real) return;
    u16 half = scale_for(greatest);
    u64 place = (u64)blockIdx.y * n + at;
    if (lane == 0) scale[place] = half;
    if (!sound || !half_is_finite(half)) *broken = 1;
    float step = of_half(half), inverse = __fdiv_rn(1.0f, step);
    for (u32 from = 8 * lane; from < d; from += 8 * lanes) {
        if (d > 8 * lanes) some_of(row, from, d - from, x);
        write_codes(codes + place * d + from, d - from, x, step, inverse);
    }
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
        codes[((u64)blockIdx.y * n + t) * d + channel] = e4m3_of(divided(x, step, inverse));
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
