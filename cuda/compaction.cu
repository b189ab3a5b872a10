// What stays of a cache, moved together: into flat arrays, or to the front of each head. Bits are copied, not converted.
#include "cells.cuh"

#define THREADS 256
#define A_TURN 8  // rows of a thread between two barriers

// Steps are in bytes. Rows of a head that stay are `indices` from `cu_len[head]` to `cu_len[head + 1]`, which is also where
// they go to in `out`, `[kept, row_bytes]`.
extern "C" __global__ void __launch_bounds__(THREADS) gather_rows(
    const u8* rows, u64 batch_step, u64 head_step, u64 token_step, const int* indices, const int* cu_len, u8* out,
    u32 heads, u32 row_bytes, u32 cell) {
    u32 head = blockIdx.y, cells = row_bytes / cell, at = blockIdx.x * THREADS + threadIdx.x;
    u32 place = (u32)cu_len[head] + at / cells, offset = at % cells * cell;
    if (place >= (u32)cu_len[head + 1]) return;
    const u8* from = rows + head / heads * batch_step + head % heads * head_step + (u64)indices[place] * token_step;
    copy_bytes(out + (u64)place * row_bytes + offset, from + offset, cell);
}

// In place. A block of threads takes two cells of all rows of a head, many rows at a time: all of them are read before any
// is written, and what is written lies before what is read later.
extern "C" __global__ void __launch_bounds__(THREADS) move_rows_to_front(
    u8* rows, u64 batch_step, u64 head_step, u64 token_step, const int* indices, const int* cu_len, u32 heads, u32 cells,
    u32 cell) {
    u32 head = blockIdx.y, column = blockIdx.x * 2 + (threadIdx.x & 1), slot = threadIdx.x / 2;
    u32 start = (u32)cu_len[head], count = (u32)cu_len[head + 1] - start;
    u8* first = rows + head / heads * batch_step + head % heads * head_step + (u64)column * cell;
    for (u32 from = 0; from < count; from += A_TURN * THREADS / 2) {
        uint4 held[A_TURN];
#pragma unroll
        for (int turn = 0; turn < A_TURN; turn++) {
            u32 row = from + turn * (THREADS / 2) + slot;
            if (row < count && column < cells) copy_bytes((u8*)&held[turn], first + (u64)indices[start + row] * token_step, cell);
        }
        __syncthreads();
#pragma unroll
        for (int turn = 0; turn < A_TURN; turn++) {
            u32 row = from + turn * (THREADS / 2) + slot;
            if (row < count && column < cells) copy_bytes(first + (u64)row * token_step, (const u8*)&held[turn], cell);
        }
    }
}
