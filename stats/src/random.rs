//! A small random generator whose numbers never change between versions, machines or dependencies.
//! It is predictable, and so not for secrets.

/// `SplitMix64`. Source: Steele, Lea and Flood, "Fast splittable pseudorandom number generators",
/// OOPSLA 2014.
#[derive(Debug, Clone)]
pub struct Rng(u64);

impl Rng {
    /// The generator of a seed. Seeds that differ in one bit give unrelated numbers.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The generator of a seed and a name, so that drawing for one part moves no other.
    #[must_use]
    pub fn of(seed: u64, name: &str) -> Self {
        // FNV-1a, 64 bits: Fowler, Noll, Vo; draft-eastlake-fnv.
        let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        Self(seed ^ hash)
    }

    /// The next 64 bits.
    pub fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number from 0 to `n` − 1; 0 when `n` is 0. The remainder of 64 bits: for `n` below 2³²
    /// no number is likelier than another by more than 2⁻³².
    pub fn below(&mut self, n: usize) -> usize {
        let n = u64::try_from(n).unwrap_or(u64::MAX);
        usize::try_from(self.below_u64(n)).expect("it is below a usize")
    }

    /// As [`Rng::below`], for numbers that may not fit a `usize`.
    pub fn below_u64(&mut self, n: u64) -> u64 {
        if n == 0 {
            return 0;
        }
        self.next_u64() % n
    }

    /// One of the items.
    ///
    /// # Panics
    /// When there are none.
    pub fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len())]
    }

    /// True in `percent` of 100 cases.
    pub fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    /// True with this probability, 0 to 1, to 53 bits.
    pub fn happens(&mut self, probability: f64) -> bool {
        let unit = (self.next_u64() >> 11) as f64 / (1u64 << 53) as f64;
        unit < probability
    }
}

#[cfg(test)]
mod tests {
    use super::Rng;
    use proptest::prelude::*;

    #[test]
    fn numbers_are_those_of_the_published_generator() {
        // The reference implementation by Vigna, https://prng.di.unimi.it/splitmix64.c, for the
        // seed 1234567; also the test of Rosetta Code, "Pseudo-random numbers/Splitmix64".
        let mut rng = Rng::new(1_234_567);
        let got: Vec<u64> = (0..5).map(|_| rng.next_u64()).collect();
        let want = [
            6_457_827_717_110_365_317,
            3_203_168_211_198_807_973,
            9_817_491_932_198_370_423,
            4_593_380_528_125_082_431,
            16_408_922_859_458_223_821,
        ];
        assert_eq!(got, want);
    }

    #[test]
    fn name_gives_a_generator_of_its_own() {
        let mut of_a = Rng::of(7, "a");
        let mut of_b = Rng::of(7, "b");
        assert_ne!(of_a.next_u64(), of_b.next_u64());
        assert_eq!(Rng::of(7, "").0, 7 ^ 0xcbf2_9ce4_8422_2325);
    }

    #[test]
    fn chances_are_met_in_the_long_run() {
        let mut rng = Rng::new(1);
        let n = (0..100_000).filter(|_| rng.happens(0.1)).count();
        // Five standard deviations around the mean.
        assert!((9_526..=10_474).contains(&n), "{n}");
        let n = (0..100_000).filter(|_| rng.chance(10)).count();
        assert!((9_526..=10_474).contains(&n), "{n}");
        assert!(!rng.happens(0.0) && rng.happens(1.0));
        assert!(!rng.chance(0) && rng.chance(100));
    }

    proptest! {
        #[test]
        fn number_is_below_its_bound_and_the_same_for_the_same_seed(seed: u64, bound: u64) {
            let number = Rng::new(seed).below_u64(bound);
            prop_assert!(number < bound || (bound, number) == (0, 0));
            prop_assert_eq!(number, Rng::new(seed).below_u64(bound));
            let items = [1, 2, 3];
            prop_assert!(items.contains(Rng::new(seed).pick(&items)));
        }
    }
}
