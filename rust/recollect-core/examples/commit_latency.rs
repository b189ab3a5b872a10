//! What a durable write costs beside the bare system calls, and what a batch and a read cost.
//!
//! `cargo run --release --example commit_latency [folder]`: the folder should lie on the disk to be measured.

#![expect(clippy::disallowed_methods, reason = "an example that measures reads the clock")]
#![expect(clippy::print_stdout, reason = "its result is what it prints")]

use std::error::Error;
use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;
use std::time::Instant;

use recollect_core::cancel::Cancel;
use recollect_core::id::Uid;
use recollect_core::journal::chain::{genesis, seal};
use recollect_core::journal::event::{Content, Event, KeyVector, Op};
use recollect_core::journal::in_memory::InMemoryLedger;
use recollect_core::journal::ledger::{Commit, Ledger, Target};
use recollect_core::journal::sqlite::{Durability, Options, SqliteLedger};
use recollect_core::namespace::Namespace;
use recollect_core::record::{Kind, Metadata, Provenance, Record, Status};
use recollect_core::time::Timestamp;
use recollect_core::vector::Keep;

const SINGLES: u64 = 2000;
const BATCH: u64 = 100_000;
/// Bytes that one commit adds to the log: five pages with their headers.
const RAW: usize = 5 * (4096 + 24);

struct Told {
    events: Vec<Event>,
    contents: Vec<Content>,
}

/// Events that follow on from a head: 200 bytes of text, 384 components.
fn tell(count: u64, seq: &mut u64, hash: &mut [u8; 32]) -> Told {
    let mut told = Told { events: Vec::new(), contents: Vec::new() };
    for _ in 0..count {
        *seq += 1;
        let mut uid = [0; 16];
        uid[..8].copy_from_slice(&seq.to_le_bytes());
        let record = Record {
            uid: Uid(uid),
            version: 1,
            kind: Kind::Episodic,
            status: Status::Active,
            text: "twenty bytes of text".repeat(10),
            metadata: Metadata::new(),
            tags: Vec::new(),
            speaker: Some("user".into()),
            session: None,
            event: None,
            ingested: Timestamp(1),
            turn: *seq,
            importance: 0.5,
            confidence: 1.0,
            provenance: Provenance::default(),
            ttl: None,
        };
        let vectors = vec![KeyVector::new(1, Keep::F32, &[*seq as f32; 384])];
        let content = Content { seq: *seq, salt: [7; 16], record, vectors };
        let (at, uid) = (Timestamp(1), Uid(uid));
        let blank = [0; 32];
        let event = Event {
            seq: *seq,
            at,
            op: Op::Added,
            uid,
            version: 1,
            commitment: blank,
            detail: Metadata::new(),
            hash: blank,
        };
        let event = seal(*hash, event, Some(&content));
        *hash = event.hash;
        told.events.push(event);
        told.contents.push(content);
    }
    told
}

fn commit<'a>(target: Target<'a>, told: &'a Told) -> Commit<'a> {
    let (events, contents) = (&told.events[..], &told.contents[..]);
    Commit { target, events, contents, embeddings: &[], restated: &[], erased: &[], config: None }
}

fn percentiles(name: &str, mut micros: Vec<f64>) {
    micros.sort_by(f64::total_cmp);
    let at = |share: f64| micros[((micros.len() - 1) as f64 * share) as usize];
    println!("{name:44} p50 {:8.1}  p95 {:8.1}  p99 {:8.1} us", at(0.5), at(0.95), at(0.99));
}

fn times(
    count: u64,
    mut act: impl FnMut() -> Result<(), Box<dyn Error>>,
) -> Result<Vec<f64>, Box<dyn Error>> {
    (0..count)
        .map(|_| {
            let start = Instant::now();
            act()?;
            Ok(start.elapsed().as_secs_f64() * 1e6)
        })
        .collect()
}

fn raw(folder: &Path) -> Result<(), Box<dyn Error>> {
    let mut file = File::create(folder.join("raw"))?;
    let bytes = vec![7; RAW];
    // Over bytes that are there, as a log is written over after each checkpoint.
    file.write_all(&vec![0; RAW * 400])?;
    file.sync_all()?;
    let mut at = 0;
    let micros = times(SINGLES, || {
        file.seek(SeekFrom::Start(at % (400 * RAW as u64)))?;
        file.write_all(&bytes)?;
        file.sync_data()?;
        at += RAW as u64;
        Ok(())
    })?;
    percentiles("raw write and fdatasync of the same bytes", micros);
    Ok(())
}

fn measure(name: &str, ledger: &dyn Ledger) -> Result<(), Box<dyn Error>> {
    let (path, config) = ("user/42".parse::<Namespace>()?, Metadata::new());
    let (mut seq, mut hash) = (0, genesis(&path));
    let first = tell(1, &mut seq, &mut hash);
    let id =
        ledger.commit(&[commit(Target::New { path: &path, config: &config }, &first)], Cancel::never())?[0];
    let mut seal = 0.0;
    let micros = times(SINGLES, || {
        let start = Instant::now();
        let told = tell(1, &mut seq, &mut hash);
        seal += start.elapsed().as_secs_f64() * 1e6;
        ledger.commit(&[commit(Target::Known(id), &told)], Cancel::never())?;
        Ok(())
    })?;
    percentiles(&format!("{name}: one commit of one record"), micros);
    println!("{name}: of which building and sealing {:.1} us", seal / SINGLES as f64);
    let told = tell(BATCH, &mut seq, &mut hash);
    let start = Instant::now();
    ledger.commit(&[commit(Target::Known(id), &told)], Cancel::never())?;
    let took = start.elapsed().as_secs_f64();
    println!("{name}: batch {:.0} rows/s, {:.2} us a row", BATCH as f64 / took, took * 1e6 / BATCH as f64);
    percentiles(
        &format!("{name}: read() and version()"),
        times(5000, || Ok(ledger.read()?.version().map(|_| ())?))?,
    );
    let mut at = 1;
    let mut ten = |vectors| {
        times(5000, || {
            at = (at * 7919 + 13) % BATCH;
            let seqs: Vec<u64> = (0..10).map(|n| 1 + (at + n * 977) % BATCH).collect();
            ledger.read()?.contents(id, &seqs, vectors)?;
            Ok(())
        })
    };
    percentiles(&format!("{name}: ten contents"), ten(false)?);
    percentiles(&format!("{name}: ten contents with vectors"), ten(true)?);
    let start = Instant::now();
    let mut count = 0_u64;
    ledger.read()?.events(id, 0, &mut |_, _| {
        count += 1;
        Ok(())
    })?;
    println!("{name}: full load {:.2} us a record", start.elapsed().as_secs_f64() * 1e6 / count as f64);
    let start = Instant::now();
    ledger.close()?;
    println!("{name}: close {:.0} ms", start.elapsed().as_secs_f64() * 1e3);
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let base = std::env::args().nth(1).unwrap_or_else(|| ".".into());
    let folder = tempfile::tempdir_in(base)?;
    raw(folder.path())?;
    let full = SqliteLedger::open(folder.path().join("full.rcl"), &Options::default())?;
    measure("full", &full)?;
    raw(folder.path())?;
    let options = Options { durability: Durability::Normal, ..Options::default() };
    measure("normal", &SqliteLedger::open(folder.path().join("normal.rcl"), &options)?)?;
    measure("in memory", &InMemoryLedger::new())
}
