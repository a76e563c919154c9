//! Zip files byte by byte, so that every field can lie.

/// One member. `build` fills in the honest values; a test changes what it wants to lie about.
#[derive(Clone)]
pub(super) struct Part {
    pub(super) data: Vec<u8>,
    pub(super) attributes: u32,
    pub(super) descriptor: Option<Vec<u8>>,
    pub(super) local: Header,
    pub(super) central: Header,
    /// Where the table says that the member is, when that is not where it is.
    pub(super) offset: Option<u32>,
    pub(super) disk: u16,
}

#[derive(Clone)]
pub(super) struct Header {
    pub(super) name: Vec<u8>,
    pub(super) flags: u16,
    pub(super) method: u16,
    pub(super) crc: u32,
    pub(super) packed: u32,
    pub(super) size: u32,
    pub(super) extra: Vec<u8>,
}

impl Part {
    /// A stored file.
    pub(super) fn new(name: &str, data: &[u8]) -> Self {
        let len = u32::try_from(data.len()).expect("small");
        let header = Header {
            name: name.into(),
            flags: 0x800,
            method: 0,
            crc: crc32(data),
            packed: len,
            size: len,
            extra: Vec::new(),
        };
        Self {
            data: data.to_vec(),
            attributes: 0o100_644 << 16,
            descriptor: None,
            local: header.clone(),
            central: header,
            offset: None,
            disk: 0,
        }
    }

    /// Changes both headers alike.
    pub(super) fn both(mut self, change: impl Fn(&mut Header)) -> Self {
        change(&mut self.local);
        change(&mut self.central);
        self
    }

    pub(super) fn change(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    /// Sizes behind the data, as streaming writers do.
    pub(super) fn streamed(self) -> Self {
        self.both(|h| h.flags |= 8).change(|p| {
            let mut descriptor = b"PK\x07\x08".to_vec();
            for field in [p.local.crc, p.local.packed, p.local.size] {
                descriptor.extend(field.to_le_bytes());
            }
            (p.local.crc, p.local.packed, p.local.size) = (0, 0, 0);
            p.descriptor = Some(descriptor);
        })
    }

    fn write_local(&self, out: &mut Vec<u8>) {
        let h = &self.local;
        out.extend(b"PK\x03\x04\x14\x00");
        h.write(out);
        out.extend(&h.name);
        out.extend(&h.extra);
        out.extend(&self.data);
        out.extend(self.descriptor.iter().flatten());
    }

    fn write_central(&self, out: &mut Vec<u8>, offset: u32) {
        let h = &self.central;
        out.extend(b"PK\x01\x02\x1e\x03\x14\x00");
        h.write(out);
        out.extend([0, 0]); // comment
        out.extend(self.disk.to_le_bytes());
        out.extend([0, 0]);
        out.extend(self.attributes.to_le_bytes());
        out.extend(self.offset.unwrap_or(offset).to_le_bytes());
        out.extend(&h.name);
        out.extend(&h.extra);
    }
}

impl Header {
    fn write(&self, out: &mut Vec<u8>) {
        out.extend(self.flags.to_le_bytes());
        out.extend(self.method.to_le_bytes());
        out.extend([0, 0, 0x21, 0]); // 1980-01-01
        for field in [self.crc, self.packed, self.size] {
            out.extend(field.to_le_bytes());
        }
        for len in [self.name.len(), self.extra.len()] {
            out.extend(u16::try_from(len).expect("short").to_le_bytes());
        }
    }
}

/// The end record. Zip64 when `wide`.
pub(super) struct End {
    pub(super) count: u16,
    pub(super) disk: u16,
    pub(super) size: u32,
    pub(super) start: u32,
    pub(super) comment: Vec<u8>,
    pub(super) wide: Option<Wide>,
}

pub(super) struct Wide {
    pub(super) count: u64,
    pub(super) size: u64,
    pub(super) start: u64,
}

pub(super) fn build(parts: &[Part]) -> Vec<u8> {
    build_with(parts, |_| ())
}

/// Members, table and an end record that `change` may falsify.
pub(super) fn build_with(parts: &[Part], change: impl FnOnce(&mut End)) -> Vec<u8> {
    let (mut out, mut table) = (Vec::new(), Vec::new());
    for part in parts {
        part.write_central(&mut table, u32::try_from(out.len()).expect("small"));
        part.write_local(&mut out);
    }
    let mut end = End {
        count: u16::try_from(parts.len()).expect("few"),
        disk: 0,
        size: u32::try_from(table.len()).expect("small"),
        start: u32::try_from(out.len()).expect("small"),
        comment: Vec::new(),
        wide: None,
    };
    change(&mut end);
    out.extend(table);
    if let Some(wide) = &end.wide {
        let record_start = out.len() as u64;
        out.extend(b"PK\x06\x06");
        out.extend(44_u64.to_le_bytes());
        out.extend([45, 0, 45, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        for field in [wide.count, wide.count, wide.size, wide.start] {
            out.extend(field.to_le_bytes());
        }
        out.extend(b"PK\x06\x07\0\0\0\0");
        out.extend(record_start.to_le_bytes());
        out.extend(1_u32.to_le_bytes());
    }
    out.extend(b"PK\x05\x06");
    for field in [end.disk, end.disk, end.count, end.count] {
        out.extend(field.to_le_bytes());
    }
    out.extend(end.size.to_le_bytes());
    out.extend(end.start.to_le_bytes());
    out.extend(
        u16::try_from(end.comment.len())
            .expect("short")
            .to_le_bytes(),
    );
    out.extend(end.comment);
    out
}

pub(super) fn crc32(data: &[u8]) -> u32 {
    !data.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg())
        })
    })
}
