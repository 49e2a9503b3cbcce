//! Filters: `1:qemu 3:remote` lets more or less of some parts through.

use super::Priority;

#[derive(Clone, Debug, PartialEq, Eq)]
struct Filter {
    priority: Priority,
    matching: String,
}

/// Filters in order; the first whose text occurs in a part's name decides.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Filters(Vec<Filter>);

impl Filters {
    /// Reads filters with blanks between.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        text.split_ascii_whitespace()
            .map(|filter| {
                let (priority, matching) = filter
                    .split_once(':')
                    .ok_or_else(|| format!("Malformed format for filter '{filter}'"))?;
                let priority = Priority::parse(priority)
                    .ok_or_else(|| format!("Invalid priority '{priority}' for filter '{filter}'"))?;
                if matching.is_empty() {
                    return Err(format!("Malformed format for filter '{filter}'"));
                }
                Ok(Filter { priority, matching: matching.trim_matches('*').to_owned() })
            })
            .collect::<Result<_, _>>()
            .map(Filters)
    }

    /// What the filters say of a part.
    pub(super) fn priority(&self, target: &str) -> Option<Priority> {
        self.0.iter().find(|f| target.contains(&f.matching)).map(|f| f.priority)
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}

impl std::fmt::Display for Filters {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let each: Vec<_> = self.0.iter().map(|f| format!("{}:*{}*", f.priority.0, f.matching)).collect();
        f.write_str(&each.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_that_matches_decides() {
        let filters = Filters::parse("1:qemu 3:*remote*").unwrap();
        assert_eq!(filters.priority("virtus_driver_qemu::domain"), Some(Priority(1)));
        assert_eq!(filters.priority("virtus_server"), None);
        assert_eq!(filters.to_string(), "1:*qemu* 3:*remote*");
        assert_eq!(Filters::parse("9:x"), Err("Invalid priority '9' for filter '9:x'".into()));
        assert_eq!(Filters::parse("1x"), Err("Malformed format for filter '1x'".into()));
    }
}
