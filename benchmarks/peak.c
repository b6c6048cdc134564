/*===- peak.c - The most that a core and its memory can do --------------------===
 *
 * Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
 * See LICENSE for license information.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 *===------------------------------------------------------------------------===
 *
 * Built for the machine at hand: independent accumulators, as many as hide the
 * latency of two multiply-add units and still fit into the registers.
 */
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#ifdef __AVX512F__
#define LANES 16
#define CHAINS 24
#elif defined(__AVX__)
#define LANES 8
#define CHAINS 12
#else
#define LANES 4
#define CHAINS 24
#endif

typedef float vec __attribute__((vector_size(4 * LANES), aligned(4)));

/* Runs `rounds` rounds and returns the number of floating-point operations. */
double fovea_peak(long rounds, float *sink) {
  vec acc[CHAINS], a, b;
  for (int l = 0; l < LANES; ++l) {
    a[l] = sink[0] - 0.001f;
    b[l] = 0.001f;
  }
  for (int i = 0; i < CHAINS; ++i)
    acc[i] = b * (float)i;
  for (long r = 0; r < rounds; ++r) {
#pragma clang loop unroll(full)
    for (int i = 0; i < CHAINS; ++i)
      acc[i] = acc[i] * a + b;
  }
  vec sum = acc[0];
  for (int i = 1; i < CHAINS; ++i)
    sum += acc[i];
  sink[0] = 1 + 0 * sum[0];
  return 2.0 * LANES * CHAINS * (double)rounds;
}

/* The same with products of bfloat16, summed in pairs to float; 0 where the
 * processor has none. */
double fovea_peak_bf16(long rounds, float *sink) {
#ifdef __AVX512BF16__
  __m512 acc[CHAINS];
  __m512bh a, b;
  for (int i = 0; i < CHAINS; ++i)
    acc[i] = _mm512_set1_ps(sink[0]);
  __m512 one = _mm512_set1_ps(0.5f + sink[0]);
  a = b = _mm512_cvtne2ps_pbh(one, one);
  for (long r = 0; r < rounds; ++r) {
#pragma clang loop unroll(full)
    for (int i = 0; i < CHAINS; ++i)
      acc[i] = _mm512_dpbf16_ps(acc[i], a, b);
  }
  vec sum = (vec)acc[0];
  for (int i = 1; i < CHAINS; ++i)
    sum += (vec)acc[i];
  sink[0] = 1 + 0 * sum[0];
  return 4.0 * LANES * CHAINS * (double)rounds;
#else
  (void)rounds, (void)sink;
  return 0;
#endif
}

/* Reads `count` floats once, from several places at a time as a matrix is read,
 * and returns the number of bytes. */
double fovea_read(long count, float *data) {
  enum { STREAMS = 4 };
  const long part = count / STREAMS / (4 * LANES) * (4 * LANES);
  vec sum[STREAMS * 4] = {0};
  for (long i = 0; i < part; i += 4 * LANES)
    for (int s = 0; s < STREAMS; ++s)
      for (int j = 0; j < 4; ++j)
        sum[4 * s + j] += *(const vec *)(data + s * part + i + j * LANES);
  float total = 0;
  for (int i = 0; i < STREAMS * 4; ++i)
    total += sum[i][0];
  volatile float sink = total;
  (void)sink;
  return 4.0 * STREAMS * (double)part;
}
