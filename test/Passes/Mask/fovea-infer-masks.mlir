// RUN: fovea-opt %s --fovea-infer-masks --canonicalize --split-input-file | FileCheck %s

#q = affine_map<(h, m, n, k1, k2) -> (h, m, k1)>
#k = affine_map<(h, m, n, k1, k2) -> (h, k2, k1)>
#v = affine_map<(h, m, n, k1, k2) -> (h, k2, n)>
#o = affine_map<(h, m, n, k1, k2) -> (h, m, n)>
#c = affine_map<(h, m, n, k1, k2) -> (m, k2)>

// Zeros and -inf that are added.
// CHECK-LABEL: @causal_inf(
// CHECK: attn.attention
// CHECK-NOT: captures
// CHECK-NOT: score
// CHECK-SAME: mask = #attn.causal
func.func @causal_inf(%q: tensor<2x4x8xf32>, %k: tensor<2x4x8xf32>, %v: tensor<2x4x8xf32>, %o: tensor<2x4x8xf32>) -> tensor<2x4x8xf32> {
  %c = arith.constant dense<[[0.0, 0xFF800000, 0xFF800000, 0xFF800000], [0.0, 0.0, 0xFF800000, 0xFF800000], [0.0, 0.0, 0.0, 0xFF800000], [0.0, 0.0, 0.0, 0.0]]> : tensor<4x4xf32>
  %r = attn.attention query(%q : tensor<2x4x8xf32>) keys(%k : tensor<2x4x8xf32>) values(%v : tensor<2x4x8xf32>) captures(%c : tensor<4x4xf32>) outs(%o : tensor<2x4x8xf32>)
  score {
  ^bb0(%s: f32, %e: f32):
    %r = arith.addf %s, %e : f32
    attn.yield %r : f32
  } {indexing_maps = [#q, #k, #v, #c, #o]} -> tensor<2x4x8xf32>
  return %r : tensor<2x4x8xf32>
}

// -----

#q = affine_map<(h, m, n, k1, k2) -> (h, m, k1)>
#k = affine_map<(h, m, n, k1, k2) -> (h, k2, k1)>
#v = affine_map<(h, m, n, k1, k2) -> (h, k2, n)>
#o = affine_map<(h, m, n, k1, k2) -> (h, m, n)>
#c = affine_map<(h, m, n, k1, k2) -> (m, k2)>

// Booleans that select.
// CHECK-LABEL: @causal_bool(
// CHECK: attn.attention
// CHECK-NOT: captures
// CHECK-NOT: score
// CHECK-SAME: mask = #attn.causal
func.func @causal_bool(%q: tensor<2x4x8xf32>, %k: tensor<2x4x8xf32>, %v: tensor<2x4x8xf32>, %o: tensor<2x4x8xf32>) -> tensor<2x4x8xf32> {
  %c = arith.constant dense<[[true, false, false, false], [true, true, false, false], [true, true, true, false], [true, true, true, true]]> : tensor<4x4xi1>
  %low = arith.constant 0xFF800000 : f32
  %r = attn.attention query(%q : tensor<2x4x8xf32>) keys(%k : tensor<2x4x8xf32>) values(%v : tensor<2x4x8xf32>) captures(%c : tensor<4x4xi1>) outs(%o : tensor<2x4x8xf32>)
  score {
  ^bb0(%s: f32, %e: i1):
    %r = arith.select %e, %s, %low : f32
    attn.yield %r : f32
  } {indexing_maps = [#q, #k, #v, #c, #o]} -> tensor<2x4x8xf32>
  return %r : tensor<2x4x8xf32>
}

// -----

#q = affine_map<(h, m, n, k1, k2) -> (h, m, k1)>
#k = affine_map<(h, m, n, k1, k2) -> (h, k2, k1)>
#v = affine_map<(h, m, n, k1, k2) -> (h, k2, n)>
#o = affine_map<(h, m, n, k1, k2) -> (h, m, n)>
#c = affine_map<(h, m, n, k1, k2) -> (m, k2)>

// A number so low that the probability is 0, since each row sees a key.
// CHECK-LABEL: @causal_large(
// CHECK: attn.attention
// CHECK-NOT: captures
// CHECK-NOT: score
// CHECK-SAME: mask = #attn.causal
func.func @causal_large(%q: tensor<2x4x8xf32>, %k: tensor<2x4x8xf32>, %v: tensor<2x4x8xf32>, %o: tensor<2x4x8xf32>) -> tensor<2x4x8xf32> {
  %c = arith.constant dense<[[0.0, -1.0e+09, -1.0e+09, -1.0e+09], [0.0, 0.0, -1.0e+09, -1.0e+09], [0.0, 0.0, 0.0, -1.0e+09], [0.0, 0.0, 0.0, 0.0]]> : tensor<4x4xf32>
  %r = attn.attention query(%q : tensor<2x4x8xf32>) keys(%k : tensor<2x4x8xf32>) values(%v : tensor<2x4x8xf32>) captures(%c : tensor<4x4xf32>) outs(%o : tensor<2x4x8xf32>)
  score {
  ^bb0(%s: f32, %e: f32):
    %r = arith.addf %s, %e : f32
    attn.yield %r : f32
  } {indexing_maps = [#q, #k, #v, #c, #o]} -> tensor<2x4x8xf32>
  return %r : tensor<2x4x8xf32>
}

// -----

#q = affine_map<(h, m, n, k1, k2) -> (h, m, k1)>
#k = affine_map<(h, m, n, k1, k2) -> (h, k2, k1)>
#v = affine_map<(h, m, n, k1, k2) -> (h, k2, n)>
#o = affine_map<(h, m, n, k1, k2) -> (h, m, n)>
#c = affine_map<(h, m, n, k1, k2) -> (m, k2)>

// (1 - m) * -10000, as BERT has it.
// CHECK-LABEL: @causal_product(
// CHECK: attn.attention
// CHECK-NOT: captures
// CHECK-NOT: score
// CHECK-SAME: mask = #attn.causal
func.func @causal_product(%q: tensor<2x3x8xf32>, %k: tensor<2x3x8xf32>, %v: tensor<2x3x8xf32>, %o: tensor<2x3x8xf32>) -> tensor<2x3x8xf32> {
  %c = arith.constant dense<[[1.0, 0.0, 0.0], [1.0, 1.0, 0.0], [1.0, 1.0, 1.0]]> : tensor<3x3xf32>
  %r = attn.attention query(%q : tensor<2x3x8xf32>) keys(%k : tensor<2x3x8xf32>) values(%v : tensor<2x3x8xf32>) captures(%c : tensor<3x3xf32>) outs(%o : tensor<2x3x8xf32>)
  score {
  ^bb0(%s: f32, %e: f32):
    %one = arith.constant 1.0 : f32
    %large = arith.constant -1.0e+04 : f32
    %d = arith.subf %one, %e : f32
    %a = arith.mulf %d, %large : f32
    %r = arith.addf %s, %a : f32
    attn.yield %r : f32
  } {indexing_maps = [#q, #k, #v, #c, #o]} -> tensor<2x3x8xf32>
  return %r : tensor<2x3x8xf32>
}

// -----

#q = affine_map<(h, m, n, k1, k2) -> (h, m, k1)>
#k = affine_map<(h, m, n, k1, k2) -> (h, k2, k1)>
#v = affine_map<(h, m, n, k1, k2) -> (h, k2, n)>
#o = affine_map<(h, m, n, k1, k2) -> (h, m, n)>
#c = affine_map<(h, m, n, k1, k2) -> (m, k2)>

// Fewer rows than keys: the last row sees the last key.
// CHECK-LABEL: @causal_end(
// CHECK: attn.attention
// CHECK-NOT: captures
// CHECK-NOT: score
// CHECK-SAME: mask = #attn.causal<align = end>
func.func @causal_end(%q: tensor<2x3x8xf32>, %k: tensor<2x5x8xf32>, %v: tensor<2x5x8xf32>, %o: tensor<2x3x8xf32>) -> tensor<2x3x8xf32> {
  %c = arith.constant dense<[[0.0, 0.0, 0.0, 0xFF800000, 0xFF800000], [0.0, 0.0, 0.0, 0.0, 0xFF800000], [0.0, 0.0, 0.0, 0.0, 0.0]]> : tensor<3x5xf32>
  %r = attn.attention query(%q : tensor<2x3x8xf32>) keys(%k : tensor<2x5x8xf32>) values(%v : tensor<2x5x8xf32>) captures(%c : tensor<3x5xf32>) outs(%o : tensor<2x3x8xf32>)
  score {
  ^bb0(%s: f32, %e: f32):
    %r = arith.addf %s, %e : f32
    attn.yield %r : f32
  } {indexing_maps = [#q, #k, #v, #c, #o]} -> tensor<2x3x8xf32>
  return %r : tensor<2x3x8xf32>
}

// -----

#q = affine_map<(h, m, n, k1, k2) -> (h, m, k1)>
#k = affine_map<(h, m, n, k1, k2) -> (h, k2, k1)>
#v = affine_map<(h, m, n, k1, k2) -> (h, k2, n)>
#o = affine_map<(h, m, n, k1, k2) -> (h, m, n)>
#c = affine_map<(h, m, n, k1, k2) -> (m, k2)>

// The last two positions.
// CHECK-LABEL: @window(
// CHECK: attn.attention
// CHECK-NOT: captures
// CHECK-NOT: score
// CHECK-SAME: mask = #attn.window<left = 1, right = 0>
func.func @window(%q: tensor<2x5x8xf32>, %k: tensor<2x5x8xf32>, %v: tensor<2x5x8xf32>, %o: tensor<2x5x8xf32>) -> tensor<2x5x8xf32> {
  %c = arith.constant dense<[[true, false, false, false, false], [true, true, false, false, false], [false, true, true, false, false], [false, false, true, true, false], [false, false, false, true, true]]> : tensor<5x5xi1>
  %low = arith.constant 0xFF800000 : f32
  %r = attn.attention query(%q : tensor<2x5x8xf32>) keys(%k : tensor<2x5x8xf32>) values(%v : tensor<2x5x8xf32>) captures(%c : tensor<5x5xi1>) outs(%o : tensor<2x5x8xf32>)
  score {
  ^bb0(%s: f32, %e: i1):
    %r = arith.select %e, %s, %low : f32
    attn.yield %r : f32
  } {indexing_maps = [#q, #k, #v, #c, #o]} -> tensor<2x5x8xf32>
  return %r : tensor<2x5x8xf32>
}

// -----

#q = affine_map<(h, m, n, k1, k2) -> (h, m, k1)>
#k = affine_map<(h, m, n, k1, k2) -> (h, k2, k1)>
#v = affine_map<(h, m, n, k1, k2) -> (h, k2, n)>
#o = affine_map<(h, m, n, k1, k2) -> (h, m, n)>
#c = affine_map<(h, m, n, k1, k2) -> (m, k2)>

// A prefix that all rows see.
// CHECK-LABEL: @prefix(
// CHECK: attn.attention
// CHECK-NOT: captures
// CHECK-NOT: score
// CHECK-SAME: mask = #attn.or<#attn.causal, #attn.prefix<2>>
func.func @prefix(%q: tensor<2x5x8xf32>, %k: tensor<2x5x8xf32>, %v: tensor<2x5x8xf32>, %o: tensor<2x5x8xf32>) -> tensor<2x5x8xf32> {
  %c = arith.constant dense<[[true, true, false, false, false], [true, true, false, false, false], [true, true, true, false, false], [true, true, true, true, false], [true, true, true, true, true]]> : tensor<5x5xi1>
  %low = arith.constant 0xFF800000 : f32
  %r = attn.attention query(%q : tensor<2x5x8xf32>) keys(%k : tensor<2x5x8xf32>) values(%v : tensor<2x5x8xf32>) captures(%c : tensor<5x5xi1>) outs(%o : tensor<2x5x8xf32>)
  score {
  ^bb0(%s: f32, %e: i1):
    %r = arith.select %e, %s, %low : f32
    attn.yield %r : f32
  } {indexing_maps = [#q, #k, #v, #c, #o]} -> tensor<2x5x8xf32>
  return %r : tensor<2x5x8xf32>
}

// -----

#q = affine_map<(h, m, n, k1, k2) -> (h, m, k1)>
#k = affine_map<(h, m, n, k1, k2) -> (h, k2, k1)>
#v = affine_map<(h, m, n, k1, k2) -> (h, k2, n)>
#o = affine_map<(h, m, n, k1, k2) -> (h, m, n)>
#c = affine_map<(h, m, n, k1, k2) -> (m, k2)>

// Keys at the end that no row sees.
// CHECK-LABEL: @padding(
// CHECK: attn.attention
// CHECK-NOT: captures
// CHECK-NOT: score
// CHECK-SAME: mask = #attn.prefix<3>
func.func @padding(%q: tensor<2x3x8xf32>, %k: tensor<2x4x8xf32>, %v: tensor<2x4x8xf32>, %o: tensor<2x3x8xf32>) -> tensor<2x3x8xf32> {
  %c = arith.constant dense<[[true, true, true, false], [true, true, true, false], [true, true, true, false]]> : tensor<3x4xi1>
  %low = arith.constant 0xFF800000 : f32
  %r = attn.attention query(%q : tensor<2x3x8xf32>) keys(%k : tensor<2x4x8xf32>) values(%v : tensor<2x4x8xf32>) captures(%c : tensor<3x4xi1>) outs(%o : tensor<2x3x8xf32>)
  score {
  ^bb0(%s: f32, %e: i1):
    %r = arith.select %e, %s, %low : f32
    attn.yield %r : f32
  } {indexing_maps = [#q, #k, #v, #c, #o]} -> tensor<2x3x8xf32>
  return %r : tensor<2x3x8xf32>
}

// -----

#q = affine_map<(h, m, n, k1, k2) -> (h, m, k1)>
#k = affine_map<(h, m, n, k1, k2) -> (h, k2, k1)>
#v = affine_map<(h, m, n, k1, k2) -> (h, k2, n)>
#o = affine_map<(h, m, n, k1, k2) -> (h, m, n)>
#c = affine_map<(h, m, n, k1, k2) -> (m, k2)>

// Three documents of three, one and two tokens.
// CHECK-LABEL: @documents(
// CHECK: attn.attention
// CHECK-NOT: captures
// CHECK-NOT: score
// CHECK-SAME: mask = #attn.segments<[0, 3, 4]>
func.func @documents(%q: tensor<2x6x8xf32>, %k: tensor<2x6x8xf32>, %v: tensor<2x6x8xf32>, %o: tensor<2x6x8xf32>) -> tensor<2x6x8xf32> {
  %c = arith.constant dense<[[0.0, 0.0, 0.0, 0xFF800000, 0xFF800000, 0xFF800000], [0.0, 0.0, 0.0, 0xFF800000, 0xFF800000, 0xFF800000], [0.0, 0.0, 0.0, 0xFF800000, 0xFF800000, 0xFF800000], [0xFF800000, 0xFF800000, 0xFF800000, 0.0, 0xFF800000, 0xFF800000], [0xFF800000, 0xFF800000, 0xFF800000, 0xFF800000, 0.0, 0.0], [0xFF800000, 0xFF800000, 0xFF800000, 0xFF800000, 0.0, 0.0]]> : tensor<6x6xf32>
  %r = attn.attention query(%q : tensor<2x6x8xf32>) keys(%k : tensor<2x6x8xf32>) values(%v : tensor<2x6x8xf32>) captures(%c : tensor<6x6xf32>) outs(%o : tensor<2x6x8xf32>)
  score {
  ^bb0(%s: f32, %e: f32):
    %r = arith.addf %s, %e : f32
    attn.yield %r : f32
  } {indexing_maps = [#q, #k, #v, #c, #o]} -> tensor<2x6x8xf32>
  return %r : tensor<2x6x8xf32>
}

// -----

#q = affine_map<(h, m, n, k1, k2) -> (h, m, k1)>
#k = affine_map<(h, m, n, k1, k2) -> (h, k2, k1)>
#v = affine_map<(h, m, n, k1, k2) -> (h, k2, n)>
#o = affine_map<(h, m, n, k1, k2) -> (h, m, n)>
#c = affine_map<(h, m, n, k1, k2) -> (m, k2)>

// The same, causal inside.
// CHECK-LABEL: @causal_documents(
// CHECK: attn.attention
// CHECK-NOT: captures
// CHECK-NOT: score
// CHECK-SAME: mask = #attn.and<#attn.segments<[0, 3, 4]>, #attn.causal>
func.func @causal_documents(%q: tensor<2x6x8xf32>, %k: tensor<2x6x8xf32>, %v: tensor<2x6x8xf32>, %o: tensor<2x6x8xf32>) -> tensor<2x6x8xf32> {
  %c = arith.constant dense<[[0.0, 0xFF800000, 0xFF800000, 0xFF800000, 0xFF800000, 0xFF800000], [0.0, 0.0, 0xFF800000, 0xFF800000, 0xFF800000, 0xFF800000], [0.0, 0.0, 0.0, 0xFF800000, 0xFF800000, 0xFF800000], [0xFF800000, 0xFF800000, 0xFF800000, 0.0, 0xFF800000, 0xFF800000], [0xFF800000, 0xFF800000, 0xFF800000, 0xFF800000, 0.0, 0xFF800000], [0xFF800000, 0xFF800000, 0xFF800000, 0xFF800000, 0.0, 0.0]]> : tensor<6x6xf32>
  %r = attn.attention query(%q : tensor<2x6x8xf32>) keys(%k : tensor<2x6x8xf32>) values(%v : tensor<2x6x8xf32>) captures(%c : tensor<6x6xf32>) outs(%o : tensor<2x6x8xf32>)
  score {
  ^bb0(%s: f32, %e: f32):
    %r = arith.addf %s, %e : f32
    attn.yield %r : f32
  } {indexing_maps = [#q, #k, #v, #c, #o]} -> tensor<2x6x8xf32>
  return %r : tensor<2x6x8xf32>
}

// -----

#q = affine_map<(h, m, n, k1, k2) -> (h, m, k1)>
#k = affine_map<(h, m, n, k1, k2) -> (h, k2, k1)>
#v = affine_map<(h, m, n, k1, k2) -> (h, k2, n)>
#o = affine_map<(h, m, n, k1, k2) -> (h, m, n)>
#c = affine_map<(h, m, n, k1, k2) -> (m, k2)>

// As many neighbours for every row, every second position.
// CHECK-LABEL: @neighborhood(
// CHECK: attn.attention
// CHECK-NOT: captures
// CHECK-NOT: score
// CHECK-SAME: mask = #attn.neighborhood<size = 3, dilation = 2>
func.func @neighborhood(%q: tensor<2x9x8xf32>, %k: tensor<2x9x8xf32>, %v: tensor<2x9x8xf32>, %o: tensor<2x9x8xf32>) -> tensor<2x9x8xf32> {
  %c = arith.constant dense<[[true, false, true, false, true, false, false, false, false], [false, true, false, true, false, true, false, false, false], [true, false, true, false, true, false, false, false, false], [false, true, false, true, false, true, false, false, false], [false, false, true, false, true, false, true, false, false], [false, false, false, true, false, true, false, true, false], [false, false, false, false, true, false, true, false, true], [false, false, false, true, false, true, false, true, false], [false, false, false, false, true, false, true, false, true]]> : tensor<9x9xi1>
  %low = arith.constant 0xFF800000 : f32
  %r = attn.attention query(%q : tensor<2x9x8xf32>) keys(%k : tensor<2x9x8xf32>) values(%v : tensor<2x9x8xf32>) captures(%c : tensor<9x9xi1>) outs(%o : tensor<2x9x8xf32>)
  score {
  ^bb0(%s: f32, %e: i1):
    %r = arith.select %e, %s, %low : f32
    attn.yield %r : f32
  } {indexing_maps = [#q, #k, #v, #c, #o]} -> tensor<2x9x8xf32>
  return %r : tensor<2x9x8xf32>
}

// -----

#q = affine_map<(h, m, n, k1, k2) -> (h, m, k1)>
#k = affine_map<(h, m, n, k1, k2) -> (h, k2, k1)>
#v = affine_map<(h, m, n, k1, k2) -> (h, k2, n)>
#o = affine_map<(h, m, n, k1, k2) -> (h, m, n)>
#c = affine_map<(h, m, n, k1, k2) -> (m, k2)>

// Neighbourhoods of 3 x 3 on a grid of 4 x 5.
// CHECK-LABEL: @grid(
// CHECK: attn.attention
// CHECK-NOT: captures
// CHECK-NOT: score
// CHECK-SAME: mask = #attn.product<[4, 5], [#attn.neighborhood<size = 3>, #attn.neighborhood<size = 3>]>
func.func @grid(%q: tensor<2x20x8xf32>, %k: tensor<2x20x8xf32>, %v: tensor<2x20x8xf32>, %o: tensor<2x20x8xf32>) -> tensor<2x20x8xf32> {
  %c = arith.constant dense<[[true, true, true, false, false, true, true, true, false, false, true, true, true, false, false, false, false, false, false, false], [true, true, true, false, false, true, true, true, false, false, true, true, true, false, false, false, false, false, false, false], [false, true, true, true, false, false, true, true, true, false, false, true, true, true, false, false, false, false, false, false], [false, false, true, true, true, false, false, true, true, true, false, false, true, true, true, false, false, false, false, false], [false, false, true, true, true, false, false, true, true, true, false, false, true, true, true, false, false, false, false, false], [true, true, true, false, false, true, true, true, false, false, true, true, true, false, false, false, false, false, false, false], [true, true, true, false, false, true, true, true, false, false, true, true, true, false, false, false, false, false, false, false], [false, true, true, true, false, false, true, true, true, false, false, true, true, true, false, false, false, false, false, false], [false, false, true, true, true, false, false, true, true, true, false, false, true, true, true, false, false, false, false, false], [false, false, true, true, true, false, false, true, true, true, false, false, true, true, true, false, false, false, false, false], [false, false, false, false, false, true, true, true, false, false, true, true, true, false, false, true, true, true, false, false], [false, false, false, false, false, true, true, true, false, false, true, true, true, false, false, true, true, true, false, false], [false, false, false, false, false, false, true, true, true, false, false, true, true, true, false, false, true, true, true, false], [false, false, false, false, false, false, false, true, true, true, false, false, true, true, true, false, false, true, true, true], [false, false, false, false, false, false, false, true, true, true, false, false, true, true, true, false, false, true, true, true], [false, false, false, false, false, true, true, true, false, false, true, true, true, false, false, true, true, true, false, false], [false, false, false, false, false, true, true, true, false, false, true, true, true, false, false, true, true, true, false, false], [false, false, false, false, false, false, true, true, true, false, false, true, true, true, false, false, true, true, true, false], [false, false, false, false, false, false, false, true, true, true, false, false, true, true, true, false, false, true, true, true], [false, false, false, false, false, false, false, true, true, true, false, false, true, true, true, false, false, true, true, true]]> : tensor<20x20xi1>
  %low = arith.constant 0xFF800000 : f32
  %r = attn.attention query(%q : tensor<2x20x8xf32>) keys(%k : tensor<2x20x8xf32>) values(%v : tensor<2x20x8xf32>) captures(%c : tensor<20x20xi1>) outs(%o : tensor<2x20x8xf32>)
  score {
  ^bb0(%s: f32, %e: i1):
    %r = arith.select %e, %s, %low : f32
    attn.yield %r : f32
  } {indexing_maps = [#q, #k, #v, #c, #o]} -> tensor<2x20x8xf32>
  return %r : tensor<2x20x8xf32>
}

// -----

#q = affine_map<(h, m, n, k1, k2) -> (h, m, k1)>
#k = affine_map<(h, m, n, k1, k2) -> (h, k2, k1)>
#v = affine_map<(h, m, n, k1, k2) -> (h, k2, n)>
#o = affine_map<(h, m, n, k1, k2) -> (h, m, n)>
#c = affine_map<(h, m, n, k1, k2) -> (m, k2)>

// Every third key.
// CHECK-LABEL: @strided(
// CHECK: attn.attention
// CHECK-NOT: captures
// CHECK-NOT: score
// CHECK-SAME: mask = #attn.neighborhood<size = 3, dilation = 3>
func.func @strided(%q: tensor<2x9x8xf32>, %k: tensor<2x9x8xf32>, %v: tensor<2x9x8xf32>, %o: tensor<2x9x8xf32>) -> tensor<2x9x8xf32> {
  %c = arith.constant dense<[[true, false, false, true, false, false, true, false, false], [false, true, false, false, true, false, false, true, false], [false, false, true, false, false, true, false, false, true], [true, false, false, true, false, false, true, false, false], [false, true, false, false, true, false, false, true, false], [false, false, true, false, false, true, false, false, true], [true, false, false, true, false, false, true, false, false], [false, true, false, false, true, false, false, true, false], [false, false, true, false, false, true, false, false, true]]> : tensor<9x9xi1>
  %low = arith.constant 0xFF800000 : f32
  %r = attn.attention query(%q : tensor<2x9x8xf32>) keys(%k : tensor<2x9x8xf32>) values(%v : tensor<2x9x8xf32>) captures(%c : tensor<9x9xi1>) outs(%o : tensor<2x9x8xf32>)
  score {
  ^bb0(%s: f32, %e: i1):
    %r = arith.select %e, %s, %low : f32
    attn.yield %r : f32
  } {indexing_maps = [#q, #k, #v, #c, #o]} -> tensor<2x9x8xf32>
  return %r : tensor<2x9x8xf32>
}

// -----

#q = affine_map<(h, m, n, k1, k2) -> (h, m, k1)>
#k = affine_map<(h, m, n, k1, k2) -> (h, k2, k1)>
#v = affine_map<(h, m, n, k1, k2) -> (h, k2, n)>
#o = affine_map<(h, m, n, k1, k2) -> (h, m, n)>
#c = affine_map<(h, m, n, k1, k2) -> (m, k2)>

// Windows of 2 x 3 on a grid of 4 x 6.
// CHECK-LABEL: @windows(
// CHECK: attn.attention
// CHECK-NOT: captures
// CHECK-NOT: score
// CHECK-SAME: mask = #attn.product<[4, 6], [#attn.segments<[0, 2]>, #attn.segments<[0, 3]>]>
func.func @windows(%q: tensor<2x24x8xf32>, %k: tensor<2x24x8xf32>, %v: tensor<2x24x8xf32>, %o: tensor<2x24x8xf32>) -> tensor<2x24x8xf32> {
  %c = arith.constant dense<[[true, true, true, false, false, false, true, true, true, false, false, false, false, false, false, false, false, false, false, false, false, false, false, false], [true, true, true, false, false, false, true, true, true, false, false, false, false, false, false, false, false, false, false, false, false, false, false, false], [true, true, true, false, false, false, true, true, true, false, false, false, false, false, false, false, false, false, false, false, false, false, false, false], [false, false, false, true, true, true, false, false, false, true, true, true, false, false, false, false, false, false, false, false, false, false, false, false], [false, false, false, true, true, true, false, false, false, true, true, true, false, false, false, false, false, false, false, false, false, false, false, false], [false, false, false, true, true, true, false, false, false, true, true, true, false, false, false, false, false, false, false, false, false, false, false, false], [true, true, true, false, false, false, true, true, true, false, false, false, false, false, false, false, false, false, false, false, false, false, false, false], [true, true, true, false, false, false, true, true, true, false, false, false, false, false, false, false, false, false, false, false, false, false, false, false], [true, true, true, false, false, false, true, true, true, false, false, false, false, false, false, false, false, false, false, false, false, false, false, false], [false, false, false, true, true, true, false, false, false, true, true, true, false, false, false, false, false, false, false, false, false, false, false, false], [false, false, false, true, true, true, false, false, false, true, true, true, false, false, false, false, false, false, false, false, false, false, false, false], [false, false, false, true, true, true, false, false, false, true, true, true, false, false, false, false, false, false, false, false, false, false, false, false], [false, false, false, false, false, false, false, false, false, false, false, false, true, true, true, false, false, false, true, true, true, false, false, false], [false, false, false, false, false, false, false, false, false, false, false, false, true, true, true, false, false, false, true, true, true, false, false, false], [false, false, false, false, false, false, false, false, false, false, false, false, true, true, true, false, false, false, true, true, true, false, false, false], [false, false, false, false, false, false, false, false, false, false, false, false, false, false, false, true, true, true, false, false, false, true, true, true], [false, false, false, false, false, false, false, false, false, false, false, false, false, false, false, true, true, true, false, false, false, true, true, true], [false, false, false, false, false, false, false, false, false, false, false, false, false, false, false, true, true, true, false, false, false, true, true, true], [false, false, false, false, false, false, false, false, false, false, false, false, true, true, true, false, false, false, true, true, true, false, false, false], [false, false, false, false, false, false, false, false, false, false, false, false, true, true, true, false, false, false, true, true, true, false, false, false], [false, false, false, false, false, false, false, false, false, false, false, false, true, true, true, false, false, false, true, true, true, false, false, false], [false, false, false, false, false, false, false, false, false, false, false, false, false, false, false, true, true, true, false, false, false, true, true, true], [false, false, false, false, false, false, false, false, false, false, false, false, false, false, false, true, true, true, false, false, false, true, true, true], [false, false, false, false, false, false, false, false, false, false, false, false, false, false, false, true, true, true, false, false, false, true, true, true]]> : tensor<24x24xi1>
  %low = arith.constant 0xFF800000 : f32
  %r = attn.attention query(%q : tensor<2x24x8xf32>) keys(%k : tensor<2x24x8xf32>) values(%v : tensor<2x24x8xf32>) captures(%c : tensor<24x24xi1>) outs(%o : tensor<2x24x8xf32>)
  score {
  ^bb0(%s: f32, %e: i1):
    %r = arith.select %e, %s, %low : f32
    attn.yield %r : f32
  } {indexing_maps = [#q, #k, #v, #c, #o]} -> tensor<2x24x8xf32>
  return %r : tensor<2x24x8xf32>
}

// -----

#q = affine_map<(h, m, n, k1, k2) -> (h, m, k1)>
#k = affine_map<(h, m, n, k1, k2) -> (h, k2, k1)>
#v = affine_map<(h, m, n, k1, k2) -> (h, k2, n)>
#o = affine_map<(h, m, n, k1, k2) -> (h, m, n)>
#c = affine_map<(h, m, n, k1, k2) -> (m, k2)>

// Nothing regular, and a row without a key.
// CHECK-LABEL: @pattern(
// CHECK: attn.attention
// CHECK-NOT: captures
// CHECK-NOT: score
// CHECK-SAME: mask = #attn.pattern<dense<{{.*}}> : tensor<4x1xi64>>
func.func @pattern(%q: tensor<2x4x8xf32>, %k: tensor<2x4x8xf32>, %v: tensor<2x4x8xf32>, %o: tensor<2x4x8xf32>) -> tensor<2x4x8xf32> {
  %c = arith.constant dense<[[true, false, false, true], [false, true, true, false], [false, false, false, false], [true, true, false, true]]> : tensor<4x4xi1>
  %low = arith.constant 0xFF800000 : f32
  %r = attn.attention query(%q : tensor<2x4x8xf32>) keys(%k : tensor<2x4x8xf32>) values(%v : tensor<2x4x8xf32>) captures(%c : tensor<4x4xi1>) outs(%o : tensor<2x4x8xf32>)
  score {
  ^bb0(%s: f32, %e: i1):
    %r = arith.select %e, %s, %low : f32
    attn.yield %r : f32
  } {indexing_maps = [#q, #k, #v, #c, #o]} -> tensor<2x4x8xf32>
  return %r : tensor<2x4x8xf32>
}

// -----

#q = affine_map<(h, m, n, k1, k2) -> (h, m, k1)>
#k = affine_map<(h, m, n, k1, k2) -> (h, k2, k1)>
#v = affine_map<(h, m, n, k1, k2) -> (h, k2, n)>
#o = affine_map<(h, m, n, k1, k2) -> (h, m, n)>
#c = affine_map<(h, m, n, k1, k2) -> (m, k2)>

// A mask that hides nothing.
// CHECK-LABEL: @nothing(
// CHECK: attn.attention
// CHECK-NOT: captures
// CHECK-NOT: mask
// CHECK: return
func.func @nothing(%q: tensor<2x3x8xf32>, %k: tensor<2x3x8xf32>, %v: tensor<2x3x8xf32>, %o: tensor<2x3x8xf32>) -> tensor<2x3x8xf32> {
  %c = arith.constant dense<[[true, true, true], [true, true, true], [true, true, true]]> : tensor<3x3xi1>
  %low = arith.constant 0xFF800000 : f32
  %r = attn.attention query(%q : tensor<2x3x8xf32>) keys(%k : tensor<2x3x8xf32>) values(%v : tensor<2x3x8xf32>) captures(%c : tensor<3x3xi1>) outs(%o : tensor<2x3x8xf32>)
  score {
  ^bb0(%s: f32, %e: i1):
    %r = arith.select %e, %s, %low : f32
    attn.yield %r : f32
  } {indexing_maps = [#q, #k, #v, #c, #o]} -> tensor<2x3x8xf32>
  return %r : tensor<2x3x8xf32>
}

// -----

#q = affine_map<(h, m, n, k1, k2) -> (h, m, k1)>
#k = affine_map<(h, m, n, k1, k2) -> (h, k2, k1)>
#v = affine_map<(h, m, n, k1, k2) -> (h, k2, n)>
#o = affine_map<(h, m, n, k1, k2) -> (h, m, n)>
#c = affine_map<(h, m, n, k1, k2) -> (m, k2)>

// What comes before the mask stays in the region.
// CHECK-LABEL: @softcap(
// CHECK: attn.attention
// CHECK-NOT: captures
// CHECK: score
// CHECK-NEXT: ^bb0(%[[S:[a-z0-9]*]]: f32):
// CHECK-NEXT: %[[T:.*]] = math.tanh %[[S]]
// CHECK-NEXT: attn.yield %[[T]]
// CHECK: mask = #attn.causal
func.func @softcap(%q: tensor<2x4x8xf32>, %k: tensor<2x4x8xf32>, %v: tensor<2x4x8xf32>, %o: tensor<2x4x8xf32>) -> tensor<2x4x8xf32> {
  %c = arith.constant dense<[[0.0, 0xFF800000, 0xFF800000, 0xFF800000], [0.0, 0.0, 0xFF800000, 0xFF800000], [0.0, 0.0, 0.0, 0xFF800000], [0.0, 0.0, 0.0, 0.0]]> : tensor<4x4xf32>
  %r = attn.attention query(%q : tensor<2x4x8xf32>) keys(%k : tensor<2x4x8xf32>) values(%v : tensor<2x4x8xf32>) captures(%c : tensor<4x4xf32>) outs(%o : tensor<2x4x8xf32>)
  score {
  ^bb0(%s: f32, %e: f32):
    %t = math.tanh %s : f32
    %r = arith.addf %t, %e : f32
    attn.yield %r : f32
  } {indexing_maps = [#q, #k, #v, #c, #o]} -> tensor<2x4x8xf32>
  return %r : tensor<2x4x8xf32>
}

// -----

#q = affine_map<(h, m, n, k1, k2) -> (h, m, k1)>
#k = affine_map<(h, m, n, k1, k2) -> (h, k2, k1)>
#v = affine_map<(h, m, n, k1, k2) -> (h, k2, n)>
#o = affine_map<(h, m, n, k1, k2) -> (h, m, n)>
#c = affine_map<(h, m, n, k1, k2) -> (m, k2)>

// A bias and a mask in one tensor: the bias is still read, tiles of hidden keys are not.
// CHECK-LABEL: @bias(
// CHECK: attn.attention {{.*}} captures(%{{.*}} : tensor<3x3xf32>)
// CHECK: arith.addf
// CHECK: mask = #attn.causal
func.func @bias(%q: tensor<2x3x8xf32>, %k: tensor<2x3x8xf32>, %v: tensor<2x3x8xf32>, %o: tensor<2x3x8xf32>) -> tensor<2x3x8xf32> {
  %c = arith.constant dense<[[1.0, 0xFF800000, 0xFF800000], [-2.0, 3.0, 0xFF800000], [0.5, 1.5, 2.5]]> : tensor<3x3xf32>
  %r = attn.attention query(%q : tensor<2x3x8xf32>) keys(%k : tensor<2x3x8xf32>) values(%v : tensor<2x3x8xf32>) captures(%c : tensor<3x3xf32>) outs(%o : tensor<2x3x8xf32>)
  score {
  ^bb0(%s: f32, %e: f32):
    %r = arith.addf %s, %e : f32
    attn.yield %r : f32
  } {indexing_maps = [#q, #k, #v, #c, #o]} -> tensor<2x3x8xf32>
  return %r : tensor<2x3x8xf32>
}

// -----

#q = affine_map<(h, m, n, k1, k2) -> (h, m, k1)>
#k = affine_map<(h, m, n, k1, k2) -> (h, k2, k1)>
#v = affine_map<(h, m, n, k1, k2) -> (h, k2, n)>
#o = affine_map<(h, m, n, k1, k2) -> (h, m, n)>
#c = affine_map<(h, m, n, k1, k2) -> (m, k2)>

// The mask of the operator Attention.
// CHECK-LABEL: @dense_attribute(
// CHECK: attn.attention
// CHECK-NOT: captures
// CHECK: mask = #attn.causal
func.func @dense_attribute(%q: tensor<2x4x8xf32>, %k: tensor<2x4x8xf32>, %v: tensor<2x4x8xf32>, %o: tensor<2x4x8xf32>) -> tensor<2x4x8xf32> {
  %c = arith.constant dense<[[true, false, false, false], [true, true, false, false], [true, true, true, false], [true, true, true, true]]> : tensor<4x4xi1>
  %r = attn.attention query(%q : tensor<2x4x8xf32>) keys(%k : tensor<2x4x8xf32>) values(%v : tensor<2x4x8xf32>) captures(%c : tensor<4x4xi1>) outs(%o : tensor<2x4x8xf32>)
  score {
  ^bb0(%s: f32, %e: i1):
    %r = arith.addf %s, %s : f32
    attn.yield %r : f32
  } {indexing_maps = [#q, #k, #v, #c, #o], mask = #attn.dense<0>} -> tensor<2x4x8xf32>
  return %r : tensor<2x4x8xf32>
}

// -----

#q = affine_map<(h, m, n, k1, k2) -> (h, m, k1)>
#k = affine_map<(h, m, n, k1, k2) -> (h, k2, k1)>
#v = affine_map<(h, m, n, k1, k2) -> (h, k2, n)>
#o = affine_map<(h, m, n, k1, k2) -> (h, m, n)>
#c = affine_map<(h, m, n, k1, k2) -> (m, k2)>

// Both masks have to show a key.
// CHECK-LABEL: @two_masks(
// CHECK: attn.attention
// CHECK-NOT: captures
// CHECK-NOT: score
// CHECK-SAME: mask = #attn.window<left = 1, right = 0>
func.func @two_masks(%q: tensor<2x4x8xf32>, %k: tensor<2x4x8xf32>, %v: tensor<2x4x8xf32>, %o: tensor<2x4x8xf32>) -> tensor<2x4x8xf32> {
  %c = arith.constant dense<[[true, false, false, false], [true, true, false, false], [true, true, true, false], [true, true, true, true]]> : tensor<4x4xi1>
  %low = arith.constant 0xFF800000 : f32
  %r = attn.attention query(%q : tensor<2x4x8xf32>) keys(%k : tensor<2x4x8xf32>) values(%v : tensor<2x4x8xf32>) captures(%c : tensor<4x4xi1>) outs(%o : tensor<2x4x8xf32>)
  score {
  ^bb0(%s: f32, %e: i1):
    %r = arith.select %e, %s, %low : f32
    attn.yield %r : f32
  } {indexing_maps = [#q, #k, #v, #c, #o], mask = #attn.window<left = 1, right = 1>} -> tensor<2x4x8xf32>
  return %r : tensor<2x4x8xf32>
}

// -----

#q = affine_map<(h, m, n, k1, k2) -> (h, m, k1)>
#k = affine_map<(h, m, n, k1, k2) -> (h, k2, k1)>
#v = affine_map<(h, m, n, k1, k2) -> (h, k2, n)>
#o = affine_map<(h, m, n, k1, k2) -> (h, m, n)>

// Sizes known at run time: positions that the region compares. 0 <= i - j and i - j < 64.
// CHECK-LABEL: @positions(
// CHECK: attn.attention
// CHECK-NOT: score
// CHECK-SAME: mask = #attn.and<#attn.causal, #attn.window<left = 0, offset = -63>>
func.func @positions(%q: tensor<2x?x8xf32>, %k: tensor<2x?x8xf32>, %v: tensor<2x?x8xf32>, %o: tensor<2x?x8xf32>) -> tensor<2x?x8xf32> {
  %low = arith.constant 0xFF800000 : f32
  %zero = arith.constant 0.0 : f32
  %c0 = arith.constant 0 : i64
  %c64 = arith.constant 64 : i64
  %r = attn.attention query(%q : tensor<2x?x8xf32>) keys(%k : tensor<2x?x8xf32>) values(%v : tensor<2x?x8xf32>) outs(%o : tensor<2x?x8xf32>)
  score {
  ^bb0(%s: f32):
    %i = attn.index 1
    %j = attn.index 4
    %il = arith.index_cast %i : index to i64
    %jl = arith.index_cast %j : index to i64
    %d = arith.subi %il, %jl : i64
    %behind = arith.cmpi sge, %d, %c0 : i64
    %near = arith.cmpi slt, %d, %c64 : i64
    %both = arith.andi %behind, %near : i1
    %m = arith.select %both, %zero, %low : f32
    %r = arith.addf %s, %m : f32
    attn.yield %r : f32
  } {indexing_maps = [#q, #k, #v, #o]} -> tensor<2x?x8xf32>
  return %r : tensor<2x?x8xf32>
}

// -----

#q = affine_map<(h, m, n, k1, k2) -> (h, m, k1)>
#k = affine_map<(h, m, n, k1, k2) -> (h, k2, k1)>
#v = affine_map<(h, m, n, k1, k2) -> (h, k2, n)>
#o = affine_map<(h, m, n, k1, k2) -> (h, m, n)>
#c = affine_map<(h, m, n, k1, k2) -> (m, k2)>

// A tensor that is computed from positions is no tensor any more. The lowest number hides for certain, since all rows see the
// first key.
// CHECK-LABEL: @computed(
// CHECK: attn.attention
// CHECK-NOT: captures
// CHECK-SAME: mask = #attn.causal
func.func @computed(%q: tensor<2x?x8xf32>, %k: tensor<2x?x8xf32>, %v: tensor<2x?x8xf32>, %o: tensor<2x?x8xf32>, %m: index, %n: index) -> tensor<2x?x8xf32> {
  %low = arith.constant -3.40282347E+38 : f32
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty(%m, %n) : tensor<?x?xf32>
  %c = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>], iterator_types = ["parallel", "parallel"]} outs(%e : tensor<?x?xf32>) {
  ^bb0(%out: f32):
    %i = linalg.index 0 : index
    %j = linalg.index 1 : index
    %p = arith.cmpi sgt, %j, %i : index
    %x = arith.select %p, %low, %zero : f32
    linalg.yield %x : f32
  } -> tensor<?x?xf32>
  %r = attn.attention query(%q : tensor<2x?x8xf32>) keys(%k : tensor<2x?x8xf32>) values(%v : tensor<2x?x8xf32>) captures(%c : tensor<?x?xf32>) outs(%o : tensor<2x?x8xf32>)
  score {
  ^bb0(%s: f32, %x: f32):
    %r = arith.addf %s, %x : f32
    attn.yield %r : f32
  } {indexing_maps = [#q, #k, #v, #c, #o]} -> tensor<2x?x8xf32>
  return %r : tensor<2x?x8xf32>
}
