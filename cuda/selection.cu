// The best of many scores, a row at a time, read once.
#include "best.cuh"

#define A_TURN 8      // scores of a thread between two barriers
#define HEAD 2048u    // scores that a first floor is taken from

// Gives the block a floor that lets most pass by unsorted; true if fewer than it keeps may reach that.
__device__ __forceinline__ bool first_floor(Best& best, const float* row, u32 first, u32 end) {
    if (end - first <= 3 * HEAD) return false;
    bool few = best.keep <= THREADS / 2;
    int rank = best.keep;
    if (few) {
        // The greatest that each thread sees of the first scores: so many different ones are at least that good.
        u64 greatest = 0;
        for (u32 at = first + threadIdx.x; at < first + HEAD; at += THREADS) {
            u64 key = row[at] == row[at] ? key_of(row[at], at) : 0;
            greatest = key > greatest ? key : greatest;
        }
        push(best, greatest);
    } else {
        // The place in a sample that those to keep should have in the whole, and some more.
        u32 apart = (end - first) / LIMIT;
        for (int j = threadIdx.x; j < LIMIT; j += THREADS) {
            u32 at = first + j * apart;
            if (row[at] == row[at]) push(best, key_of(row[at], at));
        }
        rank = (int)(1.25f * (float)best.keep * (float)LIMIT / (float)(end - first)) + 8;
    }
    __syncthreads();
    int keep = best.keep;
    best.keep = rank < LIMIT ? rank : LIMIT;
    settle(best);
    best.keep = keep;
    // These come by again, so the floor itself has to pass.
    if (best.floor != 0) best.floor--;
    if (threadIdx.x == 0) *best.count = 0;
    __syncthreads();
    return !few;
}

__device__ __forceinline__ void select_above(Best& best, const float* row, u32 first, u32 end) {
    float least = best.floor != 0 ? score_of(best.floor) : MINUS_INFINITY;
    bool wide = (((u64)row) & 15) == 0;
    for (u32 start = first; start < end; start += THREADS * A_TURN) {
        float x[A_TURN];
#pragma unroll
        for (int j = 0; j < A_TURN / 4; j++) {
            u32 at = start + j * THREADS * 4 + threadIdx.x * 4;
            if (wide && at + 4 <= end) {
                float4 four = *(const float4*)(row + at);
                x[4 * j] = four.x, x[4 * j + 1] = four.y, x[4 * j + 2] = four.z, x[4 * j + 3] = four.w;
            } else {
#pragma unroll
                for (int e = 0; e < 4; e++) x[4 * j + e] = at + e < end ? row[at + e] : __int_as_float(0x7fffffff);
            }
        }
#pragma unroll
        for (int j = 0; j < A_TURN; j++) {
            if (x[j] >= least) push(best, key_of(x[j], start + (j >> 2) * THREADS * 4 + threadIdx.x * 4 + (j & 3)));
        }
        turn(best);
        least = best.floor != 0 ? score_of(best.floor) : MINUS_INFINITY;
    }
}

// A row of scores is cut into gridDim.y parts; each writes its `keep` best keys. NaN is nobody.
extern "C" __global__ void __launch_bounds__(THREADS) select_scores(
    const float* scores, u64 stride, u32 count, u64* out, int keep) {
    __shared__ u64 keys[BUFFER];
    __shared__ int filled;
    u32 parts = gridDim.y, part = blockIdx.y;
    u32 span = ((count + parts - 1) / parts + 3) & ~3u;
    u32 first = part * span < count ? part * span : count, end = first + span < count ? first + span : count;
    const float* row = scores + (u64)blockIdx.x * stride;
    Best best = best_of(keys, &filled, keep);
    bool guessed = first_floor(best, row, first, end);
    select_above(best, row, first, end);
    u64* to = out + ((u64)blockIdx.x * parts + part) * keep;
    write_best(best, to);
    if (guessed && *best.count < keep) {
        // Too few: the guess was too high, and without one all are looked at.
        __syncthreads();
        best = best_of(keys, &filled, keep);
        select_above(best, row, first, end);
        write_best(best, to);
    }
}

// The best of lists of keys, each with its own length up to `room`; no `counts` means that all are full.
extern "C" __global__ void __launch_bounds__(THREADS) select_keys(
    const u64* lists, const u32* counts, u32 room, u64* out, int keep) {
    __shared__ u64 keys[BUFFER];
    __shared__ int filled;
    const u64* list = lists + (u64)blockIdx.x * room;
    u32 count = counts == nullptr ? room : counts[blockIdx.x];
    if (count > room) count = room;
    Best best = best_of(keys, &filled, keep);
    for (u32 start = 0; start < count; start += THREADS * A_TURN) {
        for (int j = 0; j < A_TURN; j++) {
            u32 at = start + j * THREADS + threadIdx.x;
            if (at < count) push(best, list[at]);
        }
        turn(best);
    }
    write_best(best, out + (u64)blockIdx.x * keep);
}

// The score of the last of the best, or minus infinity where there are fewer.
extern "C" __global__ void floors_of(const u64* best, int keep, float* floors, u32 count) {
    u32 query = blockIdx.x * blockDim.x + threadIdx.x;
    if (query >= count) return;
    u64 key = best[(u64)query * keep + keep - 1];
    floors[query] = key != 0 ? score_of(key) : MINUS_INFINITY;
}

// Rows and scores of keys.
extern "C" __global__ void unpack(const u64* keys, long long* rows, float* scores, u64 count) {
    u64 at = (u64)blockIdx.x * blockDim.x + threadIdx.x;
    if (at >= count) return;
    rows[at] = keys[at] != 0 ? (long long)row_of(keys[at]) : -1;
    scores[at] = keys[at] != 0 ? score_of(keys[at]) : MINUS_INFINITY;
}
