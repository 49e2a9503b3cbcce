//! Sets of features, as bits in the order of the table.

/// Room for features; the table has fewer, which a test makes sure of.
pub(super) const ROOM: usize = 64 * WORDS;
const WORDS: usize = 8;

/// A set of features. Each is known by its place in the table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FeatureSet([u64; WORDS]);

impl FeatureSet {
    /// Adds a feature; one beyond the table is no feature.
    pub fn insert(&mut self, feature: usize) {
        if let Some(word) = self.0.get_mut(feature / 64) {
            *word |= 1 << (feature % 64);
        }
    }

    /// Removes a feature.
    pub fn remove(&mut self, feature: usize) {
        if let Some(word) = self.0.get_mut(feature / 64) {
            *word &= !(1 << (feature % 64));
        }
    }

    /// Whether the feature is in it.
    pub fn contains(&self, feature: usize) -> bool {
        self.0.get(feature / 64).is_some_and(|word| word & (1 << (feature % 64)) != 0)
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.0 == [0; WORDS]
    }

    /// Whether all of it is in the other set.
    pub fn is_subset(&self, other: &FeatureSet) -> bool {
        self.minus(other).is_empty()
    }

    /// What is in either.
    #[must_use]
    pub fn plus(&self, other: &FeatureSet) -> FeatureSet {
        self.combine(other, |a, b| a | b)
    }

    /// What is in this and not in the other.
    #[must_use]
    pub fn minus(&self, other: &FeatureSet) -> FeatureSet {
        self.combine(other, |a, b| a & !b)
    }

    /// What is in both.
    #[must_use]
    pub fn and(&self, other: &FeatureSet) -> FeatureSet {
        self.combine(other, |a, b| a & b)
    }

    /// The features, in the table's order.
    pub fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        (0..ROOM).filter(|feature| self.contains(*feature))
    }

    fn combine(&self, other: &FeatureSet, f: impl Fn(u64, u64) -> u64) -> FeatureSet {
        let mut words = self.0;
        words.iter_mut().zip(other.0).for_each(|(word, other)| *word = f(*word, other));
        FeatureSet(words)
    }
}

impl FromIterator<usize> for FeatureSet {
    fn from_iter<I: IntoIterator<Item = usize>>(features: I) -> Self {
        let mut set = FeatureSet::default();
        features.into_iter().for_each(|feature| set.insert(feature));
        set
    }
}
