//! The list of what Python sees.

mod activation;
mod arrays;
mod claims;
mod drafts;
mod enter;
mod errors;
mod facts;
mod graph;
mod graph_edges;
mod graph_hyperedges;
mod graph_ids;
mod graph_walks;
mod kvcache_arrays;
mod kvcache_attention;
mod kvcache_codes;
mod kvcache_quantizers;
mod kvcache_scores;
mod kvcache_selection;
mod links;
mod lsh;
mod migration;
mod namespace;
mod query;
mod rabitq;
mod recalling;
mod rows;
mod segmentation;
mod store;
mod timeline;
mod timeline_follow;
mod timeline_nodes;
mod timeline_search;
mod uses;
mod vector_index;
mod when;

use pyo3::prelude::*;

/// The native half of `recollect`; use the package, not this module.
#[pymodule(gil_used = false)]
mod _native {
    #[pymodule_export]
    use super::activation::{
        History, activation_lowest, activation_of_ages, activation_rehearse, activation_sampled_below,
    };
    #[pymodule_export]
    use super::claims::Claims;
    #[pymodule_export]
    use super::facts::Facts;
    #[pymodule_export]
    use super::graph::Graph;
    #[pymodule_export]
    use super::graph_walks::graph_standing_out;
    #[pymodule_export]
    use super::kvcache_attention::{
        kvcache_attend, kvcache_decoded, kvcache_products, kvcache_received, kvcache_weighted_sums,
    };
    #[pymodule_export]
    use super::kvcache_quantizers::{kvcache_float8_codes, kvcache_turned_codes, kvcache_whole_codes};
    #[pymodule_export]
    use super::kvcache_scores::{kvcache_cosines, kvcache_directions, kvcache_lag_relative, kvcache_lengths};
    #[pymodule_export]
    use super::kvcache_selection::{kvcache_gather, kvcache_move_front, kvcache_select};
    #[pymodule_export]
    use super::links::Links;
    #[pymodule_export]
    use super::lsh::{LshIndex, lsh_collision};
    #[pymodule_export]
    use super::migration::Migration;
    #[pymodule_export]
    use super::namespace::Namespace;
    #[pymodule_export]
    use super::query::pack;
    #[pymodule_export]
    use super::rabitq::RabitqCodes;
    #[pymodule_export]
    use super::recalling::{recall, sentences};
    #[pymodule_export]
    use super::segmentation::{Segmenter, segmentation_merge, segmentation_segment};
    #[pymodule_export]
    use super::store::Store;
    #[pymodule_export]
    use super::timeline::Timeline;
    #[pymodule_export]
    use super::uses::Uses;
    #[pymodule_export]
    use super::vector_index::VectorIndex;
    #[pymodule_export]
    use super::version;

    use numpy::{PyArray1, PyArrayMethods};
    use pyo3::prelude::*;

    /// Meets NumPy while the module is imported: what it looks up on the first array would turn a Ctrl-C into a panic.
    #[pymodule_init]
    fn meet_numpy(module: &Bound<'_, PyModule>) -> PyResult<()> {
        PyArray1::<f32>::zeros(module.py(), 0, false).try_readonly()?;
        Ok(())
    }
}

/// Version of the native half.
#[pyfunction]
fn version() -> &'static str {
    env!("CARGO_PKG_VERSION")
}
