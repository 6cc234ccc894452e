//! Opening a log: trusting a clean stop, or finding out what an unclean one left.

use super::{
    config::LogConfig,
    epoch_cache::EpochCache,
    partition_log::Log,
    producer_state::ProducerStates,
    scan::{SHORT, Scan, ScanError},
    segment::Segment,
};
use crate::disk::{Disk, DiskResult};

/// What the checkpoints of the data directory say about a log before it is opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OpenFrom {
    /// The marker of a clean stop was there.
    pub clean_shutdown: bool,
    /// From `recovery-point-offset-checkpoint`; 0 reads everything again.
    pub recovery_point: i64,
    /// From `log-start-offset-checkpoint`.
    pub log_start_offset: i64,
}

/// What opening a log took.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recovery {
    /// Segments whose every batch was read and checked.
    pub segments_recovered: usize,
    /// Bytes that were cut off, and why.
    pub cut_bytes: u64,
    pub reason: Option<String>,
    pub log_end_offset: i64,
}

impl Log {
    /// Opens the log in `dir`, made when missing. Unless the last stop was clean, everything is read and checked.
    pub fn open(
        disk: &mut dyn Disk,
        dir: &str,
        config: LogConfig,
        clean_shutdown: bool,
    ) -> DiskResult<(Self, Recovery)> {
        Self::open_from(disk, dir, config, OpenFrom { clean_shutdown, ..OpenFrom::default() })
    }

    /// As [`Self::open`], with what the checkpoints know: after an unclean stop only what lies behind the recovery
    /// point is read again. The log is cut at the first bad batch, and indexes, epochs and producer state made anew.
    pub fn open_from(
        disk: &mut dyn Disk,
        dir: &str,
        config: LogConfig,
        from: OpenFrom,
    ) -> DiskResult<(Self, Recovery)> {
        let mut recovery = Recovery::default();
        let mut epochs = EpochCache::new(dir);
        let epochs_known = epochs.load(disk);
        let bases = clean_up(disk, dir)?;
        let mut segments: Vec<Segment> = Vec::new();
        // Set when a segment was cut: what follows it does not continue it.
        let mut torn = false;
        for (i, &base) in bases.iter().enumerate() {
            let mut segment = Segment::open(disk, dir, base)?;
            // Behind the recovery point a segment follows the one before without a hole; compaction never works there.
            let unsure = !from.clean_shutdown && base > from.recovery_point;
            let misfit = |last: &Segment| last.next_offset > base || (unsure && last.next_offset < base);
            if torn || segments.last().is_some_and(misfit) {
                torn = true;
                recovery.cut_bytes += segment.size;
                segment.delete(disk, dir)?;
                continue;
            }
            let active = i + 1 == bases.len();
            let end = bases.get(i + 1).copied();
            let durable = from.clean_shutdown || end.is_some_and(|end| end < from.recovery_point);
            let loaded = durable && load(&mut segment, disk, active, end, from.clean_shutdown)?;
            if !loaded {
                recovery.segments_recovered += 1;
                let cut = segment.recover(disk, config.index_interval_bytes, |disk, batch| {
                    let header = &batch.header;
                    epochs.correct(disk, header.partition_leader_epoch, header.base_offset)?;
                    Ok(())
                })?;
                if let Some((bytes, error)) = cut {
                    torn = true;
                    recovery.cut_bytes += bytes;
                    recovery.reason = Some(error.to_string());
                }
                if !active {
                    segment.seal(disk)?;
                    segment.tail.clear();
                }
            }
            segments.push(segment);
        }
        if segments.is_empty() {
            segments.push(Segment::create(disk, dir, from.log_start_offset.max(0))?);
        }
        let mut log = Self {
            dir: dir.into(),
            config,
            log_start_offset: from.log_start_offset.max(segments[0].base_offset),
            segments,
            recovery_point: 0,
            epochs,
            producers: ProducerStates::default(),
            doomed: Vec::new(),
            truncations: 0,
        };
        let end = log.log_end_offset();
        log.log_start_offset = log.log_start_offset.min(end);
        if !epochs_known {
            log.rebuild_epochs(disk)?;
        }
        log.epochs.truncate_from_start(disk, log.log_start_offset)?;
        log.epochs.truncate_from_end(disk, end)?;
        let trusted = if from.clean_shutdown { end } else { from.recovery_point };
        // A clean stop need not have synced anything: what was not durable before is not durable now.
        log.recovery_point = from.recovery_point.min(end);
        log.rebuild_producers(disk, trusted.min(end))?;
        recovery.log_end_offset = end;
        Ok((log, recovery))
    }

    /// Epochs from the batches themselves, when the file is lost.
    fn rebuild_epochs(&mut self, disk: &mut dyn Disk) -> DiskResult<()> {
        for segment in &self.segments {
            let mut scan = Scan::new(segment.file, 0, segment.size, SHORT);
            while let Some((_, header)) = scan.header(disk).map_err(|error| error.broken(&self.dir))? {
                self.epochs.assign(disk, header.partition_leader_epoch, header.base_offset)?;
            }
        }
        Ok(())
    }
}

/// Loads a segment that was synced. `false`: its indexes or its end are not what they should be; recover it.
fn load(segment: &mut Segment, disk: &mut dyn Disk, active: bool, end: Option<i64>, clean: bool) -> DiskResult<bool> {
    let last_fits = segment.offsets.last().is_none_or(|last| u64::from(last.position) < segment.size);
    let times_there = segment.size == 0 || active || segment.times.last().is_some() || clean;
    let sane = last_fits
        && times_there
        && (clean || (segment.offsets.is_sane(disk, segment.size)? && segment.times.is_sane(disk)?));
    if !sane {
        return Ok(false);
    }
    match segment.load(disk) {
        Ok(()) => {}
        Err(ScanError::Batch(_)) => return Ok(false),
        Err(ScanError::Disk(error)) => return Err(error),
    }
    if !active {
        segment.tail.clear();
    }
    // With no index entry the walk covered it all, and a segment never reaches into the next.
    Ok(end.is_none_or(|end| segment.next_offset <= end))
}

/// Base offsets of the segments in `dir`, smallest first. Removes what an interrupted deletion left.
fn clean_up(disk: &mut dyn Disk, dir: &str) -> DiskResult<Vec<i64>> {
    let mut bases = Vec::new();
    let names = disk.list(dir)?;
    for name in &names {
        if name.ends_with(".deleted") {
            disk.remove(&format!("{dir}/{name}"))?;
        } else if let Some(base) = name.strip_suffix(".log").and_then(|stem| stem.parse::<i64>().ok())
            && base >= 0
        {
            bases.push(base);
        }
    }
    bases.sort_unstable();
    for name in &names {
        let stem = name.strip_suffix(".index").or_else(|| name.strip_suffix(".timeindex"));
        if let Some(base) = stem.and_then(|stem| stem.parse::<i64>().ok())
            && bases.binary_search(&base).is_err()
        {
            disk.remove(&format!("{dir}/{name}"))?;
        }
    }
    Ok(bases)
}
