// Brings queries and rows into the numbers that a scan multiplies, and says how far its scores can be off.
//
// Let a row be x and what is scanned of it X, |x| <= N and |x - X| <= R; a query q and Q, |q - Q| = r. Then
// |q.x - Q.X| <= |q| R + r (N + R), by Cauchy and Schwarz. The units add up to 17 terms at a time, cut to 23 bits, and
// the exact kernel adds d / 32 + 8 terms with f32 rounding; both are allowed for. The squared distance is
// |q|^2 + |x|^2 - 2 q.x, so its error is twice that and the rounding of its terms.
#include "halves.cuh"

#define AS_HALF 0
#define AS_BRAIN 1
#define AS_BYTE 2

__device__ __forceinline__ float greatest_of(const float* x, u32 dim) {
    float greatest = 0.0f;
    for (u32 at = threadIdx.x & 31; at < dim; at += 32) greatest = fmaxf(greatest, fabsf(x[at]));
#pragma unroll
    for (int width = 16; width > 0; width >>= 1) greatest = fmaxf(greatest, __shfl_xor_sync(FULL, greatest, width));
    return greatest;
}

__device__ __forceinline__ double added(double sum) {
#pragma unroll
    for (int width = 16; width > 0; width >>= 1) sum += __shfl_xor_sync(FULL, sum, width);
    return sum;
}

// The power of two that brings the greatest component to 128 and under 256.
__device__ __forceinline__ int exponent_for(float greatest) {
    int exponent = (int)((__float_as_uint(greatest) >> 23) & 255) - 127;
    return greatest > 0.0f ? 7 - exponent : 0;
}

// A warp a query: writes it as `as`, filled up with zeros to `bytes`; and for each query two units, which turn a score
// of the scan into what is asked for, the bound of the error of that, and the factor of the bias.
extern "C" __global__ void __launch_bounds__(256) prepare_queries(
    const float* queries, u8* out, double* units, double* errors, float* gamma, int as, u32 dim, u32 bytes, u32 count,
    double norm, double residual, int exponent, int euclidean) {
    u32 query = (blockIdx.x * blockDim.x + threadIdx.x) >> 5, lane = threadIdx.x & 31;
    if (query >= count) return;
    const float* q = queries + (u64)query * dim;
    u8* to = out + (u64)query * bytes;
    float greatest = greatest_of(q, dim);
    int shift = as == AS_HALF ? exponent_for(greatest) : 0;
    double unit = as == AS_BYTE ? (greatest >= 1e-30f ? (double)(greatest / 127.0f) : 0.0) : exp2((double)-shift);
    double squares = 0.0, lost = 0.0, up = exp2((double)shift);
    for (u32 at = lane; at < bytes / (as == AS_BYTE ? 1 : 2); at += 32) {
        float x = at < dim ? q[at] : 0.0f;
        double kept = 0.0;
        if (as == AS_HALF) {
            u16 half = half_of((float)((double)x * up));
            ((u16*)to)[at] = half;
            kept = (double)of_half(half) * unit;
        } else if (as == AS_BRAIN) {
            u16 brain = brain_of(x);
            ((u16*)to)[at] = brain;
            kept = (double)__uint_as_float((u32)brain << 16);
        } else {
            float code = unit > 0.0 ? rintf((float)((double)x / unit)) : 0.0f;
            code = fminf(fmaxf(code, -127.0f), 127.0f);
            ((signed char*)to)[at] = (signed char)code;
            kept = (double)code * unit;
        }
        squares += (double)x * (double)x;
        lost += ((double)x - kept) * ((double)x - kept);
    }
    double length = sqrt(added(squares)), off = sqrt(added(lost));
    if (lane == 0) {
        double u = 5.9604644775390625e-8, terms = (double)dim / 32.0 + 72.0;
        double units_off = as == AS_BYTE ? 8.0 * u : ((double)dim / 16.0 + 1.0) * 36.0 * u;
        double error = length * residual + off * (norm + residual) + units_off * (length + off) * (norm + residual) +
                       2.0 * terms * u * length * norm;
        double back = unit * exp2((double)-exponent);
        if (euclidean) error = 2.0 * error + 8.0 * terms * u * (norm * norm + length * length);
        units[2 * query] = euclidean ? 2.0 * back : back;
        units[2 * query + 1] = euclidean ? -length * length : 0.0;
        errors[query] = error * (1.0 + 1e-6) + 1e-40;
        gamma[query] = (float)(1.0 / back);
    }
}

// A warp a row: f32 as halves times a power of two, with its squared norm and that of what is lost. For other forms
// of rows `out` is null, and the norms alone are found.
extern "C" __global__ void __launch_bounds__(256) prepare_rows(
    const u8* rows, const float* scales, u16* out, double* squares, double* lost, int form, u32 dim, u32 width,
    u32 count, int exponent) {
    u32 row = (blockIdx.x * blockDim.x + threadIdx.x) >> 5, lane = threadIdx.x & 31;
    if (row >= count) return;
    double sum = 0.0, off = 0.0, up = exp2((double)exponent), down = exp2((double)-exponent);
    for (u32 at = lane; at < (out != nullptr ? width : dim); at += 32) {
        u64 place = (u64)row * dim + at;
        float x = 0.0f;
        if (at < dim) {
            if (form == 0) x = ((const float*)rows)[place];
            if (form == 1) x = of_half(((const u16*)rows)[place]);
            if (form == 2) x = __uint_as_float((u32)((const u16*)rows)[place] << 16);
            if (form == 3) x = (float)((const signed char*)rows)[place] * scales[row];
        }
        sum += (double)x * (double)x;
        if (out != nullptr) {
            u16 half = half_of((float)((double)x * up));
            out[(u64)row * width + at] = half;
            double kept = (double)of_half(half) * down;
            off += ((double)x - kept) * ((double)x - kept);
        }
    }
    sum = added(sum);
    off = added(off);
    if (lane == 0) {
        squares[row] = sum;
        lost[row] = off;
    }
}
