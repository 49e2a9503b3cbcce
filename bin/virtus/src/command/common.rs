//! Options that many commands have.

use super::Opt;
use crate::complete;

pub(crate) const DOMAIN: Opt =
    Opt::text("domain", "the domain: its name, ID or UUID").positional().required().asks(complete::domains);
pub(crate) const ACTIVE_DOMAIN: Opt = DOMAIN.asks(complete::active_domains);
pub(crate) const INACTIVE_DOMAIN: Opt = DOMAIN.asks(complete::inactive_domains);
pub(crate) const PERSISTENT_DOMAIN: Opt = DOMAIN.asks(complete::persistent_domains);
pub(crate) const FILE: Opt =
    Opt::text("file", "the file with the XML description").positional().required().file();
pub(crate) const CONFIG: Opt = Opt::flag("config", "change or show what holds from the next boot on");
pub(crate) const LIVE: Opt = Opt::flag("live", "change or show the running domain");
pub(crate) const CURRENT: Opt = Opt::flag("current", "change or show the domain in its present state");
pub(crate) const PERSISTENT: Opt =
    Opt::flag("persistent", "change the running domain, and what holds from its next boot on");
pub(crate) const XPATH: Opt = Opt::text("xpath", "show only what this XPath expression selects");
pub(crate) const WRAP: Opt = Opt::flag("wrap", "put what --xpath selects into one root element");
pub(crate) const VALIDATE: Opt = Opt::flag("validate", "check the XML against its schema first");
pub(crate) const OUTPUT: Opt = Opt::text("output", "how to print the list: table, json or yaml")
    .one_of(&["table", "json", "yaml"])
    .only_virtus();
