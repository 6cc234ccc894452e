//! Files as a disk: what every disk promises, and what is the file system's own.

use lab_core::{
    disk::suite,
    log::{Log, LogConfig},
    wire::batch::BatchBuilder,
};

use super::*;

fn scratch() -> (tempfile::TempDir, FileDisk) {
    let dir = tempfile::tempdir().unwrap();
    let disk = FileDisk::new(dir.path()).unwrap();
    (dir, disk)
}

#[test]
fn behaves_like_every_disk() {
    let (_dir, mut disk) = scratch();
    suite::check(&mut disk);
}

#[test]
fn a_truncated_file_gives_no_old_slice() {
    let (_dir, mut disk) = scratch();
    let file = disk.open("a").unwrap();
    disk.append(file, &[b"hello"]).unwrap();
    let slice = FileSlice { file, generation: disk.generation(file), position: 0, len: 5 };
    assert_eq!(disk.read_slice(&slice).unwrap(), "hello");
    disk.truncate(file, 0).unwrap();
    disk.append(file, &[b"other"]).unwrap();
    assert!(disk.read_slice(&slice).is_err());
    assert!(disk.pin(&slice).is_none());
}

#[test]
fn syncs_run_anywhere_and_forgive_what_is_gone() {
    let (_dir, mut disk) = scratch();
    let file = disk.open("d/a").unwrap();
    disk.replace("d/b", b"1", false).unwrap();
    let targets = [SyncTarget::File(file), SyncTarget::Path("d/b".into()), SyncTarget::Path("d/gone".into())];
    for target in targets {
        let handle = disk.sync_handle(&target);
        std::thread::spawn(move || handle.run()).join().unwrap().unwrap();
    }
    disk.close(file);
    assert!(disk.sync_handle(&SyncTarget::File(file)).run().is_err());
}

#[test]
fn more_files_than_descriptors() {
    let (_dir, mut disk) = scratch();
    disk.open_files.set(40);
    let files: Vec<FileId> = (0..90).map(|i| disk.open(&format!("f{i}")).unwrap()).collect();
    for round in 0..2_u8 {
        for (i, &file) in files.iter().enumerate() {
            assert_eq!(disk.append(file, &[&[round], &[i as u8]]).unwrap(), u64::from(round) * 2);
        }
    }
    for (i, &file) in files.iter().enumerate() {
        assert_eq!(disk.read_at(file, 0, 9).unwrap(), [0, i as u8, 1, i as u8][..]);
    }
    assert_eq!(with_descriptor(&disk), 40);
}

fn with_descriptor(disk: &FileDisk) -> usize {
    assert!(disk.idle.borrow().len() <= disk.open_files.get());
    disk.files.iter().filter(|file| file.file.borrow().is_some()).count()
}

#[test]
fn without_a_descriptor_left_fewer_files_stay_open() {
    let (_dir, mut disk) = scratch();
    (0..100).for_each(|i| {
        disk.open(&format!("f{i}")).unwrap();
    });
    // The process may open three fewer than it has open now.
    let left = Cell::new(3);
    let open = || {
        if with_descriptor(&disk) + left.get() > 99 {
            return Err(rustix::io::Errno::MFILE.into());
        }
        Ok(())
    };
    disk.with_room(open).unwrap();
    assert_eq!(with_descriptor(&disk), 50);
    left.set(1000);
    let hopeless = disk.with_room(open).unwrap_err();
    assert_eq!(hopeless.raw_os_error(), Some(rustix::io::Errno::MFILE.raw_os_error()));
    assert_eq!(with_descriptor(&disk), 0);
}

#[test]
fn a_removed_file_stays_open_for_those_who_have_it() {
    let (_dir, mut disk) = scratch();
    disk.open_files.set(1);
    let (kept, sibling) = (disk.open("d/a").unwrap(), disk.open("d0/a").unwrap());
    disk.append(kept, &[b"kept"]).unwrap();
    disk.remove("d").unwrap();
    disk.append(sibling, &[b"other"]).unwrap();
    assert_eq!(disk.read_at(kept, 0, 9).unwrap(), b"kept"[..]);
    assert_eq!(disk.read_at(sibling, 0, 9).unwrap(), b"other"[..]);
    disk.close(kept);
    disk.close(sibling);
    assert_eq!((with_descriptor(&disk), disk.by_path.len()), (0, 0));
}

/// `/dev/full` takes every write and answers that the disk is full.
#[test]
fn a_full_disk_is_called_that() {
    let (dir, mut disk) = scratch();
    std::os::unix::fs::symlink("/dev/full", dir.path().join("full")).unwrap();
    let file = disk.open("full").unwrap();
    assert_eq!(write_all(&disk.opened(file).unwrap().1, &[b"x"]).map_err(disk_error), Err(DiskError::Full));
}

#[test]
fn a_log_lives_in_files_and_comes_back() {
    let (dir, mut disk) = scratch();
    let (mut log, _) = Log::open(&mut disk, "orders-0", LogConfig::default(), true).unwrap();
    for i in 0..100_i64 {
        let mut batch = BatchBuilder::new();
        batch.push(i, None, Some(b"value"), &[]);
        assert_eq!(log.validate_and_append(&mut disk, &batch.build(), 3, i).unwrap().base_offset, i);
    }
    // No goodbye: as after `kill -9`.
    drop((log, disk));
    let mut disk = FileDisk::new(dir.path()).unwrap();
    let (log, recovery) = Log::open(&mut disk, "orders-0", LogConfig::default(), false).unwrap();
    assert_eq!((log.log_end_offset(), recovery.cut_bytes, log.last_epoch()), (100, 0, Some(3)));
    let fetched = log.read(&disk, 17, 1000, 100, true).unwrap();
    let lab_core::seam::Part::File(slice) = &fetched.parts[0] else { panic!("a slice of a file") };
    // Cut at the limit, within a batch, as Kafka's are (`FileRecords.slice`): what is whole begins where it was asked.
    let bytes = disk.read_slice(slice).unwrap();
    assert_eq!(bytes.len(), 1000);
    let first = lab_core::wire::batch::batches(&bytes).next().unwrap();
    assert_eq!(first.unwrap().header.base_offset, 17);
}
