// Attention of few queries over many segments of keys and values as they are, each cut into parts: a part gives its sum,
// its greatest logit and what that sum weighs, and parts are joined in their order. Keys and values are read once for as
// many queries of a head as ROWS says.
#include "attention_decode.cuh"

#define JOINING 128u  // threads that join parts

// `queries` [batch][heads][rows][dim] are scaled for logits to the base 2; `until` [batch][rows] is the last position that
// a query sees. `sums` [works][rows][value_dim]; `stats` [works][rows][2], the greatest logit and what the sum weighs.
// A block a part, ROWS queries, and LANES * WIDE channels of the values.
extern "C" __global__ void __launch_bounds__(THREADS, BLOCKS) attend_parts(
    const float* queries, const int* until, u32 rows, const u64* segments, const u32* works, u32 heads, u32 dim,
    u32 value_dim, u32 whole_keys, u32 whole_values, u32 part, float* sums, float* stats) {
    __shared__ float paid[ROWS][TILE], across[THREADS / 32][LANES * WIDE], factors[ROWS], tops[ROWS], totals[ROWS];
    const u32 lane = threadIdx.x % LANES, group = threadIdx.x / LANES, warp = threadIdx.x >> 5;
    const u32 turns = (value_dim + LANES * WIDE - 1) / (LANES * WIDE);
    const u32 first_row = blockIdx.y / turns * ROWS, turn = blockIdx.y % turns;
    const Work work = ((const Work*)works)[blockIdx.x];
    const Segment segment = ((const Segment*)segments)[work.segment];
    const Met met = met_by(segment, work, queries, until, rows, heads, dim, whole_keys != 0, part);
    const Rows values = {(const Element*)segment.values + work.own_head * segment.value_head, 0, 0, segment.value_token, 1,
                         (u32)segment.tokens, value_dim, whole_values != 0};
    const u32 end = met.end;
    if (threadIdx.x < ROWS) tops[threadIdx.x] = MINUS_INFINITY, totals[threadIdx.x] = 0.0f;
    float got[ROWS][WIDE] = {};
    for (u32 start = met.first; start < end; start += TILE) {
        met.logits(first_row, start, paid);
        __syncthreads();
        for (u32 r = warp; r < ROWS; r += THREADS / 32) {
            float top = tops[r], most = top, sum = 0.0f;
            for (u32 t = threadIdx.x & 31; t < TILE; t += 32) most = fmaxf(most, paid[r][t]);
#pragma unroll
            for (int apart = 16; apart > 0; apart >>= 1) most = fmaxf(most, __shfl_xor_sync(FULL, most, apart));
            // Where nothing is seen yet, a difference of infinities would be no number.
            float base = most == MINUS_INFINITY ? 0.0f : most;
            for (u32 t = threadIdx.x & 31; t < TILE; t += 32) {
                paid[r][t] = exp2f(paid[r][t] - base);
                sum += paid[r][t];
            }
#pragma unroll
            for (int apart = 16; apart > 0; apart >>= 1) sum += __shfl_xor_sync(FULL, sum, apart);
            if ((threadIdx.x & 31) == 0) {
                factors[r] = exp2f(top - base);
                totals[r] = totals[r] * factors[r] + sum;
                tops[r] = most;
            }
        }
        __syncthreads();
#pragma unroll
        for (int r = 0; r < ROWS; r++)
#pragma unroll
            for (int e = 0; e < WIDE; e++) got[r][e] *= factors[r];
        float x[BESIDE][WIDE];
        const Element* row[BESIDE];
        bool has[BESIDE];
#pragma unroll
        for (int j = 0; j < BESIDE; j++) {
            u32 t = start + j * GROUPS + group;
            has[j] = t < end;
            row[j] = values.at(0, 0, has[j] ? t : 0);
        }
        load_pieces(x, values, row, has, turn * LANES + lane);
#pragma unroll
        for (int r = 0; r < ROWS; r++)
#pragma unroll
            for (int j = 0; j < BESIDE; j++) {
                float share = paid[r][j * GROUPS + group];
#pragma unroll
                for (int e = 0; e < WIDE; e++) got[r][e] = __fmaf_rn(share, x[j][e], got[r][e]);
            }
        __syncthreads();
    }
#pragma unroll
    for (int r = 0; r < ROWS; r++) {
#pragma unroll
        for (int apart = LANES; apart < 32; apart <<= 1)
#pragma unroll
            for (int e = 0; e < WIDE; e++) got[r][e] += __shfl_xor_sync(FULL, got[r][e], apart);
        if ((threadIdx.x & 31) < LANES) {
#pragma unroll
            for (int e = 0; e < WIDE; e++) across[warp][lane * WIDE + e] = got[r][e];
        }
        __syncthreads();
        u64 to = (u64)blockIdx.x * rows + first_row + r;
        for (u32 at = threadIdx.x; at < LANES * WIDE && first_row + r < rows; at += THREADS) {
            u32 channel = turn * LANES * WIDE + at;
            if (channel >= value_dim) break;
            float sum = 0.0f;
            for (int other = 0; other < THREADS / 32; other++) sum += across[other][at];
            sums[to * value_dim + channel] = sum;
        }
        if (threadIdx.x == 0 && turn == 0 && first_row + r < rows) stats[2 * to] = tops[r], stats[2 * to + 1] = totals[r];
        __syncthreads();
    }
}

// Joins the parts of each head, which are the works from `starts` [heads of all sequences + 1] on: `out`
// [batch][heads][rows][value_dim], zeros for a query that sees nothing, and the natural logarithm of what it weighs.
extern "C" __global__ void __launch_bounds__(JOINING, 8) join_parts(
    const float* sums, const float* stats, const u32* starts, u32 rows, u32 value_dim, float* out, float* lse) {
    __shared__ float weights[JOINING], weighed[JOINING], greatest[JOINING / 32];
    const u32 head = blockIdx.x / rows, row = blockIdx.x % rows, first = starts[head], end = starts[head + 1];
    auto place = [&](u32 part) { return (u64)part * rows + row; };
    float top = MINUS_INFINITY;
    for (u32 at = first + threadIdx.x; at < end; at += JOINING) top = fmaxf(top, stats[2 * place(at)]);
#pragma unroll
    for (int apart = 16; apart > 0; apart /= 2) top = fmaxf(top, __shfl_xor_sync(FULL, top, apart));
    if (threadIdx.x % 32 == 0) greatest[threadIdx.x / 32] = top;
    __syncthreads();
    for (u32 other = 0; other < JOINING / 32; other++) top = fmaxf(top, greatest[other]);
    const float base = top == MINUS_INFINITY ? 0.0f : top;
    for (u32 channels = 0; channels < value_dim; channels += JOINING) {
        const u32 channel = channels + threadIdx.x, own = min(channel, value_dim - 1);
        float sum = 0.0f, total = 0.0f;
        for (u32 from = first; from < end; from += JOINING) {
            const u32 at = from + threadIdx.x, some = min(JOINING, end - from);
            __syncthreads();
            weights[threadIdx.x] = at < end ? exp2f(stats[2 * place(at)] - base) : 0.0f;
            weighed[threadIdx.x] = at < end ? stats[2 * place(at) + 1] * weights[threadIdx.x] : 0.0f;
            __syncthreads();
            for (u32 i = 0; i < some; i++) total += weighed[i];
#pragma unroll 8
            for (u32 i = 0; i < some; i++) sum = __fmaf_rn(sums[place(from + i) * value_dim + own], weights[i], sum);
        }
        // What is not a number stays so: zeros are for a query that sees nothing.
        if (channel < value_dim) out[((u64)head * rows + row) * value_dim + channel] = total == 0.0f ? 0.0f : sum / total;
        if (channel == 0) lse[(u64)head * rows + row] = total == 0.0f ? MINUS_INFINITY : (base + log2f(total)) * 0.6931471805599453f;
    }
}

// What each position got of all queries, averaged over the query heads of a head: `out` [batch][heads][seen]. `lse`
// [batch][heads][rows] is the natural logarithm of what a query weighs.
extern "C" __global__ void __launch_bounds__(THREADS, BLOCKS) receive_parts(
    const float* queries, const int* until, u32 rows, const u64* segments, const u32* works, u32 heads, u32 dim,
    u32 whole_keys, u32 part, const float* lse, float share, u32 seen, float* out) {
    __shared__ float paid[ROWS][TILE];
    const Work work = ((const Work*)works)[blockIdx.x];
    const Segment segment = ((const Segment*)segments)[work.segment];
    const Met met = met_by(segment, work, queries, until, rows, heads, dim, whole_keys != 0, part);
    const float* weighs = lse + (u64)work.head * rows;
    for (u32 start = met.first; start < met.end; start += TILE) {
        const u32 t = start + threadIdx.x;
        float got = 0.0f;
        for (u32 first_row = 0; first_row < rows; first_row += ROWS) {
            met.logits(first_row, start, paid);
            __syncthreads();
            for (u32 r = 0; r < ROWS && first_row + r < rows && threadIdx.x < TILE && t < met.end; r++) {
                float base = weighs[first_row + r];
                if (base > MINUS_INFINITY) got += exp2f(paid[r][threadIdx.x] - base * 1.4426950408889634f);
            }
            __syncthreads();
        }
        if (threadIdx.x < TILE && t < met.end) {
            u32 position = met.positions == nullptr ? t : (u32)met.positions[t];
            if (position < seen) out[(u64)work.head * seen + position] = got * share;
        }
    }
}
