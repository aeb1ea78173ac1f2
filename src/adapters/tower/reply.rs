//! What a caller hears in the stead of the service's answer.

use super::error::{Error, Rejection};

/// How a layer says no: with an error or with a response. [`Fail`] and [`Answer`] are those that
/// there are; see [`Builder::answer`](super::Builder::answer).
pub trait Reply<Response, E> {
    /// The error type of the layer's services.
    type Error;

    /// The outcome of a call that the layer rejects.
    ///
    /// # Errors
    ///
    /// If the caller is told so.
    fn reject(&self, rejection: &Rejection) -> Result<Response, Self::Error>;

    /// The error of a call that the service failed.
    fn fail(&self, error: E) -> Self::Error;
}

/// A rejection is an error: [`Error`], which the service's own errors go through as well.
#[derive(Clone, Copy, Debug, Default)]
pub struct Fail;

/// A rejection is a response, which this function makes; errors are those of the service.
#[derive(Clone, Copy, Debug)]
pub struct Answer<F>(pub(super) F);

impl<Response, E> Reply<Response, E> for Fail {
    type Error = Error<E>;

    fn reject(&self, rejection: &Rejection) -> Result<Response, Error<E>> {
        Err(Error::Rejected(*rejection))
    }

    fn fail(&self, error: E) -> Error<E> {
        Error::Service(error)
    }
}

impl<Response, E, F: Fn(&Rejection) -> Response> Reply<Response, E> for Answer<F> {
    type Error = E;

    fn reject(&self, rejection: &Rejection) -> Result<Response, E> {
        Ok((self.0)(rejection))
    }

    fn fail(&self, error: E) -> E {
        error
    }
}
