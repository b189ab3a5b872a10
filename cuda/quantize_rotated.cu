// One to four bits an element of centred and rotated rows, with the factor that makes inner products right: the codes of
// NumPy. Rows are turned in f32, neighbours first, as it does. What it adds up and compares in f64 is added up and compared in
// f32 here, with a bound of the error; a row of which that does not decide all bits is done again in f64, in NumPy's order.
#define THREADS 256
#ifndef WIDTH
#define WIDTH 128  // of a turned row: 64, 128, 256 or 512
#endif
#define LANES (WIDTH / 32)  // threads of a row
#include "means.cuh"
#include "rows.cuh"

#ifndef STAGED
#define STAGED 0  // whether a block brings its rows to shared memory, which are those of one mean
#endif
#define AT_ONCE (THREADS / LANES)  // rows of a block at a time
#if WIDTH > 256 || FORM == F32 || (defined(__CUDA_ARCH__) && (__CUDA_ARCH__ < 800 || __CUDA_ARCH__ >= 1200))
#define BLOCKS 2  // of a multiprocessor
#else
#define BLOCKS 3
#endif
#define SUMMING (WIDTH > 128 ? WIDTH / 16 : 8)  // lanes that add up a row as NumPy does, 16 terms each

// Bounds of errors in units of 2^-24, of rows before they are scaled, which rounds each number. A sum of 32 terms a lane is off
// by 4 + 3 + 4 of itself at most: it has eight chains, and no term is below zero. A number by the length is off by half of that,
// 4 of the root, 2 of scaling, and 3 roundings, times 2.41 at the greatest middle, which is rounded too, and has a code in its
// last four bits: 32 at most. A factor is off by both sums, 3 of scaling, the rounding of levels, and 4 of the quotient.
#define UNIT 5.9604644775390625e-8f
#define NEAR_MIDDLE ((BITS > 2 ? 74 : 42) * UNIT)
#define NEAR_HALF (35 * UNIT)
// Squares of a row whose length is in between have all their bits.
#define LEAST_SQUARES 1e-25f
#define MOST_SQUARES 1e30f

#define BINS 256           // quarters of the length of a row by the root of its width, of which no number has more than 91
#define QUARTER 3145728.0f  // 1.5 * 2^21: a float near it has quarters of a whole number in its last two bits
#define NOWHERE 1e30f

// A middle of both signs, those below zero first.
__device__ __forceinline__ double signed_middle(int at) {
    return at == (int)MIDDLES ? -0.0 : at < (int)MIDDLES ? -middle_of(MIDDLES - 1 - at) : middle_of(at - MIDDLES - 1);
}

// The last middle that lies in a bin or before it, with the code above it in its last four bits; no bin has two.
__device__ __forceinline__ float bin_at(u32 at) {
    float middle = (float)signed_middle(0);
    u32 above = 1;
#pragma unroll
    for (int k = 1; k < 2 * (int)MIDDLES + 1; k++) {
        const int in = (int)(signed_middle(k) * 4.0 + 128.125) - 128;
        if (in <= (int)(at ^ 128) - 128) middle = (float)signed_middle(k), above = k + 1;
    }
    const u32 bits = __float_as_uint(middle), whole = (bits & ~15u) | above;
    const int over = (int)above - (int)(bits & 15);
    return __uint_as_float(over > 8 ? whole - 16 : over < -8 ? whole + 16 : whole);
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

#if WIDTH > 256
typedef u64 CodesOfLane;  // four bits each
#else
typedef u32 CodesOfLane;
#endif

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

// The bin of a number, `fourfold` times which are its quarters.
__device__ __forceinline__ u32 bin_of(float x, float fourfold) {
    return __float_as_uint(__fmaf_rn(x, fourfold, QUARTER)) / 4 % BINS;
}

// The code of a number, `by` times which has a mean square of one.
__device__ __forceinline__ u32 exact_code(float x, double by, const float* bins) {
#if BITS > 2
    // Only the middle of its bin is near.
    const double scaled = __dmul_rn((double)x, by);
    const u32 above = __float_as_uint(bins[bin_of((float)scaled, 4.0f)]) & 15;
    return scaled >= signed_middle((int)above - 1) ? above : above - 1;
#else
    return code_by_middles(x, by);
#endif
}

// A turned row in f64, by a warp; whether its factor fits 16 bits.
__device__ __forceinline__ bool exact_codes(const float* turned, const float* bins, u8* codes, u16* factor) {
    double length = __dsqrt_rn(summed([=](u32 at) { return __dmul_rn((double)turned[at], (double)turned[at]); }));
    double by = __ddiv_rn(sqrt((double)WIDTH), length > 0.0 ? length : 1.0);
    const u32 lane = threadIdx.x & 31;
    // A lane has the codes of every 32nd number.
    CodesOfLane own = 0;
#pragma unroll 1
    for (u32 k = 0; k < WIDTH / 32; k++) own |= (CodesOfLane)exact_code(turned[lane + 32 * k], by, bins) << (4 * k);
    auto code_at = [=](u32 at) { return (u32)(__shfl_sync(FULL, own, at % 32) >> (at / 32 * 4)) & 15; };
    double product = summed([=](u32 at) { return __dmul_rn((double)turned[at], signed_level(code_at(at))); });
    u16 half = half_of_double(__ddiv_rn(__dmul_rn(length, length), product > 0.0 ? product : 1.0));
    if (lane == 0) *factor = half;
#pragma unroll 1
    for (u32 chunk = lane; chunk < (CHUNKS > 32 ? CHUNKS : 32); chunk += 32) {
        u32 packed = 0;
#pragma unroll
        for (u32 j = 0; j < 8; j++) packed |= code_at(8 * chunk + j) << (BITS * j);
        if (chunk < CHUNKS) write_codes(codes, chunk, packed);
    }
    return half_is_finite(half);
}

__device__ __forceinline__ float over_row(const float (&chains)[8]) {
    float x = ((chains[0] + chains[1]) + (chains[2] + chains[3])) + ((chains[4] + chains[5]) + (chains[6] + chains[7]));
#pragma unroll
    for (int width = 1; width < LANES; width *= 2) x += __shfl_xor_sync(FULL, x, width);
    return x;
}

// Every other bit of sixteen, from the lowest on, out of eight.
__device__ __forceinline__ u32 spread_out(u32 bits) {
    bits = (bits | bits << 4) & 0x0f0f, bits = (bits | bits << 2) & 0x3333;
    return (bits | bits << 1) & 0x5555;
}

// Codes of the numbers of a lane, `by` times which have a mean square of one, packed by eights; `product` with their levels,
// and how far the nearest of them is off a middle. None is minus zero, but what is scaled may become it.
__device__ __forceinline__ void near_codes(
    const float (&x)[4][8], float by, float scale, const float* bins, const float* levels, u32 (&packed)[4], float& product,
    float& off) {
    float chains[8] = {0.0f, 0.0f, 0.0f, 0.0f, 0.0f, 0.0f, 0.0f, 0.0f};
    off = NOWHERE;
#pragma unroll
    for (int i = 0; i < 4; i++) {
        packed[i] = 0;
#if BITS > 2
        const float fourfold = by * 4.0f;
#pragma unroll
        for (int j = 0; j < 8; j++) {
            const float middle = bins[bin_of(x[i][j], fourfold)], beyond = __fmaf_rn(x[i][j], by, -middle);
            off = fminf(off, fabsf(beyond));
            const u32 code = (__float_as_uint(middle) & 15) + (u32)((int)__float_as_uint(beyond) >> 31);
            chains[j] = __fmaf_rn(x[i][j], levels[code], chains[j]);
            packed[i] += code << (BITS * j);
        }
#else
        u32 negative = 0, below = 0;
#pragma unroll
        for (int j = 7; j >= 0; j--) {
            const float size = fabsf(x[i][j]);
            // Floats of 32 bits may be so little that they become zero.
            const float scaled = FORM == F32 ? __fadd_rn(__fmul_rn(x[i][j], scale), 0.0f) : x[i][j];
            negative = negative << 1 | __float_as_uint(scaled) >> 31;
#if BITS == 2
            const float beyond = __fmaf_rn(size, by, -(float)middle_of(0));
            below = below << 1 | __float_as_uint(beyond) >> 31;
            off = fminf(off, fabsf(beyond));
            chains[j] = __fmaf_rn(size, beyond < 0.0f ? (float)LEVELS[0] : (float)LEVELS[1], chains[j]);
#else
            chains[j] += size;
#endif
        }
        packed[i] = BITS == 2 ? ~(spread_out(negative) << 1 | spread_out(below ^ negative)) : ~negative;
#endif
    }
    product = over_row(chains) * (BITS == 1 ? (float)LEVELS[0] : 1.0f);
}

// A block takes `tile` rows; with `averages` these are those of one mean, which it makes first.
extern "C" __global__ void __launch_bounds__(THREADS, BLOCKS) rotated_codes(
    ROWS_PARAMETERS, u32* codes, u16* factor, u16* mean, u32* broken, u32 block, u32 tile, int averages, u64 seed, float scale) {
    extern __shared__ __align__(16) u8 shared[];
    // Sums of means first, and then rows in doubt.
    __shared__ double parts[SLOTS * WIDTH];
    __shared__ float4 fours[WIDTH / 4];
    __shared__ float levels[16], tops[THREADS / 32], bins[BITS > 2 ? BINS : 1];
    __shared__ u8 signs[CHUNKS];
    float* centres = (float*)fours;  // of a mean, with the signs of a rotation
    Rows rows = ROWS_GIVEN;
    const u32 head = blockIdx.y, lane = threadIdx.x % LANES, count = min(count_of(rows, head), n);
    const u32 start = blockIdx.x * tile, end = min(n, start + tile), blocks = (n + block - 1) / block;
    u16* means = mean + (u64)head * blocks * d;
#pragma unroll 1
    for (u32 at = threadIdx.x; at < WIDTH; at += THREADS) {
        u32 turned = (u32)turns(at, seed) << at % 8;
#pragma unroll
        for (int width = 1; width < 8; width *= 2) turned |= __shfl_xor_sync(FULL, turned, width);
        if (at % 8 == 0) signs[at / 8] = (u8)turned;
    }
    if (threadIdx.x < 2 * HALF_LEVELS) levels[threadIdx.x] = (float)signed_level(threadIdx.x);
    if (BITS > 2) bins[threadIdx.x] = bin_at(threadIdx.x);
    __syncthreads();
#if STAGED
    Element* stage = (Element*)shared;
    staged_mean(row_of(rows, head, start, n), token_step, end - start, d, stage, means + (u64)blockIdx.x * d, centres, signs,
                broken, parts, tops);
    __syncthreads();
#else
    if (averages) {
        const u32 counting = count > start ? min(count, end) - start : 0;
        u16* own = means + (u64)blockIdx.x * d;
        block_mean(row_of(rows, head, start, n), token_step, counting, d, own, broken, parts, (float*)(parts + THREADS));
        __syncthreads();
        for (u32 at = threadIdx.x; at < WIDTH; at += THREADS) {
            centres[at] = centre_of(at < d ? own[at] : (u16)0, signs[at / 8] >> at % 8 & 1);
        }
        __syncthreads();
    }
    const bool straight = whole_eights(rows) && d == WIDTH && count != 0;
#endif
    float* held = (float*)parts + threadIdx.x / 32 * WIDTH;
    bool sound = true;
    for (u32 from = start; from < end; from += AT_ONCE) {
        const u32 own = from + threadIdx.x / LANES, t = min(own, end - 1);
        float x[4][8];
#if !STAGED
        const Element* row = row_of(rows, head, t, count);
        const u16* centre = means + (u64)(t / block) * d;
#endif
#pragma unroll
        for (int i = 0; i < 4; i++) {
            const u32 chunk = lane + LANES * i;
#if STAGED
            const Eight eight = *(const Eight*)(stage + (t - start) * WIDTH + 8 * place_of(t - start, chunk));
#else
            const u32 some = 8 * chunk < d ? d - 8 * chunk : 0;
            const Eight eight = flipped(straight ? eight_at(row + 8 * chunk) : some_eight(row, 8 * chunk, some), signs_of_eight(signs[chunk]));
            if (!averages) {
#pragma unroll
                for (u32 j = 0; j < 8; j++) {
                    const float one = centre_of(j < some ? centre[8 * chunk + j] : (u16)0, signs[chunk] >> j & 1);
                    x[i][j] = __fsub_rn(element_of(eight, j), one);
                }
            } else
#endif
            {
                const float4 low = fours[2 * chunk], high = fours[2 * chunk + 1];
                const float all[8] = {low.x, low.y, low.z, low.w, high.x, high.y, high.z, high.w};
#pragma unroll
                for (int j = 0; j < 8; j++) x[i][j] = __fsub_rn(element_of(eight, j), all[j]);
            }
            turn_eight(x[i]);
        }
#pragma unroll
        for (int width = 1; width < LANES; width *= 2) {
            // The upper of two lanes has the difference.
            const float sign = lane & width ? -1.0f : 1.0f;
#pragma unroll
            for (int i = 0; i < 4; i++) {
#pragma unroll
                for (int j = 0; j < 8; j++) x[i][j] = __fmaf_rn(x[i][j], sign, __shfl_xor_sync(FULL, x[i][j], width));
            }
        }
        float chains[8] = {0.0f, 0.0f, 0.0f, 0.0f, 0.0f, 0.0f, 0.0f, 0.0f};
#pragma unroll
        for (int j = 0; j < 8; j++) {
            butterfly(x[0][j], x[1][j]), butterfly(x[2][j], x[3][j]);
            butterfly(x[0][j], x[2][j]), butterfly(x[1][j], x[3][j]);
#pragma unroll
            for (int i = 0; i < 4; i++) chains[j] = __fmaf_rn(x[i][j], x[i][j], chains[j]);
        }
        const float square = over_row(chains);
        const float by = near_inverse_root(square) * ((float)WIDTH * scale);
        float product, off;
        u32 packed[4];
        near_codes(x, by, scale, bins, levels, packed, product, off);
        const float found = near_quotient(square, product) * scale;
        const u16 half = half_of(found * (1.0f - NEAR_HALF));
        const bool decided = square >= LEAST_SQUARES && square <= MOST_SQUARES && off > NEAR_MIDDLE &&
                             half == half_of(found * (1.0f + NEAR_HALF));
        u32 doubt = own < end && !decided;
        const u64 place = (u64)head * n + t;
        if (own < end) {
            if (lane == 0) factor[place] = half;
#pragma unroll
            for (int i = 0; i < 4; i++) {
                write_codes((u8*)codes + place * (WIDTH * BITS / 8), lane + LANES * i, packed[i]);
            }
        }
        const bool some_doubt = __any_sync(FULL, doubt);
        if (some_doubt) {
#pragma unroll
            for (int width = 1; width < LANES; width *= 2) doubt |= __shfl_xor_sync(FULL, doubt, width);
        }
        sound = sound && (doubt || own >= end || half_is_finite(half));
        if (!some_doubt) continue;
        // Rows in doubt one after another, by a warp, over what was written of them.
        __syncwarp();
#pragma unroll 1
        for (u32 which = 0; which < 32; which += LANES) {
            if (!__shfl_sync(FULL, doubt, which)) continue;
            if (threadIdx.x % 32 / LANES == which / LANES) {
#pragma unroll
                for (int i = 0; i < 4; i++) {
#pragma unroll
                    for (int j = 0; j < 8; j++) held[8 * (lane + LANES * i) + j] = __fmul_rn(x[i][j], scale);
                }
            }
            __syncwarp();
            const u64 of = (u64)head * n + __shfl_sync(FULL, t, which);
            sound = exact_codes(held, bins, (u8*)codes + of * (WIDTH * BITS / 8), factor + of) && sound;
            __syncwarp();
        }
    }
    if (!sound) *broken = 1;
}
