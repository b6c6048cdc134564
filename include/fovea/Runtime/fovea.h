/*===- fovea.h - The C interface of a compiled model -------------------------===
 *
 * Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
 * See LICENSE for license information.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 *===------------------------------------------------------------------------===
 *
 * fovea-compile turns a model into one shared library that exports a single
 * function, fovea_get_api(). Everything else is reached through the table that
 * it returns:
 *
 *   void *lib = dlopen("./vit.so", RTLD_NOW | RTLD_LOCAL);
 *   fovea_get_api_fn *get = (fovea_get_api_fn *)dlsym(lib, "fovea_get_api");
 *   const fovea_api *api = get(FOVEA_API_VERSION);
 *
 *   fovea_model *model;
 *   if (api->open(&model) != FOVEA_OK) { puts(api->last_error()); return 1; }
 *   fovea_tensor x = {0}, y = {0};
 *   x.data = pixels; x.dtype = FOVEA_FLOAT32; x.rank = 4;
 *   x.shape[0] = 1; x.shape[1] = 3; x.shape[2] = x.shape[3] = 224;
 *   if (api->run(model, &x, 1, &y, 1) != FOVEA_OK) puts(api->last_error());
 *   ... y.data, y.shape ...
 *   api->free_tensor(&y);
 *   api->close(model);
 *
 * A program that is linked against one or several such libraries calls
 * fovea_get_api_<name>() instead, which the generated header of each declares.
 *
 * Tensors are dense and row-major; a boolean takes one byte, 0 or 1, and so
 * does each element of a type of less than 8 bits: it is the low bits of its
 * byte, and the others are 0 (as in ml_dtypes, unlike in a TensorProto).
 * Nothing here aborts or prints: every failure is a status and a message.
 *
 * Where the signature says that an input or output is a sequence, its tensor is
 * a list of tensors: `data` points to shape[0] elements of type fovea_tensor.
 *
 *   fovea_tensor elements[2] = {...}, list = {0};
 *   list.data = elements; list.dtype = FOVEA_SEQUENCE;
 *   list.rank = 1; list.shape[0] = 2;
 *
 * An optional without a value has the dtype FOVEA_ABSENT, as a fovea_tensor has
 * that is all zeros; one with a value is that tensor or sequence.
 */
#ifndef FOVEA_RUNTIME_FOVEA_H
#define FOVEA_RUNTIME_FOVEA_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The interface grows only at the end of fovea_api and of fovea_tensor_info.
 * The number changes when something else does, and a library refuses numbers
 * that it does not serve. Version 1 had tensors only, and is still served by
 * every model that has nothing else; 2 has sequences and optionals. */
#define FOVEA_API_VERSION 2

/* More dimensions than any model needs; keeps fovea_tensor free of ownership
 * questions. */
#define FOVEA_MAX_RANK 16

/* What a call came to. The message is in fovea_api.last_error(). */
typedef enum fovea_status {
  FOVEA_OK = 0,
  FOVEA_ERROR_INVALID_ARGUMENT = 1, /* null pointer, wrong count, ... */
  FOVEA_ERROR_DTYPE = 2,            /* a tensor of the wrong element type */
  FOVEA_ERROR_SHAPE = 3,            /* a tensor of the wrong rank or shape */
  FOVEA_ERROR_OUT_OF_MEMORY = 4,
  FOVEA_ERROR_UNSUPPORTED_CPU = 5, /* compiled for a CPU that this is not */
  FOVEA_ERROR_MODEL = 6            /* the model itself failed: say, an index
                                      out of range */
} fovea_status;

/* Element types, numbered as in ONNX's TensorProto. */
typedef enum fovea_dtype {
  FOVEA_SEQUENCE = -1, /* not of elements: a list of tensors */
  FOVEA_ABSENT = 0,    /* nor this: an optional without a value */
  FOVEA_FLOAT32 = 1,
  FOVEA_UINT8 = 2,
  FOVEA_INT8 = 3,
  FOVEA_UINT16 = 4,
  FOVEA_INT16 = 5,
  FOVEA_INT32 = 6,
  FOVEA_INT64 = 7,
  FOVEA_BOOL = 9,
  FOVEA_FLOAT16 = 10,
  FOVEA_FLOAT64 = 11,
  FOVEA_UINT32 = 12,
  FOVEA_UINT64 = 13,
  FOVEA_BFLOAT16 = 16,
  FOVEA_FLOAT8E4M3FN = 17,
  FOVEA_FLOAT8E4M3FNUZ = 18,
  FOVEA_FLOAT8E5M2 = 19,
  FOVEA_FLOAT8E5M2FNUZ = 20,
  FOVEA_UINT4 = 21,
  FOVEA_INT4 = 22,
  FOVEA_FLOAT4E2M1 = 23,
  FOVEA_FLOAT8E8M0 = 24,
  FOVEA_UINT2 = 25,
  FOVEA_INT2 = 26,
  FOVEA_FLOAT6E2M3 = 27,
  FOVEA_FLOAT6E3M2 = 28
} fovea_dtype;

/* A tensor. The memory of `data` belongs to the caller unless `owner` is set:
 * then it is the library's, until free_tensor(). */
typedef struct fovea_tensor {
  void *data;
  int32_t dtype; /* a fovea_dtype */
  int32_t rank;
  int64_t shape[FOVEA_MAX_RANK];
  void *owner; /* the library's; 0 in a tensor that the caller fills in */
} fovea_tensor;

/* What an input or output is: two bits. */
typedef enum fovea_kind {
  FOVEA_KIND_TENSOR = 0,
  FOVEA_KIND_SEQUENCE = 1, /* any number of tensors */
  FOVEA_KIND_OPTIONAL = 2, /* a tensor, or nothing */
  FOVEA_KIND_OPTIONAL_SEQUENCE = 3
} fovea_kind;

/* An input or output in the signature of the model; of a sequence, what each of
 * its elements is. */
typedef struct fovea_tensor_info {
  const char *name;
  int32_t dtype;
  int32_t rank;        /* -1 where the elements of a sequence may have any */
  const int64_t *dims; /* -1 where any size may come */
  const char *const *symbols; /* one per dimension: "" or the name of the size.
                                 Sizes of one name must agree in a call. */
  int32_t kind;               /* a fovea_kind */
} fovea_tensor_info;

/* One execution of a kernel; see set_profiling(). */
typedef struct fovea_event {
  int32_t kernel; /* index into kernel_name() */
  int32_t run;    /* counts the calls of run() of this model */
  int64_t begin_ns;
  int64_t end_ns; /* on a clock that never steps back */
} fovea_event;

/* An opened model. It may be run from several threads at the same time: each
 * call has its own working memory, which the model keeps for later calls. */
typedef struct fovea_model fovea_model;

typedef struct fovea_api {
  uint32_t version; /* FOVEA_API_VERSION of the library */
  uint32_t size;    /* sizeof(fovea_api) of the library: a later member exists
                       if it lies within */

  /* The message of the last call of this thread that failed; never null. */
  const char *(*last_error)(void);

  /* About the model; these need no opened model and never fail. */
  const char *(*model_name)(void);
  const char *(*build_id)(void); /* equal for equal code and weights */
  const char *(*target_cpu)(void);
  const char *(*manifest)(void); /* JSON, the text of the .json file */
  int32_t (*input_count)(void);
  int32_t (*output_count)(void);
  const fovea_tensor_info *(*input_info)(int32_t index);  /* or null */
  const fovea_tensor_info *(*output_info)(int32_t index); /* or null */
  int32_t (*kernel_count)(void);
  const char *(*kernel_name)(int32_t index); /* or null */

  /* Opens the model. Refuses, without executing any of its code, on a CPU that
   * lacks an instruction set that it was compiled for. */
  fovea_status (*open)(fovea_model **model);
  /* Closes a model that no thread is running. Tensors that it returned stay
   * valid until they are freed. Does nothing for null. */
  void (*close)(fovea_model *model);

  /* The number of threads of each later run(); 0 for OpenMP's default
   * (OMP_NUM_THREADS, else all CPUs). */
  fovea_status (*set_threads)(fovea_model *model, int32_t threads);

  /* Runs the model. `inputs` and `outputs` are in the order of the signature.
   * An output whose `data` is null is allocated by the library and is to be
   * freed with free_tensor(). One with `data` is written there, and its dtype,
   * rank and shape must be those of the result; sequences and optionals are
   * always allocated. After a failure the outputs own nothing. */
  fovea_status (*run)(fovea_model *model, const fovea_tensor *inputs,
                      int32_t input_count, fovea_tensor *outputs,
                      int32_t output_count);
  /* Frees what the library allocated for a tensor, or for a sequence with all
   * of its elements, and clears it. Does nothing to memory of the caller. */
  void (*free_tensor)(fovea_tensor *tensor);

  /* Switches the recording of one event per kernel execution on or off; on
   * drops what was recorded. */
  fovea_status (*set_profiling)(fovea_model *model, int32_t on);
  /* Copies up to `capacity` events in the order of their begin within a run,
   * and returns how many there are. */
  int64_t (*get_events)(fovea_model *model, fovea_event *events,
                        int64_t capacity);

  /* Bytes of an element, 0 for an unknown type; its name ("float32"). */
  size_t (*dtype_size)(int32_t dtype);
  const char *(*dtype_name)(int32_t dtype);
} fovea_api;

typedef const fovea_api *fovea_get_api_fn(uint32_t version);

/* The table, or null if the library does not serve this version. */
const fovea_api *fovea_get_api(uint32_t version);

#ifdef __cplusplus
}
#endif

#endif /* FOVEA_RUNTIME_FOVEA_H */
