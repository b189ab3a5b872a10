// Keys that stay, copied together and turned from their old positions to 0, 1, 2 ... of their head (RoFormer). Angles are
// f64 and brought to one turn before they are f32.
#include "rows.cuh"
#include "steps.cuh"

#define THREADS 256
#define TURN 6.283185307179586

#if FORM == F32
__device__ __forceinline__ Element element_of(float x) { return x; }
#elif FORM == F16
__device__ __forceinline__ Element element_of(float x) { return half_of(x); }
#elif FORM == BF16
__device__ __forceinline__ Element element_of(float x) {
    u32 bits = __float_as_uint(x);
    return (u16)(x == x ? (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16 : (bits >> 16) | 0x40u);
}
#else
__device__ __forceinline__ Element element_of(float x) { return x == x ? e4m3_of(x) : (u8)(127u | (__float_as_uint(x) >> 31 << 7)); }
#endif

__device__ __forceinline__ void write_eight(Element* to, const float (&x)[8]) {
    if (!in_eights(to)) {
#pragma unroll
        for (int j = 0; j < 8; j++) to[j] = element_of(x[j]);
        return;
    }
#if FORM == F32
    *(float4*)to = {x[0], x[1], x[2], x[3]};
    *(float4*)(to + 4) = {x[4], x[5], x[6], x[7]};
#elif FORM == E4M3
    u64 all = 0;
#pragma unroll
    for (int j = 0; j < 8; j++) all |= (u64)element_of(x[j]) << (8 * j);
    *(u64*)to = all;
#else
    u32 pairs[4];
#pragma unroll
    for (int j = 0; j < 4; j++) pairs[j] = (u32)element_of(x[2 * j]) | (u32)element_of(x[2 * j + 1]) << 16;
    *(uint4*)to = make_uint4(pairs[0], pairs[1], pairs[2], pairs[3]);
#endif
}

__device__ __forceinline__ void turn_pair(float& first, float& second, double by, double frequency) {
    double angle = __dmul_rn(by, frequency);
    float left = (float)(angle - rint(angle * (1.0 / TURN)) * TURN);
    float cosine = cosf(left), sine = sinf(left), x = first, y = second;
    first = x * cosine - y * sine;
    second = y * cosine + x * sine;
}

// A thread takes eight pairs of a row, or eight elements behind them, which are not turned.
extern "C" __global__ void __launch_bounds__(THREADS) gather_turned(
    ROWS_PARAMETERS, const int* indices, const int* cu_len, const int* positions, const double* frequencies, u32 pairs,
    int interleaved, Element* out) {
    Rows rows = ROWS_GIVEN;
    u32 turned = (pairs + 7) / 8, chunks = turned + (d - 2 * pairs + 7) / 8, at = blockIdx.x * THREADS + threadIdx.x;
    u32 start = (u32)cu_len[blockIdx.y], place = start + at / chunks, chunk = at % chunks;
    if (place >= (u32)cu_len[blockIdx.y + 1]) return;
    const Element* row = row_of(rows, blockIdx.y, (u32)indices[place], n);
    Element* to = out + (u64)place * d;
    if (chunk >= turned) {
        for (u32 e = 2 * pairs + (chunk - turned) * 8, end = min(d, e + 8); e < end; e++) to[e] = row[e];
        return;
    }
    double by = (double)((int)(place - start) - positions[place]);
    u32 pair = 8 * chunk, some = min(8u, pairs - pair);
    if (some == 8 && !interleaved && in_eights(row + pair) && in_eights(row + pair + pairs)) {
        float x[8], y[8];
        eight(row + pair, x);
        eight(row + pair + pairs, y);
#pragma unroll
        for (int j = 0; j < 8; j++) turn_pair(x[j], y[j], by, frequencies[pair + j]);
        write_eight(to + pair, x);
        write_eight(to + pair + pairs, y);
    } else {
        for (u32 j = pair; j < pair + some; j++) {
            u32 first = interleaved ? 2 * j : j, second = interleaved ? 2 * j + 1 : j + pairs;
            float x = number(row[first]), y = number(row[second]);
            turn_pair(x, y, by, frequencies[j]);
            to[first] = element_of(x), to[second] = element_of(y);
        }
    }
}
