// RUN: not fovea-opt %s --fovea-schedule-kernels="target-cpu=no-such-cpu" 2>&1 | FileCheck %s
// CHECK: error: unknown target CPU 'no-such-cpu'; use an LLVM name
module {}
