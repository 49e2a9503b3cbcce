//! What snapshots and checkpoints of a domain have in common: a tree of named moments, one of them current.

use virtus_base::{Error, ErrorCode, Result};

use crate::error::generic;

/// What is kept of a moment.
pub(crate) trait Moment {
    fn name(&self) -> &str;
    fn parent(&self) -> Option<&str>;
    fn set_parent(&mut self, parent: Option<String>);
}

/// All moments of a kind, in the order they were made.
#[derive(Clone, Debug)]
pub(crate) struct Moments<T> {
    list: Vec<T>,
    current: Option<String>,
}

impl<T> Default for Moments<T> {
    fn default() -> Self {
        Moments { list: Vec::new(), current: None }
    }
}

/// Which moments a listing is about.
#[derive(Clone, Copy, Debug)]
pub(crate) enum From<'a> {
    /// All, or only those without parent.
    Domain { roots: bool },
    /// Those below one, or only those right below it.
    Moment { name: &'a str, descendants: bool },
}

/// What happens to those below one that is deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Children {
    /// They get its parent.
    Stay,
    /// They go, too.
    Go,
    /// They go, and it stays.
    GoAlone,
}

impl<T: Moment> Moments<T> {
    pub(crate) fn len(&self) -> usize {
        self.list.len()
    }

    pub(crate) fn find(&self, name: &str) -> Option<&T> {
        self.list.iter().find(|moment| moment.name() == name)
    }

    pub(crate) fn find_mut(&mut self, name: &str) -> Option<&mut T> {
        self.list.iter_mut().find(|moment| moment.name() == name)
    }

    pub(crate) fn current(&self) -> Option<&T> {
        self.find(self.current.as_deref()?)
    }

    pub(crate) fn set_current(&mut self, name: Option<String>) {
        self.current = name;
    }

    /// Takes a moment in, after its parent.
    pub(crate) fn add(&mut self, moment: T) -> Result<()> {
        if self.find(moment.name()).is_some() {
            let text = format!("domain moment {} already exists", moment.name());
            return Err(generic(ErrorCode::OPERATION_FAILED, text));
        }
        self.list.push(moment);
        Ok(())
    }

    /// Those right below one, or those below none.
    fn children<'a>(&'a self, parent: Option<&'a str>) -> impl Iterator<Item = &'a T> + 'a {
        // one whose parent is not there hangs on none
        self.list
            .iter()
            .filter(move |moment| moment.parent().filter(|name| self.find(name).is_some()) == parent)
    }

    fn has_children(&self, name: &str) -> bool {
        self.children(Some(name)).next().is_some()
    }

    /// Those below one, parents before children.
    fn below<'a>(&'a self, parent: Option<&'a str>) -> Vec<&'a T> {
        let mut found: Vec<&T> = self.children(parent).collect();
        let mut next = 0;
        while let Some(moment) = found.get(next).copied() {
            next += 1;
            // a tree has no more than it has
            if found.len() <= self.list.len() {
                found.extend(self.children(Some(moment.name())));
            }
        }
        found
    }

    /// The moments of a listing, parents before children. `leaves` says whether only those without children are wanted,
    /// or only those with.
    pub(crate) fn list(&self, from: From<'_>, leaves: Option<bool>, wanted: impl Fn(&T) -> bool) -> Vec<&T> {
        let found = match from {
            From::Domain { roots: false } => self.below(None),
            From::Domain { roots: true } => self.children(None).collect(),
            From::Moment { name, descendants } => match self.find(name) {
                None => Vec::new(),
                Some(moment) if descendants => self.below(Some(moment.name())),
                Some(moment) => self.children(Some(moment.name())).collect(),
            },
        };
        let is = |moment: &T| leaves.is_none_or(|leaf| leaf != self.has_children(moment.name()));
        found.into_iter().filter(|moment| is(moment) && wanted(moment)).collect()
    }

    /// Takes one away, and with it those below it or not.
    pub(crate) fn delete(&mut self, name: &str, children: Children) {
        let below: Vec<String> =
            self.below(Some(name)).iter().map(|moment| moment.name().to_owned()).collect();
        let parent = self.find(name).and_then(|moment| moment.parent().map(str::to_owned));
        match children {
            Children::Stay => {
                for moment in &mut self.list {
                    if moment.parent() == Some(name) {
                        moment.set_parent(parent.clone());
                    }
                }
            }
            Children::Go | Children::GoAlone => {
                self.list.retain(|moment| !below.iter().any(|gone| gone == moment.name()));
                if self.current.as_ref().is_some_and(|current| below.contains(current)) {
                    self.current = Some(name.to_owned());
                }
            }
        }
        if children != Children::GoAlone {
            self.list.retain(|moment| moment.name() != name);
            if self.current.as_deref() == Some(name) {
                self.current = parent;
            }
        }
    }

    /// Refuses a parent that is not there, or is below the moment itself.
    pub(crate) fn check_parent(&self, name: &str, parent: Option<&str>) -> Result<()> {
        let invalid = |text: String| -> Error { generic(ErrorCode::INVALID_ARG, text) };
        let Some(parent) = parent else { return Ok(()) };
        if parent == name {
            return Err(invalid(format!("cannot set moment {name} as its own parent")));
        }
        let mut above = self.find(parent);
        if above.is_none() {
            return Err(invalid(format!("parent {parent} for moment {name} not found")));
        }
        let mut steps = 0;
        while let Some(next) = above.and_then(|moment| moment.parent()) {
            steps += 1;
            if next == name || steps > self.list.len() {
                let other = above.map_or(next, Moment::name);
                return Err(invalid(format!("parent {parent} would create cycle to {other}")));
            }
            above = self.find(next);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Named(&'static str, Option<String>);

    impl Moment for Named {
        fn name(&self) -> &str {
            self.0
        }
        fn parent(&self) -> Option<&str> {
            self.1.as_deref()
        }
        fn set_parent(&mut self, parent: Option<String>) {
            self.1 = parent;
        }
    }

    /// a, with b and c below it, and d below b; d is current.
    fn tree() -> Moments<Named> {
        let mut tree = Moments::default();
        for (name, parent) in [("a", None), ("b", Some("a")), ("c", Some("a")), ("d", Some("b"))] {
            tree.add(Named(name, parent.map(str::to_owned))).unwrap();
        }
        tree.set_current(Some("d".to_owned()));
        tree
    }

    fn names(list: Vec<&Named>) -> String {
        list.iter().map(|moment| moment.0).collect()
    }

    #[test]
    fn listings_follow_the_tree() {
        let tree = tree();
        assert_eq!(names(tree.list(From::Domain { roots: false }, None, |_| true)), "abcd");
        assert_eq!(names(tree.list(From::Domain { roots: true }, None, |_| true)), "a");
        assert_eq!(names(tree.list(From::Moment { name: "a", descendants: false }, None, |_| true)), "bc");
        assert_eq!(names(tree.list(From::Moment { name: "a", descendants: true }, None, |_| true)), "bcd");
        assert_eq!(names(tree.list(From::Domain { roots: false }, Some(true), |_| true)), "cd");
        assert_eq!(names(tree.list(From::Domain { roots: false }, Some(false), |_| true)), "ab");
    }

    #[test]
    fn children_stay_or_go() {
        let mut moments = tree();
        moments.delete("b", Children::Stay);
        assert_eq!(moments.find("d").unwrap().parent(), Some("a"));
        let mut moments = tree();
        moments.delete("b", Children::Go);
        assert_eq!(names(moments.list(From::Domain { roots: false }, None, |_| true)), "ac");
        assert_eq!(moments.current().unwrap().name(), "a");
        let mut moments = tree();
        moments.delete("a", Children::GoAlone);
        assert_eq!(moments.len(), 1);
        assert_eq!(moments.current().unwrap().name(), "a");
    }

    #[test]
    fn nobody_is_below_itself() {
        let tree = tree();
        assert!(tree.check_parent("e", Some("d")).is_ok());
        assert!(tree.check_parent("a", Some("a")).is_err());
        assert!(tree.check_parent("a", Some("d")).unwrap_err().message().contains("cycle"));
        assert!(tree.check_parent("e", Some("x")).unwrap_err().message().contains("not found"));
    }
}
