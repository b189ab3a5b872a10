// Whole numbers of 2, 4 or 8 bits between the least and the greatest of a group of channels of one token (KIVI).
#include "rows.cuh"
#include "steps.cuh"

#define THREADS 256
#define PASSES 4  // rows of a thread

// Writes the codes of eight elements from `from` on, of a group with `length`; the last word is filled up with zeros.
__device__ __forceinline__ void write_eight(u32* group, u32 from, u32 length, u64 packed) {
    u32 filled = (length * BITS + 31) / 32 * 4, byte = from * BITS / 8;
    if (length - from < 8) packed &= (1ull << (BITS * (length - from))) - 1;
#if BITS == 8
    group[byte / 4] = (u32)packed;
    if (byte + 4 < filled) group[byte / 4 + 1] = (u32)(packed >> 32);
#elif BITS == 4
    group[byte / 4] = (u32)packed;
#else
    ((u16*)group)[byte / 2] = (u16)packed;
    if (from + 8 >= length && byte + 2 < filled) ((u16*)group)[byte / 2 + 1] = 0;
#endif
}

// `lanes` threads a group, a power of two up to a warp, each with sixteen channels at a time; a thread takes the same channels
// of PASSES rows. Words that lie within one group are written here; where they do not, `words` is 0 and `token_words` writes
// them afterwards.
extern "C" __global__ void __launch_bounds__(THREADS) token_codes(
    ROWS_PARAMETERS, u32* codes, u16* scale, u16* zero, u32* broken, u32 group, u32 lanes, u32 words) {
    Rows rows = ROWS_GIVEN;
    u32 groups = (d + group - 1) / group, items = groups * lanes, columns = (items + THREADS - 1) / THREADS;
    u32 slots = columns == 1 ? THREADS / items : 1, slot = columns == 1 ? threadIdx.x / items : 0;
    u32 item = columns == 1 ? threadIdx.x % items : blockIdx.x % columns * THREADS + threadIdx.x;
    u32 lane = threadIdx.x & (lanes - 1), part = item / lanes, count = count_of(rows, blockIdx.y);
    bool has_part = slot < slots && part < groups;
    u32 start = has_part ? part * group : 0, length = min(group, d - start), at_once = 16 * lanes;
    bool sound = true, straight = whole_eights(rows) && length == at_once && group % 8 == 0 && count != 0;
    for (u32 pass = 0; pass < PASSES; pass++) {
        u32 at = (blockIdx.x / columns * PASSES + pass) * slots + slot;
        bool real = has_part && at < n;
        u32 t = real ? at : 0;
        const Element* row = row_of(rows, blockIdx.y, t, count);
        float x[2][8], low = __int_as_float(0x7f800000), high = -low;
        if (straight) {
            eight(row + start + 8 * lane, x[0]);
            eight(row + start + 8 * lane + 8 * lanes, x[1]);
        }
        for (u32 from = 8 * lane; from < length; from += at_once) {
#pragma unroll
            for (int i = 0; i < 2; i++) {
                u32 here = from + 8 * lanes * i;
                if (here >= length) break;
                if (!straight) some_of(row, start + here, length - here, x[i]);
                sound = sound && all_finite(x[i]);
#pragma unroll
                for (int j = 0; j < 8; j++) low = fminf(low, x[i][j]), high = fmaxf(high, x[i][j]);
            }
        }
        for (u32 width = lanes / 2; width > 0; width >>= 1) {
            low = fminf(low, __shfl_xor_sync(FULL, low, width));
            high = fmaxf(high, __shfl_xor_sync(FULL, high, width));
        }
        if (!real) continue;
        u64 token = (u64)blockIdx.y * n + t, place = token * groups + part;
        Step step;
        sound = step_of(low, high, scale + place, zero + place, lane == 0, step) && sound;
        if (words == 0) continue;
        u32* out = codes + token * words + start * BITS / 32;
        for (u32 from = 8 * lane; from < length; from += at_once) {
#pragma unroll
            for (int i = 0; i < 2; i++) {
                u32 here = from + 8 * lanes * i;
                if (here >= length) break;
                if (length > at_once) some_of(row, start + here, length - here, x[i]);
                write_eight(out, here, length, eight_codes(x[i], step));
            }
        }
    }
    if (!sound) *broken = 1;
}

// A thread a word, wherever groups end: steps are there already.
extern "C" __global__ void __launch_bounds__(THREADS) token_words(
    ROWS_PARAMETERS, u32* codes, const u16* scale, const u16* zero, u32 group, u32 words) {
    Rows rows = ROWS_GIVEN;
    u32 at = blockIdx.x * THREADS + threadIdx.x;
    if (at >= n * words) return;
    u32 t = at / words, start = at % words * (32 / BITS), groups = (d + group - 1) / group;
    const Element* row = row_of(rows, blockIdx.y, t, count_of(rows, blockIdx.y));
    u32 packed = 0;
    for (u32 j = 0; j < 32 / BITS && start + j < d; j++) {
        u64 place = ((u64)blockIdx.y * n + t) * groups + (start + j) / group;
        Step step = step_with(scale[place], zero[place]);
        packed |= code_of(row == nullptr ? 0.0f : number(row[start + j]), step) << (BITS * j);
    }
    codes[(u64)blockIdx.y * n * words + at] = packed;
}
