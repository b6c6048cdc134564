// RUN: fovea-opt %s --transform-interpreter --canonicalize --cse | FileCheck %s

// Two chunks of keys side by side, each with its own statistics, and a merge that scales them to the common maximum.
// CHECK-LABEL: @split
// CHECK: linalg.fill {{.*}} -> tensor<32x8x2xf32>
// CHECK: scf.forall (%{{.*}}) = (0) to (128) step (64)
// CHECK: attn.online query(%{{.*}} : tensor<32x16xf32>) key(%{{.*}} : tensor<64x16xf32>) value(%{{.*}} : tensor<64x8xf32>)
// CHECK: tensor.parallel_insert_slice
// CHECK: linalg.generic {{.*}} ins(%{{.*}} : tensor<32x2xf32>)
// CHECK: arith.maxnumf
// CHECK: math.exp2
// CHECK: linalg.generic {{.*}}"reduction"]} ins(%{{.*}} : tensor<32x8x2xf32>, tensor<32x2xf32>, tensor<32xf32>)
func.func @split(%q: tensor<32x16xf32>, %k: tensor<128x16xf32>, %v: tensor<128x8xf32>, %o: tensor<32x8xf32>, %m: tensor<32xf32>, %l: tensor<32xf32>)
    -> (tensor<32x8xf32>, tensor<32xf32>, tensor<32xf32>) {
  %r:3 = attn.online query(%q : tensor<32x16xf32>) key(%k : tensor<128x16xf32>) value(%v : tensor<128x8xf32>)
    outs(%o, %m, %l : tensor<32x8xf32>, tensor<32xf32>, tensor<32xf32>)
    {indexing_maps = [affine_map<(m, n, k1, k2) -> (m, k1)>, affine_map<(m, n, k1, k2) -> (k2, k1)>, affine_map<(m, n, k1, k2) -> (k2, n)>,
                      affine_map<(m, n, k1, k2) -> (m, n)>, affine_map<(m, n, k1, k2) -> (m)>, affine_map<(m, n, k1, k2) -> (m)>]}
    -> tensor<32x8xf32>, tensor<32xf32>, tensor<32xf32>
  return %r#0, %r#1, %r#2 : tensor<32x8xf32>, tensor<32xf32>, tensor<32xf32>
}
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%m: !transform.any_op {transform.readonly}) {
    %op = transform.structured.match ops{["attn.online"]} in %m : (!transform.any_op) -> !transform.any_op
    %a, %b, %c, %d, %e, %f, %g, %h, %i, %j = transform.structured.tile_reduction_using_forall %op by tile_sizes = [0, 0, 0, 64]
      : (!transform.any_op) -> (!transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op)
    transform.yield
  }
}
