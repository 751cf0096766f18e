//! A store that stops at any step that changes its folder, with what was not synced whole, half or not on disk.
//!
//! Not checked: names that a folder forgets because it was not synced, and disks that lie about syncing.

use std::collections::HashMap;
use std::io;
use std::sync::Mutex;

use super::*;

/// Files that fail for good after so many steps, the last of which is done half.
#[derive(Debug)]
struct Failing {
    left: Mutex<usize>,
    /// How much of each file is synced.
    synced: Mutex<HashMap<PathBuf, u64>>,
}

impl Failing {
    fn new(steps: usize) -> Arc<Self> {
        Arc::new(Self { left: Mutex::new(steps), synced: Mutex::default() })
    }

    /// Counts a step; whether it is the one that fails, or behind it.
    fn step(&self) -> io::Result<()> {
        let mut left = self.left.lock().unwrap();
        *left = left.checked_sub(1).ok_or_else(|| io::Error::other("the disk is gone"))?;
        Ok(())
    }

    fn has_failed(&self) -> bool {
        *self.left.lock().unwrap() == 0
    }

    fn length(path: &Path) -> u64 {
        std::fs::metadata(path).map_or(0, |metadata| metadata.len())
    }

    /// What was not synced is lost, all but `quarters` of it.
    fn lose(&self, quarters: u64) {
        for (path, synced) in self.synced.lock().unwrap().iter().filter(|(path, _)| path.exists()) {
            let unsynced = Self::length(path).saturating_sub(*synced);
            Disk.cut(path, synced + unsynced * quarters / 4).unwrap();
        }
    }
}

impl Files for Failing {
    fn append(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        self.synced.lock().unwrap().entry(path.to_path_buf()).or_insert_with(|| Self::length(path));
        let is_last = *self.left.lock().unwrap() == 1;
        self.step()?;
        Disk.append(path, if is_last { &bytes[..bytes.len() / 2] } else { bytes })?;
        if is_last { self.step() } else { Ok(()) }
    }

    fn sync(&self, path: &Path) -> io::Result<()> {
        self.step()?;
        self.synced.lock().unwrap().insert(path.to_path_buf(), Self::length(path));
        Disk.sync(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.step()?;
        let mut synced = self.synced.lock().unwrap();
        if let Some(length) = synced.remove(from) {
            synced.insert(to.to_path_buf(), length);
        }
        Disk.rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.step()?;
        Disk.remove(path)
    }

    fn cut(&self, path: &Path, bytes: u64) -> io::Result<()> {
        self.step()?;
        Disk.cut(path, bytes)
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        self.step()?;
        Disk.sync_folder(folder)
    }
}

/// What was acknowledged, and what may be there besides: the change that was under way.
#[derive(Default)]
struct Told {
    live: Vec<Entry>,
    under_way: Option<Vec<Entry>>,
}

impl Told {
    /// Makes a change that leaves these texts.
    fn change<T>(
        &mut self,
        after: Vec<Entry>,
        change: impl FnOnce() -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.under_way = Some(after.clone());
        let made = change()?;
        (self.live, self.under_way) = (after, None);
        Ok(made)
    }
}

/// A history of everything that a store does, up to where it fails.
fn history(files: &Arc<Failing>, dir: &Path, told: &mut Told) -> Result<(), StoreError> {
    let mut sequence = 0;
    for round in 0..2usize {
        let store = IndexStore::open_on(Arc::clone(files) as _, dir, "net", LIMITS, None)?;
        for part in 0..3usize {
            let texts = [stretch(round * 40 + part * 9, 24, None), stretch(round * 40, 24, Some(part))];
            let entries: Vec<Entry> = texts
                .iter()
                .map(|text| {
                    sequence += 1;
                    entry(sequence, text)
                })
                .collect();
            let after = [told.live.clone(), entries.clone()].concat();
            told.change(after, || store.add(&entries))?;
            if part == 1 {
                store.flush()?;
            }
            let gone = told.live[(round + part) % told.live.len()].contribution.id();
            let after: Vec<Entry> =
                told.live.iter().filter(|entry| entry.contribution.id() != gone).cloned().collect();
            told.change(after, || store.revoke(&[gone]))?;
        }
        if round == 1 {
            store.compact()?;
        }
    }
    Ok(())
}

#[test]
fn what_was_acknowledged_survives_a_stop_at_every_step() {
    let output = stretch(0, 130, None);
    let (mut stop, mut stops_in_change) = (0, 0);
    loop {
        let folder = tempfile::tempdir().unwrap();
        let files = Failing::new(stop);
        let mut told = Told::default();
        let is_through = history(&files, folder.path(), &mut told).is_ok() && !files.has_failed();
        files.lose(stop as u64 % 3 * 2);
        let store = IndexStore::open(folder.path(), "net", LIMITS).unwrap();
        let found = said(&output, &store.index());
        let is_there =
            |live: &Vec<Entry>| store.status().live == live.len() && found == said(&output, &fresh(live).1);
        stops_in_change += usize::from(told.under_way.is_some());
        let is_whole = is_there(&told.live) || told.under_way.as_ref().is_some_and(is_there);
        assert!(is_whole, "stopped at step {stop}: {} texts", store.status().live);
        // It goes on from there.
        store.add(&[entry(1000, "new words that nobody has")]).unwrap();
        store.compact().unwrap();
        assert_eq!(files_with(folder.path(), "unfinished"), Vec::<PathBuf>::new());
        if is_through {
            break;
        }
        stop += 1;
    }
    assert!(stop > 60 && stops_in_change > 20, "{stop} steps, {stops_in_change} in changes");
}
