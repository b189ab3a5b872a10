// Activation of many queries at once: one step of power iteration over the edges that come in. States are
// [nodes][width] with a query a column, so that a warp reads one line for 32 queries of an edge. Sums run in the order
// of the edges.
#include "keys.cuh"

#define HUB 1024  // edges from which a node has a block of its own
#define HUB_WARPS 16
#define STRANDED_PARTS 64
#define BESIDE 4  // edges on their way at once

__device__ __forceinline__ void load(float (&to)[1], const float* from) { to[0] = from[0]; }

__device__ __forceinline__ void load(float (&to)[4], const float* from) {
    float4 four = *(const float4*)from;
    to[0] = four.x, to[1] = four.y, to[2] = four.z, to[3] = four.w;
}

// What comes to WIDE columns of a node over some of its edges, every `apart`-th from `first` on.
template <int WIDE> __device__ __forceinline__ void incoming(float (&sums)[WIDE], const u32* sources, const float* shares,
                                                             const float* state, u64 first, u64 end, u32 apart, u64 width) {
    for (u64 edge = first; edge < end; edge += (u64)apart * BESIDE) {
        float x[BESIDE][WIDE], share[BESIDE];
#pragma unroll
        for (int j = 0; j < BESIDE; j++) {
            u64 at = edge + (u64)j * apart;
            share[j] = at < end ? __ldg(shares + at) : 0.0f;
            load(x[j], state + (at < end ? (u64)__ldg(sources + at) * width : 0));
        }
#pragma unroll
        for (int j = 0; j < BESIDE; j++)
#pragma unroll
            for (int w = 0; w < WIDE; w++) sums[w] = __fmaf_rn(share[j], x[j][w], sums[w]);
    }
}

template <int WIDE> __device__ __forceinline__ void settled(const float (&sums)[WIDE], float factor, float* next,
                                                            float* all, u64 at) {
#pragma unroll
    for (int w = 0; w < WIDE; w++) {
        next[at + w] = factor * sums[w];
        if (all != nullptr) all[at + w] += factor * sums[w];
    }
}

template <int WIDE> __device__ __forceinline__ void spread_to(
    const u64* offsets, const u32* sources, const float* shares, const float* state, float* next, float* all,
    float factor, u32 nodes, u32 width) {
    u32 node = (blockIdx.x * blockDim.x + threadIdx.x) >> 5;
    u64 column = (blockIdx.y * 32 + (threadIdx.x & 31)) * WIDE;
    if (node >= nodes) return;
    u64 first = offsets[node], end = offsets[node + 1];
    if (end - first > HUB) return;
    float sums[WIDE] = {};
    incoming(sums, sources, shares, state + column, first, end, 1, width);
    settled(sums, factor, next, all, (u64)node * width + column);
}

// A warp a node, with a query a lane or four; `all`, if given, gathers every step.
extern "C" __global__ void spread(const u64* offsets, const u32* sources, const float* shares, const float* state,
                                  float* next, float* all, float factor, u32 nodes, u32 width) {
    spread_to<1>(offsets, sources, shares, state, next, all, factor, nodes, width);
}

extern "C" __global__ void spread_wide(const u64* offsets, const u32* sources, const float* shares, const float* state,
                                       float* next, float* all, float factor, u32 nodes, u32 width) {
    spread_to<4>(offsets, sources, shares, state, next, all, factor, nodes, width);
}

// A block a node, for those with many edges.
extern "C" __global__ void __launch_bounds__(HUB_WARPS * 32) spread_hubs(
    const u32* hubs, const u64* offsets, const u32* sources, const float* shares, const float* state, float* next,
    float* all, float factor, u32 width) {
    __shared__ float parts[HUB_WARPS][32];
    u32 node = hubs[blockIdx.x], lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
    u64 column = blockIdx.y * 32 + lane;
    float sums[1] = {};
    incoming(sums, sources, shares, state + column, offsets[node] + warp, offsets[node + 1], HUB_WARPS, width);
    parts[warp][lane] = sums[0];
    __syncthreads();
    if (warp == 0) {
        sums[0] = 0.0f;
        for (int j = 0; j < HUB_WARPS; j++) sums[0] += parts[j][lane];
        settled(sums, factor, next, all, (u64)node * width + column);
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
