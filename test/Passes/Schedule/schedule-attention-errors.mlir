// RUN: fovea-opt %s --fovea-schedule-kernels=target-cpu=znver4 --verify-diagnostics

func.func private @lanes(%q: tensor<128x16xf32>, %k: tensor<128x16xf32>, %v: tensor<128x16xf32>, %o: tensor<128x16xf32>) -> tensor<128x16xf32> attributes {fovea.kernel} {
  // expected-error@+1 {{has an illegal schedule: level 'workgroup' of an attention has to be a multiple of the option 'lanes', which is 16}}
  %r = attn.attention query(%q : tensor<128x16xf32>) keys(%k : tensor<128x16xf32>) values(%v : tensor<128x16xf32>) outs(%o : tensor<128x16xf32>)
    {indexing_maps = [affine_map<(m, n, k1, k2) -> (m, k1)>, affine_map<(m, n, k1, k2) -> (k2, k1)>,
                      affine_map<(m, n, k1, k2) -> (k2, n)>, affine_map<(m, n, k1, k2) -> (m, n)>],
     attn.schedule = #attn.schedule<workgroup = [24], reduction = [64], register = [8, 8], lanes = 16>} -> tensor<128x16xf32>
  return %r : tensor<128x16xf32>
}
