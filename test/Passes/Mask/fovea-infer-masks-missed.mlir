// RUN: fovea-opt %s --fovea-infer-masks --split-input-file | FileCheck %s
// RUN: fovea-opt %s --fovea-infer-masks --remarks-filter=mask --split-input-file --verify-diagnostics

#q = affine_map<(h, m, n, k1, k2) -> (h, m, k1)>
#k = affine_map<(h, m, n, k1, k2) -> (h, k2, k1)>
#v = affine_map<(h, m, n, k1, k2) -> (h, k2, n)>
#o = affine_map<(h, m, n, k1, k2) -> (h, m, n)>
#c = affine_map<(h, m, n, k1, k2) -> (m, k2)>

// -100 is no mask: a score that is 100 higher outweighs it.
// CHECK-LABEL: @not_low_enough(
// CHECK: attn.attention {{.*}} captures(
// CHECK-NOT: mask =
// CHECK: return
func.func @not_low_enough(%q: tensor<2x3x8xf32>, %k: tensor<2x3x8xf32>, %v: tensor<2x3x8xf32>, %o: tensor<2x3x8xf32>) -> tensor<2x3x8xf32> {
  %c = arith.constant dense<[[0.0, -100.0, -100.0], [0.0, 0.0, -100.0], [0.0, 0.0, 0.0]]> : tensor<3x3xf32>
  // expected-remark@+1 {{no value of the mask is low enough to hide a key for certain}}
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

// The second row sees its own keys: all of them are lower by as much.
// CHECK-LABEL: @hidden_row(
// CHECK: attn.attention {{.*}} captures(
// CHECK-NOT: mask =
// CHECK: return
func.func @hidden_row(%q: tensor<2x2x8xf32>, %k: tensor<2x2x8xf32>, %v: tensor<2x2x8xf32>, %o: tensor<2x2x8xf32>) -> tensor<2x2x8xf32> {
  %c = arith.constant dense<[[0.0, -1.0e+09], [-1.0e+09, -1.0e+09]]> : tensor<2x2xf32>
  // expected-remark@+1 {{a row that is hidden as a whole sees its keys, since the mask is finite}}
  %r = attn.attention query(%q : tensor<2x2x8xf32>) keys(%k : tensor<2x2x8xf32>) values(%v : tensor<2x2x8xf32>) captures(%c : tensor<2x2xf32>) outs(%o : tensor<2x2x8xf32>)
  score {
  ^bb0(%s: f32, %e: f32):
    %r = arith.addf %s, %e : f32
    attn.yield %r : f32
  } {indexing_maps = [#q, #k, #v, #c, #o]} -> tensor<2x2x8xf32>
  return %r : tensor<2x2x8xf32>
}

// -----

#q = affine_map<(h, m, n, k1, k2) -> (h, m, k1)>
#k = affine_map<(h, m, n, k1, k2) -> (h, k2, k1)>
#v = affine_map<(h, m, n, k1, k2) -> (h, k2, n)>
#o = affine_map<(h, m, n, k1, k2) -> (h, m, n)>
#c = affine_map<(h, m, n, k1, k2) -> (m, k2)>
#h = affine_map<(h, m, n, k1, k2) -> (h, m, k2)>

// Each head has a mask of its own.
// CHECK-LABEL: @heads(
// CHECK: attn.attention {{.*}} captures(
// CHECK-NOT: mask =
// CHECK: return
func.func @heads(%q: tensor<2x2x8xf32>, %k: tensor<2x2x8xf32>, %v: tensor<2x2x8xf32>, %o: tensor<2x2x8xf32>) -> tensor<2x2x8xf32> {
  %c = arith.constant dense<[[[true, false], [true, true]], [[true, true], [true, true]]]> : tensor<2x2x2xi1>
  %low = arith.constant 0xFF800000 : f32
  // expected-remark@+1 {{the mask differs from one batch, head or window to the next}}
  %r = attn.attention query(%q : tensor<2x2x8xf32>) keys(%k : tensor<2x2x8xf32>) values(%v : tensor<2x2x8xf32>) captures(%c : tensor<2x2x2xi1>) outs(%o : tensor<2x2x8xf32>)
  score {
  ^bb0(%s: f32, %e: i1):
    %r = arith.select %e, %s, %low : f32
    attn.yield %r : f32
  } {indexing_maps = [#q, #k, #v, #h, #o]} -> tensor<2x2x8xf32>
  return %r : tensor<2x2x8xf32>
}

// -----

#q = affine_map<(h, m, n, k1, k2) -> (h, m, k1)>
#k = affine_map<(h, m, n, k1, k2) -> (h, k2, k1)>
#v = affine_map<(h, m, n, k1, k2) -> (h, k2, n)>
#o = affine_map<(h, m, n, k1, k2) -> (h, m, n)>
#c = affine_map<(h, m, n, k1, k2) -> (m, k2)>

// A soft cap after the mask lifts hidden keys up again.
// CHECK-LABEL: @after(
// CHECK: attn.attention {{.*}} captures(
// CHECK-NOT: mask =
// CHECK: return
func.func @after(%q: tensor<2x3x8xf32>, %k: tensor<2x3x8xf32>, %v: tensor<2x3x8xf32>, %o: tensor<2x3x8xf32>) -> tensor<2x3x8xf32> {
  %c = arith.constant dense<[[0.0, 0xFF800000, 0xFF800000], [0.0, 0.0, 0xFF800000], [0.0, 0.0, 0.0]]> : tensor<3x3xf32>
  // expected-remark@+1 {{the score region does more to the mask than hide keys by it}}
  %r = attn.attention query(%q : tensor<2x3x8xf32>) keys(%k : tensor<2x3x8xf32>) values(%v : tensor<2x3x8xf32>) captures(%c : tensor<3x3xf32>) outs(%o : tensor<2x3x8xf32>)
  score {
  ^bb0(%s: f32, %e: f32):
    %a = arith.addf %s, %e : f32
    %r = math.tanh %a : f32
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

// A mask of NaN is none.
// CHECK-LABEL: @nan(
// CHECK: attn.attention {{.*}} captures(
// CHECK-NOT: mask =
// CHECK: return
func.func @nan(%q: tensor<2x2x8xf32>, %k: tensor<2x2x8xf32>, %v: tensor<2x2x8xf32>, %o: tensor<2x2x8xf32>) -> tensor<2x2x8xf32> {
  %c = arith.constant dense<[[0.0, 0x7FC00000], [0.0, 0.0]]> : tensor<2x2xf32>
  // expected-remark@+1 {{the score region does more}}
  %r = attn.attention query(%q : tensor<2x2x8xf32>) keys(%k : tensor<2x2x8xf32>) values(%v : tensor<2x2x8xf32>) captures(%c : tensor<2x2xf32>) outs(%o : tensor<2x2x8xf32>)
  score {
  ^bb0(%s: f32, %e: f32):
    %r = arith.addf %s, %e : f32
    attn.yield %r : f32
  } {indexing_maps = [#q, #k, #v, #c, #o]} -> tensor<2x2x8xf32>
  return %r : tensor<2x2x8xf32>
}

// -----

#q = affine_map<(h, m, n, k1, k2) -> (h, m, k1)>
#k = affine_map<(h, m, n, k1, k2) -> (h, k2, k1)>
#v = affine_map<(h, m, n, k1, k2) -> (h, k2, n)>
#o = affine_map<(h, m, n, k1, k2) -> (h, m, n)>
#c = affine_map<(h, m, n, k1, k2) -> (m, k2)>

// The row's only visible key may be padding, which the other mask knows.
// CHECK-LABEL: @other(
// CHECK: attn.attention {{.*}} captures(
// CHECK-NOT: mask =
// CHECK: return
func.func @other(%q: tensor<2x2x8xf32>, %k: tensor<2x2x8xf32>, %v: tensor<2x2x8xf32>, %o: tensor<2x2x8xf32>, %pad: tensor<2x2xf32>) -> tensor<2x2x8xf32> {
  %c = arith.constant dense<[[0.0, -1.0e+09], [0.0, 0.0]]> : tensor<2x2xf32>
  // expected-remark@+1 {{the mask is finite, and another one that is known only at run time may hide the other keys of a row}}
  %r = attn.attention query(%q : tensor<2x2x8xf32>) keys(%k : tensor<2x2x8xf32>) values(%v : tensor<2x2x8xf32>) captures(%c, %pad : tensor<2x2xf32>, tensor<2x2xf32>) outs(%o : tensor<2x2x8xf32>)
  score {
  ^bb0(%s: f32, %e: f32, %p: f32):
    %a = arith.addf %s, %e : f32
    %r = arith.addf %a, %p : f32
    attn.yield %r : f32
  } {indexing_maps = [#q, #k, #v, #c, #c, #o]} -> tensor<2x2x8xf32>
  return %r : tensor<2x2x8xf32>
}

// -----

#q = affine_map<(h, m, n, k1, k2) -> (h, m, k1)>
#k = affine_map<(h, m, n, k1, k2) -> (h, k2, k1)>
#v = affine_map<(h, m, n, k1, k2) -> (h, k2, n)>
#o = affine_map<(h, m, n, k1, k2) -> (h, m, n)>
#c = affine_map<(h, m, n, k1, k2) -> (m, k2)>

// CHECK-LABEL: @run_time(
// CHECK: attn.attention {{.*}} captures(
// CHECK-NOT: mask =
// CHECK: return
func.func @run_time(%q: tensor<2x2x8xf32>, %k: tensor<2x2x8xf32>, %v: tensor<2x2x8xf32>, %o: tensor<2x2x8xf32>, %c: tensor<2x2xi1>) -> tensor<2x2x8xf32> {
  %low = arith.constant 0xFF800000 : f32
  // expected-remark@+1 {{the mask is known only at run time}}
  %r = attn.attention query(%q : tensor<2x2x8xf32>) keys(%k : tensor<2x2x8xf32>) values(%v : tensor<2x2x8xf32>) captures(%c : tensor<2x2xi1>) outs(%o : tensor<2x2x8xf32>)
  score {
  ^bb0(%s: f32, %e: i1):
    %r = arith.select %e, %s, %low : f32
    attn.yield %r : f32
  } {indexing_maps = [#q, #k, #v, #c, #o]} -> tensor<2x2x8xf32>
  return %r : tensor<2x2x8xf32>
}

// -----

#q = affine_map<(h, m, n, k1, k2) -> (h, m, k1)>
#k = affine_map<(h, m, n, k1, k2) -> (h, k2, k1)>
#v = affine_map<(h, m, n, k1, k2) -> (h, k2, n)>
#o = affine_map<(h, m, n, k1, k2) -> (h, m, n)>

// Of more rows than keys, the last see only keys that a finite number lowers, all alike.
// CHECK-LABEL: @finite_window(
// CHECK: attn.attention
// CHECK: score
// CHECK-NOT: mask =
// CHECK: return
func.func @finite_window(%q: tensor<2x?x8xf32>, %k: tensor<2x?x8xf32>, %v: tensor<2x?x8xf32>, %o: tensor<2x?x8xf32>) -> tensor<2x?x8xf32> {
  %low = arith.constant -1.0e+09 : f32
  %zero = arith.constant 0.0 : f32
  %c64 = arith.constant 64 : index
  // expected-remark@+1 {{the mask is finite, and may hide all keys of a row}}
  %r = attn.attention query(%q : tensor<2x?x8xf32>) keys(%k : tensor<2x?x8xf32>) values(%v : tensor<2x?x8xf32>) outs(%o : tensor<2x?x8xf32>)
  score {
  ^bb0(%s: f32):
    %i = attn.index 1
    %j = attn.index 4
    %d = arith.subi %i, %j : index
    %near = arith.cmpi slt, %d, %c64 : index
    %m = arith.select %near, %zero, %low : f32
    %r = arith.addf %s, %m : f32
    attn.yield %r : f32
  } {indexing_maps = [#q, #k, #v, #o]} -> tensor<2x?x8xf32>
  return %r : tensor<2x?x8xf32>
}
