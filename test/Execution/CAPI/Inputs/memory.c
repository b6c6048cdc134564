/*===- memory.c - Calls that run out of memory -------------------------------===
 *
 * Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
 * See LICENSE for license information.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 *===------------------------------------------------------------------------===
 */
#include "fovea/Runtime/fovea.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static const fovea_api *api;
static float a[4096 * 8];

/* Lets the process have so many MiB more than it has; all for -1. */
static void allow(long mebibytes) {
  struct rlimit limit;
  getrlimit(RLIMIT_AS, &limit);
  long pages = 0;
  FILE *file = fopen("/proc/self/statm", "r");
  if (!file || fscanf(file, "%ld", &pages) != 1)
    exit(1);
  fclose(file);
  limit.rlim_cur = limit.rlim_max;
  if (mebibytes >= 0)
    limit.rlim_cur =
        (rlim_t)(pages * sysconf(_SC_PAGESIZE)) + ((rlim_t)mebibytes << 20);
  setrlimit(RLIMIT_AS, &limit);
}

static void run(fovea_model *model, const char *what, int64_t n, int64_t m) {
  int64_t sizes[2] = {n, m};
  fovea_tensor inputs[2], outputs[2];
  memset(inputs, 0, sizeof inputs);
  memset(outputs, 0, sizeof outputs);
  inputs[0].data = a;
  inputs[0].dtype = FOVEA_FLOAT32;
  inputs[0].rank = 2;
  inputs[0].shape[0] = 4096;
  inputs[0].shape[1] = 8;
  inputs[1].data = sizes;
  inputs[1].dtype = FOVEA_INT64;
  inputs[1].rank = 1;
  inputs[1].shape[0] = 2;
  if (api->run(model, inputs, 2, outputs, 2) != FOVEA_OK) {
    printf("%s: %s\n", what, api->last_error());
    return;
  }
  const float *y = outputs[0].data, *z = outputs[1].data;
  int isRight = y[0] == 4096.0f && y[4096 * 8 - 1] == 4096.0f;
  for (int64_t i = 0; i < n * m; ++i)
    isRight &= z[i] == 1.0f;
  printf("%s %s\n", what, isRight ? "ok" : "wrong");
  api->free_tensor(&outputs[0]);
  api->free_tensor(&outputs[1]);
}

int main(void) {
  for (int i = 0; i < 4096 * 8; ++i)
    a[i] = 1.0f;
  api = fovea_get_api(FOVEA_API_VERSION);
  fovea_model *model, *fresh;
  if (!api || api->open(&model) != FOVEA_OK || api->open(&fresh) != FOVEA_OK)
    return 1;
  /* Threads are not what is to fail here. */
  api->set_threads(model, 1);
  api->set_threads(fresh, 1);
  run(model, "small", 3, 5);
  allow(256);
  run(model, "output", 1 << 14, 1 << 14);
  run(model, "wrapped", (int64_t)1 << 62, 4);
  run(model, "negative", -1, 4);
  allow(16);
  run(fresh, "arena", 3, 5);
  allow(-1);
  run(fresh, "again", 3, 5);
  api->close(fresh);
  api->close(model);
  return 0;
}
