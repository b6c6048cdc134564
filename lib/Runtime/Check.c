/*===- Check.c - Element types, and tensors against the signature ------------===
 *
 * Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
 * See LICENSE for license information.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 *===------------------------------------------------------------------------===
 */
#include "Internal.h"

#include <stdio.h>
#include <string.h>

static const struct {
  const char *name;
  size_t size;
} types[] = {
    [FOVEA_FLOAT32] = {"float32", 4},
    [FOVEA_UINT8] = {"uint8", 1},
    [FOVEA_INT8] = {"int8", 1},
    [FOVEA_UINT16] = {"uint16", 2},
    [FOVEA_INT16] = {"int16", 2},
    [FOVEA_INT32] = {"int32", 4},
    [FOVEA_INT64] = {"int64", 8},
    [FOVEA_BOOL] = {"bool", 1},
    [FOVEA_FLOAT16] = {"float16", 2},
    [FOVEA_FLOAT64] = {"float64", 8},
    [FOVEA_UINT32] = {"uint32", 4},
    [FOVEA_UINT64] = {"uint64", 8},
    [FOVEA_BFLOAT16] = {"bfloat16", 2},
    [FOVEA_FLOAT8E4M3FN] = {"float8e4m3fn", 1},
    [FOVEA_FLOAT8E4M3FNUZ] = {"float8e4m3fnuz", 1},
    [FOVEA_FLOAT8E5M2] = {"float8e5m2", 1},
    [FOVEA_FLOAT8E5M2FNUZ] = {"float8e5m2fnuz", 1},
    [FOVEA_FLOAT8E8M0] = {"float8e8m0", 1},
    [FOVEA_FLOAT6E2M3] = {"float6e2m3", 1},
    [FOVEA_FLOAT6E3M2] = {"float6e3m2", 1},
    [FOVEA_FLOAT4E2M1] = {"float4e2m1", 1},
    [FOVEA_UINT4] = {"uint4", 1},
    [FOVEA_INT4] = {"int4", 1},
    [FOVEA_UINT2] = {"uint2", 1},
    [FOVEA_INT2] = {"int2", 1},
};

size_t fovea_rt_dtype_size(int32_t dtype) {
  if (dtype < 0 || (size_t)dtype >= sizeof types / sizeof *types)
    return 0;
  return types[dtype].size;
}

const char *fovea_rt_dtype_name(int32_t dtype) {
  if (dtype == FOVEA_SEQUENCE || dtype == FOVEA_ABSENT)
    return dtype == FOVEA_ABSENT ? "absent" : "sequence";
  return fovea_rt_dtype_size(dtype) ? types[dtype].name : "unknown";
}

int64_t fovea_rt_byte_size(int32_t dtype, int32_t rank, const int64_t *shape) {
  int64_t bytes = (int64_t)fovea_rt_dtype_size(dtype);
  /* An empty tensor is small whatever its other sizes are. */
  for (int32_t i = 0; i < rank; ++i)
    if (shape[i] == 0)
      return 0;
  for (int32_t i = 0; i < rank; ++i)
    if (__builtin_mul_overflow(bytes, shape[i], &bytes))
      return -1;
  return bytes;
}

enum { textSize = 256 };

/* "[1, 3, seq]"; sizes that may vary by their name or as "?". */
static const char *shapeText(char *text, int32_t rank, const int64_t *shape,
                             const char *const *symbols) {
  size_t used = (size_t)snprintf(text, textSize, "[");
  for (int32_t i = 0; i < rank && used < textSize; ++i) {
    const char *comma = i ? ", " : "";
    const char *symbol = symbols && *symbols[i] ? symbols[i] : "?";
    int n = shape[i] >= 0 || !symbols
                ? snprintf(text + used, textSize - used, "%s%lld", comma,
                           (long long)shape[i])
                : snprintf(text + used, textSize - used, "%s%s", comma, symbol);
    used += (size_t)n;
  }
  if (used < textSize)
    snprintf(text + used, textSize - used, "]");
  return text;
}

/* "input 'x'", or "input 'x', element 3" of a sequence. */
static const char *place(char *text, const fovea_tensor_info *info,
                         int64_t element) {
  if (element < 0)
    snprintf(text, textSize, "input '%s'", info->name);
  else
    snprintf(text, textSize, "input '%s', element %lld", info->name,
             (long long)element);
  return text;
}

static fovea_status checkShape(const fovea_tensor_info *info,
                               const fovea_tensor *tensor, int64_t element) {
  char where[textSize], want[textSize], got[textSize];
  int fits = info->rank == tensor->rank || info->rank < 0;
  for (int32_t i = 0; fits && i < tensor->rank; ++i)
    fits = tensor->shape[i] >= 0 && (info->rank < 0 || info->dims[i] < 0 ||
                                     info->dims[i] == tensor->shape[i]);
  if (fits)
    return FOVEA_OK;
  shapeText(got, tensor->rank, tensor->shape, NULL);
  if (info->rank < 0)
    return fovea_rt_error(FOVEA_ERROR_SHAPE, "%s: the shape %s is negative",
                          place(where, info, element), got);
  return fovea_rt_error(FOVEA_ERROR_SHAPE, "%s: expected shape %s, got %s",
                        place(where, info, element),
                        shapeText(want, info->rank, info->dims, info->symbols),
                        got);
}

static fovea_status checkTensor(const fovea_tensor_info *info,
                                const fovea_tensor *tensor, int64_t element) {
  char where[textSize];
  if (tensor->dtype != info->dtype)
    return fovea_rt_error(FOVEA_ERROR_DTYPE, "%s: expected %s, got %s",
                          place(where, info, element),
                          fovea_rt_dtype_name(info->dtype),
                          fovea_rt_dtype_name(tensor->dtype));
  if (tensor->rank < 0 || tensor->rank > FOVEA_MAX_RANK)
    return fovea_rt_error(FOVEA_ERROR_SHAPE, "%s: rank %d is out of range",
                          place(where, info, element), (int)tensor->rank);
  fovea_status status = checkShape(info, tensor, element);
  if (status != FOVEA_OK)
    return status;
  int64_t bytes =
      fovea_rt_byte_size(tensor->dtype, tensor->rank, tensor->shape);
  if (bytes < 0)
    return fovea_rt_error(FOVEA_ERROR_SHAPE, "%s: too many elements",
                          place(where, info, element));
  if (bytes && !tensor->data)
    return fovea_rt_error(FOVEA_ERROR_INVALID_ARGUMENT, "%s: no data",
                          place(where, info, element));
  if ((uintptr_t)tensor->data % fovea_rt_dtype_size(tensor->dtype))
    return fovea_rt_error(FOVEA_ERROR_INVALID_ARGUMENT,
                          "%s: data is not aligned to its elements",
                          place(where, info, element));
  return FOVEA_OK;
}

static fovea_status checkSequence(const fovea_tensor_info *info,
                                  const fovea_tensor *list) {
  if (list->dtype != FOVEA_SEQUENCE)
    return fovea_rt_error(FOVEA_ERROR_DTYPE,
                          "input '%s': expected a sequence, got %s", info->name,
                          fovea_rt_dtype_name(list->dtype));
  if (list->rank != 1 || list->shape[0] < 0)
    return fovea_rt_error(FOVEA_ERROR_SHAPE,
                          "input '%s': a sequence has rank 1, and its length "
                          "in shape[0]",
                          info->name);
  if (list->shape[0] && !list->data)
    return fovea_rt_error(FOVEA_ERROR_INVALID_ARGUMENT, "input '%s': no data",
                          info->name);
  const fovea_tensor *elements = list->data;
  fovea_status status = FOVEA_OK;
  for (int64_t i = 0; status == FOVEA_OK && i < list->shape[0]; ++i)
    status = checkTensor(info, &elements[i], i);
  return status;
}

static fovea_status checkInput(const fovea_tensor_info *info,
                               const fovea_tensor *input) {
  if (info->kind & FOVEA_KIND_OPTIONAL && input->dtype == FOVEA_ABSENT)
    return FOVEA_OK;
  return info->kind & FOVEA_KIND_SEQUENCE ? checkSequence(info, input)
                                          : checkTensor(info, input, -1);
}

/* Looks for an earlier dimension of the same name with another size. */
static fovea_status checkSymbol(const fovea_tensor *inputs, int32_t input,
                                int32_t dim) {
  const fovea_tensor_info *infos = fovea_rt_this_model.inputs;
  const char *symbol = infos[input].symbols[dim];
  int64_t size = inputs[input].shape[dim];
  if (infos[input].dims[dim] >= 0 || !*symbol)
    return FOVEA_OK;
  for (int32_t i = 0; i <= input; ++i)
    for (int32_t d = 0; d < (i == input ? dim : infos[i].rank); ++d) {
      if (infos[i].kind || infos[i].dims[d] >= 0 ||
          strcmp(infos[i].symbols[d], symbol) != 0)
        continue;
      if (inputs[i].shape[d] == size)
        return FOVEA_OK;
      return fovea_rt_error(
          FOVEA_ERROR_SHAPE,
          "input '%s': dimension %d ('%s') is %lld, but it is %lld in input "
          "'%s'",
          infos[input].name, (int)dim, symbol, (long long)size,
          (long long)inputs[i].shape[d], infos[i].name);
    }
  return FOVEA_OK;
}

fovea_status fovea_rt_check_inputs(const fovea_tensor *inputs, int32_t count) {
  const fovea_rt_model *model = &fovea_rt_this_model;
  if (count != model->input_count)
    return fovea_rt_error(FOVEA_ERROR_INVALID_ARGUMENT,
                          "expected %d inputs, got %d", (int)model->input_count,
                          (int)count);
  for (int32_t i = 0; i < count; ++i) {
    fovea_status status = checkInput(&model->inputs[i], &inputs[i]);
    int32_t rank = model->inputs[i].kind ? 0 : model->inputs[i].rank;
    for (int32_t d = 0; status == FOVEA_OK && d < rank; ++d)
      status = checkSymbol(inputs, i, d);
    if (status != FOVEA_OK)
      return status;
  }
  return FOVEA_OK;
}
