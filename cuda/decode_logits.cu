// Products of queries with codes: the cache is read once for all queries of a head, and no row is made of it. A thread a
// token; sums go over channels in order, so no result depends on how tokens are cut.
#include "asked.cuh"

#define STAGE (BITS <= 4 ? 256u : BITS == 8 ? 128u : 64u)  // channels at a time
#define STAGE_WORDS (STAGE * BITS / 32)
#define PITCH (STAGE_WORDS + 1)                          // threads meet in no bank

// The bytes of a stage of rows, from the first byte on; they lie side by side, so threads read them in a line.
__device__ __forceinline__ void bring(u32* held, const Codes& c, u64 row, u32 first_byte, u32 count, u32 bytes) {
    const u8* from = c.codes + row * c.row_bytes + first_byte;
    if ((c.row_bytes & 15) == 0 && (((u64)from | bytes) & 15) == 0) {
        u32 cells = bytes / 16;
        for (u32 at = threadIdx.x; at < count * cells; at += TILE) {
            uint4 four = *(const uint4*)(from + (u64)(at / cells) * c.row_bytes + at % cells * 16);
            u32* to = held + at / cells * PITCH + at % cells * 4;
            to[0] = four.x, to[1] = four.y, to[2] = four.z, to[3] = four.w;
        }
    } else if ((c.row_bytes & 3) == 0) {
        u32 words = bytes / 4;
        for (u32 at = threadIdx.x; at < count * words; at += TILE) {
            held[at / words * PITCH + at % words] = *(const u32*)(from + (u64)(at / words) * c.row_bytes + at % words * 4);
        }
    } else {
        for (u32 at = threadIdx.x; at < count * bytes; at += TILE) {
            ((u8*)(held + at / bytes * PITCH))[at % bytes] = from[(u64)(at / bytes) * c.row_bytes + at % bytes];
        }
    }
}

// `queries` are `[heads, rows, width]`; `base` is added by block of tokens, or null; `out` is `[heads, rows, n]`.
extern "C" __global__ void __launch_bounds__(TILE, 4) logits_by_token(
    CODES_PARAMETERS, const float* queries, const float* base, float* out, u32 rows) {
    __shared__ u32 held[TILE * PITCH];
    __shared__ float asked[STAGE * ROWS];
    __shared__ float levels[16];
    Codes c = CODES_GIVEN;
    u32 head = blockIdx.y, tile = blockIdx.x * TILE, count = min(TILE, n - tile), t = min(tile + threadIdx.x, n - 1);
    bool together = scale_together<CODEC>(c, 32);
    bring_levels<CODEC, BITS>(levels);
    for (u32 first = 0; first < rows; first += ROWS) {
        float sums[ROWS];
#pragma unroll
        for (int row = 0; row < ROWS; row++) sums[row] = 0.0f;
        for (u32 start = 0; start < width; start += STAGE) {
            u32 some = min(STAGE, width - start), first_byte = start / 8 * BITS;
            __syncthreads();
            bring(held, c, (u64)head * n + tile, first_byte, count, min(STAGE_WORDS * 4, row_bytes - first_byte));
            ask(asked, queries, head, rows, first, start, some, STAGE, width);
            __syncthreads();
            const u32* mine = held + min(threadIdx.x, count - 1) * PITCH;
            for (u32 from = 0; from < some; from += 32) {
                u32 words[BITS];
#pragma unroll
                for (int word = 0; word < BITS; word++) words[word] = mine[from / 32 * BITS + word];
                Scaled by = scaled_by<CODEC>(c, head, t, start + from);
#pragma unroll
                for (int j = 0; j < 32; j++) {
                    if (from + j >= some) break;
                    float x = value_of<CODEC>(bits_of<BITS>(words, j), levels);
                    if (!together) x = scaled<CODEC>(x, scaled_by<CODEC>(c, head, t, start + from + j));
                    if (CODEC == WHOLE && together) x = scaled<CODEC>(x, by);
                    add(sums, asked + (from + j) * ROWS, x);
                }
            }
        }
        if (threadIdx.x >= count) continue;
        float last = together && CODEC != WHOLE && CODEC != PLAIN ? scaled_by<CODEC>(c, head, t, 0).scale : 1.0f;
#pragma unroll
        for (int row = 0; row < ROWS; row++) {
            if (first + row >= rows) break;
            u64 place = (u64)head * rows + first + row;
            float found = sums[row] * last;
            if (base != nullptr) found += base[place * ((n + block - 1) / block) + t / block];
            out[place * n + t] = found;
        }
    }
}
