// The least and the greatest of each channel in each page of tokens, with the rows read once.
#include "scores.cuh"

// A group takes a page of a head at a time. `low` and `high` are [batch][heads][pages][dim]; `counts` [batch][tokens],
// if given, says which tokens are looked at. Shared are the tokens of the `together` pages of a block.
extern "C" __global__ void __launch_bounds__(THREADS, 3) bound_pages(ROWS_PARAMETERS, const u8* counts, u32 page, u32 pages,
                                                                  u32 together, float* low, float* high) {
    Rows rows = ROWS_GIVEN;
    extern __shared__ __align__(16) u8 left_out[];
    const u32 lane = threadIdx.x % LANES, group = threadIdx.x / LANES;
    const u32 b = blockIdx.y, start = blockIdx.x * together * page, room = together * page;
    for (u32 at = threadIdx.x; at < room; at += THREADS)
        left_out[at] = start + at >= tokens || (counts != nullptr && counts[(u64)b * tokens + start + at] == 0);
    __syncthreads();
    // A token that is broken anywhere counts nowhere: where there is one, all is done again without it.
    for (int attempt = 0; attempt < 2; attempt++) {
        bool broken = false;
        for (u32 at = group; at < heads * together; at += GROUPS) {
            u32 h = at / together, mine = at % together, p = blockIdx.x * together + mine;
            if (p >= pages) continue;
            for (u32 piece = lane; piece < rows.pieces(); piece += LANES) {
                float least[WIDE], most[WIDE];
#pragma unroll
                for (int e = 0; e < WIDE; e++) least[e] = -MINUS_INFINITY, most[e] = MINUS_INFINITY;
                for (u32 first = 0; first < page; first += BESIDE) {
                    float x[BESIDE][WIDE];
                    const Element* row[BESIDE];
                    bool looked[BESIDE];
#pragma unroll
                    for (int j = 0; j < BESIDE; j++) {
                        u32 t = mine * page + first + j;
                        looked[j] = first + j < page && (left_out[t] & 1) == 0;
                        row[j] = rows.at(b, h, looked[j] ? start + t : 0);
                    }
                    load_pieces(x, rows, row, looked, piece);
#pragma unroll
                    for (int j = 0; j < BESIDE; j++) {
                        bool sound = true;
#pragma unroll
                        for (int e = 0; e < WIDE; e++) {
                            sound = sound && finite(x[j][e]);
                            least[e] = looked[j] && x[j][e] < least[e] ? x[j][e] : least[e];
                            most[e] = looked[j] && x[j][e] > most[e] ? x[j][e] : most[e];
                        }
                        if (!sound) left_out[mine * page + first + j] = 2, broken = true;
                    }
                }
                u64 to = (((u64)b * heads + h) * pages + p) * dim + piece * WIDE;
#pragma unroll
                for (int e = 0; e < WIDE; e++)
                    if (piece * WIDE + e < dim) low[to + e] = least[e], high[to + e] = most[e];
            }
        }
        if (!__syncthreads_or(broken)) break;
        for (u32 at = threadIdx.x; at < room; at += THREADS) left_out[at] = left_out[at] != 0;
        __syncthreads();
    }
}
