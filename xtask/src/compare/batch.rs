//! Record batches (magic 2) to be written, right or wrong in any field, and the text of those that were read.

use super::{
    codec::{self, Codec},
    encode::varint,
    names::Names,
    value::Value,
};

/// A batch. What is `None` is computed as a client would.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    pub base_offset: i64,
    /// Added to the length that is right.
    pub length_off_by: i32,
    pub leader_epoch: i32,
    pub magic: i8,
    pub crc_is_wrong: bool,
    pub codec: Codec,
    /// Bits beside the codec's.
    pub attributes: i16,
    pub last_offset_delta: Option<i32>,
    pub base_timestamp: i64,
    pub max_timestamp: Option<i64>,
    pub producer_id: i64,
    pub producer_epoch: i16,
    pub base_sequence: i32,
    pub count: Option<i32>,
    pub records: Vec<Record>,
    /// What is done to the records before they are compressed, and after.
    pub plain: Vec<Damage>,
    pub packed: Vec<Damage>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    pub length_off_by: i64,
    pub attributes: u8,
    pub timestamp_delta: i64,
    pub offset_delta: i64,
    pub key: Blob,
    pub value: Blob,
    pub headers: Vec<(Blob, Blob)>,
    pub header_count: Option<i64>,
    pub trailing: usize,
}

/// A key, a value, a part of a header.
#[derive(Clone, Debug, PartialEq)]
pub enum Blob {
    Null,
    Of(&'static str),
    /// Claims to be so long, and has no bytes.
    Claims(i64),
}

#[derive(Clone, Debug, PartialEq)]
pub enum Damage {
    Cut(usize),
    Append(Vec<u8>),
    Prepend(Vec<u8>),
    /// The whole a second time behind itself.
    Twice,
    /// A bit, at so many thousandths of the length.
    Flip(usize, u8),
}

/// Long past, and the same in every run; no record of a round is old enough to be deleted, since the nodes keep all.
pub const TIMESTAMP: i64 = 1_700_000_000_000;

impl Default for Batch {
    fn default() -> Self {
        Self {
            base_offset: 0,
            length_off_by: 0,
            leader_epoch: -1,
            magic: 2,
            crc_is_wrong: false,
            codec: Codec::None,
            attributes: 0,
            last_offset_delta: None,
            base_timestamp: TIMESTAMP,
            max_timestamp: None,
            producer_id: -1,
            producer_epoch: -1,
            base_sequence: -1,
            count: None,
            records: vec![Record::default()],
            plain: Vec::new(),
            packed: Vec::new(),
        }
    }
}

impl Default for Record {
    fn default() -> Self {
        Self {
            length_off_by: 0,
            attributes: 0,
            timestamp_delta: 0,
            offset_delta: 0,
            key: Blob::Of("k"),
            value: Blob::Of("v"),
            headers: Vec::new(),
            header_count: None,
            trailing: 0,
        }
    }
}

impl Batch {
    /// So many plain records.
    pub fn of(count: i64) -> Self {
        let record = |n| Record { offset_delta: n, timestamp_delta: n, ..Record::default() };
        Self { records: (0..count).map(record).collect(), ..Self::default() }
    }

    pub fn bytes(&self, names: &Names) -> Vec<u8> {
        let mut plain: Vec<u8> = self.records.iter().flat_map(Record::bytes).collect();
        damage(&mut plain, &self.plain);
        let mut packed = codec::compress(self.codec, &plain);
        damage(&mut packed, &self.packed);
        let last = self.records.iter().map(|record| record.offset_delta).max().unwrap_or(0) as i32;
        let latest = self.records.iter().map(|record| record.timestamp_delta).max().unwrap_or(0);
        let max_timestamp = self.max_timestamp.unwrap_or(self.base_timestamp.saturating_add(latest));
        let mut body = Vec::new();
        body.extend((self.attributes | self.codec.bits()).to_be_bytes());
        body.extend(self.last_offset_delta.unwrap_or(last).to_be_bytes());
        body.extend(self.base_timestamp.to_be_bytes());
        body.extend(max_timestamp.to_be_bytes());
        body.extend(names.real_producer(self.producer_id).to_be_bytes());
        body.extend(self.producer_epoch.to_be_bytes());
        body.extend(self.base_sequence.to_be_bytes());
        body.extend(self.count.unwrap_or(self.records.len() as i32).to_be_bytes());
        body.extend(packed);
        let mut out = Vec::new();
        out.extend(self.base_offset.to_be_bytes());
        out.extend((body.len() as i32 + 9).wrapping_add(self.length_off_by).to_be_bytes());
        out.extend(self.leader_epoch.to_be_bytes());
        out.extend(self.magic.to_be_bytes());
        out.extend((crc32c::crc32c(&body) ^ u32::from(self.crc_is_wrong)).to_be_bytes());
        out.extend(body);
        out
    }

    /// Batches that are a little simpler.
    pub fn simpler(&self) -> Vec<Self> {
        let mut all = Vec::new();
        let mut offer = |change: &dyn Fn(&mut Self)| {
            let mut other = self.clone();
            change(&mut other);
            if other != *self {
                all.push(other);
            }
        };
        let plain = Self::default();
        (0..self.records.len()).for_each(|at| offer(&|batch| drop(batch.records.remove(at))));
        (0..self.plain.len()).for_each(|at| offer(&|batch| drop(batch.plain.remove(at))));
        (0..self.packed.len()).for_each(|at| offer(&|batch| drop(batch.packed.remove(at))));
        offer(&|batch| batch.codec = Codec::None);
        offer(&|batch| batch.base_offset = 0);
        offer(&|batch| batch.length_off_by = 0);
        offer(&|batch| batch.leader_epoch = -1);
        offer(&|batch| batch.magic = 2);
        offer(&|batch| batch.crc_is_wrong = false);
        offer(&|batch| batch.attributes = 0);
        offer(&|batch| batch.last_offset_delta = None);
        offer(&|batch| batch.base_timestamp = TIMESTAMP);
        offer(&|batch| batch.max_timestamp = None);
        offer(&|batch| {
            (batch.producer_id, batch.producer_epoch, batch.base_sequence) =
                (plain.producer_id, plain.producer_epoch, plain.base_sequence);
        });
        offer(&|batch| batch.producer_id = -1);
        offer(&|batch| batch.producer_epoch = -1);
        offer(&|batch| batch.base_sequence = -1);
        offer(&|batch| batch.count = None);
        for at in 0..self.records.len() {
            let usual = Record { offset_delta: at as i64, ..Record::default() };
            offer(&|batch| batch.records[at].headers.clear());
            offer(&|batch| batch.records[at] = usual.clone());
            offer(&|batch| batch.records[at].key = usual.key.clone());
            offer(&|batch| batch.records[at].value = usual.value.clone());
            offer(&|batch| batch.records[at].timestamp_delta = 0);
            offer(&|batch| batch.records[at].offset_delta = at as i64);
            offer(&|batch| batch.records[at].attributes = 0);
            offer(&|batch| batch.records[at].header_count = None);
            offer(&|batch| batch.records[at].trailing = 0);
            offer(&|batch| batch.records[at].length_off_by = 0);
        }
        all
    }

    /// Only what is not as a client would have it.
    pub fn text(&self) -> String {
        let plain = Self::default();
        let mut words = vec![format!("{} records", self.records.len())];
        let mut say = |name: &str, what: String, differs: bool| {
            if differs {
                words.push(format!("{name}={what}"));
            }
        };
        say("codec", format!("{:?}", self.codec), self.codec != Codec::None);
        say("baseOffset", self.base_offset.to_string(), self.base_offset != 0);
        say("length", format!("{:+}", self.length_off_by), self.length_off_by != 0);
        say("partitionLeaderEpoch", self.leader_epoch.to_string(), self.leader_epoch != -1);
        say("magic", self.magic.to_string(), self.magic != 2);
        say("crc", "wrong".into(), self.crc_is_wrong);
        say("attributes", format!("{:#x}", self.attributes), self.attributes != 0);
        say("lastOffsetDelta", format!("{:?}", self.last_offset_delta), self.last_offset_delta.is_some());
        say("baseTimestamp", self.base_timestamp.to_string(), self.base_timestamp != TIMESTAMP);
        say("maxTimestamp", format!("{:?}", self.max_timestamp), self.max_timestamp.is_some());
        say("producerId", self.producer_id.to_string(), self.producer_id != plain.producer_id);
        say("producerEpoch", self.producer_epoch.to_string(), self.producer_epoch != plain.producer_epoch);
        say("baseSequence", self.base_sequence.to_string(), self.base_sequence != plain.base_sequence);
        say("recordsCount", format!("{:?}", self.count), self.count.is_some());
        say("plain", format!("{:?}", self.plain), !self.plain.is_empty());
        say("packed", format!("{:?}", self.packed), !self.packed.is_empty());
        for (at, record) in self.records.iter().enumerate() {
            let usual = Record { offset_delta: at as i64, ..Record::default() };
            let timed = Record { timestamp_delta: at as i64, ..usual.clone() };
            say(&format!("record {at}"), format!("{record:?}"), *record != usual && *record != timed);
        }
        words.join(", ")
    }
}

impl Record {
    fn bytes(&self) -> Vec<u8> {
        let mut body = vec![self.attributes];
        varint(self.timestamp_delta, &mut body);
        varint(self.offset_delta, &mut body);
        self.key.put(&mut body);
        self.value.put(&mut body);
        varint(self.header_count.unwrap_or(self.headers.len() as i64), &mut body);
        for (key, value) in &self.headers {
            key.put(&mut body);
            value.put(&mut body);
        }
        body.extend(vec![0; self.trailing]);
        let mut out = Vec::new();
        varint(body.len() as i64 + self.length_off_by, &mut out);
        out.extend(body);
        out
    }
}

impl Blob {
    fn put(&self, out: &mut Vec<u8>) {
        match self {
            Self::Null => varint(-1, out),
            Self::Claims(len) => varint(*len, out),
            Self::Of(text) => {
                varint(text.len() as i64, out);
                out.extend(text.bytes());
            }
        }
    }
}

fn damage(bytes: &mut Vec<u8>, all: &[Damage]) {
    for damage in all {
        match damage {
            Damage::Cut(by) => bytes.truncate(bytes.len().saturating_sub(*by)),
            Damage::Append(more) => bytes.extend(more),
            Damage::Prepend(before) => drop(bytes.splice(0..0, before.iter().copied())),
            Damage::Twice => bytes.extend_from_within(..),
            Damage::Flip(thousandths, bit) if !bytes.is_empty() => {
                let at = (thousandths * bytes.len() / 1000).min(bytes.len() - 1);
                bytes[at] ^= 1 << bit;
            }
            Damage::Flip(..) => {}
        }
    }
}

/// Records of a response as a list of texts, one for each batch: what a reader gets of them. How large a compressed
/// batch is depends on who compressed it, and its checksum on that too.
pub fn describe(mut bytes: &[u8]) -> Value {
    let mut batches = Vec::new();
    while !bytes.is_empty() {
        let Some((batch, rest)) = split_batch(bytes) else {
            batches.push(Value::text(&format!("{} bytes of a batch", bytes.len())));
            break;
        };
        batches.push(Value::Text(describe_batch(batch).into_bytes()));
        bytes = rest;
    }
    Value::Array(batches)
}

fn split_batch(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let length = i32::from_be_bytes(bytes.get(8..12)?.try_into().ok()?);
    bytes.split_at_checked(usize::try_from(length).ok()?.checked_add(12)?).filter(|(batch, _)| batch.len() >= 61)
}

fn describe_batch(batch: &[u8]) -> String {
    let number =
        |at: usize, size: usize| batch[at..at + size].iter().fold(0i64, |value, byte| value << 8 | i64::from(*byte));
    let signed = |at: usize, size: usize| number(at, size) << (64 - 8 * size) >> (64 - 8 * size);
    let attributes = number(21, 2);
    let right = crc32c::crc32c(&batch[21..]) == number(17, 4) as u32;
    let codec = Codec::of_bits(attributes as i16);
    let payload = &batch[61..];
    let size = if codec == Some(Codec::None) { format!(" size {}", batch.len()) } else { String::new() };
    let records = match codec.and_then(|codec| codec::decompress(codec, payload)) {
        Some(plain) => plain.escape_ascii().to_string(),
        None => format!("unreadable {}", payload.escape_ascii()),
    };
    format!(
        "offset {} epoch {} magic {} crc {right} attributes {attributes:#x} last {} times {} {} producer {} {} {} count \
         {}{size} {records}",
        signed(0, 8),
        signed(12, 4),
        signed(16, 1),
        signed(23, 4),
        super::blank::time(signed(27, 8)),
        super::blank::time(signed(35, 8)),
        // Which producer it is stands in the answer to whoever wrote it.
        if signed(43, 8) < 0 { signed(43, 8) } else { 0 },
        signed(51, 2),
        signed(53, 4),
        signed(57, 4),
    )
}
