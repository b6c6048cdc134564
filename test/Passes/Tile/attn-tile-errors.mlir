// RUN: fovea-opt %s --attn-tile --verify-diagnostics

func.func @schedule(%q: tensor<128x16xf32>, %k: tensor<128x16xf32>, %v: tensor<128x16xf32>, %o: tensor<128x16xf32>) -> tensor<128x16xf32> {
  // expected-error@+1 {{its schedule needs a level 'workgroup' (rows of a tile), a level 'reduction' (keys of a tile) and a level 'register'}}
  %r = attn.attention query(%q : tensor<128x16xf32>) keys(%k : tensor<128x16xf32>) values(%v : tensor<128x16xf32>) outs(%o : tensor<128x16xf32>)
    {indexing_maps = [affine_map<(m, n, k1, k2) -> (m, k1)>, affine_map<(m, n, k1, k2) -> (k2, k1)>,
                      affine_map<(m, n, k1, k2) -> (k2, n)>, affine_map<(m, n, k1, k2) -> (m, n)>],
     attn.schedule = #attn.schedule<workgroup = [32]>} -> tensor<128x16xf32>
  return %r : tensor<128x16xf32>
}
