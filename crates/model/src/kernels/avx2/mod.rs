//! The kernels for x86-64 with AVX2, FMA and F16C that are written by hand.
//!
//! Rule: the same bits as `portable`, which says what is computed: the same operations on the same numbers in the same
//! order, eight of them at a time. What a compiler turns into vectors by itself, every time, stays there alone.
//! Absent: raw pointers; everything is an array of known size, so that checks cost nothing in the loops.

mod attention;
mod products;
mod rows;

use std::arch::x86_64::{__m128i, __m256, __m256i};

pub(super) use attention::attend;
pub(super) use products::{multiply_q4, multiply_q8};
pub(super) use rows::quantise;

/// Floats that one vector holds.
const FLOATS: usize = 8;

#[inline(always)]
#[expect(unsafe_code, reason = "the same bits as a vector")]
pub(super) fn from_bytes(bytes: [u8; 32]) -> __m256i {
    // SAFETY: both types are 32 bytes for which every bit pattern is valid.
    unsafe { std::mem::transmute::<[u8; 32], __m256i>(bytes) }
}

#[inline(always)]
#[expect(unsafe_code, reason = "the same bits as a vector")]
fn from_half_bytes(bytes: [u8; 16]) -> __m128i {
    // SAFETY: both types are 16 bytes for which every bit pattern is valid.
    unsafe { std::mem::transmute::<[u8; 16], __m128i>(bytes) }
}

#[inline(always)]
#[expect(unsafe_code, reason = "the same bits as an array")]
fn to_half_bytes(vector: __m128i) -> [i8; 16] {
    // SAFETY: both types are 16 bytes for which every bit pattern is valid.
    unsafe { std::mem::transmute::<__m128i, [i8; 16]>(vector) }
}

#[inline(always)]
#[expect(unsafe_code, reason = "the same bits as a vector")]
fn from_lanes(floats: [f32; FLOATS]) -> __m256 {
    // SAFETY: both types are 32 bytes for which every bit pattern is valid.
    unsafe { std::mem::transmute::<[f32; FLOATS], __m256>(floats) }
}

#[inline(always)]
#[expect(unsafe_code, reason = "the same bits as an array")]
fn lanes(vector: __m256) -> [f32; FLOATS] {
    // SAFETY: both types are 32 bytes for which every bit pattern is valid.
    unsafe { std::mem::transmute::<__m256, [f32; FLOATS]>(vector) }
}
