// RUN: fovea-opt %s --attn-lower-online --verify-diagnostics

func.func @schedule(%q: tensor<24x32xf32>, %k: tensor<64x24xf32>, %v: tensor<64x9xf32>, %acc: tensor<9x32xf32>, %max: tensor<32xf32>, %sum: tensor<32xf32>) -> tensor<9x32xf32> {
  // expected-error@+1 {{expected a static tile without batch dimensions and with a schedule that has a level 'register' of two sizes}}
  %r:3 = attn.online query(%q : tensor<24x32xf32>) key(%k : tensor<64x24xf32>) value(%v : tensor<64x9xf32>)
    outs(%acc, %max, %sum : tensor<9x32xf32>, tensor<32xf32>, tensor<32xf32>)
    {indexing_maps = [affine_map<(m, n, k1, k2) -> (k1, m)>, affine_map<(m, n, k1, k2) -> (k2, k1)>, affine_map<(m, n, k1, k2) -> (k2, n)>,
                      affine_map<(m, n, k1, k2) -> (n, m)>, affine_map<(m, n, k1, k2) -> (m)>, affine_map<(m, n, k1, k2) -> (m)>]}
    -> tensor<9x32xf32>, tensor<32xf32>, tensor<32xf32>
  return %r#0 : tensor<9x32xf32>
}
