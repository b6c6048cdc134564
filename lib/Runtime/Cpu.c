/*===- Cpu.c - Whether this CPU can execute what was compiled ----------------===
 *
 * Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
 * See LICENSE for license information.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 *===------------------------------------------------------------------------===
 */
#include "Internal.h"

#include <string.h>

/* This file, as the whole runtime, is compiled for the baseline of its
 * architecture, and asks the CPU itself: the answer of the operating system
 * names fewer features. */
#if defined(__x86_64__)
#include <cpuid.h>

enum { eax, ebx, ecx, edx };
enum { needAVX = 0x6, needAVX512 = 0xe6, needAMX = 0x60000 };

typedef struct {
  const char *name; /* as LLVM calls it */
  uint32_t leaf, subleaf;
  uint8_t reg, bit;
  uint32_t state; /* registers that the operating system must save (XCR0) */
} Feature;

/* The features by which code generation chooses instructions. */
static const Feature features[] = {
    {"sse3", 1, 0, ecx, 0, 0},
    {"pclmul", 1, 0, ecx, 1, 0},
    {"ssse3", 1, 0, ecx, 9, 0},
    {"fma", 1, 0, ecx, 12, needAVX},
    {"cx16", 1, 0, ecx, 13, 0},
    {"sse4.1", 1, 0, ecx, 19, 0},
    {"sse4.2", 1, 0, ecx, 20, 0},
    {"movbe", 1, 0, ecx, 22, 0},
    {"popcnt", 1, 0, ecx, 23, 0},
    {"aes", 1, 0, ecx, 25, 0},
    {"avx", 1, 0, ecx, 28, needAVX},
    {"f16c", 1, 0, ecx, 29, needAVX},
    {"bmi", 7, 0, ebx, 3, 0},
    {"avx2", 7, 0, ebx, 5, needAVX},
    {"bmi2", 7, 0, ebx, 8, 0},
    {"avx512f", 7, 0, ebx, 16, needAVX512},
    {"avx512dq", 7, 0, ebx, 17, needAVX512},
    {"adx", 7, 0, ebx, 19, 0},
    {"avx512ifma", 7, 0, ebx, 21, needAVX512},
    {"avx512cd", 7, 0, ebx, 28, needAVX512},
    {"sha", 7, 0, ebx, 29, 0},
    {"avx512bw", 7, 0, ebx, 30, needAVX512},
    {"avx512vl", 7, 0, ebx, 31, needAVX512},
    {"avx512vbmi", 7, 0, ecx, 1, needAVX512},
    {"avx512vbmi2", 7, 0, ecx, 6, needAVX512},
    {"gfni", 7, 0, ecx, 8, 0},
    {"vaes", 7, 0, ecx, 9, needAVX},
    {"vpclmulqdq", 7, 0, ecx, 10, needAVX},
    {"avx512vnni", 7, 0, ecx, 11, needAVX512},
    {"avx512bitalg", 7, 0, ecx, 12, needAVX512},
    {"avx512vpopcntdq", 7, 0, ecx, 14, needAVX512},
    {"avx512vp2intersect", 7, 0, edx, 8, needAVX512},
    {"amx-bf16", 7, 0, edx, 22, needAMX},
    {"avx512fp16", 7, 0, edx, 23, needAVX512},
    {"amx-tile", 7, 0, edx, 24, needAMX},
    {"amx-int8", 7, 0, edx, 25, needAMX},
    {"avxvnni", 7, 1, eax, 4, needAVX},
    {"avx512bf16", 7, 1, eax, 5, needAVX512},
    {"amx-fp16", 7, 1, eax, 21, needAMX},
    {"avxifma", 7, 1, eax, 23, needAVX},
    {"avxvnniint8", 7, 1, edx, 4, needAVX},
    {"avxneconvert", 7, 1, edx, 5, needAVX},
    {"avxvnniint16", 7, 1, edx, 10, needAVX},
    {"avx10.1", 7, 1, edx, 19, needAVX512},
    {"avx10.1-512", 7, 1, edx, 19, needAVX512},
    {"lzcnt", 0x80000001, 0, ecx, 5, 0},
    {"sse4a", 0x80000001, 0, ecx, 6, 0},
    {"xop", 0x80000001, 0, ecx, 11, needAVX},
    {"fma4", 0x80000001, 0, ecx, 16, needAVX},
    {"tbm", 0x80000001, 0, ecx, 21, 0},
};

/* The registers that the operating system saves and restores. */
static uint64_t savedState(void) {
  unsigned r[4];
  if (!__get_cpuid(1, &r[eax], &r[ebx], &r[ecx], &r[edx]) ||
      !(r[ecx] >> 27 & 1))
    return 0;
  uint32_t low, high;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return (uint64_t)high << 32 | low;
}

/* -1 for a name that chooses no instruction. */
static int hasFeature(const char *name, size_t length, uint64_t state) {
  for (size_t i = 0; i < sizeof features / sizeof *features; ++i) {
    const Feature *f = &features[i];
    if (strlen(f->name) != length || memcmp(f->name, name, length) != 0)
      continue;
    unsigned r[4] = {0};
    return __get_cpuid_count(f->leaf, f->subleaf, &r[eax], &r[ebx], &r[ecx],
                             &r[edx]) &&
           (r[f->reg] >> f->bit & 1) && (state & f->state) == f->state;
  }
  return -1;
}
#elif defined(__aarch64__)
#include <sys/auxv.h>

typedef struct {
  const char *name;
  int word; /* AT_HWCAP or AT_HWCAP2 */
  int bit;
} Feature;

static const Feature features[] = {
    {"neon", AT_HWCAP, 1},       {"aes", AT_HWCAP, 3},
    {"sha2", AT_HWCAP, 6},       {"crc", AT_HWCAP, 7},
    {"lse", AT_HWCAP, 8},        {"fullfp16", AT_HWCAP, 10},
    {"rdm", AT_HWCAP, 12},       {"jsconv", AT_HWCAP, 13},
    {"complxnum", AT_HWCAP, 14}, {"rcpc", AT_HWCAP, 15},
    {"dotprod", AT_HWCAP, 20},   {"sve", AT_HWCAP, 22},
    {"fp16fml", AT_HWCAP, 23},   {"sve2", AT_HWCAP2, 1},
    {"i8mm", AT_HWCAP2, 13},     {"bf16", AT_HWCAP2, 14},
};

static uint64_t savedState(void) { return 0; }

static int hasFeature(const char *name, size_t length, uint64_t state) {
  (void)state;
  for (size_t i = 0; i < sizeof features / sizeof *features; ++i)
    if (strlen(features[i].name) == length &&
        !memcmp(features[i].name, name, length))
      return getauxval(features[i].word) >> features[i].bit & 1;
  return -1;
}
#else
static uint64_t savedState(void) { return 0; }
static int hasFeature(const char *name, size_t length, uint64_t state) {
  (void)name, (void)length, (void)state;
  return -1;
}
#endif

fovea_status fovea_rt_check_cpu(const char *cpu, const char *list) {
  char missing[256] = "";
  uint64_t state = savedState();
  while (*list) {
    size_t length = strcspn(list, ",");
    size_t used = strlen(missing);
    if (hasFeature(list, length, state) == 0 &&
        used + length + 3 < sizeof missing) {
      strcat(missing, used ? ", " : "");
      strncat(missing, list, length);
    }
    list += length + (list[length] == ',');
  }
  if (!*missing)
    return FOVEA_OK;
  return fovea_rt_error(
      FOVEA_ERROR_UNSUPPORTED_CPU,
      "this library was compiled for %s, and this CPU lacks %s; compile it "
      "with --target-cpu=native on this machine",
      cpu, missing);
}
