// RUN: fovea-opt %s --fovea-bind-destinations | FileCheck %s

// CHECK-LABEL: func.func private @k0
// CHECK-SAME:    %[[X:.*]]: tensor<4xf32>, %[[D:.*]]: tensor<4xf32>
// CHECK:         %[[W:.*]] = bufferization.materialize_in_destination %{{.*}} in %[[D]]
// CHECK:         return %[[W]]
func.func private @k0(%x: tensor<4xf32>, %d: tensor<4xf32>) -> tensor<4xf32> attributes {fovea.kernel} {
  %e = tensor.empty() : tensor<4xf32>
  %c = linalg.copy ins(%x : tensor<4xf32>) outs(%e : tensor<4xf32>) -> tensor<4xf32>
  return %c : tensor<4xf32>
}

// Only kernels have destinations.
// CHECK-LABEL: func.func @main
// CHECK-NOT:     materialize_in_destination
func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
  return %x : tensor<4xf32>
}

// A result that is the destination, updated in a loop, needs nothing.
// CHECK-LABEL: func.func private @k1
// CHECK-NOT:     materialize_in_destination
func.func private @k1(%x: f32, %d: tensor<4xf32>) -> tensor<4xf32> attributes {fovea.kernel} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c4 = arith.constant 4 : index
  %r = scf.for %i = %c0 to %c4 step %c1 iter_args(%t = %d) -> (tensor<4xf32>) {
    %u = tensor.insert %x into %t[%i] : tensor<4xf32>
    scf.yield %u : tensor<4xf32>
  }
  return %r : tensor<4xf32>
}
