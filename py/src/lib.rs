//! `dsrkit._native`: converts in, calls one function of the core, converts out. The public Python
//! classes are thin and stand in `python/dsrkit`.

use pyo3::prelude::*;

mod callback;
mod client;
mod columns;
mod convert;
mod door;
mod drift;
mod error;
mod flow;
mod gate;
mod ids;
mod log;
mod mixpanel;
mod mixpeek;
mod options;
mod sandbox;
mod settings;
mod tables;

#[pymodule]
mod _native {
    #[pymodule_export]
    use crate::callback::{receive_callback, verify_callback};
    #[pymodule_export]
    use crate::client::Client;
    #[pymodule_export]
    use crate::door::Work;
    #[cfg(feature = "failpoints")]
    #[pymodule_export]
    use crate::door::panic_after;
    #[pymodule_export]
    use crate::drift::drift;
    #[pymodule_export]
    use crate::error::error_kinds;
    #[pymodule_export]
    use crate::flow::flow;
    #[pymodule_export]
    use crate::gate::Events;
    #[pymodule_export]
    use crate::ids::{Ids, view_spans};
    #[pymodule_export]
    use crate::log::flush_logs;
    #[pymodule_export]
    use crate::mixpanel::Mixpanel;
    #[pymodule_export]
    use crate::mixpeek::{Mixpeek, MixpeekClient};
    #[pymodule_export]
    use crate::sandbox::Sandbox;
    #[pymodule_export]
    use crate::settings::{check_settings, default_settings};
    #[pymodule_export]
    use crate::tables::table_schema;

    #[pymodule_export]
    #[allow(non_upper_case_globals)] // Python's own spelling
    const __version__: &str = dsrkit::VERSION;
}
