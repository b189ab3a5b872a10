// Exact scores of the candidates of a scan, and the proof that none is missing.
#include "best.cuh"

#define F32 0
#define F16 1
#define BF16 2
#define INT8 3

#ifdef __CUDA_ARCH__
__device__ __forceinline__ float of_half(u16 half) {
    float x;
    asm("cvt.f32.f16 %0, %1;" : "=f"(x) : "h"(half));
    return x;
}
#endif

__device__ __forceinline__ float component(const u8* rows, int form, u64 at, float scale) {
    if (form == F32) return ((const float*)rows)[at];
    if (form == F16) return of_half(((const u16*)rows)[at]);
    if (form == BF16) return __uint_as_float((u32)((const u16*)rows)[at] << 16);
    return __fmul_rn((float)((const signed char*)rows)[at], scale);
}

// The score of a row by one warp, in the lane order of the CPU and without fused adds: the same bits.
__device__ __forceinline__ float exact_score(const float* query, const u8* rows, int form, const float* scales,
                                             u32 row, u32 dim, bool euclidean) {
    u32 lane = threadIdx.x & 31;
    float scale = form == INT8 ? scales[row] : 1.0f, sum = 0.0f;
    for (u32 at = lane; at < dim; at += 32) {
        float x = component(rows, form, (u64)row * dim + at, scale), q = query[at];
        float apart = __fsub_rn(q, x);
        sum = __fadd_rn(sum, euclidean ? __fmul_rn(apart, apart) : __fmul_rn(q, x));
    }
#pragma unroll
    for (int width = 16; width > 0; width >>= 1) sum = __fadd_rn(sum, __shfl_down_sync(FULL, sum, width));
    sum = __shfl_sync(FULL, sum, 0);
    return euclidean ? __fsub_rn(0.0f, sum) : sum;
}

// Exact scores of candidates, the best `k` of them, and whether they are proven to be the best of all: what is not
// among the candidates scores at most the last of them, and what the scan may be off.
extern "C" __global__ void __launch_bounds__(THREADS) rescore(
    const float* queries, const u8* rows, const float* scales, const u64* candidates, const u32* counts,
    const double* units, const double* errors, const float* floors, long long* found, float* scores, u8* proven, u32* open, int form, u32 dim,
    int euclidean, int candidate_count, int k, u32 room, int all) {
    __shared__ u64 keys[LIMIT];
    u32 query = blockIdx.x, warp = threadIdx.x >> 5, lane = threadIdx.x & 31;
    const u64* mine = candidates + (u64)query * candidate_count;
    int size = power_of_two(candidate_count);
    for (int at = warp; at < size; at += blockDim.x / 32) {
        u64 key = at < candidate_count ? mine[at] : 0;
        if (key != 0) {
            u32 row = row_of(key);
            key = key_of(exact_score(queries + (u64)query * dim, rows, form, scales, row, dim, euclidean != 0), row);
        }
        if (lane == 0) keys[at] = key;
    }
    __syncthreads();
    sort_keys(keys, size);
    for (int at = threadIdx.x; at < k; at += blockDim.x) {
        u64 key = at < candidate_count ? keys[at] : 0;
        found[(u64)query * k + at] = key != 0 ? (long long)row_of(key) : -1;
        scores[(u64)query * k + at] = key != 0 ? score_of(key) : MINUS_INFINITY;
    }
    if (threadIdx.x == 0) {
        u64 last = mine[candidate_count - 1], worst = k <= candidate_count ? keys[k - 1] : 0;
        bool whole = counts[query] <= room;
        // Fewer candidates than were asked for, with no floor, are all that there are.
        bool sure = all || (last == 0 && floors[query] == MINUS_INFINITY);
        if (!sure && last != 0 && worst != 0) {
            double outside = (double)score_of(last) * units[2 * query] + units[2 * query + 1] + errors[query];
            sure = (double)score_of(worst) > outside;
        }
        proven[query] = whole && sure;
        if (!(whole && sure)) atomicAdd(open, 1u);
    }
}

// The best of all rows by their exact scores: slow, with no bound on what it can be asked.
extern "C" __global__ void __launch_bounds__(THREADS) exact(
    const float* queries, const u8* rows, const float* scales, const u32* mask, u64 mask_stride, u64* out, int form,
    u32 dim, int euclidean, u32 count, int keep) {
    __shared__ u64 keys[BUFFER];
    __shared__ int filled;
    u32 query = blockIdx.x, split = blockIdx.y, warp = threadIdx.x >> 5, lane = threadIdx.x & 31;
    u32 first = (u32)((u64)count * split / gridDim.y), end = (u32)((u64)count * (split + 1) / gridDim.y);
    Best best = best_of(keys, &filled, keep);
    for (u32 start = first; start < end; start += LIMIT) {
        u32 stop = start + LIMIT < end ? start + LIMIT : end;
        for (u32 row = start + warp; row < stop; row += THREADS / 32) {
            if (!allowed(mask, mask_stride, query, row)) continue;
            float score = exact_score(queries + (u64)query * dim, rows, form, scales, row, dim, euclidean != 0);
            if (lane == 0) push(best, key_of(score, row));
        }
        turn(best);
    }
    write_best(best, out + ((u64)query * gridDim.y + split) * keep);
}

// Length one, as the CPU makes it: the squared norm in f64 over 16 lanes, then a division of every component.
extern "C" __global__ void __launch_bounds__(THREADS) normalise(const float* from, float* to, u32 count, u32 dim) {
    u32 row = (blockIdx.x * blockDim.x + threadIdx.x) >> 5, lane = threadIdx.x & 31;
    if (row >= count) return;
    const float* x = from + (u64)row * dim;
    double sum = 0.0;
    if (lane < 16) {
        for (u32 at = lane; at < dim; at += 16) sum = __dadd_rn(sum, __dmul_rn((double)x[at], (double)x[at]));
    }
#pragma unroll
    for (int width = 8; width > 0; width >>= 1) sum = __dadd_rn(sum, __shfl_down_sync(FULL, sum, width));
    double norm = __dsqrt_rn(__shfl_sync(FULL, sum, 0));
    for (u32 at = lane; at < dim; at += 32)
        to[(u64)row * dim + at] = norm > 0.0 ? (float)__ddiv_rn((double)x[at], norm) : x[at];
}
