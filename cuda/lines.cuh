// Codes as one side of matrix units. A line is what is added up over: channels of keys, tokens of values; 32 codes beside
// each other in a line share their step and are a unit, of which a lane takes four. Codes are looked at where they lie: as
// the last bits of a float of 16 bits they are whole multiples of 2^-24, which matrix units multiply without loss. What
// they are multiplied with comes as two floats of 16 bits, the second of which is what the first has lost.
#pragma once
#include "copies.cuh"
#include "halves.cuh"
#include "tensor.cuh"

// Four codes that lie beside each other.
template <int WIDE> __device__ __forceinline__ u32 four_codes(const u8* at) {
    if constexpr (WIDE == 8) return *(const u32*)at;
    if constexpr (WIDE == 4) return *(const u16*)at;
    return at[0];
}

// The bytes of two words that the numbers of four bits of `which` name; a set fourth bit repeats the sign of a byte. A host
// has its own.
#ifdef __CUDA_ARCH__
__device__ __forceinline__ u32 permuted(u32 low, u32 high, u32 which) {
    u32 bytes;
    asm("prmt.b32 %0, %1, %2, %3;" : "=r"(bytes) : "r"(low), "r"(high), "r"(which));
    return bytes;
}
#endif

// The powers of two by which the code at a place is raised.
template <int WIDE> __device__ __forceinline__ constexpr int raised_by(int place) {
    return (WIDE == 2 ? 8 : WIDE == 4 ? 4 * (place & 1) : 0) - 24;
}

// Codes of two lines as pairs, one for each of four places.
template <int WIDE> __device__ __forceinline__ void pairs_of(u32 (&pairs)[4], u32 low, u32 high) {
    if constexpr (WIDE == 8) {
#pragma unroll
        for (int j = 0; j < 4; j++) pairs[j] = (low >> (8 * j) & 255u) | (high >> (8 * j) & 255u) << 16;
    } else {
        const u32 both = low | high << 16;
        // Two bits are brought to the front: matrix units line numbers up by their exponents, which are those of 2^-14 here.
#pragma unroll
        for (int j = 0; j < 4; j++) {
            pairs[j] = WIDE == 2 ? (both << (8 - 2 * j)) & 0x03000300u : (j < 2 ? both : both >> 8) & (0x000f000fu << (4 * (j & 1)));
        }
    }
}

// Adds the products of a unit of 16 lines, of which this lane has the pair at `line` and the one eight lines on: the first
// sums are those of the places 0 and 2 of its four codes, the second those of 1 and 3.
template <int WIDE>
__device__ __forceinline__ void multiply_unit(float (&sums)[2][4], const u8* line, u32 pitch, u32 b0, u32 b1) {
    u32 front[4], back[4];
    pairs_of<WIDE>(front, four_codes<WIDE>(line), four_codes<WIDE>(line + pitch));
    pairs_of<WIDE>(back, four_codes<WIDE>(line + 8 * pitch), four_codes<WIDE>(line + 9 * pitch));
#pragma unroll
    for (int m = 0; m < 2; m++) {
        const u32 codes[4] = {front[m], front[m + 2], back[m], back[m + 2]};
        Half::multiply(sums[m], codes, b0, b1);
    }
}

// A pair of numbers times their steps, as its first half or, where `lost` has all bits, what that has lost. `high` and `low`
// are the halves of the numbers; where nothing is to be lost, `low` is zero.
__device__ __forceinline__ u32 stepped(u32 high, u32 low, u32 step, u32 lost) {
    const u32 less = (times_pair(high, step) ^ 0x80008000u) & lost;
    return times_pair_plus(low, step, times_pair_plus(high, step, less));
}

// Sums of this lane and the one that has what halves lost: of its first two lanes of four the first, of the others the
// second are what this one is left with.
__device__ __forceinline__ void join_halves(float (&kept)[4], const float (&first)[4], const float (&second)[4], bool later) {
#pragma unroll
    for (int i = 0; i < 4; i++) {
        kept[i] = (later ? second[i] : first[i]) + __shfl_xor_sync(FULL, later ? first[i] : second[i], 2);
    }
}

// Copies lines of BYTES that lie `stride` apart to ALL lines that lie `pitch` apart, in pieces; what is behind `lines` or
// behind `there` bytes becomes zeros.
template <u32 PIECE, u32 BYTES, u32 ALL, u32 AROUND>
__device__ __forceinline__ void copy_lines(u8* to, u32 pitch, const u8* from, u64 stride, u32 lines, u32 there) {
    const u32 pieces = BYTES / PIECE, step = AROUND / pieces, own = threadIdx.x / pieces, byte = threadIdx.x % pieces * PIECE;
    const bool inside = byte < there && threadIdx.x < step * pieces;
    const u8* source = from + own * stride + byte;
    to += own * pitch + byte;
#pragma unroll
    for (u32 line = 0; line < ALL; line += step) {
        if (threadIdx.x < step * pieces && (ALL % step == 0 || line + own < ALL)) {
            const bool valid = inside && line + own < lines;
            // What is not there is not read.
            if constexpr (PIECE == 16) copy16(to, source, valid);
            else copy4(to, source, valid);
        }
        to += step * pitch, source += step * stride;
    }
}

// The same in the largest pieces that the lines allow.
template <u32 BYTES, u32 ALL, u32 AROUND>
__device__ __forceinline__ void bring_lines(u8* to, u32 pitch, const u8* from, u64 stride, u32 lines, u32 there) {
    if constexpr (BYTES % 16 == 0) {
        if (((((u64)from | stride | there)) & 15) == 0) {
            copy_lines<16, BYTES, ALL, AROUND>(to, pitch, from, stride, lines, there);
            return;
        }
    }
    copy_lines<4, BYTES, ALL, AROUND>(to, pitch, from, stride, lines, there);
}

// Copies COUNT halves that lie side by side, of which `there` are there; the others become zeros.
template <u32 COUNT, u32 AROUND> __device__ __forceinline__ void bring_halves(u16* to, const u16* from, u32 there) {
    if ((((u64)from | 2 * there) & 15) == 0) {
#pragma unroll
        for (u32 at = threadIdx.x * 8; at < COUNT; at += AROUND * 8) copy16((u8*)(to + at), (const u8*)(from + at), at < there);
    } else {
        for (u32 at = threadIdx.x; at < COUNT; at += AROUND) to[at] = at < there ? from[at] : (u16)0;
    }
}

// Steps of tokens `t` and `t + 1` in pairs, of MANY groups of channels; `t` is even.
template <u32 MANY> __device__ __forceinline__ void pairs_of_steps(u32 (&pairs)[MANY], const u16* steps, u32 t) {
    if constexpr (MANY == 1) {
        pairs[0] = *(const u32*)(steps + t);
    } else if constexpr (MANY % 2 == 0) {
        const u32 *front = (const u32*)(steps + t * MANY), *back = front + MANY / 2;
#pragma unroll
        for (u32 j = 0; j < MANY / 2; j++) {
            const u32 a = front[j], b = back[j];
            pairs[2 * j] = (a & 0xffffu) | b << 16, pairs[2 * j + 1] = a >> 16 | (b & 0xffff0000u);
        }
    } else {
#pragma unroll
        for (u32 j = 0; j < MANY; j++) pairs[j] = steps[t * MANY + j] | (u32)steps[(t + 1) * MANY + j] << 16;
    }
}
