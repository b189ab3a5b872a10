// Logits that are expected of queries with a mean and a covariance: products of each key with a form of two sides, and
// with a direction. Rows of the form stream past the keys as queries do, in two parts of the type of the keys that add
// up to float32 or nearly so.
#include "attention.cuh"

#if PLAIN
#define SPLIT 1
#else
#define SPLIT 2
#endif

// `forms` [batch][heads][group][dim up to a multiple of QUERIES][SPLIT][width] in the type of cells, with `width` the
// cells of whole pieces; `directions` [batch][heads][group][dim], what is added to
// a form times its scale, `scales` [batch][heads][group]; `logits` [batch][heads][group][tokens].
extern "C" __global__ void __launch_bounds__(THREADS, 2) expect(
    const Cell* forms, const float* scales, const float* directions, const Element* keys, u64 key_batch, u64 key_head, u64 key_step,
    u32 keys_whole, u32 heads, u32 tokens, u32 dim, u32 group, float* logits) {
    extern __shared__ __align__(128) u8 shared[];
    __shared__ float across[2][KEYS];
    const u32 lane = threadIdx.x & 31, warp = threadIdx.x >> 5, warp_m = warp & 1, warp_n = warp >> 1;
    const u32 b = blockIdx.y / heads, h = blockIdx.y % heads, first_key = blockIdx.x * KEYS;
    const u32 pieces = (dim * (u32)sizeof(Cell) + PIECE - 1) / PIECE, tiles = (dim + QUERIES - 1) / QUERIES;
    u8* stages = shared + pieces * KEYS * PIECE;
    const Side<Element> side = {keys + b * key_batch + h * key_head, key_step, dim, keys_whole != 0};
    bring_all<KEYS>(shared, pieces, [&](u8* to, u32 row, u32 chunk) {
        side.bring(to, first_key + row, chunk * CELLS, first_key + row < tokens);
    });
    float got[8] = {};
    Products products;
    products.clear();
    stream<QUERIES>(
        stages, pieces * SPLIT, 0, tiles * group, [](u32 at) { return at; },
        [&](u8* to, u32 at, u32 row, u32 chunk) {
            u64 line = ((u64)blockIdx.y * group * tiles + at) * QUERIES + row;
            copy16(to, (const u8*)forms + line * SPLIT * pieces * PIECE + chunk * 16, true);
        },
        [&](const u8* left, u32 piece) {
            products.add(left + warp_m * 32 * PIECE, shared + piece % pieces * KEYS * PIECE + warp_n * 32 * PIECE, lane);
        },
        [&](u32 at) {
            const u32 g = at / tiles;
            const float scale = scales[(u64)blockIdx.y * group + g];
            const float* ahead = directions + ((u64)blockIdx.y * group + g) * dim;
#pragma unroll
            for (u32 i = 0; i < 4; i++) {
                u32 channel = at % tiles * QUERIES + warp_m * 32 + query_of(i, lane);
                float direction = channel < dim ? ahead[channel] : 0.0f;
                u32 byte = channel * (u32)sizeof(Cell);
                const u8* column = shared + byte / PIECE * KEYS * PIECE + byte % 16;
#pragma unroll
                for (u32 j = 0; j < 8; j++) {
                    u32 key = warp_n * 32 + key_of_lane(j, lane);
                    if (channel < dim) {
                        Cell mine = *(const Cell*)(column + cell(key, byte % PIECE / 16));
#if PLAIN
                        float x = mine;
#else
                        float x = number(mine);
#endif
                        float product = products.sums[i >> 1][j >> 1][(i & 1) * 2 + (j & 1)];
                        got[j] = __fmaf_rn(__fmaf_rn(product, scale, direction), x, got[j]);
                    }
                }
            }
            products.clear();
            if (at % tiles != tiles - 1) return;
#pragma unroll
            for (u32 j = 0; j < 8; j++) {
#pragma unroll
                for (int apart = 4; apart < 32; apart <<= 1) got[j] += __shfl_xor_sync(FULL, got[j], apart);
                if (lane < 4) across[warp_m][warp_n * 32 + key_of_lane(j, lane)] = got[j];
                got[j] = 0.0f;
            }
            __syncthreads();
            for (u32 t = threadIdx.x; t < KEYS && first_key + t < tokens; t += THREADS)
                logits[((u64)blockIdx.y * group + g) * tokens + first_key + t] = across[0][t] + across[1][t];
            __syncthreads();
        });
}
