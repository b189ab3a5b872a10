// Whole numbers of 2, 4 or 8 bits between the least and the greatest of a group of tokens of one channel (KIVI).
#include "rows.cuh"
#include "steps.cuh"

#define GROUP 32    // tokens of a group that `channel_codes` knows
#define THREADS 128

// Where words of one channel lie: `[heads, d, words]`, tokens from the lowest bit on.
__device__ __forceinline__ void write_eight(u32* row, u32 t, u32 words, u64 packed) {
#if BITS == 8
    if (t / 4 < words) row[t / 4] = (u32)packed;
    if (t / 4 + 1 < words) row[t / 4 + 1] = (u32)(packed >> 32);
#elif BITS == 4
    if (t / 8 < words) row[t / 8] = (u32)packed;
#else
    if (t / 8 < 2 * words) ((u16*)row)[t / 8] = (u16)packed;
#endif
}

// Groups of 32 tokens and channels in eights: a warp takes 64 channels of a group, a thread eight tokens of eight
// channels, so that rows are read in lines of 128 bytes and all of a word is in one thread.
extern "C" __global__ void __launch_bounds__(THREADS, 4) channel_codes(
    ROWS_PARAMETERS, u32* codes, u16* scale, u16* zero, u32* broken, u32 words) {
    Rows rows = ROWS_GIVEN;
    u32 lane = threadIdx.x & 31, slot = lane >> 3, chunks = d / 8, groups = (n + GROUP - 1) / GROUP;
    u32 at = (blockIdx.x * THREADS + threadIdx.x) / 32 * 8 + (lane & 7);
    bool real = at < groups * chunks;
    u32 part = real ? at / chunks : 0, channel = real ? at % chunks * 8 : 0, t = part * GROUP + slot * 8;
    u32 count = count_of(rows, blockIdx.y), last = min(count, n);
    float x[8][8], low[8], high[8];
    bool sound = true;
    if (whole_eights(rows) && last != 0) {
#pragma unroll
        for (int i = 0; i < 8; i++) eight(row_of(rows, blockIdx.y, t + i, last) + channel, x[i]);
    } else {
#pragma unroll
        for (int i = 0; i < 8; i++) some_of(row_of(rows, blockIdx.y, t + i, last), channel, 8, x[i]);
    }
#pragma unroll
    for (int i = 0; i < 8; i++) sound = sound && all_finite(x[i]);
#pragma unroll
    for (int j = 0; j < 8; j++) {
        low[j] = high[j] = x[0][j];
#pragma unroll
        for (int i = 1; i < 8; i++) low[j] = fminf(low[j], x[i][j]), high[j] = fmaxf(high[j], x[i][j]);
#pragma unroll
        for (int width = 8; width < 32; width *= 2) {
            low[j] = fminf(low[j], __shfl_xor_sync(FULL, low[j], width));
            high[j] = fmaxf(high[j], __shfl_xor_sync(FULL, high[j], width));
        }
    }
    // Each of the four threads that share channels makes the steps of two of them.
    u64 place = ((u64)blockIdx.y * groups + part) * d + channel;
    Step own[2];
#pragma unroll
    for (int k = 0; k < 2; k++) {
        u32 j = 2 * slot + k;
        float least = low[k], most = high[k];
#pragma unroll
        for (int other = 1; other < 4; other++) {
            if (slot == other) least = low[2 * other + k], most = high[2 * other + k];
        }
        sound = step_of(least, most, scale + place + j, zero + place + j, real, own[k]) && sound;
    }
#pragma unroll
    for (int j = 0; j < 8; j++) {
        u32 from = (lane & 7) + j / 2 * 8;
        Step step = {__shfl_sync(FULL, own[j % 2].zero, from), __shfl_sync(FULL, own[j % 2].scale, from),
                     __shfl_sync(FULL, own[j % 2].inverse, from)};
        float tokens[8];
#pragma unroll
        for (int i = 0; i < 8; i++) tokens[i] = x[i][j];
        u64 packed = eight_codes(tokens, step);
        // Behind the last token there are zeros.
        if (t + 8 > n) packed &= t < n ? (1ull << (BITS * (n - t))) - 1 : 0;
        if (real) write_eight(codes + ((u64)blockIdx.y * d + channel + j) * words, t, words, packed);
    }
    if (!sound && real) *broken = 1;
}

// Groups of any size: a thread takes a channel over `span` tokens, of which whole groups make whole words.
extern "C" __global__ void __launch_bounds__(THREADS) channel_codes_of_any_group(
    ROWS_PARAMETERS, u32* codes, u16* scale, u16* zero, u32* broken, u32 words, u32 group, u32 span) {
    Rows rows = ROWS_GIVEN;
    u32 at = blockIdx.x * THREADS + threadIdx.x, groups = (n + group - 1) / group;
    if (at >= (n + span - 1) / span * d) return;
    u32 channel = at % d, start = at / d * span, end = min(n, start + span), count = count_of(rows, blockIdx.y);
    u32* out = codes + ((u64)blockIdx.y * d + channel) * words + (u64)start * BITS / 32;
    u32 packed = 0, filled = 0;
    bool sound = true;
    for (u32 from = start; from < end; from += group) {
        u32 stop = min(end, from + group);
        float low = __int_as_float(0x7f800000), high = -low;
        for (u32 t = from; t < stop; t++) {
            const Element* row = row_of(rows, blockIdx.y, t, count);
            float x = row == nullptr ? 0.0f : number(row[channel]);
            sound = sound && finite(x);
            low = fminf(low, x), high = fmaxf(high, x);
        }
        u64 place = ((u64)blockIdx.y * groups + from / group) * d + channel;
        Step step;
        sound = step_of(low, high, scale + place, zero + place, true, step) && sound;
        for (u32 t = from; t < stop; t++) {
            const Element* row = row_of(rows, blockIdx.y, t, count);
            packed |= code_of(row == nullptr ? 0.0f : number(row[channel]), step) << filled;
            filled += BITS;
            if (filled == 32) *out++ = packed, packed = filled = 0;
        }
    }
    if (filled != 0) *out = packed;
    if (!sound) *broken = 1;
}
