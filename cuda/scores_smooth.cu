// What tokens before the window received, smoothed over their neighbours and reduced over the query heads of a head.
#include "keys.cuh"

#define MEAN 0
#define GREATEST 1
#define SUM 2

// A thread a token: `received` [batch][heads][group][tokens]; `places` and `filled` are the tokens that count, `past`
// [batch] how many of them lie before the window. Averages over neighbours count zeros beyond the ends.
extern "C" __global__ void smooth(const float* received, const u32* places, const u32* filled, const u32* past,
                                  u32 heads, u32 group, u32 tokens, u32 kernel, u32 greatest, u32 reduce, float* out) {
    const u32 i = blockIdx.x * blockDim.x + threadIdx.x, b = blockIdx.y / heads;
    if (i >= filled[b]) return;
    const u32* where = places + (u64)b * tokens;
    float* to = out + (u64)blockIdx.y * tokens + where[i];
    const int count = (int)past[b], half = (int)kernel / 2;
    if ((int)i >= count) {
        *to = -MINUS_INFINITY;
        return;
    }
    float all = reduce == GREATEST ? MINUS_INFINITY : 0.0f;
    for (u32 g = 0; g < group; g++) {
        const float* mine = received + ((u64)blockIdx.y * group + g) * tokens;
        float near = greatest ? MINUS_INFINITY : 0.0f;
        for (int at = (int)i - half; at <= (int)i + half; at++) {
            if (at < 0 || at >= count) continue;
            float x = mine[where[at]];
            near = greatest ? fmaxf(near, x) : near + x;
        }
        if (!greatest) near /= (float)kernel;
        all = reduce == GREATEST ? fmaxf(all, near) : all + near;
    }
    *to = reduce == MEAN ? all / (float)group : all;
}
