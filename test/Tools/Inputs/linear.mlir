// y = x * w + b for at most 4 rows, with a constant as a second output; what an import produces.
module attributes {fovea.model = "tiny linear"} {
  func.func @main(
      %x: tensor<?x8xf32> {fovea.name = "x", fovea.dtype = "float32", fovea.dims = ["batch", ""]},
      %b: tensor<?x16xf32> {fovea.name = "b", fovea.dims = ["batch", ""]})
      -> (tensor<?x16xf32> {fovea.name = "y", fovea.dims = ["batch", ""]},
          tensor<32xf32> {fovea.name = "c"}) attributes {fovea.entry} {
    %w = arith.constant dense<0.5> : tensor<8x16xf32>
    %c = arith.constant dense<[0., 1., 2., 3., 4., 5., 6., 7., 8., 9., 10., 11., 12., 13., 14., 15.,
                               16., 17., 18., 19., 20., 21., 22., 23., 24., 25., 26., 27., 28., 29., 30., 31.]> : tensor<32xf32>
    %zero = arith.constant 0.0 : f32
    %c0 = arith.constant 0 : index
    %c4 = arith.constant 4 : index
    %n = tensor.dim %x, %c0 : tensor<?x8xf32>
    %ok = arith.cmpi ule, %n, %c4 : index
    cf.assert %ok, "more than 4 rows"
    %e = tensor.empty(%n) : tensor<?x16xf32>
    %f = linalg.fill ins(%zero : f32) outs(%e : tensor<?x16xf32>) -> tensor<?x16xf32>
    %m = linalg.matmul ins(%x, %w : tensor<?x8xf32>, tensor<8x16xf32>) outs(%f : tensor<?x16xf32>) -> tensor<?x16xf32>
    %a = linalg.add ins(%m, %b : tensor<?x16xf32>, tensor<?x16xf32>) outs(%e : tensor<?x16xf32>) -> tensor<?x16xf32>
    return %a, %c : tensor<?x16xf32>, tensor<32xf32>
  }
}
