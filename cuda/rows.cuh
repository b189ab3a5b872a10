// Where the rows of heads lie, and what stands for padding: the last row before it, or zeros where there is none.
#pragma once
#include "elements.cuh"

#define ROWS_PARAMETERS \
    const Element* first, u64 batch_step, u64 head_step, u64 token_step, const u32* lengths, u32 heads, u32 n, u32 d
#define ROWS_GIVEN {first, batch_step, head_step, token_step, lengths, heads, n, d}

struct Rows {
    const Element* first;
    u64 batch_step, head_step, token_step;
    const u32* lengths;
    u32 heads, n, d;
};

// Rows of a head that count; `head` goes through all heads of all sequences.
__device__ __forceinline__ u32 count_of(const Rows& rows, u32 head) {
    return rows.lengths == nullptr ? rows.n : rows.lengths[head / rows.heads];
}

// Where the rows of a head begin.
__device__ __forceinline__ const Element* head_of(const Rows& rows, u32 head) {
    return rows.first + (head / rows.heads) * rows.batch_step + (head % rows.heads) * rows.head_step;
}

// The row that stands for token `t`; null where no token counts.
__device__ __forceinline__ const Element* row_of(const Rows& rows, u32 head, u32 t, u32 count) {
    if (count == 0) return nullptr;
    u32 at = t < count ? t : count - 1;
    return head_of(rows, head) + at * rows.token_step;
}

// Up to eight elements from `start` on, of which `some` count; the last one repeated behind them.
__device__ __forceinline__ void some_of(const Element* row, u32 start, u32 some, float (&x)[8]) {
    if (row == nullptr) {
#pragma unroll
        for (int j = 0; j < 8; j++) x[j] = 0.0f;
    } else if (some >= 8 && in_eights(row + start)) {
        eight(row + start, x);
    } else {
#pragma unroll
        for (int j = 0; j < 8; j++) x[j] = number(row[start + (j < (int)some ? j : some - 1)]);
    }
}

// Whether all rows can be read in eights, wherever these begin: then loads need no branches, and many are under way at once.
__device__ __forceinline__ bool whole_eights(const Rows& rows) {
    u64 steps = (rows.batch_step | rows.head_step | rows.token_step) * sizeof(Element) | (u64)rows.first;
    return (steps & (sizeof(Element) == 1 ? 7 : 15)) == 0 && rows.d % 8 == 0;
}

__device__ __forceinline__ bool all_finite(const float (&x)[8]) {
    bool sound = true;
#pragma unroll
    for (int j = 0; j < 8; j++) sound = sound && finite(x[j]);
    return sound;
}
