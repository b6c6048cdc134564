//===- FoldConstants.cpp - Tensor code evaluated at import ----------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "FoldConstants.h"

#include "ConstantElements.h"

#include "mlir/IR/Matchers.h"

#include <cmath>

using namespace mlir;
using namespace fovea::frontend;
using Slot = ConstantSlot;

/// More elements than this are computed at run time, or by later passes.
static constexpr int64_t maxResultElements = 1 << 20;
static constexpr int64_t maxIterations = 1 << 22;

namespace {

/// One operation of a body, on numbered slots.
struct Instruction {
  void (*run)(Slot *slots, const Instruction &self);
  int dest = 0, a = 0, b = 0, c = 0;
  int64_t immediate = 0;
  /// The result is rounded to f32.
  bool isSingle = false;
  unsigned width = 64;
  /// tensor.extract: the tensor and the slots of the indices.
  const ConstantElements *tensor = nullptr;
  SmallVector<int> indices;
};

} // namespace

//===----------------------------------------------------------------------===//
// Instructions
//===----------------------------------------------------------------------===//

using RunFn = void (*)(Slot *, const Instruction &);

#define FLOAT_BINARY(EXPRESSION)                                               \
  [](Slot *s, const Instruction &in) {                                         \
    double x = s[in.a].f, y = s[in.b].f;                                       \
    (void)y;                                                                   \
    double r = (EXPRESSION);                                                   \
    s[in.dest].f = in.isSingle ? double(float(r)) : r;                         \
  }
#define INT_BINARY(EXPRESSION)                                                 \
  [](Slot *s, const Instruction &in) {                                         \
    int64_t x = s[in.a].i, y = s[in.b].i;                                      \
    (void)y;                                                                   \
    s[in.dest].i = llvm::SignExtend64(uint64_t(EXPRESSION), in.width);         \
  }

static uint64_t zeroExtend(int64_t value, unsigned width) {
  return width >= 64 ? uint64_t(value)
                     : uint64_t(value) & ((uint64_t(1) << width) - 1);
}

static void runCompareFloat(Slot *s, const Instruction &in) {
  double x = s[in.a].f, y = s[in.b].f;
  auto predicate = arith::CmpFPredicate(in.immediate);
  APFloat left(x), right(y);
  s[in.dest].i = arith::applyCmpPredicate(predicate, left, right);
}

static void runCompareInt(Slot *s, const Instruction &in) {
  unsigned width = in.width;
  APInt left(width, zeroExtend(s[in.a].i, width));
  APInt right(width, zeroExtend(s[in.b].i, width));
  auto predicate = arith::CmpIPredicate(in.immediate);
  s[in.dest].i = arith::applyCmpPredicate(predicate, left, right);
}

static void runExtract(Slot *s, const Instruction &in) {
  int64_t offset = 0;
  for (auto [slot, size] : llvm::zip(in.indices, in.tensor->type.getShape())) {
    int64_t position = std::clamp<int64_t>(s[slot].i, 0, size - 1);
    offset = offset * size + position;
  }
  s[in.dest] = in.tensor->read(offset);
}

static double saturate(double x) {
  if (std::isnan(x))
    return 0;
  return std::clamp(x, -9.2e18, 9.2e18);
}

static const llvm::StringMap<RunFn> &runFunctions() {
  static const llvm::StringMap<RunFn> functions = {
      {"arith.addf", FLOAT_BINARY(x + y)},
      {"arith.subf", FLOAT_BINARY(x - y)},
      {"arith.mulf", FLOAT_BINARY(x * y)},
      {"arith.divf", FLOAT_BINARY(x / y)},
      {"arith.remf", FLOAT_BINARY(std::fmod(x, y))},
      {"arith.negf", FLOAT_BINARY(-x)},
      {"arith.maximumf", FLOAT_BINARY(x != x   ? x
                                      : y != y ? y
                                               : std::fmax(x, y))},
      {"arith.minimumf", FLOAT_BINARY(x != x   ? x
                                      : y != y ? y
                                               : std::fmin(x, y))},
      {"arith.extf", FLOAT_BINARY(x)},
      {"arith.truncf", FLOAT_BINARY(x)},
      {"math.absf", FLOAT_BINARY(std::fabs(x))},
      {"math.sqrt", FLOAT_BINARY(std::sqrt(x))},
      {"math.exp", FLOAT_BINARY(std::exp(x))},
      {"math.log", FLOAT_BINARY(std::log(x))},
      {"math.sin", FLOAT_BINARY(std::sin(x))},
      {"math.cos", FLOAT_BINARY(std::cos(x))},
      {"math.tanh", FLOAT_BINARY(std::tanh(x))},
      {"math.erf", FLOAT_BINARY(std::erf(x))},
      {"math.floor", FLOAT_BINARY(std::floor(x))},
      {"math.ceil", FLOAT_BINARY(std::ceil(x))},
      {"math.roundeven", FLOAT_BINARY(std::nearbyint(x))},
      {"math.powf", FLOAT_BINARY(std::pow(x, y))},
      {"arith.addi", INT_BINARY(uint64_t(x) + uint64_t(y))},
      {"arith.subi", INT_BINARY(uint64_t(x) - uint64_t(y))},
      {"arith.muli", INT_BINARY(uint64_t(x) * uint64_t(y))},
      {"arith.divsi", INT_BINARY(y == 0    ? 0
                                 : y == -1 ? 0 - uint64_t(x)
                                           : x / y)},
      {"arith.remsi", INT_BINARY(y == 0 || y == -1 ? 0 : x % y)},
      {"arith.andi", INT_BINARY(x & y)},
      {"arith.ori", INT_BINARY(x | y)},
      {"arith.xori", INT_BINARY(x ^ y)},
      {"arith.maxsi", INT_BINARY(std::max(x, y))},
      {"arith.minsi", INT_BINARY(std::min(x, y))},
      {"math.absi", INT_BINARY(x < 0 ? 0 - uint64_t(x) : x)},
      {"arith.extsi", INT_BINARY(x)},
      {"arith.trunci", INT_BINARY(x)},
      {"arith.index_cast", INT_BINARY(x)},
      {"arith.extui",
       [](Slot *s, const Instruction &in) {
         s[in.dest].i = int64_t(zeroExtend(s[in.a].i, in.immediate));
       }},
      {"arith.sitofp",
       [](Slot *s, const Instruction &in) {
         double r = double(s[in.a].i);
         s[in.dest].f = in.isSingle ? double(float(s[in.a].i)) : r;
       }},
      {"arith.uitofp",
       [](Slot *s, const Instruction &in) {
         uint64_t x = zeroExtend(s[in.a].i, in.immediate);
         s[in.dest].f = in.isSingle ? double(float(x)) : double(x);
       }},
      {"arith.fptosi",
       [](Slot *s, const Instruction &in) {
         s[in.dest].i = llvm::SignExtend64(
             uint64_t(int64_t(saturate(s[in.a].f))), in.width);
       }},
      {"arith.select",
       [](Slot *s, const Instruction &in) {
         s[in.dest] = s[in.a].i & 1 ? s[in.b] : s[in.c];
       }},
      {"arith.cmpf", runCompareFloat},
      {"arith.cmpi", runCompareInt},
      {"tensor.extract", runExtract},
      {"linalg.index",
       [](Slot *s, const Instruction &in) { s[in.dest] = s[in.a]; }},
  };
  return functions;
}

//===----------------------------------------------------------------------===//
// Programs
//===----------------------------------------------------------------------===//

namespace {

/// The body of a generic as instructions over slots. Slots: loop positions,
/// then values in the order in which they are met.
class Program {
public:
  explicit Program(linalg::GenericOp op) : op(op) {}
  bool compile();
  /// What running it costs: time by iterations, memory by results.
  int64_t work();
  Value run(TensorBuilder &b);

private:
  int slotOf(Value value);
  bool compileOp(Operation &operation);
  bool readOperands();
  bool strides(AffineMap map, RankedTensorType type,
               SmallVectorImpl<int64_t> &result);
  bool constantSlot(Value value);

  linalg::GenericOp op;
  SmallVector<int64_t> extents;
  std::vector<Slot> slots;
  DenseMap<Value, int> slotNumbers;
  std::vector<Instruction> instructions;
  std::vector<std::unique_ptr<ConstantElements>> tensors;
  /// One entry per input, then the output.
  SmallVector<const ConstantElements *> inputs;
  SmallVector<SmallVector<int64_t>> operandStrides;
  Slot initial{};
};

} // namespace

int Program::slotOf(Value value) {
  auto [it, isNew] = slotNumbers.insert({value, int(slots.size())});
  if (isNew)
    slots.push_back(Slot{});
  return it->second;
}

/// A scalar constant from anywhere; false for other outside values.
bool Program::constantSlot(Value value) {
  if (slotNumbers.count(value))
    return true;
  Attribute attr;
  if (!matchPattern(value, m_Constant(&attr)))
    return false;
  Slot slot{};
  if (auto integer = dyn_cast<IntegerAttr>(attr))
    slot.i = integer.getValue().getSExtValue();
  else if (auto number = dyn_cast<FloatAttr>(attr);
           number && !isCarriedAsBits(number.getType()))
    slot.f = number.getValueAsDouble();
  else if (number)
    slot.i = number.getValue().bitcastToAPInt().getZExtValue();
  else
    return false;
  int at = slotOf(value);
  slots[at] = slot;
  return true;
}

bool Program::compileOp(Operation &operation) {
  if (isa<arith::ConstantOp>(operation))
    return constantSlot(operation.getResult(0));
  auto found = runFunctions().find(operation.getName().getStringRef());
  if (found == runFunctions().end() || operation.getNumResults() != 1)
    return false;
  Instruction in;
  in.run = found->second;
  Type type = operation.getResult(0).getType();
  bool moves = isa<arith::SelectOp, tensor::ExtractOp>(operation);
  if (isCarriedAsBits(type) && !moves)
    return false;
  in.isSingle = type.isF32();
  if (auto integer = dyn_cast<IntegerType>(type))
    in.width = integer.getWidth();
  if (auto index = dyn_cast<linalg::IndexOp>(operation)) {
    in.a = int(index.getDim());
  } else if (auto extract = dyn_cast<tensor::ExtractOp>(operation)) {
    auto elements = constantElements(extract.getTensor());
    if (!elements || elements->type.getNumElements() == 0)
      return false;
    tensors.push_back(std::make_unique<ConstantElements>(std::move(*elements)));
    in.tensor = tensors.back().get();
    for (Value index : extract.getIndices()) {
      if (!constantSlot(index))
        return false;
      in.indices.push_back(slotOf(index));
    }
  } else {
    for (auto [i, operand] : llvm::enumerate(operation.getOperands())) {
      if (!constantSlot(operand) ||
          (isCarriedAsBits(operand.getType()) && !moves))
        return false;
      (i == 0 ? in.a : i == 1 ? in.b : in.c) = slotOf(operand);
    }
    Type from = operation.getOperand(0).getType();
    if (auto integer = dyn_cast<IntegerType>(from))
      in.immediate = integer.getWidth();
  }
  if (auto compare = dyn_cast<arith::CmpFOp>(operation)) {
    in.immediate = int64_t(compare.getPredicate());
  } else if (auto compare = dyn_cast<arith::CmpIOp>(operation)) {
    Type from = compare.getLhs().getType();
    in.width = from.isIndex() ? 64 : from.getIntOrFloatBitWidth();
    in.immediate = int64_t(compare.getPredicate());
  }
  in.dest = slotOf(operation.getResult(0));
  instructions.push_back(std::move(in));
  return true;
}

bool Program::strides(AffineMap map, RankedTensorType type,
                      SmallVectorImpl<int64_t> &result) {
  result.assign(extents.size(), 0);
  int64_t stride = 1;
  for (int64_t i = type.getRank() - 1; i >= 0; --i) {
    auto dim = dyn_cast<AffineDimExpr>(map.getResult(i));
    if (!dim || type.getDimSize(i) != extents[dim.getPosition()])
      return false;
    result[dim.getPosition()] += stride;
    stride *= type.getDimSize(i);
  }
  return true;
}

/// Inputs are constants, the output starts empty or filled with a constant.
bool Program::readOperands() {
  SmallVector<AffineMap> maps = op.getIndexingMapsArray();
  Block *body = op.getBody();
  for (auto [i, input] : llvm::enumerate(op.getInputs())) {
    auto elements = constantElements(input);
    operandStrides.emplace_back();
    if (!elements || !strides(maps[i], elements->type, operandStrides.back()))
      return false;
    tensors.push_back(std::make_unique<ConstantElements>(std::move(*elements)));
    inputs.push_back(tensors.back().get());
    slotOf(body->getArgument(i));
  }
  Value init = op.getOutputs()[0];
  Value accumulator = body->getArguments().back();
  operandStrides.emplace_back();
  if (!strides(maps.back(), cast<RankedTensorType>(init.getType()),
               operandStrides.back()))
    return false;
  slotOf(accumulator);
  auto fill = init.getDefiningOp<linalg::FillOp>();
  if (fill && constantSlot(fill.getInputs()[0]))
    initial = slots[slotOf(fill.getInputs()[0])];
  else if (!accumulator.use_empty() || !init.getDefiningOp<tensor::EmptyOp>())
    return false;
  return true;
}

bool Program::compile() {
  auto type = dyn_cast<RankedTensorType>(op.getResult(0).getType());
  if (op.getNumResults() != 1 || !type || !type.hasStaticShape() ||
      type.getNumElements() > maxResultElements || type.getNumElements() == 0 ||
      !type.getElementType().isIntOrFloat())
    return false;
  extents = op.getStaticLoopRanges();
  int64_t iterations = 1;
  for (int64_t extent : extents)
    if (ShapedType::isDynamic(extent) ||
        llvm::MulOverflow(iterations, extent, iterations) ||
        iterations > maxIterations)
      return false;
  slots.resize(extents.size());
  if (!readOperands())
    return false;
  for (Operation &operation : op.getBody()->without_terminator())
    if (!compileOp(operation))
      return false;
  return constantSlot(op.getBody()->getTerminator()->getOperand(0));
}

int64_t Program::work() {
  int64_t work =
      cast<RankedTensorType>(op.getResult(0).getType()).getNumElements();
  int64_t iterations = 1;
  for (int64_t extent : extents)
    iterations *= extent;
  return 8 * (work + iterations * int64_t(1 + instructions.size() / 4));
}

Value Program::run(TensorBuilder &b) {
  auto type = cast<RankedTensorType>(op.getResult(0).getType());
  Type element = type.getElementType();
  std::vector<Slot> results(type.getNumElements(), initial);
  int yielded = slotOf(op.getBody()->getTerminator()->getOperand(0));
  int accumulator = slotOf(op.getBody()->getArguments().back());
  SmallVector<int> arguments;
  for (size_t i = 0; i < inputs.size(); ++i)
    arguments.push_back(slotOf(op.getBody()->getArgument(i)));
  SmallVector<int64_t> at(extents.size(), 0);
  SmallVector<int64_t> offsets(operandStrides.size(), 0);
  bool done = llvm::is_contained(extents, 0);
  while (!done) {
    for (size_t d = 0; d < at.size(); ++d)
      slots[d].i = at[d];
    for (size_t i = 0; i < inputs.size(); ++i)
      slots[arguments[i]] = inputs[i]->read(offsets[i]);
    Slot &result = results[offsets.back()];
    slots[accumulator] = result;
    for (const Instruction &in : instructions)
      in.run(slots.data(), in);
    result = slots[yielded];
    done = true;
    for (int64_t d = at.size() - 1; d >= 0 && done; --d) {
      bool wraps = ++at[d] == extents[d];
      int64_t steps = wraps ? 1 - extents[d] : 1;
      for (size_t i = 0; i < offsets.size(); ++i)
        offsets[i] += steps * operandStrides[i][d];
      if (wraps)
        at[d] = 0;
      done = wraps;
    }
  }
  int64_t bytes =
      element.isInteger(1) ? 1 : element.getIntOrFloatBitWidth() / 8;
  std::vector<char> data(results.size() * bytes);
  for (size_t i = 0; i < results.size(); ++i) {
    if (element.isInteger(1))
      data[i] = results[i].i & 1;
    else
      writeElement(element, results[i], data.data() + i * bytes);
  }
  return b.constant(type, data);
}

Value fovea::frontend::foldGeneric(TensorBuilder &b, linalg::GenericOp op) {
  Program program(op);
  if (!program.compile() || !b.spend(program.work()))
    return {};
  return program.run(b);
}
