// RUN: fovea-opt %s --attn-tile --canonicalize --split-input-file | FileCheck %s

#q = affine_map<(h, m, n, k1, k2) -> (h, m, k1)>
#k = affine_map<(h, m, n, k1, k2) -> (h, k2, k1)>
#v = affine_map<(h, m, n, k1, k2) -> (h, k2, n)>
#o = affine_map<(h, m, n, k1, k2) -> (h, m, n)>
#schedule = #attn.schedule<workgroup = [32], reduction = [64], register = [8, 8], lanes = 16>

// A parallel loop over heads and tiles of rows, a loop over tiles of keys, one online step each.
// CHECK-LABEL: @dense
// CHECK: scf.forall (%{{.*}}, %{{.*}}) in (2, 4)
// CHECK: %[[LOOP:.*]]:3 = scf.for %{{.*}} = %c0{{.*}} to %c128{{.*}} step %c64
// CHECK: attn.online query(%{{.*}} : tensor<16x32xf32>) key(%{{.*}} : tensor<64x16xf32>) value(%{{.*}} : tensor<64x16xf32>)
// CHECK-NOT: attn.online
// CHECK: arith.divf
// CHECK: tensor.parallel_insert_slice
func.func @dense(%q: tensor<2x128x16xf32>, %k: tensor<2x128x16xf32>, %v: tensor<2x128x16xf32>, %o: tensor<2x128x16xf32>) -> tensor<2x128x16xf32> {
  %r = attn.attention query(%q : tensor<2x128x16xf32>) keys(%k : tensor<2x128x16xf32>) values(%v : tensor<2x128x16xf32>) outs(%o : tensor<2x128x16xf32>)
    {indexing_maps = [#q, #k, #v, #o], attn.schedule = #schedule} -> tensor<2x128x16xf32>
  return %r : tensor<2x128x16xf32>
}

// -----

#q = affine_map<(h, m, n, k1, k2) -> (h, m, k1)>
#k = affine_map<(h, m, n, k1, k2) -> (h, k2, k1)>
#v = affine_map<(h, m, n, k1, k2) -> (h, k2, n)>
#o = affine_map<(h, m, n, k1, k2) -> (h, m, n)>
#schedule = #attn.schedule<workgroup = [32], reduction = [64], register = [8, 8], lanes = 16>

// Fully visible tiles first and without a mask, then those that the diagonal crosses; nothing above it is visited.
// CHECK-LABEL: @causal
// CHECK: scf.forall (%{{.*}}, %[[I:.*]]) in (2, 4)
// CHECK: scf.for %{{.*}} = %c0{{.*}} to %[[FULL:[^ ]*]] step %c64
// CHECK: attn.online
// CHECK-NOT: arith.cmpi
// CHECK: scf.for %{{.*}} = %[[FULL]] to %{{.*}} step %c64
// CHECK: attn.online
// CHECK: arith.cmpi sle
// CHECK-NOT: attn.online
func.func @causal(%q: tensor<2x128x16xf32>, %k: tensor<2x128x16xf32>, %v: tensor<2x128x16xf32>, %o: tensor<2x128x16xf32>) -> tensor<2x128x16xf32> {
  %r = attn.attention query(%q : tensor<2x128x16xf32>) keys(%k : tensor<2x128x16xf32>) values(%v : tensor<2x128x16xf32>) outs(%o : tensor<2x128x16xf32>)
    {indexing_maps = [#q, #k, #v, #o], mask = #attn.causal, attn.schedule = #schedule} -> tensor<2x128x16xf32>
  return %r : tensor<2x128x16xf32>
}

// -----

#q = affine_map<(h, m, n, k1, k2) -> (h, m, k1)>
#k = affine_map<(h, m, n, k1, k2) -> (h, k2, k1)>
#v = affine_map<(h, m, n, k1, k2) -> (h, k2, n)>
#o = affine_map<(h, m, n, k1, k2) -> (h, m, n)>
#schedule = #attn.schedule<workgroup = [32], reduction = [64], register = [8, 8], lanes = 16>

// 37 rows: one tile of 32, then one of 16 that ends with the last row. 69 keys: a tile of 64 and one of 5.
// CHECK-LABEL: @odd
// CHECK: scf.forall (%{{.*}}) in (2)
// CHECK: attn.online query(%{{.*}} : tensor<16x32xf32>) key(%{{.*}} : tensor<64x16xf32>)
// CHECK: attn.online query(%{{.*}} : tensor<16x32xf32>) key(%{{.*}} : tensor<5x16xf32>)
// CHECK: scf.forall (%{{.*}}) in (2)
// CHECK: tensor.extract_slice %{{.*}}[%{{.*}}, 21, 0] [1, 16, 16]
// CHECK: attn.online query(%{{.*}} : tensor<16x16xf32>) key(%{{.*}} : tensor<64x16xf32>)
func.func @odd(%q: tensor<2x37x16xf32>, %k: tensor<2x69x16xf32>, %v: tensor<2x69x16xf32>, %o: tensor<2x37x16xf32>) -> tensor<2x37x16xf32> {
  %r = attn.attention query(%q : tensor<2x37x16xf32>) keys(%k : tensor<2x69x16xf32>) values(%v : tensor<2x69x16xf32>) outs(%o : tensor<2x37x16xf32>)
    {indexing_maps = [#q, #k, #v, #o], attn.schedule = #schedule} -> tensor<2x37x16xf32>
  return %r : tensor<2x37x16xf32>
}

// -----

#q = affine_map<(h, m, n, k1, k2) -> (h, m, k1)>
#k = affine_map<(h, m, n, k1, k2) -> (h, k2, k1)>
#v = affine_map<(h, m, n, k1, k2) -> (h, k2, n)>
#o = affine_map<(h, m, n, k1, k2) -> (h, m, n)>
#p = affine_map<(h, m, n, k1, k2) -> (h, m, k2)>

// What needs the probabilities stays an attention, of a tile of rows and all keys.
// CHECK-LABEL: @probabilities
// CHECK: scf.forall (%{{.*}}, %{{.*}}) in (2, 4)
// CHECK: attn.attention query(%{{.*}} : tensor<32x16xf32>) keys(%{{.*}} : tensor<128x16xf32>) values(%{{.*}} : tensor<128x16xf32>) outs(%{{.*}}, %{{.*}} : tensor<32x16xf32>, tensor<32x128xf32>)
func.func @probabilities(%q: tensor<2x128x16xf32>, %k: tensor<2x128x16xf32>, %v: tensor<2x128x16xf32>, %o: tensor<2x128x16xf32>, %p: tensor<2x128x128xf32>) -> (tensor<2x128x16xf32>, tensor<2x128x128xf32>) {
  %r:2 = attn.attention query(%q : tensor<2x128x16xf32>) keys(%k : tensor<2x128x16xf32>) values(%v : tensor<2x128x16xf32>) outs(%o, %p : tensor<2x128x16xf32>, tensor<2x128x128xf32>)
    {indexing_maps = [#q, #k, #v, #o, #p], result_kinds = [#attn<result output>, #attn<result probabilities>],
     attn.schedule = #attn.schedule<workgroup = [32], reduction = [64], register = [8, 8], lanes = 16>} -> tensor<2x128x16xf32>, tensor<2x128x128xf32>
  return %r#0, %r#1 : tensor<2x128x16xf32>, tensor<2x128x128xf32>
}

// -----

#schedule = #attn.schedule<workgroup = [32], reduction = [64], register = [8, 8], lanes = 16>

// One row, which a causal mask aligned at the end lets see everything: the four heads that share a key head are the rows.
// CHECK-LABEL: @decode
// CHECK: scf.forall (%{{.*}}) in (2)
// CHECK: attn.online query(%{{.*}} : tensor<4x16xf32>) key(%{{.*}} : tensor<64x16xf32>)
// CHECK-NOT: arith.cmpi
func.func @decode(%q: tensor<2x4x1x16xf32>, %k: tensor<2x128x16xf32>, %v: tensor<2x128x16xf32>, %o: tensor<2x4x1x16xf32>) -> tensor<2x4x1x16xf32> {
  %r = attn.attention query(%q : tensor<2x4x1x16xf32>) keys(%k : tensor<2x128x16xf32>) values(%v : tensor<2x128x16xf32>) outs(%o : tensor<2x4x1x16xf32>)
    {indexing_maps = [affine_map<(h, g, m, n, k1, k2) -> (h, g, m, k1)>, affine_map<(h, g, m, n, k1, k2) -> (h, k2, k1)>,
                      affine_map<(h, g, m, n, k1, k2) -> (h, k2, n)>, affine_map<(h, g, m, n, k1, k2) -> (h, g, m, n)>],
     mask = #attn.causal<align = end>, attn.schedule = #schedule} -> tensor<2x4x1x16xf32>
  return %r : tensor<2x4x1x16xf32>
}

// -----

#q = affine_map<(h, m, n, k1, k2) -> (h, m, k1)>
#k = affine_map<(h, m, n, k1, k2) -> (h, k2, k1)>
#v = affine_map<(h, m, n, k1, k2) -> (h, k2, n)>
#o = affine_map<(h, m, n, k1, k2) -> (h, m, n)>
#schedule = #attn.schedule<workgroup = [32], reduction = [64], register = [8, 8], lanes = 16>

// A mask that is no interval: the tiles of keys that each of four tiles of rows visits are listed. The first two see all of
// [0, 64), the third a part of [64, 128) and the last of [66, 130), with one word of bits for each key.
// CHECK-LABEL: @table
// CHECK-DAG: %[[WORDS:.*]] = arith.constant dense<{{.*}}> : tensor<2x64xi32>
// CHECK-DAG: %[[FULL:.*]] = arith.constant dense<[0, 1, 2, 2, 2]> : tensor<5xi32>
// CHECK-DAG: %[[PARTIAL:.*]] = arith.constant dense<[0, 0, 0, 1, 2]> : tensor<5xi32>
// CHECK-DAG: %[[KEYS:.*]] = arith.constant dense<[64, 66]> : tensor<2xi32>
// CHECK-DAG: %[[PATTERNS:.*]] = arith.constant dense<[0, 1]> : tensor<2xi32>
// CHECK: scf.forall (%{{.*}}, %[[T:.*]]) in (2, 4)
// CHECK: tensor.extract %[[FULL]][%[[T]]]
// CHECK: scf.for
// CHECK: attn.online
// CHECK-NOT: arith.cmpi
// CHECK: tensor.extract %[[PARTIAL]][%[[T]]]
// CHECK: scf.for %[[AT:[a-z0-9]*]] =
// CHECK: tensor.extract %[[PATTERNS]][%[[AT]]]
// CHECK: %[[BITS:.*]] = tensor.extract_slice %[[WORDS]][%{{.*}}, 0] [1, 64] [1, 1]
// CHECK: tensor.extract %[[KEYS]][%[[AT]]]
// CHECK: attn.online {{.*}} captures(%[[BITS]] : tensor<64xi32>)
// CHECK: %[[ROW:.*]] = arith.shli %{{.*}}, %{{.*}} : i32
// CHECK: %[[SEEN:.*]] = arith.andi %{{.*}}, %[[ROW]] : i32
// CHECK: arith.cmpi ne, %[[SEEN]]
// CHECK-NOT: attn.online
func.func @table(%q: tensor<2x128x16xf32>, %k: tensor<2x130x16xf32>, %v: tensor<2x130x16xf32>, %o: tensor<2x128x16xf32>) -> tensor<2x128x16xf32> {
  %r = attn.attention query(%q : tensor<2x128x16xf32>) keys(%k : tensor<2x130x16xf32>) values(%v : tensor<2x130x16xf32>) outs(%o : tensor<2x128x16xf32>)
    {indexing_maps = [#q, #k, #v, #o], mask = #attn.segments<[0, 64, 96]>, attn.schedule = #schedule} -> tensor<2x128x16xf32>
  return %r : tensor<2x128x16xf32>
}

// -----

#schedule = #attn.schedule<workgroup = [32], reduction = [64], register = [8, 8], lanes = 16>
#q = affine_map<(h, m, n, k1, k2) -> (h, m, k1)>
#k = affine_map<(h, m, n, k1, k2) -> (h, k2, k1)>
#v = affine_map<(h, m, n, k1, k2) -> (h, k2, n)>
#o = affine_map<(h, m, n, k1, k2) -> (h, m, n)>

// One row more than vectors hold is computed by itself, not as a vector of rows that overlap the ones before.
// CHECK-LABEL: @one_row_left
// CHECK: attn.online query(%{{.*}} : tensor<16x32xf32>)
// CHECK: attn.online query(%{{.*}} : tensor<16x16xf32>)
// CHECK: attn.online query(%{{.*}} : tensor<1x16xf32>)
// CHECK-NOT: attn.online
func.func @one_row_left(%q: tensor<2x49x16xf32>, %k: tensor<2x49x16xf32>, %v: tensor<2x49x16xf32>, %o: tensor<2x49x16xf32>) -> tensor<2x49x16xf32> {
  %r = attn.attention query(%q : tensor<2x49x16xf32>) keys(%k : tensor<2x49x16xf32>) values(%v : tensor<2x49x16xf32>) outs(%o : tensor<2x49x16xf32>)
    {indexing_maps = [#q, #k, #v, #o], attn.schedule = #schedule} -> tensor<2x49x16xf32>
  return %r : tensor<2x49x16xf32>
}
