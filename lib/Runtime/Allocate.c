/*===- Allocate.c - Memory of one call: blocks and the arena -----------------===
 *
 * Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
 * See LICENSE for license information.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 *===------------------------------------------------------------------------===
 */
#include "Internal.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

enum { hugePage = 2 << 20 };

static size_t roundUp(size_t bytes, size_t to) {
  return (bytes + to - 1) / to * to;
}

/* Memory is promised freely and withdrawn by killing the process, so that what
 * can never be there is refused here. */
static int isAbsurd(int64_t bytes) {
  int64_t pages = sysconf(_SC_PHYS_PAGES), size = sysconf(_SC_PAGESIZE);
  return bytes < 0 || (pages > 0 && bytes / size > pages);
}

void *fovea_rt_try_allocate(int64_t bytes) {
  fovea_rt_block *block = NULL;
  if (!isAbsurd(bytes))
    block = aligned_alloc(
        sizeof *block, sizeof *block + roundUp((size_t)bytes, sizeof *block));
  if (!block)
    return NULL;
  fovea_rt_context *context = fovea_rt_current;
  fovea_rt_block *head = context ? &context->blocks : block;
  block->link.previous = block->link.next = block;
  if (context) {
    block->link.previous = head;
    block->link.next = head->link.next;
    head->link.next->link.previous = block;
    head->link.next = block;
  }
  return block + 1;
}

void *fovea_rt_allocate(int64_t bytes) {
  void *data = fovea_rt_try_allocate(bytes);
  if (!data)
    fovea_rt_fail(FOVEA_ERROR_OUT_OF_MEMORY,
                  "out of memory: a tensor of %lld bytes", (long long)bytes);
  return data;
}

void fovea_rt_detach(void *data) {
  fovea_rt_block *block = (fovea_rt_block *)data - 1;
  block->link.previous->link.next = block->link.next;
  block->link.next->link.previous = block->link.previous;
  block->link.previous = block->link.next = block;
}

void fovea_rt_release(void *data) {
  if (!data)
    return;
  fovea_rt_detach(data);
  free((fovea_rt_block *)data - 1);
}

void fovea_rt_release_all(fovea_rt_context *context) {
  while (context->blocks.link.next != &context->blocks)
    fovea_rt_release(context->blocks.link.next + 1);
}

void fovea_rt_release_arena(fovea_rt_context *context) {
  if (context->arena)
    munmap(context->arena, context->arena_size);
  context->arena = NULL;
  context->arena_size = 0;
}

/* The working memory of the call under way, planned by the compiler; its
 * contents are undefined. */
void *fovea_rt_arena(int64_t bytes) {
  fovea_rt_context *context = fovea_rt_current;
  if (bytes >= 0 && (size_t)bytes <= context->arena_size && context->arena)
    return context->arena;
  fovea_rt_release_arena(context);
  void *arena = MAP_FAILED;
  /* Whole huge pages where they pay: fewer misses in the address cache. */
  size_t size =
      roundUp((size_t)bytes + 1, bytes >= 2 * hugePage ? hugePage : 4096);
  if (!isAbsurd(bytes))
    arena = mmap(NULL, size, PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (arena == MAP_FAILED) {
    fovea_rt_fail(FOVEA_ERROR_OUT_OF_MEMORY,
                  "out of memory: working memory of %lld bytes",
                  (long long)bytes);
    return NULL;
  }
  if (size >= hugePage)
    madvise(arena, size, MADV_HUGEPAGE);
  context->arena = arena;
  context->arena_size = size;
  return arena;
}

/* The arena as generated code asks for it: the C interface of a function that
 * returns a memref<?xi8>. */
typedef struct {
  void *allocated, *aligned;
  int64_t offset, size, stride;
} ByteMemRef;

void _mlir_ciface_fovea_rt_arena(ByteMemRef *result, int64_t bytes) {
  void *arena = fovea_rt_arena(bytes);
  *result = (ByteMemRef){arena, arena, 0, bytes, 1};
}

/* What the lowering of memref.alloc and memref.dealloc calls. */
void *_mlir_memref_to_llvm_alloc(uint64_t bytes) {
  return fovea_rt_allocate((int64_t)bytes);
}
void *_mlir_memref_to_llvm_aligned_alloc(uint64_t alignment, uint64_t bytes) {
  (void)alignment; /* never above a cache line */
  return fovea_rt_allocate((int64_t)bytes);
}
void _mlir_memref_to_llvm_free(void *data) { fovea_rt_release(data); }
