# RUN: %python %s
"""If and Loop."""

import numpy as np
from onnx import TensorProto, helper

from Execution.harness import case, main, node

f32 = np.float32
x = np.arange(12, dtype=f32).reshape(3, 4) - 5
info = helper.make_tensor_value_info


def branch(name, nodes, result, shape=(3, 4)):
    return helper.make_graph(nodes, name, [], [info(result, TensorProto.FLOAT, shape)])


choose = helper.make_node("If", ["c"], ["y"],
                          then_branch=branch("then", [node("Add", ["x", "x"], ["t"])], "t"),
                          else_branch=branch("else", [node("Neg", ["x"], ["e"])], "e"))
case("if", [choose], {"c": np.array(True), "x": x}, {"y": 2 * x}, sets=[({"c": np.array(False), "x": x}, {"y": -x})])
positive = [node("ReduceSum", ["x"], ["s"], keepdims=0), node("Greater", ["s", "zero"], ["c"]), choose]
case("if_computed",
     positive, {"x": x}, {"y": 2 * x},
     constants={"zero": np.array(0, f32)},
     sets=[({
         "x": -x
     }, {
         "y": x
     })])

body = helper.make_graph([
    node("Identity", ["go"], ["going"]),
    node("MatMul", ["h", "w"], ["hw"]),
    node("Tanh", ["hw"], ["next"]),
    node("Identity", ["next"], ["scan"])
], "body", [info("i", TensorProto.INT64, []),
            info("go", TensorProto.BOOL, []),
            info("h", TensorProto.FLOAT, [3, 4])], [
                info("going", TensorProto.BOOL, []),
                info("next", TensorProto.FLOAT, [3, 4]),
                info("scan", TensorProto.FLOAT, [3, 4])
            ])
w = (np.eye(4) * 0.5 + 0.1).astype(f32)


def unrolled(steps):
    h, seen = x.astype(np.float64), []
    for _ in range(steps):
        h = np.tanh(h @ w)
        seen.append(h)
    return {"y": h.astype(f32), "all": np.array(seen, f32).reshape(steps, 3, 4)}


case("loop_fixed", [helper.make_node("Loop", ["n", "", "x"], ["y", "all"], body=body)], {"x": x},
     unrolled(5),
     constants={
         "n": np.array(5, np.int64),
         "w": w
     })
case("loop_input", [helper.make_node("Loop", ["n", "", "x"], ["y", "all"], body=body)], {
    "x": x,
    "n": np.array(3, np.int64)
},
     unrolled(3),
     constants={"w": w},
     shapes={"all": ["n", 3, 4]},
     sets=[({
         "x": x,
         "n": np.array(7, np.int64)
     }, unrolled(7))])
until = helper.make_graph(
    [
        node("Add", ["h", "h"], ["next"]),
        node("ReduceMax", ["next"], ["m"], keepdims=0),
        node("Less", ["m", "limit"], ["going"])
    ], "body",
    [info("i", TensorProto.INT64, []),
     info("go", TensorProto.BOOL, []),
     info("h", TensorProto.FLOAT, [3, 4])],
    [info("going", TensorProto.BOOL, []), info("next", TensorProto.FLOAT, [3, 4])])
case("loop_condition", [helper.make_node("Loop", ["", "yes", "x"], ["y"], body=until)], {"x": x}, {"y": x * 16},
     constants={
         "yes": np.array(True),
         "limit": np.array(50, f32)
     })
# In opset 8 a Scan has a batch in front, and the direction in another attribute.
add = helper.make_graph(
    [node("Add", ["sum", "x"], ["next"]), node("Identity", ["next"], ["z"])], "body",
    [info("sum", TensorProto.FLOAT, [4]), info("x", TensorProto.FLOAT, [4])],
    [info("next", TensorProto.FLOAT, [4]), info("z", TensorProto.FLOAT, [4])])
start = np.arange(8, dtype=f32).reshape(2, 4)
steps = np.sin(np.arange(40)).reshape(2, 5, 4).astype(f32)
sums = start[:, None] + steps[:, ::-1].astype(np.float64).cumsum(1)
case("scan_batch", [helper.make_node("Scan", ["", "s", "x"], ["y", "z"], body=add, num_scan_inputs=1, directions=[1])], {
    "s": start,
    "x": steps
}, {
    "y": sums[:, -1].astype(f32),
    "z": sums.astype(f32)
},
     opset=8)
main()
