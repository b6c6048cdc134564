//===- Peak.cpp - What this CPU could do ----------------------------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Measure.h"

#include <atomic>
#include <chrono>
#include <climits>
#include <thread>

#include <sched.h>
#include <stdlib.h>

using namespace fovea;
using Clock = std::chrono::steady_clock;

/// Independent chains that keep two multiply-add units busy; what they compute
/// converges, so that no number becomes slow.
#define CHAINS(LANES, CHAIN_COUNT)                                             \
  typedef float Vector __attribute__((vector_size((LANES) * 4)));              \
  Vector chains[(CHAIN_COUNT)], scale, offset;                                 \
  for (int i = 0; i < (LANES); ++i) {                                          \
    scale[i] = 0.5f;                                                           \
    offset[i] = seed;                                                          \
  }                                                                            \
  for (Vector &chain : chains)                                                 \
    chain = offset;                                                            \
  for (long n = 0; n < rounds; ++n)                                            \
    for (Vector &chain : chains)                                               \
      chain = chain * scale + offset;                                          \
  float sum = 0;                                                               \
  for (Vector &chain : chains)                                                 \
    sum += chain[0];                                                           \
  *flop = 2.0 * (LANES) * (CHAIN_COUNT) * static_cast<double>(rounds);         \
  return sum

#if defined(__x86_64__)
__attribute__((target("avx512f"))) static float
multiplyAdd512(long rounds, float seed, double *flop) {
  CHAINS(16, 20);
}

__attribute__((target("avx2,fma"))) static float
multiplyAdd256(long rounds, float seed, double *flop) {
  CHAINS(8, 12);
}
#endif

static float multiplyAdd128(long rounds, float seed, double *flop) {
  CHAINS(4, 12);
}

using Loop = float (*)(long, float, double *);

static Loop widestLoop() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f"))
    return multiplyAdd512;
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
    return multiplyAdd256;
#endif
  return multiplyAdd128;
}

int fovea::effectiveThreads(int threads) {
  if (threads > 0)
    return threads;
  if (const char *text = getenv("OMP_NUM_THREADS"))
    if (long count = strtol(text, nullptr, 10); count > 0 && count < INT_MAX)
      return static_cast<int>(count);
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0)
    return CPU_COUNT(&set);
  return 1;
}

/// The best of a few short runs of one thread, in flop per nanosecond.
static double peakOfThread() {
  constexpr long rounds = 400000;
  constexpr int repetitions = 12;
  Loop loop = widestLoop();
  double best = 0, flop = 0;
  static std::atomic<float> sink;
  for (int i = 0; i < repetitions; ++i) {
    Clock::time_point begin = Clock::now();
    sink = loop(rounds, static_cast<float>(i + 1), &flop);
    std::chrono::duration<double, std::nano> time = Clock::now() - begin;
    best = std::max(best, flop / time.count());
  }
  return best;
}

double fovea::measurePeak(int threads) {
  std::vector<double> peaks(threads);
  std::vector<std::thread> workers;
  for (int i = 1; i < threads; ++i)
    workers.emplace_back([&peaks, i] { peaks[i] = peakOfThread(); });
  peaks[0] = peakOfThread();
  for (std::thread &worker : workers)
    worker.join();
  double sum = 0;
  for (double peak : peaks)
    sum += peak;
  return sum;
}
