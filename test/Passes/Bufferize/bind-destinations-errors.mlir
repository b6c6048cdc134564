// RUN: fovea-opt %s --fovea-bind-destinations --verify-diagnostics

// expected-error @below {{a kernel needs one destination for each result}}
func.func private @k0() -> tensor<f32> attributes {fovea.kernel} {
  %e = tensor.empty() : tensor<f32>
  return %e : tensor<f32>
}
