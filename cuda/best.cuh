// The best keys that a block of threads has seen, in shared memory. What is not above the floor is let go at once;
// when the buffer fills up it is sorted, cut, and the floor rises. The outcome depends on the keys alone, not on the
// order in which threads bring them.
#pragma once
#include "keys.cuh"

#define BUFFER 4096   // keys; a turn may add BUFFER - LIMIT
#define LIMIT 2048    // keys that are kept at most
#define THREADS 256

struct Best {
    u64* keys;   // [BUFFER]
    int* count;
    int keep;
    u64 floor;   // the same in every thread
    int last;    // the greatest place that this thread filled since the last turn
};

__device__ __forceinline__ Best best_of(u64* keys, int* count, int keep) {
    if (threadIdx.x == 0) *count = 0;
    __syncthreads();
    Best best = {keys, count, keep, 0, -1};
    return best;
}

__device__ __forceinline__ void push(Best& best, u64 key) {
    if (key > best.floor) {
        best.last = atomicAdd(best.count, 1);
        best.keys[best.last] = key;
    }
}

// Sorts `size` keys, a power of two, the greatest first.
__device__ __forceinline__ void sort_keys(u64* keys, int size) {
    for (int width = 2; width <= size; width <<= 1) {
        for (int apart = width >> 1; apart > 0; apart >>= 1) {
            for (int at = threadIdx.x; at < size / 2; at += blockDim.x) {
                int low = 2 * at - (at & (apart - 1)), high = low + apart;
                u64 a = keys[low], b = keys[high];
                bool falling = (low & width) == 0;
                if ((a < b) == falling) {
                    keys[low] = b;
                    keys[high] = a;
                }
            }
            __syncthreads();
        }
    }
}

__device__ __forceinline__ int power_of_two(int count) {
    int size = 2;
    while (size < count) size <<= 1;
    return size;
}

// Sorts what is there and cuts it to what is kept; all threads come here together, after a barrier.
__device__ __forceinline__ void settle(Best& best) {
    int count = *best.count, size = power_of_two(count);
    for (int at = count + threadIdx.x; at < size; at += blockDim.x) best.keys[at] = 0;
    __syncthreads();
    sort_keys(best.keys, size);
    int kept = count < best.keep ? count : best.keep;
    best.floor = count < best.keep ? 0 : best.keys[best.keep - 1];
    best.last = -1;
    if (threadIdx.x == 0) *best.count = kept;
    __syncthreads();
}

// Ends a turn in which each thread pushed at most (BUFFER - LIMIT) / THREADS keys.
__device__ __forceinline__ void turn(Best& best) {
    if (__syncthreads_or(best.last >= LIMIT)) settle(best);
}

// Writes the best, and 0 where there are fewer.
__device__ __forceinline__ void write_best(Best& best, u64* out) {
    __syncthreads();
    settle(best);
    int count = *best.count;
    for (int at = threadIdx.x; at < best.keep; at += blockDim.x) out[at] = at < count ? best.keys[at] : 0;
}
