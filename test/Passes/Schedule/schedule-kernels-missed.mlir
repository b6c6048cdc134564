// RUN: fovea-opt %s --fovea-schedule-kernels="target-triple=x86_64-linux-gnu target-cpu=x86-64-v4" --remarks-filter=.* --split-input-file --verify-diagnostics

#in = affine_map<(l, j) -> (l + j)>
#tap = affine_map<(l, j) -> (j)>
#out = affine_map<(l, j) -> (l)>
func.func private @dynamic(%x: tensor<?xf32>, %w: tensor<2xf32>, %e: tensor<?xf32>) -> tensor<?xf32> attributes {fovea.kernel} {
  // expected-remark @below {{windows are read one element at a time: its sizes are known only at run time}}
  %0 = linalg.generic {indexing_maps = [#in, #tap, #out], iterator_types = ["parallel", "reduction"]}
      ins(%x, %w : tensor<?xf32>, tensor<2xf32>) outs(%e : tensor<?xf32>) {
  ^bb0(%a: f32, %c: f32, %o: f32):
    %s = arith.addf %o, %a : f32
    linalg.yield %s : f32
  } -> tensor<?xf32>
  return %0 : tensor<?xf32>
}

// -----

#across = affine_map<(l, j) -> (l + j, j)>
#tap = affine_map<(l, j) -> (j)>
#out = affine_map<(l, j) -> (l)>
func.func private @across(%x: tensor<17x2xf32>, %w: tensor<2xf32>, %e: tensor<16xf32>) -> tensor<16xf32> attributes {fovea.kernel} {
  // expected-remark @below {{windows are read one element at a time: neighbouring results do not read along the memory}}
  %0 = linalg.generic {indexing_maps = [#across, #tap, #out], iterator_types = ["parallel", "reduction"]}
      ins(%x, %w : tensor<17x2xf32>, tensor<2xf32>) outs(%e : tensor<16xf32>) {
  ^bb0(%a: f32, %c: f32, %o: f32):
    %s = arith.addf %o, %a : f32
    linalg.yield %s : f32
  } -> tensor<16xf32>
  return %0 : tensor<16xf32>
}
