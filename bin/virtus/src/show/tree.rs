//! Things below each other, as a tree of text.

/// A line and the line it hangs from.
pub(crate) struct Node<'a> {
    pub(crate) name: &'a str,
    pub(crate) parent: Option<&'a str>,
}

/// The tree under the node at `root`.
pub(crate) fn draw(nodes: &[Node<'_>], root: usize) -> String {
    let mut text = String::new();
    let mut on_path = vec![false; nodes.len()];
    branch(nodes, root, root, true, &mut String::new(), &mut on_path, &mut text);
    text
}

fn branch(
    nodes: &[Node<'_>],
    at: usize,
    last: usize,
    root: bool,
    indent: &mut String,
    on_path: &mut [bool],
    text: &mut String,
) {
    // a daemon that says that things hang from each other in a circle
    if std::mem::replace(&mut on_path[at], true) {
        return;
    }
    let name = nodes[at].name;
    *text += &format!("{indent}{}{name}\n", if root { "" } else { "+- " });
    if !root {
        indent.push_str(if at == last { "  " } else { "| " });
    }
    let children: Vec<usize> = (0..nodes.len()).filter(|i| nodes[*i].parent == Some(name)).collect();
    if !children.is_empty() {
        *text += &format!("{indent}  |\n");
    }
    indent.push_str("  ");
    for child in &children {
        branch(nodes, *child, children[children.len() - 1], false, indent, on_path, text);
    }
    indent.truncate(indent.len() - 2);
    if children.is_empty() && at == last {
        *text += &format!("{indent}\n");
    }
    if !root {
        indent.truncate(indent.len() - 2);
    }
    on_path[at] = false;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_has_branches() {
        let nodes = [("a", None), ("b", Some("a")), ("c", Some("a")), ("d", Some("b"))];
        let nodes = nodes.map(|(name, parent)| Node { name, parent });
        assert_eq!(draw(&nodes, 0), "a\n  |\n  +- b\n  |   |\n  |   +- d\n  |     \n  +- c\n    \n");
    }
}
