//! Which instances to make, and how many.

/// Which instances to make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstanceSettings {
    /// The same seed gives the same bytes.
    pub seed: u64,
    /// The maximum number of valid instances.
    pub n_max: usize,
    /// The maximum number of broken instances.
    pub n_broken_max: usize,
    /// How many levels deep optional parts go; required parts go a little deeper.
    pub depth_max: usize,
    /// The approximate maximum number of values in one instance.
    pub size_max: usize,
    /// Whether to use numbers that neither 64 bits nor a double hold exactly.
    pub has_wide_numbers: bool,
    /// Whether open objects get a key that no schema names, in one instance, and keys of
    /// alternatives that they do not match, in some.
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
