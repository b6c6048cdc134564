/*===- Support.c - What LLVM expects of a C library beyond libc --------------===
 *
 * Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
 * See LICENSE for license information.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 *===------------------------------------------------------------------------===
 */
#include <math.h>
#include <stdint.h>
#include <string.h>

/* Copies between memrefs of any layout; what memref.copy becomes. */
typedef struct {
  int64_t rank;
  int64_t *descriptor;
} UnrankedMemRef;

static void copyStrided(char *to, const char *from, int64_t element,
                        int64_t rank, const int64_t *sizes,
                        const int64_t *toStrides, const int64_t *fromStrides) {
  if (rank == 0) {
    memcpy(to, from, (size_t)element);
    return;
  }
  if (rank == 1 && *toStrides == 1 && *fromStrides == 1) {
    memcpy(to, from, (size_t)(element * sizes[0]));
    return;
  }
  for (int64_t i = 0; i < sizes[0]; ++i)
    copyStrided(to + i * toStrides[0] * element,
                from + i * fromStrides[0] * element, element, rank - 1,
                sizes + 1, toStrides + 1, fromStrides + 1);
}

void memrefCopy(int64_t element, const UnrankedMemRef *from,
                const UnrankedMemRef *to) {
  int64_t rank = from->rank, *f = from->descriptor, *t = to->descriptor;
  for (int64_t i = 0; i < rank; ++i)
    if (f[3 + i] == 0)
      return;
  copyStrided((char *)(intptr_t)t[1] + t[2] * element,
              (const char *)(intptr_t)f[1] + f[2] * element, element, rank,
              f + 3, t + 3 + rank, f + 3 + rank);
}

#if defined(__x86_64__)
/* Conversions that LLVM calls where the CPU has no instruction for them. They
 * take and return their small types in vector registers, hence the unions. */
typedef union {
  float f;
  uint32_t u;
} F32;
typedef union {
  double f;
  uint64_t u;
} F64;
typedef union {
  _Float16 f;
  uint16_t u;
} F16;
typedef union {
  __bf16 f;
  uint16_t u;
} BF16;

float __extendhfsf2(_Float16 value) {
  F16 in = {value};
  uint32_t sign = (uint32_t)(in.u & 0x8000) << 16, exponent = in.u >> 10 & 31,
           mantissa = in.u & 1023;
  F32 out;
  if (exponent == 31) {
    out.u = sign | 0x7f800000 | mantissa << 13;
  } else if (exponent) {
    out.u = sign | (exponent + 112) << 23 | mantissa << 13;
  } else {
    out.f = (float)mantissa * 0x1p-24f;
    out.u |= sign;
  }
  return out.f;
}

/* Rounds to nearest even from a double, in which each of our sources is
 * exact. */
static uint16_t halfOf(double value) {
  F64 in;
  in.f = value;
  uint16_t sign = in.u >> 48 & 0x8000;
  in.u &= ~((uint64_t)1 << 63);
  if (isnan(in.f))
    return sign | 0x7e00;
  if (in.f >= 65520.0)
    return sign | 0x7c00;
  if (in.f < 0x1p-14) {
    /* The sum puts the last bit of a subnormal half at the end of the
     * mantissa, so that the addition rounds it. */
    in.f += 0x1p28;
    return sign | (uint16_t)(in.u & 0x7ff);
  }
  in.u += ((uint64_t)1 << 41) - 1 + (in.u >> 42 & 1);
  return sign | (uint16_t)((in.u >> 42) - ((uint64_t)1008 << 10));
}

_Float16 __truncdfhf2(double value) {
  F16 out;
  out.u = halfOf(value);
  return out.f;
}
_Float16 __truncsfhf2(float value) { return __truncdfhf2(value); }

static uint16_t bfloatOf(float value) {
  F32 in = {value};
  if (value != value)
    return (uint16_t)(in.u >> 16 | 0x40);
  return (uint16_t)((in.u + 0x7fff + (in.u >> 16 & 1)) >> 16);
}

__bf16 __truncsfbf2(float value) {
  BF16 out;
  out.u = bfloatOf(value);
  return out.f;
}

/* By way of a float rounded to odd, so that the second rounding is the only
 * one. */
__bf16 __truncdfbf2(double value) {
  F64 in = {value};
  F32 narrow = {(float)value};
  if (value == value && (double)narrow.f != value && !(narrow.u & 1)) {
    F64 back = {(double)narrow.f};
    int tooLarge = (back.u << 1) > (in.u << 1);
    narrow.u = tooLarge ? narrow.u - 1 : narrow.u + 1;
  }
  return __truncsfbf2(narrow.f);
}
#endif
