//! Looks a domain up by its name many times, and says how long one takes: `lookup URI NAME COUNT [THREADS]`.

use std::time::Instant;

use virtus::{Connection, calls::Remote};

fn main() -> virtus::Result<()> {
    let mut args = std::env::args().skip(1);
    let uri = args.next().unwrap_or_else(|| "qemu:///system".to_owned());
    let name = args.next().unwrap_or_else(|| "alpha".to_owned());
    let mut number = |default: u32| args.next().and_then(|n| n.parse().ok()).unwrap_or(default);
    let (count, threads) = (number(10_000), number(1));
    let connection = Connection::open(&uri)?;
    let start = Instant::now();
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .map(|_| {
                scope.spawn(|| {
                    (0..count).try_for_each(|_| {
                        connection.call(Remote::domain_lookup_by_name(name.clone())).map(drop)
                    })
                })
            })
            .collect();
        workers.into_iter().try_for_each(|w| w.join().unwrap_or(Ok(())))
    })?;
    let calls = f64::from(count) * f64::from(threads);
    println!("{calls} calls, {:.1} us each", start.elapsed().as_secs_f64() * 1e6 / calls);
    Ok(())
}
