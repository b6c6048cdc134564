//===- Remarks.h - What was recognised, and why not -------------*- C++ -*-===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Passes that look for a structure (attention, token reduction, ...) report
// each site through MLIR's remark engine: the category is the kind of the
// structure, "passed" means recognised and "missed" means a near miss. A tool
// either lets the engine print them (mlir-opt's --remarks-filter) or installs
// the collector below and gets plain records.
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_ANALYSIS_REMARKS_H
#define FOVEA_ANALYSIS_REMARKS_H

#include "mlir/IR/Location.h"
#include "mlir/Support/LLVM.h"
#include "llvm/ADT/Twine.h"
#include "llvm/Support/raw_ostream.h"

#include <string>
#include <vector>

namespace mlir {
class MLIRContext;
class Operation;
} // namespace mlir

namespace fovea {

/// One site that a recognising pass looked at.
struct SiteRemark {
  /// "attention", "linear_attention", "token_...".
  std::string kind;
  /// Whether the site was rewritten to the operation of that kind.
  bool recognised = false;
  /// The names of the model's nodes that make up the site.
  std::vector<std::string> where;
  /// What was found, or what stood in the way.
  std::string why;
};

/// The names in `loc`, through fused, call-site and nested name locations,
/// without repetition.
std::vector<std::string> locationNames(mlir::Location loc);

/// Report a site of `kind` (a string literal: the remark refers to it) made
/// of `ops`, the first of which carries the remark. Costs nothing unless a
/// remark engine is installed.
void reportSite(llvm::StringLiteral kind, bool recognised,
                llvm::ArrayRef<mlir::Operation *> ops, const llvm::Twine &why);

/// Append every site reported in `context` from now on to `sites`, which must
/// outlive the context or the next call. The order is that of reporting.
mlir::LogicalResult collectSiteRemarks(mlir::MLIRContext &context,
                                       std::vector<SiteRemark> &sites);

/// One line per site, for people.
void printSiteRemarks(llvm::raw_ostream &os, llvm::ArrayRef<SiteRemark> sites);

/// A JSON list of {"kind", "recognised", "where", "why"}, for tools.
void printSiteRemarksJSON(llvm::raw_ostream &os,
                          llvm::ArrayRef<SiteRemark> sites);

} // namespace fovea

#endif // FOVEA_ANALYSIS_REMARKS_H
