//! Which instances are wanted, and how many.

/// What instances are wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstanceSettings {
    /// The same seed gives the same bytes.
    pub seed: u64,
    /// The most valid instances.
    pub n_max: usize,
    /// The most broken instances.
    pub n_broken_max: usize,
    /// How many levels deep what is optional goes; what is required goes a little deeper.
    pub depth_max: usize,
    /// About how many values one instance has, at most.
    pub size_max: usize,
    /// Whether numbers appear that neither 64 bits nor a double hold to the digit.
    pub has_wide_numbers: bool,
    /// Whether open objects get a key that no schema names, in one instance, and keys of
    /// alternatives that they are not, in some.
    pub has_extra_keys: bool,
}

impl Default for InstanceSettings {
    /// 32 valid and 32 broken, 6 levels, 400 values, wide numbers and extra keys.
    fn default() -> Self {
        Self {
            seed: 0,
            n_max: 32,
            n_broken_max: 32,
            depth_max: 6,
            size_max: 400,
            has_wide_numbers: true,
            has_extra_keys: true,
        }
    }
}
