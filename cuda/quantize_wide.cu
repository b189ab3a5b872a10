// Rotated codes of rows of any width, a warp a row: for widths that `quantize_rotated` was not made for. The same codes.
#include "levels.cuh"
#include "rows.cuh"

// The sum of `width` terms in NumPy's order; `parts` has room for a number a 128 of them.
template <class F> __device__ __forceinline__ double summed(u32 width, double* parts, F term) {
    u32 lane = threadIdx.x & 7, in_part = width < 128 ? width : 128, blocks = width / in_part;
    for (u32 part = threadIdx.x / 8; part < (blocks + 3) / 4 * 4; part += 4) {
        u32 first = part < blocks ? part * in_part : 0;
        double sum = 0.0;
        if (width < 8) {
            for (u32 at = 0; at < width; at++) sum = __dadd_rn(sum, term(at));
        } else {
            sum = term(first + lane);
            for (u32 at = 8; at < in_part; at += 8) sum = __dadd_rn(sum, term(first + at + lane));
        }
        for (u32 apart = width < 8 ? 8 : 1; apart < 8; apart *= 2) {
            sum = __dadd_rn(sum, __shfl_xor_sync(FULL, sum, apart));
        }
        if (lane == 0 && part < blocks) parts[part] = sum;
    }
    __syncwarp();
    for (u32 left = blocks; left > 1; left /= 2) {
        if (threadIdx.x == 0) {
            for (u32 at = 0; at < left / 2; at++) parts[at] = __dadd_rn(parts[2 * at], parts[2 * at + 1]);
        }
    }
    __syncwarp();
    double sum = parts[0];
    __syncwarp();
    return sum;
}

// Shared memory: a turned row, its codes, and the parts of a sum.
extern "C" __global__ void __launch_bounds__(32) rotated_codes_of_any_width(
    ROWS_PARAMETERS, u32* codes, u16* factor, const u16* mean, u32* broken, u32 block, u32 width, u64 seed, float scale) {
    extern __shared__ __align__(16) u8 shared[];
    double* parts = (double*)shared;
    float* turned = (float*)(parts + (width + 127) / 128);
    u8* held = (u8*)(turned + width);
    Rows rows = ROWS_GIVEN;
    u32 head = blockIdx.y, t = blockIdx.x, blocks = (n + block - 1) / block;
    const Element* row = row_of(rows, head, t, count_of(rows, head));
    const u16* centre = mean + ((u64)head * blocks + t / block) * d;
    bool sound = true;
    for (u32 at = threadIdx.x; at < width; at += 32) {
        float x = at < d && row != nullptr ? number(row[at]) : 0.0f;
        sound = sound && finite(x);
        float centred = at < d ? __fsub_rn(x, of_half(centre[at])) : 0.0f;
        turned[at] = turns(at, seed) ? -centred : centred;
    }
    for (u32 half = 1; half < width; half *= 2) {
        __syncwarp();
        for (u32 pair = threadIdx.x; pair < width / 2; pair += 32) {
            u32 low = pair / half * 2 * half + pair % half;
            butterfly(turned[low], turned[low + half]);
        }
    }
    __syncwarp();
    for (u32 at = threadIdx.x; at < width; at += 32) turned[at] = __fmul_rn(turned[at], scale);
    __syncwarp();
    double length = __dsqrt_rn(summed(width, parts, [=](u32 at) { return __dmul_rn((double)turned[at], (double)turned[at]); }));
    double by = __ddiv_rn(sqrt((double)width), length > 0.0 ? length : 1.0);
    for (u32 at = threadIdx.x; at < width; at += 32) held[at] = (u8)code_by_middles(turned[at], by);
    __syncwarp();
    double product = summed(width, parts, [=](u32 at) { return __dmul_rn((double)turned[at], signed_level(held[at])); });
    u16 half = half_of_double(__ddiv_rn(__dmul_rn(length, length), product > 0.0 ? product : 1.0));
    u64 place = (u64)head * n + t;
    if (threadIdx.x == 0) factor[place] = half;
    if (!sound || !half_is_finite(half)) *broken = 1;
    u32 words = (width * BITS + 31) / 32;
    for (u32 word = threadIdx.x; word < words; word += 32) {
        u32 packed = 0;
        for (u32 bit = 0; bit < 32 && word * 32 + bit < width * BITS; bit++) {
            u32 place_of_bit = word * 32 + bit;
            packed |= ((u32)(held[place_of_bit / BITS] >> (place_of_bit % BITS)) & 1u) << bit;
        }
        codes[place * words + word] = packed;
    }
}
