// Activation of many queries at once: one step of power iteration over the edges that come in. States are
// [nodes][width] with a query a column, so that a warp reads one line for 32 queries of an edge. Sums run in the order
// of the edges.
#include "keys.cuh"

#define HUB 1024  // edges from which a node has a block of its own
#define HUB_WARPS 8
#define STRANDED_PARTS 64

__device__ __forceinline__ float incoming(const u32* sources, const float* shares, const float* state, u64 width,
                                          u64 column, u64 first, u64 end, u32 apart) {
    float sum = 0.0f;
    u64 edge = first;
    for (; edge + 3 * apart < end; edge += 4 * apart) {
        float x[4], share[4];
#pragma unroll
        for (int j = 0; j < 4; j++) {
            share[j] = shares[edge + j * apart];
            x[j] = state[(u64)sources[edge + j * apart] * width + column];
        }
#pragma unroll
        for (int j = 0; j < 4; j++) sum = __fmaf_rn(share[j], x[j], sum);
    }
    for (; edge < end; edge += apart) sum = __fmaf_rn(shares[edge], state[(u64)sources[edge] * width + column], sum);
    return sum;
}

__device__ __forceinline__ void settled(float sum, float factor, float* next, float* all, u64 at) {
    next[at] = factor * sum;
    if (all != nullptr) all[at] += factor * sum;
}

// A warp a node; `all`, if given, gathers every step.
extern "C" __global__ void spread(const u64* offsets, const u32* sources, const float* shares, const float* state,
                                  float* next, float* all, float factor, u32 nodes, u32 width) {
    u32 node = (blockIdx.x * blockDim.x + threadIdx.x) >> 5;
    u64 column = blockIdx.y * 32 + (threadIdx.x & 31);
    if (node >= nodes) return;
    u64 first = offsets[node], end = offsets[node + 1];
    if (end - first > HUB) return;
    float sum = incoming(sources, shares, state, width, column, first, end, 1);
    settled(sum, factor, next, all, (u64)node * width + column);
}

// A block a node, for those with many edges.
extern "C" __global__ void __launch_bounds__(HUB_WARPS * 32) spread_hubs(
    const u32* hubs, const u64* offsets, const u32* sources, const float* shares, const float* state, float* next,
    float* all, float factor, u32 width) {
    __shared__ float parts[HUB_WARPS][32];
    u32 node = hubs[blockIdx.x], lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
    u64 column = blockIdx.y * 32 + lane;
    parts[warp][lane] = incoming(sources, shares, state, width, column, offsets[node] + warp, offsets[node + 1], HUB_WARPS);
    __syncthreads();
    if (warp == 0) {
        float sum = 0.0f;
        for (int j = 0; j < HUB_WARPS; j++) sum += parts[j][lane];
        settled(sum, factor, next, all, (u64)node * width + column);
    }
}

// What lies on nodes without a way on, in parts: [STRANDED_PARTS][width].
extern "C" __global__ void __launch_bounds__(32) stranded(const u32* ends, u32 count, const float* state, float* parts,
                                                          u32 width) {
    u64 column = blockIdx.y * 32 + threadIdx.x;
    u32 first = (u32)((u64)count * blockIdx.x / STRANDED_PARTS);
    u32 end = (u32)((u64)count * (blockIdx.x + 1) / STRANDED_PARTS);
    float sum = 0.0f;
    for (u32 at = first; at < end; at++) sum += state[(u64)ends[at] * width + column];
    parts[(u64)blockIdx.x * width + column] = sum;
}

// Goes back to the seeds: the restart, and what was stranded. One query has no seed twice.
extern "C" __global__ void restart(const u32* seeds, const u32* queries, const float* weights, u32 count,
                                   const float* parts, float* next, float chance, u32 width) {
    u32 at = blockIdx.x * blockDim.x + threadIdx.x;
    if (at >= count) return;
    float lost = 0.0f;
    if (parts != nullptr) {
        for (int part = 0; part < STRANDED_PARTS; part++) lost += parts[(u64)part * width + queries[at]];
    }
    u64 place = (u64)seeds[at] * width + queries[at];
    next[place] += (chance + (1.0f - chance) * lost) * weights[at];
}
