// RUN: fovea-opt %s --fovea-decompose-aggregates | FileCheck %s

// CHECK-LABEL: func.func @softmax
// CHECK-NOT:     linalg.softmax
// A maximum that is lowered to a comparison cannot start at NaN.
// CHECK:         %[[INFINITY:.*]] = arith.constant 0xFF800000 : f32
// CHECK:         linalg.fill ins(%[[INFINITY]] : f32)
// CHECK:         arith.maxnumf
// CHECK:         math.exp
// CHECK:         arith.addf
// CHECK:         arith.divf
func.func @softmax(%x: tensor<?x8xf32>, %e: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %s = linalg.softmax dimension(1) ins(%x : tensor<?x8xf32>) outs(%e : tensor<?x8xf32>) -> tensor<?x8xf32>
  return %s : tensor<?x8xf32>
}
