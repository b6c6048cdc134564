// RUN: fovea-opt %s --fovea-split-readouts --canonicalize --split-input-file | FileCheck %s

#q = affine_map<(h, m, n, k1, k2) -> (h, m, k1)>
#k = affine_map<(h, m, n, k1, k2) -> (h, k2, k1)>
#v = affine_map<(h, m, n, k1, k2) -> (h, k2, n)>
#o = affine_map<(h, m, n, k1, k2) -> (h, m, n)>
#p = affine_map<(h, m, n, k1, k2) -> (h, m, k2)>
#b = affine_map<(h, m, n, k1, k2) -> (m, k2)>
#g = affine_map<(h, m, n, k1, k2) -> (h, k2)>

// The query and what varies over rows are sliced; the keys are not.
// CHECK-LABEL: @row
// CHECK: %[[O:.*]] = attn.attention query(%{{.*}} : tensor<2x40x4xf32>)
// CHECK-NOT: probabilities
// CHECK: %[[Q:.*]] = tensor.extract_slice %arg0[0, 3, 0] [2, 2, 4]
// CHECK: %[[B:.*]] = tensor.extract_slice %arg3[3, 0] [2, 7]
// CHECK: %[[R:.*]]:2 = attn.attention query(%[[Q]] : tensor<2x2x4xf32>) keys(%arg1 : tensor<2x7x4xf32>) values(%arg2 : tensor<2x7x3xf32>) captures(%[[B]], %arg4 : tensor<2x7xf32>, tensor<2x7xf32>)
// CHECK: %[[I:.*]] = attn.index 1
// CHECK: arith.addi %[[I]], %c3
// CHECK: %[[S:.*]] = tensor.extract_slice %[[R]]#1[1, 0, 1] [1, 2, 6]
// CHECK: return %[[O]], %[[S]]
func.func @row(%q: tensor<2x40x4xf32>, %k: tensor<2x7x4xf32>, %v: tensor<2x7x3xf32>, %bias: tensor<40x7xf32>, %gate: tensor<2x7xf32>) -> (tensor<2x40x3xf32>, tensor<2x6xf32>) {
  %o = tensor.empty() : tensor<2x40x3xf32>
  %p = tensor.empty() : tensor<2x40x7xf32>
  %r:2 = attn.attention query(%q : tensor<2x40x4xf32>) keys(%k : tensor<2x7x4xf32>) values(%v : tensor<2x7x3xf32>) captures(%bias, %gate : tensor<40x7xf32>, tensor<2x7xf32>)
    outs(%o, %p : tensor<2x40x3xf32>, tensor<2x40x7xf32>)
    score {
    ^bb0(%s: f32, %c: f32, %d: f32):
      %i = attn.index 1
      %j = arith.index_cast %i : index to i32
      %f = arith.sitofp %j : i32 to f32
      %x = arith.addf %s, %c : f32
      %y = arith.addf %x, %f : f32
      attn.yield %y : f32
    } prob {
    ^bb0(%s: f32, %c: f32, %d: f32):
      %x = arith.mulf %s, %d : f32
      attn.yield %x : f32
    }
    {indexing_maps = [#q, #k, #v, #b, #g, #o, #p], result_kinds = [#attn<result output>, #attn<result probabilities>]} -> tensor<2x40x3xf32>, tensor<2x40x7xf32>
  %s = tensor.extract_slice %r#1[1, 3, 1] [1, 2, 6] [1, 1, 1] : tensor<2x40x7xf32> to tensor<2x6xf32>
  return %r#0, %s : tensor<2x40x3xf32>, tensor<2x6xf32>
}

// -----

#q = affine_map<(h, m, n, k1, k2) -> (h, m, k1)>
#k = affine_map<(h, m, n, k1, k2) -> (h, k2, k1)>
#v = affine_map<(h, m, n, k1, k2) -> (h, k2, n)>
#o = affine_map<(h, m, n, k1, k2) -> (h, m, n)>
#p = affine_map<(h, m, n, k1, k2) -> (h, m, k2)>

// Most of the rows: they are stored once, and read.
// CHECK-LABEL: @most
// CHECK: attn.attention {{.*}}probabilities
// CHECK-NOT: attn.attention
func.func @most(%q: tensor<2x40x4xf32>, %k: tensor<2x7x4xf32>, %v: tensor<2x7x3xf32>) -> (tensor<2x40x3xf32>, tensor<2x39x7xf32>) {
  %o = tensor.empty() : tensor<2x40x3xf32>
  %p = tensor.empty() : tensor<2x40x7xf32>
  %r:2 = attn.attention query(%q : tensor<2x40x4xf32>) keys(%k : tensor<2x7x4xf32>) values(%v : tensor<2x7x3xf32>) outs(%o, %p : tensor<2x40x3xf32>, tensor<2x40x7xf32>)
    {indexing_maps = [#q, #k, #v, #o, #p], result_kinds = [#attn<result output>, #attn<result probabilities>]} -> tensor<2x40x3xf32>, tensor<2x40x7xf32>
  %s = tensor.extract_slice %r#1[0, 1, 0] [2, 39, 7] [1, 1, 1] : tensor<2x40x7xf32> to tensor<2x39x7xf32>
  return %r#0, %s : tensor<2x40x3xf32>, tensor<2x39x7xf32>
}
