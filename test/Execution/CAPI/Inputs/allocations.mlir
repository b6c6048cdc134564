// A softmax whose rows need scratch of run-time size in each thread.
module attributes {fovea.model = "allocations"} {
  func.func @main(%x: tensor<4x?xf32> {fovea.name = "x", fovea.dtype = "float32"})
      -> (tensor<4x?xf32> {fovea.name = "y"}) attributes {fovea.entry} {
    %c1 = arith.constant 1 : index
    %n = tensor.dim %x, %c1 : tensor<4x?xf32>
    %e = tensor.empty(%n) : tensor<4x?xf32>
    %y = linalg.softmax dimension(1) ins(%x : tensor<4x?xf32>) outs(%e : tensor<4x?xf32>) -> tensor<4x?xf32>
    return %y : tensor<4x?xf32>
  }
}
