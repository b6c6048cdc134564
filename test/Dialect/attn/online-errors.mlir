// RUN: fovea-opt %s --split-input-file --verify-diagnostics

#q = affine_map<(m, n, k1, k2) -> (m, k1)>
#k = affine_map<(m, n, k1, k2) -> (k2, k1)>
#v = affine_map<(m, n, k1, k2) -> (k2, n)>
#o = affine_map<(m, n, k1, k2) -> (m, n)>
#m = affine_map<(m, n, k1, k2) -> (m)>
func.func @online_c1(%q: tensor<4x8xf32>, %k: tensor<6x8xf32>, %v: tensor<6x8xf32>, %o: tensor<4x8xf32>, %m: tensor<4xf32>) {
  // expected-error@+1 {{has 5 indexing maps for 6 operands (online_c1)}}
  %r:3 = attn.online query(%q : tensor<4x8xf32>) key(%k : tensor<6x8xf32>) value(%v : tensor<6x8xf32>) outs(%o, %m, %m : tensor<4x8xf32>, tensor<4xf32>, tensor<4xf32>)
    {indexing_maps = [#q, #k, #v, #o, #m]} -> tensor<4x8xf32>, tensor<4xf32>, tensor<4xf32>
  return
}

// -----

#q = affine_map<(m, n, k1, k2) -> (m, k1)>
#k = affine_map<(m, n, k1, k2) -> (k2, k1)>
#v = affine_map<(m, n, k1, k2) -> (k2, n)>
#o = affine_map<(m, n, k1, k2) -> (m, n)>
#m = affine_map<(m, n, k1, k2) -> (m)>
func.func @online_c2(%q: tensor<4x8xf32>, %k: tensor<6x8xf32>, %v: tensor<6x8xf32>, %o: tensor<4x8xf32>, %m: tensor<4xf32>) {
  // expected-error@+1 {{(online_c2) dimension 0 has no role}}
  %r:3 = attn.online query(%q : tensor<4x8xf32>) key(%k : tensor<6x8xf32>) value(%v : tensor<6x8xf32>) outs(%o, %m, %m : tensor<4x8xf32>, tensor<4xf32>, tensor<4xf32>)
    {indexing_maps = [#q, #k, #v, #k, #m, #m]} -> tensor<4x8xf32>, tensor<4xf32>, tensor<4xf32>
  return
}

// -----

#q = affine_map<(m, n, k1, k2) -> (m, k1)>
#k = affine_map<(m, n, k1, k2) -> (k2, k1)>
#v = affine_map<(m, n, k1, k2) -> (k2, n)>
#o = affine_map<(m, n, k1, k2) -> (m, n)>
#m = affine_map<(m, n, k1, k2) -> (m)>
#n = affine_map<(m, n, k1, k2) -> (n)>
func.func @online_c3(%q: tensor<4x8xf32>, %k: tensor<6x8xf32>, %v: tensor<6x8xf32>, %o: tensor<4x8xf32>, %m: tensor<4xf32>, %n: tensor<8xf32>) {
  // expected-error@+1 {{'max' and 'sum' do not have the dimensions B and M (online_c3)}}
  %r:3 = attn.online query(%q : tensor<4x8xf32>) key(%k : tensor<6x8xf32>) value(%v : tensor<6x8xf32>) outs(%o, %m, %n : tensor<4x8xf32>, tensor<4xf32>, tensor<8xf32>)
    {indexing_maps = [#q, #k, #v, #o, #m, #n]} -> tensor<4x8xf32>, tensor<4xf32>, tensor<8xf32>
  return
}

// -----

#q = affine_map<(m, n, k1, k2) -> (m, k1)>
#k = affine_map<(m, n, k1, k2) -> (k2, k1)>
#v = affine_map<(m, n, k1, k2) -> (k2, n)>
#o = affine_map<(m, n, k1, k2) -> (m, n)>
#m = affine_map<(m, n, k1, k2) -> (m)>
func.func @online_c4(%q: tensor<4x9xf32>, %k: tensor<6x8xf32>, %v: tensor<6x8xf32>, %o: tensor<4x8xf32>, %m: tensor<4xf32>) {
  // expected-error@+1 {{has extents 9 and 8 along dimension 2 (online_c4)}}
  %r:3 = attn.online query(%q : tensor<4x9xf32>) key(%k : tensor<6x8xf32>) value(%v : tensor<6x8xf32>) outs(%o, %m, %m : tensor<4x8xf32>, tensor<4xf32>, tensor<4xf32>)
    {indexing_maps = [#q, #k, #v, #o, #m, #m]} -> tensor<4x8xf32>, tensor<4xf32>, tensor<4xf32>
  return
}

// -----

#q = affine_map<(m, n, k1, k2) -> (m, k1)>
#k = affine_map<(m, n, k1, k2) -> (k2, k1)>
#v = affine_map<(m, n, k1, k2) -> (k2, n)>
#o = affine_map<(m, n, k1, k2) -> (m, n)>
#m = affine_map<(m, n, k1, k2) -> (m)>
func.func @online_c5(%q: tensor<4x8xf16>, %k: tensor<6x8xf16>, %v: tensor<6x8xf16>, %o: tensor<4x8xf16>, %m: tensor<4xf32>) {
  // expected-error@+1 {{expects 'acc', 'max', 'sum' and the results to hold f32 or f64, all the same (online_c5)}}
  %r:3 = attn.online query(%q : tensor<4x8xf16>) key(%k : tensor<6x8xf16>) value(%v : tensor<6x8xf16>) outs(%o, %m, %m : tensor<4x8xf16>, tensor<4xf32>, tensor<4xf32>)
    {indexing_maps = [#q, #k, #v, #o, #m, #m]} -> tensor<4x8xf16>, tensor<4xf32>, tensor<4xf32>
  return
}

// -----

#q = affine_map<(m, n, k1, k2) -> (m, k1)>
#k = affine_map<(m, n, k1, k2) -> (k2, k1)>
#v = affine_map<(m, n, k1, k2) -> (k2, n)>
#o = affine_map<(m, n, k1, k2) -> (m, n)>
#m = affine_map<(m, n, k1, k2) -> (m)>
func.func @online_c6(%q: tensor<4x8xf32>, %k: tensor<6x8xf32>, %v: tensor<6x8xf32>, %o: tensor<4x8xf32>, %m: tensor<4xf32>) {
  // expected-error@+1 {{expects a region with the arguments ('f32') that yields 'f32' (online_c6)}}
  %r:3 = attn.online query(%q : tensor<4x8xf32>) key(%k : tensor<6x8xf32>) value(%v : tensor<6x8xf32>) outs(%o, %m, %m : tensor<4x8xf32>, tensor<4xf32>, tensor<4xf32>)
    score {
    ^bb0(%s: f32, %t: f32):
      attn.yield %s : f32
    }
    {indexing_maps = [#q, #k, #v, #o, #m, #m]} -> tensor<4x8xf32>, tensor<4xf32>, tensor<4xf32>
  return
}
