// Whole numbers of 2, 4 or 8 bits between the least and the greatest of a group of channels of one token (KIVI).
#include "eights.cuh"
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

// The same of eight elements that are all there, at an address that is a multiple of their bytes.
__device__ __forceinline__ void write_whole_eight(u32* group, u32 from, u64 packed) {
#if BITS == 8
    ((u64*)group)[from / 8] = packed;
#elif BITS == 4
    group[from / 8] = (u32)packed;
#else
    ((u16*)group)[from / 8] = (u16)packed;
#endif
}

// Where a thread works: at a group of some rows.
struct Place {
    u32 lanes, lane, first, slots, part, groups, group, words;
    bool has_part;
};

// Groups of sixteen channels a lane, of rows that are read in eights: all rows of a thread are on their way at once, and the
// lanes of a group make the steps of a row each.
__device__ __forceinline__ bool straight_codes(
    const Rows& rows, u32 count, const Place& at, u32* codes, u16* scale, u16* zero, Step (*steps)[PASSES]) {
    const Element* head = head_of(rows, blockIdx.y) + (at.has_part ? at.part * at.group : 0) + 8 * at.lane;
    const u32 last = count - 1, whole = threadIdx.x / at.lanes;
    Eight held[PASSES][2];
#pragma unroll
    for (int i = 0; i < PASSES; i++) {
        const Element* row = head + min(at.first + i * at.slots, last) * rows.token_step;
        held[i][0] = eight_at(row), held[i][1] = eight_at(row + 8 * at.lanes);
    }
    bool sound = true;
    Ends ends[PASSES];
#pragma unroll
    for (int i = 0; i < PASSES; i++) {
        ends[i] = ends_of(held[i]);
        sound = sound && are_finite(ends[i]);
    }
    for (u32 width = at.lanes / 2; width > 0; width >>= 1) {
#pragma unroll
        for (int i = 0; i < PASSES; i++) ends[i] = joined(ends[i], ends_beside(ends[i], width));
    }
#pragma unroll 1
    for (u32 own = at.lane; own < PASSES; own += at.lanes) {
        float low = low_of(ends[0]), high = high_of(ends[0]);
#pragma unroll
        for (int i = 1; i < PASSES; i++) {
            if (own == i) low = low_of(ends[i]), high = high_of(ends[i]);
        }
        u16 size, base;
        sound = step_of(low, high, size, base) && sound;
        steps[whole][own] = step_with(size, base);
        const u32 t = at.first + own * at.slots;
        if (at.has_part && t < rows.n) {
            u64 place = ((u64)blockIdx.y * rows.n + t) * at.groups + at.part;
            scale[place] = size, zero[place] = base;
        }
    }
    __syncwarp();
#pragma unroll
    for (int i = 0; i < PASSES; i++) {
        const u32 t = at.first + i * at.slots;
        if (!at.has_part || t >= rows.n) break;
        const Step step = steps[whole][i];
        u32* out = codes + ((u64)blockIdx.y * rows.n + t) * at.words + at.part * at.group * BITS / 32;
#pragma unroll
        for (int half = 0; half < 2; half++) {
            float x[8];
            spread(held[i][half], x);
            write_whole_eight(out, 8 * (at.lane + at.lanes * half), eight_codes(x, step));
        }
    }
    return sound;
}

// Groups of any size, and rows that begin anywhere.
__device__ __forceinline__ bool codes_of_any(
    const Rows& rows, u32 count, const Place& at, u32* codes, u16* scale, u16* zero) {
    const u32 start = at.has_part ? at.part * at.group : 0, length = min(at.group, rows.d - start);
    bool sound = true;
#pragma unroll 1
    for (u32 pass = 0; pass < PASSES; pass++) {
        u32 t = at.first + pass * at.slots;
        bool real = at.has_part && t < rows.n;
        const Element* row = row_of(rows, blockIdx.y, real ? t : 0, count);
        float x[8], low = __int_as_float(0x7f800000), high = -low;
        for (u32 from = 8 * at.lane; from < length; from += 8 * at.lanes) {
            some_of(row, start + from, length - from, x);
            sound = sound && all_finite(x);
#pragma unroll
            for (int j = 0; j < 8; j++) low = fminf(low, x[j]), high = fmaxf(high, x[j]);
        }
        for (u32 width = at.lanes / 2; width > 0; width >>= 1) {
            low = fminf(low, __shfl_xor_sync(FULL, low, width));
            high = fmaxf(high, __shfl_xor_sync(FULL, high, width));
        }
        if (!real) continue;
        u64 token = (u64)blockIdx.y * rows.n + t, place = token * at.groups + at.part;
        Step step;
        sound = step_of(low, high, scale + place, zero + place, at.lane == 0, step) && sound;
        if (at.words == 0) continue;
        u32* out = codes + token * at.words + start * BITS / 32;
        for (u32 from = 8 * at.lane; from < length; from += 8 * at.lanes) {
            some_of(row, start + from, length - from, x);
            write_eight(out, from, length, eight_codes(x, step));
        }
    }
    return sound;
}

// `lanes` threads a group, a power of two up to a warp; a thread takes the same channels of PASSES rows. Words that lie within
// one group are written here; where they do not, `words` is 0 and `token_words` writes them afterwards.
extern "C" __global__ void __launch_bounds__(THREADS, BLOCKS_OF_PAIRS) token_codes(
    ROWS_PARAMETERS, u32* codes, u16* scale, u16* zero, u32* broken, u32 group, u32 lanes, u32 words) {
    __shared__ Step steps[THREADS][PASSES];
    Rows rows = ROWS_GIVEN;
    const u32 groups = (d + group - 1) / group, items = groups * lanes, columns = (items + THREADS - 1) / THREADS;
    const u32 slots = columns == 1 ? THREADS / items : 1, slot = columns == 1 ? threadIdx.x / items : 0;
    const u32 item = columns == 1 ? threadIdx.x % items : blockIdx.x % columns * THREADS + threadIdx.x;
    const u32 part = item / lanes, count = min(count_of(rows, blockIdx.y), n);
    const Place at = {lanes, threadIdx.x & (lanes - 1), blockIdx.x / columns * PASSES * slots + slot, slots,
                      part,  groups, group, words, slot < slots && part < groups};
    const bool even = BITS < 8 || words % 2 == 0;
    const bool straight = whole_eights(rows) && group == 16 * lanes && d % group == 0 && count != 0 && words != 0 && even;
    const bool sound = straight ? straight_codes(rows, count, at, codes, scale, zero, steps)
                                : codes_of_any(rows, count, at, codes, scale, zero);
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
