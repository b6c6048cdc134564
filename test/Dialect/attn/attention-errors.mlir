// RUN: fovea-opt %s --split-input-file --verify-diagnostics

#q = affine_map<(m, n, k1, k2) -> (m, k1)>
#k = affine_map<(m, n, k1, k2) -> (k2, k1)>
#v = affine_map<(m, n, k1, k2) -> (k2, n)>
#o = affine_map<(m, n, k1, k2) -> (m, n)>
func.func @attention_c1(%q: tensor<4x8xf32>, %k: tensor<6x8xf32>, %v: tensor<6x8xf32>, %o: tensor<4x8xf32>) -> tensor<4x8xf32> {
  // expected-error@+1 {{has 1 keys and 2 values (attention_c1)}}
  %r = attn.attention query(%q : tensor<4x8xf32>) keys(%k : tensor<6x8xf32>) values(%v, %v : tensor<6x8xf32>, tensor<6x8xf32>) outs(%o : tensor<4x8xf32>)
    {indexing_maps = [#q, #k, #v, #v, #o]} -> tensor<4x8xf32>
  return %r : tensor<4x8xf32>
}

// -----

#q = affine_map<(m, n, k1, k2) -> (m, k1)>
#k = affine_map<(m, n, k1, k2) -> (k2, k1)>
#v = affine_map<(m, n, k1, k2) -> (k2, n)>
func.func @attention_c2(%q: tensor<4x8xf32>, %k: tensor<6x8xf32>, %v: tensor<6x8xf32>, %o: tensor<4x8xf32>) -> tensor<4x8xf32> {
  // expected-error@+1 {{has 3 indexing maps for 4 operands (attention_c2)}}
  %r = attn.attention query(%q : tensor<4x8xf32>) keys(%k : tensor<6x8xf32>) values(%v : tensor<6x8xf32>) outs(%o : tensor<4x8xf32>)
    {indexing_maps = [#q, #k, #v]} -> tensor<4x8xf32>
  return %r : tensor<4x8xf32>
}

// -----

#q = affine_map<(m, n, k1, k2) -> (m, k1)>
#k = affine_map<(m, n, k1, k2) -> (k2, k1)>
#v = affine_map<(m, n, k1, k2) -> (k2, n)>
#o = affine_map<(m, n, k1) -> (m, n)>
func.func @attention_c2_dims(%q: tensor<4x8xf32>, %k: tensor<6x8xf32>, %v: tensor<6x8xf32>, %o: tensor<4x8xf32>) -> tensor<4x8xf32> {
  // expected-error@+1 {{indexing map 3 is over 3 dimensions and 0 symbols, expected 4 and none (attention_c2)}}
  %r = attn.attention query(%q : tensor<4x8xf32>) keys(%k : tensor<6x8xf32>) values(%v : tensor<6x8xf32>) outs(%o : tensor<4x8xf32>)
    {indexing_maps = [#q, #k, #v, #o]} -> tensor<4x8xf32>
  return %r : tensor<4x8xf32>
}

// -----

#q = affine_map<(m, n, k1, k2) -> (m, k1 + 1)>
#k = affine_map<(m, n, k1, k2) -> (k2, k1)>
#v = affine_map<(m, n, k1, k2) -> (k2, n)>
#o = affine_map<(m, n, k1, k2) -> (m, n)>
func.func @attention_c3(%q: tensor<4x8xf32>, %k: tensor<6x8xf32>, %v: tensor<6x8xf32>, %o: tensor<4x8xf32>) -> tensor<4x8xf32> {
  // expected-error@+1 {{indexing map 0 is not a projected permutation with 2 results (attention_c3)}}
  %r = attn.attention query(%q : tensor<4x8xf32>) keys(%k : tensor<6x8xf32>) values(%v : tensor<6x8xf32>) outs(%o : tensor<4x8xf32>)
    {indexing_maps = [#q, #k, #v, #o]} -> tensor<4x8xf32>
  return %r : tensor<4x8xf32>
}

// -----

#q = affine_map<(m, n, k1, k2) -> (m, n)>
#k = affine_map<(m, n, k1, k2) -> (k2, k1)>
#v = affine_map<(m, n, k1, k2) -> (k2, n)>
#o = affine_map<(m, n, k1, k2) -> (m, n)>
func.func @attention_c4(%q: tensor<4x8xf32>, %k: tensor<6x8xf32>, %v: tensor<6x8xf32>, %o: tensor<4x8xf32>) -> tensor<4x8xf32> {
  // expected-error@+1 {{dimension 2 has no role: it is not in the output, and is neither in query and key alone nor in key and value alone (attention_c4)}}
  %r = attn.attention query(%q : tensor<4x8xf32>) keys(%k : tensor<6x8xf32>) values(%v : tensor<6x8xf32>) outs(%o : tensor<4x8xf32>)
    {indexing_maps = [#q, #k, #v, #o]} -> tensor<4x8xf32>
  return %r : tensor<4x8xf32>
}

// -----

#q = affine_map<(m, n, k1, k2) -> (m, k1)>
#k = affine_map<(m, n, k1, k2) -> (k2, k1)>
#v = affine_map<(m, n, k1, k2) -> (k2, n)>
#o = affine_map<(m, n, k1, k2) -> (m, n)>
func.func @attention_c5(%q: tensor<4x8xf32>, %k: tensor<6x9xf32>, %v: tensor<6x8xf32>, %o: tensor<4x8xf32>) -> tensor<4x8xf32> {
  // expected-error@+1 {{operand 1 has extent 9 along dimension 2, expected 8 (attention_c5)}}
  %r = attn.attention query(%q : tensor<4x8xf32>) keys(%k : tensor<6x9xf32>) values(%v : tensor<6x8xf32>) outs(%o : tensor<4x8xf32>)
    {indexing_maps = [#q, #k, #v, #o]} -> tensor<4x8xf32>
  return %r : tensor<4x8xf32>
}

// -----

#q = affine_map<(m, n, k1, k2) -> (m, k1)>
#k = affine_map<(m, n, k1, k2) -> (k2, k1)>
#v = affine_map<(m, n, k1, k2) -> (k2, n)>
#c = affine_map<(m, n, k1, k2) -> (m, k2)>
#o = affine_map<(m, n, k1, k2) -> (m, n)>
// K2 is the sum of the sources: 12.
func.func @attention_c5_sources(%q: tensor<4x8xf32>, %k: tensor<6x8xf32>, %v: tensor<6x8xf32>, %c: tensor<4x6xf32>, %o: tensor<4x8xf32>) -> tensor<4x8xf32> {
  // expected-error@+1 {{operand 5 has extent 6 along dimension 3, expected 12 (attention_c5)}}
  %r = attn.attention query(%q : tensor<4x8xf32>) keys(%k, %k : tensor<6x8xf32>, tensor<6x8xf32>) values(%v, %v : tensor<6x8xf32>, tensor<6x8xf32>)
    captures(%c : tensor<4x6xf32>) outs(%o : tensor<4x8xf32>)
    {indexing_maps = [#q, #k, #k, #v, #v, #c, #o]} -> tensor<4x8xf32>
  return %r : tensor<4x8xf32>
}

// -----

#q = affine_map<(m, n, k1, k2) -> (m, k1)>
#k = affine_map<(m, n, k1, k2) -> (k2, k1)>
#v = affine_map<(m, n, k1, k2) -> (k2, n)>
#o = affine_map<(m, n, k1, k2) -> (m, n)>
func.func @attention_c6(%q: tensor<4x8xi32>, %k: tensor<6x8xi32>, %v: tensor<6x8xf32>, %o: tensor<4x8xf32>) -> tensor<4x8xf32> {
  // expected-error@+1 {{operand 0 has the element type 'i32', expected f16, bf16, f32 or f64 (attention_c6)}}
  %r = attn.attention query(%q : tensor<4x8xi32>) keys(%k : tensor<6x8xi32>) values(%v : tensor<6x8xf32>) outs(%o : tensor<4x8xf32>)
    {indexing_maps = [#q, #k, #v, #o]} -> tensor<4x8xf32>
  return %r : tensor<4x8xf32>
}

// -----

#q = affine_map<(m, n, k1, k2) -> (m, k1)>
#k = affine_map<(m, n, k1, k2) -> (k2, k1)>
#v = affine_map<(m, n, k1, k2) -> (k2, n)>
#o = affine_map<(m, n, k1, k2) -> (m, n)>
func.func @attention_c7(%q: tensor<4x8xf32>, %k: tensor<6x8xf32>, %v: tensor<6x8xf32>, %o: tensor<4x8xf32>) -> tensor<4x8xf32> {
  // expected-error@+1 {{has no result of kind output (attention_c7)}}
  %r = attn.attention query(%q : tensor<4x8xf32>) keys(%k : tensor<6x8xf32>) values(%v : tensor<6x8xf32>) outs(%o : tensor<4x8xf32>)
    {indexing_maps = [#q, #k, #v, #o], result_kinds = [#attn<result lse>]} -> tensor<4x8xf32>
  return %r : tensor<4x8xf32>
}

// -----

#q = affine_map<(m, n, k1, k2) -> (m, k1)>
#k = affine_map<(m, n, k1, k2) -> (k2, k1)>
#v = affine_map<(m, n, k1, k2) -> (k2, n)>
#o = affine_map<(m, n, k1, k2) -> (m, n)>
func.func @attention_c7_map(%q: tensor<4x8xf32>, %k: tensor<6x8xf32>, %v: tensor<6x8xf32>, %o: tensor<4x8xf32>) -> tensor<4x8xf32> {
  // expected-error@+1 {{init 1 of kind lse does not have the dimensions of its kind (attention_c7)}}
  %r:2 = attn.attention query(%q : tensor<4x8xf32>) keys(%k : tensor<6x8xf32>) values(%v : tensor<6x8xf32>) outs(%o, %o : tensor<4x8xf32>, tensor<4x8xf32>)
    {indexing_maps = [#q, #k, #v, #o, #o], result_kinds = [#attn<result output>, #attn<result lse>]} -> tensor<4x8xf32>, tensor<4x8xf32>
  return %r#0 : tensor<4x8xf32>
}

// -----

#q = affine_map<(m, n, k1, k2) -> (m, k1)>
#k = affine_map<(m, n, k1, k2) -> (k2, k1)>
#v = affine_map<(m, n, k1, k2) -> (k2, n)>
#o = affine_map<(m, n, k1, k2) -> (m, n)>
#l = affine_map<(m, n, k1, k2) -> (m)>
func.func @attention_c7_softmax(%q: tensor<4x8xf32>, %k: tensor<6x8xf32>, %v: tensor<6x8xf32>, %o: tensor<4x8xf32>, %l: tensor<4xf32>) -> tensor<4x8xf32> {
  // expected-error@+1 {{has a result of kind lse without a softmax (attention_c7)}}
  %r:2 = attn.attention query(%q : tensor<4x8xf32>) keys(%k : tensor<6x8xf32>) values(%v : tensor<6x8xf32>) outs(%o, %l : tensor<4x8xf32>, tensor<4xf32>)
    {indexing_maps = [#q, #k, #v, #o, #l], normalizer = #attn<normalizer sigmoid>, result_kinds = [#attn<result output>, #attn<result lse>]}
    -> tensor<4x8xf32>, tensor<4xf32>
  return %r#0 : tensor<4x8xf32>
}

// -----

#q = affine_map<(m, n, k1, k2) -> (m, k1)>
#k = affine_map<(m, n, k1, k2) -> (k2, k1)>
#v = affine_map<(m, n, k1, k2) -> (k2, n)>
#o = affine_map<(m, n, k1, k2) -> (m, n)>
func.func @attention_c8(%q: tensor<4x8xf32>, %k: tensor<6x8xf32>, %v: tensor<6x8xf32>, %o: tensor<4x8xf32>) -> tensor<4x8xf16> {
  // expected-error@+1 {{has results that differ in type from the inits (attention_c8)}}
  %r = attn.attention query(%q : tensor<4x8xf32>) keys(%k : tensor<6x8xf32>) values(%v : tensor<6x8xf32>) outs(%o : tensor<4x8xf32>)
    {indexing_maps = [#q, #k, #v, #o]} -> tensor<4x8xf16>
  return %r : tensor<4x8xf16>
}

// -----

#q = affine_map<(m, n, k1, k2) -> (m, k1)>
#k = affine_map<(m, n, k1, k2) -> (k2, k1)>
#v = affine_map<(m, n, k1, k2) -> (k2, n)>
#o = affine_map<(m, n, k1, k2) -> (m, n)>
func.func @attention_c9(%q: tensor<4x8xf16>, %k: tensor<6x8xf16>, %v: tensor<6x8xf16>, %o: tensor<4x8xf16>) -> tensor<4x8xf16> {
  // expected-error@+1 {{region 'score' has the argument types ('f16'), expected ('f32') (attention_c9)}}
  %r = attn.attention query(%q : tensor<4x8xf16>) keys(%k : tensor<6x8xf16>) values(%v : tensor<6x8xf16>) outs(%o : tensor<4x8xf16>)
    score {
    ^bb0(%s: f16):
      attn.yield %s : f16
    }
    {indexing_maps = [#q, #k, #v, #o]} -> tensor<4x8xf16>
  return %r : tensor<4x8xf16>
}

// -----

#q = affine_map<(m, n, k1, k2) -> (m, k1)>
#k = affine_map<(m, n, k1, k2) -> (k2, k1)>
#v = affine_map<(m, n, k1, k2) -> (k2, n)>
#o = affine_map<(m, n, k1, k2) -> (m, n)>
func.func private @effect()
func.func @attention_c9_effects(%q: tensor<4x8xf32>, %k: tensor<6x8xf32>, %v: tensor<6x8xf32>, %o: tensor<4x8xf32>) -> tensor<4x8xf32> {
  // expected-error@+1 {{region 'prob' has an operation with side effects: 'func.call' (attention_c9)}}
  %r = attn.attention query(%q : tensor<4x8xf32>) keys(%k : tensor<6x8xf32>) values(%v : tensor<6x8xf32>) outs(%o : tensor<4x8xf32>)
    prob {
    ^bb0(%p: f32):
      func.call @effect() : () -> ()
      attn.yield %p : f32
    }
    {indexing_maps = [#q, #k, #v, #o]} -> tensor<4x8xf32>
  return %r : tensor<4x8xf32>
}

// -----

#q = affine_map<(m, n, k1, k2) -> (m, k1)>
#k = affine_map<(m, n, k1, k2) -> (k2, k1)>
#v = affine_map<(m, n, k1, k2) -> (k2, n)>
#o = affine_map<(m, n, k1, k2) -> (m, n)>
func.func @attention_c10(%q: tensor<4x8xf32>, %k: tensor<6x8xf32>, %v: tensor<6x8xf32>, %o: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %r = attn.attention query(%q : tensor<4x8xf32>) keys(%k : tensor<6x8xf32>) values(%v : tensor<6x8xf32>) outs(%o : tensor<4x8xf32>)
    score {
    ^bb0(%s: f32):
      // expected-error@+1 {{names dimension 1, which is not of role B, M or K2 (attention_c10)}}
      %i = attn.index 1
      attn.yield %s : f32
    }
    {indexing_maps = [#q, #k, #v, #o]} -> tensor<4x8xf32>
  return %r : tensor<4x8xf32>
}

// -----

#q = affine_map<(m, n, k1, k2) -> (m, k1)>
#k = affine_map<(m, n, k1, k2) -> (k2, k1)>
#v = affine_map<(m, n, k1, k2) -> (k2, n)>
#o = affine_map<(m, n, k1, k2) -> (m, n)>
func.func @attention_c11(%q: tensor<4x8xf32>, %k: tensor<6x8xf32>, %v: tensor<6x8xf32>, %o: tensor<4x8xf32>) -> tensor<4x8xf32> {
  // expected-error@+1 {{the mask reads capture 2 of 0 (attention_c11)}}
  %r = attn.attention query(%q : tensor<4x8xf32>) keys(%k : tensor<6x8xf32>) values(%v : tensor<6x8xf32>) outs(%o : tensor<4x8xf32>)
    {indexing_maps = [#q, #k, #v, #o], mask = #attn.and<#attn.causal, #attn.dense<2>>} -> tensor<4x8xf32>
  return %r : tensor<4x8xf32>
}

// -----

#q = affine_map<(m, n, k1, k2) -> (m, k1)>
#k = affine_map<(m, n, k1, k2) -> (k2, k1)>
#v = affine_map<(m, n, k1, k2) -> (k2, n)>
#c = affine_map<(m, n, k1, k2) -> ()>
#o = affine_map<(m, n, k1, k2) -> (m, n)>
func.func @attention_c11_type(%q: tensor<4x8xf32>, %k: tensor<6x8xf32>, %v: tensor<6x8xf32>, %c: tensor<f32>, %o: tensor<4x8xf32>) -> tensor<4x8xf32> {
  // expected-error@+1 {{the mask reads capture 0 as integers, but it holds 'f32' (attention_c11)}}
  %r = attn.attention query(%q : tensor<4x8xf32>) keys(%k : tensor<6x8xf32>) values(%v : tensor<6x8xf32>) captures(%c : tensor<f32>) outs(%o : tensor<4x8xf32>)
    {indexing_maps = [#q, #k, #v, #c, #o], mask = #attn.padding<end = 0>} -> tensor<4x8xf32>
  return %r : tensor<4x8xf32>
}

// -----

func.func @index_c1() {
  // expected-error@+1 {{is outside of an attention operation (index_c1)}}
  %i = attn.index 0
  return
}
