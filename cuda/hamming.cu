// Codes of one bit a dimension: the score is minus the number of bits that differ, and exact.
//
// This kernel counts bits and runs everywhere; `scan.cu` with TYPE=Bit asks the matrix units where they know bits.
#include "scan.cuh"

#define GROUP 32  // queries of a block
#define CODES 256 // rows of a block at a time, one a thread

// Rows are words in fours; queries [groups][words][GROUP], filled up with zeros.
extern "C" __global__ void __launch_bounds__(CODES) scan_bits(SCAN_PARAMETERS) {
    Scan s = SCAN_GIVEN;
    extern __shared__ __align__(16) u8 shared[];
    u32* bits = (u32*)shared;
    u32 words = s.row_bytes / 4;
    u32 group = blockIdx.x % s.query_tiles, segment = blockIdx.x / s.query_tiles;
    const u32* from = (const u32*)s.queries + (u64)group * words * GROUP;
    for (u32 at = threadIdx.x; at < words * GROUP; at += CODES) bits[at] = from[at];
    float* least = (float*)(bits + words * GROUP);
    if (threadIdx.x < GROUP) least[threadIdx.x] = floor_of(s, group * GROUP + threadIdx.x);
    __syncthreads();
    u32 tiles = (s.count + CODES - 1) / CODES;
    u32 first = (u32)((u64)tiles * segment / s.segments), end = (u32)((u64)tiles * (segment + 1) / s.segments);
    for (u32 tile = first; tile < end; tile++) {
        u32 at = tile * CODES + threadIdx.x;
        const uint4* row = (const uint4*)(s.rows + (u64)(at < s.count ? at : 0) * s.step * s.row_bytes);
        int apart[GROUP];
#pragma unroll
        for (int j = 0; j < GROUP; j++) apart[j] = 0;
        for (u32 word = 0; word < words; word += 4) {
            uint4 four = row[word / 4];
            const u32 x[4] = {four.x, four.y, four.z, four.w};
#pragma unroll
            for (int w = 0; w < 4; w++) {
                const uint4* line = (const uint4*)(bits + (word + w) * GROUP);
#pragma unroll
                for (int j = 0; j < GROUP / 4; j++) {
                    uint4 q = line[j];
                    apart[4 * j] += __popc(x[w] ^ q.x);
                    apart[4 * j + 1] += __popc(x[w] ^ q.y);
                    apart[4 * j + 2] += __popc(x[w] ^ q.z);
                    apart[4 * j + 3] += __popc(x[w] ^ q.w);
                }
            }
        }
#if DENSE
#pragma unroll
        for (int j = 0; j < GROUP; j++) write_score(s, group * GROUP + j, at, -(float)apart[j]);
#else
        u32 passing = 0;
#pragma unroll
        for (int j = 0; j < GROUP; j++) passing |= -(float)apart[j] >= least[j] ? 1u << j : 0u;
        // Few pass; counting their bits once more is cheaper than to keep all counts at hand.
        while (passing != 0) {
            int j = __ffs(passing) - 1;
            passing &= passing - 1;
            int again = 0;
            for (u32 word = 0; word < words; word++) again += __popc(((const u32*)row)[word] ^ bits[word * GROUP + j]);
            keep_score(s, group * GROUP + j, at, -(float)again);
        }
#endif
    }
}
