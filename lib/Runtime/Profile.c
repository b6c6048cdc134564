/*===- Profile.c - When each kernel ran --------------------------------------===
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
#include <time.h>

static int64_t now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* Generated code calls these two around each kernel. */
int64_t fovea_rt_kernel_begin(int32_t kernel) {
  (void)kernel;
  fovea_rt_context *context = fovea_rt_current;
  /* No lock around each kernel: a call may see a change one kernel late. */
  if (!context ||
      !__atomic_load_n(&context->model->profiling, __ATOMIC_RELAXED))
    return 0;
  return now();
}

void fovea_rt_kernel_end(int32_t kernel, int64_t begin) {
  if (!begin)
    return;
  fovea_model *model = fovea_rt_current->model;
  fovea_event event = {kernel, fovea_rt_current->run, begin, now()};
  pthread_mutex_lock(&model->lock);
  if (model->event_count == model->event_capacity) {
    int64_t capacity = model->event_capacity * 2 + 1024;
    fovea_event *events =
        realloc(model->events, (size_t)capacity * sizeof *events);
    if (events) {
      model->events = events;
      model->event_capacity = capacity;
    }
  }
  /* Without memory for it, an event is lost. */
  if (model->event_count < model->event_capacity)
    model->events[model->event_count++] = event;
  pthread_mutex_unlock(&model->lock);
}

fovea_status fovea_rt_set_profiling(fovea_model *model, int32_t on) {
  if (!model)
    return fovea_rt_error(FOVEA_ERROR_INVALID_ARGUMENT, "null argument");
  pthread_mutex_lock(&model->lock);
  __atomic_store_n(&model->profiling, on, __ATOMIC_RELAXED);
  if (on)
    model->event_count = 0;
  pthread_mutex_unlock(&model->lock);
  return FOVEA_OK;
}

int64_t fovea_rt_get_events(fovea_model *model, fovea_event *events,
                            int64_t capacity) {
  if (!model)
    return 0;
  pthread_mutex_lock(&model->lock);
  int64_t count = model->event_count;
  if (events && capacity > 0)
    memcpy(events, model->events,
           (size_t)(count < capacity ? count : capacity) * sizeof *events);
  pthread_mutex_unlock(&model->lock);
  return count;
}
