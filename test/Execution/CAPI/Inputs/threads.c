/*===- threads.c - One model, run by several threads at once -----------------===
 *
 * Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
 * See LICENSE for license information.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 *===------------------------------------------------------------------------===
 *
 * Linked with the objects of the model and the sources of the runtime, all
 * instrumented by ThreadSanitizer: right and wrong calls, outputs of the caller
 * and of the library, profiling, other handles opened and closed meanwhile.
 */
#include "fovea/Runtime/fovea.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { rows = 2, in = 8, out = 16, extra = 32, workers = 6, calls = 100 };
static const fovea_api *api;
static fovea_model *shared;
static int most;

static void check(int holds, const char *what) {
  if (holds)
    return;
  printf("%s: %s\n", what, api->last_error());
  exit(1);
}

static fovea_tensor tensor(float *data, int64_t n, int64_t m) {
  fovea_tensor t = {.data = data, .dtype = FOVEA_FLOAT32, .rank = 2};
  t.shape[0] = n;
  t.shape[1] = m;
  return t;
}

/* y = x * w + b with every weight 0.5, for at most 4 rows. */
static void callOnce(fovea_model *model, int seed) {
  float x[8 * in], b[8 * out], y[rows * out];
  for (int i = 0; i < 8 * in; ++i)
    x[i] = (float)seed;
  for (int i = 0; i < 8 * out; ++i)
    b[i] = (float)i;
  int isWrong = seed % 5 == 4, isProvided = seed % 2;
  int64_t n = isWrong ? 5 : rows;
  fovea_tensor inputs[] = {tensor(x, n, in), tensor(b, n, out)}, outputs[2];
  memset(outputs, 0, sizeof outputs);
  if (isProvided && !isWrong)
    outputs[0] = tensor(y, rows, out);
  fovea_status status = api->run(model, inputs, 2, outputs, 2);
  check(status == (isWrong ? FOVEA_ERROR_MODEL : FOVEA_OK), "status");
  if (isWrong) {
    check(!strcmp(api->last_error(), "more than 4 rows"), "message");
    return;
  }
  const float *result = outputs[0].data;
  for (int i = 0; i < rows * out; ++i)
    check(result[i] == 0.5f * in * (float)seed + (float)i, "result");
  api->free_tensor(&outputs[0]);
  api->free_tensor(&outputs[1]);
}

static void *work(void *argument) {
  int id = (int)(intptr_t)argument;
  for (int i = 0; i < calls; ++i) {
    callOnce(shared, id + i);
    fovea_model *own;
    check(api->open(&own) == FOVEA_OK, "open");
    check(api->set_threads(own, 1) == FOVEA_OK, "set_threads");
    callOnce(own, id);
    api->close(own);
    fovea_event event;
    if (id == 1)
      check(api->set_threads(shared, 1 + i % most) == FOVEA_OK, "set_threads");
    if (id == 0)
      check(api->set_profiling(shared, i % 2) == FOVEA_OK, "set_profiling");
    check(api->get_events(shared, &event, 1) >= 0, "get_events");
  }
  return NULL;
}

int main(int argc, char **argv) {
  api = fovea_get_api(FOVEA_API_VERSION);
  check(api && api->open(&shared) == FOVEA_OK, "open");
  most = argc > 1 ? atoi(argv[1]) : 1;
  check(api->set_threads(shared, most) == FOVEA_OK, "set_threads");
  pthread_t threads[workers];
  for (int i = 0; i < workers; ++i)
    check(!pthread_create(&threads[i], NULL, work, (void *)(intptr_t)i),
          "pthread_create");
  for (int i = 0; i < workers; ++i)
    pthread_join(threads[i], NULL);
  api->close(shared);
  puts("threads ok");
  return 0;
}
