// Which tokens of a sequence count, in their order.
#include "prefix.cuh"

#define THREADS 256
#define A_TURN 8   // tokens of a thread at a time

// A block a sequence: `places` [batch][tokens] of tokens that count, `filled` [batch] of them; what is behind is not set.
extern "C" __global__ void __launch_bounds__(THREADS) list_places(const u8* counts, u32 tokens, u32* places, u32* filled) {
    __shared__ u32 warps[THREADS / 32];
    const u8* mine = counts + (u64)blockIdx.x * tokens;
    u32* to = places + (u64)blockIdx.x * tokens;
    u32 done = 0;
    for (u32 start = 0; start < tokens; start += THREADS * A_TURN) {
        u32 first = start + threadIdx.x * A_TURN, passing = 0, total;
#pragma unroll
        for (u32 j = 0; j < A_TURN; j++) passing |= first + j < tokens && mine[first + j] != 0 ? 1u << j : 0u;
        u32 place = done + sum_before((u32)__popc(passing), warps, total);
#pragma unroll
        for (u32 j = 0; j < A_TURN; j++)
            if (passing >> j & 1) to[place++] = first + j;
        done += total;
    }
    if (threadIdx.x == 0) filled[blockIdx.x] = done;
}
