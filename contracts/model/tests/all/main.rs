//! Tests of the model, one file a part.

mod channels;
mod corpus;
mod hostile;
mod malformed;
mod references;
mod schema;
mod shared;
mod source;
