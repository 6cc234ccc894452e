//! What every disk promises, as one function that panics when a promise is broken. Both disks run it in their tests.

use super::{Disk, DiskError};

/// Runs on an empty disk and leaves files behind.
pub fn check(disk: &mut dyn Disk) {
    files_grow_and_shrink(disk);
    small_files_are_replaced_whole(disk);
    names(disk);
}

fn files_grow_and_shrink(disk: &mut dyn Disk) {
    let file = disk.open("orders-0/00.log").expect("a new file in a new directory");
    assert_eq!(disk.len(file), Ok(0));
    assert_eq!(disk.append(file, &[b"hello, ", b"", b"world"]), Ok(0));
    assert_eq!(disk.append(file, &[b"!"]), Ok(12));
    assert_eq!(disk.len(file), Ok(13));
    assert_eq!(disk.read_at(file, 7, 5).expect("inside"), "world");
    assert_eq!(disk.read_at(file, 7, 500).expect("up to the end"), "world!");
    assert_eq!(disk.read_at(file, 13, 5).expect("at the end"), "");
    assert_eq!(disk.read_at(file, 99, 5).expect("past the end"), "");

    let generation = disk.generation(file);
    disk.truncate(file, 5).expect("shorter");
    assert_ne!(disk.generation(file), generation, "a truncation begins a generation");
    assert_eq!(disk.len(file), Ok(5));
    disk.truncate(file, 50).expect("longer than it is");
    assert_eq!(disk.len(file), Ok(5), "truncating never makes a file longer");
    assert_eq!(disk.append(file, &[b"..."]), Ok(5));
    assert_eq!(disk.read_at(file, 0, 99).expect("inside"), "hello...");

    // Large enough for every kind of chunk.
    let large: Vec<u8> = (0..100_000_u32).map(|i| (i % 251) as u8).collect();
    let at = disk.append(file, &[&large[..70_000], &large[70_000..]]).expect("space");
    assert_eq!(disk.read_at(file, at + 60_000, 30_000).expect("inside"), large[60_000..90_000]);

    let again = disk.open("orders-0/00.log").expect("open twice");
    assert_ne!(again, file);
    assert_eq!(disk.append(again, &[b"x"]).expect("space"), 100_008);
    assert_eq!(disk.len(file), Ok(100_009), "both see one file");
    disk.close(again);
    assert!(matches!(disk.len(again), Err(DiskError::NotFound(_))), "closed");
    assert_eq!(disk.len(file), Ok(100_009));
    disk.close(file);
    let file = disk.open("orders-0/00.log").expect("it is still there");
    assert_eq!(disk.len(file), Ok(100_009));
    disk.close(file);
}

fn small_files_are_replaced_whole(disk: &mut dyn Disk) {
    assert_eq!(disk.read("meta.properties"), Err(DiskError::NotFound("meta.properties".into())));
    disk.replace("meta.properties", b"version=1", true).expect("space");
    disk.replace("meta.properties", b"v=2", false).expect("space");
    assert_eq!(disk.read("meta.properties").expect("written"), "v=2");
    disk.replace("deep/er/file", b"", false).expect("directories are made");
    assert_eq!(disk.read("deep/er/file").expect("written"), "");
    // An open file keeps what it had.
    let file = disk.open("meta.properties").expect("exists");
    disk.replace("meta.properties", b"other", false).expect("space");
    assert_eq!(disk.read_at(file, 0, 9).expect("still open"), "v=2");
    disk.close(file);
}

fn names(disk: &mut dyn Disk) {
    for name in ["t-0/b.log", "t-0/a.log", "t-0/sub/c", "t-01/d"] {
        disk.replace(name, name.as_bytes(), false).expect("space");
    }
    assert_eq!(disk.list("t-0").expect("a directory"), ["a.log", "b.log", "sub"]);
    assert_eq!(disk.list("nowhere").expect("missing is empty"), Vec::<String>::new());
    let root = disk.list("").expect("the root");
    assert!(root.iter().any(|name| name == "t-0") && root.is_sorted(), "{root:?}");

    let file = disk.open("t-0/a.log").expect("exists");
    disk.rename("t-0/a.log", "t-0/a.log.deleted").expect("a file");
    disk.append(file, &[b"!"]).expect("an open file does not mind");
    assert_eq!(disk.read("t-0/a.log.deleted").expect("moved"), "t-0/a.log!");
    disk.rename("t-0", "t-0.gone-delete").expect("a directory");
    assert_eq!(disk.list("t-0").expect("missing is empty"), Vec::<String>::new());
    assert_eq!(disk.read("t-0.gone-delete/b.log").expect("moved with it"), "t-0/b.log");
    assert_eq!(disk.read("t-01/d").expect("only its neighbour moved"), "t-01/d");
    disk.append(file, &[b"?"]).expect("an open file does not mind");
    assert!(matches!(disk.rename("t-0", "t-9"), Err(DiskError::NotFound(_))));

    disk.replace("hollow/in/file", b"", false).expect("space");
    assert_eq!(disk.list("hollow").expect("a directory"), ["in"]);
    disk.remove("hollow/in/file").expect("a file");
    assert_eq!(disk.list("hollow").expect("a directory without a file"), Vec::<String>::new());
    assert!(!disk.list("").expect("the root").contains(&"hollow".to_string()), "no file, no directory");

    disk.remove("t-0.gone-delete").expect("a directory with all in it");
    disk.remove("t-0.gone-delete").expect("missing is fine");
    assert_eq!(disk.read_at(file, 9, 9).expect("an open file outlives its name"), "!?");
    disk.close(file);
    let fresh = disk.open("t-0.gone-delete/a.log.deleted").expect("a new file");
    assert_eq!(disk.len(fresh), Ok(0));
    disk.close(fresh);
}
