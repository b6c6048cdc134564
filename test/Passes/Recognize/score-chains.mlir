// RUN: fovea-opt %s --fovea-recognize-attention --canonicalize --split-input-file | FileCheck %s

// What stands between the scores and the softmax, or the softmax and the
// values.

// A guard after the softmax says what an empty row gives; Where on a mask and
// a soft cap stay in the score region.

// CHECK-LABEL: func @guard_select_cap
// CHECK: attn.attention
// CHECK-SAME: captures(%arg3 : tensor<6x6xi1>)
// CHECK: ^bb0(%[[S:.+]]: f32, %[[M:.+]]: i1):
// CHECK: math.tanh %[[S]]
// CHECK: arith.select %[[M]]
// CHECK: attn.yield
// CHECK-NOT: prob
// CHECK-NOT: empty_row = #attn<empty_row nan>
// CHECK: return
func.func @guard_select_cap(%q: tensor<2x6x8xf32>, %k: tensor<2x8x6xf32>, %v: tensor<2x6x8xf32>, %mask: tensor<6x6xi1>) -> tensor<2x6x8xf32> {
  %zero = arith.constant 0.0 : f32
  %low = arith.constant 0xFF800000 : f32
  %es = tensor.empty() : tensor<2x6x6xf32>
  %eo = tensor.empty() : tensor<2x6x8xf32>
  %fs = linalg.fill ins(%zero : f32) outs(%es : tensor<2x6x6xf32>) -> tensor<2x6x6xf32>
  %s0 = linalg.batch_matmul ins(%q, %k : tensor<2x6x8xf32>, tensor<2x8x6xf32>) outs(%fs : tensor<2x6x6xf32>) -> tensor<2x6x6xf32>
  %s1 = linalg.tanh ins(%s0 : tensor<2x6x6xf32>) outs(%es : tensor<2x6x6xf32>) -> tensor<2x6x6xf32>
  %s2 = linalg.generic {indexing_maps = [affine_map<(b, i, j) -> (i, j)>, affine_map<(b, i, j) -> (b, i, j)>, affine_map<(b, i, j) -> (b, i, j)>], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%mask, %s1 : tensor<6x6xi1>, tensor<2x6x6xf32>) outs(%es : tensor<2x6x6xf32>) {
  ^bb0(%m: i1, %s: f32, %o: f32):
    %r = arith.select %m, %s, %low : f32
    linalg.yield %r : f32
  } -> tensor<2x6x6xf32>
  %p = linalg.softmax dimension(2) ins(%s2 : tensor<2x6x6xf32>) outs(%es : tensor<2x6x6xf32>) -> tensor<2x6x6xf32>
  %ei = tensor.empty() : tensor<2x6x6xi1>
  %n = linalg.generic {indexing_maps = [affine_map<(b, i, j) -> (b, i, j)>, affine_map<(b, i, j) -> (b, i, j)>], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%p : tensor<2x6x6xf32>) outs(%ei : tensor<2x6x6xi1>) {
  ^bb0(%a: f32, %o: i1):
    %r = arith.cmpf uno, %a, %a : f32
    linalg.yield %r : i1
  } -> tensor<2x6x6xi1>
  %g = linalg.generic {indexing_maps = [affine_map<(b, i, j) -> (b, i, j)>, affine_map<(b, i, j) -> (b, i, j)>, affine_map<(b, i, j) -> (b, i, j)>], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%n, %p : tensor<2x6x6xi1>, tensor<2x6x6xf32>) outs(%es : tensor<2x6x6xf32>) {
  ^bb0(%a: i1, %b: f32, %o: f32):
    %r = arith.select %a, %zero, %b : f32
    linalg.yield %r : f32
  } -> tensor<2x6x6xf32>
  %fo = linalg.fill ins(%zero : f32) outs(%eo : tensor<2x6x8xf32>) -> tensor<2x6x8xf32>
  %y = linalg.batch_matmul ins(%g, %v : tensor<2x6x6xf32>, tensor<2x6x8xf32>) outs(%fo : tensor<2x6x8xf32>) -> tensor<2x6x8xf32>
  return %y : tensor<2x6x8xf32>
}

// -----

// A bias over rows and columns of an image is added in the shape [h, w, h, w]:
// queries and keys stay whole, so that the bias is spread over them.

// CHECK-DAG: #[[C:.+]] = affine_map<(d0, d1, d2, d3, d4) -> (d0, d1, d4)>
// CHECK-LABEL: func @split_axes
// CHECK: %[[W:.+]] = linalg.generic {{.*}} ins(%arg3 : tensor<2x2x3x2xf32>)
// CHECK: %[[C0:.+]] = tensor.collapse_shape %[[W]] {{.*}} : tensor<2x2x3x2x3xf32> into tensor<2x6x6xf32>
// CHECK: attn.attention query(%arg0 : tensor<2x6x8xf32>) {{.*}} captures(%[[C0]] : tensor<2x6x6xf32>)
func.func @split_axes(%q: tensor<2x6x8xf32>, %k: tensor<2x8x6xf32>, %v: tensor<2x6x8xf32>, %rel: tensor<2x2x3x2xf32>) -> tensor<2x6x8xf32> {
  %zero = arith.constant 0.0 : f32
  %es = tensor.empty() : tensor<2x6x6xf32>
  %e5 = tensor.empty() : tensor<2x2x3x2x3xf32>
  %eo = tensor.empty() : tensor<2x6x8xf32>
  %fs = linalg.fill ins(%zero : f32) outs(%es : tensor<2x6x6xf32>) -> tensor<2x6x6xf32>
  %s0 = linalg.batch_matmul ins(%q, %k : tensor<2x6x8xf32>, tensor<2x8x6xf32>) outs(%fs : tensor<2x6x6xf32>) -> tensor<2x6x6xf32>
  %s1 = tensor.expand_shape %s0 [[0], [1, 2], [3, 4]] output_shape [2, 2, 3, 2, 3] : tensor<2x6x6xf32> into tensor<2x2x3x2x3xf32>
  %s2 = linalg.generic {indexing_maps = [affine_map<(b, h, w, i, j) -> (b, h, w, i, j)>, affine_map<(b, h, w, i, j) -> (b, h, w, i)>, affine_map<(b, h, w, i, j) -> (b, h, w, i, j)>], iterator_types = ["parallel", "parallel", "parallel", "parallel", "parallel"]}
      ins(%s1, %rel : tensor<2x2x3x2x3xf32>, tensor<2x2x3x2xf32>) outs(%e5 : tensor<2x2x3x2x3xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %r = arith.addf %a, %b : f32
    linalg.yield %r : f32
  } -> tensor<2x2x3x2x3xf32>
  %s3 = tensor.collapse_shape %s2 [[0], [1, 2], [3, 4]] : tensor<2x2x3x2x3xf32> into tensor<2x6x6xf32>
  %p = linalg.softmax dimension(2) ins(%s3 : tensor<2x6x6xf32>) outs(%es : tensor<2x6x6xf32>) -> tensor<2x6x6xf32>
  %fo = linalg.fill ins(%zero : f32) outs(%eo : tensor<2x6x8xf32>) -> tensor<2x6x8xf32>
  %y = linalg.batch_matmul ins(%p, %v : tensor<2x6x6xf32>, tensor<2x6x8xf32>) outs(%fo : tensor<2x6x8xf32>) -> tensor<2x6x8xf32>
  return %y : tensor<2x6x8xf32>
}

// -----

// Values first: v * attn^T, channels before tokens; softmax through a
// transpose; a gate on the probabilities that is the same for all keys, which
// the output gets instead.

// CHECK-LABEL: func @channels_first
// CHECK: %[[A:.+]] = attn.attention query(%arg0 : tensor<2x8x6xf32>) keys(%arg1 : tensor<2x8x6xf32>) values(%arg2 : tensor<2x8x6xf32>) outs(
// CHECK-NOT: prob
// CHECK: %[[R:.+]] = linalg.generic {{.*}} ins(%[[A]], %arg3 : tensor<2x8x6xf32>, tensor<2xf32>)
// CHECK: arith.mulf
// CHECK: return %[[R]]
func.func @channels_first(%q: tensor<2x8x6xf32>, %k: tensor<2x8x6xf32>, %v: tensor<2x8x6xf32>, %gate: tensor<2xf32>) -> tensor<2x8x6xf32> {
  %zero = arith.constant 0.0 : f32
  %es = tensor.empty() : tensor<2x6x6xf32>
  %eo = tensor.empty() : tensor<2x8x6xf32>
  %fs = linalg.fill ins(%zero : f32) outs(%es : tensor<2x6x6xf32>) -> tensor<2x6x6xf32>
  // Rows are keys here.
  %s0 = linalg.generic {indexing_maps = [affine_map<(b, j, i, d) -> (b, d, j)>, affine_map<(b, j, i, d) -> (b, d, i)>, affine_map<(b, j, i, d) -> (b, j, i)>], iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
      ins(%k, %q : tensor<2x8x6xf32>, tensor<2x8x6xf32>) outs(%fs : tensor<2x6x6xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %m = arith.mulf %a, %b : f32
    %r = arith.addf %o, %m : f32
    linalg.yield %r : f32
  } -> tensor<2x6x6xf32>
  %t = linalg.transpose ins(%s0 : tensor<2x6x6xf32>) outs(%es : tensor<2x6x6xf32>) permutation = [0, 2, 1]
  %p = linalg.softmax dimension(2) ins(%t : tensor<2x6x6xf32>) outs(%es : tensor<2x6x6xf32>) -> tensor<2x6x6xf32>
  %g = linalg.generic {indexing_maps = [affine_map<(b, i, j) -> (b, i, j)>, affine_map<(b, i, j) -> (b)>, affine_map<(b, i, j) -> (b, i, j)>], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%p, %gate : tensor<2x6x6xf32>, tensor<2xf32>) outs(%es : tensor<2x6x6xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %r = arith.mulf %a, %b : f32
    linalg.yield %r : f32
  } -> tensor<2x6x6xf32>
  %pt = linalg.transpose ins(%g : tensor<2x6x6xf32>) outs(%es : tensor<2x6x6xf32>) permutation = [0, 2, 1]
  %fo = linalg.fill ins(%zero : f32) outs(%eo : tensor<2x8x6xf32>) -> tensor<2x8x6xf32>
  %y = linalg.batch_matmul ins(%v, %pt : tensor<2x8x6xf32>, tensor<2x6x6xf32>) outs(%fo : tensor<2x8x6xf32>) -> tensor<2x8x6xf32>
  return %y : tensor<2x8x6xf32>
}

// -----

// Where a size is broadcast against another that is only known at run time,
// the importer repeats the scores in a branch; the operands are repeated
// instead, which does nothing where they are large.

// CHECK-LABEL: func @repeated_at_run_time(
// CHECK: %[[R:.+]]:2 = scf.if %{{.+}} -> (tensor<?x6x8xf32>, tensor<?x8x6xf32>)
// CHECK: attn.attention query(%[[R]]#0 : tensor<?x6x8xf32>) keys(%[[R]]#1 : tensor<?x8x6xf32>)
// CHECK-NOT: linalg.softmax
// CHECK: return
func.func @repeated_at_run_time(%q: tensor<?x6x8xf32>, %k: tensor<?x8x6xf32>, %v: tensor<?x6x8xf32>) -> tensor<?x6x8xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant 0.0 : f32
  %b = tensor.dim %q, %c0 : tensor<?x6x8xf32>
  %d = tensor.dim %v, %c0 : tensor<?x6x8xf32>
  %es = tensor.empty(%b) : tensor<?x6x6xf32>
  %fs = linalg.fill ins(%zero : f32) outs(%es : tensor<?x6x6xf32>) -> tensor<?x6x6xf32>
  %s = linalg.batch_matmul ins(%q, %k : tensor<?x6x8xf32>, tensor<?x8x6xf32>) outs(%fs : tensor<?x6x6xf32>) -> tensor<?x6x6xf32>
  %p = linalg.softmax dimension(2) ins(%s : tensor<?x6x6xf32>) outs(%es : tensor<?x6x6xf32>) -> tensor<?x6x6xf32>
  %one = arith.cmpi eq, %b, %c1 : index
  %n = arith.select %one, %d, %b : index
  %differs = arith.cmpi ne, %b, %n : index
  %pr = scf.if %differs -> (tensor<?x6x6xf32>) {
    %e = tensor.empty(%n) : tensor<?x6x6xf32>
    %g = linalg.generic {indexing_maps = [affine_map<(i, j, k) -> (i, j, k)>], iterator_types = ["parallel", "parallel", "parallel"]} outs(%e : tensor<?x6x6xf32>) {
    ^bb0(%o: f32):
      %i = linalg.index 0 : index
      %j = linalg.index 1 : index
      %l = linalg.index 2 : index
      %at = arith.select %one, %c0, %i : index
      %x = tensor.extract %p[%at, %j, %l] : tensor<?x6x6xf32>
      linalg.yield %x : f32
    } -> tensor<?x6x6xf32>
    scf.yield %g : tensor<?x6x6xf32>
  } else {
    scf.yield %p : tensor<?x6x6xf32>
  }
  %eo = tensor.empty(%n) : tensor<?x6x8xf32>
  %fo = linalg.fill ins(%zero : f32) outs(%eo : tensor<?x6x8xf32>) -> tensor<?x6x8xf32>
  %y = linalg.batch_matmul ins(%pr, %v : tensor<?x6x6xf32>, tensor<?x6x8xf32>) outs(%fo : tensor<?x6x8xf32>) -> tensor<?x6x8xf32>
  return %y : tensor<?x6x8xf32>
}

// -----

// The model's own operator: transposes around it become maps.

// CHECK-DAG: #[[Q:.+]] = affine_map<(d0, d1, d2, d3, d4, d5) -> (d0, d2, d1, d4)>
// CHECK-DAG: #[[O:.+]] = affine_map<(d0, d1, d2, d3, d4, d5) -> (d0, d2, d1, d3)>
// CHECK-LABEL: func @operator(
// CHECK: %[[A:.+]] = attn.attention query(%arg0 : tensor<2x6x3x8xf32>)
// CHECK-SAME: indexing_maps = [#[[Q]], #{{.+}}, #{{.+}}, #[[O]]]
// CHECK: return %[[A]] : tensor<2x6x3x8xf32>
func.func @operator(%q0: tensor<2x6x3x8xf32>, %k: tensor<2x3x6x8xf32>, %v: tensor<2x3x6x8xf32>) -> tensor<2x6x3x8xf32> {
  %e = tensor.empty() : tensor<2x3x6x8xf32>
  %et = tensor.empty() : tensor<2x6x3x8xf32>
  %q = linalg.transpose ins(%q0 : tensor<2x6x3x8xf32>) outs(%e : tensor<2x3x6x8xf32>) permutation = [0, 2, 1, 3]
  %o = attn.attention query(%q : tensor<2x3x6x8xf32>) keys(%k : tensor<2x3x6x8xf32>) values(%v : tensor<2x3x6x8xf32>) outs(%e : tensor<2x3x6x8xf32>)
    {indexing_maps = [affine_map<(b, h, m, n, k1, k2) -> (b, h, m, k1)>, affine_map<(b, h, m, n, k1, k2) -> (b, h, k2, k1)>,
                      affine_map<(b, h, m, n, k1, k2) -> (b, h, k2, n)>, affine_map<(b, h, m, n, k1, k2) -> (b, h, m, n)>]} -> tensor<2x3x6x8xf32>
  %t = linalg.transpose ins(%o : tensor<2x3x6x8xf32>) outs(%et : tensor<2x6x3x8xf32>) permutation = [0, 2, 1, 3]
  return %t : tensor<2x6x3x8xf32>
}

// -----

// Probabilities that are kept in f16, and cleared there for rows without a key,
// are not rounded: the clearing moves behind the output.

// CHECK-LABEL: func @rounded_probabilities
// CHECK: %[[A:.+]] = attn.attention query(%arg0 : tensor<2x6x8xf16>)
// CHECK-NOT: prob
// CHECK-NOT: truncf
// CHECK: linalg.generic {{.*}} ins(%[[A]], %arg3 : tensor<2x6x8xf32>, tensor<6xi1>)
// CHECK: arith.select
// CHECK: return
func.func @rounded_probabilities(%q: tensor<2x6x8xf16>, %k: tensor<2x6x8xf16>, %v: tensor<2x6x8xf16>, %empty: tensor<6xi1>) -> tensor<2x6x8xf32> {
  %zero = arith.constant 0.0 : f32
  %zero16 = arith.constant 0.0 : f16
  %es = tensor.empty() : tensor<2x6x6xf32>
  %eh = tensor.empty() : tensor<2x6x6xf16>
  %eo = tensor.empty() : tensor<2x6x8xf32>
  %fs = linalg.fill ins(%zero : f32) outs(%es : tensor<2x6x6xf32>) -> tensor<2x6x6xf32>
  %s = linalg.generic {indexing_maps = [affine_map<(b, i, j, d) -> (b, i, d)>, affine_map<(b, i, j, d) -> (b, j, d)>, affine_map<(b, i, j, d) -> (b, i, j)>], iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
      ins(%q, %k : tensor<2x6x8xf16>, tensor<2x6x8xf16>) outs(%fs : tensor<2x6x6xf32>) {
  ^bb0(%a: f16, %b: f16, %o: f32):
    %x = arith.extf %a : f16 to f32
    %y = arith.extf %b : f16 to f32
    %m = arith.mulf %x, %y : f32
    %r = arith.addf %o, %m : f32
    linalg.yield %r : f32
  } -> tensor<2x6x6xf32>
  %p = linalg.softmax dimension(2) ins(%s : tensor<2x6x6xf32>) outs(%es : tensor<2x6x6xf32>) -> tensor<2x6x6xf32>
  %h = linalg.generic {indexing_maps = [affine_map<(b, i, j) -> (b, i, j)>, affine_map<(b, i, j) -> (b, i, j)>], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%p : tensor<2x6x6xf32>) outs(%eh : tensor<2x6x6xf16>) {
  ^bb0(%a: f32, %o: f16):
    %r = arith.truncf %a : f32 to f16
    linalg.yield %r : f16
  } -> tensor<2x6x6xf16>
  %c = linalg.generic {indexing_maps = [affine_map<(b, i, j) -> (i)>, affine_map<(b, i, j) -> (b, i, j)>, affine_map<(b, i, j) -> (b, i, j)>], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%empty, %h : tensor<6xi1>, tensor<2x6x6xf16>) outs(%eh : tensor<2x6x6xf16>) {
  ^bb0(%e: i1, %a: f16, %o: f16):
    %r = arith.select %e, %zero16, %a : f16
    linalg.yield %r : f16
  } -> tensor<2x6x6xf16>
  %fo = linalg.fill ins(%zero : f32) outs(%eo : tensor<2x6x8xf32>) -> tensor<2x6x8xf32>
  %y = linalg.generic {indexing_maps = [affine_map<(b, i, d, j) -> (b, i, j)>, affine_map<(b, i, d, j) -> (b, j, d)>, affine_map<(b, i, d, j) -> (b, i, d)>], iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
      ins(%c, %v : tensor<2x6x6xf16>, tensor<2x6x8xf16>) outs(%fo : tensor<2x6x8xf32>) {
  ^bb0(%a: f16, %b: f16, %o: f32):
    %x = arith.extf %a : f16 to f32
    %z = arith.extf %b : f16 to f32
    %m = arith.mulf %x, %z : f32
    %r = arith.addf %o, %m : f32
    linalg.yield %r : f32
  } -> tensor<2x6x8xf32>
  return %y : tensor<2x6x8xf32>
}
