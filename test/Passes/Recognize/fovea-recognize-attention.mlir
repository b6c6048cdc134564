// RUN: fovea-opt %s --fovea-recognize-attention --canonicalize --split-input-file | FileCheck %s

// Heads split and merged around it, K's transposition in one permutation, the
// scale after the scores, an additive mask that broadcasts over heads.

// CHECK-DAG: #[[Q:.+]] = affine_map<(d0, d1, d2, d3, d4, d5) -> (d0, d2, d1, d4)>
// CHECK-DAG: #[[K:.+]] = affine_map<(d0, d1, d2, d3, d4, d5) -> (d0, d5, d1, d4)>
// CHECK-DAG: #[[V:.+]] = affine_map<(d0, d1, d2, d3, d4, d5) -> (d0, d5, d1, d3)>
// CHECK-DAG: #[[B:.+]] = affine_map<(d0, d1, d2, d3, d4, d5) -> (d0, 0, 0, d5)>
// CHECK-DAG: #[[O:.+]] = affine_map<(d0, d1, d2, d3, d4, d5) -> (d0, d2, d1, d3)>
// CHECK-LABEL: func @plain
// CHECK: attn.attention query(%{{.+}} : tensor<2x10x4x8xf32>) keys(%{{.+}} : tensor<2x10x4x8xf32>) values(%{{.+}} : tensor<2x10x4x8xf32>) captures(%arg3 : tensor<2x1x1x10xf32>)
// CHECK: ^bb0(%[[S:.+]]: f32, %[[M:.+]]: f32):
// CHECK-NEXT: %[[R:.+]] = arith.addf %[[S]], %[[M]] : f32
// CHECK-NEXT: attn.yield %[[R]] : f32
// CHECK: empty_row = #attn<empty_row nan>, indexing_maps = [#[[Q]], #[[K]], #[[V]], #[[B]], #[[O]]], scale = 1.250000e-01 : f64
// CHECK: tensor.collapse_shape {{.*}} : tensor<2x10x4x8xf32> into tensor<2x10x32xf32>
// CHECK-NOT: linalg
#id = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>
#keys = affine_map<(d0, d1, d2, d3) -> (d0, 0, 0, d3)>
func.func @plain(%q0: tensor<2x10x32xf32>, %k0: tensor<2x10x32xf32>, %v0: tensor<2x10x32xf32>, %mask: tensor<2x1x1x10xf32>) -> tensor<2x10x32xf32> {
  %zero = arith.constant 0.0 : f32
  %eight = arith.constant 8.0 : f32
  %q1 = tensor.expand_shape %q0 [[0], [1], [2, 3]] output_shape [2, 10, 4, 8] : tensor<2x10x32xf32> into tensor<2x10x4x8xf32>
  %k1 = tensor.expand_shape %k0 [[0], [1], [2, 3]] output_shape [2, 10, 4, 8] : tensor<2x10x32xf32> into tensor<2x10x4x8xf32>
  %v1 = tensor.expand_shape %v0 [[0], [1], [2, 3]] output_shape [2, 10, 4, 8] : tensor<2x10x32xf32> into tensor<2x10x4x8xf32>
  %eh = tensor.empty() : tensor<2x4x10x8xf32>
  %ek = tensor.empty() : tensor<2x4x8x10xf32>
  %es = tensor.empty() : tensor<2x4x10x10xf32>
  %q = linalg.transpose ins(%q1 : tensor<2x10x4x8xf32>) outs(%eh : tensor<2x4x10x8xf32>) permutation = [0, 2, 1, 3]
  %k = linalg.transpose ins(%k1 : tensor<2x10x4x8xf32>) outs(%ek : tensor<2x4x8x10xf32>) permutation = [0, 2, 3, 1]
  %v = linalg.transpose ins(%v1 : tensor<2x10x4x8xf32>) outs(%eh : tensor<2x4x10x8xf32>) permutation = [0, 2, 1, 3]
  %fs = linalg.fill ins(%zero : f32) outs(%es : tensor<2x4x10x10xf32>) -> tensor<2x4x10x10xf32>
  %s0 = linalg.generic {indexing_maps = [affine_map<(b, h, m, n, k) -> (b, h, m, k)>, affine_map<(b, h, m, n, k) -> (b, h, k, n)>, affine_map<(b, h, m, n, k) -> (b, h, m, n)>],
      iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction"]}
      ins(%q, %k : tensor<2x4x10x8xf32>, tensor<2x4x8x10xf32>) outs(%fs : tensor<2x4x10x10xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %p = arith.mulf %a, %b : f32
    %r = arith.addf %c, %p : f32
    linalg.yield %r : f32
  } -> tensor<2x4x10x10xf32>
  %s1 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%s0 : tensor<2x4x10x10xf32>) outs(%es : tensor<2x4x10x10xf32>) {
  ^bb0(%a: f32, %o: f32):
    %r = arith.divf %a, %eight : f32
    linalg.yield %r : f32
  } -> tensor<2x4x10x10xf32>
  %s2 = linalg.generic {indexing_maps = [#id, #keys, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%s1, %mask : tensor<2x4x10x10xf32>, tensor<2x1x1x10xf32>) outs(%es : tensor<2x4x10x10xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %r = arith.addf %a, %b : f32
    linalg.yield %r : f32
  } -> tensor<2x4x10x10xf32>
  %p = linalg.softmax dimension(3) ins(%s2 : tensor<2x4x10x10xf32>) outs(%es : tensor<2x4x10x10xf32>) -> tensor<2x4x10x10xf32>
  %fo = linalg.fill ins(%zero : f32) outs(%eh : tensor<2x4x10x8xf32>) -> tensor<2x4x10x8xf32>
  %o = linalg.generic {indexing_maps = [affine_map<(b, h, m, n, k) -> (b, h, m, k)>, affine_map<(b, h, m, n, k) -> (b, h, k, n)>, affine_map<(b, h, m, n, k) -> (b, h, m, n)>],
      iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction"]}
      ins(%p, %v : tensor<2x4x10x10xf32>, tensor<2x4x10x8xf32>) outs(%fo : tensor<2x4x10x8xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %x = arith.mulf %a, %b : f32
    %r = arith.addf %c, %x : f32
    linalg.yield %r : f32
  } -> tensor<2x4x10x8xf32>
  %eo = tensor.empty() : tensor<2x10x4x8xf32>
  %ot = linalg.transpose ins(%o : tensor<2x4x10x8xf32>) outs(%eo : tensor<2x10x4x8xf32>) permutation = [0, 2, 1, 3]
  %y = tensor.collapse_shape %ot [[0], [1], [2, 3]] : tensor<2x10x4x8xf32> into tensor<2x10x32xf32>
  return %y : tensor<2x10x32xf32>
}
