// RUN: fovea-opt %s --pass-pipeline="builtin.module(func.func(fovea-tile-kernels,fovea-vectorize))" --split-input-file | FileCheck %s

// The accumulators of a contraction are carried by the loop as a vector, and
// the epilogue works on that vector.

#A = affine_map<(b, m, n, k) -> (b, m, k)>
#B = affine_map<(b, m, n, k) -> (b, k, n)>
#C = affine_map<(b, m, n, k) -> (b, m, n)>
// CHECK-LABEL: func.func private @contraction
// CHECK:         scf.forall
// CHECK:           %[[ACC:.*]] = scf.for {{.*}} iter_args(%{{.*}} = %{{.*}}) -> (vector<4x16xf32>)
// CHECK:             vector.contract {{.*}} : vector<4x1xf32>, vector<1x16xf32> into vector<4x16xf32>
// CHECK:           vector.transfer_write %[[ACC]]
func.func private @contraction(%x: tensor<2x4x7xf32>, %w: tensor<2x7x32xf32>, %out: tensor<2x4x32xf32>) -> tensor<2x4x32xf32> attributes {fovea.kernel} {
  %zero = arith.constant 0.0 : f32
  %f = linalg.fill ins(%zero : f32) outs(%out : tensor<2x4x32xf32>) -> tensor<2x4x32xf32>
  %m = linalg.generic {indexing_maps = [#A, #B, #C], iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<2x4x7xf32>, tensor<2x7x32xf32>) outs(%f : tensor<2x4x32xf32>)
      attrs = {attn.schedule = #attn.schedule<workgroup = [1, 0, 16, 0], register = [1, 4, 16, 0], reduction = [0, 0, 0, 1]>} {
  ^bb0(%a: f32, %c: f32, %o: f32):
    %p = arith.mulf %a, %c : f32
    %s = arith.addf %o, %p : f32
    linalg.yield %s : f32
  } -> tensor<2x4x32xf32>
  return %m : tensor<2x4x32xf32>
}

// -----

// What reads less than its whole operand keeps its loops: without them, the
// size of the operand would pass for theirs.

#in = affine_map<(i, k) -> (i * 2 + k)>
#tap = affine_map<(i, k) -> (k)>
#out = affine_map<(i, k) -> (i)>
// CHECK-LABEL: func.func private @window
// CHECK-NOT:     vector<2xf32>
// CHECK:         linalg.generic {{.*}} iterator_types = ["parallel", "reduction"]
func.func private @window(%x: tensor<2xf32>, %taps: tensor<1xf32>, %out: tensor<1xf32>) -> tensor<1xf32> attributes {fovea.kernel} {
  %m = linalg.generic {indexing_maps = [#in, #tap, #out], iterator_types = ["parallel", "reduction"]}
      ins(%x, %taps : tensor<2xf32>, tensor<1xf32>) outs(%out : tensor<1xf32>) {
  ^bb0(%a: f32, %t: f32, %o: f32):
    %s = arith.maximumf %o, %a : f32
    linalg.yield %s : f32
  } -> tensor<1xf32>
  return %m : tensor<1xf32>
}

// -----

// One step of a reduction: its loop must not become the last dimension of the
// vectors.

#row = affine_map<(i, j) -> (i)>
#step = affine_map<(i, j) -> (j)>
// CHECK-LABEL: func.func private @count
// CHECK:         scf.for {{.*}} -> (vector<48xi32>)
// CHECK-NOT:       vector<48x1x
// CHECK:           arith.cmpf olt, %{{.*}} : vector<48xf32>
func.func private @count(%x: tensor<48xf32>, %out: tensor<48xi32>) -> tensor<48xi32> attributes {fovea.kernel} {
  %zero = arith.constant 0 : i32
  %f = linalg.fill ins(%zero : i32) outs(%out : tensor<48xi32>) -> tensor<48xi32>
  %r = linalg.generic {indexing_maps = [#row, #step, #row], iterator_types = ["parallel", "reduction"]}
      ins(%x, %x : tensor<48xf32>, tensor<48xf32>) outs(%f : tensor<48xi32>)
      attrs = {attn.schedule = #attn.schedule<strip = 64, workgroup = [64, 0]>} {
  ^bb0(%a: f32, %b: f32, %o: i32):
    %c = arith.cmpf olt, %b, %a : f32
    %e = arith.extui %c : i1 to i32
    %s = arith.addi %o, %e : i32
    linalg.yield %s : i32
  } -> tensor<48xi32>
  return %r : tensor<48xi32>
}
