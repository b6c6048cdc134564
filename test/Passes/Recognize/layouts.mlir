// RUN: fovea-opt %s --fovea-recognize-attention --canonicalize --split-input-file | FileCheck %s

// Batch and heads are one axis; the output leaves it again. Both become
// dimensions of their own, so that no transposition is left.

// CHECK-DAG: #[[Q:.+]] = affine_map<(d0, d1, d2, d3, d4, d5) -> (d0, d2, d1, d4)>
// CHECK-DAG: #[[K:.+]] = affine_map<(d0, d1, d2, d3, d4, d5) -> (d0, d5, d1, d4)>
// CHECK-DAG: #[[V:.+]] = affine_map<(d0, d1, d2, d3, d4, d5) -> (d0, d5, d1, d3)>
// CHECK-LABEL: func @batch_times_heads(
// CHECK-SAME: %[[X:.+]]: tensor<?x7x4x8xf32>)
// CHECK: attn.attention query(%[[X]] : {{.*}}) keys(%[[X]] : {{.*}}) values(%[[X]] : {{.*}}) outs(%{{.+}} : tensor<?x7x4x8xf32>)
// CHECK-SAME: indexing_maps = [#[[Q]], #[[K]], #[[V]], #{{.+}}], scale = 0.353553
// CHECK-NOT: linalg.transpose
func.func @batch_times_heads(%x: tensor<?x7x4x8xf32>) -> tensor<?x7x32xf32> {
  %c0 = arith.constant 0 : index
  %c4 = arith.constant 4 : index
  %zero = arith.constant 0.0 : f32
  %b = tensor.dim %x, %c0 : tensor<?x7x4x8xf32>
  %bh = arith.muli %b, %c4 : index
  %e4 = tensor.empty(%b) : tensor<?x4x7x8xf32>
  %ex = tensor.empty(%bh) : tensor<?x7x8xf32>
  %es = tensor.empty(%bh) : tensor<?x7x7xf32>
  %t = linalg.transpose ins(%x : tensor<?x7x4x8xf32>) outs(%e4 : tensor<?x4x7x8xf32>) permutation = [0, 2, 1, 3]
  %q0 = tensor.collapse_shape %t [[0, 1], [2], [3]] : tensor<?x4x7x8xf32> into tensor<?x7x8xf32>
  %q = linalg.generic {indexing_maps = [affine_map<(i, j, k) -> (i, j, k)>, affine_map<(i, j, k) -> (i, j, k)>], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%q0 : tensor<?x7x8xf32>) outs(%ex : tensor<?x7x8xf32>) {
  ^bb0(%a: f32, %o: f32):
    %f = arith.constant 0.353553385 : f32
    %r = arith.mulf %a, %f : f32
    linalg.yield %r : f32
  } -> tensor<?x7x8xf32>
  %fs = linalg.fill ins(%zero : f32) outs(%es : tensor<?x7x7xf32>) -> tensor<?x7x7xf32>
  %s = linalg.generic {indexing_maps = [affine_map<(b, m, n, k) -> (b, m, k)>, affine_map<(b, m, n, k) -> (b, n, k)>, affine_map<(b, m, n, k) -> (b, m, n)>],
      iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
      ins(%q, %q0 : tensor<?x7x8xf32>, tensor<?x7x8xf32>) outs(%fs : tensor<?x7x7xf32>) {
  ^bb0(%a: f32, %c: f32, %o: f32):
    %m = arith.mulf %a, %c : f32
    %r = arith.addf %o, %m : f32
    linalg.yield %r : f32
  } -> tensor<?x7x7xf32>
  %p = linalg.softmax dimension(2) ins(%s : tensor<?x7x7xf32>) outs(%es : tensor<?x7x7xf32>) -> tensor<?x7x7xf32>
  %fx = linalg.fill ins(%zero : f32) outs(%ex : tensor<?x7x8xf32>) -> tensor<?x7x8xf32>
  %o = linalg.batch_matmul ins(%p, %q0 : tensor<?x7x7xf32>, tensor<?x7x8xf32>) outs(%fx : tensor<?x7x8xf32>) -> tensor<?x7x8xf32>
  %o4 = tensor.expand_shape %o [[0, 1], [2], [3]] output_shape [%b, 4, 7, 8] : tensor<?x7x8xf32> into tensor<?x4x7x8xf32>
  %eo = tensor.empty(%b) : tensor<?x7x4x8xf32>
  %ot = linalg.transpose ins(%o4 : tensor<?x4x7x8xf32>) outs(%eo : tensor<?x7x4x8xf32>) permutation = [0, 2, 1, 3]
  %y = tensor.collapse_shape %ot [[0], [1], [2, 3]] : tensor<?x7x4x8xf32> into tensor<?x7x32xf32>
  return %y : tensor<?x7x32xf32>
}

// -----

// Keys and values repeated for a group of query heads: the maps drop the
// group. The mask is added in the shape [windows, ...] between two reshapes.

// CHECK-DAG: #[[Q:.+]] = affine_map<(d0, d1, d2, d3, d4, d5, d6) -> (d0, d1, d2, d3, d5)>
// CHECK-DAG: #[[K:.+]] = affine_map<(d0, d1, d2, d3, d4, d5, d6) -> (d0, d1, d6, d5)>
// CHECK-DAG: #[[M:.+]] = affine_map<(d0, d1, d2, d3, d4, d5, d6) -> (d0, d3, d6)>
// CHECK-LABEL: func @groups_and_windows
// CHECK: attn.attention query(%{{.+}} : tensor<3x2x2x5x8xf32>) keys(%{{.+}} : tensor<3x2x5x8xf32>) values(%{{.+}} : tensor<3x2x5x8xf32>) captures(%{{.+}} : tensor<3x5x5xf32>)
func.func @groups_and_windows(%q: tensor<3x4x5x8xf32>, %kv: tensor<3x2x5x8xf32>, %mask: tensor<3x5x5xf32>) -> tensor<3x4x5x8xf32> {
  %zero = arith.constant 0.0 : f32
  %eg = tensor.empty() : tensor<3x2x2x5x8xf32>
  %es = tensor.empty() : tensor<3x4x5x5xf32>
  %ew = tensor.empty() : tensor<1x3x4x5x5xf32>
  %eo = tensor.empty() : tensor<3x4x5x8xf32>
  %g = linalg.generic {indexing_maps = [affine_map<(b, h, g, s, d) -> (b, h, s, d)>, affine_map<(b, h, g, s, d) -> (b, h, g, s, d)>],
      iterator_types = ["parallel", "parallel", "parallel", "parallel", "parallel"]}
      ins(%kv : tensor<3x2x5x8xf32>) outs(%eg : tensor<3x2x2x5x8xf32>) {
  ^bb0(%a: f32, %o: f32):
    linalg.yield %a : f32
  } -> tensor<3x2x2x5x8xf32>
  %k = tensor.collapse_shape %g [[0], [1, 2], [3], [4]] : tensor<3x2x2x5x8xf32> into tensor<3x4x5x8xf32>
  %fs = linalg.fill ins(%zero : f32) outs(%es : tensor<3x4x5x5xf32>) -> tensor<3x4x5x5xf32>
  %s = linalg.generic {indexing_maps = [affine_map<(b, h, m, n, k) -> (b, h, m, k)>, affine_map<(b, h, m, n, k) -> (b, h, n, k)>, affine_map<(b, h, m, n, k) -> (b, h, m, n)>],
      iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction"]}
      ins(%q, %k : tensor<3x4x5x8xf32>, tensor<3x4x5x8xf32>) outs(%fs : tensor<3x4x5x5xf32>) {
  ^bb0(%a: f32, %c: f32, %o: f32):
    %m = arith.mulf %a, %c : f32
    %r = arith.addf %o, %m : f32
    linalg.yield %r : f32
  } -> tensor<3x4x5x5xf32>
  %s5 = tensor.expand_shape %s [[0, 1], [2], [3], [4]] output_shape [1, 3, 4, 5, 5] : tensor<3x4x5x5xf32> into tensor<1x3x4x5x5xf32>
  %sm = linalg.generic {indexing_maps = [affine_map<(b, w, h, m, n) -> (b, w, h, m, n)>, affine_map<(b, w, h, m, n) -> (w, m, n)>, affine_map<(b, w, h, m, n) -> (b, w, h, m, n)>],
      iterator_types = ["parallel", "parallel", "parallel", "parallel", "parallel"]}
      ins(%s5, %mask : tensor<1x3x4x5x5xf32>, tensor<3x5x5xf32>) outs(%ew : tensor<1x3x4x5x5xf32>) {
  ^bb0(%a: f32, %c: f32, %o: f32):
    %r = arith.addf %a, %c : f32
    linalg.yield %r : f32
  } -> tensor<1x3x4x5x5xf32>
  %s4 = tensor.collapse_shape %sm [[0, 1], [2], [3], [4]] : tensor<1x3x4x5x5xf32> into tensor<3x4x5x5xf32>
  %p = linalg.softmax dimension(3) ins(%s4 : tensor<3x4x5x5xf32>) outs(%es : tensor<3x4x5x5xf32>) -> tensor<3x4x5x5xf32>
  %fo = linalg.fill ins(%zero : f32) outs(%eo : tensor<3x4x5x8xf32>) -> tensor<3x4x5x8xf32>
  %o = linalg.generic {indexing_maps = [affine_map<(b, h, m, n, k) -> (b, h, m, k)>, affine_map<(b, h, m, n, k) -> (b, h, k, n)>, affine_map<(b, h, m, n, k) -> (b, h, m, n)>],
      iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction"]}
      ins(%p, %k : tensor<3x4x5x5xf32>, tensor<3x4x5x8xf32>) outs(%fo : tensor<3x4x5x8xf32>) {
  ^bb0(%a: f32, %c: f32, %x: f32):
    %m = arith.mulf %a, %c : f32
    %r = arith.addf %x, %m : f32
    linalg.yield %r : f32
  } -> tensor<3x4x5x8xf32>
  return %o : tensor<3x4x5x8xf32>
}
