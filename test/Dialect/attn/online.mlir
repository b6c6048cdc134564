// RUN: fovea-opt %s | fovea-opt | FileCheck %s
// RUN: fovea-opt %s --emit-bytecode | fovea-opt | FileCheck %s
// RUN: fovea-opt %s --transform-interpreter --canonicalize --cse --split-input-file | FileCheck %s --check-prefix=TILE

#q = affine_map<(m, n, k1, k2) -> (m, k1)>
#k = affine_map<(m, n, k1, k2) -> (k2, k1)>
#v = affine_map<(m, n, k1, k2) -> (k2, n)>
#o = affine_map<(m, n, k1, k2) -> (m, n)>
#m = affine_map<(m, n, k1, k2) -> (m)>
// CHECK-LABEL: @step
// CHECK: attn.online query(%{{.*}} : tensor<32x16xf32>) key(%{{.*}} : tensor<128x16xf32>) value(%{{.*}} : tensor<128x8xf32>)
// CHECK-SAME: outs(%{{.*}}, %{{.*}}, %{{.*}} : tensor<32x8xf32>, tensor<32xf32>, tensor<32xf32>) score {
// CHECK: attn.index 3
// CHECK: } {exponent_scale = 1.442695

// A loop over tiles of keys: the position in the region is that in the whole.
// TILE-LABEL: @step
// TILE: scf.for %[[J:.*]] = %c0{{.*}} to %c128{{.*}} step %c64
// TILE: attn.online query(%{{.*}} : tensor<32x16xf32>) key(%{{.*}} : tensor<64x16xf32>) value(%{{.*}} : tensor<64x8xf32>)
// TILE: %[[I:.*]] = attn.index 3
// TILE: arith.addi %[[I]], %[[J]]
func.func @step(%q: tensor<32x16xf32>, %k: tensor<128x16xf32>, %v: tensor<128x8xf32>, %o: tensor<32x8xf32>, %m: tensor<32xf32>, %l: tensor<32xf32>)
    -> (tensor<32x8xf32>, tensor<32xf32>, tensor<32xf32>) {
  %r:3 = attn.online query(%q : tensor<32x16xf32>) key(%k : tensor<128x16xf32>) value(%v : tensor<128x8xf32>)
    outs(%o, %m, %l : tensor<32x8xf32>, tensor<32xf32>, tensor<32xf32>)
    score {
    ^bb0(%s: f32):
      %j = attn.index 3
      %i = arith.index_cast %j : index to i32
      %f = arith.sitofp %i : i32 to f32
      %t = arith.addf %s, %f : f32
      attn.yield %t : f32
    }
    {indexing_maps = [#q, #k, #v, #o, #m, #m], exponent_scale = 1.4426950408889634 : f64} -> tensor<32x8xf32>, tensor<32xf32>, tensor<32xf32>
  return %r#0, %r#1, %r#2 : tensor<32x8xf32>, tensor<32xf32>, tensor<32xf32>
}
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%m: !transform.any_op {transform.readonly}) {
    %op = transform.structured.match ops{["attn.online"]} in %m : (!transform.any_op) -> !transform.any_op
    %t, %l = transform.structured.tile_using_for %op tile_sizes [0, 0, 0, 64] : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    transform.yield
  }
}
