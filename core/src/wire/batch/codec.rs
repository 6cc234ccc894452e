//! Compression of the records of a batch, by crates that also build for WASM.

use std::io::{Read, Write};

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::{
    BatchError,
    decoder::{Decoder, XERIAL_MAGIC, failed},
};

/// `compression.type`, by its number in the batch attributes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Codec {
    #[default]
    None = 0,
    Gzip = 1,
    Snappy = 2,
    Lz4 = 3,
    Zstd = 4,
}

/// Bytes that snappy-java packs into one block.
const XERIAL_BLOCK: usize = 32 << 10;

impl Codec {
    pub const ALL: [Self; 5] = [Self::None, Self::Gzip, Self::Snappy, Self::Lz4, Self::Zstd];

    pub fn from_id(id: u8) -> Result<Self, BatchError> {
        Self::ALL.get(usize::from(id)).copied().ok_or(BatchError::UnknownCodec(id))
    }

    /// Kafka's name, as in `compression.type`.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Gzip => "gzip",
            Self::Snappy => "snappy",
            Self::Lz4 => "lz4",
            Self::Zstd => "zstd",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|codec| codec.name() == name)
    }

    /// Compresses records. zstd is the pure-Rust encoder's fastest level: right, but it packs less than Kafka's.
    pub fn compress(self, records: &[u8]) -> Vec<u8> {
        match self {
            Self::None => records.to_vec(),
            Self::Gzip => gzip(records, flate2::Compression::default()),
            Self::Snappy => {
                let mut out = XERIAL_MAGIC.to_vec();
                out.extend_from_slice(&1_i32.to_be_bytes());
                out.extend_from_slice(&1_i32.to_be_bytes());
                let mut encoder = snap::raw::Encoder::new();
                for block in records.chunks(XERIAL_BLOCK) {
                    let packed = encoder.compress_vec(block).expect("a block is far below the format's limit");
                    out.extend_from_slice(&(packed.len() as u32).to_be_bytes());
                    out.extend_from_slice(&packed);
                }
                out
            }
            Self::Lz4 => {
                // Java's reader wants independent blocks of at most 64 KiB announced (`Lz4BlockInputStream`).
                let info = lz4_flex::frame::FrameInfo::new()
                    .block_size(lz4_flex::frame::BlockSize::Max64KB)
                    .block_mode(lz4_flex::frame::BlockMode::Independent);
                let mut encoder = lz4_flex::frame::FrameEncoder::with_frame_info(info, Vec::new());
                encoder.write_all(records).expect("writing to memory");
                encoder.finish().expect("writing to memory")
            }
            Self::Zstd => ruzstd::encoding::compress_to_vec(records, ruzstd::encoding::CompressionLevel::Fastest),
        }
    }

    /// Decompresses the records of one batch. Fails rather than produce more than `limit` bytes.
    pub fn decompress(self, packed: &Bytes, limit: usize) -> Result<Bytes, BatchError> {
        let mut out = Vec::new();
        if self == Self::None {
            return if packed.len() > limit { Err(BatchError::TooLarge { limit }) } else { Ok(packed.clone()) };
        }
        let decoder = Decoder::new(self, packed)?;
        decoder.take(limit as u64 + 1).read_to_end(&mut out).map_err(|error| failed(self, &error))?;
        if out.len() > limit { Err(BatchError::TooLarge { limit }) } else { Ok(out.into()) }
    }
}

/// How a broker packs records anew: `compression.type` and the level that belongs to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Compression {
    pub codec: Codec,
    /// Only gzip's has an effect: the encoders of LZ4 and zstd have one level each. -1: gzip's own default.
    pub level: i32,
}

impl Compression {
    pub fn compress(self, records: &[u8]) -> Vec<u8> {
        match (self.codec, u32::try_from(self.level)) {
            (Codec::Gzip, Ok(level)) => gzip(records, flate2::Compression::new(level.min(9))),
            (codec, _) => codec.compress(records),
        }
    }
}

fn gzip(records: &[u8], level: flate2::Compression) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), level);
    encoder.write_all(records).expect("writing to memory");
    encoder.finish().expect("writing to memory")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_codec_gives_back_what_it_took() {
        let mut rng = fastrand::Rng::with_seed(1);
        for len in [0, 1, 100, 70_000, 300_000] {
            let records: Vec<u8> = (0..len).map(|i| if i % 3 == 0 { rng.u8(..) } else { 7 }).collect();
            for codec in Codec::ALL {
                let packed = Bytes::from(codec.compress(&records));
                assert_eq!(codec.decompress(&packed, 300_000).unwrap(), records, "{codec:?} {len}");
            }
        }
    }

    #[test]
    fn snappy_without_framing_is_read_too() {
        let packed = Bytes::from(snap::raw::Encoder::new().compress_vec(b"aaaaaaaaaaaaaaaaaaaaaaaaaaaa").unwrap());
        assert_eq!(Codec::Snappy.decompress(&packed, 100).unwrap(), &b"aaaaaaaaaaaaaaaaaaaaaaaaaaaa"[..]);
    }

    #[test]
    fn nothing_unfolds_beyond_the_limit() {
        for codec in Codec::ALL {
            let packed = Bytes::from(codec.compress(&[0; 100_000]));
            assert!(codec.decompress(&packed, 100_000).is_ok(), "{codec:?}");
            assert_eq!(codec.decompress(&packed, 99_999), Err(BatchError::TooLarge { limit: 99_999 }), "{codec:?}");
        }
    }

    #[test]
    fn a_lying_snappy_length_is_refused_before_memory_is_taken() {
        let lie = Bytes::from_static(&[0xff, 0xff, 0xff, 0x3f, 0]);
        assert!(matches!(Codec::Snappy.decompress(&lie, usize::MAX >> 1), Err(BatchError::Decompress { .. })));
    }

    #[test]
    fn hostile_bytes_end_in_an_error_or_in_bytes() {
        let mut rng = fastrand::Rng::with_seed(2);
        for round in 0..3000 {
            for codec in Codec::ALL {
                let mut packed = if round % 2 == 0 { codec.compress(&[9; 500]) } else { Vec::new() };
                packed.resize(packed.len().max(rng.usize(..64)), 0);
                for _ in 0..rng.usize(1..5) {
                    if !packed.is_empty() {
                        let at = rng.usize(..packed.len());
                        packed[at] = rng.u8(..);
                    }
                }
                let _ = codec.decompress(&Bytes::from(packed), 10_000);
            }
        }
    }
}
