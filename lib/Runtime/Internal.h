/*===- Internal.h - What the parts of the runtime share ----------------------===
 *
 * Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
 * See LICENSE for license information.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 *===------------------------------------------------------------------------===
 *
 * The runtime is linked into every library that fovea-compile writes. Its other
 * half is generated: one constant fovea_rt_model, and the kernels, which call
 * back into the functions named fovea_rt_* and _mlir_*.
 */
#ifndef FOVEA_RUNTIME_INTERNAL_H
#define FOVEA_RUNTIME_INTERNAL_H

#include "fovea/Runtime/fovea.h"

#include <pthread.h>
#include <setjmp.h>

/* Filled in by the compiler: keep in step with lib/Package/Descriptor.cpp. */
typedef struct fovea_rt_model {
  const char *name;
  const char *build_id;
  const char *cpu;
  const char *features; /* names of LLVM, separated by commas */
  const char *manifest;
  const fovea_tensor_info *inputs;
  const fovea_tensor_info *outputs;
  const char *const *kernels;
  int32_t input_count;
  int32_t output_count;
  int32_t kernel_count;
  int32_t reserved;
  /* Runs the model. An argument points to a memref descriptor: allocated and
   * aligned pointer, offset, sizes, strides. The descriptors of the results are
   * written one after the other. An input or output that is more than a tensor
   * consists of several; see fovea_rt_part_count(). */
  void (*main)(int64_t *results, int64_t *const *arguments);
} fovea_rt_model;

extern const fovea_rt_model fovea_rt_this_model;

/* A sequence is two tensors for generated code: the elements of all tensors one
 * after the other, and a table with a row for each of them: where it begins in
 * the former, its rank, its sizes. An optional has one more, which says whether
 * there is a value. Keep in step with lib/Import/ONNX/Form.h. */
enum {
  fovea_rt_row_offset,
  fovea_rt_row_rank,
  fovea_rt_row_sizes,
  fovea_rt_row_length = fovea_rt_row_sizes + FOVEA_MAX_RANK
};

/* Precedes each allocation of a call, so that an interrupted call can give all
 * of them back. One cache line, for the alignment of what follows. */
typedef union fovea_rt_block {
  struct {
    union fovea_rt_block *previous, *next;
  } link;
  char line[64];
} fovea_rt_block;

/* The state of one call of run(); kept by the model between calls. */
typedef struct fovea_rt_context {
  struct fovea_rt_context *next; /* in the list of idle ones */
  fovea_model *model;
  fovea_rt_block blocks; /* head of a ring */
  void *arena;
  size_t arena_size;
  jmp_buf *escape; /* back to run() */
  int parallel_level;
  int32_t run;
  int failed;                     /* in a parallel region, seen at the end */
  struct fovea_rt_context *outer; /* the call that this one interrupts */
} fovea_rt_context;

struct fovea_model {
  pthread_mutex_t lock;
  fovea_rt_context *idle;
  int32_t threads;
  int32_t runs;
  int profiling;
  fovea_event *events;
  int64_t event_count, event_capacity;
};

/* The call that this thread is in, or null. */
extern _Thread_local fovea_rt_context *fovea_rt_current;

/* Records the message of the thread and returns `status`. */
fovea_status fovea_rt_error(fovea_status status, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
const char *fovea_rt_last_error(void);

/* Ends the call that this thread is in with an error. Returns only in a
 * parallel region, which must run to its end: then run() fails afterwards. */
void fovea_rt_fail(fovea_status status, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Ends the call when there is no memory; the other returns null. */
void *fovea_rt_allocate(int64_t bytes);
void *fovea_rt_try_allocate(int64_t bytes);
void fovea_rt_release(void *data);
/* Takes an allocation of the current call out of it; free with
 * fovea_rt_release. */
void fovea_rt_detach(void *data);
void fovea_rt_release_all(fovea_rt_context *context);
void fovea_rt_release_arena(fovea_rt_context *context);

/* Whether this CPU has every feature of the list; if not, records which are
 * missing. */
fovea_status fovea_rt_check_cpu(const char *cpu, const char *features);

size_t fovea_rt_dtype_size(int32_t dtype);
const char *fovea_rt_dtype_name(int32_t dtype);
/* Bytes of a dense tensor, or -1 if they are too many to count. */
int64_t fovea_rt_byte_size(int32_t dtype, int32_t rank, const int64_t *shape);

/* The words of a memref descriptor. */
static inline size_t fovea_rt_word_count(int32_t rank) {
  return 3 + 2 * (size_t)rank;
}
/* Writes the descriptor of dense memory and returns its end. */
int64_t *fovea_rt_describe(const void *data, int32_t rank, const int64_t *shape,
                           int64_t *words);

/* The memrefs that an input or output consists of, and their words. */
int32_t fovea_rt_part_count(const fovea_tensor_info *info);
size_t fovea_rt_info_words(const fovea_tensor_info *info);
/* Describes an input that is no mere tensor, part by part; null without
 * memory. What it allocates belongs to the current call. */
int64_t *fovea_rt_describe_parts(const fovea_tensor_info *info,
                                 const fovea_tensor *input, int64_t *words,
                                 int64_t **arguments);
/* Hands a sequence over to the caller. */
fovea_status fovea_rt_take_sequence(const fovea_tensor_info *info,
                                    const int64_t *words, fovea_tensor *output);

fovea_status fovea_rt_check_inputs(const fovea_tensor *inputs, int32_t count);

#endif /* FOVEA_RUNTIME_INTERNAL_H */
