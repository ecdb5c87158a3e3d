//! A system behind a pointer, for checks that do by hand what no plan says.
//!
//! A run never goes this way: it would box a future per hand-over. Checks do
//! not mind, and gain by it: a program that is generic over systems has every
//! client of every broker compiled once more, for futures are compiled where
//! they are waited for.

use std::pin::Pin;

use schedbench_adapters::{visit, visit_in_child};
use schedbench_contract::{
    Adapter, Backlog, Endpoints, Launch, Producer, Profile, Recorder, Result, Server, Task, TaskId,
    Visit, Work, WorkersShape,
};

/// What a system says in the end.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T>> + Send + 'a>>;

/// An [`Adapter`] whose type is not known. Each method is that one's of its
/// name, with its errors.
pub trait Held: Send + Sync {
    /// See [`Adapter::producer`].
    fn producer(&self, log: Recorder) -> Answer<'_, Box<dyn HeldProducer>>;
    /// See [`Adapter::workers`].
    ///
    /// # Errors
    /// The work asks for something the system does not do.
    fn workers(&self, work: &Work, log: Recorder) -> Result<Launch>;
    /// See [`Adapter::backlog`].
    fn backlog(&self) -> Answer<'_, Backlog>;
    /// See [`Adapter::consumers`].
    fn consumers(&self) -> Answer<'_, Option<u32>>;
    /// See [`Adapter::server`].
    fn server(&self) -> Answer<'_, Option<Server>>;
    /// See [`Adapter::purge`].
    fn purge(&self) -> Answer<'_, ()>;
    /// See [`Adapter::close`].
    fn close(self: Box<Self>) -> Answer<'static, ()>;
}

impl<A: Adapter> Held for A {
    fn producer(&self, log: Recorder) -> Answer<'_, Box<dyn HeldProducer>> {
        Box::pin(async move {
            let producer = Adapter::producer(self, log).await?;
            Ok(Box::new(producer) as Box<dyn HeldProducer>)
        })
    }

    fn workers(&self, work: &Work, log: Recorder) -> Result<Launch> {
        Adapter::workers(self, work, log)
    }

    fn backlog(&self) -> Answer<'_, Backlog> {
        Box::pin(Adapter::backlog(self))
    }

    fn consumers(&self) -> Answer<'_, Option<u32>> {
        Box::pin(Adapter::consumers(self))
    }

    fn server(&self) -> Answer<'_, Option<Server>> {
        Box::pin(Adapter::server(self))
    }

    fn purge(&self) -> Answer<'_, ()> {
        Box::pin(Adapter::purge(self))
    }

    fn close(self: Box<Self>) -> Answer<'static, ()> {
        Box::pin(Adapter::close(*self))
    }
}

/// A [`Producer`] whose type is not known.
pub trait HeldProducer: Send {
    /// See [`Producer::submit`].
    fn submit<'a>(&'a mut self, batch: &'a [Task<'a>]) -> Answer<'a, usize>;
    /// See [`Producer::cancel`].
    fn cancel(&mut self, id: TaskId) -> Answer<'_, bool>;
    /// See [`Producer::settle`].
    fn settle(&mut self) -> Answer<'_, ()>;
}

impl<P: Producer> HeldProducer for P {
    fn submit<'a>(&'a mut self, batch: &'a [Task<'a>]) -> Answer<'a, usize> {
        Box::pin(Producer::submit(self, batch))
    }

    fn cancel(&mut self, id: TaskId) -> Answer<'_, bool> {
        Box::pin(Producer::cancel(self, id))
    }

    fn settle(&mut self) -> Answer<'_, ()> {
        Box::pin(Producer::settle(self))
    }
}

/// Opens the system named `name`; `None` where this build has none.
pub fn hold<'a>(
    name: &str,
    at: &'a Endpoints,
    profile: &'static Profile,
    shape: &'a WorkersShape,
) -> Option<Answer<'a, Box<dyn Held>>> {
    visit(name, Open { at, profile, shape })
}

/// The same of a system in process, whole in a child, which can be killed.
pub fn hold_in_child<'a>(
    name: &str,
    at: &'a Endpoints,
    profile: &'static Profile,
    shape: &'a WorkersShape,
) -> Option<Answer<'a, Box<dyn Held>>> {
    visit_in_child(name, Open { at, profile, shape })
}

struct Open<'a> {
    at: &'a Endpoints,
    profile: &'static Profile,
    shape: &'a WorkersShape,
}

impl<'a> Visit for Open<'a> {
    type Out = Answer<'a, Box<dyn Held>>;

    fn visit<A: Adapter>(self) -> Self::Out {
        Box::pin(async move {
            let system = A::open(self.at, self.profile, self.shape).await?;
            Ok(Box::new(system) as Box<dyn Held>)
        })
    }
}
