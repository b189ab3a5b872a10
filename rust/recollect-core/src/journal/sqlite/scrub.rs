//! Zeroes what lies between the rows.
//!
//! `secure_delete` zeroes a row where it is deleted, but not the copies that were left behind in the unused part of a
//! page when an earlier split moved the row to another page. The engine never reads those bytes, so they can be zeroed
//! in the file itself while the log is empty and nobody else may write.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::ops::Range;

/// Beyond this size the first byte of a page no longer tells its kind: 2^25 pages.
const LARGEST: u64 = 128 << 30;
const PAGE: usize = 4096;
/// Pages read at once.
const STRIDE: usize = 256;

/// Zeroes the unused bytes of all tree pages; gives how many were not zero, or none where the file is too large or of
/// another layout than ours.
pub(crate) fn scrub(file: &mut File) -> io::Result<Option<u64>> {
    let size = file.seek(SeekFrom::End(0))?;
    let (mut buffer, mut at, mut cleaned) = (vec![0; STRIDE * PAGE], 0, 0);
    if size > LARGEST || size % PAGE as u64 != 0 {
        return Ok(None);
    }
    while at < size {
        let length = buffer.len().min(usize::try_from(size - at).unwrap_or(usize::MAX));
        file.seek(SeekFrom::Start(at))?;
        file.read_exact(&mut buffer[..length])?;
        if at == 0 && !ours(&buffer) {
            return Ok(None);
        }
        for (number, page) in buffer[..length].as_chunks::<PAGE>().0.iter().enumerate() {
            let start = at + (number * PAGE) as u64;
            for unused in unused(page, if start == 0 { 100 } else { 0 }).unwrap_or_default() {
                if page[unused.clone()].iter().any(|byte| *byte != 0) {
                    file.seek(SeekFrom::Start(start + unused.start as u64))?;
                    file.write_all(&[0; PAGE][..unused.len()])?;
                    cleaned += unused.len() as u64;
                }
            }
        }
        at += length as u64;
    }
    if cleaned > 0 {
        file.sync_data()?;
    }
    Ok(Some(cleaned))
}

/// Pages of our size, none reserved, and no map of pointers between them.
fn ours(header: &[u8]) -> bool {
    number(header, 16) == PAGE && header[20] == 0 && header[52..56] == [0; 4]
}

/// The unused parts of a tree page whose own header begins at `header`; none for any other page, or a damaged one.
fn unused(page: &[u8; PAGE], header: usize) -> Option<Vec<Range<usize>>> {
    let pointers = header
        + match page[header] {
            0x02 | 0x05 => 12,
            0x0A | 0x0D => 8,
            _ => return None,
        };
    let cells = pointers + 2 * number(page, header + 3);
    let content = match number(page, header + 5) {
        0 => return None,
        content => content,
    };
    if cells > content || content > PAGE {
        return None;
    }
    for cell in (pointers..cells).step_by(2) {
        if number(page, cell) < content {
            return None;
        }
    }
    let mut parts = Vec::new();
    parts.push(cells..content);
    // Free blocks, in ascending order: two bytes to the next one, two bytes of length, then nothing of use.
    let (mut block, mut past) = (number(page, header + 1), content);
    while block != 0 {
        if block < past || block + 4 > PAGE {
            return None;
        }
        let end = block + number(page, block + 2);
        if end < block + 4 || end > PAGE {
            return None;
        }
        parts.push(block + 4..end);
        (block, past) = (number(page, block), end);
    }
    Some(parts)
}

fn number(bytes: &[u8], at: usize) -> usize {
    usize::from(u16::from_be_bytes([bytes[at], bytes[at + 1]]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(header: &[u8], rest: u8) -> [u8; PAGE] {
        let mut page = [rest; PAGE];
        page[..header.len()].copy_from_slice(header);
        page
    }

    #[test]
    fn finds_the_gap_and_the_free_blocks() {
        // One cell at 4000, a free block of 20 bytes at 3900.
        let mut leaf = page(&[0x0D, 0x0F, 0x3C, 0, 1, 0x0F, 0x3C, 0, 0x0F, 0xA0], 7);
        leaf[3900..3904].copy_from_slice(&[0, 0, 0, 20]);
        assert_eq!(unused(&leaf, 0), Some(vec![10..3900, 3904..3920]));
    }

    #[test]
    fn leaves_what_is_no_sound_tree_page() {
        assert_eq!(unused(&[0; PAGE], 0), None, "free");
        assert_eq!(unused(&page(&[0, 0, 0, 9], 7), 0), None, "overflow");
        assert_eq!(
            unused(&page(&[0x0D, 0, 0, 0, 1, 0x0F, 0xF0, 0, 0, 1], 0), 0),
            None,
            "a cell before the content"
        );
        assert_eq!(
            unused(&page(&[0x0D, 0x0F, 0xFF, 0, 0, 0x0F, 0xF0, 0], 0), 0),
            None,
            "a free block past the end"
        );
        assert_eq!(unused(&[0xFF; PAGE], 0), None);
        assert_eq!(unused(&page(&[0x0D, 0, 0, 0xFF, 0xFF, 0x10, 0, 0], 0), 0), None, "too many cells");
    }
}
