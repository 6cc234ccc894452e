//! Compression of the records of a batch, by crates that also build for WASM.

use std::io::{Read, Write};

use bytes::Bytes;

use super::BatchError;

/// `compression.type`, by its number in the batch attributes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Codec {
    #[default]
    None = 0,
    Gzip = 1,
    Snappy = 2,
    Lz4 = 3,
    Zstd = 4,
}

/// The framing that the Java client puts around snappy blocks (snappy-java). librdkafka writes it too, and reads raw.
const XERIAL_MAGIC: &[u8; 8] = b"\x82SNAPPY\0";
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
            Self::Gzip => {
                let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
                encoder.write_all(records).expect("writing to memory");
                encoder.finish().expect("writing to memory")
            }
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
        match self {
            Self::None if packed.len() > limit => Err(BatchError::TooLarge { limit }),
            Self::None => Ok(packed.clone()),
            Self::Gzip => self.read_all(flate2::read::MultiGzDecoder::new(&packed[..]), limit),
            Self::Snappy => snappy(packed, limit),
            Self::Lz4 => self.read_all(lz4_flex::frame::FrameDecoder::new(&packed[..]), limit),
            Self::Zstd => {
                let decoder = ruzstd::decoding::StreamingDecoder::new(&packed[..]).map_err(|e| self.failed(e))?;
                self.read_all(decoder, limit)
            }
        }
    }

    fn read_all(self, from: impl Read, limit: usize) -> Result<Bytes, BatchError> {
        let mut out = Vec::new();
        from.take(limit as u64 + 1).read_to_end(&mut out).map_err(|e| self.failed(e))?;
        if out.len() > limit {
            return Err(BatchError::TooLarge { limit });
        }
        Ok(out.into())
    }

    fn failed(self, why: impl ToString) -> BatchError {
        BatchError::Decompress { codec: self.name(), why: why.to_string() }
    }
}

/// Both shapes seen in the wild: xerial blocks (Java, librdkafka) and one raw block.
fn snappy(packed: &[u8], limit: usize) -> Result<Bytes, BatchError> {
    let mut out = Vec::new();
    let Some(blocks) = packed.strip_prefix(XERIAL_MAGIC) else {
        snappy_block(packed, &mut out, limit)?;
        return Ok(out.into());
    };
    // Two version numbers, which no reader looks at.
    let mut rest = blocks.get(8..).ok_or_else(|| Codec::Snappy.failed("the xerial header is cut short"))?;
    while !rest.is_empty() {
        let (len, after) =
            rest.split_first_chunk::<4>().ok_or_else(|| Codec::Snappy.failed("a block length is cut short"))?;
        let len = u32::from_be_bytes(*len) as usize;
        let block = after.get(..len).ok_or_else(|| Codec::Snappy.failed("a block is cut short"))?;
        snappy_block(block, &mut out, limit)?;
        rest = &after[len..];
    }
    Ok(out.into())
}

fn snappy_block(block: &[u8], out: &mut Vec<u8>, limit: usize) -> Result<(), BatchError> {
    let len = snap::raw::decompress_len(block).map_err(|e| Codec::Snappy.failed(e))?;
    // The block announces its size. No snappy block can grow its bytes more than about 22 times (3 bytes make 64), so a
    // larger claim is a lie, told to make us allocate.
    if len > block.len().saturating_mul(32) {
        return Err(Codec::Snappy.failed("the announced size cannot be true"));
    }
    let start = out.len();
    if start + len > limit {
        return Err(BatchError::TooLarge { limit });
    }
    out.resize(start + len, 0);
    let written =
        snap::raw::Decoder::new().decompress(block, &mut out[start..]).map_err(|e| Codec::Snappy.failed(e))?;
    out.truncate(start + written);
    Ok(())
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
