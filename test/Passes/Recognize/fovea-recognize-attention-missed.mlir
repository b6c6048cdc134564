// RUN: fovea-opt %s --fovea-recognize-attention --remarks-filter=.* --split-input-file --verify-diagnostics

func.func @no_values(%x: tensor<2x6x6xf32>) -> tensor<2x6x6xf32> {
  %es = tensor.empty() : tensor<2x6x6xf32>
  // expected-remark @below {{no product with values follows the softmax}}
  %p = linalg.softmax dimension(2) ins(%x : tensor<2x6x6xf32>) outs(%es : tensor<2x6x6xf32>) -> tensor<2x6x6xf32>
  return %p : tensor<2x6x6xf32>
}

// -----

func.func @no_scores(%x: tensor<2x6x6xf32>, %v: tensor<2x6x8xf32>) -> tensor<2x6x8xf32> {
  %zero = arith.constant 0.0 : f32
  %es = tensor.empty() : tensor<2x6x6xf32>
  %eo = tensor.empty() : tensor<2x6x8xf32>
  // expected-remark @below {{no product of queries and keys leads to the softmax}}
  %p = linalg.softmax dimension(2) ins(%x : tensor<2x6x6xf32>) outs(%es : tensor<2x6x6xf32>) -> tensor<2x6x6xf32>
  %fo = linalg.fill ins(%zero : f32) outs(%eo : tensor<2x6x8xf32>) -> tensor<2x6x8xf32>
  %y = linalg.batch_matmul ins(%p, %v : tensor<2x6x6xf32>, tensor<2x6x8xf32>) outs(%fo : tensor<2x6x8xf32>) -> tensor<2x6x8xf32>
  return %y : tensor<2x6x8xf32>
}

// -----

// The softmax is over the queries.

func.func @over_queries(%q: tensor<2x6x8xf32>, %k: tensor<2x8x6xf32>, %v: tensor<2x6x8xf32>) -> tensor<2x6x8xf32> {
  %zero = arith.constant 0.0 : f32
  %es = tensor.empty() : tensor<2x6x6xf32>
  %eo = tensor.empty() : tensor<2x6x8xf32>
  %fs = linalg.fill ins(%zero : f32) outs(%es : tensor<2x6x6xf32>) -> tensor<2x6x6xf32>
  %s = linalg.batch_matmul ins(%q, %k : tensor<2x6x8xf32>, tensor<2x8x6xf32>) outs(%fs : tensor<2x6x6xf32>) -> tensor<2x6x6xf32>
  // expected-remark @below {{the softmax normalises over another axis}}
  %p = linalg.softmax dimension(1) ins(%s : tensor<2x6x6xf32>) outs(%es : tensor<2x6x6xf32>) -> tensor<2x6x6xf32>
  %fo = linalg.fill ins(%zero : f32) outs(%eo : tensor<2x6x8xf32>) -> tensor<2x6x8xf32>
  %y = linalg.batch_matmul ins(%p, %v : tensor<2x6x6xf32>, tensor<2x6x8xf32>) outs(%fo : tensor<2x6x8xf32>) -> tensor<2x6x8xf32>
  return %y : tensor<2x6x8xf32>
}

// -----

func.func @other_use(%q: tensor<2x6x8xf32>, %k: tensor<2x8x6xf32>, %v: tensor<2x6x8xf32>) -> (tensor<2x6x8xf32>, tensor<2x6x6xf32>) {
  %zero = arith.constant 0.0 : f32
  %es = tensor.empty() : tensor<2x6x6xf32>
  %eo = tensor.empty() : tensor<2x6x8xf32>
  %fs = linalg.fill ins(%zero : f32) outs(%es : tensor<2x6x6xf32>) -> tensor<2x6x6xf32>
  %s = linalg.batch_matmul ins(%q, %k : tensor<2x6x8xf32>, tensor<2x8x6xf32>) outs(%fs : tensor<2x6x6xf32>) -> tensor<2x6x6xf32>
  // expected-remark @below {{its probabilities have other users and are stored}}
  %p = linalg.softmax dimension(2) ins(%s : tensor<2x6x6xf32>) outs(%es : tensor<2x6x6xf32>) -> tensor<2x6x6xf32>
  %fo = linalg.fill ins(%zero : f32) outs(%eo : tensor<2x6x8xf32>) -> tensor<2x6x8xf32>
  %y = linalg.batch_matmul ins(%p, %v : tensor<2x6x6xf32>, tensor<2x6x8xf32>) outs(%fo : tensor<2x6x8xf32>) -> tensor<2x6x8xf32>
  return %y, %p : tensor<2x6x8xf32>, tensor<2x6x6xf32>
}

// -----

// Not attention but two products: the destination of the first is not zero.

func.func @accumulates(%q: tensor<2x6x8xf32>, %k: tensor<2x8x6xf32>, %v: tensor<2x6x8xf32>, %init: tensor<2x6x6xf32>) -> tensor<2x6x8xf32> {
  %zero = arith.constant 0.0 : f32
  %es = tensor.empty() : tensor<2x6x6xf32>
  %eo = tensor.empty() : tensor<2x6x8xf32>
  %s = linalg.batch_matmul ins(%q, %k : tensor<2x6x8xf32>, tensor<2x8x6xf32>) outs(%init : tensor<2x6x6xf32>) -> tensor<2x6x6xf32>
  // expected-remark @below {{no product of queries and keys leads to the softmax}}
  %p = linalg.softmax dimension(2) ins(%s : tensor<2x6x6xf32>) outs(%es : tensor<2x6x6xf32>) -> tensor<2x6x6xf32>
  %fo = linalg.fill ins(%zero : f32) outs(%eo : tensor<2x6x8xf32>) -> tensor<2x6x8xf32>
  %y = linalg.batch_matmul ins(%p, %v : tensor<2x6x6xf32>, tensor<2x6x8xf32>) outs(%fo : tensor<2x6x8xf32>) -> tensor<2x6x8xf32>
  return %y : tensor<2x6x8xf32>
}

// -----

func.func @linear(%q: tensor<2x6x8xf32>, %k: tensor<2x8x6xf32>, %v: tensor<2x6x8xf32>) -> tensor<2x6x8xf32> {
  %zero = arith.constant 0.0 : f32
  %es = tensor.empty() : tensor<2x8x8xf32>
  %eo = tensor.empty() : tensor<2x6x8xf32>
  %fs = linalg.fill ins(%zero : f32) outs(%es : tensor<2x8x8xf32>) -> tensor<2x8x8xf32>
  // expected-remark @below {{products without a softmax between them}}
  %s = linalg.batch_matmul ins(%k, %v : tensor<2x8x6xf32>, tensor<2x6x8xf32>) outs(%fs : tensor<2x8x8xf32>) -> tensor<2x8x8xf32>
  %fo = linalg.fill ins(%zero : f32) outs(%eo : tensor<2x6x8xf32>) -> tensor<2x6x8xf32>
  %y = linalg.batch_matmul ins(%q, %s : tensor<2x6x8xf32>, tensor<2x8x8xf32>) outs(%fo : tensor<2x6x8xf32>) -> tensor<2x6x8xf32>
  return %y : tensor<2x6x8xf32>
}

// -----

// What is stored are the probabilities before the gate: they are no result.

func.func @other_use_and_gate(%q: tensor<2x6x8xf32>, %k: tensor<2x8x6xf32>, %v: tensor<2x6x8xf32>) -> (tensor<2x6x8xf32>, tensor<2x6x6xf32>) {
  %zero = arith.constant 0.0 : f32
  %es = tensor.empty() : tensor<2x6x6xf32>
  %eo = tensor.empty() : tensor<2x6x8xf32>
  %fs = linalg.fill ins(%zero : f32) outs(%es : tensor<2x6x6xf32>) -> tensor<2x6x6xf32>
  %s = linalg.batch_matmul ins(%q, %k : tensor<2x6x8xf32>, tensor<2x8x6xf32>) outs(%fs : tensor<2x6x6xf32>) -> tensor<2x6x6xf32>
  // expected-remark @below {{the probabilities are used by something else}}
  %p = linalg.softmax dimension(2) ins(%s : tensor<2x6x6xf32>) outs(%es : tensor<2x6x6xf32>) -> tensor<2x6x6xf32>
  %g = linalg.tanh ins(%p : tensor<2x6x6xf32>) outs(%es : tensor<2x6x6xf32>) -> tensor<2x6x6xf32>
  %fo = linalg.fill ins(%zero : f32) outs(%eo : tensor<2x6x8xf32>) -> tensor<2x6x8xf32>
  %y = linalg.batch_matmul ins(%g, %v : tensor<2x6x6xf32>, tensor<2x6x8xf32>) outs(%fo : tensor<2x6x8xf32>) -> tensor<2x6x8xf32>
  return %y, %p : tensor<2x6x8xf32>, tensor<2x6x6xf32>
}

// -----

// The scores are compared with their own maximum: fused scores are rounded in
// another order than those that the maximum was taken of.

func.func @own_scores(%q: tensor<2x6x8xf32>, %k: tensor<2x8x6xf32>, %v: tensor<2x6x8xf32>) -> tensor<2x6x8xf32> {
  %zero = arith.constant 0.0 : f32
  %low = arith.constant 0xFF800000 : f32
  %es = tensor.empty() : tensor<2x6x6xf32>
  %er = tensor.empty() : tensor<2x6xf32>
  %eo = tensor.empty() : tensor<2x6x8xf32>
  %fs = linalg.fill ins(%zero : f32) outs(%es : tensor<2x6x6xf32>) -> tensor<2x6x6xf32>
  %s = linalg.batch_matmul ins(%q, %k : tensor<2x6x8xf32>, tensor<2x8x6xf32>) outs(%fs : tensor<2x6x6xf32>) -> tensor<2x6x6xf32>
  %fr = linalg.fill ins(%low : f32) outs(%er : tensor<2x6xf32>) -> tensor<2x6xf32>
  %m = linalg.reduce { arith.maximumf } ins(%s : tensor<2x6x6xf32>) outs(%fr : tensor<2x6xf32>) dimensions = [2]
  %t = linalg.generic {indexing_maps = [affine_map<(b, i, j) -> (b, i, j)>, affine_map<(b, i, j) -> (b, i)>, affine_map<(b, i, j) -> (b, i, j)>], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%s, %m : tensor<2x6x6xf32>, tensor<2x6xf32>) outs(%es : tensor<2x6x6xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %c = arith.cmpf olt, %a, %b : f32
    %r = arith.select %c, %low, %a : f32
    linalg.yield %r : f32
  } -> tensor<2x6x6xf32>
  // expected-remark @below {{what changes the scores is computed from the scores}}
  %p = linalg.softmax dimension(2) ins(%t : tensor<2x6x6xf32>) outs(%es : tensor<2x6x6xf32>) -> tensor<2x6x6xf32>
  %fo = linalg.fill ins(%zero : f32) outs(%eo : tensor<2x6x8xf32>) -> tensor<2x6x8xf32>
  %y = linalg.batch_matmul ins(%p, %v : tensor<2x6x6xf32>, tensor<2x6x8xf32>) outs(%fo : tensor<2x6x8xf32>) -> tensor<2x6x8xf32>
  return %y : tensor<2x6x8xf32>
}
