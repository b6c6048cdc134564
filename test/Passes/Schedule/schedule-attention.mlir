// RUN: fovea-opt %s --fovea-schedule-kernels=target-cpu=znver4 --split-input-file | FileCheck %s
// RUN: fovea-opt %s --fovea-schedule-kernels=target-cpu=x86-64-v3 --split-input-file | FileCheck %s --check-prefix=AVX2

#q = affine_map<(m, n, k1, k2) -> (m, k1)>
#k = affine_map<(m, n, k1, k2) -> (k2, k1)>
#v = affine_map<(m, n, k1, k2) -> (k2, n)>
#o = affine_map<(m, n, k1, k2) -> (m, n)>
// CHECK-LABEL: @dense
// CHECK: attn.schedule = #attn.schedule<lanes = 16, reduction = [128], register = [8, 8], workgroup = [32]>
// AVX2: attn.schedule = #attn.schedule<lanes = 8, reduction = [128], register = [6, 6], workgroup = [16]>
func.func private @dense(%q: tensor<128x16xf32>, %k: tensor<128x16xf32>, %v: tensor<128x16xf32>, %o: tensor<128x16xf32>) -> tensor<128x16xf32> attributes {fovea.kernel} {
  %r = attn.attention query(%q : tensor<128x16xf32>) keys(%k : tensor<128x16xf32>) values(%v : tensor<128x16xf32>) outs(%o : tensor<128x16xf32>)
    {indexing_maps = [#q, #k, #v, #o]} -> tensor<128x16xf32>
  return %r : tensor<128x16xf32>
}

// -----

#q = affine_map<(m, n, k1, k2) -> (m, k1)>
#k = affine_map<(m, n, k1, k2) -> (k2, k1)>
#v = affine_map<(m, n, k1, k2) -> (k2, n)>
#o = affine_map<(m, n, k1, k2) -> (m, n)>
// CHECK-LABEL: @causal
// CHECK: reduction = [64]
// AVX2: reduction = [64]
func.func private @causal(%q: tensor<128x16xf64>, %k: tensor<128x16xf64>, %v: tensor<128x16xf64>, %o: tensor<128x16xf64>) -> tensor<128x16xf64> attributes {fovea.kernel} {
  %r = attn.attention query(%q : tensor<128x16xf64>) keys(%k : tensor<128x16xf64>) values(%v : tensor<128x16xf64>) outs(%o : tensor<128x16xf64>)
    {indexing_maps = [#q, #k, #v, #o], mask = #attn.causal} -> tensor<128x16xf64>
  return %r : tensor<128x16xf64>
}
