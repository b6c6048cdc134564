// An intermediate result of 64 MiB, and an output whose sizes are an input.
module attributes {fovea.model = "memory"} {
  func.func @main(
      %a: tensor<4096x8xf32> {fovea.name = "a", fovea.dtype = "float32"},
      %sizes: tensor<2xi64> {fovea.name = "sizes", fovea.dtype = "int64"})
      -> (tensor<4096x8xf32> {fovea.name = "y"}, tensor<?x?xf32> {fovea.name = "z"}) attributes {fovea.entry} {
    %b = arith.constant dense<0.5> : tensor<8x4096xf32>
    %c = arith.constant dense<0.25> : tensor<4096x8xf32>
    %zero = arith.constant 0.0 : f32
    %one = arith.constant 1.0 : f32
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %e0 = tensor.empty() : tensor<4096x4096xf32>
    %f0 = linalg.fill ins(%zero : f32) outs(%e0 : tensor<4096x4096xf32>) -> tensor<4096x4096xf32>
    %wide = linalg.matmul ins(%a, %b : tensor<4096x8xf32>, tensor<8x4096xf32>)
        outs(%f0 : tensor<4096x4096xf32>) -> tensor<4096x4096xf32>
    %e1 = tensor.empty() : tensor<4096x8xf32>
    %f1 = linalg.fill ins(%zero : f32) outs(%e1 : tensor<4096x8xf32>) -> tensor<4096x8xf32>
    %y = linalg.matmul ins(%wide, %c : tensor<4096x4096xf32>, tensor<4096x8xf32>)
        outs(%f1 : tensor<4096x8xf32>) -> tensor<4096x8xf32>
    %n = tensor.extract %sizes[%c0] : tensor<2xi64>
    %m = tensor.extract %sizes[%c1] : tensor<2xi64>
    %in = arith.index_cast %n : i64 to index
    %im = arith.index_cast %m : i64 to index
    %e2 = tensor.empty(%in, %im) : tensor<?x?xf32>
    %z = linalg.fill ins(%one : f32) outs(%e2 : tensor<?x?xf32>) -> tensor<?x?xf32>
    return %y, %z : tensor<4096x8xf32>, tensor<?x?xf32>
  }
}
