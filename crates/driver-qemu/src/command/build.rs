//! A command line that is being built: what devices and the rest add to.

use super::guest::Guest;
use super::line::CommandLine;
use super::props::Props;

/// A command line that is being built.
#[derive(Debug)]
pub(crate) struct Build<'a> {
    pub(crate) guest: Guest<'a>,
    pub(crate) line: CommandLine,
}

impl Build<'_> {
    /// Adds a device, with what the definition overrides.
    pub(crate) fn device(&mut self, mut props: Props) {
        self.guest.overridden(&mut props);
        if let Some(identity) = props
            .text("id")
            .and_then(|alias| self.guest.zpci(alias))
            .filter(|_| props.text("sysfsdev").is_none())
        {
            self.line.json("device", &identity);
        }
        self.line.json("device", &props);
    }
}
