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
