//! The four codecs, as clients pack records with them.

use std::io::{Read, Write};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Codec {
    None,
    Gzip,
    /// In the frames of Java's library; librdkafka sends the bare format.
    Snappy,
    BareSnappy,
    Lz4,
    Zstd,
    /// A number that no codec has.
    Unknown(i16),
}

impl Codec {
    pub fn bits(self) -> i16 {
        match self {
            Self::None => 0,
            Self::Gzip => 1,
            Self::Snappy | Self::BareSnappy => 2,
            Self::Lz4 => 3,
            Self::Zstd => 4,
            Self::Unknown(bits) => bits,
        }
    }

    pub fn of_bits(attributes: i16) -> Option<Self> {
        [Self::None, Self::Gzip, Self::Snappy, Self::Lz4, Self::Zstd].get((attributes & 7) as usize).copied()
    }
}

/// Begins what Java's snappy library writes: magic, version, lowest version that can read it.
const XERIAL: &[u8] = b"\x82SNAPPY\0\0\0\0\x01\0\0\0\x01";

pub fn compress(codec: Codec, plain: &[u8]) -> Vec<u8> {
    let bare = |plain: &[u8]| snap::raw::Encoder::new().compress_vec(plain).expect("small enough");
    match codec {
        Codec::None | Codec::Unknown(_) => plain.to_vec(),
        Codec::Gzip => {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
            encoder.write_all(plain).and_then(|()| encoder.finish()).expect("memory takes all")
        }
        Codec::BareSnappy => bare(plain),
        Codec::Snappy => {
            let mut out = XERIAL.to_vec();
            for block in plain.chunks(32 * 1024) {
                let packed = bare(block);
                out.extend((packed.len() as u32).to_be_bytes());
                out.extend(packed);
            }
            out
        }
        Codec::Lz4 => {
            let mut encoder = lz4_flex::frame::FrameEncoder::new(Vec::new());
            encoder.write_all(plain).expect("memory takes all");
            encoder.finish().expect("memory takes all")
        }
        Codec::Zstd => ruzstd::encoding::compress_to_vec(plain, ruzstd::encoding::CompressionLevel::Fastest),
    }
}

/// As far as it can be read; `None` if not at all.
pub fn decompress(codec: Codec, packed: &[u8]) -> Option<Vec<u8>> {
    let mut plain = Vec::new();
    match codec {
        Codec::None => plain = packed.to_vec(),
        Codec::Gzip => {
            let _ = flate2::read::GzDecoder::new(packed).read_to_end(&mut plain);
        }
        Codec::Snappy | Codec::BareSnappy => {
            let Some(mut blocks) = packed.strip_prefix(&XERIAL[..8]).and_then(|rest| rest.get(8..)) else {
                return snap::raw::Decoder::new().decompress_vec(packed).ok();
            };
            while let Some((len, rest)) = blocks.split_at_checked(4) {
                let len = u32::from_be_bytes(len.try_into().ok()?) as usize;
                let block = rest.get(..len)?;
                plain.extend(snap::raw::Decoder::new().decompress_vec(block).ok()?);
                blocks = &rest[len..];
            }
        }
        Codec::Lz4 => {
            let _ = lz4_flex::frame::FrameDecoder::new(packed).read_to_end(&mut plain);
        }
        Codec::Zstd => {
            let mut decoder = ruzstd::decoding::StreamingDecoder::new(packed).ok()?;
            let _ = decoder.read_to_end(&mut plain);
        }
        Codec::Unknown(_) => return None,
    }
    Some(plain)
}
