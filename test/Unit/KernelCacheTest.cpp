//===- KernelCacheTest.cpp - What is kept between compilations ------------===//
//
// Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fovea/Package/KernelCache.h"

#include "llvm/ADT/SmallString.h"
#include "llvm/Support/FileSystem.h"

#include "gtest/gtest.h"

#include <thread>

using namespace fovea;

namespace {
class KernelCacheTest : public testing::Test {
protected:
  void SetUp() override {
    ASSERT_FALSE(llvm::sys::fs::createUniqueDirectory("fovea-cache", folder));
  }
  void TearDown() override { (void)llvm::sys::fs::remove_directories(folder); }
  bool has(llvm::StringRef key) { return cache().lookup(key) != nullptr; }
  KernelCache cache() { return KernelCache(folder.str().str()); }

  llvm::SmallString<128> folder;
};
} // namespace

TEST_F(KernelCacheTest, GivesBackWhatItGot) {
  std::string object("\0\x7f object \n", 11);
  cache().store("key", object);
  auto found = cache().lookup("key");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->getBuffer(), object);
  EXPECT_FALSE(has("other"));
}

TEST_F(KernelCacheTest, RemovesWhatWasNotUsedForLongest) {
  using namespace std::chrono_literals;
  std::string object(4000, 'x');
  for (llvm::StringRef key : {"first", "second", "third"}) {
    cache().store(key, object);
    std::this_thread::sleep_for(20ms);
  }
  EXPECT_TRUE(has("first")); // Which makes it the one that was used last.
  cache().prune(/*bytes=*/9000, /*interval=*/0s);
  EXPECT_TRUE(has("first"));
  EXPECT_FALSE(has("second"));
  EXPECT_TRUE(has("third"));
}

TEST_F(KernelCacheTest, KeepsNothingWithoutAFolder) {
  KernelCache none("");
  none.store("key", "object");
  EXPECT_FALSE(none.lookup("key"));
  none.prune(0, std::chrono::seconds(0));
}
