// RUN: fovea-opt %s --fovea-tile-kernels --split-input-file | FileCheck %s

// A contraction with its epilogue: parallel column panels, balanced row tiles
// (13 rows in tiles of at most 5 are 5 + 4 + 4), and one step of the reduction
// at a time.

#A = affine_map<(m, n, k) -> (m, k)>
#B = affine_map<(m, n, k) -> (k, n)>
#C = affine_map<(m, n, k) -> (m, n)>
#o = affine_map<(m, n) -> (m, n)>
#b = affine_map<(m, n) -> (n)>
// CHECK-LABEL: func.func private @contraction
// CHECK:         scf.forall (%{{.*}}) = (0) to (32) step (16) shared_outs
// CHECK:             linalg.fill {{.*}} tensor<5x16xf32>
// CHECK:             scf.for %{{.*}} = %c0 to %c7 step %c1
// CHECK:               linalg.generic {{.*}} ins(%{{.*}}, %{{.*}} : tensor<5x1xf32>, tensor<1x16xf32>)
// CHECK:             linalg.generic {{.*}} tensor<16xf32>) outs({{.*}} : tensor<5x16xf32>)
// CHECK:           scf.for %{{.*}} = %c5 to %c13 step %c4
// CHECK:             linalg.fill {{.*}} tensor<4x16xf32>
// CHECK:         scf.forall.in_parallel
func.func private @contraction(%x: tensor<13x7xf32>, %w: tensor<7x32xf32>, %bias: tensor<32xf32>, %out: tensor<13x32xf32>) -> tensor<13x32xf32> attributes {fovea.kernel} {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<13x32xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<13x32xf32>) -> tensor<13x32xf32>
  %m = linalg.generic {indexing_maps = [#A, #B, #C], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<13x7xf32>, tensor<7x32xf32>) outs(%f : tensor<13x32xf32>)
      attrs = {attn.schedule = #attn.schedule<workgroup = [0, 16, 0], register = [5, 16, 0], reduction = [0, 0, 1], columns = 1>} {
  ^bb0(%a: f32, %c: f32, %o: f32):
    %p = arith.mulf %a, %c : f32
    %s = arith.addf %o, %p : f32
    linalg.yield %s : f32
  } -> tensor<13x32xf32>
  %r = linalg.generic {indexing_maps = [#o, #b, #o], iterator_types = ["parallel", "parallel"]}
      ins(%m, %bias : tensor<13x32xf32>, tensor<32xf32>) outs(%out : tensor<13x32xf32>) {
  ^bb0(%a: f32, %c: f32, %o: f32):
    %s = arith.addf %a, %c : f32
    linalg.yield %s : f32
  } -> tensor<13x32xf32>
  return %r : tensor<13x32xf32>
}

// -----

// A remainder of the parallel loop has a loop of its own.

#id = affine_map<(i) -> (i)>
// CHECK-LABEL: func.func private @remainder
// CHECK:         scf.forall (%{{.*}}) = (0) to (96) step (32)
// CHECK:           linalg.generic {{.*}} tensor<32xf32>
// CHECK:         linalg.generic {{.*}} tensor<4xf32>
func.func private @remainder(%x: tensor<100xf32>, %out: tensor<100xf32>) -> tensor<100xf32> attributes {fovea.kernel} {
  %r = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]}
      ins(%x : tensor<100xf32>) outs(%out : tensor<100xf32>)
      attrs = {attn.schedule = #attn.schedule<workgroup = [32]>} {
  ^bb0(%a: f32, %o: f32):
    %n = arith.negf %a : f32
    linalg.yield %n : f32
  } -> tensor<100xf32>
  return %r : tensor<100xf32>
}

// -----

// Of a run-time extent, what does not fill a tile is done in quarters of one, and
// the rest one by one.

#id = affine_map<(i) -> (i)>
// CHECK-DAG: #[[FLOOR:.*]] = affine_map<()[s0] -> ((s0 floordiv 32) * 32)>
// CHECK-DAG: #[[QUARTER:.*]] = affine_map<()[s0] -> ((s0 floordiv 8) * 8)>
// CHECK-LABEL: func.func private @dynamic
// CHECK:         %[[D:.*]] = tensor.dim
// CHECK:         %[[E:.*]] = affine.apply #[[FLOOR]]()[%[[D]]]
// CHECK:         %[[Q:.*]] = affine.apply #[[QUARTER]]()[%[[D]]]
// CHECK:         scf.forall (%{{.*}}) = (0) to (%[[E]]) step (32)
// CHECK:           linalg.generic {{.*}} tensor<32xf32>
// CHECK:         scf.forall (%{{.*}}) = (%[[E]]) to (%[[Q]]) step (8)
// CHECK:           linalg.generic {{.*}} tensor<8xf32>
// CHECK:         scf.forall (%{{.*}}) = (%[[Q]]) to (%[[D]]) step (1)
// CHECK:           linalg.generic {{.*}} tensor<1xf32>
func.func private @dynamic(%x: tensor<?xf32>, %out: tensor<?xf32>) -> tensor<?xf32> attributes {fovea.kernel} {
  %r = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]}
      ins(%x : tensor<?xf32>) outs(%out : tensor<?xf32>)
      attrs = {attn.schedule = #attn.schedule<workgroup = [32]>} {
  ^bb0(%a: f32, %o: f32):
    %n = arith.negf %a : f32
    linalg.yield %n : f32
  } -> tensor<?xf32>
  return %r : tensor<?xf32>
}

// -----

// A row statistic and what uses it: one row at a time, each operation cut into
// strips; the sum keeps one partial result per lane.

#m2 = affine_map<(i, j) -> (i, j)>
#m1 = affine_map<(i, j) -> (i)>
// CHECK-LABEL: func.func private @rows
// CHECK:         scf.forall (%{{.*}}) in (3)
// CHECK:           scf.for %{{.*}} = %c0 to %c64 step %c16 iter_args({{.*}}) -> (tensor<1x16xf32>)
// CHECK:             linalg.generic
// CHECK:           linalg.reduce
// CHECK:           linalg.generic {{.*}} tensor<1x6xf32>
// CHECK:           scf.for %{{.*}} = %c0 to %c64 step %c16
// CHECK:             arith.divf
func.func private @rows(%x: tensor<3x70xf32>, %out: tensor<3x70xf32>) -> tensor<3x70xf32> attributes {fovea.kernel} {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<3xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<3xf32>) -> tensor<3xf32>
  %s = linalg.generic {indexing_maps = [#m2, #m1], iterator_types = ["parallel", "reduction"]}
      ins(%x : tensor<3x70xf32>) outs(%f : tensor<3xf32>) {
  ^bb0(%a: f32, %o: f32):
    %n = arith.addf %a, %o : f32
    linalg.yield %n : f32
  } -> tensor<3xf32>
  %r = linalg.generic {indexing_maps = [#m2, #m1, #m2], iterator_types = ["parallel", "parallel"]}
      ins(%x, %s : tensor<3x70xf32>, tensor<3xf32>) outs(%out : tensor<3x70xf32>)
      attrs = {attn.schedule = #attn.schedule<workgroup = [1, 0], strip = 16>} {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %n = arith.divf %a, %b : f32
    linalg.yield %n : f32
  } -> tensor<3x70xf32>
  return %r : tensor<3x70xf32>
}

// -----

// A scalar that is itself a slice is read as it is by every tile.
#rows = affine_map<(d0, d1) -> (d0, d1)>
#scalar = affine_map<(d0, d1) -> ()>
// CHECK-LABEL: func.func private @sliced_scalar
// CHECK:         %[[SCALAR:.*]] = tensor.extract_slice %{{.*}}[1] [1] [1] : tensor<2xf32> to tensor<f32>
// CHECK:         scf.forall
// CHECK:           linalg.generic {{.*}} ins(%[[SCALAR]] : tensor<f32>)
func.func private @sliced_scalar(%x: tensor<2xf32>, %out: tensor<4x8xf32>) -> tensor<4x8xf32> attributes {fovea.kernel} {
  %e = tensor.extract_slice %x[1] [1] [1] : tensor<2xf32> to tensor<f32>
  %0 = linalg.generic {indexing_maps = [#scalar, #rows], iterator_types = ["parallel", "parallel"]}
      ins(%e : tensor<f32>) outs(%out : tensor<4x8xf32>)
      attrs = {attn.schedule = #attn.schedule<workgroup = [1, 8], register = [1, 8]>} {
  ^bb0(%a: f32, %o: f32):
    linalg.yield %a : f32
  } -> tensor<4x8xf32>
  return %0 : tensor<4x8xf32>
}

// -----

// Blocks of a reduction start from zero and are added up.

#A = affine_map<(m, n, k) -> (m, k)>
#B = affine_map<(m, n, k) -> (k, n)>
#C = affine_map<(m, n, k) -> (m, n)>
// CHECK-LABEL: func.func private @blocks
// CHECK:         scf.for %{{.*}} = %c0 to %c64 step %c16 iter_args(%[[SUM:.*]] = %{{.*}}) -> (tensor<4x8xf32>)
// CHECK:           %[[PART:.*]] = scf.for %{{.*}} = %c0 to %c16 step %c1
// CHECK:           linalg.generic {{.*}} ins(%[[PART]] : tensor<4x8xf32>) outs(%[[SUM]] : tensor<4x8xf32>)
func.func private @blocks(%x: tensor<4x64xf32>, %w: tensor<64x8xf32>, %out: tensor<4x8xf32>) -> tensor<4x8xf32> attributes {fovea.kernel} {
  %zero = arith.constant 0.0 : f32
  %f = linalg.fill ins(%zero : f32) outs(%out : tensor<4x8xf32>) -> tensor<4x8xf32>
  %m = linalg.generic {indexing_maps = [#A, #B, #C], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<4x64xf32>, tensor<64x8xf32>) outs(%f : tensor<4x8xf32>)
      attrs = {attn.schedule = #attn.schedule<workgroup = [0, 8, 0], register = [4, 8, 0], reduction = [0, 0, 1], block = 16, columns = 1>} {
  ^bb0(%a: f32, %c: f32, %o: f32):
    %p = arith.mulf %a, %c : f32
    %s = arith.addf %o, %p : f32
    linalg.yield %s : f32
  } -> tensor<4x8xf32>
  return %m : tensor<4x8xf32>
}

// -----

// Each parallel tile of a stencil pads what it reads: as much of the source as
// lies inside of the tile's windows, in a border of its own. The last register
// tile of a row overlaps the one before.

#window = affine_map<(c, r, l, i, j) -> (c, r + i, l + j)>
#tap = affine_map<(c, r, l, i, j) -> (c, i, j)>
#to = affine_map<(c, r, l, i, j) -> (c, r, l)>
// CHECK-DAG:   #[[BEGIN:.*]] = affine_map<(d0) -> (0, d0 - 1)>
// CHECK-LABEL: func.func private @stencil
// CHECK:         scf.forall (%[[C:.*]], %[[R:.*]]) = (0, 0) to (4, 12) step (1, 4)
// CHECK:           %[[B:.*]] = affine.max #[[BEGIN]](%[[R]])
// CHECK:           tensor.extract_slice %{{.*}}[%[[C]], %{{.*}}, 0] [1, %{{.*}}, 20] [1, 1, 1] : tensor<4x12x20xf32>
// CHECK:           tensor.insert_slice %{{.*}} into %{{.*}}[0, %{{.*}}, 1] {{.*}} into tensor<1x6x22xf32>
// CHECK:           linalg.generic {{.*}} outs(%{{.*}} : tensor<1x4x16xf32>)
// CHECK:           tensor.insert_slice %{{.*}} into %{{.*}}[0, 0, 0] [1, 4, 16]
// CHECK:           linalg.generic {{.*}} outs(%{{.*}} : tensor<1x4x16xf32>)
// CHECK:           tensor.insert_slice %{{.*}} into %{{.*}}[0, 0, 4] [1, 4, 16]
func.func private @stencil(%x: tensor<4x12x20xf32>, %w: tensor<4x3x3xf32>, %out: tensor<4x12x20xf32>) -> tensor<4x12x20xf32> attributes {fovea.kernel} {
  %zero = arith.constant 0.0 : f32
  %p = tensor.empty() : tensor<4x14x22xf32>
  %border = linalg.fill ins(%zero : f32) outs(%p : tensor<4x14x22xf32>) -> tensor<4x14x22xf32>
  %padded = tensor.insert_slice %x into %border[0, 1, 1] [4, 12, 20] [1, 1, 1] : tensor<4x12x20xf32> into tensor<4x14x22xf32>
  %f = linalg.fill ins(%zero : f32) outs(%out : tensor<4x12x20xf32>) -> tensor<4x12x20xf32>
  %0 = linalg.generic {indexing_maps = [#window, #tap, #to], iterator_types = ["parallel", "parallel", "parallel", "reduction", "reduction"]}
      ins(%padded, %w : tensor<4x14x22xf32>, tensor<4x3x3xf32>) outs(%f : tensor<4x12x20xf32>)
      attrs = {attn.schedule = #attn.schedule<workgroup = [1, 4, 0, 0, 0], register = [1, 4, 16, 0, 0], overlap = 2>} {
  ^bb0(%a: f32, %c: f32, %o: f32):
    %m = arith.mulf %a, %c : f32
    %s = arith.addf %o, %m : f32
    linalg.yield %s : f32
  } -> tensor<4x12x20xf32>
  return %0 : tensor<4x12x20xf32>
}

// -----

// What all lanes of a convolution share is padded once, by a parallel loop over
// its channels.

#share = affine_map<(l, f, c, j) -> (c, l + j)>
#weight = affine_map<(l, f, c, j) -> (c, j, f)>
#last = affine_map<(l, f, c, j) -> (l, f)>
// CHECK-LABEL: func.func private @channels
// CHECK:         %[[PADDED:.*]] = scf.forall (%[[C:.*]]) in (4) shared_outs(%{{.*}} = %{{.*}}) -> (tensor<4x10xf32>)
// CHECK:           linalg.fill
// CHECK:           tensor.extract_slice %{{.*}}[%[[C]], 0] [1, 8] [1, 1] : tensor<4x8xf32>
// CHECK:           linalg.copy
// CHECK:           tensor.parallel_insert_slice %{{.*}}[%[[C]], 0] [1, 10]
// CHECK:         scf.forall {{.*}} step (16)
// CHECK:           tensor.extract_slice %[[PADDED]][0, %{{.*}}] [4, 6] [1, 1]
// CHECK:           linalg.generic
func.func private @channels(%x: tensor<4x8xf32>, %w: tensor<4x3x32xf32>, %out: tensor<8x32xf32>) -> tensor<8x32xf32> attributes {fovea.kernel} {
  %zero = arith.constant 0.0 : f32
  %p = tensor.empty() : tensor<4x10xf32>
  %border = linalg.fill ins(%zero : f32) outs(%p : tensor<4x10xf32>) -> tensor<4x10xf32>
  %padded = tensor.insert_slice %x into %border[0, 1] [4, 8] [1, 1] : tensor<4x8xf32> into tensor<4x10xf32>
  %f = linalg.fill ins(%zero : f32) outs(%out : tensor<8x32xf32>) -> tensor<8x32xf32>
  %0 = linalg.generic {indexing_maps = [#share, #weight, #last], iterator_types = ["parallel", "parallel", "reduction", "reduction"]}
      ins(%padded, %w : tensor<4x10xf32>, tensor<4x3x32xf32>) outs(%f : tensor<8x32xf32>)
      attrs = {attn.schedule = #attn.schedule<workgroup = [0, 16, 0, 0], register = [4, 16, 0, 0], columns = 1>} {
  ^bb0(%a: f32, %c: f32, %o: f32):
    %m = arith.mulf %a, %c : f32
    %s = arith.addf %o, %m : f32
    linalg.yield %s : f32
  } -> tensor<8x32xf32>
  return %0 : tensor<8x32xf32>
}
