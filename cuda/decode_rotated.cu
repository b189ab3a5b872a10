// Rotated rows: back to what their codes stand for, in f64 as NumPy does; and queries turned as rows are, so that products
// need no row turned back. A warp a row, in shared memory.
#define CODEC 3  // ROTATED
#include "codes.cuh"
#include "levels.cuh"

template <class T> __device__ __forceinline__ void turn_row(T* row, u32 width) {
    for (u32 half = 1; half < width; half *= 2) {
        __syncwarp();
        for (u32 pair = threadIdx.x & 31; pair < width / 2; pair += 32) {
            u32 low = pair / half * 2 * half + pair % half;
            butterfly(row[low], row[low + half]);
        }
    }
    __syncwarp();
}

// `scale` is one by the root of the width; `d` elements of a row count.
extern "C" __global__ void __launch_bounds__(32) decode_rotated(
    CODES_PARAMETERS, float* out, u32 d, u64 seed, double by) {
    extern __shared__ __align__(16) u8 shared[];
    double* row = (double*)shared;
    Codes c = CODES_GIVEN;
    u32 t = blockIdx.x, blocks = (n + block - 1) / block;
    u64 place = (u64)blockIdx.y * n + t;
    double factor = (double)of_half(scale[place]);
    for (u32 chunk = threadIdx.x; chunk * 8 < width; chunk += 32) {
        u32 words[WORDS_OF_EIGHT(BITS)];
        eight_words<ROTATED, BITS>(c, place, chunk, words);
        for (u32 j = 0; j < 8 && chunk * 8 + j < width; j++) {
            row[chunk * 8 + j] = __dmul_rn(signed_level(bits_of<BITS>(words, j)), factor);
        }
    }
    turn_row(row, width);
    const u16* mean = zero + ((u64)blockIdx.y * blocks + t / block) * d;
    for (u32 at = threadIdx.x; at < d; at += 32) {
        double x = __dmul_rn(row[at], by);
        out[place * d + at] = (float)__dadd_rn((double)of_half(mean[at]), turns(at, seed) ? -x : x);
    }
}

// Queries `[rows, d]` as turned rows `[rows, width]`.
extern "C" __global__ void __launch_bounds__(32) turn_queries(
    const float* queries, float* out, u32 d, u32 width, u64 seed, float by) {
    extern __shared__ __align__(16) u8 shared[];
    float* row = (float*)shared;
    for (u32 at = threadIdx.x; at < width; at += 32) {
        float x = at < d ? queries[(u64)blockIdx.x * d + at] : 0.0f;
        row[at] = turns(at, seed) ? -x : x;
    }
    turn_row(row, width);
    for (u32 at = threadIdx.x; at < width; at += 32) out[(u64)blockIdx.x * width + at] = __fmul_rn(row[at], by);
}

// Products of queries with the means of their head, `[heads, rows, blocks]`.
extern "C" __global__ void __launch_bounds__(256) mean_products(
    const float* queries, const u16* mean, float* out, u32 rows, u32 blocks, u32 d) {
    u32 at = (blockIdx.x * 256 + threadIdx.x) / 32, lane = threadIdx.x & 31;
    if (at >= rows * blocks) return;
    const float* query = queries + ((u64)blockIdx.y * rows + at / blocks) * d;
    const u16* centre = mean + ((u64)blockIdx.y * blocks + at % blocks) * d;
    float sum = 0.0f;
    for (u32 i = lane; i < d; i += 32) sum = __fmaf_rn(query[i], of_half(centre[i]), sum);
#pragma unroll
    for (int width = 16; width > 0; width >>= 1) sum += __shfl_xor_sync(FULL, sum, width);
    if (lane == 0) out[(u64)blockIdx.y * rows * blocks + at] = sum;
}

// What each block of tokens has of weights `[heads, rows, n]`: `[heads, rows, blocks]`.
extern "C" __global__ void __launch_bounds__(256) block_weights(
    const float* weights, float* out, u32 rows, u32 n, u32 block) {
    u32 at = (blockIdx.x * 256 + threadIdx.x) / 32, lane = threadIdx.x & 31, blocks = (n + block - 1) / block;
    if (at >= rows * blocks) return;
    const float* row = weights + ((u64)blockIdx.y * rows + at / blocks) * n;
    u32 start = at % blocks * block, end = min(n, start + block);
    float sum = 0.0f;
    for (u32 t = start + lane; t < end; t += 32) sum += row[t];
#pragma unroll
    for (int width = 16; width > 0; width >>= 1) sum += __shfl_xor_sync(FULL, sum, width);
    if (lane == 0) out[(u64)blockIdx.y * rows * blocks + at] = sum;
}

// Sums of turned rows over splits of the tokens, turned back once, and the sums of means: a row a block.
extern "C" __global__ void __launch_bounds__(32) turn_sums_back(
    const float* parts, const float* of_blocks, const u16* mean, float* out, u32 rows, u32 splits, u32 blocks, u32 d,
    u32 width, u64 seed, float by) {
    extern __shared__ __align__(16) u8 shared[];
    float* row = (float*)shared;
    for (u32 at = threadIdx.x; at < width; at += 32) {
        float sum = 0.0f;
        for (u32 split = 0; split < splits; split++) {
            sum += parts[(((u64)blockIdx.y * splits + split) * rows + blockIdx.x) * width + at];
        }
        row[at] = sum;
    }
    turn_row(row, width);
    u64 place = (u64)blockIdx.y * rows + blockIdx.x;
    for (u32 at = threadIdx.x; at < d; at += 32) {
        float x = __fmul_rn(row[at], by), sum = 0.0f;
        for (u32 part = 0; part < blocks; part++) {
            sum = __fmaf_rn(of_blocks[place * blocks + part], of_half(mean[((u64)blockIdx.y * blocks + part) * d + at]), sum);
        }
        out[place * d + at] = sum + (turns(at, seed) ? -x : x);
    }
}
