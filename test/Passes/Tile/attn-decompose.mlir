// RUN: fovea-opt %s --attn-decompose --split-input-file | FileCheck %s

#q = affine_map<(h, m, n, k1, k2) -> (h, m, k1)>
#k = affine_map<(h, m, n, k1, k2) -> (h, k2, k1)>
#v = affine_map<(h, m, n, k1, k2) -> (h, k2, n)>
#o = affine_map<(h, m, n, k1, k2) -> (h, m, n)>

// CHECK-LABEL: @causal
// CHECK-NOT: attn.attention
// The contraction of query and key.
// CHECK: linalg.generic {{.*}}"reduction"]} ins(%{{.*}} : tensor<2x5x4xf32>, tensor<2x7x4xf32>)
// CHECK: arith.mulf
// CHECK: arith.addf
// Scale and mask.
// CHECK: %[[S:.*]] = linalg.generic {{.*}} outs(%{{.*}} : tensor<2x5x7xf32>)
// CHECK: arith.mulf
// CHECK: arith.cmpi sle
// CHECK: arith.select
// Row maximum and row sum.
// CHECK: linalg.generic
// CHECK: arith.maxnumf
// CHECK: linalg.generic
// CHECK: math.exp
// Probabilities, and their contraction with the value.
// CHECK: linalg.generic
// CHECK: math.exp
// CHECK: arith.divf
// CHECK: linalg.generic {{.*}}ins(%{{.*}} : tensor<2x5x7xf32>, tensor<2x7x3xf32>)
func.func @causal(%q: tensor<2x5x4xf32>, %k: tensor<2x7x4xf32>, %v: tensor<2x7x3xf32>, %o: tensor<2x5x3xf32>) -> tensor<2x5x3xf32> {
  %r = attn.attention query(%q : tensor<2x5x4xf32>) keys(%k : tensor<2x7x4xf32>) values(%v : tensor<2x7x3xf32>) outs(%o : tensor<2x5x3xf32>)
    {indexing_maps = [#q, #k, #v, #o], scale = 0.5 : f64, mask = #attn.causal<align = end>} -> tensor<2x5x3xf32>
  return %r : tensor<2x5x3xf32>
}

// -----

#q = affine_map<(h, m, n, k1, k2) -> (h, m, k1)>
#k = affine_map<(h, m, n, k1, k2) -> (h, k2, k1)>
#v = affine_map<(h, m, n, k1, k2) -> (h, k2, n)>
#o = affine_map<(h, m, n, k1, k2) -> (h, m, n)>
#p = affine_map<(h, m, n, k1, k2) -> (h, m, k2)>

// Two sources: their scores lie side by side; no softmax, so no statistics; the probabilities are a result.
// CHECK-LABEL: @sources
// CHECK: tensor.extract_slice %{{.*}}[0, 0, 0] [2, 5, 7]
// CHECK: tensor.insert_slice %{{.*}}[0, 0, 0] [2, 5, 7]
// CHECK: tensor.extract_slice %{{.*}}[0, 0, 7] [2, 5, 2]
// CHECK: tensor.insert_slice %{{.*}}[0, 0, 7] [2, 5, 2]
// CHECK-NOT: arith.maxnumf
// CHECK: arith.negf
// CHECK: arith.truncf %{{.*}} : f32 to f16
func.func @sources(%q: tensor<2x5x4xf16>, %k: tensor<2x7x4xf16>, %v: tensor<2x7x3xf16>, %k1: tensor<2x2x4xf16>, %v1: tensor<2x2x3xf16>,
                   %o: tensor<2x5x3xf16>, %p: tensor<2x5x9xf32>) -> (tensor<2x5x3xf16>, tensor<2x5x9xf32>) {
  %r:2 = attn.attention query(%q : tensor<2x5x4xf16>) keys(%k, %k1 : tensor<2x7x4xf16>, tensor<2x2x4xf16>)
    values(%v, %v1 : tensor<2x7x3xf16>, tensor<2x2x3xf16>) outs(%o, %p : tensor<2x5x3xf16>, tensor<2x5x9xf32>)
    {indexing_maps = [#q, #k, #k, #v, #v, #o, #p], normalizer = #attn<normalizer sigmoid>,
     result_kinds = [#attn<result output>, #attn<result probabilities>]} -> tensor<2x5x3xf16>, tensor<2x5x9xf32>
  return %r#0, %r#1 : tensor<2x5x3xf16>, tensor<2x5x9xf32>
}
