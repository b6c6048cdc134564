//===- StagesTest.cpp - Names of stages, descriptions of CPUs -------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fovea/Pipelines/Pipelines.h"
#include "fovea/Target/CPU.h"

#include "gtest/gtest.h"

using namespace fovea;

TEST(Stages, NamesReadBack) {
  for (Stage stage : {Stage::Import, Stage::Recognize, Stage::Mask,
                      Stage::Group, Stage::Schedule, Stage::Tile, Stage::Vector,
                      Stage::MemRef, Stage::LLVM}) {
    std::optional<Stage> parsed = parseStage(stageName(stage));
    ASSERT_TRUE(parsed.has_value());
    EXPECT_EQ(*parsed, stage);
  }
  EXPECT_FALSE(parseStage("no-such-stage").has_value());
  EXPECT_FALSE(parseStage("").has_value());
}

TEST(CPU, NumbersFollowTheName) {
  std::optional<CPUTarget> wide =
      describeCPU("znver4", "x86_64-unknown-linux-gnu");
  std::optional<CPUTarget> narrow =
      describeCPU("haswell", "x86_64-unknown-linux-gnu");
  ASSERT_TRUE(wide && narrow);
  EXPECT_EQ(wide->vectorBits, 512);
  EXPECT_EQ(wide->lanes(32), 16);
  EXPECT_EQ(narrow->vectorBits, 256);
  EXPECT_GT(wide->vectorRegisters, narrow->vectorRegisters);
}

TEST(CPU, UnknownNameIsNothing) {
  EXPECT_FALSE(describeCPU("pentium-17", "x86_64-unknown-linux-gnu"));
}

TEST(CPU, NativeHasAName) {
  std::optional<CPUTarget> native = describeCPU("native");
  ASSERT_TRUE(native.has_value());
  EXPECT_NE(native->name, "native");
  EXPECT_FALSE(native->name.empty());
  EXPECT_GE(native->cores, 1);
}
