//! Which instruction sets a kernel is compiled for, and which of them this CPU has.

/// One instruction set, poorest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tier {
    /// What every CPU of the architecture has: SSE2 on x86-64, NEON on aarch64.
    Baseline,
    /// AVX2 with F16C.
    Avx2,
    /// AVX-512 F, BW, DQ and VL with VNNI.
    Avx512,
    /// The same with VPOPCNTDQ, which counts bits.
    Avx512Popcount,
    /// NEON in kernels of its own, where the baseline is what the compiler makes of it.
    Neon,
    /// The same with the dot products of bytes of Armv8.2.
    NeonDotprod,
}

impl Tier {
    /// All of them, poorest first.
    pub const ALL: [Self; 6] =
        [Self::Baseline, Self::Avx2, Self::Avx512, Self::Avx512Popcount, Self::Neon, Self::NeonDotprod];

    /// Whether this CPU, and the system on it, can run the tier.
    pub fn is_available(self) -> bool {
        #[cfg(target_arch = "x86_64")]
        return match self {
            Self::Baseline => true,
            Self::Avx2 => is_x86_feature_detected!("avx2") && is_x86_feature_detected!("f16c"),
            Self::Avx512 => {
                Self::Avx2.is_available()
                    && is_x86_feature_detected!("avx512f")
                    && is_x86_feature_detected!("avx512bw")
                    && is_x86_feature_detected!("avx512dq")
                    && is_x86_feature_detected!("avx512vl")
                    && is_x86_feature_detected!("avx512vnni")
            }
            Self::Avx512Popcount => {
                Self::Avx512.is_available() && is_x86_feature_detected!("avx512vpopcntdq")
            }
            Self::Neon | Self::NeonDotprod => false,
        };
        #[cfg(target_arch = "aarch64")]
        return match self {
            Self::Baseline | Self::Neon => true,
            Self::NeonDotprod => std::arch::is_aarch64_feature_detected!("dotprod"),
            Self::Avx2 | Self::Avx512 | Self::Avx512Popcount => false,
        };
        #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
        return self == Self::Baseline;
    }

    /// The tiers this CPU can run, poorest first.
    pub fn available() -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(|tier| tier.is_available())
    }

    /// The richest tier of this CPU.
    pub fn best() -> Self {
        Self::available().last().unwrap_or(Self::Baseline)
    }
}

/// The last of one to three bodies.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
macro_rules! last {
    ($only:path) => {
        $only
    };
    ($first:path, $last:path) => {
        $last
    };
    ($first:path, $second:path, $last:path) => {
        $last
    };
}
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
pub(super) use last;

/// Compiles each body once a tier and fills the table [`Kernels`](super::Kernels) with them; the last tier has the bodies
/// of the one before it, where no fourth is named.
/// After a semicolon come those for NEON and for NEON with dot products of bytes, where they are not the plain ones.
///
/// A body is `#[inline(always)]`, so that it takes on the features of the function around it.
macro_rules! tiers {
    ($( $(#[$doc:meta])* $name:ident = $plain:path, $avx2:path, $avx512:path $(, $popcount:path)? $(; $neon:path $(, $dotprod:path)?)?: ($($arg:ident: $ty:ty),*) $(-> $ret:ty)?; )+) => {
        /// One function a kernel, all of one tier.
        #[derive(Debug)]
        pub struct Kernels {
            tier: Tier,
            $( $name: fn($($ty),*) $(-> $ret)?, )+
        }

        impl Kernels {
            /// The kernels of a tier, where this CPU can run it.
            pub fn of(tier: Tier) -> Option<&'static Self> {
                static BASELINE: Kernels = Kernels { tier: Tier::Baseline, $( $name: baseline::$name, )+ };
                #[cfg(target_arch = "x86_64")]
                static AVX2: Kernels = Kernels { tier: Tier::Avx2, $( $name: avx2::$name, )+ };
                #[cfg(target_arch = "x86_64")]
                static AVX512: Kernels = Kernels { tier: Tier::Avx512, $( $name: avx512::$name, )+ };
                #[cfg(target_arch = "x86_64")]
                static POPCOUNT: Kernels = Kernels { tier: Tier::Avx512Popcount, $( $name: popcount::$name, )+ };
                #[cfg(target_arch = "aarch64")]
                static NEON: Kernels = Kernels { tier: Tier::Neon, $( $name: neons::$name, )+ };
                #[cfg(target_arch = "aarch64")]
                static DOTPROD: Kernels = Kernels { tier: Tier::NeonDotprod, $( $name: dotprod::$name, )+ };
                tier.is_available().then_some(match tier {
                    #[cfg(target_arch = "x86_64")]
                    Tier::Avx2 => &AVX2,
                    #[cfg(target_arch = "x86_64")]
                    Tier::Avx512 => &AVX512,
                    #[cfg(target_arch = "x86_64")]
                    Tier::Avx512Popcount => &POPCOUNT,
                    #[cfg(target_arch = "aarch64")]
                    Tier::Neon => &NEON,
                    #[cfg(target_arch = "aarch64")]
                    Tier::NeonDotprod => &DOTPROD,
                    _ => &BASELINE,
                })
            }

            $(
                $(#[$doc])*
                #[inline]
                pub fn $name(&self, $($arg: $ty),*) $(-> $ret)? {
                    (self.$name)($($arg),*)
                }
            )+
        }

        mod baseline {
            use super::*;
            $( pub(super) fn $name($($arg: $ty),*) $(-> $ret)? { $plain($($arg),*) } )+
        }

        #[cfg(target_arch = "x86_64")]
        mod avx2 {
            use super::*;
            $( pub(super) fn $name($($arg: $ty),*) $(-> $ret)? {
                #[target_feature(enable = "avx2,f16c")]
                fn featured($($arg: $ty),*) $(-> $ret)? { $avx2($($arg),*) }
                // SAFETY: only the table AVX2 holds this function, and `Kernels::of` gives it out after
                // `Tier::is_available` found both features.
                unsafe { featured($($arg),*) }
            } )+
        }

        #[cfg(target_arch = "x86_64")]
        mod avx512 {
            use super::*;
            $( pub(super) fn $name($($arg: $ty),*) $(-> $ret)? {
                #[target_feature(enable = "avx2,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
                fn featured($($arg: $ty),*) $(-> $ret)? { $avx512($($arg),*) }
                // SAFETY: only the table AVX512 holds this function, and `Kernels::of` gives it out after
                // `Tier::is_available` found all of the features.
                unsafe { featured($($arg),*) }
            } )+
        }

        #[cfg(target_arch = "x86_64")]
        mod popcount {
            use super::*;
            $( pub(super) fn $name($($arg: $ty),*) $(-> $ret)? {
                #[target_feature(enable = "avx2,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx512vpopcntdq")]
                fn featured($($arg: $ty),*) $(-> $ret)? { tier::last!($avx512 $(, $popcount)?)($($arg),*) }
                // SAFETY: only the table POPCOUNT holds this function, and `Kernels::of` gives it out after
                // `Tier::is_available` found all of the features.
                unsafe { featured($($arg),*) }
            } )+
        }

        #[cfg(target_arch = "aarch64")]
        mod neons {
            use super::*;
            $( pub(super) fn $name($($arg: $ty),*) $(-> $ret)? {
                #[target_feature(enable = "neon")]
                fn featured($($arg: $ty),*) $(-> $ret)? { tier::last!($plain $(, $neon)?)($($arg),*) }
                // SAFETY: NEON is part of aarch64.
                unsafe { featured($($arg),*) }
            } )+
        }

        #[cfg(target_arch = "aarch64")]
        mod dotprod {
            use super::*;
            $( pub(super) fn $name($($arg: $ty),*) $(-> $ret)? {
                #[target_feature(enable = "neon,dotprod")]
                fn featured($($arg: $ty),*) $(-> $ret)? { tier::last!($plain $(, $neon $(, $dotprod)?)?)($($arg),*) }
                // SAFETY: only the table DOTPROD holds this function, and `Kernels::of` gives it out after
                // `Tier::is_available` found both features.
                unsafe { featured($($arg),*) }
            } )+
        }
    };
}
pub(super) use tiers;
