/*===- lists.c - A program that passes sequences and optionals ---------------===
 *
 * Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
 * See LICENSE for license information.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 *===------------------------------------------------------------------------===
 */
#include "lists.h"

#include "check.h"

#include <stdio.h>
#include <string.h>

static fovea_model *model;
static float values[8] = {1, 2, 3, 4, 5, 6, 7, 8};
static int64_t whole[6] = {1, 2, 3, 4, 5, 6};

static fovea_tensor pairs(int64_t n) {
  fovea_tensor t = {.data = values, .dtype = FOVEA_FLOAT32, .rank = 2};
  t.shape[0] = n;
  t.shape[1] = 2;
  return t;
}

static fovea_tensor list(fovea_tensor *elements, int64_t n) {
  fovea_tensor t = {.data = elements, .dtype = FOVEA_SEQUENCE, .rank = 1};
  t.shape[0] = n;
  return t;
}

static void testSignature(void) {
  const fovea_tensor_info *info = api->input_info(0);
  CHECK(api->input_count() == 3 && api->output_count() == 3);
  CHECK(info->kind == FOVEA_KIND_SEQUENCE && info->rank == 2);
  CHECK(info->dims[0] == -1 && info->dims[1] == 2);
  CHECK(api->input_info(1)->kind == FOVEA_KIND_OPTIONAL_SEQUENCE);
  CHECK(api->input_info(1)->rank == -1);
  CHECK(api->output_info(2)->kind == FOVEA_KIND_OPTIONAL);
  CHECK(!fovea_get_api_lists(1));
  puts("signature ok");
}

/* Elements of different sizes, one of them empty. */
static void testRun(void) {
  fovea_tensor elements[] = {pairs(3), pairs(0), pairs(1)};
  fovea_tensor any[2] = {{.data = whole, .dtype = FOVEA_INT64, .rank = 0},
                         {.data = whole, .dtype = FOVEA_INT64, .rank = 3}};
  any[1].shape[0] = 2;
  any[1].shape[1] = 1;
  any[1].shape[2] = 3;
  fovea_tensor inputs[] = {list(elements, 3), list(any, 2), {0}}, outputs[3];
  memset(outputs, 0, sizeof outputs);
  CHECK(api->run(model, inputs, 3, outputs, 3) == FOVEA_OK);
  CHECK(outputs[0].dtype == FOVEA_SEQUENCE && outputs[0].shape[0] == 3);
  const fovea_tensor *y = outputs[0].data;
  CHECK(y[0].rank == 2 && y[0].shape[0] == 3 && y[0].shape[1] == 2);
  CHECK(((float *)y[0].data)[5] == 12 && y[1].shape[0] == 0);
  CHECK(y[2].shape[0] == 1 && ((float *)y[2].data)[1] == 4);
  const fovea_tensor *same = outputs[1].data;
  CHECK(outputs[1].shape[0] == 2 && same[0].rank == 0 && same[1].rank == 3);
  CHECK(((int64_t *)same[1].data)[5] == 6 && same[1].dtype == FOVEA_INT64);
  CHECK(outputs[2].dtype == FOVEA_ABSENT && !outputs[2].owner);
  for (int i = 0; i < 3; ++i)
    api->free_tensor(&outputs[i]);
  CHECK(!outputs[0].data && !outputs[0].owner);
  puts("elements of different sizes ok");
}

static void testEmptyAndAbsent(void) {
  fovea_tensor bias = {.data = values, .dtype = FOVEA_FLOAT32, .rank = 1};
  bias.shape[0] = 4;
  fovea_tensor inputs[] = {list(NULL, 0), {0}, bias}, outputs[3];
  memset(outputs, 0, sizeof outputs);
  CHECK(api->run(model, inputs, 3, outputs, 3) == FOVEA_OK);
  CHECK(outputs[0].dtype == FOVEA_SEQUENCE && outputs[0].shape[0] == 0);
  CHECK(outputs[1].dtype == FOVEA_ABSENT);
  CHECK(outputs[2].dtype == FOVEA_FLOAT32 && outputs[2].shape[0] == 4);
  CHECK(((float *)outputs[2].data)[3] == 4);
  api->free_tensor(&outputs[0]);
  api->free_tensor(&outputs[2]);
  inputs[1] = list(NULL, 0);
  memset(outputs, 0, sizeof outputs);
  CHECK(api->run(model, inputs, 3, outputs, 3) == FOVEA_OK);
  CHECK(outputs[1].dtype == FOVEA_SEQUENCE && outputs[1].shape[0] == 0);
  for (int i = 0; i < 3; ++i)
    api->free_tensor(&outputs[i]);
  puts("empty and absent ok");
}

/* Runs with these inputs, which must not work. */
static void fails(const char *what, fovea_status status, fovea_tensor first,
                  fovea_tensor second, fovea_tensor third) {
  fovea_tensor inputs[] = {first, second, third}, outputs[3];
  memset(outputs, 0, sizeof outputs);
  CHECK(api->run(model, inputs, 3, outputs, 3) == status);
  printf("%s: %s\n", what, api->last_error());
}

static void testErrors(void) {
  fovea_tensor none = {0}, elements[] = {pairs(1), pairs(2)};
  fovea_tensor good = list(elements, 2), bad = good;
  fails("tensor", FOVEA_ERROR_DTYPE, pairs(1), none, none);
  fails("absent", FOVEA_ERROR_DTYPE, none, none, none);
  bad.rank = 2;
  fails("list rank", FOVEA_ERROR_SHAPE, bad, none, none);
  bad = good;
  bad.shape[0] = -1;
  fails("list length", FOVEA_ERROR_SHAPE, bad, none, none);
  fails("list data", FOVEA_ERROR_INVALID_ARGUMENT, list(NULL, 2), none, none);
  fails("sequence", FOVEA_ERROR_DTYPE, good, none, good);
  fails("optional dtype", FOVEA_ERROR_DTYPE, good, good, none);
  elements[1].dtype = FOVEA_INT64;
  fails("dtype", FOVEA_ERROR_DTYPE, good, none, none);
  elements[1] = pairs(2);
  elements[1].shape[1] = 3;
  fails("shape", FOVEA_ERROR_SHAPE, good, none, none);
  elements[1].rank = 1;
  fails("rank", FOVEA_ERROR_SHAPE, good, none, none);
  elements[1] = list(elements, 1);
  fails("nested", FOVEA_ERROR_DTYPE, good, none, none);
  elements[1] = pairs(2);
  fovea_tensor inputs[] = {good, none, none};
  fovea_tensor outputs[3] = {pairs(1), none, none};
  CHECK(api->run(model, inputs, 3, outputs, 3) == FOVEA_ERROR_INVALID_ARGUMENT);
  printf("provided: %s\n", api->last_error());
}

int main(void) {
  api = fovea_get_api_lists(FOVEA_API_VERSION);
  if (!api)
    return 1;
  CHECK(api->open(&model) == FOVEA_OK);
  testSignature();
  testRun();
  testEmptyAndAbsent();
  testErrors();
  api->close(model);
}
