// RUN: fovea-opt %s --attn-lower-rows --canonicalize --split-input-file | FileCheck %s

#q = affine_map<(m, n, k1, k2) -> (m, k1)>
#k = affine_map<(m, n, k1, k2) -> (k2, k1)>
#v = affine_map<(m, n, k1, k2) -> (k2, n)>
#p = affine_map<(m, n, k1, k2) -> (m, k2)>
#o = affine_map<(m, n, k1, k2) -> (m, n)>
#schedule = #attn.schedule<workgroup = [32], reduction = [32], register = [8, 8], lanes = 16>

// CHECK-LABEL: @gate
// Scores of 8 keys and all rows, and their maximum.
// CHECK: scf.for %{{.*}} = %c0{{.*}} to %c64{{.*}} step %c32
// CHECK: scf.for %{{.*}} = %c0{{.*}} to %c32{{.*}} step %c8
// CHECK: linalg.generic {{.*}} ins(%{{.*}} : tensor<8x1xf32>, tensor<1x32xf32>) outs(%{{.*}} : tensor<8x32xf32>)
// CHECK: arith.maxnumf
// Powers in their place, summed, and the factor of each row.
// CHECK: math.exp2
// CHECK: arith.addf
// CHECK: arith.divf
// The gate, 32 keys of it at a time, with the rows innermost.
// CHECK: linalg.generic {{.*}} ins(%{{.*}} : tensor<16x16xf32>) outs(%{{.*}} : tensor<16x16xf32>)
// CHECK: linalg.generic {{.*}} ins(%{{.*}}, %{{.*}} : tensor<4x32xf32>, tensor<32xf32>) outs(%{{.*}} : tensor<4x32xf32>)
// CHECK: arith.mulf
// CHECK: arith.mulf
// The output, without a division at the end, and the transposed probabilities.
// CHECK: linalg.generic {{.*}} ins(%{{.*}} : tensor<1x8xf32>, tensor<1x32xf32>) outs(%{{.*}} : tensor<8x32xf32>)
// CHECK: linalg.generic {{.*}} ins(%{{.*}} : tensor<16x16xf32>) outs(%{{.*}} : tensor<16x16xf32>)
// CHECK-NOT: attn.attention
func.func @gate(%q: tensor<32x24xf32>, %k: tensor<64x24xf32>, %v: tensor<64x16xf32>, %g: tensor<32x64xf32>, %o: tensor<32x16xf32>, %p: tensor<32x64xf32>)
    -> (tensor<32x16xf32>, tensor<32x64xf32>) {
  %r:2 = attn.attention query(%q : tensor<32x24xf32>) keys(%k : tensor<64x24xf32>) values(%v : tensor<64x16xf32>) captures(%g : tensor<32x64xf32>)
    outs(%o, %p : tensor<32x16xf32>, tensor<32x64xf32>)
    prob {
    ^bb0(%s: f32, %f: f32):
      %x = arith.mulf %s, %f : f32
      attn.yield %x : f32
    }
    {indexing_maps = [#q, #k, #v, #p, #o, #p], result_kinds = [#attn<result output>, #attn<result probabilities>], attn.schedule = #schedule}
    -> tensor<32x16xf32>, tensor<32x64xf32>
  return %r#0, %r#1 : tensor<32x16xf32>, tensor<32x64xf32>
}

// -----

#q = affine_map<(m, n, k1, k2) -> (m, k1)>
#k = affine_map<(m, n, k1, k2) -> (k2, k1)>
#v = affine_map<(m, n, k1, k2) -> (k2, n)>
#o = affine_map<(m, n, k1, k2) -> (m, n)>
#schedule = #attn.schedule<workgroup = [32], reduction = [32], register = [8, 8], lanes = 16>

// No softmax, no statistics.
// CHECK-LABEL: @sigmoid
// CHECK-NOT: arith.maxnumf
// CHECK: math.exp2
// CHECK-NEXT: arith.addf
// CHECK-NEXT: arith.divf
// CHECK-NOT: attn.attention
func.func @sigmoid(%q: tensor<32x24xf32>, %k: tensor<64x24xf32>, %v: tensor<64x16xf32>, %o: tensor<32x16xf32>) -> tensor<32x16xf32> {
  %r = attn.attention query(%q : tensor<32x24xf32>) keys(%k : tensor<64x24xf32>) values(%v : tensor<64x16xf32>) outs(%o : tensor<32x16xf32>)
    {indexing_maps = [#q, #k, #v, #o], normalizer = #attn<normalizer sigmoid>, attn.schedule = #schedule} -> tensor<32x16xf32>
  return %r : tensor<32x16xf32>
}

// -----

#q = affine_map<(m, n, k1, k2) -> (m, k1)>
#k = affine_map<(m, n, k1, k2) -> (k2, k1)>
#v = affine_map<(m, n, k1, k2) -> (k2, n)>
#o = affine_map<(m, n, k1, k2) -> (m, n)>
#schedule = #attn.schedule<workgroup = [32], reduction = [32], register = [8, 8], lanes = 16>

// Rows that do not fill vectors, and sizes known only at run time, are not for this pass.
// CHECK-LABEL: @others
// CHECK: attn.attention
// CHECK: attn.attention
func.func @others(%q: tensor<5x24xf32>, %k: tensor<?x24xf32>, %v: tensor<?x16xf32>, %o: tensor<5x16xf32>, %l: tensor<32x24xf32>, %m: tensor<32x16xf32>)
    -> (tensor<5x16xf32>, tensor<32x16xf32>) {
  %r = attn.attention query(%q : tensor<5x24xf32>) keys(%k : tensor<?x24xf32>) values(%v : tensor<?x16xf32>) outs(%o : tensor<5x16xf32>)
    {indexing_maps = [#q, #k, #v, #o], attn.schedule = #schedule} -> tensor<5x16xf32>
  %s = attn.attention query(%l : tensor<32x24xf32>) keys(%k : tensor<?x24xf32>) values(%v : tensor<?x16xf32>) outs(%m : tensor<32x16xf32>)
    {indexing_maps = [#q, #k, #v, #o], attn.schedule = #schedule} -> tensor<32x16xf32>
  return %r, %s : tensor<5x16xf32>, tensor<32x16xf32>
}
