// RUN: fovea-opt %s --fovea-schedule-kernels="target-triple=x86_64-linux-gnu target-cpu=znver4 cores=4" | FileCheck %s --check-prefix=DOT
// RUN: fovea-opt %s --fovea-schedule-kernels="target-triple=x86_64-linux-gnu target-cpu=x86-64-v4 cores=4" | FileCheck %s --check-prefix=PLAIN

// Where a product takes two steps of the reduction, so does the schedule.
// DOT-LABEL: @matmul
// DOT: reduction = [0, 0, 2]
// PLAIN-LABEL: @matmul
// PLAIN: reduction = [0, 0, 1]
func.func private @matmul(%x: tensor<197x768xbf16>, %w: tensor<768x2304xbf16>, %out: tensor<197x2304xf32>) -> tensor<197x2304xf32> attributes {fovea.kernel} {
  %zero = arith.constant 0.0 : f32
  %f = linalg.fill ins(%zero : f32) outs(%out : tensor<197x2304xf32>) -> tensor<197x2304xf32>
  %m = linalg.matmul ins(%x, %w : tensor<197x768xbf16>, tensor<768x2304xbf16>) outs(%f : tensor<197x2304xf32>) -> tensor<197x2304xf32>
  return %m : tensor<197x2304xf32>
}
