// One to four bits an element of centred and rotated rows, with the factor that makes inner products right: the codes of
// NumPy. Rows are turned in f32, neighbours first; lengths and means are f64 sums in NumPy's order, which is eight lanes,
// pairs of these, and halves above 128 elements.
#include "levels.cuh"
#include "rows.cuh"

#define THREADS 256
#ifndef WIDTH
#define WIDTH 128  // of a turned row: 64, 128, 256 or 512
#endif
#define LANES (WIDTH > 128 ? WIDTH / 16 : 8)  // threads of a row
#define CHUNKS (WIDTH / LANES / 8)            // eights of a thread
#define PITCH (WIDTH + 8)                     // rows of a warp meet in no bank
#define AT_ONCE (THREADS / LANES)             // rows of a block that are in shared memory

// The mean of so many elements that lie `step` apart, one after another.
__device__ __forceinline__ void mean_of(const Element* first, u64 step, u32 count, u16* mean, u32* broken) {
    double sum = 0.0;
#pragma unroll 8
    for (u32 at = 0; at < count; at++) sum = __dadd_rn(sum, (double)number(first[at * step]));
    u16 half = half_of_double(count != 0 ? __ddiv_rn(sum, (double)count) : 0.0);
    *mean = half;
    if (!half_is_finite(half)) *broken = 1;
}

// A mean a block of tokens, over those that count: a thread a channel.
extern "C" __global__ void __launch_bounds__(THREADS) block_means(ROWS_PARAMETERS, u16* mean, u32* broken, u32 block) {
    Rows rows = ROWS_GIVEN;
    u32 at = blockIdx.x * THREADS + threadIdx.x, blocks = (n + block - 1) / block;
    if (at >= blocks * d) return;
    u32 part = at / d, start = part * block, end = min(count_of(rows, blockIdx.y), start + block);
    const Element* begin = row_of(rows, blockIdx.y, start, n) + at % d;
    mean_of(begin, token_step, start < end ? end - start : 0, mean + (u64)blockIdx.y * blocks * d + at, broken);
}

// The sum of the terms of a row in NumPy's order, the same in all its lanes: eight of them add up 128 terms, an eighth each.
template <class F> __device__ __forceinline__ double summed(u32 lane, F term) {
    u32 start = lane / 8 * 128 + (lane & 7);
    double sum = term(start);
#pragma unroll
    for (u32 at = 8; at < (WIDTH < 128 ? WIDTH : 128); at += 8) sum = __dadd_rn(sum, term(start + at));
#pragma unroll
    for (int width = 1; width < LANES; width *= 2) sum = __dadd_rn(sum, __shfl_xor_sync(FULL, sum, width));
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

// A block takes `tile` rows; with `averages` these are those of one mean, which it makes first. With `staged` they are brought
// to shared memory before, so that they come from memory once and all at a time.
extern "C" __global__ void __launch_bounds__(THREADS, 2) rotated_codes(
    ROWS_PARAMETERS, u32* codes, u16* factor, u16* mean, u32* broken, u32 block, u32 tile, int averages, int staged,
    u64 seed, float scale) {
    extern __shared__ __align__(16) u8 shared[];
    __shared__ double levels[HALF_LEVELS];
    float* held = (float*)shared;                               // [AT_ONCE][PITCH]
    Element* stage = (Element*)(shared + AT_ONCE * PITCH * 4);  // [tile][d]
    Rows rows = ROWS_GIVEN;
    u32 head = blockIdx.y, lane = threadIdx.x & (LANES - 1), count = count_of(rows, head);
    u32 start = blockIdx.x * tile, end = min(n, start + tile), blocks = (n + block - 1) / block;
    u16* means = mean + (u64)head * blocks * d;
    if (staged) {
        u32 chunks = d / 8;
#pragma unroll 4
        for (u32 at = threadIdx.x; at < (end - start) * chunks; at += THREADS) {
            const Element* from = row_of(rows, head, start + at / chunks, count) + at % chunks * 8;
            copy_eight(stage + at * 8, from);
        }
        __syncthreads();
    }
    if (averages) {
        const Element* begin = staged ? stage : row_of(rows, head, start, n);
        u32 counting = count > start ? min(count, end) - start : 0;
        for (u32 channel = threadIdx.x; channel < d; channel += THREADS) {
            mean_of(begin + channel, staged ? d : token_step, counting, means + blockIdx.x * d + channel, broken);
        }
    }
    if (threadIdx.x < HALF_LEVELS) levels[threadIdx.x] = level_of(threadIdx.x);
    u64 signs = 0;
#pragma unroll
    for (int i = 0; i < CHUNKS; i++) {
        for (u32 j = 0; j < 8; j++) signs |= (u64)turns(8 * (lane + LANES * i) + j, seed) << (8 * i + j);
    }
    float* mine = held + threadIdx.x / LANES * PITCH;
    bool sound = true, straight = whole_eights(rows) && d == WIDTH && count != 0;
    for (u32 from = start; from < end; from += AT_ONCE) {
        __syncthreads();
        u32 t = min(from + threadIdx.x / LANES, end - 1);
        const Element* row = staged ? stage + (t - start) * d : row_of(rows, head, t, count);
        const u16* centre = means + (u64)(t / block) * d;
        float x[CHUNKS][8];
        uint4 centres[CHUNKS];
        if (straight) {
#pragma unroll
            for (int i = 0; i < CHUNKS; i++) {
                eight(row + 8 * (lane + LANES * i), x[i]);
                centres[i] = *(const uint4*)(centre + 8 * (lane + LANES * i));
            }
        }
#pragma unroll
        for (int i = 0; i < CHUNKS; i++) {
            u32 first = 8 * (lane + LANES * i);
            if (!straight && first < d) some_of(row, first, d - first, x[i]);
            if (first < d) sound = sound && all_finite(x[i]);
            const u32 pairs[4] = {centres[i].x, centres[i].y, centres[i].z, centres[i].w};
#pragma unroll
            for (int j = 0; j < 8; j++) {
                u16 half = straight ? (u16)(pairs[j / 2] >> (j % 2 * 16)) : first + j < d ? centre[first + j] : (u16)0;
                float centred = first + j < d ? __fsub_rn(x[i][j], of_half(half)) : 0.0f;
                x[i][j] = (signs >> (8 * i + j)) & 1 ? -centred : centred;
            }
            turn_eight(x[i]);
        }
#pragma unroll
        for (int width = 1; width < LANES; width *= 2) {
#pragma unroll
            for (int i = 0; i < CHUNKS; i++) {
#pragma unroll
                for (int j = 0; j < 8; j++) {
                    float other = __shfl_xor_sync(FULL, x[i][j], width);
                    x[i][j] = lane & width ? __fsub_rn(other, x[i][j]) : __fadd_rn(x[i][j], other);
                }
            }
        }
#pragma unroll
        for (int half = 1; half < CHUNKS; half *= 2) {
#pragma unroll
            for (int i = 0; i < CHUNKS; i++) {
#pragma unroll
                for (int j = 0; j < 8; j++) {
                    if ((i & half) == 0) butterfly(x[i][j], x[i + half][j]);
                }
            }
        }
#pragma unroll
        for (int i = 0; i < CHUNKS; i++) {
#pragma unroll
            for (int j = 0; j < 8; j++) {
                x[i][j] = __fmul_rn(x[i][j], scale);
                mine[8 * (lane + LANES * i) + j] = x[i][j];
            }
        }
        __syncthreads();
        double length = __dsqrt_rn(summed(lane, [=](u32 at) { return __dmul_rn((double)mine[at], (double)mine[at]); }));
        double by = __ddiv_rn(sqrt((double)WIDTH), length > 0.0 ? length : 1.0);
        // Lanes find a threshold each.
        bool meets = false;
        float least[MIDDLES + 1], own = lane < MIDDLES ? least_reaching(middle_of(lane), by, meets) : 0.0f;
        u32 tie = meets;
#pragma unroll
        for (int width = 1; width < LANES; width *= 2) tie |= __shfl_xor_sync(FULL, tie, width);
#pragma unroll
        for (int k = 0; k < MIDDLES; k++) least[k] = __shfl_sync(FULL, own, (threadIdx.x & 31 & ~(LANES - 1)) + k);
        auto code_of_turned = [&](float one) -> u32 {
            if (tie) return code_by_middles(one, by);
            u32 above = 0;
#pragma unroll
            for (int k = 0; k < MIDDLES; k++) above += fabsf(one) >= least[k];
            return one >= 0.0f ? HALF_LEVELS + above : MIDDLES - above;
        };
        double product = summed(lane, [&](u32 at) {
            u32 code = code_of_turned(mine[at]);
            return __dmul_rn((double)fabsf(mine[at]), levels[code >= HALF_LEVELS ? code - HALF_LEVELS : MIDDLES - code]);
        });
        u16 half = half_of_double(__ddiv_rn(__dmul_rn(length, length), product > 0.0 ? product : 1.0));
        sound = sound && half_is_finite(half);
        if (from + threadIdx.x / LANES < end) {
            u64 place = (u64)head * n + t;
            if (lane == 0) factor[place] = half;
#pragma unroll
            for (int i = 0; i < CHUNKS; i++) {
                u32 packed = 0;
#pragma unroll
                for (int j = 0; j < 8; j++) packed |= code_of_turned(x[i][j]) << (BITS * j);
                write_codes((u8*)codes + place * (WIDTH * BITS / 8), lane + LANES * i, packed);
            }
        }
    }
    if (!sound) *broken = 1;
}
