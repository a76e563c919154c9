//! Makes a ZipCrypto archive the same every time.
//!
//! The zip crate begins each member with ten random bytes. They say nothing, but all that follows
//! is encrypted after them: so each member is decrypted and encrypted again after ten drawn ones.

use std::io::Cursor;

use zip::ZipArchive;
use zip::result::ZipResult;

use crate::draw::Draw;

/// Random bytes at the head of a member; two more tell a wrong password.
const RANDOM: usize = 10;

pub(super) fn settle(bytes: &mut [u8], secret: &[u8], draw: &mut Draw) -> ZipResult<()> {
    let mut spans = Vec::new();
    let mut zip = ZipArchive::new(Cursor::new(&*bytes))?;
    for index in 0..zip.len() {
        let member = zip.by_index_raw(index)?;
        let start = usize::try_from(member.data_start().unwrap_or_default()).unwrap_or(usize::MAX);
        spans.push((
            start,
            usize::try_from(member.compressed_size()).unwrap_or(0),
        ));
    }
    for (start, length) in spans {
        let (mut old, mut new) = (Keys::new(secret), Keys::new(secret));
        let mut head = [0; RANDOM];
        draw.fill(&mut head);
        for (at, byte) in bytes.iter_mut().skip(start).take(length).enumerate() {
            let plain = old.decrypt(*byte);
            *byte = new.encrypt(head.get(at).copied().unwrap_or(plain));
        }
    }
    Ok(())
}

/// The three keys of the traditional cipher (PKWARE APPNOTE 6.1).
struct Keys(u32, u32, u32);

impl Keys {
    fn new(secret: &[u8]) -> Self {
        let mut keys = Self(0x1234_5678, 0x2345_6789, 0x3456_7890);
        for byte in secret {
            keys.update(*byte);
        }
        keys
    }

    fn update(&mut self, byte: u8) {
        self.0 = crc32(self.0, byte);
        self.1 = self
            .1
            .wrapping_add(self.0 & 0xff)
            .wrapping_mul(134_775_813)
            .wrapping_add(1);
        self.2 = crc32(self.2, self.1.to_be_bytes()[0]);
    }

    fn stream(&self) -> u8 {
        let t = (self.2 | 2) & 0xffff;
        t.wrapping_mul(t ^ 1).to_be_bytes()[2]
    }

    fn decrypt(&mut self, byte: u8) -> u8 {
        let plain = byte ^ self.stream();
        self.update(plain);
        plain
    }

    fn encrypt(&mut self, plain: u8) -> u8 {
        let byte = plain ^ self.stream();
        self.update(plain);
        byte
    }
}

/// One step of CRC-32, bit by bit: an archive of thousands is still made in a moment.
fn crc32(crc: u32, byte: u8) -> u32 {
    (0..8).fold(crc ^ u32::from(byte), |crc, _| {
        if crc & 1 == 1 {
            (crc >> 1) ^ 0xedb8_8320
        } else {
            crc >> 1
        }
    })
}
