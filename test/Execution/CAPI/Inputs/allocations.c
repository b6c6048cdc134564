/*===- allocations.c - Each allocation of a call fails once -------------------===
 *
 * Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
 * See LICENSE for license information.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 *===------------------------------------------------------------------------===
 */
#define _POSIX_C_SOURCE 200112L
#include "fovea/Runtime/fovea.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { columns = 1000 };

static int count, failing;
static float x[4 * columns];

/* Ahead of the C library's, which the model's runtime would call. */
void *aligned_alloc(size_t alignment, size_t bytes) {
  void *data = NULL;
  if (__atomic_add_fetch(&count, 1, __ATOMIC_RELAXED) == failing ||
      posix_memalign(&data, alignment, bytes) != 0)
    return NULL;
  return data;
}

static fovea_status run(const fovea_api *api, fovea_model *model, int isRight) {
  fovea_tensor input, output;
  memset(&input, 0, sizeof input);
  memset(&output, 0, sizeof output);
  input.data = x;
  input.dtype = FOVEA_FLOAT32;
  input.rank = 2;
  input.shape[0] = 4;
  input.shape[1] = columns;
  count = 0;
  fovea_status status = api->run(model, &input, 1, &output, 1);
  if (status != FOVEA_OK)
    return status;
  const float *y = output.data;
  for (int i = 0; i < 4 * columns; ++i)
    isRight &= y[i] > 0.00099f && y[i] < 0.00101f;
  api->free_tensor(&output);
  return isRight ? FOVEA_OK : FOVEA_ERROR_MODEL;
}

int main(void) {
  const fovea_api *api = fovea_get_api(FOVEA_API_VERSION);
  fovea_model *model;
  if (!api || api->open(&model) != FOVEA_OK)
    return 1;
  int threads, wrong = 0, calls = 0;
  for (threads = 1; threads <= 2; ++threads) {
    api->set_threads(model, threads);
    failing = 0;
    wrong += run(api, model, 1) != FOVEA_OK;
    int allocations = count;
    for (failing = 1; failing <= allocations; ++failing, ++calls) {
      fovea_status status = run(api, model, 1);
      wrong +=
          status == FOVEA_OK || !strstr(api->last_error(), "out of memory");
    }
    failing = 0;
    wrong += run(api, model, 1) != FOVEA_OK;
  }
  printf("more than two calls failed: %s\n", calls > 2 ? "yes" : "no");
  printf("wrong: %d\n", wrong);
  api->close(model);
  return 0;
}
