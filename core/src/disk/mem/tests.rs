//! What is kept, lost and torn, and that clones part ways.

use super::*;
use crate::disk::suite;

fn written(disk: &mut MemDisk, path: &str, bytes: &[u8]) -> FileId {
    let file = disk.open(path).unwrap();
    disk.append(file, &[bytes]).unwrap();
    file
}

#[test]
fn behaves_like_every_disk() {
    suite::check(&mut MemDisk::new());
}

#[test]
fn a_process_crash_loses_nothing_written() {
    let mut disk = MemDisk::new();
    let file = written(&mut disk, "a", b"hello");
    disk.replace("b", b"1", false).unwrap();
    disk.process_crash();
    assert!(disk.len(file).is_err(), "its files are closed");
    assert_eq!(disk.read("a").unwrap(), "hello");
    assert_eq!(disk.read("b").unwrap(), "1");
}

#[test]
fn a_power_loss_keeps_what_was_synced() {
    for seed in 0..200 {
        let mut disk = MemDisk::new();
        let file = written(&mut disk, "d/a", b"hello");
        disk.sync(&SyncTarget::Path("d/a".into())).unwrap();
        disk.append(file, &[b", world"]).unwrap();
        disk.sync(&SyncTarget::File(file)).unwrap();
        disk.append(file, &[&[b'x'; 1000]]).unwrap();
        disk.power_loss(&mut fastrand::Rng::with_seed(seed));
        let found = disk.read("d/a").unwrap();
        assert!(found.starts_with(b"hello, world") && found.len() <= 1012);
    }
}

/// Each of the things that may happen does happen under some seed.
#[test]
fn a_power_loss_takes_what_was_not_synced() {
    let (mut lost, mut torn, mut kept, mut zeros) = (0, 0, 0, 0);
    let (mut old, mut new) = (0, 0);
    let mut revived = 0;
    for seed in 0..400 {
        let mut disk = MemDisk::new();
        disk.replace("vote", b"old", true).unwrap();
        disk.sync(&SyncTarget::Path("vote".into())).unwrap();
        let cut = written(&mut disk, "e/cut", b"0123456789");
        disk.sync(&SyncTarget::Path("e/cut".into())).unwrap();
        written(&mut disk, "d/a", &[b'x'; 600]);
        disk.replace("vote", b"new", true).unwrap();
        disk.truncate(cut, 2).unwrap();
        disk.append(cut, &[b"ab"]).unwrap();
        disk.power_loss(&mut fastrand::Rng::with_seed(seed));
        match disk.read("d/a") {
            Err(_) => lost += 1,
            Ok(found) if found.contains(&0) => zeros += 1,
            Ok(found) if found.len() < 600 => torn += 1,
            Ok(_) => kept += 1,
        }
        match &disk.read("vote").unwrap()[..] {
            b"old" => old += 1,
            b"new" => new += 1,
            other => panic!("a durable replace leaves old or new, not {other:?}"),
        }
        let cut = disk.read("e/cut").unwrap();
        assert!(cut.starts_with(b"01"));
        revived += u32::from(cut.len() == 10);
    }
    assert!(lost > 0 && torn > 0 && kept > 0 && zeros > 0 && old > 0 && new > 0 && revived > 0);
}

#[test]
fn clones_part_ways() {
    let mut disk = MemDisk::new();
    let file = written(&mut disk, "a", &[1; 40_000]);
    let mut fork = disk.clone();
    fork.append(file, &[&[2; 10]]).unwrap();
    disk.truncate(file, 3).unwrap();
    assert_eq!((disk.len(file), fork.len(file)), (Ok(3), Ok(40_010)));
    assert_eq!(fork.read_at(file, 39_999, 3).unwrap(), [1, 2, 2][..]);
    assert_eq!((disk.used(), fork.used()), (3, 40_010));
}

#[test]
fn faults_are_errors_and_change_nothing() {
    let mut disk = MemDisk::new();
    let file = written(&mut disk, "d/a", b"hello");
    disk.set_full(true);
    assert_eq!(disk.append(file, &[b"x"]), Err(DiskError::Full));
    assert_eq!(disk.replace("d/b", b"x", false), Err(DiskError::Full));
    disk.set_full(false);
    disk.set_capacity(Some(7));
    assert_eq!(disk.append(file, &[b"xyz"]), Err(DiskError::Full));
    assert_eq!(disk.append(file, &[b"xy"]), Ok(5));
    disk.break_file("d", Some("bad sector"));
    assert_eq!(disk.read_at(file, 0, 1), Err(DiskError::Broken("bad sector".into())));
    assert_eq!(disk.sync(&SyncTarget::File(file)), Err(DiskError::Broken("bad sector".into())));
    disk.break_file("d", None);
    assert_eq!(disk.read("d/a").unwrap(), "helloxy");
}
