//===- MaskTest.cpp - Masks against all their elements --------------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fovea/dialects/attn/Attn.h"

#include "mlir/AsmParser/AsmParser.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/MLIRContext.h"

#include "gtest/gtest.h"

using namespace mlir;
using namespace fovea::attn;

namespace {
class MaskTest : public ::testing::TestWithParam<const char *> {
protected:
  MaskTest() {
    context.loadDialect<AttnDialect, arith::ArithDialect>();
    mask =
        dyn_cast_or_null<MaskInterface>(parseAttribute(GetParam(), &context));
  }

  MLIRContext context;
  MaskInterface mask;
};
} // namespace

/// What a class of a tile promises must hold for each element of it.
TEST_P(MaskTest, ClassifyAgreesWithVisible) {
  ASSERT_TRUE(mask);
  for (StaticExtents extents : {StaticExtents{5, 7}, {7, 5}, {1, 6}, {6, 6}})
    for (int64_t i0 = 0; i0 < extents.rows; ++i0)
      for (int64_t i1 = i0 + 1; i1 <= extents.rows; ++i1)
        for (int64_t j0 = 0; j0 < extents.keys; ++j0)
          for (int64_t j1 = j0 + 1; j1 <= extents.keys; ++j1) {
            TileClass kind = mask.classify({i0, i1, j0, j1}, extents);
            for (int64_t i = i0; i < i1; ++i)
              for (int64_t j = j0; j < j1; ++j) {
                std::optional<bool> visible = mask.visible(i, j, extents);
                ASSERT_TRUE(visible.has_value());
                if (kind == TileClass::Full)
                  EXPECT_TRUE(*visible) << i << ", " << j;
                if (kind == TileClass::Empty)
                  EXPECT_FALSE(*visible) << i << ", " << j;
              }
          }
}

/// A tile of one element has nothing partial about it.
TEST_P(MaskTest, SingleElementsAreDecided) {
  ASSERT_TRUE(mask);
  StaticExtents extents{5, 7};
  for (int64_t i = 0; i < extents.rows; ++i)
    for (int64_t j = 0; j < extents.keys; ++j)
      EXPECT_EQ(mask.classify({i, i + 1, j, j + 1}, extents),
                *mask.visible(i, j, extents) ? TileClass::Full
                                             : TileClass::Empty)
          << i << ", " << j;
}

INSTANTIATE_TEST_SUITE_P(
    Kinds, MaskTest,
    ::testing::Values("#attn.causal", "#attn.causal<align = end>",
                      "#attn.causal<offset = 2>",
                      "#attn.window<left = 2, right = 0>",
                      "#attn.window<left = 1, right = 1>",
                      "#attn.window<right = 1, align = end>",
                      "#attn.and<#attn.causal, #attn.window<left = 1>>",
                      "#attn.or<#attn.causal, #attn.window<right = 2>>",
                      "#attn.prefix<0>", "#attn.prefix<3>",
                      "#attn.segments<[0]>", "#attn.segments<[0, 1, 4]>",
                      "#attn.neighborhood<size = 3>",
                      "#attn.neighborhood<size = 2, dilation = 2>",
                      "#attn.product<[2, 3], [#attn.causal, "
                      "#attn.neighborhood<size = 2>]>",
                      "#attn.pattern<dense<[[5], [126], [0], [127], [1]]> : "
                      "tensor<5x1xi64>>",
                      "#attn.pattern<dense<-1> : tensor<7x1xi64>>"));

/// A length that is known only at run time decides nothing now.
TEST(Mask, RunTimeLengthIsUnknown) {
  MLIRContext context;
  context.loadDialect<AttnDialect>();
  auto mask = dyn_cast_or_null<MaskInterface>(
      parseAttribute("#attn.padding<end = 0>", &context));
  ASSERT_TRUE(mask);
  EXPECT_FALSE(mask.visible(0, 3, {4, 4}).has_value());
  EXPECT_EQ(mask.classify({0, 4, 0, 4}, {4, 4}), TileClass::Partial);
}
