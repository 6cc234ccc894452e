//! What is done to a valid request: null, empty, said twice, unknown, negative, extreme, anywhere in it.

use fastrand::Rng;

use super::{
    draw::TOPICS,
    draw_batch,
    names::{self, PREFIX},
    request::Request,
    schema::{Api, Field, Kind},
    value::Value,
};

/// Changes one place of the request, or one of its frame.
pub fn mutate(rng: &mut Rng, api: &Api, request: &mut Request) {
    match rng.u8(..40) {
        0 => request.unknown_tag = true,
        1 => request.cut = rng.usize(1..12),
        2 => request.trailing = rng.usize(1..6),
        3 => {
            let others: [Option<&[u8]>; 5] = [None, Some(b""), Some(b"\xff\xfe"), Some(b"a b"), Some(&[b'x'; 300])];
            request.client_id = others[rng.usize(..5)].map(Into::into);
        }
        _ => {
            let mut places = 0;
            let version = request.version;
            each_place(&api.request.fields, &mut request.body, version, &mut |_, _, _| places += 1);
            if places == 0 {
                return;
            }
            let chosen = rng.usize(..places);
            let mut at = 0;
            each_place(&api.request.fields, &mut request.body, version, &mut |field, kind, value| {
                if at == chosen {
                    change(rng, api, field, kind, value);
                }
                at += 1;
            });
        }
    }
}

/// Every value that the version writes, outside in.
fn each_place(fields: &[Field], body: &mut Value, version: i16, visit: &mut dyn FnMut(&Field, &Kind, &mut Value)) {
    let Value::Struct(values) = body else { return };
    for (field, value) in fields.iter().zip(values) {
        if field.versions.contains(version) {
            place(field, &field.kind, value, version, visit);
        }
    }
}

fn place(
    field: &Field,
    kind: &Kind,
    value: &mut Value,
    version: i16,
    visit: &mut dyn FnMut(&Field, &Kind, &mut Value),
) {
    visit(field, kind, value);
    match (kind, value) {
        (Kind::Array(element), Value::Array(items)) => {
            items.iter_mut().for_each(|item| place(field, element, item, version, visit));
        }
        (Kind::Struct(fields), value) => each_place(fields, value, version, visit),
        _ => {}
    }
}

fn change(rng: &mut Rng, api: &Api, field: &Field, kind: &Kind, value: &mut Value) {
    let pick = |rng: &mut Rng, of: &[i64]| of[rng.usize(..of.len())];
    *value = match (kind, &*value) {
        (Kind::Bool, Value::Bool(on)) => Value::Bool(!on),
        (Kind::Int(_) | Kind::Uint16 | Kind::Uint32, Value::Int(number)) => {
            let size = if let Kind::Int(size) = kind { *size as u32 } else { 2 };
            let most = i64::MAX >> (64 - 8 * size);
            let near = [number.wrapping_add(1), number.wrapping_sub(1), 0, -1, -2, 1, 2, 3, 4, 5, 100];
            let waits = ["Wait", "Timeout"].iter().any(|word| field.name.contains(word));
            let parks = matches!(api.name(), "Fetch" | "ShareFetch" | "Produce" | "JoinGroup" | "DeleteRecords");
            match (waits && parks, rng.u8(..3)) {
                // What would have the answer wait for ever.
                (true, _) => Value::Int(pick(rng, &[0, -1, 1, !most])),
                // So short a time is over for one and not for the other.
                (false, _) if waits => Value::Int(pick(rng, &[0, -1, -2, !most, most])),
                (false, 0) => Value::Int(pick(rng, &[most, !most, most - 1])),
                (false, _) => Value::Int(pick(rng, &near)),
            }
        }
        (Kind::Float64, _) => Value::Float([0.0, -1.0, f64::NAN, f64::INFINITY, f64::MIN_POSITIVE][rng.usize(..5)]),
        (Kind::Text, Value::Text(text)) => match rng.u8(..12) {
            0 | 1 => Value::Null,
            2 => Value::text(""),
            3 => Value::text(&format!("{PREFIX}{}", ["u", "", "a ", ".", "é", "a/b", "a\0"][rng.usize(..7)])),
            4 => Value::Text([text.as_slice(), b"\xff\xc3"].concat()),
            5 => Value::Text([PREFIX.as_bytes(), &vec![b'l'; [238, 239, 300, 32_000][rng.usize(..4)]]].concat()),
            6 => Value::text([" ", ".", "..", "0", "-1", "true", "null", "__consumer_offsets"][rng.usize(..8)]),
            7 => Value::Text(
                [&text[..text.len().min(PREFIX.len())], &text[text.len().min(PREFIX.len())..].to_ascii_uppercase()]
                    .concat(),
            ),
            8 => Value::Text([text.as_slice(), b" "].concat()),
            9 => Value::text(&format!("compare-{}", names::member(1))),
            _ => Value::text(&format!("{PREFIX}{}", TOPICS[rng.usize(..TOPICS.len())])),
        },
        (Kind::Text, _) => Value::text(""),
        (Kind::Uuid, _) => Value::Uuid(match rng.u8(..5) {
            0 => [0; 16],
            1 => [7; 16],
            2 => [&[0; 15][..], &[1]].concat().try_into().expect("16 bytes"),
            _ => names::topic_id(rng.usize(..TOPICS.len())),
        }),
        (Kind::Bytes, Value::Bytes(bytes)) => match rng.u8(..5) {
            0 => Value::Null,
            1 => Value::Bytes(Vec::new()),
            2 => Value::Bytes(vec![0xff; 5]),
            3 => Value::Bytes(bytes[..bytes.len() / 2].to_vec()),
            _ => Value::Bytes([bytes.as_slice(), &[0, 1, 2]].concat()),
        },
        (Kind::Records, Value::Batches(batches)) => match rng.u8(..10) {
            0 => Value::Null,
            1 => Value::Bytes(Vec::new()),
            2 => Value::Bytes(
                b"garbage that is no batch at all, but long enough to be taken for the header of one".to_vec(),
            ),
            3 => Value::Batches([batches.as_slice(), &[draw_batch::valid(rng)]].concat()),
            _ => Value::Batches(vec![draw_batch::odd(rng)]),
        },
        (Kind::Array(element), Value::Array(items)) => {
            let mut items = items.clone();
            match rng.u8(..6) {
                0 => return *value = Value::Null,
                1 => items.clear(),
                2 => items.push(Value::element(element)),
                3 => drop(items.pop()),
                _ if items.is_empty() => items.push(Value::element(element)),
                _ => {
                    let again = items[rng.usize(..items.len())].clone();
                    items.push(again);
                }
            }
            Value::Array(items)
        }
        (Kind::Array(_), _) => Value::Array(Vec::new()),
        (Kind::Struct(_), Value::Null) => return,
        (Kind::Struct(_), _) if field.nullable.contains(i16::MAX) && rng.bool() => Value::Null,
        _ => return,
    };
}
