// Whole numbers of 2, 4 or 8 bits between the least and the greatest of a group of tokens of one channel (KIVI).
#include "eights.cuh"
#include "rows.cuh"
#include "steps.cuh"

#define GROUP 32         // tokens of a group that `channel_codes` knows
#define THREADS 128      // of `channel_codes_of_any_group`
#define WARPS 8          // groups of a block, a warp each
#define BLOCK (32 * WARPS)
#define CHANNELS 64      // of a block
#define WORDS (WARPS * BITS)  // of a channel in a block: those of a group are as many as bits

// Eight codes of a channel, where a warp has them.
#if BITS == 8
typedef u64 Packed;
#elif BITS == 4
typedef u32 Packed;
#else
typedef u16 Packed;
#endif

// Which word of a channel of a block holds word `word`: groups change places from one eight of channels to the next, so that
// threads of a warp meet in no bank.
__device__ __forceinline__ u32 held_at(u32 channel, u32 word) {
    return channel * WORDS + ((word / BITS) ^ (channel / 8)) * BITS + word % BITS;
}

// Groups of 32 tokens and channels in eights: a block takes 64 channels of eight groups, a thread eight tokens of eight
// channels, so that rows are read, and words written, in whole lines.
extern "C" __global__ void __launch_bounds__(BLOCK) channel_codes(
    ROWS_PARAMETERS, u32* codes, u16* scale, u16* zero, u32* broken, u32 words) {
    __shared__ u64 shared[CHANNELS * WORDS / 2];
    __shared__ Step steps[WARPS][CHANNELS];
    u32* held = (u32*)shared;
    Rows rows = ROWS_GIVEN;
    const u32 lane = threadIdx.x & 31, warp = threadIdx.x >> 5, slot = lane >> 3, chunk = lane & 7;
    const u32 groups = (n + GROUP - 1) / GROUP, across = (d + CHANNELS - 1) / CHANNELS;
    const u32 begin = blockIdx.x / across * WARPS, start = blockIdx.x % across * CHANNELS;
    const u32 part = begin + warp, t = part * GROUP + slot * 8, channel = start + chunk * 8;
    const bool real = channel < d && part < groups;
    const u32 last = min(count_of(rows, blockIdx.y), n), from = channel < d ? channel : 0;
    Eight x[8];
    if (whole_eights(rows) && last != 0) {
        const Element* head = head_of(rows, blockIdx.y) + from;
#pragma unroll
        for (int i = 0; i < 8; i++) x[i] = eight_at(head + min(t + i, last - 1) * token_step);
    } else {
#pragma unroll
        for (int i = 0; i < 8; i++) x[i] = some_eight(row_of(rows, blockIdx.y, t + i, last), from, 8);
    }
    // Each of the four threads that share channels makes the steps of two of them.
    Ends own[2];
    ends_across(x, slot, own);
    bool sound = true;
    u16 sizes[2], bases[2];
#pragma unroll
    for (int k = 0; k < 2; k++) {
        sound = step_of(low_of(own[k]), high_of(own[k]), sizes[k], bases[k]) && are_finite(own[k]) && sound;
        steps[warp][(2 * slot + k) * 8 + chunk] = step_with(sizes[k], bases[k]);
    }
    if (real) {
        u64 place = ((u64)blockIdx.y * groups + part) * d + channel + 2 * slot;
        *(u32*)(scale + place) = sizes[0] | (u32)sizes[1] << 16;
        *(u32*)(zero + place) = bases[0] | (u32)bases[1] << 16;
        if (!sound) *broken = 1;
    }
    __syncwarp();
#pragma unroll
    for (int j = 0; j < 8; j++) {
        float tokens[8];
#pragma unroll
        for (int i = 0; i < 8; i++) tokens[i] = element_of(x[i], j);
        u64 packed = eight_codes(tokens, steps[warp][j * 8 + chunk]);
        // Behind the last token there are zeros.
        if (t + 8 > n) packed &= t < n ? (1ull << (BITS * (n - t))) - 1 : 0;
        ((Packed*)(held + held_at(chunk * 8 + j, warp * BITS)))[slot] = (Packed)packed;
    }
    __syncthreads();
    u32* out = codes + ((u64)blockIdx.y * d + start) * words + begin * BITS;
    const u32 some = min(d - start, (u32)CHANNELS), left = words - begin * BITS;
#pragma unroll
    for (u32 at = threadIdx.x; at < CHANNELS * WORDS; at += BLOCK) {
        const u32 row = at / WORDS, word = at % WORDS;
        if (row < some && word < left) out[(u64)row * words + word] = held[held_at(row, word)];
    }
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
