//===- Remarks.cpp - What was recognised, and why not ---------------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fovea/Analysis/Remarks.h"

#include "mlir/IR/Operation.h"
#include "mlir/IR/Remarks.h"
#include "llvm/Support/JSON.h"

#include <mutex>

using namespace mlir;
using namespace fovea;

namespace {

constexpr llvm::StringLiteral kWhere = "where";
constexpr llvm::StringLiteral kWhy = "why";
/// Node names may hold nearly any character; a newline cannot be in one.
constexpr char kSeparator = '\n';

/// Turns the engine's remarks back into records.
class SiteCollector final : public remark::detail::MLIRRemarkStreamerBase {
public:
  explicit SiteCollector(std::vector<SiteRemark> &sites) : sites(sites) {}

  void streamOptimizationRemark(const remark::detail::Remark &remark) override {
    SiteRemark site;
    site.kind = remark.getCategoryName().str();
    site.recognised = remark.getRemarkName() == "recognised";
    for (const remark::detail::Remark::Arg &arg : remark.getArgs()) {
      if (arg.key == kWhy)
        site.why = arg.val;
      if (arg.key != kWhere)
        continue;
      SmallVector<StringRef> names;
      StringRef(arg.val).split(names, kSeparator, -1, /*KeepEmpty=*/false);
      for (StringRef name : names)
        site.where.push_back(name.str());
    }
    // Passes on different functions report from different threads.
    std::lock_guard<std::mutex> lock(mutex);
    sites.push_back(std::move(site));
  }

private:
  std::vector<SiteRemark> &sites;
  std::mutex mutex;
};

void appendNames(Location loc, std::vector<std::string> &names) {
  auto add = [&](StringRef name) {
    if (!name.empty() && !llvm::is_contained(names, name))
      names.push_back(name.str());
  };
  if (auto name = dyn_cast<NameLoc>(loc)) {
    add(name.getName());
    return;
  }
  if (auto fused = dyn_cast<FusedLoc>(loc)) {
    for (Location part : fused.getLocations())
      appendNames(part, names);
    return;
  }
  if (auto call = dyn_cast<CallSiteLoc>(loc)) {
    appendNames(call.getCallee(), names);
    appendNames(call.getCaller(), names);
  }
}

} // namespace

std::vector<std::string> fovea::locationNames(Location loc) {
  std::vector<std::string> names;
  appendNames(loc, names);
  return names;
}

void fovea::reportSite(llvm::StringLiteral kind, bool recognised,
                       ArrayRef<Operation *> ops, const Twine &why) {
  if (ops.empty() || !ops.front()->getContext()->getRemarkEngine())
    return;
  std::vector<std::string> names;
  for (Operation *op : ops)
    appendNames(op->getLoc(), names);
  Location loc = ops.front()->getLoc();
  auto opts = remark::RemarkOpts::name(recognised ? "recognised" : "missed")
                  .category(kind);
  remark::detail::InFlightRemark remark =
      recognised ? remark::passed(loc, opts) : remark::missed(loc, opts);
  if (!remark)
    return;
  remark << remark::detail::Remark::Arg(kWhy, why.str());
  std::string joined;
  for (const std::string &name : names)
    joined += (joined.empty() ? "" : std::string(1, kSeparator)) + name;
  remark << remark::detail::Remark::Arg(kWhere, joined);
}

LogicalResult fovea::collectSiteRemarks(MLIRContext &context,
                                        std::vector<SiteRemark> &sites) {
  remark::RemarkCategories categories;
  // `all` alone enables nothing: it only adds to the filters of each outcome.
  categories.passed = ".*";
  categories.missed = ".*";
  return remark::enableOptimizationRemarks(
      context, std::make_unique<SiteCollector>(sites),
      std::make_unique<remark::RemarkEmittingPolicyAll>(), categories);
}

void fovea::printSiteRemarks(llvm::raw_ostream &os,
                             ArrayRef<SiteRemark> sites) {
  for (const SiteRemark &site : sites) {
    os << site.kind << (site.recognised ? ": recognised" : ": missed");
    if (!site.where.empty()) {
      os << " at ";
      llvm::interleaveComma(site.where, os);
    }
    if (!site.why.empty())
      os << ": " << site.why;
    os << '\n';
  }
}

void fovea::printSiteRemarksJSON(llvm::raw_ostream &os,
                                 ArrayRef<SiteRemark> sites) {
  llvm::json::OStream json(os, /*IndentSize=*/2);
  json.array([&] {
    for (const SiteRemark &site : sites)
      json.object([&] {
        json.attribute("kind", llvm::json::fixUTF8(site.kind));
        json.attribute("recognised", site.recognised);
        json.attributeArray("where", [&] {
          for (const std::string &name : site.where)
            json.value(llvm::json::fixUTF8(name));
        });
        json.attribute("why", llvm::json::fixUTF8(site.why));
      });
  });
  os << '\n';
}
