//! Frames that Apache Kafka 4.3.1 and its tools really sent each other: each is read, written back byte for byte and
//! annotated. The files in `testdata/wire` hold the frame as a command and the annotation behind `----`; run with
//! `REWRITE=1` to write the annotations anew, and look at the difference.

use std::{env, fmt::Write as _, fs, path::Path};

use bytes::Bytes;
use lab_core::wire::{
    annotate::{What, annotate},
    api::ApiKey,
    header::{RequestHeader, ResponseHeader},
    message::Message,
    primitive::{DecodeError, Reader, Writer},
};

use crate::messages::for_each_message;

#[test]
fn frames_of_apache_kafka_are_read_and_written_as_they_were() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/wire");
    let mut frames = 0;
    for file in fs::read_dir(folder).expect("testdata/wire").map(|entry| entry.unwrap().path()) {
        let text = fs::read_to_string(&file).unwrap();
        let mut fresh = String::new();
        for case in text.split("\n\n").map(str::trim).filter(|case| !case.is_empty()) {
            let (command, _) = case.split_once("\n----").unwrap_or((case, ""));
            let (what, frame) = parse(command);
            check(what, &frame).unwrap_or_else(|error| panic!("{}: {error}\n{command}", file.display()));
            write!(fresh, "{command}\n----\n{}\n", annotation(what, &frame)).unwrap();
            frames += 1;
        }
        let fresh = format!("{}\n", fresh.trim());
        if env::var_os("REWRITE").is_some() {
            fs::write(&file, &fresh).unwrap();
        }
        let first = fresh.lines().zip(text.lines()).find(|(ours, theirs)| ours != theirs);
        assert!(fresh == text || env::var_os("REWRITE").is_some(), "{}: {first:?}", file.display());
    }
    assert!(frames > 40, "only {frames} frames");
}

/// `request` or `response API VERSION`, then lines of hexadecimal digits. Lines that begin with `#` are for people.
fn parse(command: &str) -> (What, Bytes) {
    let mut lines = command.lines().filter(|line| !line.starts_with('#'));
    let words: Vec<&str> = lines.next().expect("a command").split(' ').collect();
    let what = match words[..] {
        ["request"] => What::Request,
        ["response", name, version] => What::Response {
            api_key: *ApiKey::ALL.iter().find(|key| key.name() == name).expect("an API"),
            api_version: version.parse().expect("a version"),
        },
        _ => panic!("{words:?}"),
    };
    let digits: Vec<u8> = lines.flat_map(str::bytes).filter(u8::is_ascii_hexdigit).collect();
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    (what, digits.chunks(2).map(byte).collect::<Vec<u8>>().into())
}

/// Reads the frame as it says and writes it again.
fn check(what: What, frame: &Bytes) -> Result<(), String> {
    let mut reader = Reader::new(frame);
    let mut writer = Writer::new();
    let (key, version, schema) = match what {
        What::Request => {
            let mut ahead = reader.clone();
            let key = ApiKey::from_code(ahead.i16().unwrap()).ok_or("no such API")?;
            let version = ahead.i16().unwrap();
            again::<RequestHeader>(key.request_header_version(version), &mut reader, &mut writer)?;
            (key, version, key.request_schema())
        }
        What::Response { api_key: key, api_version: version } => {
            again::<ResponseHeader>(key.response_header_version(version), &mut reader, &mut writer)?;
            (key, version, key.response_schema())
        }
    };
    let schema = schema.ok_or_else(|| format!("{} is not known", key.name()))?;
    macro_rules! visit {
        ($ours:ty $(, $theirs:ty)?) => {
            if <$ours>::SCHEMA.name == schema.name {
                again::<$ours>(version, &mut reader, &mut writer)?;
            }
        };
    }
    for_each_message!(visit);
    reader.finish().map_err(|error| error.to_string())?;
    if writer.into_bytes() == frame { Ok(()) } else { Err("written back, it is not the same".to_owned()) }
}

fn again<M: Message>(version: i16, reader: &mut Reader<'_>, writer: &mut Writer) -> Result<(), String> {
    let failed = |error: DecodeError| format!("{} v{version}: {error}", M::SCHEMA.name);
    let message = M::decode(version, reader).map_err(failed)?;
    message.encode(version, writer).map_err(|error| format!("{} v{version}: {error}", M::SCHEMA.name))
}

fn annotation(what: What, frame: &Bytes) -> String {
    let mut out = String::new();
    for note in annotate(frame, what) {
        let (from, to) = (note.range.start, note.range.end);
        writeln!(out, "{from}..{to} {}: {} {}", note.path, note.kind, note.value).unwrap();
    }
    out
}
