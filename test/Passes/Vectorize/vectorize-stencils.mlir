// RUN: fovea-opt %s --pass-pipeline="builtin.module(func.func(fovea-vectorize-stencils))" --split-input-file | FileCheck %s

// Each row has a vector; taps are written out, and each multiplies and adds.

#in = affine_map<(r, l, i, j) -> (r + i, l + j)>
#tap = affine_map<(r, l, i, j) -> (i, j)>
#out = affine_map<(r, l, i, j) -> (r, l)>
// CHECK-LABEL: func.func private @depthwise
// CHECK-NOT:     scf.for
// CHECK-COUNT-12: vector.fma {{.*}} : vector<16xf32>
// CHECK-NOT:     vector.fma
// CHECK:         vector.transfer_write %{{.*}} : vector<2x16xf32>, tensor<2x16xf32>
func.func private @depthwise(%x: tensor<3x18xf32>, %w: tensor<2x3xf32>, %out: tensor<2x16xf32>) -> tensor<2x16xf32> attributes {fovea.kernel} {
  %zero = arith.constant 0.0 : f32
  %f = linalg.fill ins(%zero : f32) outs(%out : tensor<2x16xf32>) -> tensor<2x16xf32>
  %m = linalg.generic {indexing_maps = [#in, #tap, #out], iterator_types = ["parallel", "parallel", "reduction", "reduction"]}
      ins(%x, %w : tensor<3x18xf32>, tensor<2x3xf32>) outs(%f : tensor<2x16xf32>) {
  ^bb0(%a: f32, %c: f32, %o: f32):
    %p = arith.mulf %a, %c : f32
    %s = arith.addf %o, %p : f32
    linalg.yield %s : f32
  } -> tensor<2x16xf32>
  return %m : tensor<2x16xf32>
}

// -----

// Channels, which are many, are looped over. A stride between lanes reads
// whole vectors; what lies beyond the end is masked.

#in = affine_map<(l, c, j) -> (c, l * 2 + j)>
#tap = affine_map<(l, c, j) -> (c, j)>
#out = affine_map<(l, c, j) -> (l)>
// CHECK-LABEL: func.func private @strided
// CHECK:         scf.for %{{.*}} = %c0{{.*}} to %c200{{.*}} iter_args(%{{.*}} = %{{.*}}) -> (vector<8xf32>)
// CHECK:           vector.transfer_read %{{.*}} {in_bounds = [true]} : tensor<200x17xf32>, vector<16xf32>
// CHECK:           vector.shuffle %{{.*}} [0, 2, 4, 6, 8, 10, 12, 14] : vector<16xf32>, vector<16xf32>
// CHECK:           vector.transfer_read %{{.*}} {in_bounds = [true]} : tensor<200x17xf32>, vector<16xf32>
// CHECK:           vector.transfer_read %{{[a-z0-9]*}}[%{{[a-z0-9]*}}, %{{[a-z0-9_]*}}], %{{[a-z0-9_]*}} : tensor<200x17xf32>, vector<16xf32>
func.func private @strided(%x: tensor<200x17xf32>, %w: tensor<200x3xf32>, %out: tensor<8xf32>) -> tensor<8xf32> attributes {fovea.kernel} {
  %m = linalg.generic {indexing_maps = [#in, #tap, #out], iterator_types = ["parallel", "reduction", "reduction"]}
      ins(%x, %w : tensor<200x17xf32>, tensor<200x3xf32>) outs(%out : tensor<8xf32>) {
  ^bb0(%a: f32, %c: f32, %o: f32):
    %p = arith.mulf %a, %c : f32
    %s = arith.addf %o, %p : f32
    linalg.yield %s : f32
  } -> tensor<8xf32>
  return %m : tensor<8xf32>
}

// -----

// Maxima keep NaN, and need no order of the zeros.

#in = affine_map<(l, j) -> (l + j)>
#tap = affine_map<(l, j) -> (j)>
#out = affine_map<(l, j) -> (l)>
// CHECK-LABEL: func.func private @maximum
// CHECK-NOT:     arith.maximumf
// CHECK:         %[[X:[a-z0-9_]+]] = vector.transfer_read %{{.*}} : tensor<17xf32>
// CHECK:         arith.cmpf ogt, %[[X]], %[[ACC:.*]] :
// CHECK:         arith.cmpf uno, %[[X]], %[[X]] :
func.func private @maximum(%x: tensor<17xf32>, %w: tensor<2xf32>, %out: tensor<16xf32>) -> tensor<16xf32> attributes {fovea.kernel} {
  %m = linalg.generic {indexing_maps = [#in, #tap, #out], iterator_types = ["parallel", "reduction"]}
      ins(%x, %w : tensor<17xf32>, tensor<2xf32>) outs(%out : tensor<16xf32>) {
  ^bb0(%a: f32, %c: f32, %o: f32):
    %s = arith.maximumf %o, %a : f32
    linalg.yield %s : f32
  } -> tensor<16xf32>
  return %m : tensor<16xf32>
}

// -----

// What no vector form is known of stays as it is: sizes at run time, positions
// in the scalar code, lanes across the memory.

#in = affine_map<(l, j) -> (l + j)>
#across = affine_map<(l, j) -> (l + j, j)>
#tap = affine_map<(l, j) -> (j)>
#out = affine_map<(l, j) -> (l)>
// CHECK-LABEL: func.func private @others
// CHECK-COUNT-3: linalg.generic
func.func private @others(%x: tensor<?xf32>, %y: tensor<17xf32>, %z: tensor<17x2xf32>, %w: tensor<2xf32>, %e: tensor<?xf32>, %f: tensor<16xf32>)
    -> (tensor<?xf32>, tensor<16xf32>, tensor<16xf32>) attributes {fovea.kernel} {
  %0 = linalg.generic {indexing_maps = [#in, #tap, #out], iterator_types = ["parallel", "reduction"]}
      ins(%x, %w : tensor<?xf32>, tensor<2xf32>) outs(%e : tensor<?xf32>) {
  ^bb0(%a: f32, %c: f32, %o: f32):
    %s = arith.addf %o, %a : f32
    linalg.yield %s : f32
  } -> tensor<?xf32>
  %1 = linalg.generic {indexing_maps = [#in, #tap, #out], iterator_types = ["parallel", "reduction"]}
      ins(%y, %w : tensor<17xf32>, tensor<2xf32>) outs(%f : tensor<16xf32>) {
  ^bb0(%a: f32, %c: f32, %o: f32):
    %i = linalg.index 0 : index
    %n = arith.index_cast %i : index to i32
    %g = arith.sitofp %n : i32 to f32
    %s = arith.addf %g, %a : f32
    linalg.yield %s : f32
  } -> tensor<16xf32>
  %2 = linalg.generic {indexing_maps = [#across, #tap, #out], iterator_types = ["parallel", "reduction"]}
      ins(%z, %w : tensor<17x2xf32>, tensor<2xf32>) outs(%f : tensor<16xf32>) {
  ^bb0(%a: f32, %c: f32, %o: f32):
    %s = arith.addf %o, %a : f32
    linalg.yield %s : f32
  } -> tensor<16xf32>
  return %0, %1, %2 : tensor<?xf32>, tensor<16xf32>, tensor<16xf32>
}
