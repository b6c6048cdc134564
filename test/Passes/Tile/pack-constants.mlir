// RUN: fovea-opt %s --fovea-pack-constants | FileCheck %s

// A transposed weight becomes panels of 4 columns, the last one filled up with
// zeros; the kernel reads its lanes innermost. Equal weights are packed once.

#A = affine_map<(m, n, k) -> (m, k)>
#B = affine_map<(m, n, k) -> (n, k)>
#C = affine_map<(m, n, k) -> (m, n)>
// CHECK-DAG: #[[LANES:.*]] = affine_map<(d0, d1, d2) -> (d2, d1)>
// CHECK-LABEL: func.func private @k0
// CHECK-SAME:    %[[P:[a-z0-9]+]]: tensor<2x2x4xf32>
// CHECK:         %[[W:.*]] = linalg.unpack %[[P]] outer_dims_perm = [1, 0] inner_dims_pos = [1] inner_tiles = [4]
// CHECK-SAME:      tensor<2x2x4xf32> -> tensor<2x5xf32>
// CHECK:         linalg.generic {indexing_maps = [#{{[a-z0-9]+}}, #[[LANES]], #{{[a-z0-9]+}}]
// CHECK-SAME:      ins(%{{.*}}, %[[W]] :
func.func private @k0(%x: tensor<4x2xf32>, %w: tensor<5x2xf32>, %out: tensor<4x5xf32>) -> tensor<4x5xf32> attributes {fovea.kernel} {
  %zero = arith.constant 0.0 : f32
  %f = linalg.fill ins(%zero : f32) outs(%out : tensor<4x5xf32>) -> tensor<4x5xf32>
  %m = linalg.generic {indexing_maps = [#A, #B, #C], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<4x2xf32>, tensor<5x2xf32>) outs(%f : tensor<4x5xf32>)
      attrs = {attn.schedule = #attn.schedule<workgroup = [0, 4, 0], register = [4, 4, 0], reduction = [0, 0, 1], pack = 4>} {
  ^bb0(%a: f32, %c: f32, %o: f32):
    %p = arith.mulf %a, %c : f32
    %s = arith.addf %o, %p : f32
    linalg.yield %s : f32
  } -> tensor<4x5xf32>
  return %m : tensor<4x5xf32>
}

// CHECK-LABEL: func.func @main
// CHECK:         %[[C:.*]] = arith.constant dense<{{\[\[\[}}1.000000e+00, 3.000000e+00, 5.000000e+00, 7.000000e+00], [2.000000e+00, 4.000000e+00, 6.000000e+00, 8.000000e+00]],
// CHECK-SAME{LITERAL}: [[9.000000e+00, 0.000000e+00, 0.000000e+00, 0.000000e+00], [1.000000e+01, 0.000000e+00, 0.000000e+00, 0.000000e+00]]]
// CHECK:         call @k0(%{{.*}}, %[[C]],
func.func @main(%x: tensor<4x2xf32>) -> tensor<4x5xf32> {
  %w = arith.constant dense<[[1.0, 2.0], [3.0, 4.0], [5.0, 6.0], [7.0, 8.0], [9.0, 10.0]]> : tensor<5x2xf32>
  %e = tensor.empty() : tensor<4x5xf32>
  %r = call @k0(%x, %w, %e) : (tensor<4x2xf32>, tensor<5x2xf32>, tensor<4x5xf32>) -> tensor<4x5xf32>
  return %r : tensor<4x5xf32>
}
