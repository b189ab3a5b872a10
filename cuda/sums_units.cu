// Sums of values by few weights on matrix units, as attention has them: whole numbers token by token. A block takes a stage
// of tokens, so that sums are cut alike on every device.
#ifndef VALUE_BITS
#define VALUE_BITS 4
#endif
#ifndef UNITS
#define UNITS 4   // of 32 channels of a value
#define GROUPS 4  // of units of a value that share a step
#endif
#define WARPS 8
#include "stage_values.cuh"

// Of all heads: codes, their scales and zeros; weights are `[heads, rows, n]`, `parts` `[heads, splits, rows, 32 * UNITS]`.
extern "C" __global__ void __launch_bounds__(THREADS, 2) sums_by_units(
    const u8* codes, const u16* scale, const u16* zero, const float* weights, float* parts, u32 n, u32 row_bytes, u32 rows) {
    extern __shared__ __align__(16) u8 shared[];
    __shared__ int raised[AT_ONCE];
    const u32 head = blockIdx.y, first = blockIdx.x * STAGE, end = min(first + STAGE, n), first_query = 2 * (threadIdx.x & 1);
    Segment segment = {};
    segment.values = (u64)codes, segment.value_scale = (u64)scale, segment.value_zero = (u64)zero;
    segment.tokens = n, segment.value_bytes = row_bytes;
    const Work work = {0, head, first, head};
    StageValues values(shared, segment, work, end);
    u16* paid = (u16*)(shared + StageValues::BYTES);  // [2][AT_ONCE][PITCH], and what values join in
    values.bring(first);
    end_copies();
    for (u32 first_row = 0; first_row < rows; first_row += AT_ONCE) {
        if (first_row > 0) __syncthreads();
        values.clear();
        bring_in_halves<STAGE>(paid, raised, weights + ((u64)head * rows + first_row) * n + first, n, rows - first_row, end - first);
        await_copies<0>();
        __syncthreads();
        values.add(paid, first_row == 0);
#pragma unroll
        for (int e = 0; e < 2; e++) values.scale(e, power_of_two(FILLED - raised[first_query + e]));
        const u64 to = ((u64)head * gridDim.x + blockIdx.x) * rows + first_row;
        values.write((float*)paid, parts + to * UNITS * 32, UNITS * 32, rows - first_row);
    }
}
