#id = affine_map<(d0) -> (d0)>
module attributes {fovea.model = "negate"} {
  func.func @main(%x: tensor<4xi8> {fovea.name = "x", fovea.dtype = "uint8"})
      -> (tensor<4xi8> {fovea.name = "y", fovea.dtype = "uint8"}) attributes {fovea.entry} {
    %ones = arith.constant -1 : i8
    %e = tensor.empty() : tensor<4xi8>
    %y = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]}
        ins(%x : tensor<4xi8>) outs(%e : tensor<4xi8>) {
    ^bb0(%a: i8, %o: i8):
      %n = arith.xori %a, %ones : i8
      linalg.yield %n : i8
    } -> tensor<4xi8>
    return %y : tensor<4xi8>
  }
}
