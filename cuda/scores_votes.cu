// Which queries vote, what the newest of them asks, and what that one sees.
#include "prefix.cuh"
#include "pieces.cuh"

// A block a sequence. `own` [batch or 1][w] is behind which token a query stands, 0 for none; those that are `sound`
// [batch][w] vote, the last `window` of them. `until` is what they see, `votes` what they count: each `decay` times the one
// behind it; `count` how many vote, and `last` behind which query the newest stands, 0 where none does.
extern "C" __global__ void __launch_bounds__(THREADS) choose_votes(
    const u8* sound, const u32* own, u32 own_step, u32 w, u32 window, double decay, u32* until, float* votes, u64* count,
    u32* last) {
    __shared__ u32 warps[THREADS / 32];
    const u32* mine = own + (u64)blockIdx.x * own_step;
    u32 done = 0;
    if (threadIdx.x == 0) last[blockIdx.x] = 0;
    __syncthreads();
    for (u32 start = 0; start < w; start += THREADS) {
        const u32 at = start + threadIdx.x, query = at < w ? w - 1 - at : 0;
        const u64 to = (u64)blockIdx.x * w + query;
        const u32 sees = at < w && sound[to] ? mine[query] : 0;
        u32 total;
        const u32 newer = done + sum_before(sees != 0, warps, total);
        done += total;
        if (at >= w) continue;
        until[to] = newer < window ? sees : 0;
        // Of one that does not vote, as of the voter behind it.
        const u32 steps = sees != 0 || newer == 0 ? newer : newer - 1;
        votes[to] = decay == 1.0 ? 1.0f : (float)pow(decay, (double)steps);
        if (sees != 0 && newer == 0 && window > 0) last[blockIdx.x] = query + 1;
    }
    if (threadIdx.x == 0) count[blockIdx.x] = min(done, window);
}

// A block a query head: `factor` times the newest query that votes, or zeros, `out` [batch][query heads][dim].
extern "C" __global__ void __launch_bounds__(THREADS) newest_queries(ROWS_PARAMETERS, const u32* last, float factor, float* out) {
    Rows rows = ROWS_GIVEN;
    const u32 b = blockIdx.x / heads, h = blockIdx.x % heads, behind = last[b];
    for (u32 e = threadIdx.x; e < dim; e += THREADS)
        out[(u64)blockIdx.x * dim + e] = behind == 0 ? 0.0f : number(rows.at(b, h, behind - 1)[e]) * factor;
}

// Tokens that count and that the newest query sees, `open` [batch][tokens]; `until` [batch][w].
extern "C" __global__ void __launch_bounds__(THREADS) open_tokens(const u8* counts, const u32* until, const u32* last, u32 w,
                                                                  u32 tokens, u8* open) {
    const u32 at = blockIdx.x * THREADS + threadIdx.x, b = blockIdx.y, behind = last[b];
    if (at >= tokens) return;
    const u64 to = (u64)b * tokens + at;
    open[to] = behind != 0 && counts[to] != 0 && at < until[(u64)b * w + behind - 1];
}
