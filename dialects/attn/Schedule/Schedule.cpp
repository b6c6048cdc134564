//===- Schedule.cpp - The schedule attribute ------------------------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fovea/dialects/attn/Attn.h"

#include "mlir/IR/DialectImplementation.h"

using namespace mlir;
using namespace fovea::attn;

ScheduleAttr ScheduleAttr::of(Operation *op) {
  return op->getAttrOfType<ScheduleAttr>(getAttachedName());
}

ScheduleAttr
ScheduleAttr::get(MLIRContext *context,
                  ArrayRef<std::pair<StringRef, ArrayRef<int64_t>>> levels,
                  ArrayRef<std::pair<StringRef, int64_t>> options) {
  Builder b(context);
  NamedAttrList entries;
  for (auto &[name, sizes] : levels)
    entries.set(name, b.getDenseI64ArrayAttr(sizes));
  for (auto &[name, value] : options)
    entries.set(name, b.getI64IntegerAttr(value));
  return get(context, entries.getDictionary(context));
}

ArrayRef<int64_t> ScheduleAttr::getLevel(StringRef name) const {
  if (auto sizes = getEntries().getAs<DenseI64ArrayAttr>(name))
    return sizes;
  return {};
}

int64_t ScheduleAttr::getOption(StringRef name, int64_t fallback) const {
  if (auto value = getEntries().getAs<IntegerAttr>(name))
    return value.getInt();
  return fallback;
}

LogicalResult ScheduleAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                                   DictionaryAttr entries) {
  for (NamedAttribute entry : entries) {
    if (auto sizes = dyn_cast<DenseI64ArrayAttr>(entry.getValue())) {
      for (int64_t size : sizes.asArrayRef())
        if (size < 0)
          return emitError()
                 << "level '" << entry.getName().getValue()
                 << "' has the negative tile size " << size << " (schedule_c1)";
      continue;
    }
    if (!isa<IntegerAttr>(entry.getValue()))
      return emitError() << "entry '" << entry.getName().getValue()
                         << "' is neither a list of tile sizes nor an integer";
  }
  return success();
}

Attribute ScheduleAttr::parse(AsmParser &parser, Type) {
  Builder &b = parser.getBuilder();
  NamedAttrList entries;
  SMLoc start = parser.getCurrentLocation();
  auto parseEntry = [&]() -> ParseResult {
    std::string name;
    SMLoc loc = parser.getCurrentLocation();
    if (parser.parseKeywordOrString(&name) || parser.parseEqual())
      return failure();
    if (entries.get(name))
      return parser.emitError(loc)
             << "entry '" << name << "' occurs twice (schedule_c2)";
    if (succeeded(parser.parseOptionalLSquare())) {
      SmallVector<int64_t> sizes;
      if (failed(parser.parseOptionalRSquare()) &&
          (parser.parseCommaSeparatedList(
               [&] { return parser.parseInteger(sizes.emplace_back()); }) ||
           parser.parseRSquare()))
        return failure();
      entries.set(name, b.getDenseI64ArrayAttr(sizes));
      return success();
    }
    int64_t value;
    if (parser.parseInteger(value))
      return failure();
    entries.set(name, b.getI64IntegerAttr(value));
    return success();
  };
  if (parser.parseCommaSeparatedList(AsmParser::Delimiter::LessGreater,
                                     parseEntry))
    return {};
  return parser.getChecked<ScheduleAttr>(
      start, parser.getContext(), entries.getDictionary(parser.getContext()));
}

void ScheduleAttr::print(AsmPrinter &printer) const {
  printer << '<';
  llvm::interleaveComma(getEntries(), printer, [&](NamedAttribute entry) {
    printer.printKeywordOrString(entry.getName().getValue());
    printer << " = ";
    if (auto sizes = dyn_cast<DenseI64ArrayAttr>(entry.getValue())) {
      printer << '[';
      llvm::interleaveComma(sizes.asArrayRef(), printer);
      printer << ']';
      return;
    }
    printer << cast<IntegerAttr>(entry.getValue()).getInt();
  });
  printer << '>';
}
