//===- Benchmark.cpp - Time of a run --------------------------------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Measure.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <string>

using namespace fovea;
using Clock = std::chrono::steady_clock;

static double timeRun(Model &model, const std::vector<Value> &inputs) {
  Clock::time_point begin = Clock::now();
  model.runOnly(inputs);
  return std::chrono::duration<double, std::milli>(Clock::now() - begin)
      .count();
}

/// At least twice, and until the clock of the CPU has risen.
static void warmUp(Model &model, const std::vector<Value> &inputs) {
  constexpr double leastMs = 100;
  double spent = timeRun(model, inputs);
  do
    spent += timeRun(model, inputs);
  while (spent < leastMs);
}

/// The most memory that was resident, in MiB. Not from getrusage(), which
/// counts what the process was before it became this program: a copy of its
/// parent.
static double peakMemory() {
  std::ifstream status("/proc/self/status");
  std::string word;
  double kilobytes = 0;
  while (status >> word)
    if (word == "VmHWM:" && status >> kilobytes)
      break;
  return kilobytes / 1024;
}

static void printText(const nlohmann::ordered_json &result, int threads) {
  printf("min %.3f ms, median %.3f ms, %d runs, %d thread%s, %.0f MiB",
         result["min_ms"].get<double>(), result["med_ms"].get<double>(),
         result["runs"].get<int>(), threads, threads == 1 ? "" : "s",
         result["rss_mb"].get<double>());
  if (!result["gflop"].is_null())
    printf(", %.3f GFLOP, %.1f%% of peak", result["gflop"].get<double>(),
           result["peak_pct"].get<double>());
  printf("\n");
}

void fovea::benchmark(Model &model, const std::vector<Value> &inputs,
                      const RunOptions &options,
                      const nlohmann::json &manifest) {
  warmUp(model, inputs);
  std::vector<double> times(options.benchmark);
  for (double &time : times)
    time = timeRun(model, inputs);
  std::sort(times.begin(), times.end());
  int threads = effectiveThreads(options.threads);
  nlohmann::ordered_json result = {
      {"min_ms", times.front()}, {"med_ms", times[times.size() / 2]},
      {"runs", times.size()},    {"gflop", nullptr},
      {"peak_pct", nullptr},     {"rss_mb", peakMemory()},
      {"threads", threads}};
  if (manifest.contains("flop") && manifest["flop"].is_number()) {
    double gflop = manifest["flop"].get<double>() * 1e-9;
    double perSecond = gflop / (times.front() * 1e-3);
    result["gflop"] = gflop;
    result["peak_pct"] = 100 * perSecond / measurePeak(threads);
  }
  if (options.json)
    printf("%s\n", result.dump().c_str());
  else
    printText(result, threads);
}
