// Whole numbers of 2, 4 or 8 bits between the least and the greatest of a group of channels of one token (KIVI).
#include "rows.cuh"
#include "steps.cuh"

#define GROUPS 256  // threads of a block

// `lanes` threads a group, a power of two up to a warp, each with eight channels at a time. Words that lie within one
// group are written here; where they do not, `words` is 0 and `token_words` writes them afterwards.
extern "C" __global__ void __launch_bounds__(GROUPS) token_codes(
    ROWS_PARAMETERS, u32* codes, u16* scale, u16* zero, u32* broken, u32 group, u32 lanes, u32 words) {
    Rows rows = ROWS_GIVEN;
    u32 groups = (d + group - 1) / group, count = count_of(rows, blockIdx.y);
    u32 at = (blockIdx.x * GROUPS + threadIdx.x) / lanes, lane = threadIdx.x & (lanes - 1);
    bool real = at < n * groups;
    u32 t = real ? at / groups : 0, part = real ? at % groups : 0;
    u32 start = part * group, length = min(group, d - start);
    const Element* row = row_of(rows, blockIdx.y, t, count);
    float x[8];
    float low = __int_as_float(0x7f800000), high = -low;
    bool sound = true;
    for (u32 from = 8 * lane; from < length; from += 8 * lanes) {
        some_of(row, start + from, length - from, x);
        sound = sound && all_finite(x);
#pragma unroll
        for (int j = 0; j < 8; j++) low = fminf(low, x[j]), high = fmaxf(high, x[j]);
    }
    for (u32 width = lanes / 2; width > 0; width >>= 1) {
        low = fminf(low, __shfl_xor_sync(FULL, low, width));
        high = fmaxf(high, __shfl_xor_sync(FULL, high, width));
    }
    u64 place = ((u64)blockIdx.y * n + t) * groups + part;
    Step step;
    sound = step_of(low, high, scale + place, zero + place, real && lane == 0, step) && sound;
    if (!sound && real) *broken = 1;
    if (words == 0 || !real) return;
    u32* out = codes + ((u64)blockIdx.y * n + t) * words + start * BITS / 32;
    for (u32 from = 8 * lane; from < length; from += 8 * lanes) {
        if (length > 8 * lanes) some_of(row, start + from, length - from, x);
        u64 packed = 0;
#pragma unroll
        for (int j = 0; j < 8; j++) packed |= from + j < length ? (u64)code_of(x[j], step) << (BITS * j) : 0;
        // The last word of a row may be filled up with zeros.
        u32 filled = (length * BITS + 31) / 32 * 4, byte = from * BITS / 8;
#if BITS == 8
        out[byte / 4] = (u32)packed;
        if (byte + 4 < filled) out[byte / 4 + 1] = (u32)(packed >> 32);
#elif BITS == 4
        out[byte / 4] = (u32)packed;
#else
        ((u16*)out)[byte / 2] = (u16)packed;
        if (from + 8 >= length && byte + 2 < filled) ((u16*)out)[byte / 2 + 1] = 0;
#endif
    }
}

// A thread a word, wherever groups end: steps are there already.
extern "C" __global__ void __launch_bounds__(GROUPS) token_words(
    ROWS_PARAMETERS, u32* codes, const u16* scale, const u16* zero, u32 group, u32 words) {
    Rows rows = ROWS_GIVEN;
    u32 at = blockIdx.x * GROUPS + threadIdx.x;
    if (at >= n * words) return;
    u32 t = at / words, start = at % words * (32 / BITS), groups = (d + group - 1) / group;
    const Element* row = row_of(rows, blockIdx.y, t, count_of(rows, blockIdx.y));
    u32 packed = 0;
    for (u32 j = 0; j < 32 / BITS && start + j < d; j++) {
        u64 place = ((u64)blockIdx.y * n + t) * groups + (start + j) / group;
        Step step = {of_half(zero[place]), of_half(scale[place]), 0.0f};
        step.inverse = __fdiv_rn(1.0f, step.scale);
        packed |= code_of(row == nullptr ? 0.0f : number(row[start + j]), step) << (BITS * j);
    }
    codes[(u64)blockIdx.y * n * words + at] = packed;
}
