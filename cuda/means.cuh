// Means of the rows of a block of threads, made by all of them: of rows where they lie, or on their way to shared memory. Those
// that include this say how wide turned rows are, and how many threads there are.
#pragma once
#include "eights.cuh"
#include "levels.cuh"

#define CHUNKS (WIDTH / 8)
#define SLOTS (THREADS / (CHUNKS > 32 ? CHUNKS : 32))  // partial sums of a channel

// Writes the mean of so many elements that lie `step` apart, one after another.
__device__ __forceinline__ u16 mean_of(const Element* first, u64 step, u32 count) {
    double sum = 0.0;
#pragma unroll 8
    for (u32 at = 0; at < count; at++) sum = __dadd_rn(sum, (double)number(first[at * step]));
    return half_of_double(count != 0 ? __ddiv_rn(sum, (double)count) : 0.0);
}

// The means of `count` rows by all threads of a block: those that share a channel add up every so many rows, in an order of
// their own, and where that leaves the mean in doubt it is made again in NumPy's. `sums` and `sizes` [THREADS].
__device__ __forceinline__ void block_mean(
    const Element* first, u64 step, u32 count, u32 d, u16* mean, u32* broken, double* sums, float* sizes) {
    const u32 ways = max(THREADS / d, 1u), way = threadIdx.x / d;
    for (u32 base = 0; base < d; base += THREADS) {
        const u32 channel = ways > 1 ? threadIdx.x % d : base + threadIdx.x;
        const bool real = channel < d && (ways == 1 || way < ways);
        double sum = 0.0, other = 0.0;
        float size = 0.0f;
        if (real) {
            const u32 own = ways > 1 ? way : 0;
#pragma unroll 4
            for (u32 at = own; at < count; at += 2 * ways) {
                const float x = number(first[at * step + channel]);
                const float y = at + ways < count ? number(first[(at + ways) * step + channel]) : 0.0f;
                size += fabsf(x), size += fabsf(y);
                sum = __dadd_rn(sum, (double)x), other = __dadd_rn(other, (double)y);
            }
        }
        __syncthreads();
        sums[threadIdx.x] = __dadd_rn(sum, other), sizes[threadIdx.x] = size;
        __syncthreads();
        if (channel >= d || (ways > 1 && way > 0)) continue;
        sum = sums[threadIdx.x], size = sizes[threadIdx.x];
        for (u32 beside = 1; beside < ways; beside++) {
            sum = __dadd_rn(sum, sums[threadIdx.x + beside * d]), size += sizes[threadIdx.x + beside * d];
        }
        // Sums of f64, in whatever order, are off by 2^-53 of the sizes for each term.
        const double whole = count != 0 ? (double)count : 1.0, off = (double)size * count * 4.5e-16 + 1e-300;
        u16 half = half_of_double(__ddiv_rn(sum - off, whole));
        if (half != half_of_double(__ddiv_rn(sum + off, whole))) half = mean_of(first + channel, step, count);
        mean[channel] = half;
        if (!half_is_finite(half)) *broken = 1;
    }
}

// Where a chunk of eight lies in a row of the stage, so that lanes of several rows meet in no bank.
__device__ __forceinline__ u32 place_of(u32 row, u32 chunk) { return LANES < 8 ? chunk ^ row % (8 / LANES) * LANES : chunk; }

// A mean with another sign; one of zero is minus zero, so that no difference is.
__device__ __forceinline__ float centre_of(u16 half, u32 turned) {
    const float centre = of_half(half);
    return centre == 0.0f ? -0.0f : turned ? -centre : centre;
}

// Brings the rows of a mean to `stage` [count][WIDTH], with the signs of a rotation, and makes the mean on the way: a thread
// has eight channels of every so many rows. Where another order of adding up leaves it in doubt, it is made again in NumPy's.
// `parts` [SLOTS][WIDTH], `tops` one a warp.
__device__ __forceinline__ void staged_mean(
    const Element* first, u64 step, u32 count, u32 d, Element* stage, u16* mean, float* centres, const u8* signs, u32* broken,
    double* parts, float* tops) {
    const u32 ways = THREADS / CHUNKS, many = sizeof(Element) == 4 ? 4 : 8;
    const u32 chunk = threadIdx.x % CHUNKS, way = threadIdx.x / CHUNKS;
    const u32 kept = 8 * chunk < d ? ~0u : 0u;  // of what is not there nothing is, whatever is read
    const Element* own = first + (kept & 8 * chunk);
    const Eight flips = signs_of_eight(signs[chunk]);
    double sums[8] = {0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0};
    float top = 0.0f;
    auto take = [&](const Eight& eight, u32 at) {
        Eight turned;
        const u32 *bits = (const u32*)&eight, *others = (const u32*)&flips;
#pragma unroll
        for (int w = 0; w < (int)(sizeof(Eight) / 4); w++) ((u32*)&turned)[w] = (bits[w] & kept) ^ others[w];
        *(Eight*)(stage + at * WIDTH + 8 * place_of(at, chunk)) = turned;
#pragma unroll
        for (int j = 0; j < 8; j++) {
            const float x = element_of(eight, j);
            top = fmaxf(top, fabsf(x)), sums[j] = __dadd_rn(sums[j], (double)x);
        }
    };
    u32 at = way;
#pragma unroll 1
    for (; at + (many - 1) * ways < count; at += many * ways) {
        Eight held[many];
#pragma unroll
        for (u32 k = 0; k < many; k++) held[k] = eight_at(own + (at + k * ways) * step);
#pragma unroll
        for (u32 k = 0; k < many; k++) take(held[k], at + k * ways);
    }
#pragma unroll 1
    for (; at < count; at += ways) take(eight_at(own + at * step), at);
#pragma unroll
    for (u32 width = CHUNKS; width < 32; width *= 2) {
#pragma unroll
        for (int j = 0; j < 8; j++) sums[j] = __dadd_rn(sums[j], __shfl_xor_sync(FULL, sums[j], width));
    }
#pragma unroll
    for (int width = 1; width < 32; width *= 2) top = fmaxf(top, __shfl_xor_sync(FULL, top, width));
    if (threadIdx.x % 32 < CHUNKS) {
        double* to = parts + threadIdx.x / (THREADS / SLOTS) * WIDTH + chunk;
#pragma unroll
        for (int j = 0; j < 8; j++) to[j * CHUNKS] = sums[j];
    }
    if (threadIdx.x % 32 == 0) tops[threadIdx.x / 32] = top;
    __syncthreads();
#pragma unroll 1
    for (u32 at = threadIdx.x; at < WIDTH; at += THREADS) {
        const u32 channel = at % CHUNKS * 8 + at / CHUNKS;
        double sum = 0.0;
#pragma unroll
        for (u32 slot = 0; slot < SLOTS; slot++) sum = __dadd_rn(sum, parts[slot * WIDTH + at]);
#pragma unroll
        for (u32 warp = 0; warp < THREADS / 32; warp++) top = fmaxf(top, tops[warp]);
        u16 half = 0;
        if (channel < d) {
            // Sums of f64, in whatever order, are off by 2^-53 of the sizes for each term.
            const double whole = count, off = (double)top * whole * whole * 4.5e-16 + 1e-300;
            // A power of two has an inverse.
            const bool exact = (count & (count - 1)) == 0;
            const double by = exact ? (double)__fdiv_rn(1.0f, (float)count) : whole;
            const double low = exact ? __dmul_rn(sum - off, by) : __ddiv_rn(sum - off, by);
            const double high = exact ? __dmul_rn(sum + off, by) : __ddiv_rn(sum + off, by);
            half = half_of_double(low);
            if (half != half_of_double(high)) half = mean_of(first + channel, step, count);
            mean[channel] = half;
            if (!half_is_finite(half)) *broken = 1;
        }
        centres[channel] = centre_of(half, signs[channel / 8] >> channel % 8 & 1);
    }
}
