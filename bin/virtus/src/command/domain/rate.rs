//! Rates of network traffic as options have them: `average,peak,burst,floor`.

use crate::grammar::Number;
use crate::shell::{Outcome, fail};

/// What a direction may have; 0 is no limit.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Rate {
    pub(super) average: u64,
    pub(super) peak: u64,
    pub(super) burst: u64,
    pub(super) floor: u64,
}

impl Rate {
    /// # Errors
    /// Too many fields, or one that is no number.
    pub(super) fn parse(text: &str) -> Outcome<Rate> {
        let fields: Vec<&str> = text.split(',').collect();
        if fields.len() > 4 {
            fail!("Rate string '{text}' has too many fields");
        }
        let field = |index: usize, name: &str| match fields.get(index) {
            None | Some(&"") => Ok(0),
            Some(text) => match u64::read(text) {
                Some(value) => Ok(value),
                None => fail!("field '{name}' is malformed"),
            },
        };
        Ok(Rate {
            average: field(0, "average")?,
            peak: field(1, "peak")?,
            burst: field(2, "burst")?,
            floor: field(3, "floor")?,
        })
    }

    /// As an element of a `<bandwidth>`.
    pub(super) fn xml(&self, name: &str) -> String {
        let parts =
            [("average", self.average), ("peak", self.peak), ("burst", self.burst), ("floor", self.floor)];
        let attributes: String = parts
            .iter()
            .filter(|(_, value)| *value > 0)
            .map(|(name, value)| format!(" {name}='{value}'"))
            .collect();
        format!("<{name}{attributes}/>\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_may_be_left_out() {
        let rate = Rate::parse("1,,3").unwrap();
        assert_eq!(rate, Rate { average: 1, peak: 0, burst: 3, floor: 0 });
        assert_eq!(rate.xml("inbound"), "<inbound average='1' burst='3'/>\n");
        let wrong = |text| Rate::parse(text).unwrap_err().lines().next().unwrap().to_owned();
        assert_eq!(wrong("1,x"), "field 'peak' is malformed");
        assert_eq!(wrong("1,2,3,4,5"), "Rate string '1,2,3,4,5' has too many fields");
    }
}
