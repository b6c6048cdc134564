// Doubles the elements of a sequence, any optional sequence and tensor with it.
module attributes {fovea.model = "lists"} {
  func.func @main(
      %data: tensor<?xf32> {fovea.name = "x", fovea.sequence = tensor<?x2xf32>},
      %table: tensor<?x18xi64>,
      %more: tensor<?xi64> {fovea.name = "more", fovea.dtype = "int64", fovea.sequence = tensor<*xi64>, fovea.optional},
      %moreTable: tensor<?x18xi64>,
      %hasMore: tensor<i1>,
      %bias: tensor<?xf32> {fovea.name = "bias", fovea.optional},
      %hasBias: tensor<i1>)
      -> (tensor<?xf32> {fovea.name = "y", fovea.sequence = tensor<?x2xf32>},
          tensor<?x18xi64>,
          tensor<?xi64> {fovea.name = "same", fovea.dtype = "int64", fovea.sequence = tensor<*xi64>, fovea.optional},
          tensor<?x18xi64>,
          tensor<i1>,
          tensor<?xf32> {fovea.name = "biased", fovea.optional},
          tensor<i1>)
      attributes {fovea.entry} {
    %c0 = arith.constant 0 : index
    %n = tensor.dim %data, %c0 : tensor<?xf32>
    %init = tensor.empty(%n) : tensor<?xf32>
    %y = linalg.add ins(%data, %data : tensor<?xf32>, tensor<?xf32>) outs(%init : tensor<?xf32>) -> tensor<?xf32>
    return %y, %table, %more, %moreTable, %hasMore, %bias, %hasBias
        : tensor<?xf32>, tensor<?x18xi64>, tensor<?xi64>, tensor<?x18xi64>, tensor<i1>, tensor<?xf32>, tensor<i1>
  }
}
