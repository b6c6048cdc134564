/*===- Error.c - Messages, and the way out of a call that failed -------------===
 *
 * Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
 * See LICENSE for license information.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 *===------------------------------------------------------------------------===
 */
#include "Internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int omp_get_level(void);

enum { messageSize = 1024 };
static _Thread_local char message[messageSize];
_Thread_local fovea_rt_context *fovea_rt_current;

fovea_status fovea_rt_error(fovea_status status, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(message, messageSize, format, arguments);
  va_end(arguments);
  return status;
}

const char *fovea_rt_last_error(void) { return message; }

/* A thread of OpenMP's team does not know whose call it works for, so its
 * failure fails every call that is under way: rather one too many than a wrong
 * result. */
static pthread_mutex_t workerLock = PTHREAD_MUTEX_INITIALIZER;
static char workerMessage[messageSize];
static unsigned workerFailures;

unsigned fovea_rt_worker_failures(void) {
  return __atomic_load_n(&workerFailures, __ATOMIC_ACQUIRE);
}

void fovea_rt_take_worker_message(void) {
  pthread_mutex_lock(&workerLock);
  memcpy(message, workerMessage, messageSize);
  pthread_mutex_unlock(&workerLock);
}

void fovea_rt_fail(fovea_status status, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(message, messageSize, format, arguments);
  va_end(arguments);
  fovea_rt_context *context = fovea_rt_current;
  if (!context) {
    pthread_mutex_lock(&workerLock);
    memcpy(workerMessage, message, messageSize);
    pthread_mutex_unlock(&workerLock);
    __atomic_add_fetch(&workerFailures, 1, __ATOMIC_RELEASE);
    return;
  }
  if (!context->failed)
    context->failed = status;
  /* Leaving a parallel region by a jump is not allowed. */
  if (omp_get_level() == context->parallel_level)
    longjmp(*context->escape, 1);
}

/* Called by generated code where a condition of the model does not hold. */
void fovea_rt_assert_failed(const char *text) {
  fovea_rt_fail(FOVEA_ERROR_MODEL, "%s", text);
}
