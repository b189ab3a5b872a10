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
inline float brain(u16 value) { return __uint_as_float((u32)value << 16); }

inline void copy16(u8* to, const u8* from, bool valid) {
    if (valid) std::memcpy(to, from, 16);
    else std::memset(to, 0, 16);
}
inline void end_copies() {}
template <int PENDING> inline void await_copies() {}

