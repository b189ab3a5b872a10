// Rows of heads in pages: `table` `[heads, most_pages]` has the pages of each head, one after another. Bits are copied.
#include "cells.cuh"

#define THREADS 256
#define A_TURN 8  // rows of a thread between two barriers

struct Pages {
    u8* rows;
    const int* table;
    u32 most_pages, page, row_bytes;
};
#define PAGES_PARAMETERS \
    u8* pages, const int* table, u32 most_pages, u32 page, u32 row_bytes, u32 cell
#define PAGES_GIVEN {pages, table, most_pages, page, row_bytes}

__device__ __forceinline__ u8* row_in_pages(const Pages& pages, u32 head, u32 row) {
    u64 of = (u64)pages.table[(u64)head * pages.most_pages + row / pages.page] * pages.page + row % pages.page;
    return pages.rows + of * pages.row_bytes;
}

// Rows `[batch, heads, tokens, d]` behind those that each head has: `counts` of them before, `new_rows` more; steps are in
// bytes.
extern "C" __global__ void __launch_bounds__(THREADS) write_pages(
    PAGES_PARAMETERS, const u8* rows, u64 batch_step, u64 head_step, u64 token_step, const int* counts, const int* new_rows,
    u32 heads) {
    Pages to = PAGES_GIVEN;
    u32 head = blockIdx.y, cells = row_bytes / cell, at = blockIdx.x * THREADS + threadIdx.x;
    u32 row = at / cells, offset = at % cells * cell;
    if (row >= (u32)new_rows[head]) return;
    const u8* from = rows + head / heads * batch_step + head % heads * head_step + (u64)row * token_step;
    copy_bytes(row_in_pages(to, head, (u32)counts[head] + row) + offset, from + offset, cell);
}

// The rows of heads, flat: those of a head from `cu_len` on.
extern "C" __global__ void __launch_bounds__(THREADS) read_pages(PAGES_PARAMETERS, const int* cu_len, u8* out) {
    Pages from = PAGES_GIVEN;
    u32 head = blockIdx.y, cells = row_bytes / cell, at = blockIdx.x * THREADS + threadIdx.x;
    u32 start = (u32)cu_len[head], row = at / cells, offset = at % cells * cell;
    if (start + row >= (u32)cu_len[head + 1]) return;
    copy_bytes(out + (u64)(start + row) * row_bytes + offset, row_in_pages(from, head, row) + offset, cell);
}

// In place, as `move_rows_to_front`: rows only ever move towards the front, so what is written is never read later.
extern "C" __global__ void __launch_bounds__(THREADS, 2) move_in_pages(
    PAGES_PARAMETERS, const int* indices, const int* cu_len) {
    Pages of = PAGES_GIVEN;
    u32 head = blockIdx.y, offset = (blockIdx.x * 2 + (threadIdx.x & 1)) * cell, slot = threadIdx.x / 2;
    u32 start = (u32)cu_len[head], count = (u32)cu_len[head + 1] - start;
    for (u32 from = 0; from < count; from += A_TURN * THREADS / 2) {
        uint4 held[A_TURN];
#pragma unroll
        for (int turn = 0; turn < A_TURN; turn++) {
            u32 row = from + turn * (THREADS / 2) + slot;
            if (row < count && offset < row_bytes) {
                copy_bytes((u8*)&held[turn], row_in_pages(of, head, (u32)indices[start + row]) + offset, cell);
            }
        }
        __syncthreads();
#pragma unroll
        for (int turn = 0; turn < A_TURN; turn++) {
            u32 row = from + turn * (THREADS / 2) + slot;
            if (row < count && offset < row_bytes) {
                copy_bytes(row_in_pages(of, head, row) + offset, (const u8*)&held[turn], cell);
            }
        }
    }
}
