// RUN: fovea-opt %s --fovea-schedule-kernels --split-input-file --verify-diagnostics

#id = affine_map<(i) -> (i)>
func.func private @too_many(%x: tensor<8xf32>, %out: tensor<8xf32>) -> tensor<8xf32> attributes {fovea.kernel} {
  // expected-error @+1 {{has an illegal schedule: level 'workgroup' has 2 tile sizes for 1 loops}}
  %r = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]}
      ins(%x : tensor<8xf32>) outs(%out : tensor<8xf32>) attrs = {attn.schedule = #attn.schedule<workgroup = [4, 4]>} {
  ^bb0(%a: f32, %o: f32):
    linalg.yield %a : f32
  } -> tensor<8xf32>
  return %r : tensor<8xf32>
}

// -----

#id = affine_map<(i) -> (i)>
func.func private @no_reduction(%x: tensor<8xf32>, %out: tensor<8xf32>) -> tensor<8xf32> attributes {fovea.kernel} {
  // expected-error @+1 {{level 'reduction' tiles loop 0, which is no reduction}}
  %r = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]}
      ins(%x : tensor<8xf32>) outs(%out : tensor<8xf32>) attrs = {attn.schedule = #attn.schedule<reduction = [4]>} {
  ^bb0(%a: f32, %o: f32):
    linalg.yield %a : f32
  } -> tensor<8xf32>
  return %r : tensor<8xf32>
}

// -----

#id = affine_map<(i) -> (i)>
func.func private @no_constant(%x: tensor<8xf32>, %out: tensor<8xf32>) -> tensor<8xf32> attributes {fovea.kernel} {
  // expected-error @+1 {{option 'pack' needs a contraction with a constant operand}}
  %r = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]}
      ins(%x : tensor<8xf32>) outs(%out : tensor<8xf32>) attrs = {attn.schedule = #attn.schedule<pack = 4>} {
  ^bb0(%a: f32, %o: f32):
    linalg.yield %a : f32
  } -> tensor<8xf32>
  return %r : tensor<8xf32>
}

// -----

#id = affine_map<(i) -> (i)>
func.func private @no_block(%x: tensor<8xf32>, %out: tensor<8xf32>) -> tensor<8xf32> attributes {fovea.kernel} {
  // expected-error @+1 {{option 'block' needs a contraction of floats with one reduction}}
  %r = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]}
      ins(%x : tensor<8xf32>) outs(%out : tensor<8xf32>) attrs = {attn.schedule = #attn.schedule<block = 4>} {
  ^bb0(%a: f32, %o: f32):
    linalg.yield %a : f32
  } -> tensor<8xf32>
  return %r : tensor<8xf32>
}

// -----

#id = affine_map<(i) -> (i)>
func.func private @no_overlap(%x: tensor<8xf32>, %out: tensor<8xf32>) -> tensor<8xf32> attributes {fovea.kernel} {
  // expected-error @+1 {{option 'overlap' needs a stencil whose results are written without being read}}
  %r = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]}
      ins(%x : tensor<8xf32>) outs(%out : tensor<8xf32>) attrs = {attn.schedule = #attn.schedule<overlap = 0>} {
  ^bb0(%a: f32, %o: f32):
    linalg.yield %a : f32
  } -> tensor<8xf32>
  return %r : tensor<8xf32>
}
