// RUN: fovea-opt %s --attn-tile --verify-diagnostics

func.func @schedule(%q: tensor<128x16xf32>, %k: tensor<128x16xf32>, %v: tensor<128x16xf32>, %o: tensor<128x16xf32>) -> tensor<128x16xf32> {
  // expected-error@+1 {{has an illegal schedule: level 'reduction' of an attention needs 1 tile sizes above 0}}
  %r = attn.attention query(%q : tensor<128x16xf32>) keys(%k : tensor<128x16xf32>) values(%v : tensor<128x16xf32>) outs(%o : tensor<128x16xf32>)
    {indexing_maps = [affine_map<(m, n, k1, k2) -> (m, k1)>, affine_map<(m, n, k1, k2) -> (k2, k1)>,
                      affine_map<(m, n, k1, k2) -> (k2, n)>, affine_map<(m, n, k1, k2) -> (m, n)>],
     attn.schedule = #attn.schedule<workgroup = [32]>} -> tensor<128x16xf32>
  return %r : tensor<128x16xf32>
}
