// RUN: fovea-opt %s --fovea-collapse-rows | FileCheck %s

#A = affine_map<(b, i, j, n, k) -> (b, i, j, k)>
#W = affine_map<(b, i, j, n, k) -> (k, n)>
#C = affine_map<(b, i, j, n, k) -> (b, i, j, n)>

// CHECK-LABEL: @projection
// CHECK: %[[X:.*]] = tensor.collapse_shape %arg0 {{\[\[}}0, 1, 2], [3]] : tensor<?x14x14x64xf32> into tensor<?x64xf32>
// CHECK: %[[Y:.*]] = linalg.generic {{.*}} ins(%[[X]], %arg1 : tensor<?x64xf32>, tensor<64x32xf32>)
// CHECK: tensor.expand_shape
func.func @projection(%x: tensor<?x14x14x64xf32>, %w: tensor<64x32xf32>, %o: tensor<?x14x14x32xf32>) -> tensor<?x14x14x32xf32> {
  %y = linalg.generic {indexing_maps = [#A, #W, #C], iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<?x14x14x64xf32>, tensor<64x32xf32>) outs(%o : tensor<?x14x14x32xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %p = arith.mulf %a, %b : f32
    %s = arith.addf %c, %p : f32
    linalg.yield %s : f32
  } -> tensor<?x14x14x32xf32>
  return %y : tensor<?x14x14x32xf32>
}

// A batch of both operands is no row; nor are loops that lie apart in the result.
// CHECK-LABEL: @others
// CHECK-NOT: tensor.collapse_shape
func.func @others(%x: tensor<3x5x7xf32>, %w: tensor<3x7x4xf32>, %o: tensor<3x5x4xf32>, %u: tensor<7x4xf32>, %q: tensor<3x4x5xf32>) -> (tensor<3x5x4xf32>, tensor<3x4x5xf32>) {
  %y = linalg.generic {indexing_maps = [affine_map<(b, i, n, k) -> (b, i, k)>, affine_map<(b, i, n, k) -> (b, k, n)>, affine_map<(b, i, n, k) -> (b, i, n)>], iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<3x5x7xf32>, tensor<3x7x4xf32>) outs(%o : tensor<3x5x4xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %p = arith.mulf %a, %b : f32
    %s = arith.addf %c, %p : f32
    linalg.yield %s : f32
  } -> tensor<3x5x4xf32>
  %z = linalg.generic {indexing_maps = [affine_map<(b, i, n, k) -> (b, i, k)>, affine_map<(b, i, n, k) -> (k, n)>, affine_map<(b, i, n, k) -> (b, n, i)>], iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
      ins(%x, %u : tensor<3x5x7xf32>, tensor<7x4xf32>) outs(%q : tensor<3x4x5xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %p = arith.mulf %a, %b : f32
    %s = arith.addf %c, %p : f32
    linalg.yield %s : f32
  } -> tensor<3x4x5xf32>
  return %y, %z : tensor<3x5x4xf32>, tensor<3x4x5xf32>
}
