// Which of a few tokens have finite numbers alone, in all heads: a warp a token, as there are too few for blocks of tiles.
#include "pieces.cuh"

#define AT_ONCE 4   // heads of a group

// Whether a token has a number that is not finite in some head: to all lanes of a warp.
__device__ __forceinline__ bool is_broken(const Rows& rows, u32 b, u32 t) {
    const u32 group = threadIdx.x % 32 / LANES;
    float doubt = 0.0f;
    for (u32 first = 0; first < rows.heads; first += AT_ONCE * (32 / LANES)) {
        const Element* row[AT_ONCE];
#pragma unroll
        for (int j = 0; j < AT_ONCE; j++) row[j] = rows.at(b, min(first + j * (32 / LANES) + group, rows.heads - 1), t);
#pragma unroll 1
        for (u32 piece = threadIdx.x % LANES; piece < rows.pieces(); piece += LANES) {
            Piece held[AT_ONCE];
            bring_pieces(held, rows, row, piece);
#pragma unroll
            for (int j = 0; j < AT_ONCE; j++) {
                float x[WIDE];
                spread(x, held[j]);
                // No number, as soon as one is not finite.
#pragma unroll
                for (int e = 0; e < WIDE; e++) doubt = __fmaf_rn(x[e], 0.0f, doubt);
            }
        }
    }
    return __any_sync(FULL, !(doubt == 0.0f));
}

// `counts` [batch][tokens], if given, says which tokens are looked at; others are not `sound`.
extern "C" __global__ void __launch_bounds__(THREADS) find_sound(ROWS_PARAMETERS, const u8* counts, u8* sound) {
    Rows rows = ROWS_GIVEN;
    const u32 b = blockIdx.y, t = blockIdx.x * (THREADS / 32) + threadIdx.x / 32;
    if (t >= tokens) return;
    const bool looked = counts == nullptr || counts[(u64)b * tokens + t] != 0;
    const bool broken = looked && is_broken(rows, b, t);
    if (threadIdx.x % 32 == 0) sound[(u64)b * tokens + t] = looked && !broken;
}

// Makes `broken` one if a token is that no partition of `lag` tokens behind the first one has, of those in `places`
// [batch][tokens], of which `filled` [batch] are; partitions begin behind `sinks`, and one alone is none.
extern "C" __global__ void __launch_bounds__(THREADS) find_broken(ROWS_PARAMETERS, const u32* places, const u32* filled, u32 sinks,
                                                                  u32 lag, u32* broken) {
    Rows rows = ROWS_GIVEN;
    const u32 b = blockIdx.y, count = filled[b], parts = count > sinks ? (count - sinks) / lag : 0;
    u32 at = blockIdx.x * (THREADS / 32) + threadIdx.x / 32;
    if (parts > 1 && at >= sinks + lag) at += (parts - 1) * lag;
    if (at >= count) return;
    if (is_broken(rows, b, places[(u64)b * tokens + at]) && threadIdx.x % 32 == 0) *broken = 1;
}
