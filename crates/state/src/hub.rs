//! Tells many subscribers what happens, without ever waiting for one of them.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;

/// Passes events on to subscribers, each through a queue of bounded length.
pub struct Hub<T>(Mutex<Vec<mpsc::Sender<Arc<T>>>>);

/// Events for one subscriber. It ends when the subscriber was too slow: then it was dropped, and only it.
#[derive(Debug)]
pub struct Subscription<T>(mpsc::Receiver<Arc<T>>);

impl<T> Default for Hub<T> {
    fn default() -> Self {
        Hub(Mutex::new(Vec::new()))
    }
}

impl<T> std::fmt::Debug for Hub<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Hub")
    }
}

impl<T> Hub<T> {
    /// A subscriber that may lag behind by `bound` events.
    pub fn subscribe(&self, bound: usize) -> Subscription<T> {
        let (sender, receiver) = mpsc::channel(bound.max(1));
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(sender);
        Subscription(receiver)
    }

    /// Tells everyone, in the order of the calls; never waits. A subscriber whose queue is full loses its
    /// subscription.
    pub fn publish(&self, event: T) {
        let mut subscribers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if subscribers.is_empty() {
            return;
        }
        let event = Arc::new(event);
        subscribers.retain(|s| match s.try_send(Arc::clone(&event)) {
            Ok(()) => true,
            Err(TrySendError::Closed(_)) => false,
            Err(TrySendError::Full(_)) => {
                tracing::warn!("a subscriber that does not read its events was dropped");
                false
            }
        });
    }

    /// How many subscribers there are.
    pub fn subscribers(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

impl<T> Subscription<T> {
    /// The next event; `None` once the subscription has ended.
    pub async fn next(&mut self) -> Option<Arc<T>> {
        self.0.recv().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_slow_subscriber_is_dropped_and_only_it() {
        let hub = Hub::default();
        let (mut slow, mut quick) = (hub.subscribe(1), hub.subscribe(8));
        for n in 0..3 {
            hub.publish(n);
        }
        assert_eq!(hub.subscribers(), 1);
        for n in 0..3 {
            assert_eq!(quick.next().await.as_deref(), Some(&n));
        }
        assert_eq!(slow.next().await.as_deref(), Some(&0));
        assert!(slow.next().await.is_none());
        drop(quick);
        hub.publish(9);
        assert_eq!(hub.subscribers(), 0);
    }
}
