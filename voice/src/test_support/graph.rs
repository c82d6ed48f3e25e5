//! Graphs for the ONNX Runtime, written byte by byte: small models with the inputs and outputs of real ones.
//!
//! The form is that of protocol buffers; the numbers of fields and types are those of the ONNX format.

use std::path::Path;

const FLOAT: u64 = 1;
const INTEGER: u64 = 7;

/// A model for Piper's inputs, whose sound is a thousandth of each number of a phoneme.
pub(crate) fn write_piper(path: &Path) {
    let graph = [
        node("Cast", &["input"], "numbers", &integer("to", FLOAT)),
        node("Mul", &["numbers", "share"], "output", &[]),
        text(2, "piper"),
        bytes(5, &constant("share", 0.001)),
        bytes(11, &value("input", INTEGER, &["one", "count"])),
        bytes(11, &value("input_lengths", INTEGER, &["one"])),
        bytes(11, &value("scales", FLOAT, &["three"])),
        bytes(12, &value("output", FLOAT, &["one", "count"])),
    ];
    write(path, &graph.concat());
}

/// A model for Kokoro's inputs, whose sound is a thousandth of each number of a character, and then the style.
pub(crate) fn write_kokoro(path: &Path, input: &str) {
    let graph = [
        node("Cast", &[input], "numbers", &integer("to", FLOAT)),
        node("Mul", &["numbers", "share"], "small", &[]),
        node("Concat", &["small", "style"], "audio", &integer("axis", 1)),
        text(2, "kokoro"),
        bytes(5, &constant("share", 0.001)),
        bytes(11, &value(input, INTEGER, &["one", "count"])),
        bytes(11, &value("style", FLOAT, &["one", "width"])),
        bytes(11, &value("speed", FLOAT, &["one"])),
        bytes(12, &value("audio", FLOAT, &["one", "length"])),
    ];
    write(path, &graph.concat());
}

fn write(path: &Path, graph: &[u8]) {
    let operators = [text(1, ""), number(2, 13)].concat();
    let model = [number(1, 8), bytes(7, graph), bytes(8, &operators)];
    std::fs::write(path, model.concat()).unwrap();
}

fn node(operator: &str, inputs: &[&str], output: &str, attribute: &[u8]) -> Vec<u8> {
    let mut node: Vec<u8> = inputs.iter().flat_map(|input| text(1, input)).collect();
    node.extend(text(2, output));
    node.extend(text(4, operator));
    if !attribute.is_empty() {
        node.extend(bytes(5, attribute));
    }
    bytes(1, &node)
}

fn integer(name: &str, value: u64) -> Vec<u8> {
    [text(1, name), number(3, value), number(20, 2)].concat()
}

fn constant(name: &str, value: f32) -> Vec<u8> {
    [
        number(2, FLOAT),
        bytes(4, &value.to_le_bytes()),
        text(8, name),
    ]
    .concat()
}

fn value(name: &str, element: u64, sides: &[&str]) -> Vec<u8> {
    let sides: Vec<u8> = sides
        .iter()
        .flat_map(|side| bytes(1, &text(2, side)))
        .collect();
    let tensor = [number(1, element), bytes(2, &sides)].concat();
    [text(1, name), bytes(2, &bytes(1, &tensor))].concat()
}

fn number(field: u64, value: u64) -> Vec<u8> {
    let mut out = Vec::new();
    varint(field << 3, &mut out);
    varint(value, &mut out);
    out
}

fn text(field: u64, value: &str) -> Vec<u8> {
    bytes(field, value.as_bytes())
}

fn bytes(field: u64, value: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    varint(field << 3 | 2, &mut out);
    varint(value.len() as u64, &mut out);
    out.extend(value);
    out
}

fn varint(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push((value & 0x7f | 0x80) as u8);
        value >>= 7;
    }
    out.push(value as u8);
}
