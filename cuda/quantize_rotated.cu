// One to four bits an element of centred and rotated rows, with the factor that makes inner products right: the codes of
// NumPy. Rows are turned in f32, neighbours first, as it does. What it adds up and compares in f64 is added up and compared in
// f32 here, with a bound of the error; a row of which that does not decide all bits is done again in f64, in NumPy's order.
#include "eights.cuh"
#include "levels.cuh"
#include "rows.cuh"

#define THREADS 256
#ifndef WIDTH
#define WIDTH 128  // of a turned row: 64, 128, 256 or 512
#endif
#define LANES (WIDTH / 16)         // threads of a row
#define AT_ONCE (THREADS / LANES)  // rows of a block at a time
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 1000 && WIDTH == 256
#define BLOCKS 2  // of a multiprocessor; with three the compiler spills
#else
#define BLOCKS 3
#endif
#define SUMMING (WIDTH > 128 ? WIDTH / 16 : 8)  // lanes that add up a row as NumPy does, 16 terms each

// Bounds of errors in units of 2^-24. A sum of 16 terms a lane is off by 4 + 2 + 5 of itself at most: it has four chains, and
// no term is below zero. A number by the length is off by half of that, 4 of the root, and 3 roundings, times 2.41 at the
// greatest middle, which is rounded too. A factor is off by both sums, the rounding of levels, and 4 of the quotient.
#define UNIT 5.9604644775390625e-8f
#define NEAR_MIDDLE (36 * UNIT)
#define NEAR_HALF (31 * UNIT)
// Squares of a row whose length is in between have all their bits.
#define LEAST_SQUARES 1e-25f
#define MOST_SQUARES 1e30f

#define BINS 128  // quarters of the length of a row by the root of its width, which no number of it reaches
#define NOWHERE 1e30f

// The middle that lies in a bin of numbers around one quarter, and one more than the middles below it.
struct __align__(8) Bin {
    float middle;
    u32 above;
};

__device__ __forceinline__ Bin bin_at(u32 at) {
    Bin bin = {NOWHERE, 1};
#pragma unroll
    for (u32 k = 0; k < MIDDLES; k++) {
        const u32 in = (u32)(middle_of(k) * 4.0 + 0.5);
        if (in < at) bin.above++;
        if (in == at) bin.middle = (float)middle_of(k);
    }
    // Where no middle lies, what is never reached counts for one too many.
    return bin;
}

// Writes the mean of so many elements that lie `step` apart, one after another.
__device__ __forceinline__ u16 mean_of(const Element* first, u64 step, u32 count) {
    double sum = 0.0;
#pragma unroll 8
    for (u32 at = 0; at < count; at++) sum = __dadd_rn(sum, (double)number(first[at * step]));
    return half_of_double(count != 0 ? __ddiv_rn(sum, (double)count) : 0.0);
}

// A mean a block of tokens, over those that count: a thread a channel.
extern "C" __global__ void __launch_bounds__(THREADS) block_means(ROWS_PARAMETERS, u16* mean, u32* broken, u32 block) {
    Rows rows = ROWS_GIVEN;
    u32 at = blockIdx.x * THREADS + threadIdx.x, blocks = (n + block - 1) / block;
    if (at >= blocks * d) return;
    u32 part = at / d, start = part * block, end = min(count_of(rows, blockIdx.y), start + block);
    const Element* begin = row_of(rows, blockIdx.y, start, n) + at % d;
    u16 half = mean_of(begin, token_step, start < end ? end - start : 0);
    mean[(u64)blockIdx.y * blocks * d + at] = half;
    if (!half_is_finite(half)) *broken = 1;
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

// The sum of the terms of a row in NumPy's order, the same in all lanes of a warp: eight of them add up 128 terms, an eighth
// each.
template <class F> __device__ __forceinline__ double summed(F term) {
    const u32 lane = threadIdx.x & (SUMMING - 1), start = lane / 8 * 128 + (lane & 7);
    double sum = term(start);
#pragma unroll 1
    for (u32 at = 8; at < (WIDTH < 128 ? WIDTH : 128); at += 8) sum = __dadd_rn(sum, term(start + at));
#pragma unroll
    for (int width = 1; width < SUMMING; width *= 2) sum = __dadd_rn(sum, __shfl_xor_sync(FULL, sum, width));
    return sum;
}

__device__ __forceinline__ void write_codes(u8* row, u32 chunk, u32 packed) {
#if BITS == 4
    ((u32*)row)[chunk] = packed;
#elif BITS == 2
    ((u16*)row)[chunk] = (u16)packed;
#elif BITS == 1
    row[chunk] = (u8)packed;
#else
    row[3 * chunk] = (u8)packed, row[3 * chunk + 1] = (u8)(packed >> 8), row[3 * chunk + 2] = (u8)(packed >> 16);
#endif
}

// A turned row in f64, by a warp; whether its factor fits 16 bits.
__device__ __forceinline__ bool exact_codes(const float* turned, u8* codes, u16* factor) {
    double length = __dsqrt_rn(summed([=](u32 at) { return __dmul_rn((double)turned[at], (double)turned[at]); }));
    double by = __ddiv_rn(sqrt((double)WIDTH), length > 0.0 ? length : 1.0);
    double product = summed(
        [=](u32 at) { return __dmul_rn((double)turned[at], signed_level(code_by_middles(turned[at], by))); });
    u16 half = half_of_double(__ddiv_rn(__dmul_rn(length, length), product > 0.0 ? product : 1.0));
    const u32 lane = threadIdx.x & 31;
    if (lane == 0) *factor = half;
#pragma unroll 1
    for (u32 chunk = lane; chunk < WIDTH / 8; chunk += 32) {
        u32 packed = 0;
#pragma unroll 1
        for (u32 j = 0; j < 8; j++) packed |= code_by_middles(turned[8 * chunk + j], by) << (BITS * j);
        write_codes(codes, chunk, packed);
    }
    return half_is_finite(half);
}

__device__ __forceinline__ float over_row(float x) {
#pragma unroll
    for (int width = 1; width < LANES; width *= 2) x += __shfl_xor_sync(FULL, x, width);
    return x;
}

// Codes of the sixteen numbers of a lane, `by` times which have a mean square of one, packed by eights; `product` with their
// levels, and how far the nearest of them is off a middle.
__device__ __forceinline__ void near_codes(
    const float (&x)[2][8], float by, const Bin* bins, const float* levels, u32 (&packed)[2], float& product, float& off) {
    float sums[4] = {0.0f, 0.0f, 0.0f, 0.0f};
    off = NOWHERE;
#pragma unroll
    for (int i = 0; i < 2; i++) {
        packed[i] = 0;
#pragma unroll
        for (int j = 0; j < 8; j++) {
            const float size = fabsf(x[i][j]);
            // All bits where a number is below zero, which minus zero is not.
            const u32 negative = (u32)((int)__float_as_uint(__fadd_rn(x[i][j], 0.0f)) >> 31);
            u32 above = 0;
            float level = 1.0f;
#if BITS == 2
            const float beyond = __fsub_rn(__fmul_rn(size, by), (float)middle_of(0));
            const u32 below = (u32)((int)__float_as_uint(beyond) >> 31);
            off = fminf(off, fabsf(beyond));
            above = 1 + below;
            level = __uint_as_float((__float_as_uint((float)LEVELS[0]) & below) | (__float_as_uint((float)LEVELS[1]) & ~below));
#elif BITS > 2
            const float scaled = __fmul_rn(size, by);
            const u32 nearest = __float_as_uint(__fmaf_rn(scaled, 4.0f, 8388608.0f)) % BINS;
            const Bin bin = bins[nearest];
            const float beyond = __fsub_rn(scaled, bin.middle);
            off = fminf(off, fabsf(beyond));
            above = bin.above + (u32)((int)__float_as_uint(beyond) >> 31);
            level = levels[above];
#endif
            sums[j % 4] = __fmaf_rn(size, level, sums[j % 4]);
            packed[i] += (above ^ (negative & (TOP))) << (BITS * j);
        }
#pragma unroll
        for (int j = 0; j < 8; j++) packed[i] ^= HALF_LEVELS << (BITS * j);
    }
    product = over_row((sums[0] + sums[1]) + (sums[2] + sums[3])) * (BITS == 1 ? (float)LEVELS[0] : 1.0f);
}

// A block takes `tile` rows; with `averages` these are those of one mean, which it makes first. With `staged` they are brought
// to shared memory before, so that they come from memory once and all at a time.
extern "C" __global__ void __launch_bounds__(THREADS, BLOCKS) rotated_codes(
    ROWS_PARAMETERS, u32* codes, u16* factor, u16* mean, u32* broken, u32 block, u32 tile, int averages, int staged,
    u64 seed, float scale) {
    extern __shared__ __align__(16) u8 shared[];
    __shared__ float doubtful[THREADS / 32][WIDTH], levels[HALF_LEVELS], sizes[THREADS];
    __shared__ double sums[THREADS];
    __shared__ Eight flips[WIDTH / 8];
    __shared__ u8 signs[WIDTH / 8];
    __shared__ Bin bins[BITS > 2 ? BINS : 1];
    Element* stage = (Element*)shared;  // [tile][d]
    Rows rows = ROWS_GIVEN;
    const u32 head = blockIdx.y, lane = threadIdx.x & (LANES - 1), count = min(count_of(rows, head), n);
    const u32 start = blockIdx.x * tile, end = min(n, start + tile), blocks = (n + block - 1) / block;
    u16* means = mean + (u64)head * blocks * d;
    if (staged) {
        const u32 chunks = d / 8;
#pragma unroll 8
        for (u32 at = threadIdx.x; at < (end - start) * chunks; at += THREADS) {
            copy_eight(stage + at * 8, row_of(rows, head, start + at / chunks, count) + at % chunks * 8);
        }
        __syncthreads();
    }
    if (averages) {
        const Element* begin = staged ? stage : row_of(rows, head, start, n);
        const u32 counting = count > start ? min(count, end) - start : 0;
        block_mean(begin, staged ? d : token_step, counting, d, means + (u64)blockIdx.x * d, broken, sums, sizes);
    }
    if (threadIdx.x < HALF_LEVELS) levels[threadIdx.x] = (float)level_of(threadIdx.x);
    if (BITS > 2 && threadIdx.x < BINS) bins[threadIdx.x] = bin_at(threadIdx.x);
    if (threadIdx.x < WIDTH / 8) {
        u32 turned = 0;
#pragma unroll 1
        for (u32 j = 0; j < 8; j++) turned |= (u32)turns(8 * threadIdx.x + j, seed) << j;
        signs[threadIdx.x] = (u8)turned, flips[threadIdx.x] = signs_of_eight(turned);
    }
    __syncthreads();
    float* held = doubtful[threadIdx.x / 32];
    bool sound = true, straight = whole_eights(rows) && d == WIDTH && count != 0;
    float centres[2][8];
    u32 centred_by = ~0u;
    for (u32 from = start; from < end; from += AT_ONCE) {
        const u32 own = from + threadIdx.x / LANES, t = min(own, end - 1);
        const Element* row = staged ? stage + (t - start) * d : row_of(rows, head, t, count);
        const u32 part = averages ? blockIdx.x : t / block;
        if (part != centred_by) {
            centred_by = part;
            const u16* centre = means + (u64)centred_by * d;
#pragma unroll
            for (int i = 0; i < 2; i++) {
#pragma unroll
                for (u32 j = 0; j < 8; j++) {
                    const u32 channel = 8 * (lane + LANES * i) + j;
                    const float one = channel < d ? of_half(centre[channel]) : 0.0f;
                    centres[i][j] = signs[lane + LANES * i] >> j & 1 ? -one : one;
                }
            }
        }
        float x[2][8];
#pragma unroll
        for (int i = 0; i < 2; i++) {
            const u32 channel = 8 * (lane + LANES * i), some = channel < d ? d - channel : 0;
            const Eight eight = flipped(straight ? eight_at(row + channel) : some_eight(row, channel, some), flips[lane + LANES * i]);
#pragma unroll
            for (int j = 0; j < 8; j++) x[i][j] = __fsub_rn(element_of(eight, j), centres[i][j]);
            turn_eight(x[i]);
        }
#pragma unroll
        for (int width = 1; width < LANES; width *= 2) {
            // The upper of two lanes has the difference.
            const float sign = lane & width ? -1.0f : 1.0f;
#pragma unroll
            for (int i = 0; i < 2; i++) {
#pragma unroll
                for (int j = 0; j < 8; j++) x[i][j] = __fmaf_rn(x[i][j], sign, __shfl_xor_sync(FULL, x[i][j], width));
            }
        }
        float squares[4] = {0.0f, 0.0f, 0.0f, 0.0f};
#pragma unroll
        for (int j = 0; j < 8; j++) {
            butterfly(x[0][j], x[1][j]);
#pragma unroll
            for (int i = 0; i < 2; i++) {
                x[i][j] = __fmul_rn(x[i][j], scale);
                squares[j % 4] = __fmaf_rn(x[i][j], x[i][j], squares[j % 4]);
            }
        }
        const float square = over_row((squares[0] + squares[1]) + (squares[2] + squares[3]));
        const float by = near_inverse_root(square) * ((float)WIDTH * scale);
        float product, off;
        u32 packed[2];
        near_codes(x, by, bins, levels, packed, product, off);
        const float found = near_quotient(square, product);
        const u16 half = half_of(found * (1.0f - NEAR_HALF));
        const bool decided = square >= LEAST_SQUARES && square <= MOST_SQUARES && off > NEAR_MIDDLE &&
                             half == half_of(found * (1.0f + NEAR_HALF));
        u32 doubt = !decided;
#pragma unroll
        for (int width = 1; width < LANES; width *= 2) doubt |= __shfl_xor_sync(FULL, doubt, width);
        const u64 place = (u64)head * n + t;
        if (own < end && !doubt) {
            if (lane == 0) factor[place] = half;
            sound = sound && half_is_finite(half);
#pragma unroll
            for (int i = 0; i < 2; i++) {
                write_codes((u8*)codes + place * (WIDTH * BITS / 8), lane + LANES * i, packed[i]);
            }
        }
        // Rows in doubt one after another, by a warp.
#pragma unroll 1
        for (u32 which = 0; which < 32; which += LANES) {
            if (!__shfl_sync(FULL, doubt, which)) continue;
            if ((threadIdx.x & 31) / LANES == which / LANES) {
#pragma unroll
                for (int i = 0; i < 2; i++) {
#pragma unroll
                    for (int j = 0; j < 8; j++) held[8 * (lane + LANES * i) + j] = x[i][j];
                }
            }
            __syncwarp();
            const u64 of = (u64)head * n + __shfl_sync(FULL, t, which);
            sound = exact_codes(held, (u8*)codes + of * (WIDTH * BITS / 8), factor + of) && sound;
            __syncwarp();
        }
    }
    if (!sound) *broken = 1;
}
