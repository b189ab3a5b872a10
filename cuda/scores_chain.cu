// Spread of tokens in the range of the partition that follows, and ranks by it: a block some partitions of a head one after
// the other, so that rows are read once. They stay in registers until what follows them is there too.
#include "ranks.cuh"
#include "seen.cuh"

#ifndef RANKS
#define RANKS 0   // compiled with 1, spreads of values join those of keys and become ranks
#endif
#ifndef EACH
#define EACH 4   // rows of a group in a partition, a multiple of BESIDE and no more than lanes
#endif
#define MOST (EACH * GROUPS)   // tokens of a partition

struct __align__(16) Scales {
    float low[LANES * WIDE], factor[LANES * WIDE];
};
struct __align__(16) Spreads {
    float of[MOST];
};

// Which token of a partition a row of this thread is.
__device__ __forceinline__ u32 token_of(u32 j) {
    return (threadIdx.x / 32 * EACH + j) * (32 / LANES) + threadIdx.x % 32 / LANES;
}

// Brings rows of a head from `from` on, of which this lane knows the place of one.
__device__ __forceinline__ void bring_some(Piece (&to)[EACH], u32 from, const Rows& rows, u32 place) {
    const u32 lane = threadIdx.x % LANES;
    const Element* row[BESIDE];
    Piece held[BESIDE];
#pragma unroll
    for (int j = 0; j < BESIDE; j++) row[j] = rows.at(0, 0, __shfl_sync(FULL, place, threadIdx.x % 32 - lane + from + j));
    bring_pieces(held, rows, row, lane);
#pragma unroll
    for (int j = 0; j < BESIDE; j++) to[from + j] = held[j];
}

// The range of each channel over the rows of a partition. Returns whether all of it is finite, to the threads of channels.
__device__ __forceinline__ bool find_scales(const Piece (&after)[EACH], Bound (*across)[THREADS / 32][LANES * BOUNDS],
                                            Scales& scales, u32 dim, float eps) {
    const u32 lane = threadIdx.x % LANES;
    Seen seen;
    seen.begin();
#pragma unroll
    for (int j = 0; j < EACH; j++) seen.add(after[j]);
#pragma unroll
    for (int apart = LANES; apart < 32; apart <<= 1)
#pragma unroll
        for (int i = 0; i < BOUNDS; i++) {
            seen.low[i] = lesser(seen.low[i], __shfl_xor_sync(FULL, seen.low[i], apart));
            seen.high[i] = greater(seen.high[i], __shfl_xor_sync(FULL, seen.high[i], apart));
        }
    if ((threadIdx.x & 31) < LANES) {
#pragma unroll
        for (int i = 0; i < BOUNDS; i++) {
            across[0][threadIdx.x >> 5][lane * BOUNDS + i] = seen.low[i];
            across[1][threadIdx.x >> 5][lane * BOUNDS + i] = seen.high[i];
        }
    }
    bool sound = seen.doubt == 0.0f;
    __syncthreads();
#pragma unroll 1
    for (u32 channel = threadIdx.x; channel < LANES * WIDE; channel += THREADS) {
        const u32 at = channel * BOUNDS / WIDE;
        Bound low = across[0][0][at], high = across[1][0][at];
#pragma unroll
        for (int warp = 1; warp < THREADS / 32; warp++)
            low = lesser(low, across[0][warp][at]), high = greater(high, across[1][warp][at]);
        const float least = bound_of(low, channel), most = bound_of(high, channel);
        const double width = (double)most - (double)least;
        sound = sound && (channel >= dim || (finite(least) && finite(most)));
        scales.low[channel] = channel < dim ? least : 0.0f;
        scales.factor[channel] = channel < dim && width > (double)eps ? (float)(1.0 / width) : 0.0f;
    }
    __syncthreads();
    return sound;
}

// The spread of BESIDE rows over their channels.
__device__ __forceinline__ void find_spreads(const Piece (&now)[EACH], u32 from, const Scales& scales, u32 dim, u32 lag,
                                             float* found) {
    typedef Shared<BESIDE> Own;
    const u32 lane = threadIdx.x % LANES;
    float x[BESIDE][WIDE], sums[BESIDE] = {}, squares[BESIDE] = {};
#pragma unroll
    for (int j = 0; j < BESIDE; j++) spread(x[j], now[from + j]);   // Channels that a row lacks have no range, and become zeros.
#pragma unroll
    for (int e = 0; e < WIDE; e += 4) {
        const float4 base = *(const float4*)(scales.low + lane * WIDE + e), by = *(const float4*)(scales.factor + lane * WIDE + e);
        const float bases[4] = {base.x, base.y, base.z, base.w}, factors[4] = {by.x, by.y, by.z, by.w};
#pragma unroll
        for (int i = 0; i < 4; i++)
#pragma unroll
            for (int j = 0; j < BESIDE; j++) x[j][e + i] -= bases[i], sums[j] = __fmaf_rn(x[j][e + i], factors[i], sums[j]);
    }
    Own::add_up(sums);
    const float own = sums[0] / (float)dim;
    float means[BESIDE];
#pragma unroll
    for (int j = 0; j < BESIDE; j++) means[j] = __shfl_sync(FULL, own, threadIdx.x % 32 - lane + j * Own::ALIKE);
#pragma unroll
    for (int e = 0; e < WIDE; e += 4) {
        const float4 by = *(const float4*)(scales.factor + lane * WIDE + e);
        const float factors[4] = {by.x, by.y, by.z, by.w};
#pragma unroll
        for (int i = 0; i < 4; i++)
#pragma unroll
            for (int j = 0; j < BESIDE; j++) {
                const float apart = __fmaf_rn(x[j][e + i], factors[i], -means[j]);
                squares[j] = __fmaf_rn(apart, apart, squares[j]);
            }
    }
    // Rows are made of whole pieces, so that a lane has a piece or none.
#pragma unroll
    for (int j = 0; j < BESIDE; j++)
        if (lane * WIDE >= dim) squares[j] = 0.0f;
    Own::add_up(squares);
    const u32 t = token_of(from + Own::first_of());
    if (Own::has_the_say() && t < lag) found[t] = dim > 1 ? sqrtf(squares[0] / (float)(dim - 1)) : 0.0f;
}

// As rank_partitions, for rows of whole pieces, no more of these than lanes, and partitions of MOST tokens at most: a block
// the partitions of a chain of `chain`. Where `broken` is given, it becomes 1 if a number is not finite; where `only` is, it
// says whether there is anything to do. `partitions` are those that there is room for in `shares`.
extern "C" __global__ void __launch_bounds__(THREADS, IN_PAIRS || FORM == F32 ? 2 : 1) rank_chains(
    ROWS_PARAMETERS, const u32* places, const u32* filled, u32 sinks, u32 lag, u32 chain, u32 partitions, float eps,
    float* shares, float* out, u32* broken, const u32* only) {
    Rows rows = ROWS_GIVEN;
    __shared__ Bound across[2][THREADS / 32][LANES * BOUNDS];
    __shared__ Scales scales;
    __shared__ Spreads spreads, payments;
    if (only != nullptr && *only == 0) return;
    float *found = spreads.of, *paid = payments.of;
    const u32 b = blockIdx.x / heads, h = blockIdx.x % heads, lane = threadIdx.x % LANES;
    const u32 count = filled[b], parts = count > sinks ? (count - sinks) / lag : 0, begin = blockIdx.y * chain;
    const u32 end = min(begin + chain, parts > 0 ? parts - 1 : 0);
    if (begin >= end) return;
    rows.first = rows.at(b, h, 0);
    // Beyond the end the last row comes again, which changes nothing.
    const u32* where = places + (u64)b * tokens + sinks + min(token_of(lane % EACH), lag - 1);
    for (u32 t = threadIdx.x; t < MOST; t += THREADS) paid[t] = -MINUS_INFINITY;
    Piece one[EACH], other[EACH];
    u32 place = where[begin * lag];
#pragma unroll
    for (int from = 0; from < EACH; from += BESIDE) bring_some(one, from, rows, place);
    place = where[(begin + 1) * lag];
#pragma unroll
    for (int from = 0; from < EACH; from += BESIDE) bring_some(other, from, rows, place);
    bool sound = true;
    auto step = [&](Piece(&now)[EACH], const Piece(&after)[EACH], u32 part) {
        const bool more = part + 1 < end;
        const u32 coming = more ? where[(part + 2) * lag] : 0;
        sound = find_scales(after, across, scales, dim, eps) && sound;
#pragma unroll
        for (int from = 0; from < EACH; from += BESIDE) {
            // Else compilers make ready for what comes too early, for which there are no registers.
            __syncwarp();
            find_spreads(now, from, scales, dim, lag, found);
            // Rows that are done with make room for those behind the next partition, which come meanwhile.
            if (more) bring_some(now, from, rows, coming);
        }
        __syncthreads();
        float most, share;
        weigh_spreads(found, lag, most, share);
        const u64 mine = (((u64)b * heads + h) * partitions + part) * lag;
        for (u32 t = threadIdx.x; t < lag; t += THREADS) {
            const float part_of_it = expf(found[t] - most) * share;
            if (RANKS) paid[t] = part_of_it + shares[mine + t];
            else shares[mine + t] = part_of_it;
        }
        if (!RANKS) return;
        __syncthreads();
        for (u32 start = 0; start < MOST; start += THREADS / 2) {
            const u32 t = start + threadIdx.x / 2;
            if (t / 16 * 16 >= lag) continue;   // a whole warp
            const u32 rank = rank_of(paid, lag, t, threadIdx.x % 2);
            if (t < lag && threadIdx.x % 2 == 0)
                out[((u64)b * heads + h) * tokens + places[(u64)b * tokens + sinks + part * lag + t]] =
                    (float)((double)rank / (double)lag);
        }
    };
    for (u32 part = begin; part < end; part += 2) {
        step(one, other, part);
        if (part + 1 < end) step(other, one, part + 1);
    }
    if (broken != nullptr && !sound) *broken = 1;
}
