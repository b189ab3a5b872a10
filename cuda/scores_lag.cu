// Spread of tokens in the range of the partition that follows, and ranks by it: a block a partition of a head.
#include "pieces.cuh"
#include "ranks.cuh"

#ifndef RANKS
#define RANKS 0   // compiled with 1, spreads of values join those of keys and become ranks
#endif

// Numbers of a piece in the range of their channel, from 0 to 1; zeros where a channel has none.
__device__ __forceinline__ void scale_pieces(float (&x)[BESIDE][WIDE], const float* low, const float* factor, u32 piece) {
#pragma unroll
    for (int e = 0; e < WIDE; e += 4) {
        const float4 base = *(const float4*)(low + piece * WIDE + e), by = *(const float4*)(factor + piece * WIDE + e);
        const float bases[4] = {base.x, base.y, base.z, base.w}, factors[4] = {by.x, by.y, by.z, by.w};
#pragma unroll
        for (int i = 0; i < 4; i++)
#pragma unroll
            for (int j = 0; j < BESIDE; j++)
                x[j][e + i] = (x[j][e + i] - bases[i]) * factors[i];
    }
}

__device__ __forceinline__ void spread_pieces(float (&x)[BESIDE][WIDE], const Rows& rows, const Element* const (&row)[BESIDE],
                                              u32 piece) {
    Piece held[BESIDE];
    bring_pieces(held, rows, row, piece);
#pragma unroll
    for (int j = 0; j < BESIDE; j++) spread_piece(x[j], held[j], mask_of(rows, piece));
}

// Shares of tokens, the softmax of their spreads within a partition; `places` [batch][tokens] are the tokens that count,
// `filled` [batch] how many. Partitions of `lag` begin behind `sinks` of them. Without RANKS `shares`
// [batch][heads][partitions][lag] is written; with it `out` [batch][heads][tokens], ranks over `lag`.
extern "C" __global__ void __launch_bounds__(THREADS, 2) rank_partitions(
    ROWS_PARAMETERS, const u32* places, const u32* filled, u32 sinks, u32 lag, float eps, float* shares, float* out) {
    Rows rows = ROWS_GIVEN;
    extern __shared__ __align__(16) u8 shared[];
    __shared__ float across[2][THREADS / 32][LANES * WIDE];
    const u32 lane = threadIdx.x % LANES, group = threadIdx.x / LANES;
    const u32 part = blockIdx.y, b = blockIdx.x / heads, h = blockIdx.x % heads;
    const u32 held = rows.pieces() * WIDE;
    float* low = (float*)shared;
    float* factor = low + held;
    float* found = factor + held;   // [lag], and up to a multiple of 16
    u32 count = filled[b];
    u32 parts = count > sinks ? (count - sinks) / lag : 0;
    if (part + 1 >= parts) return;
    const u32* now = places + (u64)b * tokens + sinks + part * lag;
    const u32* after = now + lag;
    for (u32 turn = 0; turn < rows.pieces(); turn += LANES) {
        float least[WIDE], most[WIDE];
#pragma unroll
        for (int e = 0; e < WIDE; e++) least[e] = -MINUS_INFINITY, most[e] = MINUS_INFINITY;
        for (u32 start = 0; start < lag; start += TILE) {
            Piece coming[BESIDE];
            const Element* row[BESIDE];
#pragma unroll
            for (int j = 0; j < BESIDE; j++) {
                // Beyond the end the last row comes again, which changes nothing.
                u32 t = start + j * GROUPS + group;
                row[j] = rows.at(b, h, after[t < lag ? t : lag - 1]);
            }
            bring_pieces(coming, rows, row, turn + lane);
#pragma unroll
            for (int j = 0; j < BESIDE; j++) {
                float x[WIDE];
                spread(x, coming[j]);
#pragma unroll
                for (int e = 0; e < WIDE; e++) least[e] = fminf(least[e], x[e]), most[e] = fmaxf(most[e], x[e]);
            }
        }
#pragma unroll
        for (int apart = LANES; apart < 32; apart <<= 1)
#pragma unroll
            for (int e = 0; e < WIDE; e++) {
                least[e] = fminf(least[e], __shfl_xor_sync(FULL, least[e], apart));
                most[e] = fmaxf(most[e], __shfl_xor_sync(FULL, most[e], apart));
            }
        __syncthreads();
        if ((threadIdx.x & 31) < LANES) {
#pragma unroll
            for (int e = 0; e < WIDE; e++) {
                across[0][threadIdx.x >> 5][lane * WIDE + e] = least[e];
                across[1][threadIdx.x >> 5][lane * WIDE + e] = most[e];
            }
        }
        __syncthreads();
        for (u32 at = threadIdx.x; at < LANES * WIDE; at += THREADS) {
            u32 channel = turn * WIDE + at;
            if (channel >= held) break;
            for (int warp = 1; warp < THREADS / 32; warp++) {
                across[0][0][at] = fminf(across[0][0][at], across[0][warp][at]);
                across[1][0][at] = fmaxf(across[1][0][at], across[1][warp][at]);
            }
            double width = (double)across[1][0][at] - (double)across[0][0][at];
            low[channel] = across[0][0][at];
            factor[channel] = channel < dim && width > (double)eps ? (float)(1.0 / width) : 0.0f;
        }
    }
    __syncthreads();
    // Rows of one piece a lane stay in registers between the two turns.
    const bool once = rows.pieces() <= LANES, full = held == dim;
    for (u32 start = 0; start < lag; start += TILE) {
        const Element* row[BESIDE];
        float x[BESIDE][WIDE], sums[BESIDE] = {}, squares[BESIDE] = {};
#pragma unroll
        for (int j = 0; j < BESIDE; j++) {
            u32 t = start + j * GROUPS + group;
            row[j] = rows.at(b, h, now[t < lag ? t : 0]);
        }
        for (u32 piece = lane; piece < rows.pieces(); piece += LANES) {
            spread_pieces(x, rows, row, piece);
            scale_pieces(x, low, factor, piece);
#pragma unroll
            for (int j = 0; j < BESIDE; j++)
#pragma unroll
                for (int e = 0; e < WIDE; e++) sums[j] += x[j][e];
        }
#pragma unroll
        for (int j = 0; j < BESIDE; j++) sums[j] = over_group(sums[j]) / (float)dim;
        for (u32 piece = lane; piece < rows.pieces(); piece += LANES) {
            if (!once) {
                spread_pieces(x, rows, row, piece);
                scale_pieces(x, low, factor, piece);
            }
#pragma unroll
            for (int j = 0; j < BESIDE; j++)
#pragma unroll
                for (int e = 0; e < WIDE; e++) {
                    float apart = full || piece * WIDE + e < dim ? x[j][e] - sums[j] : 0.0f;
                    squares[j] = __fmaf_rn(apart, apart, squares[j]);
                }
        }
#pragma unroll
        for (int j = 0; j < BESIDE; j++) {
            u32 t = start + j * GROUPS + group;
            float all = over_group(squares[j]);
            if (lane == 0 && t < lag) found[t] = dim > 1 ? sqrtf(all / (float)(dim - 1)) : 0.0f;
        }
    }
    __syncthreads();
    float most, share;
    weigh_spreads(found, lag, most, share);
    __syncthreads();
    const u64 mine = (((u64)b * heads + h) * gridDim.y + part) * lag;
    for (u32 t = threadIdx.x; t < (lag + 15) / 16 * 16; t += THREADS) {
        found[t] = t < lag ? expf(found[t] - most) * share : -MINUS_INFINITY;
        if (t >= lag) continue;
        if (RANKS) found[t] += shares[mine + t];
        else shares[mine + t] = found[t];
    }
    if (!RANKS) return;
    __syncthreads();
    for (u32 start = 0; start < lag; start += THREADS / 2) {
        const u32 t = start + threadIdx.x / 2;
        if (t / 16 * 16 >= lag) continue;   // a whole warp
        const u32 rank = rank_of(found, lag, t, threadIdx.x % 2);
        if (t < lag && threadIdx.x % 2 == 0) out[((u64)b * heads + h) * tokens + now[t]] = (float)((double)rank / (double)lag);
    }
}
