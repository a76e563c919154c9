//! Chance that is none: everything follows from the seed and a name.

/// A stream of numbers (SplitMix64).
pub struct Draw(u64);

impl Draw {
    /// The stream of one purpose: another purpose draws other numbers, so that what is added to one
    /// leaves the others as they were.
    pub fn new(seed: u64, purpose: &str) -> Self {
        let start = purpose
            .bytes()
            .fold(seed ^ 0x6a09_e667_f3bc_c908, |sum, byte| {
                (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
            });
        let mut draw = Self(start);
        draw.next();
        draw
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// From the first to the last, both included.
    pub fn within(&mut self, first: i64, last: i64) -> i64 {
        let span = last.abs_diff(first) + 1;
        first + i64::try_from(self.next() % span).unwrap()
    }

    pub fn count(&mut self, first: u32, last: u32) -> u32 {
        u32::try_from(self.within(i64::from(first), i64::from(last))).unwrap()
    }

    /// True so many times in a hundred.
    pub fn chance(&mut self, percent: u64) -> bool {
        self.next() % 100 < percent
    }

    pub fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        let at = usize::try_from(self.next()).unwrap() % from.len();
        from[at].clone()
    }
}
