//! Published numbers, and push against dense iteration.

mod fading;
mod spreading;
