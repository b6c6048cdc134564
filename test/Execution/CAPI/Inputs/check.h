/*===- check.h - Conditions of the C programs --------------------------------===
 *
 * Part of the Fovea Project, under the Apache License v2.0 with LLVM Exceptions.
 * See LICENSE for license information.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 *===------------------------------------------------------------------------===
 *
 * To be included after the interface. A condition that does not hold ends the
 * program, with the library's message.
 */
#ifndef FOVEA_TEST_EXECUTION_CAPI_CHECK_H
#define FOVEA_TEST_EXECUTION_CAPI_CHECK_H

#include <stdio.h>
#include <stdlib.h>

static const fovea_api *api;

#define CHECK(condition)                                                       \
  do {                                                                         \
    if (!(condition)) {                                                        \
      printf("%s:%d: %s does not hold: %s\n", __FILE__, __LINE__, #condition,  \
             api->last_error());                                               \
      exit(1);                                                                 \
    }                                                                          \
  } while (0)

#endif
