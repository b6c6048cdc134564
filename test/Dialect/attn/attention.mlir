// RUN: fovea-opt %s | fovea-opt | FileCheck %s
// RUN: fovea-opt %s --mlir-print-op-generic | fovea-opt | FileCheck %s
// RUN: fovea-opt %s --emit-bytecode | fovea-opt | FileCheck %s

// CHECK-LABEL: @heads
// CHECK: attn.attention query(%{{.*}} : tensor<2x8x16x64xf32>) keys(%{{.*}} : tensor<2x8x24x64xf32>) values(%{{.*}} : tensor<2x8x24x32xf32>) outs(%{{.*}} : tensor<2x8x16x32xf32>)
// CHECK-SAME: mask = #attn.causal, scale = 1.250000e-01 : f64
// CHECK-SAME: -> tensor<2x8x16x32xf32>
func.func @heads(%q: tensor<2x8x16x64xf32>, %k: tensor<2x8x24x64xf32>, %v: tensor<2x8x24x32xf32>, %o: tensor<2x8x16x32xf32>) -> tensor<2x8x16x32xf32> {
  %r = attn.attention query(%q : tensor<2x8x16x64xf32>) keys(%k : tensor<2x8x24x64xf32>) values(%v : tensor<2x8x24x32xf32>)
    outs(%o : tensor<2x8x16x32xf32>)
    {indexing_maps = [affine_map<(b, h, m, n, k1, k2) -> (b, h, m, k1)>, affine_map<(b, h, m, n, k1, k2) -> (b, h, k2, k1)>,
                      affine_map<(b, h, m, n, k1, k2) -> (b, h, k2, n)>, affine_map<(b, h, m, n, k1, k2) -> (b, h, m, n)>],
     scale = 1.250000e-01 : f64, mask = #attn.causal} -> tensor<2x8x16x32xf32>
  return %r : tensor<2x8x16x32xf32>
}

// Grouped heads (dimension g is in query and output alone and comes before m), two sources of keys, a score region that
// reads a broadcast capture and a position, and two results.
// CHECK-LABEL: @grouped
// CHECK: captures(
// CHECK-SAME: score {
// CHECK: ^bb0(%[[S:.*]]: f32, %[[B:.*]]: f32, %{{.*}}: i64):
// CHECK: attn.index 3
// CHECK: attn.yield %{{.*}} : f32
// CHECK: empty_row = #attn<empty_row nan>
// CHECK-SAME: mask = #attn.and<#attn.window<left = 4, align = end>, #attn.padding<end = 1>>
// CHECK-SAME: result_kinds = [#attn<result output>, #attn<result lse>]
func.func @grouped(%q: tensor<1x2x?x4x16xf16>, %k: tensor<2x?x16xf16>, %v: tensor<2x?x16xf16>, %kn: tensor<2x8x16xf16>, %vn: tensor<2x8x16xf16>,
                   %bias: tensor<1x?x?xf32>, %len: tensor<i64>, %o: tensor<2x4x?x16xf16>, %l: tensor<2x4x?xf32>)
    -> (tensor<2x4x?x16xf16>, tensor<2x4x?xf32>) {
  %qs = tensor.collapse_shape %q [[0, 1], [2], [3], [4]] : tensor<1x2x?x4x16xf16> into tensor<2x?x4x16xf16>
  %r:2 = attn.attention query(%qs : tensor<2x?x4x16xf16>) keys(%k, %kn : tensor<2x?x16xf16>, tensor<2x8x16xf16>)
    values(%v, %vn : tensor<2x?x16xf16>, tensor<2x8x16xf16>) captures(%bias, %len : tensor<1x?x?xf32>, tensor<i64>)
    outs(%o, %l : tensor<2x4x?x16xf16>, tensor<2x4x?xf32>)
    score {
    ^bb0(%s: f32, %b: f32, %unused: i64):
      %j = attn.index 3
      %ji = arith.index_cast %j : index to i32
      %jf = arith.sitofp %ji : i32 to f32
      %t = arith.addf %s, %b : f32
      %u = arith.addf %t, %jf : f32
      attn.yield %u : f32
    }
    {indexing_maps = [affine_map<(h, g, m, k2, k1, n) -> (h, m, g, k1)>,
                      affine_map<(h, g, m, k2, k1, n) -> (h, k2, k1)>, affine_map<(h, g, m, k2, k1, n) -> (h, k2, k1)>,
                      affine_map<(h, g, m, k2, k1, n) -> (h, k2, n)>, affine_map<(h, g, m, k2, k1, n) -> (h, k2, n)>,
                      affine_map<(h, g, m, k2, k1, n) -> (0, m, k2)>, affine_map<(h, g, m, k2, k1, n) -> ()>,
                      affine_map<(h, g, m, k2, k1, n) -> (h, g, m, n)>, affine_map<(h, g, m, k2, k1, n) -> (h, g, m)>],
     empty_row = #attn<empty_row nan>, result_kinds = [#attn<result output>, #attn<result lse>],
     mask = #attn.and<#attn.window<left = 4, align = end>, #attn.padding<end = 1>>}
    -> tensor<2x4x?x16xf16>, tensor<2x4x?xf32>
  return %r#0, %r#1 : tensor<2x4x?x16xf16>, tensor<2x4x?xf32>
}
