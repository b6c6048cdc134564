// RUN: fovea-opt %s --attn-decompose=matrix-only | FileCheck %s

#q = affine_map<(h, m, n, k1, k2) -> (h, m, k1)>
#k = affine_map<(h, m, n, k1, k2) -> (h, k2, k1)>
#v = affine_map<(h, m, n, k1, k2) -> (h, k2, n)>
#o = affine_map<(h, m, n, k1, k2) -> (h, m, n)>
#p = affine_map<(h, m, n, k1, k2) -> (h, m, k2)>

// CHECK-LABEL: @online
// CHECK: attn.attention
func.func @online(%q: tensor<2x5x4xf32>, %k: tensor<2x?x4xf32>, %v: tensor<2x?x3xf32>, %o: tensor<2x5x3xf32>) -> tensor<2x5x3xf32> {
  %r = attn.attention query(%q : tensor<2x5x4xf32>) keys(%k : tensor<2x?x4xf32>) values(%v : tensor<2x?x3xf32>) outs(%o : tensor<2x5x3xf32>)
    {indexing_maps = [#q, #k, #v, #o]} -> tensor<2x5x3xf32>
  return %r : tensor<2x5x3xf32>
}

// CHECK-LABEL: @rows
// CHECK: attn.attention
func.func @rows(%q: tensor<2x16x4xf32>, %k: tensor<2x7x4xf32>, %v: tensor<2x7x3xf32>, %o: tensor<2x16x3xf32>, %p: tensor<2x16x7xf32>) -> (tensor<2x16x3xf32>, tensor<2x16x7xf32>) {
  %r:2 = attn.attention query(%q : tensor<2x16x4xf32>) keys(%k : tensor<2x7x4xf32>) values(%v : tensor<2x7x3xf32>) outs(%o, %p : tensor<2x16x3xf32>, tensor<2x16x7xf32>)
    {indexing_maps = [#q, #k, #v, #o, #p], result_kinds = [#attn<result output>, #attn<result probabilities>]} -> tensor<2x16x3xf32>, tensor<2x16x7xf32>
  return %r#0, %r#1 : tensor<2x16x3xf32>, tensor<2x16x7xf32>
}

// Too few rows for a vector, and a number of keys that is known only at run time.
// CHECK-LABEL: @matrix
// CHECK-NOT: attn.attention
func.func @matrix(%q: tensor<2x5x4xf32>, %k: tensor<2x7x4xf32>, %v: tensor<2x7x3xf32>, %o: tensor<2x5x3xf32>, %p: tensor<2x5x7xf32>, %l: tensor<2x?x4xf32>, %w: tensor<2x?x3xf32>, %x: tensor<2x16x4xf32>, %y: tensor<2x16x3xf32>)
    -> (tensor<2x5x3xf32>, tensor<2x5x7xf32>, tensor<2x16x3xf32>) {
  %r:2 = attn.attention query(%q : tensor<2x5x4xf32>) keys(%k : tensor<2x7x4xf32>) values(%v : tensor<2x7x3xf32>) outs(%o, %p : tensor<2x5x3xf32>, tensor<2x5x7xf32>)
    {indexing_maps = [#q, #k, #v, #o, #p], result_kinds = [#attn<result output>, #attn<result probabilities>]} -> tensor<2x5x3xf32>, tensor<2x5x7xf32>
  %s = attn.attention query(%x : tensor<2x16x4xf32>) keys(%l : tensor<2x?x4xf32>) values(%w : tensor<2x?x3xf32>) outs(%y : tensor<2x16x3xf32>)
    {indexing_maps = [#q, #k, #v, #o], normalizer = #attn<normalizer sigmoid>} -> tensor<2x16x3xf32>
  return %r#0, %r#1, %s : tensor<2x5x3xf32>, tensor<2x5x7xf32>, tensor<2x16x3xf32>
}
