//! A tree of moments. Each knows its parent by name; one whose parent is not there is a root.

use std::sync::Arc;

use virtus_base::{Error, ErrorCode, ErrorDomain, Result};

use super::Moment;

/// The moments of one kind that a domain has, in the order they came.
#[derive(Clone, Debug)]
pub struct Tree<T> {
    moments: Vec<Arc<T>>,
    current: Option<String>,
}

impl<T> Default for Tree<T> {
    fn default() -> Self {
        Tree { moments: Vec::new(), current: None }
    }
}

impl<T: Moment> Tree<T> {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.moments.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.moments.is_empty()
    }

    /// The moment of this name.
    pub fn get(&self, name: &str) -> Option<&Arc<T>> {
        self.moments.iter().find(|moment| moment.name() == name)
    }

    /// The moment the domain is on.
    pub fn current(&self) -> Option<&Arc<T>> {
        self.get(self.current.as_deref()?)
    }

    /// Has the domain be on another moment, or on none.
    pub fn set_current(&mut self, name: Option<String>) {
        self.current = name;
    }

    /// Adds a moment, or replaces the one of its name.
    pub fn insert(&mut self, moment: T) {
        match self.moments.iter_mut().find(|known| known.name() == moment.name()) {
            Some(known) => *known = Arc::new(moment),
            None => self.moments.push(Arc::new(moment)),
        }
    }

    /// Takes a moment out; those that build on it build on its parent then. Tells which they are.
    pub fn remove(&mut self, name: &str) -> Vec<String> {
        let parent = self.get(name).and_then(|moment| moment.parent()).map(str::to_owned);
        self.moments.retain(|moment| moment.name() != name);
        let mut moved = Vec::new();
        for moment in self.moments.iter_mut().filter(|moment| moment.parent() == Some(name)) {
            let mut changed = T::clone(moment);
            changed.set_parent(parent.clone());
            moved.push(changed.name().to_owned());
            *moment = Arc::new(changed);
        }
        if self.current.as_deref() == Some(name) {
            self.current = parent.filter(|parent| self.get(parent).is_some());
        }
        moved
    }

    /// Those without a parent.
    pub fn roots(&self) -> Vec<&Arc<T>> {
        let is_root = |moment: &&Arc<T>| moment.parent().is_none_or(|parent| self.get(parent).is_none());
        self.moments.iter().filter(is_root).collect()
    }

    /// Those that build on one directly.
    pub fn children(&self, name: &str) -> Vec<&Arc<T>> {
        self.moments.iter().filter(|moment| moment.parent() == Some(name)).collect()
    }

    /// Those that build on one, parents before their children.
    pub fn descendants(&self, name: &str) -> Vec<&Arc<T>> {
        self.below(self.children(name))
    }

    /// All, parents before their children.
    pub fn all(&self) -> Vec<&Arc<T>> {
        self.below(self.roots())
    }

    fn below<'a>(&'a self, from: Vec<&'a Arc<T>>) -> Vec<&'a Arc<T>> {
        let mut found: Vec<&Arc<T>> = Vec::new();
        let mut next = from;
        while let Some(moment) = next.first().copied() {
            next.remove(0);
            // files that somebody edited may go round in circles
            if found.iter().any(|known| known.name() == moment.name()) {
                continue;
            }
            found.push(moment);
            let mut children = self.children(moment.name());
            children.append(&mut next);
            next = children;
        }
        found
    }

    /// Makes sure that a moment of this name can build on `parent`.
    ///
    /// # Errors
    /// `INVALID_ARG` when there is no such parent, or when it builds on the moment itself.
    pub fn check_parent(&self, name: &str, parent: &str) -> Result<()> {
        let wrong = |text: String| Err(Error::new(ErrorDomain::DOMAIN, ErrorCode::INVALID_ARG, text));
        if parent == name {
            return wrong(format!("cannot set moment {name} as its own parent"));
        }
        if self.get(parent).is_none() {
            return wrong(format!("parent {parent} for moment {name} not found"));
        }
        let mut above = self.get(parent);
        let mut steps = self.moments.len();
        while let Some(moment) = above.filter(|_| steps > 0) {
            match moment.parent() {
                Some(next) if next == name => {
                    return wrong(format!("parent {} would create cycle to {name}", moment.name()));
                }
                next => above = next.and_then(|next| self.get(next)),
            }
            steps -= 1;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Debug)]
    struct Point(&'static str, Option<String>);

    impl Moment for Point {
        const KIND: &'static str = "point";
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

    fn tree(points: &[(&'static str, &str)]) -> Tree<Point> {
        let mut tree = Tree::default();
        for (name, parent) in points {
            tree.insert(Point(name, (!parent.is_empty()).then(|| (*parent).to_owned())));
        }
        tree
    }

    fn names(list: &[&Arc<Point>]) -> String {
        list.iter().map(|point| point.name()).collect()
    }

    #[test]
    fn parents_come_before_their_children() {
        let tree = tree(&[("c", "b"), ("a", ""), ("b", "a"), ("d", "a"), ("e", "gone")]);
        assert_eq!(names(&tree.all()), "abcde");
        assert_eq!(names(&tree.roots()), "ae");
        assert_eq!(names(&tree.children("a")), "bd");
        assert_eq!(names(&tree.descendants("a")), "bcd");
        // files may say anything
        assert_eq!(names(&self::tree(&[("x", "y"), ("y", "x")]).descendants("x")), "yx");
    }

    #[test]
    fn who_goes_leaves_its_children_to_its_parent() {
        let mut tree = tree(&[("a", ""), ("b", "a"), ("c", "b")]);
        tree.set_current(Some("b".to_owned()));
        assert_eq!(tree.remove("b"), ["c"]);
        assert_eq!(names(&tree.children("a")), "c");
        assert_eq!(tree.current().unwrap().name(), "a");
    }

    #[test]
    fn nobody_is_its_own_ancestor() {
        let tree = tree(&[("a", ""), ("b", "a"), ("c", "b")]);
        let why = |name, parent| tree.check_parent(name, parent).unwrap_err().message().to_owned();
        assert_eq!(why("a", "a"), "invalid argument: cannot set moment a as its own parent");
        assert_eq!(why("a", "z"), "invalid argument: parent z for moment a not found");
        assert_eq!(why("a", "c"), "invalid argument: parent b would create cycle to a");
        assert!(tree.check_parent("d", "c").is_ok());
    }
}
