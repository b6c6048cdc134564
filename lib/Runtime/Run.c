/*===- Run.c - One call of a model -------------------------------------------===
 *
 * Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
 * See LICENSE for license information.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 *===------------------------------------------------------------------------===
 */
#include "Internal.h"

#include <stdlib.h>
#include <string.h>

int omp_get_level(void);
int omp_get_max_threads(void);
void omp_set_num_threads(int);
unsigned fovea_rt_worker_failures(void);
void fovea_rt_take_worker_message(void);

static fovea_rt_context *takeContext(fovea_model *model) {
  pthread_mutex_lock(&model->lock);
  fovea_rt_context *context = model->idle;
  if (context)
    model->idle = context->next;
  int32_t run = model->runs++;
  pthread_mutex_unlock(&model->lock);
  if (!context)
    context = calloc(1, sizeof *context);
  if (context) {
    context->model = model;
    context->run = run;
    context->blocks.link.previous = context->blocks.link.next =
        &context->blocks;
  }
  return context;
}

static void returnContext(fovea_rt_context *context) {
  fovea_model *model = context->model;
  pthread_mutex_lock(&model->lock);
  context->next = model->idle;
  model->idle = context;
  pthread_mutex_unlock(&model->lock);
}

int64_t *fovea_rt_describe(const void *data, int32_t rank, const int64_t *shape,
                           int64_t *words) {
  words[0] = words[1] = (int64_t)(intptr_t)data;
  words[2] = 0;
  int64_t stride = 1;
  for (int32_t i = rank - 1; i >= 0; --i) {
    words[3 + i] = shape[i];
    words[3 + rank + i] = stride;
    stride *= shape[i];
  }
  return words + fovea_rt_word_count(rank);
}

/* Copies `rank` dimensions of a possibly strided memref into dense memory. */
static char *pack(char *to, const char *from, size_t element, int32_t rank,
                  const int64_t *sizes, const int64_t *strides) {
  if (rank == 0) {
    memcpy(to, from, element);
    return to + element;
  }
  if (rank == 1 && strides[0] == 1) {
    memcpy(to, from, element * (size_t)sizes[0]);
    return to + element * (size_t)sizes[0];
  }
  for (int64_t i = 0; i < sizes[0]; ++i)
    to = pack(to, from + i * strides[0] * (int64_t)element, element, rank - 1,
              sizes + 1, strides + 1);
  return to;
}

static int isDense(int32_t rank, const int64_t *sizes, const int64_t *strides) {
  int64_t stride = 1;
  for (int32_t i = rank - 1; i >= 0; --i) {
    if (sizes[i] != 1 && strides[i] != stride)
      return 0;
    stride *= sizes[i];
  }
  return 1;
}

/* Whether this call allocated the memory and no earlier result took it. */
static int owns(const fovea_rt_context *context, const void *data) {
  const fovea_rt_block *block = context->blocks.link.next;
  for (; block != &context->blocks; block = block->link.next)
    if (block + 1 == data)
      return 1;
  return 0;
}

static fovea_status checkProvided(const fovea_tensor_info *info,
                                  const fovea_tensor *output,
                                  const int64_t *shape) {
  if (output->dtype != info->dtype)
    return fovea_rt_error(FOVEA_ERROR_DTYPE, "output '%s': it is %s, not %s",
                          info->name, fovea_rt_dtype_name(info->dtype),
                          fovea_rt_dtype_name(output->dtype));
  int fits = output->rank == info->rank;
  for (int32_t i = 0; fits && i < info->rank; ++i) {
    if (output->shape[i] != shape[i])
      return fovea_rt_error(
          FOVEA_ERROR_SHAPE,
          "output '%s': dimension %d is %lld, and the tensor provided for it "
          "has %lld",
          info->name, (int)i, (long long)shape[i], (long long)output->shape[i]);
  }
  if (!fits)
    return fovea_rt_error(FOVEA_ERROR_SHAPE,
                          "output '%s': its rank is %d, and that of the tensor "
                          "provided for it %d",
                          info->name, (int)info->rank, (int)output->rank);
  return FOVEA_OK;
}

/* Hands the tensor that `words` describes over to the caller. */
static fovea_status takeTensor(fovea_rt_context *context,
                               const fovea_tensor_info *info,
                               const int64_t *words, fovea_tensor *output) {
  int32_t rank = info->rank;
  const int64_t *sizes = words + 3, *strides = sizes + rank;
  size_t element = fovea_rt_dtype_size(info->dtype);
  char *allocated = (char *)(intptr_t)words[0];
  char *data = (char *)(intptr_t)words[1] + words[2] * (int64_t)element;
  int64_t bytes = fovea_rt_byte_size(info->dtype, rank, sizes);
  if (output->data) {
    fovea_status status = checkProvided(info, output, sizes);
    if (status == FOVEA_OK && bytes)
      pack(output->data, data, element, rank, sizes, strides);
    return status;
  }
  void *owner = allocated;
  if (!owns(context, allocated) || !isDense(rank, sizes, strides)) {
    owner = fovea_rt_try_allocate(bytes);
    if (!owner)
      return fovea_rt_error(FOVEA_ERROR_OUT_OF_MEMORY, "out of memory");
    if (bytes)
      pack(owner, data, element, rank, sizes, strides);
    data = owner;
  }
  fovea_rt_detach(owner);
  output->owner = owner;
  output->data = data;
  output->dtype = info->dtype;
  output->rank = rank;
  memcpy(output->shape, sizes, (size_t)rank * sizeof *sizes);
  return FOVEA_OK;
}

/* Hands the result that `words` describes over to the caller. */
static fovea_status takeResult(fovea_rt_context *context,
                               const fovea_tensor_info *info,
                               const int64_t *words, fovea_tensor *output) {
  if (info->kind && output->data)
    return fovea_rt_error(FOVEA_ERROR_INVALID_ARGUMENT,
                          "output '%s': the library allocates it, so that its "
                          "data has to be null",
                          info->name);
  if (info->kind & FOVEA_KIND_OPTIONAL) {
    size_t end = fovea_rt_info_words(info) - fovea_rt_word_count(0);
    const char *present = (const char *)(intptr_t)words[end + 1];
    if (!present[words[end + 2]]) {
      memset(output, 0, sizeof *output);
      return FOVEA_OK;
    }
  }
  return info->kind & FOVEA_KIND_SEQUENCE
             ? fovea_rt_take_sequence(info, words, output)
             : takeTensor(context, info, words, output);
}

void fovea_rt_free_tensor(fovea_tensor *tensor) {
  if (!tensor || !tensor->owner)
    return;
  fovea_rt_release(tensor->owner);
  memset(tensor, 0, sizeof *tensor);
}

/* Calls the generated code; an error in it comes back here. */
static fovea_status callMain(fovea_rt_context *context, int64_t *results,
                             int64_t *const *arguments) {
  jmp_buf escape;
  unsigned workerFailures = fovea_rt_worker_failures();
  context->escape = &escape;
  context->failed = FOVEA_OK;
  context->parallel_level = omp_get_level();
  if (setjmp(escape) == 0)
    fovea_rt_this_model.main(results, arguments);
  if (!context->failed && workerFailures != fovea_rt_worker_failures()) {
    fovea_rt_take_worker_message();
    context->failed = FOVEA_ERROR_MODEL;
  }
  return (fovea_status)context->failed;
}

static fovea_status callAndTake(fovea_rt_context *context, int64_t *words,
                                int64_t **arguments, const fovea_tensor *inputs,
                                fovea_tensor *outputs) {
  const fovea_rt_model *model = &fovea_rt_this_model;
  int64_t *const *first = arguments;
  for (int32_t i = 0; i < model->input_count; ++i) {
    const fovea_tensor_info *info = &model->inputs[i];
    words = fovea_rt_describe_parts(info, &inputs[i], words, arguments);
    if (!words)
      return fovea_rt_error(FOVEA_ERROR_OUT_OF_MEMORY, "out of memory");
    arguments += fovea_rt_part_count(info);
  }
  int32_t threads = omp_get_max_threads();
  int32_t wanted = __atomic_load_n(&context->model->threads, __ATOMIC_RELAXED);
  if (wanted)
    omp_set_num_threads(wanted);
  fovea_status status = callMain(context, words, first);
  if (wanted)
    omp_set_num_threads(threads);
  int32_t taken = 0;
  for (; status == FOVEA_OK && taken < model->output_count; ++taken) {
    status =
        takeResult(context, &model->outputs[taken], words, &outputs[taken]);
    words += fovea_rt_info_words(&model->outputs[taken]);
  }
  if (status != FOVEA_OK)
    while (taken-- > 0)
      fovea_rt_free_tensor(&outputs[taken]);
  return status;
}

static fovea_status runIn(fovea_rt_context *context, const fovea_tensor *inputs,
                          fovea_tensor *outputs) {
  const fovea_rt_model *model = &fovea_rt_this_model;
  size_t words = 0, parts = 0;
  for (int32_t i = 0; i < model->input_count; ++i) {
    words += fovea_rt_info_words(&model->inputs[i]);
    parts += (size_t)fovea_rt_part_count(&model->inputs[i]);
  }
  for (int32_t i = 0; i < model->output_count; ++i)
    words += fovea_rt_info_words(&model->outputs[i]);
  int64_t *memory = malloc((words + 1) * sizeof *memory);
  int64_t **arguments = malloc((parts + 1) * sizeof *arguments);
  fovea_status status;
  if (memory && arguments)
    status = callAndTake(context, memory, arguments, inputs, outputs);
  else
    status = fovea_rt_error(FOVEA_ERROR_OUT_OF_MEMORY, "out of memory");
  free(arguments);
  free(memory);
  return status;
}

fovea_status fovea_rt_run(fovea_model *model, const fovea_tensor *inputs,
                          int32_t input_count, fovea_tensor *outputs,
                          int32_t output_count) {
  if (!model || (!inputs && input_count) || (!outputs && output_count))
    return fovea_rt_error(FOVEA_ERROR_INVALID_ARGUMENT, "null argument");
  if (output_count != fovea_rt_this_model.output_count)
    return fovea_rt_error(
        FOVEA_ERROR_INVALID_ARGUMENT, "expected %d outputs, got %d",
        (int)fovea_rt_this_model.output_count, (int)output_count);
  for (int32_t i = 0; i < output_count; ++i)
    outputs[i].owner = NULL;
  fovea_status status = fovea_rt_check_inputs(inputs, input_count);
  if (status != FOVEA_OK)
    return status;
  fovea_rt_context *context = takeContext(model);
  if (!context)
    return fovea_rt_error(FOVEA_ERROR_OUT_OF_MEMORY, "out of memory");
  context->outer = fovea_rt_current;
  fovea_rt_current = context;
  status = runIn(context, inputs, outputs);
  fovea_rt_release_all(context);
  fovea_rt_current = context->outer;
  returnContext(context);
  return status;
}
