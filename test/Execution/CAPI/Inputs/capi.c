/*===- capi.c - A program that uses the C interface --------------------------===
 *
 * Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
 * See LICENSE for license information.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 *===------------------------------------------------------------------------===
 *
 * Every function of the interface, used rightly and wrongly.
 */
#include "linear.h"
#include "negate.h"

#include "check.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

enum { rows = 2, in = 8, out = 16, extra = 32 };
static fovea_model *model;
static float x[8 * in], b[8 * out];

static fovea_tensor tensor(void *data, int64_t n, int64_t m) {
  fovea_tensor t = {.data = data, .dtype = FOVEA_FLOAT32, .rank = 2};
  t.shape[0] = n;
  t.shape[1] = m;
  return t;
}

static float expected(int i) {
  float sum = 0;
  for (int k = 0; k < in; ++k)
    sum += 0.5f * x[i / out * in + k];
  return sum + b[i];
}

static int isRight(const float *y) {
  for (int i = 0; i < rows * out; ++i)
    if (y[i] - expected(i) > 1e-5f || expected(i) - y[i] > 1e-5f)
      return 0;
  return 1;
}

static void testSignature(void) {
  CHECK(api->version == FOVEA_API_VERSION && api->size >= sizeof(fovea_api));
  CHECK(fovea_get_api_tiny_linear(1) && !fovea_get_api_tiny_linear(99));
  CHECK(!strcmp(api->model_name(), "tiny linear"));
  CHECK(strlen(api->build_id()) == 32 && strlen(api->target_cpu()) > 0);
  CHECK(strstr(api->manifest(), api->build_id()) != NULL);
  CHECK(api->input_count() == 2 && api->output_count() == 2);
  CHECK(tiny_linear_input_count == 2 && tiny_linear_output_count == 2);
  const fovea_tensor_info *info = api->input_info(0);
  CHECK(!strcmp(info->name, "x") && info->dtype == FOVEA_FLOAT32);
  CHECK(info->rank == 2 && info->dims[0] == -1 && info->dims[1] == in);
  CHECK(!strcmp(info->symbols[0], "batch") && !strcmp(info->symbols[1], ""));
  CHECK(!strcmp(api->output_info(1)->name, "c"));
  CHECK(!api->input_info(2) && !api->input_info(-1) && !api->output_info(9));
  CHECK(api->kernel_count() >= 1 && api->kernel_name(0));
  CHECK(!api->kernel_name(-1));
  CHECK(api->dtype_size(FOVEA_BFLOAT16) == 2 && api->dtype_size(99) == 0);
  CHECK(!strcmp(api->dtype_name(FOVEA_BOOL), "bool"));
  puts("signature ok");
}

static void testRun(void) {
  fovea_tensor inputs[] = {tensor(x, rows, in), tensor(b, rows, out)};
  fovea_tensor outputs[2];
  memset(outputs, 0, sizeof outputs);
  CHECK(api->run(model, inputs, 2, outputs, 2) == FOVEA_OK);
  CHECK(outputs[0].rank == 2 && outputs[0].shape[0] == rows);
  CHECK(outputs[0].dtype == FOVEA_FLOAT32 && isRight(outputs[0].data));
  CHECK(((float *)outputs[1].data)[31] == 31);
  api->free_tensor(&outputs[0]);
  api->free_tensor(&outputs[1]);
  CHECK(!outputs[0].data && !outputs[0].owner);
  api->free_tensor(&outputs[0]);
  api->free_tensor(NULL);
  puts("run ok");
  float y[rows * out], c[extra];
  outputs[0] = tensor(y, rows, out);
  outputs[1] = tensor(c, extra, 0);
  outputs[1].rank = 1;
  CHECK(api->run(model, inputs, 2, outputs, 2) == FOVEA_OK);
  CHECK(isRight(y) && c[7] == 7 && outputs[0].data == y && !outputs[0].owner);
  api->free_tensor(&outputs[0]);
  CHECK(outputs[0].data == y);
  puts("caller's memory ok");
}

/* Runs with these inputs, which must not work. */
static void fails(const char *what, fovea_status status, fovea_tensor first,
                  fovea_tensor second, int count) {
  fovea_tensor inputs[] = {first, second}, outputs[2];
  memset(outputs, 0, sizeof outputs);
  CHECK(api->run(model, inputs, count, outputs, 2) == status);
  CHECK(!outputs[0].owner && !outputs[1].owner);
  printf("%s: %s\n", what, api->last_error());
}

static void testErrors(void) {
  fovea_tensor good = tensor(x, rows, in), good2 = tensor(b, rows, out), bad;
  fails("count", FOVEA_ERROR_INVALID_ARGUMENT, good, good2, 1);
  CHECK(api->run(NULL, &good, 2, &good2, 2) == FOVEA_ERROR_INVALID_ARGUMENT);
  printf("null: %s\n", api->last_error());
  bad = good;
  bad.dtype = FOVEA_FLOAT64;
  fails("dtype", FOVEA_ERROR_DTYPE, bad, good2, 2);
  bad = good;
  bad.rank = 1;
  fails("rank", FOVEA_ERROR_SHAPE, bad, good2, 2);
  bad.rank = 99;
  fails("absurd rank", FOVEA_ERROR_SHAPE, bad, good2, 2);
  fails("shape", FOVEA_ERROR_SHAPE, good, tensor(b, rows, out - 1), 2);
  fails("negative", FOVEA_ERROR_SHAPE, tensor(x, -rows, in), good2, 2);
  fails("huge", FOVEA_ERROR_SHAPE, tensor(x, INT64_MAX / 4, in), good2, 2);
  fails("symbol", FOVEA_ERROR_SHAPE, good, tensor(b, rows + 1, out), 2);
  fails("no data", FOVEA_ERROR_INVALID_ARGUMENT, tensor(NULL, rows, in), good2,
        2);
  fails("misaligned", FOVEA_ERROR_INVALID_ARGUMENT,
        tensor((char *)x + 1, rows, in), good2, 2);
  fovea_tensor inputs[] = {good, good2}, outputs[2];
  memset(outputs, 0, sizeof outputs);
  float y[rows * out];
  outputs[0] = tensor(y, rows, out - 1);
  CHECK(api->run(model, inputs, 2, outputs, 2) == FOVEA_ERROR_SHAPE);
  printf("output shape: %s\n", api->last_error());
  outputs[0] = tensor(y, rows, out);
  outputs[0].dtype = FOVEA_INT8;
  CHECK(api->run(model, inputs, 2, outputs, 2) == FOVEA_ERROR_DTYPE);
  printf("output type: %s\n", api->last_error());
  fails("model", FOVEA_ERROR_MODEL, tensor(x, 5, in), tensor(b, 5, out), 2);
  CHECK(api->set_threads(model, -1) == FOVEA_ERROR_INVALID_ARGUMENT);
  printf("threads: %s\n", api->last_error());
}

static void testEmpty(void) {
  fovea_tensor inputs[] = {tensor(NULL, 0, in), tensor(NULL, 0, out)};
  fovea_tensor outputs[2];
  memset(outputs, 0, sizeof outputs);
  CHECK(api->run(model, inputs, 2, outputs, 2) == FOVEA_OK);
  CHECK(outputs[0].rank == 2 && outputs[0].shape[0] == 0);
  api->free_tensor(&outputs[0]);
  api->free_tensor(&outputs[1]);
  puts("empty batch ok");
}

/* Right and wrong calls at once, from many threads. */
static void *worker(void *argument) {
  int isWrong = *(int *)argument;
  for (int i = 0; i < 200; ++i) {
    int64_t n = isWrong ? 5 : rows;
    fovea_tensor inputs[] = {tensor(x, n, in), tensor(b, n, out)}, outputs[2];
    memset(outputs, 0, sizeof outputs);
    fovea_status status = api->run(model, inputs, 2, outputs, 2);
    CHECK(status == (isWrong ? FOVEA_ERROR_MODEL : FOVEA_OK));
    CHECK(isWrong || isRight(outputs[0].data));
    CHECK(!isWrong || !strcmp(api->last_error(), "more than 4 rows"));
    api->free_tensor(&outputs[0]);
    api->free_tensor(&outputs[1]);
  }
  return NULL;
}

static void testThreads(void) {
  enum { count = 8 };
  pthread_t threads[count];
  int isWrong[count];
  CHECK(api->set_threads(model, 2) == FOVEA_OK);
  for (int i = 0; i < count; ++i) {
    isWrong[i] = i % 2;
    CHECK(!pthread_create(&threads[i], NULL, worker, &isWrong[i]));
  }
  for (int i = 0; i < count; ++i)
    pthread_join(threads[i], NULL);
  puts("threads ok");
}

static void testProfile(void) {
  int isWrong = 0;
  fovea_event event;
  CHECK(api->set_profiling(model, 1) == FOVEA_OK);
  worker(&isWrong);
  CHECK(api->set_profiling(model, 0) == FOVEA_OK);
  CHECK(api->get_events(model, NULL, 0) >= 200);
  CHECK(api->get_events(model, &event, 1) >= 200);
  CHECK(event.kernel == 0 && event.end_ns >= event.begin_ns);
  puts("profile ok");
}

static void testSecondModel(void) {
  api = fovea_get_api_negate(FOVEA_API_VERSION);
  fovea_model *negate;
  CHECK(api->open(&negate) == FOVEA_OK);
  uint8_t data[4] = {0, 1, 2, 255};
  fovea_tensor input = {.data = data, .dtype = FOVEA_UINT8, .rank = 1};
  input.shape[0] = 4;
  fovea_tensor output = {0};
  CHECK(api->run(negate, &input, 1, &output, 1) == FOVEA_OK);
  const uint8_t *y = output.data;
  CHECK(y[0] == 255 && y[1] == 254 && y[3] == 0 && data[0] == 0);
  CHECK(output.dtype == FOVEA_UINT8);
  api->close(negate);
  CHECK(y[0] == 255); /* A tensor outlives its model. */
  api->free_tensor(&output);
  api->close(NULL);
  puts("second model ok");
}

int main(int argc, char **argv) {
  (void)argc;
  for (int i = 0; i < 8 * in; ++i)
    x[i] = (float)(i % 7) - 3;
  for (int i = 0; i < 8 * out; ++i)
    b[i] = (float)(i % 5);
  void *library = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
  fovea_get_api_fn *get =
      library ? (fovea_get_api_fn *)dlsym(library, "fovea_get_api") : NULL;
  if (!get || get(FOVEA_API_VERSION + 1))
    return 1;
  api = get(FOVEA_API_VERSION);
  if (api != fovea_get_api_tiny_linear(FOVEA_API_VERSION))
    return 2;
  testSignature();
  CHECK(api->open(NULL) == FOVEA_ERROR_INVALID_ARGUMENT);
  CHECK(api->open(&model) == FOVEA_OK);
  testRun();
  testErrors();
  testEmpty();
  testThreads();
  testProfile();
  api->close(model);
  testSecondModel();
  return 0;
}
