//! Lists the targets.

fn main() {
    for target in virtus_fuzz::TARGETS {
        println!("{}", target.name);
    }
}
