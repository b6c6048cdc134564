//===- Profile.cpp - A trace of the kernels -------------------------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Measure.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>

using namespace fovea;
using nlohmann::json;

/// One slice of the trace.
static json traceEvent(const fovea_event &event, const fovea_event &first,
                       const json &kernel, double peak) {
  double us = static_cast<double>(event.end_ns - event.begin_ns) * 1e-3;
  json args = {{"run", event.run - first.run}};
  for (const char *key : {"where", "schedule"})
    if (kernel.contains(key) && !kernel[key].is_null())
      args[key] = kernel[key];
  if (kernel.contains("flop") && kernel["flop"].is_number() && us > 0) {
    double perSecond = kernel["flop"].get<double>() * 1e-3 / us;
    if (perSecond > 0) {
      args["GFLOP/s"] = perSecond;
      args["% of peak"] = 100 * perSecond / peak;
    }
  }
  return {{"name", kernel.value("name", "kernel")},
          {"ph", "X"},
          {"pid", 1},
          {"tid", 1},
          {"ts", static_cast<double>(event.begin_ns - first.begin_ns) * 1e-3},
          {"dur", us},
          {"args", args}};
}

static std::vector<fovea_event>
record(Model &model, const std::vector<Value> &inputs, int runs) {
  model.runOnly(inputs); // The first run also maps memory and starts threads.
  model.api()->set_profiling(model.handle(), 1);
  for (int i = 0; i < runs; ++i)
    model.runOnly(inputs);
  model.api()->set_profiling(model.handle(), 0);
  std::vector<fovea_event> events(
      model.api()->get_events(model.handle(), nullptr, 0));
  model.api()->get_events(model.handle(), events.data(),
                          static_cast<int64_t>(events.size()));
  return events;
}

void fovea::writeProfile(Model &model, const std::vector<Value> &inputs,
                         const RunOptions &options, const json &manifest) {
  constexpr int defaultRuns = 3;
  std::vector<fovea_event> events = record(
      model, inputs, options.benchmark ? options.benchmark : defaultRuns);
  double peak = measurePeak(effectiveThreads(options.threads));
  json kernels = manifest.value("kernels", json::array());
  json list = json::array();
  for (const fovea_event &event : events) {
    json kernel = static_cast<size_t>(event.kernel) < kernels.size()
                      ? kernels[event.kernel]
                      : json::object();
    list.push_back(traceEvent(event, events.front(), kernel, peak));
  }
  json trace = {{"traceEvents", list},
                {"displayTimeUnit", "ms"},
                {"otherData",
                 {{"model", manifest.value("model", "")},
                  {"build_id", manifest.value("build_id", "")},
                  {"peak_gflops", peak}}}};
  std::ofstream file(options.profile);
  file << trace.dump() << '\n';
  file.close();
  if (!file)
    throw CannotRun("cannot write '" + options.profile +
                    "': " + strerror(errno));
}
