// Spread of tokens in the range of the partition that follows, and ranks by it: a block a partition of a head.
#include "scores.cuh"

#ifndef LAST
#define LAST 0   // compiled with 1, spreads of values join those of keys and become ranks
#endif

// What all threads of the block have, joined; in all of them. `warps` has room for one number a warp.
template <class F> __device__ __forceinline__ float over_block(float x, float* warps, F join) {
#pragma unroll
    for (int apart = 16; apart > 0; apart >>= 1) x = join(x, __shfl_xor_sync(FULL, x, apart));
    __syncthreads();
    if ((threadIdx.x & 31) == 0) warps[threadIdx.x >> 5] = x;
    __syncthreads();
    float all = warps[0];
    for (int warp = 1; warp < THREADS / 32; warp++) all = join(all, warps[warp]);
    return all;
}

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

// Shares of tokens, the softmax of their spreads within a partition; `places` [batch][tokens] are the tokens that count,
// `filled` [batch] how many. Partitions of `lag` begin behind `sinks` of them. Without LAST `shares`
// [batch][heads][partitions][lag] is written; with it `out` [batch][heads][tokens], ranks over `lag`.
extern "C" __global__ void __launch_bounds__(THREADS, 3) rank_partitions(
    ROWS_PARAMETERS, const u32* places, const u32* filled, u32 sinks, u32 lag, float eps, float* shares, float* out) {
    Rows rows = ROWS_GIVEN;
    extern __shared__ __align__(16) u8 shared[];
    __shared__ float warps[THREADS / 32];
    __shared__ float across[2][THREADS / 32][LANES * WIDE];
    const u32 lane = threadIdx.x % LANES, group = threadIdx.x / LANES;
    const u32 part = blockIdx.y, b = blockIdx.x / heads, h = blockIdx.x % heads;
    const u32 held = rows.pieces() * WIDE;
    float* low = (float*)shared;
    float* factor = low + held;
    float* found = factor + held;   // [lag]
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
            float x[BESIDE][WIDE];
            const Element* row[BESIDE];
            bool has[BESIDE];
#pragma unroll
            for (int j = 0; j < BESIDE; j++) {
                // Beyond the end the last row comes again, which changes nothing.
                u32 t = start + j * GROUPS + group;
                row[j] = rows.at(b, h, after[t < lag ? t : lag - 1]), has[j] = true;
            }
            load_pieces(x, rows, row, has, turn + lane);
#pragma unroll
            for (int j = 0; j < BESIDE; j++)
#pragma unroll
                for (int e = 0; e < WIDE; e++) least[e] = fminf(least[e], x[j][e]), most[e] = fmaxf(most[e], x[j][e]);
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
        bool has[BESIDE];
        float x[BESIDE][WIDE], sums[BESIDE] = {}, squares[BESIDE] = {};
#pragma unroll
        for (int j = 0; j < BESIDE; j++) {
            u32 t = start + j * GROUPS + group;
            row[j] = rows.at(b, h, now[t < lag ? t : 0]), has[j] = true;
        }
        for (u32 piece = lane; piece < rows.pieces(); piece += LANES) {
            load_pieces(x, rows, row, has, piece);
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
                load_pieces(x, rows, row, has, piece);
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
    float most = MINUS_INFINITY, sum = 0.0f;
    for (u32 t = threadIdx.x; t < lag; t += THREADS) most = fmaxf(most, found[t]);
    most = over_block(most, warps, [](float a, float b) { return fmaxf(a, b); });
    for (u32 t = threadIdx.x; t < lag; t += THREADS) sum += expf(found[t] - most);
    float share = 1.0f / over_block(sum, warps, [](float a, float b) { return a + b; });
    u64 mine = (((u64)b * heads + h) * gridDim.y + part) * lag;
    for (u32 t = threadIdx.x; t < lag; t += THREADS) {
        found[t] = expf(found[t] - most) * share;
        if (LAST) found[t] += shares[mine + t];
        else shares[mine + t] = found[t];
    }
    if (!LAST) return;
    __syncthreads();
    for (u32 t = threadIdx.x; t < lag; t += THREADS) {
        // Of equal ones the earlier is below; which that is has to be asked within a warp alone.
        const u32 before = t & ~31u, behind = min(before + 32, lag);
        const float own = found[t];
        u32 rank = 0;
#pragma unroll 8
        for (u32 other = 0; other < before; other++) rank += found[other] <= own;
#pragma unroll 8
        for (u32 other = before; other < behind; other++) {
            rank += other < t ? found[other] <= own : found[other] < own;
        }
#pragma unroll 8
        for (u32 other = behind; other < lag; other++) rank += found[other] < own;
        out[((u64)b * heads + h) * tokens + now[t]] = (float)((double)rank / (double)lag);
    }
}
