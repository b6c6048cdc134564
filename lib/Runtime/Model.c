/*===- Model.c - Opening a model, and the table of the interface -------------===
 *
 * Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
 * See LICENSE for license information.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 *===------------------------------------------------------------------------===
 */
#include "Internal.h"

#include <stdlib.h>

fovea_status fovea_rt_run(fovea_model *, const fovea_tensor *, int32_t,
                          fovea_tensor *, int32_t);
void fovea_rt_free_tensor(fovea_tensor *);
fovea_status fovea_rt_set_profiling(fovea_model *, int32_t);
int64_t fovea_rt_get_events(fovea_model *, fovea_event *, int64_t);

static const char *modelName(void) { return fovea_rt_this_model.name; }
static const char *buildId(void) { return fovea_rt_this_model.build_id; }
static const char *targetCpu(void) { return fovea_rt_this_model.cpu; }
static const char *manifest(void) { return fovea_rt_this_model.manifest; }
static int32_t inputCount(void) { return fovea_rt_this_model.input_count; }
static int32_t outputCount(void) { return fovea_rt_this_model.output_count; }
static int32_t kernelCount(void) { return fovea_rt_this_model.kernel_count; }

static const fovea_tensor_info *inputInfo(int32_t index) {
  if (index < 0 || index >= inputCount())
    return NULL;
  return &fovea_rt_this_model.inputs[index];
}

static const fovea_tensor_info *outputInfo(int32_t index) {
  if (index < 0 || index >= outputCount())
    return NULL;
  return &fovea_rt_this_model.outputs[index];
}

static const char *kernelName(int32_t index) {
  if (index < 0 || index >= kernelCount())
    return NULL;
  return fovea_rt_this_model.kernels[index];
}

static fovea_status openModel(fovea_model **model) {
  if (!model)
    return fovea_rt_error(FOVEA_ERROR_INVALID_ARGUMENT, "null argument");
  *model = NULL;
  fovea_status status =
      fovea_rt_check_cpu(fovea_rt_this_model.cpu, fovea_rt_this_model.features);
  if (status != FOVEA_OK)
    return status;
  fovea_model *opened = calloc(1, sizeof *opened);
  if (!opened)
    return fovea_rt_error(FOVEA_ERROR_OUT_OF_MEMORY, "out of memory");
  pthread_mutex_init(&opened->lock, NULL);
  *model = opened;
  return FOVEA_OK;
}

static void closeModel(fovea_model *model) {
  if (!model)
    return;
  while (model->idle) {
    fovea_rt_context *context = model->idle;
    model->idle = context->next;
    fovea_rt_release_arena(context);
    free(context);
  }
  pthread_mutex_destroy(&model->lock);
  free(model->events);
  free(model);
}

static fovea_status setThreads(fovea_model *model, int32_t threads) {
  enum { mostThreads = 4096 };
  if (!model)
    return fovea_rt_error(FOVEA_ERROR_INVALID_ARGUMENT, "null argument");
  if (threads < 0 || threads > mostThreads)
    return fovea_rt_error(FOVEA_ERROR_INVALID_ARGUMENT,
                          "%d threads: expected 0 to %d", (int)threads,
                          mostThreads);
  __atomic_store_n(&model->threads, threads, __ATOMIC_RELAXED);
  return FOVEA_OK;
}

static const fovea_api api = {
    .version = FOVEA_API_VERSION,
    .size = sizeof(fovea_api),
    .last_error = fovea_rt_last_error,
    .model_name = modelName,
    .build_id = buildId,
    .target_cpu = targetCpu,
    .manifest = manifest,
    .input_count = inputCount,
    .output_count = outputCount,
    .input_info = inputInfo,
    .output_info = outputInfo,
    .kernel_count = kernelCount,
    .kernel_name = kernelName,
    .open = openModel,
    .close = closeModel,
    .set_threads = setThreads,
    .run = fovea_rt_run,
    .free_tensor = fovea_rt_free_tensor,
    .set_profiling = fovea_rt_set_profiling,
    .get_events = fovea_rt_get_events,
    .dtype_size = fovea_rt_dtype_size,
    .dtype_name = fovea_rt_dtype_name,
};

/* Whether a program that knows nothing but tensors can use the model. */
static int hasTensorsOnly(void) {
  for (int32_t i = 0; i < inputCount(); ++i)
    if (inputInfo(i)->kind)
      return 0;
  for (int32_t i = 0; i < outputCount(); ++i)
    if (outputInfo(i)->kind)
      return 0;
  return 1;
}

__attribute__((visibility("default"))) const fovea_api *
fovea_get_api(uint32_t version) {
  int serves =
      version == FOVEA_API_VERSION || (version == 1 && hasTensorsOnly());
  return serves ? &api : NULL;
}
