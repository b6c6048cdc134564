/*===- peak.c - The most multiply-adds a core can do ------------------------===
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

typedef float vec __attribute__((vector_size(4 * LANES)));

/* Runs `rounds` rounds and returns the number of floating-point operations. */
double fovea_peak(long rounds, float *sink) {
  vec acc[CHAINS], a, b;
  for (int l = 0; l < LANES; ++l) {
    a[l] = 0.999f + sink[0];
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
  sink[0] = 0 * sum[0];
  return 2.0 * LANES * CHAINS * (double)rounds;
}
