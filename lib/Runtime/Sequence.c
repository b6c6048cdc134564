/*===- Sequence.c - Sequences and optionals across the border ----------------===
 *
 * Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
 * See LICENSE for license information.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 *===------------------------------------------------------------------------===
 */
#include "Internal.h"

#include <string.h>

int32_t fovea_rt_part_count(const fovea_tensor_info *info) {
  return 1 + !!(info->kind & FOVEA_KIND_SEQUENCE) +
         !!(info->kind & FOVEA_KIND_OPTIONAL);
}

size_t fovea_rt_info_words(const fovea_tensor_info *info) {
  size_t words = info->kind & FOVEA_KIND_SEQUENCE
                     ? fovea_rt_word_count(1) + fovea_rt_word_count(2)
                     : fovea_rt_word_count(info->rank);
  return info->kind & FOVEA_KIND_OPTIONAL ? words + fovea_rt_word_count(0)
                                          : words;
}

static int64_t elementCount(const fovea_tensor *tensor) {
  return fovea_rt_byte_size(tensor->dtype, tensor->rank, tensor->shape) /
         (int64_t)fovea_rt_dtype_size(tensor->dtype);
}

/* Copies the elements of a sequence to one place, and writes their table. */
static int64_t *describeSequence(const fovea_tensor_info *info,
                                 const fovea_tensor *input, int64_t *words,
                                 int64_t **arguments) {
  const fovea_tensor *elements = input->data;
  int64_t length = input->dtype == FOVEA_ABSENT ? 0 : input->shape[0];
  int64_t size = (int64_t)fovea_rt_dtype_size(info->dtype), total = 0, bytes;
  for (int64_t i = 0; i < length; ++i)
    if (__builtin_add_overflow(total, elementCount(&elements[i]), &total))
      return NULL;
  if (__builtin_mul_overflow(total, size, &bytes))
    return NULL;
  char *data = fovea_rt_try_allocate(bytes);
  int64_t *row = fovea_rt_try_allocate(length * fovea_rt_row_length *
                                       (int64_t)sizeof *row);
  if (!data || !row)
    return NULL;
  arguments[0] = words;
  words = fovea_rt_describe(data, 1, &total, words);
  int64_t shape[2] = {length, fovea_rt_row_length}, offset = 0;
  arguments[1] = words;
  words = fovea_rt_describe(row, 2, shape, words);
  for (int64_t i = 0; i < length; ++i, row += fovea_rt_row_length) {
    const fovea_tensor *element = &elements[i];
    int64_t count = elementCount(element);
    memset(row, 0, fovea_rt_row_length * sizeof *row);
    row[fovea_rt_row_offset] = offset;
    row[fovea_rt_row_rank] = element->rank;
    memcpy(row + fovea_rt_row_sizes, element->shape,
           (size_t)element->rank * sizeof *row);
    if (count)
      memcpy(data + offset * size, element->data, (size_t)(count * size));
    offset += count;
  }
  return words;
}

/* What stands in for a tensor that is not there: as small as its type allows.
 */
static int64_t *describeNoTensor(const fovea_tensor_info *info,
                                 int64_t *words) {
  int64_t shape[FOVEA_MAX_RANK];
  for (int32_t i = 0; i < info->rank; ++i)
    shape[i] = info->dims[i] < 0 ? 0 : info->dims[i];
  int64_t bytes = fovea_rt_byte_size(info->dtype, info->rank, shape);
  void *data = fovea_rt_try_allocate(bytes);
  if (!data)
    return NULL;
  memset(data, 0, (size_t)bytes);
  return fovea_rt_describe(data, info->rank, shape, words);
}

int64_t *fovea_rt_describe_parts(const fovea_tensor_info *info,
                                 const fovea_tensor *input, int64_t *words,
                                 int64_t **arguments) {
  static const char truth[] = {0, 1};
  int isPresent = input->dtype != FOVEA_ABSENT;
  *arguments = words;
  if (info->kind & FOVEA_KIND_SEQUENCE)
    words = describeSequence(info, input, words, arguments);
  else if (isPresent)
    words = fovea_rt_describe(input->data, input->rank, input->shape, words);
  else
    words = describeNoTensor(info, words);
  if (!words || !(info->kind & FOVEA_KIND_OPTIONAL))
    return words;
  arguments[fovea_rt_part_count(info) - 1] = words;
  return fovea_rt_describe(&truth[isPresent], 0, NULL, words);
}

static int64_t roundUp(int64_t bytes) { return (bytes + 63) / 64 * 64; }

/* The parts of a sequence that the model returned. */
typedef struct {
  const char *data;
  int64_t stride, size; /* in elements; of an element in bytes */
  const int64_t *table;
  int64_t length, row_stride, column_stride;
} Packed;

static Packed readParts(const fovea_tensor_info *info, const int64_t *words) {
  int64_t size = (int64_t)fovea_rt_dtype_size(info->dtype);
  const int64_t *table = words + fovea_rt_word_count(1);
  return (Packed){.data = (const char *)(intptr_t)words[1] + words[2] * size,
                  .stride = words[4],
                  .size = size,
                  .table = (const int64_t *)(intptr_t)table[1] + table[2],
                  .length = table[3],
                  .row_stride = table[5],
                  .column_stride = table[6]};
}

/* Element `i`, its data still where the model has them. */
static fovea_tensor readElement(const fovea_tensor_info *info,
                                const Packed *packed, int64_t i) {
  const int64_t *row = packed->table + i * packed->row_stride;
  int64_t column = packed->column_stride;
  fovea_tensor element = {0};
  element.dtype = info->dtype;
  element.rank = (int32_t)row[fovea_rt_row_rank * column];
  for (int32_t d = 0; d < element.rank; ++d)
    element.shape[d] = row[(fovea_rt_row_sizes + d) * column];
  element.data =
      (char *)(intptr_t)packed->data +
      row[fovea_rt_row_offset * column] * packed->stride * packed->size;
  return element;
}

static void copyElements(char *to, const char *from, int64_t count,
                         const Packed *packed) {
  if (packed->stride == 1 && count)
    memcpy(to, from, (size_t)(count * packed->size));
  else
    for (int64_t i = 0; i < count; ++i)
      memcpy(to + i * packed->size, from + i * packed->stride * packed->size,
             (size_t)packed->size);
}

fovea_status fovea_rt_take_sequence(const fovea_tensor_info *info,
                                    const int64_t *words,
                                    fovea_tensor *output) {
  Packed packed = readParts(info, words);
  /* The list and its elements become one allocation. */
  int64_t at = roundUp(packed.length * (int64_t)sizeof(fovea_tensor));
  int64_t bytes = at;
  for (int64_t i = 0; i < packed.length; ++i) {
    fovea_tensor element = readElement(info, &packed, i);
    bytes += roundUp(elementCount(&element) * packed.size);
  }
  char *memory = fovea_rt_try_allocate(bytes);
  if (!memory)
    return fovea_rt_error(FOVEA_ERROR_OUT_OF_MEMORY, "out of memory");
  fovea_tensor *elements = (fovea_tensor *)memory;
  for (int64_t i = 0; i < packed.length; ++i) {
    elements[i] = readElement(info, &packed, i);
    int64_t count = elementCount(&elements[i]);
    copyElements(memory + at, elements[i].data, count, &packed);
    elements[i].data = memory + at;
    at += roundUp(count * packed.size);
  }
  fovea_rt_detach(memory);
  memset(output, 0, sizeof *output);
  output->owner = output->data = memory;
  output->dtype = FOVEA_SEQUENCE;
  output->rank = 1;
  output->shape[0] = packed.length;
  return FOVEA_OK;
}
