//! The user's function, without its types.

use core::error::Error;
use core::future::Future;
use core::pin::Pin;

use super::error::LoadError;
use super::loaded::Loaded;
use crate::scheduler::Budget;
use crate::sync::Arc;

pub(super) type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// What a loader brought for its keys.
pub(super) type Batch<K, V> = Result<Vec<(K, Loaded<V>)>, LoadError>;

type One<K, V> = dyn Fn(K, Budget) -> BoxFuture<Result<Loaded<V>, LoadError>> + Send + Sync;

type Many<K, V> = dyn Fn(Vec<K>, Budget) -> BoxFuture<Batch<K, V>> + Send + Sync;

/// How keys are loaded, alone and several at once.
pub(super) struct Loader<K, V> {
    one: Box<One<K, V>>,
    many: Option<(usize, Box<Many<K, V>>)>,
}

impl<K, V> Loader<K, V>
where
    K: Clone + Send + 'static,
    V: Send + 'static,
{
    /// A loader that makes futures.
    pub(super) fn futures<F, Fut, L, E>(load: F) -> Self
    where
        F: Fn(K, Budget) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<L, E>> + Send + 'static,
        L: Into<Loaded<V>>,
        E: Into<Box<dyn Error + Send + Sync>>,
    {
        let one = move |key, budget| -> BoxFuture<_> {
            let loading = load(key, budget);
            Box::pin(async { loading.await.map(Into::into).map_err(LoadError::failed) })
        };
        Self { one: Box::new(one), many: None }
    }

    /// A loader that is a plain function.
    pub(super) fn function<F, L, E>(load: F) -> Self
    where
        F: Fn(&K, Budget) -> Result<L, E> + Send + Sync + 'static,
        L: Into<Loaded<V>>,
        E: Into<Box<dyn Error + Send + Sync>>,
    {
        let load = Arc::new(load);
        let one = move |key: K, budget| -> BoxFuture<_> {
            let load = load.clone();
            Box::pin(async move { load(&key, budget).map(Into::into).map_err(LoadError::failed) })
        };
        Self { one: Box::new(one), many: None }
    }

    /// Another function for several keys at once.
    pub(super) fn set_many<F, Fut, L, E>(&mut self, most: usize, load: F)
    where
        F: Fn(Vec<K>, Budget) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Vec<(K, L)>, E>> + Send + 'static,
        L: Into<Loaded<V>>,
        E: Into<Box<dyn Error + Send + Sync>>,
    {
        let many = move |keys, budget| -> BoxFuture<_> {
            let loading = load(keys, budget);
            Box::pin(async {
                let loaded = loading.await.map_err(LoadError::failed)?;
                Ok(loaded.into_iter().map(|(key, value)| (key, value.into())).collect())
            })
        };
        self.many = Some((most.max(1), Box::new(many)));
    }

    /// How many keys are loaded at once, at most.
    pub(super) fn most(&self) -> usize {
        self.many.as_ref().map_or(1, |(most, _)| *most)
    }

    /// Loads at most as many keys as that. It is the user's code, which may panic.
    pub(super) fn load(&self, mut keys: Vec<K>, budget: Budget) -> BoxFuture<Batch<K, V>> {
        match &self.many {
            Some((_, many)) if keys.len() > 1 => many(keys, budget),
            _ => {
                let Some(key) = keys.pop() else { return Box::pin(async { Ok(Vec::new()) }) };
                let loading = (self.one)(key.clone(), budget);
                Box::pin(async move { Ok(vec![(key, loading.await?)]) })
            }
        }
    }
}
