//! What the calls about snapshots and about checkpoints have in common: which of a tree they list, and what goes.

use std::sync::Arc;

use virtus_base::{ErrorCode, Result};
use virtus_conf::moment::{Moment, Tree};

use crate::error::generic;

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

/// The moments of a listing, parents before children. `leaves` says whether only those without children are wanted,
/// or only those with.
pub(crate) fn list<'a, T: Moment>(
    tree: &'a Tree<T>,
    from: From<'_>,
    leaves: Option<bool>,
    wanted: impl Fn(&T) -> bool,
) -> Vec<&'a Arc<T>> {
    let found = match from {
        From::Domain { roots: false } => tree.all(),
        From::Domain { roots: true } => tree.roots(),
        From::Moment { name, descendants: true } => tree.descendants(name),
        From::Moment { name, descendants: false } => tree.children(name),
    };
    let is = |moment: &T| leaves.is_none_or(|leaf| leaf == tree.children(moment.name()).is_empty());
    found.into_iter().filter(|moment| is(moment) && wanted(moment)).collect()
}

/// Takes a moment in that is there no second time.
///
/// # Errors
/// `OPERATION_FAILED` when there is one of its name.
pub(crate) fn add<T: Moment>(tree: &mut Tree<T>, moment: T) -> Result<()> {
    if tree.get(moment.name()).is_some() {
        let text = format!("domain moment {} already exists", moment.name());
        return Err(generic(ErrorCode::OPERATION_FAILED, text));
    }
    tree.insert(moment);
    Ok(())
}

/// Takes one away, and with it those below it or not.
pub(crate) fn delete<T: Moment>(tree: &mut Tree<T>, name: &str, children: Children) {
    if children != Children::Stay {
        let below: Vec<String> =
            tree.descendants(name).iter().map(|moment| moment.name().to_owned()).collect();
        if tree.current().is_some_and(|current| below.iter().any(|gone| gone == current.name())) {
            tree.set_current(Some(name.to_owned()));
        }
        // children first, so that nobody gets another parent
        for gone in below.iter().rev() {
            tree.remove(gone);
        }
    }
    if children != Children::GoAlone {
        tree.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Debug)]
    struct Named(&'static str, Option<String>);

    impl Moment for Named {
        const KIND: &'static str = "named";
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
    fn tree() -> Tree<Named> {
        let mut tree = Tree::default();
        for (name, parent) in [("a", None), ("b", Some("a")), ("c", Some("a")), ("d", Some("b"))] {
            add(&mut tree, Named(name, parent.map(str::to_owned))).unwrap();
        }
        tree.set_current(Some("d".to_owned()));
        tree
    }

    fn names(tree: &Tree<Named>, from: From<'_>, leaves: Option<bool>) -> String {
        list(tree, from, leaves, |_| true).iter().map(|moment| moment.0).collect()
    }

    const ALL: From<'_> = From::Domain { roots: false };

    #[test]
    fn listings_follow_the_tree() {
        let tree = tree();
        assert_eq!(names(&tree, ALL, None), "abdc");
        assert_eq!(names(&tree, From::Domain { roots: true }, None), "a");
        assert_eq!(names(&tree, From::Moment { name: "a", descendants: false }, None), "bc");
        assert_eq!(names(&tree, From::Moment { name: "a", descendants: true }, None), "bdc");
        assert_eq!(names(&tree, ALL, Some(true)), "dc");
        assert_eq!(names(&tree, ALL, Some(false)), "ab");
    }

    #[test]
    fn children_stay_or_go() {
        let mut moments = tree();
        delete(&mut moments, "b", Children::Stay);
        assert_eq!(moments.get("d").unwrap().parent(), Some("a"));
        let mut moments = tree();
        delete(&mut moments, "b", Children::Go);
        assert_eq!(names(&moments, ALL, None), "ac");
        assert_eq!(moments.current().unwrap().name(), "a");
        let mut moments = tree();
        delete(&mut moments, "a", Children::GoAlone);
        assert_eq!(moments.len(), 1);
        assert_eq!(moments.current().unwrap().name(), "a");
    }

    #[test]
    fn nobody_is_there_twice() {
        let error = add(&mut tree(), Named("a", None)).unwrap_err();
        assert_eq!(error.code(), ErrorCode::OPERATION_FAILED);
    }
}
