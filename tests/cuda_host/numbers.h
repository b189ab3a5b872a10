// Small floats and copies, as the instructions do them.
#pragma once

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;

inline float of_half(u16 half) {
    _Float16 value;
    std::memcpy(&value, &half, 2);
    return (float)value;
}
inline u16 half_of(float x) {
    _Float16 value = (_Float16)x;
    u16 half;
    std::memcpy(&half, &value, 2);
    return half;
}
inline u16 half_sum(u16 a, u16 b, u16 c) {
    _Float16 value = (_Float16)((double)of_half(a) * (double)of_half(b) + (double)of_half(c));
    u16 half;
    std::memcpy(&half, &value, 2);
    return half;
}
inline u32 times_pair_plus(u32 a, u32 b, u32 c) {
    return half_sum((u16)a, (u16)b, (u16)c) | (u32)half_sum((u16)(a >> 16), (u16)(b >> 16), (u16)(c >> 16)) << 16;
}
inline u32 times_pair(u32 a, u32 b) { return times_pair_plus(a, b, 0x80008000u); }
inline u32 permuted(u32 low, u32 high, u32 which) {
    u32 bytes = 0;
    for (int at = 0; at < 4; at++) {
        const u32 name = which >> (4 * at) & 15, byte = ((name & 4 ? high : low) >> (8 * (name & 3))) & 255;
        bytes |= (name & 8 ? (byte & 128 ? 255u : 0u) : byte) << (8 * at);
    }
    return bytes;
}
inline float near_inverse_root(float x) { return 1.0f / std::sqrt(x); }
inline float near_quotient(float x, float by) { return x / by; }
inline float brain(u16 value) { return __uint_as_float((u32)value << 16); }

// Two numbers of 16 bits at once; what is not a number stays so.
template <class Form> u32 of_pairs(u32 a, u32 b, bool least, Form form) {
    u32 both = 0;
    for (int shift = 0; shift < 32; shift += 16) {
        const u16 one = (u16)(a >> shift), other = (u16)(b >> shift);
        const float x = form(one), y = form(other);
        const u16 found = x != x || y != y ? 0x7fff : (least ? x < y : x > y) ? one : other;
        both |= (u32)found << shift;
    }
    return both;
}
inline u32 lesser_halves(u32 a, u32 b) { return of_pairs(a, b, true, of_half); }
inline u32 greater_halves(u32 a, u32 b) { return of_pairs(a, b, false, of_half); }
inline u32 lesser_brains(u32 a, u32 b) { return of_pairs(a, b, true, brain); }
inline u32 greater_brains(u32 a, u32 b) { return of_pairs(a, b, false, brain); }

inline void copy16(u8* to, const u8* from, bool valid) {
    if (valid) std::memcpy(to, from, 16);
    else std::memset(to, 0, 16);
}
inline void copy4(u8* to, const u8* from, bool valid) {
    if (valid) std::memcpy(to, from, 4);
    else std::memset(to, 0, 4);
}
inline void end_copies() {}
template <int PENDING> inline void await_copies() {}

